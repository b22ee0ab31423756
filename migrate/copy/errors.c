// SPDX-License-Identifier: Apache-2.0
// What could not be read, on its way to the store: ranges of bytes within chunks that were given,
// told before the checkpoint that covers them. What is read again for a repair has to be what was
// read before, so that there is nothing new to tell.
#include "base/assert.h"
#include "base/log.h"
#include "migrate/copy/parts.h"

enum { LINES = 32 }; // of the log

int bf_copy_nothing_readable(const struct bf_copy *c, const struct bf_slot *slot, uint32_t i)
{
    const struct bf_geometry *g = &c->disk[c->current].plan.geometry;
    uint32_t block = i * (g->chunk_size / g->block_size);
    uint32_t end = block + bf_geometry_chunk_bytes(g, slot->first + i) / g->block_size;
    BF_ASSERT(!slot->unread && i < slot->count);
    while (block < end && bf_slot_is_bad(slot, block))
        block++;
    return block == end;
}

static enum bf_err report_run(struct bf_copy *c, struct bf_slot *slot, uint32_t blocks)
{
    const struct bf_store *store = &c->opened->store;
    const struct bf_copy_disk *d = &c->disk[c->current];
    const struct bf_geometry *g = &d->plan.geometry;
    struct bf_unreadable m = {d->plan.disk,
                              slot->first * g->chunk_size + (uint64_t)slot->told * g->block_size,
                              (uint64_t)blocks * g->block_size};
    enum bf_err err =
        store->ops->unreadable ? bf_copy_answer(c, store->ops->unreadable(store->impl, &m)) : BF_OK;
    if (err)
        return err;
    slot->told += blocks;
    d->progress->unreadable += m.bytes;
    if (c->unreadable_told++ < LINES)
        bf_log(BF_LOG_WARNING,
               "disk %u: %llu bytes from byte %llu on cannot be read and are zero "
               "in the copy",
               d->plan.inventory_disk, (unsigned long long)m.bytes, (unsigned long long)m.offset);
    else if (c->unreadable_told == LINES + 1)
        bf_log(BF_LOG_WARNING, "more cannot be read; `bootferry points` has the list");
    return BF_OK;
}

enum bf_err bf_copy_report_unreadable(struct bf_copy *c)
{
    const struct bf_geometry *g = &c->disk[c->current].plan.geometry;
    struct bf_slot *slot = bf_feed_ready(&c->feed, 0);
    enum bf_err err = BF_OK;
    if (!slot || !slot->unreadable || c->repair)
        return BF_OK;
    uint32_t sent = slot->sent * (g->chunk_size / g->block_size), all = slot->bytes / g->block_size;
    if (sent > all)
        sent = all;
    BF_ASSERT(slot->told <= sent); // nothing is told before its chunk is given
    while (!err && slot->told < sent) {
        uint32_t run = 0;
        while (slot->told + run < sent && bf_slot_is_bad(slot, slot->told + run))
            run++;
        if (!run)
            slot->told++;
        else
            err = report_run(c, slot, run);
    }
    return err;
}
