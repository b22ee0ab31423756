// SPDX-License-Identifier: Apache-2.0
// How long a copy would take, from what was measured. Both ends compute it, with the same result.
#ifndef BF_MIGRATE_COPY_TIME_H
#define BF_MIGRATE_COPY_TIME_H

#include <stdint.h>

#include "net/proto/proto.h"

struct bf_copy_time {
    uint64_t bytes, used; // of all disks
    uint64_t first;       // seconds of the first copy; UINT64_MAX: something could not be timed
    uint64_t later;       // of a later one in which nothing has changed, likewise
};
// link: bytes per second on the wire, 0: not known. Each disk takes what the slowest of reading,
// computing and sending takes; a later copy reads and computes as much, and sends next to nothing.
void bf_copy_time(struct bf_copy_time *out, const struct bf_assessment *a, uint64_t link);

#endif
