// SPDX-License-Identifier: Apache-2.0
// What each chunk is: zero, unreadable, what the store has already, or data. A chunk gets its class
// once its digest is there and, where the store has a base, what the store says of it.
#include "base/assert.h"
#include "migrate/copy/parts.h"

static int wants_base(const struct bf_copy *c)
{
    return c->disk[c->current].plan.has_base && !c->repair;
}

void bf_copy_base_forget(struct bf_copy *c)
{
    c->base.count = 0;
}

// What the store has of chunk, and of some that follow.
static enum bf_err know_base(struct bf_copy *c, uint64_t chunk)
{
    const struct bf_store *store = &c->opened->store;
    struct bf_copy_base *b = &c->base;
    uint64_t left = c->span_end - chunk;
    uint32_t want = left < BF_DATA_CHUNKS_MAX ? (uint32_t)left : BF_DATA_CHUNKS_MAX;
    enum bf_err err;
    BF_ASSERT(chunk < c->span_end);
    if (chunk >= b->first && chunk - b->first < b->count)
        return BF_OK;
    b->count = 0;
    err = store->ops->base(store->impl, c->disk[c->current].plan.disk, chunk, want, &b->state,
                           &b->count, b->digest);
    b->first = chunk;
    if (!err && (!b->count || b->count > want))
        err = BF_ERR_IO;
    return bf_copy_answer(c, err);
}

static int is_same(const struct bf_copy *c, const struct bf_slot *slot, uint32_t i)
{
    const struct bf_copy_base *b = &c->base;
    BF_ASSERT(slot->first + i >= b->first && slot->first + i - b->first < b->count);
    if (slot->zero[i])
        return b->state == BF_CHUNK_ZERO;
    return b->state == BF_CHUNK_DATA &&
           bf_digest_equal(&slot->digest[i], &b->digest[slot->first + i - b->first]);
}

static enum bf_err classify(struct bf_copy *c, struct bf_slot *slot, uint32_t i)
{
    enum bf_err err = wants_base(c) ? know_base(c, slot->first + i) : BF_OK;
    BF_ASSERT(!slot->unread && i == slot->classified && i < slot->hashed);
    if (err)
        return err;
    if (!slot->zero[i] && slot->asleep[i])
        bf_copy_see_asleep(c, slot, i);
    slot->class[i] = slot->zero[i] ? BF_CLASS_ZERO : BF_CLASS_DATA;
    if (slot->unreadable && bf_copy_nothing_readable(c, slot, i))
        slot->class[i] = BF_CLASS_UNREADABLE;
    else if (wants_base(c) && is_same(c, slot, i))
        slot->class[i] = BF_CLASS_SAME;
    slot->classified++;
    c->moved = 1;
    return BF_OK;
}

// BF_AGAIN: the next chunk of it is not hashed yet.
static enum bf_err classify_slot(struct bf_copy *c, struct bf_slot *slot)
{
    uint32_t hashed = bf_digest_stage_done(&c->digest_stage, slot);
    enum bf_err err = BF_OK;
    while (!err && slot->classified < hashed)
        err = classify(c, slot, slot->classified);
    c->classified = slot->first + slot->classified;
    return !err && slot->classified < slot->count ? BF_AGAIN : err;
}

enum bf_err bf_copy_classify(struct bf_copy *c)
{
    enum bf_err err = BF_OK;
    for (uint32_t n = 0; !err && n < c->feed.slots; n++) {
        struct bf_slot *slot = bf_feed_ready(&c->feed, n);
        if (!slot)
            break;
        if (slot->unread)
            c->classified = slot->first + slot->count;
        else
            err = classify_slot(c, slot);
    }
    BF_ASSERT(c->given <= c->classified && c->classified <= c->span_end);
    // The store begins to answer before anything is there to compare.
    if (!err && wants_base(c) && c->classified < c->span_end)
        err = know_base(c, c->classified);
    return err == BF_AGAIN ? BF_OK : err;
}
