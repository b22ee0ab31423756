// SPDX-License-Identifier: Apache-2.0
// From slots that were read to the store: runs of one class become batches, and batches are given
// in the order of the disk. What only computes (hashing, and what the store prepares) is a task for
// the workers and runs ahead of giving. A slot is free again when the store holds none of its data.
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/platform.h"
#include "migrate/copy/parts.h"

enum {
    JOBS_PER_TURN = 2, // of the loop's own, when it has no workers
    GIVE_PER_TURN = 8,
    STUCK_US = 120000000, // a task takes milliseconds; under emulation some hundreds of them
    RELEASE_US = 5000000,
};

// ---- Making and ending -------------------------------------------------------------------------

int bf_copy_work_init(struct bf_copy *c)
{
    bf_workers_init(&c->none);
    c->workers = c->config.workers ? c->config.workers : &c->none;
    c->batch = bf_alloc(BF_BATCHES * sizeof *c->batch);
    return c->batch && bf_digest_stage_init(&c->digest_stage, c->workers, &c->feed) == BF_OK;
}

int bf_copy_work_free(struct bf_copy *c)
{
    uint64_t deadline = bf_platform_now_us() + RELEASE_US;
    if (c->workers)
        bf_workers_cancel(c->workers);
    while (c->workers && !bf_workers_quiet(c->workers)) {
        if (bf_platform_now_us() >= deadline)
            return 0;
        bf_platform_idle(1000);
    }
    bf_digest_stage_free(&c->digest_stage);
    bf_free(c->batch);
    return 1;
}

void bf_copy_work_start(struct bf_copy *c)
{
    BF_ASSERT(bf_workers_quiet(c->workers));
    c->first = c->held = c->batches = 0;
    c->done_us = c->now_us;
    bf_digest_stage_start(&c->digest_stage);
}

// ---- Batches -----------------------------------------------------------------------------------

static struct bf_batch *batch_at(struct bf_copy *c, uint32_t i)
{
    BF_ASSERT(c->held + c->batches <= BF_BATCHES && i <= c->held + c->batches);
    return &c->batch[(c->first + i) % BF_BATCHES];
}

static uint64_t bytes_of(const struct bf_copy *c, const struct bf_slot *slot, uint32_t at,
                         uint32_t count)
{
    const struct bf_copy_disk *d = &c->disk[c->current];
    BF_ASSERT(at <= slot->count && count <= slot->count - at);
    return bf_copy_position(d, slot->first + at + count) - bf_copy_position(d, slot->first + at);
}

static enum bf_err prepare(struct bf_copy *c, struct bf_batch *b)
{
    const struct bf_store *store = &c->opened->store;
    const struct bf_copy_disk *d = &c->disk[c->current];
    BF_ASSERT(b->count <= BF_DATA_CHUNKS_MAX);
    BF_ASSERT(!b->write.held); // the place in the ring is ours again
    b->write = (struct bf_store_write){
        .disk = d->plan.disk,
        .count = b->count,
        .first = b->slot->first + b->at,
        .digests = &b->slot->digest[b->at],
        .raw = b->slot->data + (size_t)b->at * d->plan.geometry.chunk_size,
        .raw_len = (uint32_t)bytes_of(c, b->slot, b->at, b->count),
    };
    return store->ops->prepare ? bf_copy_answer(c, store->ops->prepare(store->impl, &b->write))
                               : BF_OK;
}

static enum bf_err add_batch(struct bf_copy *c, struct bf_slot *slot, uint32_t count)
{
    struct bf_batch *b = batch_at(c, c->held + c->batches);
    enum bf_err err;
    BF_ASSERT(count && count <= slot->classified - slot->framed);
    if (c->held + c->batches == BF_BATCHES)
        return BF_AGAIN;
    b->slot = slot;
    b->at = slot->framed;
    b->count = count;
    b->is_data = !slot->unread && slot->class[slot->framed] == BF_CLASS_DATA;
    err = b->is_data ? prepare(c, b) : BF_OK;
    if (err)
        return err;
    c->batches++;
    slot->framed += count;
    c->moved = 1;
    return BF_OK;
}

// Chunks in one write that begins at this one: as many as the store takes, up to the end of a part.
static uint32_t most_chunks(const struct bf_copy *c, uint64_t chunk)
{
    const struct bf_store_opened *o = c->opened;
    uint32_t size = c->disk[c->current].plan.geometry.chunk_size;
    uint32_t most = (o->write_bytes ? o->write_bytes : BF_DATA_MAX) / size;
    uint32_t part = o->part_bytes / size;
    BF_ASSERT(o->part_bytes % size == 0);
    if (part && most > part - chunk % part)
        most = (uint32_t)(part - chunk % part);
    return most ? most : 1;
}

// Chunks in the next run of one class; 0 when it is not known yet.
static uint32_t next_run(const struct bf_copy *c, const struct bf_slot *slot)
{
    uint32_t at = slot->framed, count = 0, most;
    BF_ASSERT(slot->framed <= slot->classified && slot->classified <= slot->count);
    if (slot->unread)
        return slot->count - at;
    while (at + count < slot->classified && slot->class[at + count] == slot->class[at])
        count++;
    if (!count || slot->class[at] != BF_CLASS_DATA)
        return count;
    most = most_chunks(c, slot->first + at);
    if (count >= most)
        return most;
    // A run of data may still grow while hashing goes on; short writes compress badly.
    return at + count == slot->classified && slot->classified < slot->count ? 0 : count;
}

static enum bf_err make_batches(struct bf_copy *c)
{
    for (uint32_t n = 0; n < c->feed.slots; n++) {
        struct bf_slot *slot = bf_feed_ready(&c->feed, n);
        if (!slot)
            return BF_OK;
        while (slot->framed < slot->count) {
            uint32_t count = next_run(c, slot);
            enum bf_err err = count ? add_batch(c, slot, count) : BF_AGAIN;
            if (err)
                return err;
        }
    }
    return BF_OK;
}

// ---- Giving ------------------------------------------------------------------------------------

// What the manifest says of chunk i of a slot that was read.
static enum bf_chunk_state state_of(const struct bf_slot *slot, uint32_t i)
{
    BF_ASSERT(!slot->unread && i < slot->classified);
    if (slot->class[i] == BF_CLASS_UNREADABLE)
        return BF_CHUNK_UNREADABLE;
    return slot->zero[i] ? BF_CHUNK_ZERO : BF_CHUNK_DATA;
}

// counter: of bytes, NULL where they are counted elsewhere.
static void advance(struct bf_copy *c, struct bf_slot *slot, uint32_t count, uint64_t *counter)
{
    struct bf_copy_disk *d = &c->disk[c->current];
    BF_ASSERT(count <= slot->framed - slot->sent);
    if (counter)
        *counter += bytes_of(c, slot, slot->sent, count);
    if (slot->unread && !c->repair)
        bf_root_add(&c->root, (enum bf_chunk_state)slot->instead, count, NULL);
    for (uint32_t i = 0; i < count && !c->repair && !slot->unread; i++) {
        uint32_t at = slot->sent + i;
        bf_root_add(&c->root, state_of(slot, at), 1, &slot->digest[at]);
    }
    slot->sent += count;
    c->given += count;
    BF_ASSERT(c->repair || c->root.next_chunk == c->given);
    if (!c->repair)
        d->progress->position = bf_copy_position(d, c->given);
}

static enum bf_err give_same(struct bf_copy *c, const struct bf_batch *b)
{
    const struct bf_store *store = &c->opened->store;
    uint16_t disk = c->disk[c->current].plan.disk;
    enum bf_err err =
        store->ops->keep
            ? bf_copy_answer(c, store->ops->keep(store->impl, disk, c->given, b->count))
            : BF_OK;
    if (!err)
        advance(c, b->slot, b->count, &c->progress->same_bytes);
    return err;
}

static enum bf_err give_clear(struct bf_copy *c, const struct bf_batch *b)
{
    const struct bf_store *store = &c->opened->store;
    struct bf_progress *p = c->progress;
    enum bf_chunk_state state =
        b->slot->unread ? (enum bf_chunk_state)b->slot->instead : state_of(b->slot, b->at);
    uint64_t *counter = state == BF_CHUNK_UNUSED ? &p->unused_bytes
                        : state == BF_CHUNK_ZERO ? &p->zero_bytes
                                                 : NULL;
    enum bf_err err =
        bf_copy_answer(c, store->ops->clear(store->impl, c->disk[c->current].plan.disk, c->given,
                                            b->count, state));
    if (!err)
        advance(c, b->slot, b->count, counter);
    return err;
}

static enum bf_err give_data(struct bf_copy *c, struct bf_batch *b)
{
    const struct bf_store *store = &c->opened->store;
    enum bf_err err = bf_copy_answer(c, store->ops->data(store->impl, &b->write));
    if (!err)
        advance(c, b->slot, b->count, &c->progress->data_bytes);
    return err;
}

static enum bf_err give(struct bf_copy *c, struct bf_batch *b)
{
    BF_ASSERT(b->slot == bf_feed_ready(&c->feed, 0));
    BF_ASSERT(b->at == b->slot->sent && b->slot->first + b->at == c->given);
    if (b->is_data)
        return give_data(c, b);
    if (!b->slot->unread && b->slot->class[b->at] == BF_CLASS_SAME)
        return give_same(c, b);
    return give_clear(c, b);
}

static int is_held(const struct bf_batch *b)
{
    return b->is_data && b->write.held;
}

// Batches that the store holds no longer, from the oldest on.
static void release(struct bf_copy *c)
{
    while (c->held && !is_held(batch_at(c, 0))) {
        c->first = (c->first + 1) % BF_BATCHES;
        c->held--;
    }
}

// The store holds data of the slot; NULL: of any.
static int holds(struct bf_copy *c, const struct bf_slot *slot)
{
    for (uint32_t i = 0; i < c->held; i++)
        if ((!slot || batch_at(c, i)->slot == slot) && is_held(batch_at(c, i)))
            return 1;
    return 0;
}

int bf_copy_all_released(struct bf_copy *c)
{
    return !holds(c, NULL);
}

// The next batch, or a slot that is done with. BF_AGAIN: nothing to do, or the store has no room.
static enum bf_err give_next(struct bf_copy *c)
{
    struct bf_slot *slot = bf_feed_ready(&c->feed, 0);
    enum bf_err err;
    release(c);
    if (slot && slot->sent == slot->count) {
        err = holds(c, slot) ? BF_AGAIN : bf_copy_report_unreadable(c);
        BF_ASSERT(slot->hashed == slot->count); // no worker reads it any more
        if (!err)
            bf_feed_pop(&c->feed);
        return err;
    }
    err = c->batches ? give(c, batch_at(c, c->held)) : BF_AGAIN;
    if (err)
        return err;
    c->held++;
    c->batches--;
    return BF_OK;
}

// ---- The turn ----------------------------------------------------------------------------------

// Without workers the loop does the tasks, some in each turn, so that the network is looked after
// between them. With workers it does one when it has nothing else to do and all of them are busy.
static void compute(struct bf_copy *c)
{
    struct bf_workers *workers = c->workers;
    int all_busy = bf_workers_poll(workers, c->now_us);
    uint32_t most = !workers->count ? JOBS_PER_TURN : all_busy && !c->moved;
    for (uint32_t i = 0; i < most && bf_workers_help(workers); i++)
        c->moved = 1;
}

static enum bf_err watch(struct bf_copy *c)
{
    uint32_t done = bf_workers_done(c->workers);
    int changed = done != c->done_seen, stuck = c->now_us - c->done_us > STUCK_US;
    if (changed || bf_workers_quiet(c->workers)) {
        c->done_us = c->now_us;
        stuck = 0;
    }
    c->done_seen = done;
    if ((changed || stuck) && !bf_platform_workers_sound())
        bf_fault_set(&c->fault, BF_ERR_LIMIT, BF_SIDE_SOURCE,
                     "use workers=0, and report this as a defect", "a worker ran out of stack");
    else if (stuck)
        bf_fault_set(&c->fault, BF_ERR_TIMEOUT, BF_SIDE_SOURCE,
                     "use workers=0, and look at the machine's processors",
                     "a processor has made no progress for two minutes");
    else
        return BF_OK;
    return c->fault.code;
}

enum bf_err bf_copy_move_data(struct bf_copy *c)
{
    enum bf_err err = bf_copy_classify(c);
    // Before more is hashed: what is given next is to be prepared next.
    if (!err)
        err = make_batches(c);
    if (err && err != BF_AGAIN)
        return err;
    c->moved |= (uint8_t)bf_digest_stage_give(&c->digest_stage);
    compute(c);
    for (int i = 0; i < GIVE_PER_TURN; i++) {
        err = give_next(c);
        if (err)
            break;
        c->moved = 1;
    }
    if (err && err != BF_AGAIN)
        return err;
    return c->workers->count ? watch(c) : BF_OK;
}
