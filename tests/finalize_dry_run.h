// SPDX-License-Identifier: Apache-2.0
// What fuzzers of the finalizer do with each input.
#ifndef BF_TESTS_FINALIZE_DRY_RUN_H
#define BF_TESTS_FINALIZE_DRY_RUN_H

#include "finalize/finalize.h"

// Has a file of the small tree (finalize_tree.h) hold the bytes for a dry run, and takes it away
// again. More bytes gone over than `most` end the program.
void fuzz_dry_run(const char *file, const void *data, size_t size, const struct bf_plan *plan,
                  const struct bf_devices *devices, size_t most);

#endif
