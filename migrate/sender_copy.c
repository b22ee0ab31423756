// SPDX-License-Identifier: Apache-2.0
// Copying: which span of which disk is read, from where, and what has to follow it. Judging and
// compression run ahead of sending (migrate/sender_data.c), so that a slow link and a busy
// processor overlap; sending keeps the order of the disk, in which the root is formed as well.
// Repairs take the same way without base, order and root.
#include <string.h>

#include "migrate/sender_parts.h"

enum {
    CHECKPOINT_BYTES = 32 * 1024 * 1024,
    CHECKPOINT_US = 1000000,
    SLOW_READ_US = 1000000,          // of a blocking driver, beyond which the server is told
    STABLE_BYTES = 16 * 1024 * 1024, // after which a connection counts as a good one
};

uint64_t bf_sender_position(const struct bf_sender_disk *d, uint64_t chunk)
{
    uint64_t bytes = chunk * d->plan.geometry.chunk_size;
    return bytes < d->plan.geometry.disk_bytes ? bytes : d->plan.geometry.disk_bytes;
}

// ---- Where to begin ----------------------------------------------------------------------------

// Forgets marks beyond what the server has: copying will pass there again. In a new session these
// are all.
static void forget_marks(struct bf_sender *s, uint16_t index, uint64_t beyond)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->marks; i++)
        if (s->mark[i].disk != index || s->mark[i].chunk <= beyond)
            s->mark[kept++] = s->mark[i];
    s->marks = kept;
}

static const struct bf_mark *best_mark(const struct bf_sender *s, uint16_t index, uint64_t chunk)
{
    const struct bf_mark *best = NULL;
    for (uint32_t i = 0; i < s->marks; i++)
        if (s->mark[i].disk == index && s->mark[i].chunk <= chunk)
            if (!best || s->mark[i].chunk > best->chunk)
                best = &s->mark[i];
    return best;
}

// When all places are taken every second one is given up: copying can still continue from a mark
// before the durable point, only a little earlier.
static void add_mark(struct bf_sender *s)
{
    if (s->marks == BF_MARKS) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < s->marks; i += 2)
            s->mark[kept++] = s->mark[i];
        s->marks = kept;
    }
    s->mark[s->marks].disk = s->current;
    s->mark[s->marks].chunk = s->sent;
    s->mark[s->marks].unreadable = s->disk[s->current].progress->unreadable;
    s->mark[s->marks++].root = s->root;
}

// More is durable than ever before in this session: the failures until now were no hindrance.
static void gets_on(struct bf_sender *s, struct bf_sender_disk *d, uint64_t chunk)
{
    if (chunk <= d->furthest)
        return;
    d->furthest = chunk;
    s->failures = s->setbacks = 0;
}

void bf_sender_durable(struct bf_sender *s, uint16_t index, uint64_t chunk)
{
    struct bf_sender_disk *d = &s->disk[index];
    const struct bf_mark *best = best_mark(s, index, chunk);
    uint64_t from = best ? best->chunk : 0;
    uint32_t kept = 0;
    d->progress->durable = bf_sender_position(d, chunk);
    gets_on(s, d, chunk);
    if (s->link.bytes_out - s->greeted_bytes > STABLE_BYTES)
        s->caution = 0;
    for (uint32_t i = 0; i < s->marks; i++)
        if (s->mark[i].disk != index || s->mark[i].chunk >= from)
            s->mark[kept++] = s->mark[i];
    s->marks = kept;
}

void bf_sender_begin_copy(struct bf_sender *s)
{
    for (uint16_t i = 0; i < s->disks; i++) {
        struct bf_sender_disk *d = &s->disk[i];
        forget_marks(s, i, d->plan.resume_chunk);
        // Of a connection that broke, DURABLE may not have come, but what it was to tell holds.
        if (!s->welcome.resumed)
            d->furthest = 0;
        gets_on(s, d, d->plan.resume_chunk);
        if (d->plan.resume_chunk < bf_geometry_chunks(&d->plan.geometry))
            d->done = 0;
        d->told = d->done && d->plan.done;
        d->progress->done = d->done;
        d->progress->durable = bf_sender_position(d, d->plan.resume_chunk);
        d->progress->position = d->done ? d->progress->bytes : 0;
    }
    bf_adapt_init(&s->adapt, s->config.compression, s->caps);
    bf_adapt_processors(&s->adapt, s->work.workers->count + 1);
    s->waiting = BF_WAIT_DISK;
    s->ticked_us = s->now_us;
    s->progress.connections++;
    s->progress.phase = BF_PHASE_COPYING;
    s->welcomed = 1;
    s->state = BF_SENDER_COPY;
}

// The maps of all planned disks, turned to one of them at a time; they are kept over connections.
// When everything is copied they are there to be told about.
static struct bf_usage *usage_of(struct bf_sender *s, uint16_t index)
{
    if (s->usage_of != index)
        bf_usage_select(s->usage, s->disk[index].source);
    s->usage_of = index;
    return s->copy_whole ? NULL : s->usage;
}

static void begin_span(struct bf_sender *s, uint16_t index, uint64_t first, uint64_t end)
{
    struct bf_sender_disk *d = &s->disk[index];
    s->current = index;
    s->sent = first;
    s->span_end = end;
    s->range.count = 0;
    bf_sender_base_begin(s, first);
    s->marked_us = s->now_us;
    s->marked_chunk = first;
    s->marked_bytes = s->link.bytes_out;
    bf_feed_start(&s->feed, d->source, usage_of(s, index), &d->plan.geometry, first, end);
    bf_sender_work_start(s);
}

static void begin_disk(struct bf_sender *s, uint16_t index)
{
    struct bf_sender_disk *d = &s->disk[index];
    const struct bf_mark *mark = best_mark(s, index, d->plan.resume_chunk);
    if (!bf_sender_look(s))
        return;
    s->repair = 0;
    s->places_told = 0;
    s->place_again = UINT32_MAX;
    d->progress->unreadable = mark ? mark->unreadable : 0;
    if (mark)
        s->root = mark->root;
    else
        bf_root_init(&s->root, &d->plan.geometry);
    begin_span(s, index, s->root.next_chunk, bf_geometry_chunks(&d->plan.geometry));
}

// ---- Checkpoints -------------------------------------------------------------------------------

static void checkpoint(struct bf_sender *s, int at_end)
{
    struct bf_checkpoint m = {s->disk[s->current].plan.disk, s->sent};
    uint8_t *room;
    if (s->repair || s->sent == s->marked_chunk)
        return;
    if (!at_end && s->link.bytes_out - s->marked_bytes < CHECKPOINT_BYTES &&
        s->now_us - s->marked_us < CHECKPOINT_US)
        return;
    if (!bf_sender_tell_unreadable(s) || !bf_sender_flush_range(s) ||
        !(room = bf_link_room(&s->link, 64)))
        return;
    bf_link_put(&s->link, bf_put_checkpoint(room, 64, BF_MSG_CHECKPOINT, &m));
    add_mark(s);
    s->marked_us = s->now_us;
    s->marked_chunk = s->sent;
    s->marked_bytes = s->link.bytes_out;
}

// ---- Ends --------------------------------------------------------------------------------------

static void end_span(struct bf_sender *s)
{
    bf_feed_stop(&s->feed);
    s->current = BF_NO_DISK;
    s->moved = 1;
}

// The last chunk is in its frame: what has to follow it?
static void finish_span(struct bf_sender *s)
{
    struct bf_sender_disk *d = &s->disk[s->current];
    if (bf_link_body_busy(&s->link) || !bf_sender_flush_range(s))
        return;
    if (s->repair) {
        end_span(s);
        return;
    }
    checkpoint(s, 1);
    if (!bf_sender_tell_places(s)) // what has changed since
        return;
    if (s->sent != s->marked_chunk || bf_root_final(&s->root, &d->digest))
        return;
    d->done = 1;
    d->progress->done = 1;
    d->progress->root = d->digest;
    end_span(s);
}

static int tell_disk_done(struct bf_sender *s, struct bf_sender_disk *d)
{
    struct bf_disk_done m = {d->plan.disk, d->digest};
    uint8_t *room = bf_link_room(&s->link, 64);
    if (!room)
        return 0;
    bf_link_put(&s->link, bf_put_disk_done(room, 64, &m));
    d->told = 1;
    s->moved = 1;
    return 1;
}

static void commit(struct bf_sender *s)
{
    struct bf_digest roots[BF_PROTO_DISKS_MAX];
    struct bf_commit m;
    uint8_t *room = bf_link_room(&s->link, 64);
    if (!room)
        return;
    for (uint16_t i = 0; i < s->disks; i++)
        roots[i] = s->disk[i].digest;
    bf_point_root(roots, s->disks, &m.point_root);
    m.clock = s->config.clock ? s->config.clock() : 0;
    bf_link_put(&s->link, bf_put_commit(room, 64, &m));
    s->point_root = m.point_root;
    s->needs = s->need_at = s->needs_complete = 0;
    if (!s->progress.copied_us)
        s->progress.copied_us = s->now_us;
    s->state = BF_SENDER_COMMIT;
    s->progress.phase = BF_PHASE_VERIFYING;
    s->moved = 1;
}

// Between two spans: the next disk, the next repair, or the end of all.
static void next_span(struct bf_sender *s)
{
    if (!bf_feed_quiet(&s->feed) || !bf_sender_work_quiet(s))
        return;
    if (s->state == BF_SENDER_REPAIR && s->need_at < s->needs) {
        const struct bf_need *need = &s->need[s->need_at++];
        s->repair = 1;
        begin_span(s, need->disk, need->first, need->first + need->count);
        return;
    }
    for (uint16_t i = 0; i < s->disks; i++) {
        struct bf_sender_disk *d = &s->disk[i];
        if (!d->done) {
            begin_disk(s, i);
            return;
        }
        if (!d->told && !tell_disk_done(s, d))
            return;
    }
    commit(s);
}

// ---- The turn ----------------------------------------------------------------------------------

// A driver that blocks keeps us from the network: the server is told how long that may take.
static void announce_busy(struct bf_sender *s, uint64_t blocked_us)
{
    uint64_t ms = blocked_us / 1000 * 4;
    struct bf_busy m;
    uint8_t *room = bf_link_room(&s->link, 64);
    if (blocked_us < SLOW_READ_US || ms <= s->busy_ms || !room)
        return;
    m.ms = ms < BF_BUSY_MAX_MS ? (uint32_t)ms : BF_BUSY_MAX_MS;
    if (m.ms == s->busy_ms)
        return;
    bf_link_put(&s->link, bf_put_busy(room, 64, &m));
    s->busy_ms = m.ms;
}

static void read_some(struct bf_sender *s)
{
    struct bf_source_disk *disk = s->disk[s->current].source;
    uint64_t blocked = disk->blocked_us;
    int moved = 0;
    enum bf_err err = bf_feed_poll(&s->feed, &moved);
    s->moved |= (uint8_t)moved;
    announce_busy(s, disk->blocked_us - blocked);
    if (err)
        bf_sender_give_up(s, &s->feed.fault);
}

void bf_sender_copy_step(struct bf_sender *s)
{
    if (!bf_sender_heed_asleep(s))
        return;
    if (s->current == BF_NO_DISK) {
        next_span(s);
        return;
    }
    bf_adapt_tick(&s->adapt, s->now_us - s->ticked_us, s->waiting);
    s->ticked_us = s->now_us;
    bf_sender_ask_base(s);
    if (!s->repair && !bf_sender_tell_places(s))
        return;
    read_some(s);
    if (s->state == BF_SENDER_FAREWELL || s->state == BF_SENDER_OVER)
        return;
    bf_sender_move_data(s);
    if (s->state == BF_SENDER_FAREWELL || s->state == BF_SENDER_OVER)
        return;
    checkpoint(s, 0);
    s->waiting = bf_sender_awaited(s);
    if (s->sent == s->span_end && bf_feed_empty(&s->feed))
        finish_span(s);
}
