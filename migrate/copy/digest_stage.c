// SPDX-License-Identifier: Apache-2.0
// The digest stage, see migrate/copy/digest_stage.h.
#include "migrate/copy/digest_stage.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "image/swap.h"

enum bf_err bf_digest_stage_init(struct bf_digest_stage *stage, struct bf_workers *workers,
                                 struct bf_feed *feed)
{
    memset(stage, 0, sizeof *stage);
    stage->workers = workers;
    stage->feed = feed;
    stage->part = bf_alloc(BF_FEED_SLOTS * BF_DIGEST_PARTS * sizeof *stage->part);
    return stage->part ? BF_OK : BF_ERR_NO_MEMORY;
}

void bf_digest_stage_free(struct bf_digest_stage *stage)
{
    bf_free(stage->part);
    stage->part = NULL;
}

void bf_digest_stage_start(struct bf_digest_stage *stage)
{
    BF_ASSERT(bf_workers_quiet(stage->workers));
    stage->given = stage->taken = 0;
}

// ---- A task ------------------------------------------------------------------------------------

static void run(struct bf_task *task, uint32_t place)
{
    struct bf_digest_part *part = (struct bf_digest_part *)task;
    struct bf_slot *slot = part->slot;
    (void)place;
    BF_ASSERT(part->count && part->first + part->count <= slot->count);
    for (uint32_t i = part->first; i < part->first + part->count; i++) {
        const uint8_t *data = slot->data + (size_t)i * part->geometry->chunk_size;
        uint32_t len = bf_geometry_chunk_bytes(part->geometry, slot->first + i);
        slot->zero[i] = (uint8_t)bf_is_zero(data, len);
        slot->asleep[i] = 0;
        if (slot->zero[i])
            continue;
        bf_digest_of(&slot->digest[i], data, len);
        slot->asleep[i] = (uint32_t)bf_swap_find_hibernated(data, (size_t)(data - slot->data), len);
    }
}

// ---- The loop's side ---------------------------------------------------------------------------

static uint32_t chunks_in_part(const struct bf_digest_stage *stage)
{
    uint32_t chunk = stage->feed->geometry.chunk_size;
    return chunk < BF_DIGEST_PART_BYTES ? BF_DIGEST_PART_BYTES / chunk : 1;
}

static struct bf_digest_part *part_at(struct bf_digest_stage *stage, struct bf_slot *slot,
                                      uint32_t chunk)
{
    BF_ASSERT(slot - stage->feed->slot < BF_FEED_SLOTS);
    BF_ASSERT(chunk / chunks_in_part(stage) < BF_DIGEST_PARTS);
    return &stage->part[(size_t)(slot - stage->feed->slot) * BF_DIGEST_PARTS +
                        chunk / chunks_in_part(stage)];
}

static int give(struct bf_digest_stage *stage, struct bf_slot *slot)
{
    struct bf_digest_part *part = part_at(stage, slot, slot->asked);
    uint32_t left = slot->count - slot->asked, most = chunks_in_part(stage);
    BF_ASSERT(!slot->unread && !bf_task_is(&part->task, BF_TASK_GIVEN));
    part->task.run = run;
    part->slot = slot;
    part->geometry = &stage->feed->geometry;
    part->first = slot->asked;
    part->count = left < most ? left : most;
    if (!bf_workers_give(stage->workers, &part->task))
        return 0;
    slot->asked += part->count;
    stage->given++;
    return 1;
}

int bf_digest_stage_give(struct bf_digest_stage *stage)
{
    // Enough that no worker waits for the loop, few enough that what is to be compressed next does
    // not wait behind them.
    uint32_t most = 2 * (stage->workers->count + 1), before = stage->given;
    for (uint32_t n = 0; n < stage->feed->slots; n++) {
        struct bf_slot *slot = bf_feed_ready(stage->feed, n);
        if (!slot)
            break;
        while (slot->asked < slot->count)
            if (stage->given - stage->taken >= most || !give(stage, slot))
                return stage->given != before;
    }
    return stage->given != before;
}

uint32_t bf_digest_stage_done(struct bf_digest_stage *stage, struct bf_slot *slot)
{
    while (slot->hashed < slot->asked) {
        const struct bf_digest_part *part = part_at(stage, slot, slot->hashed);
        if (!bf_task_is(&part->task, BF_TASK_DONE))
            break;
        BF_ASSERT(part->slot == slot && part->first == slot->hashed);
        BF_ASSERT(stage->taken != stage->given);
        slot->hashed += part->count;
        stage->taken++;
    }
    return slot->hashed;
}
