// SPDX-License-Identifier: Apache-2.0
// What the server has already: asked for ahead of the copy, in order, and answered in that order.
// An answer may come when nobody waits for it any more: the copy passes over what is unused, goes
// on with the next disk and commits while answers are under way. So every question is kept until
// it is answered; only an answer that fits the oldest of them is allowed, and what has become
// pointless is put aside.
#include <string.h>

#include "migrate/sender_parts.h"

enum { BASE_ASK = 2048 }; // chunks in one BASE_WANT

_Static_assert((int)BF_BASE_ASKS <= (int)BF_BASE_WANTS_MAX, "the server takes no more");

int bf_sender_wants_base(const struct bf_sender *s)
{
    return s->disk[s->current].plan.has_base && !s->repair;
}

void bf_sender_base_forget(struct bf_sender *s)
{
    s->ask_at = s->asks = 0;
}

void bf_sender_base_begin(struct bf_sender *s, uint64_t first)
{
    for (uint32_t i = 0; i < s->asks; i++)
        s->ask[(s->ask_at + i) % BF_BASE_ASKS].late = 1;
    s->base_known = s->base_asked = first;
}

static void take(struct bf_sender *s, const struct bf_base_run *run)
{
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t at = (uint32_t)((run->first + i) % BF_BASE_WINDOW);
        s->base_state[at] = run->state;
        if (run->state == BF_CHUNK_DATA)
            memcpy(&s->base_digest[at], run->digests + i * sizeof(struct bf_digest),
                   sizeof(struct bf_digest));
    }
    s->base_known += run->count;
}

int bf_sender_base_run(struct bf_sender *s, const struct bf_base_run *run)
{
    struct bf_sender_ask *ask = &s->ask[s->ask_at];
    if (!s->asks || run->disk != ask->want.disk || run->first != ask->want.first ||
        run->count > ask->want.count)
        return 0;
    if (!ask->late)
        take(s, run);
    ask->want.first += run->count;
    ask->want.count -= run->count;
    if (!ask->want.count) {
        s->ask_at = (s->ask_at + 1) % BF_BASE_ASKS;
        s->asks--;
    }
    return 1;
}

// 0: there is no room.
static int ask(struct bf_sender *s, const struct bf_base_want *want)
{
    uint8_t *room = s->asks < BF_BASE_ASKS ? bf_link_room(&s->link, 64) : NULL;
    if (!room)
        return 0;
    bf_link_put(&s->link, bf_put_base_want(room, 64, want));
    s->ask[(s->ask_at + s->asks++) % BF_BASE_ASKS] = (struct bf_sender_ask){*want, 0};
    s->base_asked += want->count;
    s->moved = 1;
    return 1;
}

void bf_sender_ask_base(struct bf_sender *s)
{
    // What is unused needs no base, and may have carried us beyond what was asked.
    if (s->base_asked < s->sent)
        bf_sender_base_begin(s, s->sent);
    while (bf_sender_wants_base(s) && s->base_asked < s->span_end) {
        uint64_t space = BF_BASE_WINDOW - (s->base_asked - s->sent);
        uint64_t left = s->span_end - s->base_asked;
        struct bf_base_want want = {s->disk[s->current].plan.disk, s->base_asked, BASE_ASK};
        if (left < BASE_ASK)
            want.count = (uint32_t)left;
        if (space < want.count || !ask(s, &want))
            return;
    }
}
