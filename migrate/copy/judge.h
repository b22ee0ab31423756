// SPDX-License-Identifier: Apache-2.0
// The judging stage: whether each chunk of a slot is zero, and its digest. A slot is judged in
// parts, each a task for the workers; they may end in any order, the results are taken in that of
// the disk. Whether a chunk is what the base has is not judged here: the base may not be known yet.
#ifndef BF_MIGRATE_COPY_JUDGE_H
#define BF_MIGRATE_COPY_JUDGE_H

#include <stdint.h>

#include "migrate/copy/feed.h"
#include "migrate/workers.h"

enum { BF_JUDGE_BYTES = 256 * 1024, BF_JUDGE_PARTS = BF_DATA_MAX / BF_JUDGE_BYTES };

struct bf_judge_part {
    struct bf_task task;
    struct bf_slot *slot;
    const struct bf_geometry *geometry;
    uint32_t first, count; // chunks of the slot
};

struct bf_judge {
    struct bf_workers *workers;
    struct bf_feed *feed;
    struct bf_judge_part *part; // BF_JUDGE_PARTS for each of BF_FEED_SLOTS
    uint32_t given, taken;      // parts of the span so far
};

enum bf_err bf_judge_init(struct bf_judge *judge, struct bf_workers *workers, struct bf_feed *feed);
void bf_judge_free(struct bf_judge *judge); // nothing may be under way
// The feed has begun a span. Nothing may be under way.
void bf_judge_start(struct bf_judge *judge);

// Gives slots that are ready to the workers, in the order of the disk, a few parts ahead. Returns 1
// when it gave any.
int bf_judge_give(struct bf_judge *judge);
// How many chunks of a slot that is ready are judged, from its beginning.
uint32_t bf_judge_known(struct bf_judge *judge, struct bf_slot *slot);

#endif
