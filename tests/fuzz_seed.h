// SPDX-License-Identifier: Apache-2.0
// Seeds of a fuzzer, made by code when it starts: no binary files in the repository.
#ifndef BF_TESTS_FUZZ_SEED_H
#define BF_TESTS_FUZZ_SEED_H

#include <stddef.h>

// Writes seed-NUMBER into the first folder on the fuzzer's command line, where new inputs go too.
// Without a folder (the replay of one file) it does nothing.
void fuzz_seed(int argc, char **argv, unsigned number, const void *bytes, size_t len);

#endif
