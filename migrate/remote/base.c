// SPDX-License-Identifier: Apache-2.0
// What the server has already: asked for ahead of the copy, in order, and answered in that order.
// An answer may come when nobody waits for it any more: the copy passes over what is unused, goes
// on with the next disk and commits while answers are under way. So every question is kept until
// it is answered; only an answer that fits the oldest of them is allowed, and what has become
// pointless is put aside.
#include <string.h>

#include "base/assert.h"
#include "migrate/remote/parts.h"

enum { BASE_ASK = 2048 }; // chunks in one BASE_WANT

_Static_assert((int)BF_BASE_ASKS <= (int)BF_BASE_WANTS_MAX, "the server takes no more");

void bf_remote_base_forget(struct bf_remote *r)
{
    struct bf_remote_base *b = &r->base;
    b->ask_at = b->asks = 0;
    b->wanted = b->known = b->asked = UINT64_MAX;
}

static void begin(struct bf_remote_base *b, uint16_t disk, uint64_t first)
{
    BF_ASSERT(b->ask_at < BF_BASE_ASKS && b->asks <= BF_BASE_ASKS);
    for (uint32_t i = 0; i < b->asks; i++)
        b->ask[(b->ask_at + i) % BF_BASE_ASKS].late = 1;
    b->disk = disk;
    b->known = b->asked = first;
}

static void take(struct bf_remote_base *b, const struct bf_base_run *run)
{
    BF_ASSERT(run->disk == b->disk && run->first == b->known);
    BF_ASSERT(run->count <= b->asked - b->known);
    BF_ASSERT(b->asked - b->wanted <= BF_BASE_WINDOW); // what is still wanted stays
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t at = (uint32_t)((run->first + i) % BF_BASE_WINDOW);
        b->state[at] = run->state;
        if (run->state == BF_CHUNK_DATA)
            memcpy(&b->digest[at], run->digests + i * sizeof(struct bf_digest),
                   sizeof(struct bf_digest));
    }
    b->known += run->count;
}

int bf_remote_base_run(struct bf_remote *r, const struct bf_base_run *run)
{
    struct bf_remote_base *b = &r->base;
    struct bf_remote_base_request *ask = &b->ask[b->ask_at];
    if (!b->asks || run->disk != ask->want.disk || run->first != ask->want.first ||
        run->count > ask->want.count)
        return 0;
    if (!ask->late)
        take(b, run);
    ask->want.first += run->count;
    ask->want.count -= run->count;
    if (!ask->want.count) {
        b->ask_at = (b->ask_at + 1) % BF_BASE_ASKS;
        b->asks--;
    }
    return 1;
}

// 0: there is no room.
static int ask(struct bf_remote *r, const struct bf_base_want *want)
{
    struct bf_remote_base *b = &r->base;
    uint8_t *room = b->asks < BF_BASE_ASKS ? bf_channel_room(&r->channel, 64) : NULL;
    if (!room)
        return 0;
    BF_ASSERT(want->count && want->first == b->asked);
    bf_channel_put(&r->channel, bf_put_base_want(room, 64, want));
    b->ask[(b->ask_at + b->asks++) % BF_BASE_ASKS] = (struct bf_remote_base_request){*want, 0};
    b->asked += want->count;
    r->moved = 1;
    return 1;
}

static void ask_ahead(struct bf_remote *r, uint64_t end)
{
    struct bf_remote_base *b = &r->base;
    while (b->asked < end) {
        uint64_t space = BF_BASE_WINDOW - (b->asked - b->wanted), left = end - b->asked;
        struct bf_base_want want = {b->disk, b->asked, BASE_ASK};
        if (left < BASE_ASK)
            want.count = (uint32_t)left;
        if (space < want.count || !ask(r, &want))
            return;
    }
}

// A run of one state out of the window.
static uint32_t run_of(const struct bf_remote_base *b, uint64_t first, uint32_t most,
                       struct bf_digest *digests)
{
    uint8_t state = b->state[first % BF_BASE_WINDOW];
    uint32_t count = 0;
    BF_ASSERT(first >= b->wanted && most <= b->known - first);
    while (count < most && b->state[(first + count) % BF_BASE_WINDOW] == state) {
        if (state == BF_CHUNK_DATA)
            digests[count] = b->digest[(first + count) % BF_BASE_WINDOW];
        count++;
    }
    return count;
}

enum bf_err bf_remote_base(struct bf_remote *r, uint16_t disk, uint64_t first, uint32_t want,
                           enum bf_chunk_state *state, uint32_t *count, struct bf_digest *digests)
{
    struct bf_remote_base *b = &r->base;
    int index = bf_store_index(&r->opened, disk);
    if (index < 0)
        return BF_ERR_RANGE;
    // What is unused needs no base, and may have carried the copy beyond what was asked.
    if (disk != b->disk || first < b->wanted || first > b->asked)
        begin(b, disk, first);
    b->wanted = first;
    ask_ahead(r, bf_geometry_chunks(&r->opened.plan[index].geometry));
    BF_ASSERT(b->known <= b->asked && b->wanted <= b->asked);
    if (first >= b->known)
        return BF_AGAIN;
    *state = (enum bf_chunk_state)b->state[first % BF_BASE_WINDOW];
    *count =
        run_of(b, first, b->known - first < want ? (uint32_t)(b->known - first) : want, digests);
    return BF_OK;
}
