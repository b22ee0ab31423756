// SPDX-License-Identifier: Apache-2.0
// Only what is used: which parts of a disk are certainly unused, as its own file systems say. The
// maps are read from the raw disk, lazily, as the copy advances in disk order, with a fixed amount
// of memory whatever the size of the disk. They may only ever err towards copying: what no file
// system claims, what is dirty, unknown, inconsistent, ambiguous or unreadable counts as used.
#ifndef BF_IMAGE_USAGE_H
#define BF_IMAGE_USAGE_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"

struct bf_usage; // of one disk

// Looks for file systems in the partitions of a disk, or on the whole of one without a table, and
// tells the log what it found. NULL without memory or when the disk has nothing to say: all used.
// The disk stays the caller's and must outlive the map; both are used by one thread.
struct bf_usage *bf_usage_open(struct bf_source_disk *disk);
void bf_usage_free(struct bf_usage *u); // takes NULL

// The extent that begins at byte `at` (which lies on the disk): it ends before *end > at, and all
// of it is unused (1) or counts as used (0). The next extent may be of the same kind. Reads the
// disk, a bounded amount in one call. NULL is a disk that is all used.
int bf_usage_extent(struct bf_usage *u, uint64_t at, uint64_t disk_bytes, uint64_t *end);

// How many chunks from `first` on are of one kind: at least one, at most `most`, and at most
// `most_used` when they are not unused. *unused: each of them is unused as a whole. first + most
// lies within the disk.
uint64_t bf_usage_run(struct bf_usage *u, uint64_t first, uint64_t most, uint32_t most_used,
                      uint32_t chunk_size, uint64_t disk_bytes, int *unused);

#endif
