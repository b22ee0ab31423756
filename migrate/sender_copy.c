// SPDX-License-Identifier: Apache-2.0
// The copy pipeline: read, judge (zero? digest, same as the base?), frame. Judging runs ahead of
// sending, so that a slow link and a busy processor overlap; sending keeps the order of the disk,
// in which the root is formed as well. Repairs take the same way without base, order and root.
#include <string.h>

#include "migrate/sender_parts.h"

enum {
    CHECKPOINT_BYTES = 32 * 1024 * 1024,
    CHECKPOINT_US = 1000000,
    JUDGE_BYTES = 256 * 1024, // per turn
    BASE_ASK = 2048,          // chunks in one BASE_WANT
    SLOW_READ_US = 1000000,   // of a blocking driver, beyond which the server is told
    SEND_PER_TURN = 8,
    UNREADABLE_LINES = 32,           // of the log
    STABLE_BYTES = 16 * 1024 * 1024, // after which a connection counts as a good one
};

static uint64_t position_of(const struct bf_sender_disk *d, uint64_t chunk)
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

void bf_sender_durable(struct bf_sender *s, uint16_t index, uint64_t chunk)
{
    struct bf_sender_disk *d = &s->disk[index];
    const struct bf_mark *best = best_mark(s, index, chunk);
    uint64_t from = best ? best->chunk : 0;
    uint32_t kept = 0;
    d->progress->durable = position_of(d, chunk);
    s->failures = s->setbacks = 0;
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
        if (d->plan.resume_chunk < bf_geometry_chunks(&d->plan.geometry))
            d->done = 0;
        d->told = d->done && d->plan.done;
        d->progress->done = d->done;
        d->progress->durable = position_of(d, d->plan.resume_chunk);
        d->progress->position = d->done ? d->progress->bytes : 0;
    }
    bf_adapt_init(&s->adapt, s->config.compression, s->caps);
    s->waiting = BF_WAIT_DISK;
    s->ticked_us = s->now_us;
    s->progress.connections++;
    s->progress.phase = BF_PHASE_COPYING;
    s->welcomed = 1;
    s->state = BF_SENDER_COPY;
}

// The maps of all planned disks, turned to one of them at a time; they are kept over connections.
static struct bf_usage *usage_of(struct bf_sender *s, uint16_t index)
{
    if (s->usage_of == BF_NO_DISK && !s->config.copy_all)
        s->usage = bf_usage_open(s->config.disks, s->config.inventory->disks);
    if (s->usage_of != index)
        bf_usage_select(s->usage, s->disk[index].source);
    s->usage_of = index;
    return s->usage;
}

static void begin_span(struct bf_sender *s, uint16_t index, uint64_t first, uint64_t end)
{
    struct bf_sender_disk *d = &s->disk[index];
    s->current = index;
    s->sent = first;
    s->span_end = end;
    s->range.count = 0;
    s->base_known = s->base_asked = first;
    s->marked_us = s->now_us;
    s->marked_chunk = first;
    s->marked_bytes = s->link.bytes_out;
    bf_feed_start(&s->feed, d->source, usage_of(s, index), &d->plan.geometry, first, end);
}

static void begin_disk(struct bf_sender *s, uint16_t index)
{
    struct bf_sender_disk *d = &s->disk[index];
    const struct bf_mark *mark = best_mark(s, index, d->plan.resume_chunk);
    s->repair = 0;
    d->progress->unreadable = mark ? mark->unreadable : 0;
    if (mark)
        s->root = mark->root;
    else
        bf_root_init(&s->root, &d->plan.geometry);
    begin_span(s, index, s->root.next_chunk, bf_geometry_chunks(&d->plan.geometry));
}

// ---- The base ----------------------------------------------------------------------------------

static int wants_base(const struct bf_sender *s)
{
    return s->disk[s->current].plan.has_base && !s->repair;
}

int bf_sender_base_run(struct bf_sender *s, const struct bf_base_run *run)
{
    if (s->current == BF_NO_DISK || run->disk != s->disk[s->current].plan.disk ||
        run->first != s->base_known || run->count > s->base_asked - s->base_known)
        return 0;
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t at = (uint32_t)((run->first + i) % BF_BASE_WINDOW);
        s->base_state[at] = run->state;
        if (run->state == BF_CHUNK_DATA)
            memcpy(&s->base_digest[at], run->digests + i * sizeof(struct bf_digest),
                   sizeof(struct bf_digest));
    }
    s->base_known += run->count;
    return 1;
}

static void ask_base(struct bf_sender *s)
{
    // What is unused needs no base, and may have carried us beyond what was asked.
    if (s->base_asked < s->sent) {
        if (s->base_known != s->base_asked)
            return;
        s->base_known = s->base_asked = s->sent;
    }
    while (wants_base(s) && s->base_asked < s->span_end) {
        uint64_t space = BF_BASE_WINDOW - (s->base_asked - s->sent);
        uint64_t left = s->span_end - s->base_asked;
        struct bf_base_want want = {s->disk[s->current].plan.disk, s->base_asked, BASE_ASK};
        uint8_t *room = bf_link_room(&s->link, 64);
        if (left < BASE_ASK)
            want.count = (uint32_t)left;
        if (!room || space < want.count)
            return;
        bf_link_put(&s->link, bf_put_base_want(room, 64, &want));
        s->base_asked += want.count;
        s->moved = 1;
    }
}

// ---- Judging -----------------------------------------------------------------------------------

static void judge(struct bf_sender *s, struct bf_slot *slot)
{
    const struct bf_geometry *g = &s->disk[s->current].plan.geometry;
    uint32_t i = slot->judged++;
    uint64_t chunk = slot->first + i;
    const uint8_t *data = slot->data + (size_t)i * g->chunk_size;
    uint32_t len = bf_geometry_chunk_bytes(g, chunk), at = (uint32_t)(chunk % BF_BASE_WINDOW);
    slot->zero[i] = (uint8_t)bf_is_zero(data, len);
    if (!slot->zero[i])
        bf_digest_of(&slot->digest[i], data, len);
    slot->class[i] = slot->zero[i] ? BF_CLASS_ZERO : BF_CLASS_DATA;
    if (slot->unreadable && bf_sender_nothing_readable(s, slot, i))
        slot->class[i] = BF_CLASS_UNREADABLE;
    if (!wants_base(s) || slot->class[i] == BF_CLASS_UNREADABLE)
        return;
    if (slot->zero[i] ? s->base_state[at] == BF_CHUNK_ZERO
                      : s->base_state[at] == BF_CHUNK_DATA &&
                            bf_digest_equal(&slot->digest[i], &s->base_digest[at]))
        slot->class[i] = BF_CLASS_SAME;
}

static void judge_some(struct bf_sender *s)
{
    uint32_t chunk = s->disk[s->current].plan.geometry.chunk_size, budget = JUDGE_BYTES;
    for (uint32_t n = 0; n < s->feed.slots; n++) {
        struct bf_slot *slot = bf_feed_ready(&s->feed, n);
        if (!slot)
            return;
        while (slot->judged < slot->count) {
            if (wants_base(s) && slot->first + slot->judged >= s->base_known)
                return;
            judge(s, slot);
            s->moved = 1;
            if (budget <= chunk)
                return;
            budget -= chunk;
        }
    }
}

// ---- Sending -----------------------------------------------------------------------------------

int bf_sender_flush_range(struct bf_sender *s)
{
    uint8_t *room;
    if (!s->range.count)
        return 1;
    room = bf_link_room(&s->link, 64);
    if (!room)
        return 0;
    bf_link_put(&s->link, bf_put_range(room, 64, &s->range));
    s->range.count = 0;
    return 1;
}

// What the manifest says of chunk i of a slot that was read.
static enum bf_chunk_state state_of(const struct bf_slot *slot, uint32_t i)
{
    if (slot->class[i] == BF_CLASS_UNREADABLE)
        return BF_CHUNK_UNREADABLE;
    return slot->zero[i] ? BF_CHUNK_ZERO : BF_CHUNK_DATA;
}

// counter: of bytes, NULL where they are counted elsewhere.
static void advance(struct bf_sender *s, struct bf_slot *slot, uint32_t count, uint64_t *counter)
{
    struct bf_sender_disk *d = &s->disk[s->current];
    uint64_t end = s->sent + count;
    if (counter)
        *counter += position_of(d, end) - position_of(d, s->sent);
    if (slot->unused && !s->repair)
        bf_root_add(&s->root, BF_CHUNK_UNUSED, count, NULL);
    for (uint32_t i = 0; i < count && !s->repair && !slot->unused; i++) {
        uint32_t at = slot->sent + i;
        bf_root_add(&s->root, state_of(slot, at), 1, &slot->digest[at]);
    }
    slot->sent += count;
    s->sent = end;
    s->moved = 1;
    if (!s->repair)
        d->progress->position = position_of(d, end);
}

// Joins chunks that need no data to the range before them.
static int send_range(struct bf_sender *s, struct bf_slot *slot, uint32_t count)
{
    struct bf_progress *p = &s->progress;
    uint64_t *counter = &p->unused_bytes;
    uint8_t state = BF_CHUNK_UNUSED;
    if (!slot->unused && slot->class[slot->sent] == BF_CLASS_SAME) {
        state = BF_RANGE_SAME;
        counter = &p->same_bytes;
    } else if (!slot->unused) {
        state = (uint8_t)state_of(slot, slot->sent);
        counter = state == BF_CHUNK_ZERO ? &p->zero_bytes : NULL;
    }
    if (s->range.count && s->range.state != state && !bf_sender_flush_range(s))
        return 0;
    if (!s->range.count) {
        s->range.disk = s->disk[s->current].plan.disk;
        s->range.state = state;
        s->range.first = s->sent;
    }
    s->range.count += count;
    advance(s, slot, count, counter);
    return 1;
}

static int send_data(struct bf_sender *s, struct bf_slot *slot, uint32_t count)
{
    const struct bf_sender_disk *d = &s->disk[s->current];
    size_t head = BF_FRAME_HEADER + 32 + count * sizeof(struct bf_digest), packed = 0;
    uint64_t begin = position_of(d, s->sent);
    uint8_t *raw = slot->data + (size_t)slot->sent * d->plan.geometry.chunk_size, *room;
    struct bf_adapt_choice choice;
    struct bf_data m = {.disk = d->plan.disk,
                        .count = (uint8_t)count,
                        .first = s->sent,
                        .digests = slot->digest[slot->sent].bytes};
    if (bf_link_body_busy(&s->link) || !bf_sender_flush_range(s))
        return 0;
    room = bf_link_room(&s->link, head);
    if (!room)
        return 0;
    m.raw_len = (uint32_t)(position_of(d, s->sent + count) - begin);
    choice = bf_adapt_choose(&s->adapt);
    if (choice.codec != BF_CODEC_NONE) {
        packed = bf_compress(s->compressor, choice.codec, choice.level, s->packed,
                             m.raw_len - m.raw_len / 16, raw, m.raw_len);
        bf_adapt_result(&s->adapt, m.raw_len, (uint32_t)packed);
    }
    bf_adapt_framed(&s->adapt, m.raw_len);
    m.codec = (uint8_t)(packed ? choice.codec : BF_CODEC_NONE);
    m.body = packed ? s->packed : raw;
    m.body_len = packed ? (uint32_t)packed : m.raw_len;
    bf_link_put(&s->link, bf_put_data_head(room, head, &m));
    bf_link_body(&s->link, m.body, m.body_len);
    s->lent = packed ? NULL : slot;
    advance(s, slot, count, &s->progress.data_bytes);
    return 1;
}

// Chunks in one frame. A frame that takes longer than a connection lives would never arrive, so
// connections that are lost one after another make frames shorter. A limit keeps them to a second,
// which is what a checkpoint, an answer or a good-bye has to wait.
static uint32_t most_chunks(const struct bf_sender *s)
{
    uint32_t bytes = BF_DATA_MAX >> s->caution;
    if (s->progress.limit && s->progress.limit < bytes)
        bytes = (uint32_t)s->progress.limit;
    bytes /= s->disk[s->current].plan.geometry.chunk_size;
    return bytes ? bytes : 1;
}

// The next run of equal class of the front slot. 0: nothing to do, or no room.
static int send_run(struct bf_sender *s)
{
    struct bf_slot *slot = bf_feed_ready(&s->feed, 0);
    uint32_t count = 0;
    if (!slot)
        return 0;
    if (slot->sent == slot->count) {
        if ((s->lent == slot && bf_link_body_busy(&s->link)) || !bf_sender_tell_unreadable(s))
            return 0;
        bf_feed_pop(&s->feed);
        return 1;
    }
    if (slot->unused)
        return send_range(s, slot, slot->count - slot->sent);
    while (slot->sent + count < slot->judged &&
           slot->class[slot->sent + count] == slot->class[slot->sent])
        count++;
    if (!count || slot->class[slot->sent] != BF_CLASS_DATA)
        return count ? send_range(s, slot, count) : 0;
    if (count >= most_chunks(s))
        return send_data(s, slot, most_chunks(s));
    // A run of data may still grow while judging goes on; short frames compress badly.
    if (slot->sent + count == slot->judged && slot->judged < slot->count)
        return 0;
    return send_data(s, slot, count);
}

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
    s->lent = NULL;
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
    if (!bf_feed_quiet(&s->feed))
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

// What the time until the next turn goes into. A turn that did something is followed by another one
// at once, so that time is the processor's, even when a frame is on its way to the link.
static enum bf_waiting what_is_awaited(struct bf_sender *s)
{
    if (s->moved)
        return BF_WAIT_PROCESSOR;
    return bf_link_body_busy(&s->link) ? BF_WAIT_LINK : BF_WAIT_DISK;
}

void bf_sender_copy_step(struct bf_sender *s)
{
    if (s->current == BF_NO_DISK) {
        next_span(s);
        return;
    }
    bf_adapt_tick(&s->adapt, s->now_us - s->ticked_us, s->waiting);
    s->ticked_us = s->now_us;
    ask_base(s);
    read_some(s);
    if (s->state == BF_SENDER_FAREWELL || s->state == BF_SENDER_OVER)
        return;
    judge_some(s);
    for (int i = 0; i < SEND_PER_TURN && send_run(s); i++)
        s->moved = 1;
    checkpoint(s, 0);
    s->waiting = what_is_awaited(s);
    if (s->sent == s->span_end && bf_feed_empty(&s->feed))
        finish_span(s);
}
