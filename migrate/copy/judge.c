// SPDX-License-Identifier: Apache-2.0
// The judging stage, see migrate/copy/judge.h.
#include "migrate/copy/judge.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "image/swap.h"

enum bf_err bf_judge_init(struct bf_judge *judge, struct bf_workers *workers, struct bf_feed *feed)
{
    memset(judge, 0, sizeof *judge);
    judge->workers = workers;
    judge->feed = feed;
    judge->part = bf_alloc(BF_FEED_SLOTS * BF_JUDGE_PARTS * sizeof *judge->part);
    return judge->part ? BF_OK : BF_ERR_NO_MEMORY;
}

void bf_judge_free(struct bf_judge *judge)
{
    bf_free(judge->part);
    judge->part = NULL;
}

void bf_judge_start(struct bf_judge *judge)
{
    BF_ASSERT(bf_workers_quiet(judge->workers));
    judge->given = judge->taken = 0;
}

// ---- A task ------------------------------------------------------------------------------------

static void run(struct bf_task *task, uint32_t place)
{
    struct bf_judge_part *part = (struct bf_judge_part *)task;
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

static uint32_t chunks_in_part(const struct bf_judge *judge)
{
    uint32_t chunk = judge->feed->geometry.chunk_size;
    return chunk < BF_JUDGE_BYTES ? BF_JUDGE_BYTES / chunk : 1;
}

static struct bf_judge_part *part_at(struct bf_judge *judge, struct bf_slot *slot, uint32_t chunk)
{
    BF_ASSERT(slot - judge->feed->slot < BF_FEED_SLOTS);
    BF_ASSERT(chunk / chunks_in_part(judge) < BF_JUDGE_PARTS);
    return &judge->part[(size_t)(slot - judge->feed->slot) * BF_JUDGE_PARTS +
                        chunk / chunks_in_part(judge)];
}

static int give(struct bf_judge *judge, struct bf_slot *slot)
{
    struct bf_judge_part *part = part_at(judge, slot, slot->asked);
    uint32_t left = slot->count - slot->asked, most = chunks_in_part(judge);
    BF_ASSERT(!slot->unread && !bf_task_is(&part->task, BF_TASK_GIVEN));
    part->task.run = run;
    part->slot = slot;
    part->geometry = &judge->feed->geometry;
    part->first = slot->asked;
    part->count = left < most ? left : most;
    if (!bf_workers_give(judge->workers, &part->task))
        return 0;
    slot->asked += part->count;
    judge->given++;
    return 1;
}

int bf_judge_give(struct bf_judge *judge)
{
    // Enough that no worker waits for the loop, few enough that what is to be compressed next does
    // not wait behind them.
    uint32_t most = 2 * (judge->workers->count + 1), before = judge->given;
    for (uint32_t n = 0; n < judge->feed->slots; n++) {
        struct bf_slot *slot = bf_feed_ready(judge->feed, n);
        if (!slot)
            break;
        while (slot->asked < slot->count)
            if (judge->given - judge->taken >= most || !give(judge, slot))
                return judge->given != before;
    }
    return judge->given != before;
}

uint32_t bf_judge_known(struct bf_judge *judge, struct bf_slot *slot)
{
    while (slot->known < slot->asked) {
        const struct bf_judge_part *part = part_at(judge, slot, slot->known);
        if (!bf_task_is(&part->task, BF_TASK_DONE))
            break;
        BF_ASSERT(part->slot == slot && part->first == slot->known);
        BF_ASSERT(judge->taken != judge->given);
        slot->known += part->count;
        judge->taken++;
    }
    return slot->known;
}
