// SPDX-License-Identifier: Apache-2.0
// A file that is too large to be held in memory, as a sequence of parts: bytes that are new, and
// ranges of a file that is on disk.
#ifndef BF_FINALIZE_CORE_PART_H
#define BF_FINALIZE_CORE_PART_H

#include <stddef.h>
#include <stdint.h>

struct bf_part {
    const void *data; // new bytes; NULL: a range
    uint64_t from;    // of a range
    uint64_t len;
};

// Their lengths, added up.
static inline uint64_t bf_parts_size(const struct bf_part *part, size_t parts)
{
    uint64_t size = 0;
    for (size_t i = 0; i < parts; i++)
        size += part[i].len;
    return size;
}

#endif
