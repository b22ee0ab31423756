// SPDX-License-Identifier: Apache-2.0
// The digest stage: whether each chunk of a slot is zero, and its digest. A slot is hashed in
// parts, each a task for the workers; they may end in any order, the results are taken in that of
// the disk. Whether a chunk is what the base has is decided later (migrate/copy/class.c): the base
// may not be known yet.
#ifndef BF_MIGRATE_COPY_DIGEST_STAGE_H
#define BF_MIGRATE_COPY_DIGEST_STAGE_H

#include <stdint.h>

#include "migrate/copy/feed.h"
#include "migrate/workers.h"

enum { BF_DIGEST_PART_BYTES = 256 * 1024, BF_DIGEST_PARTS = BF_DATA_MAX / BF_DIGEST_PART_BYTES };

struct bf_digest_part {
    struct bf_task task;
    struct bf_slot *slot;
    const struct bf_geometry *geometry;
    uint32_t first, count; // chunks of the slot
};

struct bf_digest_stage {
    struct bf_workers *workers;
    struct bf_feed *feed;
    struct bf_digest_part *part; // BF_DIGEST_PARTS for each of BF_FEED_SLOTS
    uint32_t given, taken;       // parts of the span so far
};

enum bf_err bf_digest_stage_init(struct bf_digest_stage *stage, struct bf_workers *workers,
                                 struct bf_feed *feed);
void bf_digest_stage_free(struct bf_digest_stage *stage); // nothing may be under way
// The feed has begun a span. Nothing may be under way.
void bf_digest_stage_start(struct bf_digest_stage *stage);

// Gives slots that are ready to the workers, in the order of the disk, a few parts ahead. Returns 1
// when it gave any.
int bf_digest_stage_give(struct bf_digest_stage *stage);
// How many chunks of a slot that is ready are hashed, from its beginning.
uint32_t bf_digest_stage_done(struct bf_digest_stage *stage, struct bf_slot *slot);

#endif
