// SPDX-License-Identifier: Apache-2.0
// The map of a hostile disk, for fuzzers of one kind of file system each.
#ifndef BF_TESTS_FUZZ_MAP_H
#define BF_TESTS_FUZZ_MAP_H

#include <stddef.h>
#include <stdint.h>

// A disk of `sectors` times 512 bytes, of which the first are `bytes` and the others zeros.
// Whatever it says, the answers advance, stay on the disk, are the same in chunks, and never call
// one of the first `kept` bytes unused: aborts otherwise.
void fuzz_map(const uint8_t *bytes, size_t len, uint64_t sectors, uint64_t kept);

#endif
