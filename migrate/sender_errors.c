// SPDX-License-Identifier: Apache-2.0
// What could not be read, on its way to the server: ranges of bytes within chunks that were sent,
// told before the checkpoint that covers them. What is read again for a repair has to be what was
// read before, so that there is nothing new to tell.
#include "base/log.h"
#include "migrate/sender_parts.h"

enum { LINES = 32 }; // of the log

int bf_sender_nothing_readable(const struct bf_sender *s, const struct bf_slot *slot, uint32_t i)
{
    const struct bf_geometry *g = &s->disk[s->current].plan.geometry;
    uint32_t block = i * (g->chunk_size / g->block_size);
    uint32_t end = block + bf_geometry_chunk_bytes(g, slot->first + i) / g->block_size;
    while (block < end && bf_slot_is_bad(slot, block))
        block++;
    return block == end;
}

static int tell_run(struct bf_sender *s, struct bf_slot *slot, uint32_t blocks)
{
    const struct bf_sender_disk *d = &s->disk[s->current];
    const struct bf_geometry *g = &d->plan.geometry;
    struct bf_unreadable m = {d->plan.disk,
                              slot->first * g->chunk_size + (uint64_t)slot->told * g->block_size,
                              (uint64_t)blocks * g->block_size};
    uint8_t *room = bf_sender_flush_range(s) ? bf_link_room(&s->link, 64) : NULL;
    if (!room)
        return 0;
    bf_link_put(&s->link, bf_put_unreadable(room, 64, &m));
    slot->told += blocks;
    d->progress->unreadable += m.bytes;
    if (s->unreadable_told++ < LINES)
        bf_log(BF_LOG_WARNING,
               "disk %u: %llu bytes from byte %llu on cannot be read and are zero "
               "in the copy",
               d->plan.inventory_disk, (unsigned long long)m.bytes, (unsigned long long)m.offset);
    else if (s->unreadable_told == LINES + 1)
        bf_log(BF_LOG_WARNING, "more cannot be read; `bootferry points` has the list");
    return 1;
}

int bf_sender_tell_unreadable(struct bf_sender *s)
{
    const struct bf_geometry *g = &s->disk[s->current].plan.geometry;
    struct bf_slot *slot = bf_feed_ready(&s->feed, 0);
    if (!slot || !slot->unreadable || s->repair)
        return 1;
    uint32_t sent = slot->sent * (g->chunk_size / g->block_size), all = slot->bytes / g->block_size;
    if (sent > all)
        sent = all;
    while (slot->told < sent) {
        uint32_t run = 0;
        while (slot->told + run < sent && bf_slot_is_bad(slot, slot->told + run))
            run++;
        if (!run)
            slot->told++;
        else if (!tell_run(s, slot, run))
            return 0;
    }
    return 1;
}
