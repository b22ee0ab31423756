// SPDX-License-Identifier: Apache-2.0
// From slots that were read to frames: chunks get their class as soon as their digest and the base
// are known, runs of one class become batches, and batches leave in the order of the disk. What
// only computes (digests, compression) is a job for the workers and runs ahead of the link, as far
// as there are buffers for its results.
#include <string.h>

#include "base/mem.h"
#include "base/platform.h"
#include "migrate/sender_parts.h"

enum {
    JOBS_PER_TURN = 2, // of the loop's own, when it has no workers
    SEND_PER_TURN = 8,
    STUCK_US = 120000000, // a job takes milliseconds; under emulation some hundreds of them
    RELEASE_US = 5000000,
};

// ---- Making and ending -------------------------------------------------------------------------

static int allocate_packs(struct bf_sender_work *w, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!(w->pack[i] = bf_alloc(BF_DATA_MAX)))
            return 0;
    for (uint32_t i = 0; i <= w->workers->count; i++)
        if (!(w->compressor[i] = bf_compressor_new()))
            return 0;
    w->packs = count;
    return 1;
}

int bf_sender_work_init(struct bf_sender *s)
{
    struct bf_sender_work *w = &s->work;
    bf_workers_init(&w->none);
    w->workers = s->config.workers ? s->config.workers : &w->none;
    w->batch = bf_alloc(BF_BATCHES * sizeof *w->batch);
    // One per worker, one that the link is sending, one that waits for it.
    return w->batch && bf_judge_init(&w->judge, w->workers, &s->feed) == BF_OK &&
           (s->config.compression == 1 || allocate_packs(w, w->workers->count + 2));
}

int bf_sender_work_quiet(struct bf_sender *s)
{
    return bf_workers_quiet(s->work.workers);
}

int bf_sender_work_free(struct bf_sender *s)
{
    struct bf_sender_work *w = &s->work;
    uint64_t deadline = bf_platform_now_us() + RELEASE_US;
    if (w->workers)
        bf_workers_cancel(w->workers);
    while (w->workers && !bf_workers_quiet(w->workers)) {
        if (bf_platform_now_us() >= deadline)
            return 0;
        bf_platform_idle(1000);
    }
    bf_judge_free(&w->judge);
    bf_free(w->batch);
    for (uint32_t i = 0; i < BF_PACKS_MAX; i++)
        bf_free(w->pack[i]);
    for (uint32_t i = 0; i <= BF_WORKERS_MAX; i++)
        bf_compressor_free(w->compressor[i]);
    return 1;
}

void bf_sender_work_start(struct bf_sender *s)
{
    struct bf_sender_work *w = &s->work;
    w->first = w->batches = 0;
    w->lent_slot = NULL;
    w->lent_pack = NULL;
    for (w->packs_free = 0; w->packs_free < w->packs; w->packs_free++)
        w->free_pack[w->packs_free] = w->pack[w->packs_free];
    w->done_us = s->now_us;
    bf_judge_start(&w->judge);
}

void bf_sender_work_stop(struct bf_sender *s)
{
    bf_workers_cancel(s->work.workers);
}

// ---- Classes -----------------------------------------------------------------------------------

static void classify(struct bf_sender *s, struct bf_slot *slot, uint32_t i)
{
    uint32_t at = (uint32_t)((slot->first + i) % BF_BASE_WINDOW);
    slot->class[i] = slot->zero[i] ? BF_CLASS_ZERO : BF_CLASS_DATA;
    if (slot->unreadable && bf_sender_nothing_readable(s, slot, i))
        slot->class[i] = BF_CLASS_UNREADABLE;
    if (!bf_sender_wants_base(s) || slot->class[i] == BF_CLASS_UNREADABLE)
        return;
    if (slot->zero[i] ? s->base_state[at] == BF_CHUNK_ZERO
                      : s->base_state[at] == BF_CHUNK_DATA &&
                            bf_digest_equal(&slot->digest[i], &s->base_digest[at]))
        slot->class[i] = BF_CLASS_SAME;
}

static void classify_all(struct bf_sender *s)
{
    for (uint32_t n = 0; n < s->feed.slots; n++) {
        struct bf_slot *slot = bf_feed_ready(&s->feed, n);
        if (!slot)
            return;
        for (uint32_t known = bf_judge_known(&s->work.judge, slot); slot->judged < known;) {
            if (bf_sender_wants_base(s) && slot->first + slot->judged >= s->base_known)
                return;
            if (!slot->zero[slot->judged] && slot->asleep[slot->judged])
                bf_sender_see_asleep(s, slot, slot->judged);
            classify(s, slot, slot->judged++);
            s->moved = 1;
        }
        if (slot->judged < slot->count)
            return;
    }
}

// ---- Batches -----------------------------------------------------------------------------------

static uint64_t bytes_of(const struct bf_sender *s, const struct bf_slot *slot, uint32_t at,
                         uint32_t count)
{
    const struct bf_sender_disk *d = &s->disk[s->current];
    return bf_sender_position(d, slot->first + at + count) -
           bf_sender_position(d, slot->first + at);
}

static uint8_t *raw_of(const struct bf_sender *s, const struct bf_batch *b)
{
    return b->slot->data + (size_t)b->at * s->disk[s->current].plan.geometry.chunk_size;
}

static void compress(struct bf_job *job, uint32_t place)
{
    struct bf_batch *b = (struct bf_batch *)job;
    b->packed_len =
        (uint32_t)bf_compress(b->compressor[place], b->choice.codec, b->choice.level, b->packed,
                              b->raw_len - b->raw_len / 16, b->raw, b->raw_len);
}

// Data is compressed or not as the ladder says now. 0: there is no buffer, or no room in the queue.
static int prepare_data(struct bf_sender *s, struct bf_batch *b)
{
    struct bf_sender_work *w = &s->work;
    if (w->packs && !w->packs_free)
        return 0;
    b->raw = raw_of(s, b);
    b->raw_len = (uint32_t)bytes_of(s, b->slot, b->at, b->count);
    b->packed = NULL;
    b->packed_len = 0;
    b->skip = s->adapt.skip;
    b->choice = bf_adapt_choose(&s->adapt);
    if (!w->packs || b->choice.codec == BF_CODEC_NONE)
        return 1;
    b->packed = w->free_pack[w->packs_free - 1];
    b->compressor = w->compressor;
    b->job.run = compress;
    if (!bf_workers_give(w->workers, &b->job))
        return 0;
    w->packs_free--;
    return 1;
}

static int add_batch(struct bf_sender *s, struct bf_slot *slot, uint32_t count)
{
    struct bf_sender_work *w = &s->work;
    struct bf_batch *b = &w->batch[(w->first + w->batches) % BF_BATCHES];
    if (w->batches == BF_BATCHES)
        return 0;
    b->slot = slot;
    b->at = slot->framed;
    b->count = count;
    b->is_data = !slot->unread && slot->class[slot->framed] == BF_CLASS_DATA;
    if (b->is_data && !prepare_data(s, b))
        return 0;
    w->batches++;
    slot->framed += count;
    s->moved = 1;
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

// Chunks in the next run of one class; 0 when it is not known yet.
static uint32_t next_run(const struct bf_sender *s, const struct bf_slot *slot)
{
    uint32_t at = slot->framed, count = 0;
    if (slot->unread)
        return slot->count - at;
    while (at + count < slot->judged && slot->class[at + count] == slot->class[at])
        count++;
    if (!count || slot->class[at] != BF_CLASS_DATA)
        return count;
    if (count >= most_chunks(s))
        return most_chunks(s);
    // A run of data may still grow while judging goes on; short frames compress badly.
    return at + count == slot->judged && slot->judged < slot->count ? 0 : count;
}

static void make_batches(struct bf_sender *s)
{
    for (uint32_t n = 0; n < s->feed.slots; n++) {
        struct bf_slot *slot = bf_feed_ready(&s->feed, n);
        if (!slot)
            return;
        while (slot->framed < slot->count) {
            uint32_t count = next_run(s, slot);
            if (!count || !add_batch(s, slot, count))
                return;
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
    if (counter)
        *counter += bytes_of(s, slot, slot->sent, count);
    if (slot->unread && !s->repair)
        bf_root_add(&s->root, (enum bf_chunk_state)slot->instead, count, NULL);
    for (uint32_t i = 0; i < count && !s->repair && !slot->unread; i++) {
        uint32_t at = slot->sent + i;
        bf_root_add(&s->root, state_of(slot, at), 1, &slot->digest[at]);
    }
    slot->sent += count;
    s->sent += count;
    if (!s->repair)
        d->progress->position = bf_sender_position(d, s->sent);
}

// Joins chunks that need no data to the range before them.
static int send_range(struct bf_sender *s, const struct bf_batch *b)
{
    struct bf_slot *slot = b->slot;
    struct bf_progress *p = &s->progress;
    uint8_t state = slot->unread ? slot->instead : (uint8_t)state_of(slot, b->at);
    uint64_t *counter = state == BF_CHUNK_UNUSED ? &p->unused_bytes
                        : state == BF_CHUNK_ZERO ? &p->zero_bytes
                                                 : NULL;
    if (!slot->unread && slot->class[b->at] == BF_CLASS_SAME) {
        state = BF_RANGE_SAME;
        counter = &p->same_bytes;
    }
    if (s->range.count && s->range.state != state && !bf_sender_flush_range(s))
        return 0;
    if (!s->range.count) {
        s->range.disk = s->disk[s->current].plan.disk;
        s->range.state = state;
        s->range.first = s->sent;
    }
    s->range.count += b->count;
    advance(s, slot, b->count, counter);
    return 1;
}

// What came of the choice. Batches that were chosen before one that did not shrink say nothing new.
static void judge_choice(struct bf_sender *s, const struct bf_batch *b)
{
    if (b->packed && (b->packed_len || b->skip == s->adapt.skip))
        bf_adapt_result(&s->adapt, b->raw_len, b->packed_len);
    bf_adapt_framed(&s->adapt, b->raw_len);
}

static int send_data(struct bf_sender *s, const struct bf_batch *b)
{
    struct bf_sender_work *w = &s->work;
    size_t head = BF_FRAME_HEADER + 32 + b->count * sizeof(struct bf_digest);
    uint8_t *room;
    struct bf_data m = {.disk = s->disk[s->current].plan.disk,
                        .count = (uint8_t)b->count,
                        .first = s->sent,
                        .raw_len = b->raw_len,
                        .digests = b->slot->digest[b->at].bytes};
    if (bf_link_body_busy(&s->link) || (b->packed && !bf_job_is(&b->job, BF_JOB_DONE)) ||
        !bf_sender_flush_range(s))
        return 0;
    room = bf_link_room(&s->link, head);
    if (!room)
        return 0;
    judge_choice(s, b);
    m.codec = (uint8_t)(b->packed_len ? b->choice.codec : BF_CODEC_NONE);
    m.body = b->packed_len ? b->packed : b->raw;
    m.body_len = b->packed_len ? b->packed_len : b->raw_len;
    bf_link_put(&s->link, bf_put_data_head(room, head, &m));
    bf_link_body(&s->link, m.body, m.body_len);
    w->lent_slot = b->packed_len ? NULL : b->slot;
    w->lent_pack = b->packed;
    advance(s, b->slot, b->count, &s->progress.data_bytes);
    return 1;
}

// The link has sent the body that it was lent.
static void take_back(struct bf_sender *s)
{
    struct bf_sender_work *w = &s->work;
    if (bf_link_body_busy(&s->link))
        return;
    if (w->lent_pack)
        w->free_pack[w->packs_free++] = w->lent_pack;
    w->lent_pack = NULL;
    w->lent_slot = NULL;
}

// The next batch, or a slot that is done with. 0: nothing to do, or no room.
static int send_next(struct bf_sender *s)
{
    struct bf_sender_work *w = &s->work;
    struct bf_slot *slot = bf_feed_ready(&s->feed, 0);
    const struct bf_batch *b = &w->batch[w->first % BF_BATCHES];
    take_back(s);
    if (slot && slot->sent == slot->count) {
        if (w->lent_slot == slot || !bf_sender_tell_unreadable(s))
            return 0;
        bf_feed_pop(&s->feed);
        return 1;
    }
    if (!w->batches || !(b->is_data ? send_data(s, b) : send_range(s, b)))
        return 0;
    w->first++;
    w->batches--;
    return 1;
}

// ---- The turn ----------------------------------------------------------------------------------

// Without workers the loop does the jobs, some in each turn, so that the network is looked after
// between them. With workers it does one when it has nothing else to do and all of them are busy.
static void compute(struct bf_sender *s)
{
    struct bf_workers *workers = s->work.workers;
    int all_busy = bf_workers_poll(workers, s->now_us);
    uint32_t most = !workers->count ? JOBS_PER_TURN : all_busy && !s->moved;
    for (uint32_t i = 0; i < most && bf_workers_help(workers); i++)
        s->moved = 1;
}

static void watch(struct bf_sender *s)
{
    struct bf_sender_work *w = &s->work;
    uint32_t done = bf_workers_done(w->workers);
    int changed = done != w->done_seen, stuck = s->now_us - w->done_us > STUCK_US;
    struct bf_fault fault;
    if (changed || bf_workers_quiet(w->workers)) {
        w->done_us = s->now_us;
        stuck = 0;
    }
    w->done_seen = done;
    if ((changed || stuck) && !bf_platform_workers_sound()) {
        bf_fault_set(&fault, BF_ERR_LIMIT, BF_SIDE_SOURCE,
                     "use workers=0, and report this as a defect",
                     "a worker needed more stack than it has");
        bf_sender_give_up(s, &fault);
    } else if (stuck) {
        bf_fault_set(&fault, BF_ERR_TIMEOUT, BF_SIDE_SOURCE,
                     "use workers=0, and look at the machine's processors",
                     "a processor has not finished its work for two minutes");
        bf_sender_give_up(s, &fault);
    }
}

void bf_sender_move_data(struct bf_sender *s)
{
    classify_all(s);
    make_batches(s); // before more is judged: what is to be sent next is to be compressed next
    s->moved |= (uint8_t)bf_judge_give(&s->work.judge);
    compute(s);
    for (int i = 0; i < SEND_PER_TURN && send_next(s); i++)
        s->moved = 1;
    if (s->work.workers->count)
        watch(s);
}

// What the time until the next turn goes into. A turn that did something is followed by another one
// at once, so that time is a processor's, even when a frame is on its way to the link. Where it is
// the loop's own, and sending more made it worse, compression goes back (migrate/adapt.h).
enum bf_waiting bf_sender_awaited(const struct bf_sender *s)
{
    if (s->moved)
        return BF_WAIT_PROCESSOR;
    if (bf_link_body_busy(&s->link))
        return BF_WAIT_LINK;
    return bf_workers_quiet(s->work.workers) ? BF_WAIT_DISK : BF_WAIT_PROCESSOR;
}
