// SPDX-License-Identifier: Apache-2.0
// See intake.h.
#include "finalize/archive/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define CHUNK    ((size_t)512 << 10)
#define WANT_MAX 64

enum bf_err bf_intake_file(struct bf_intake *s, const struct bf_edits *e, const char *path,
                           uint64_t begin, uint64_t end)
{
    BF_ASSERT(begin <= end);
    *s = (struct bf_intake){.edits = e, .path = path, .budget = e->root->budget};
    s->begin = s->next = begin;
    s->end = end;
    s->buf = malloc(CHUNK);
    s->data = s->buf;
    return s->buf ? BF_OK : BF_ERR_NO_MEMORY;
}

void bf_intake_bytes(struct bf_intake *s, const void *data, size_t len, struct bf_budget *budget)
{
    *s = (struct bf_intake){.path = "", .budget = budget, .data = data, .have = len};
    s->next = s->end = len;
}

void bf_intake_close(struct bf_intake *s)
{
    free(s->buf);
    *s = (struct bf_intake){0};
}

// What is left goes to the buffer's front, and the file's next bytes behind it.
static void load(struct bf_intake *s)
{
    size_t got = 0, rest = s->have - s->at;
    BF_ASSERT(rest < WANT_MAX && s->buf);
    memmove(s->buf, s->buf + s->at, rest);
    s->at = 0;
    s->have = rest;
    uint64_t left = s->end - s->next;
    size_t want = left < CHUNK - rest ? (size_t)left : CHUNK - rest;
    s->err = bf_budget_take(s->budget, s->path, want / BF_BUDGET_UNPACK);
    if (!s->err)
        s->err = bf_edits_pread(s->edits, s->path, s->buf + rest, want, s->next, &got, &s->fault);
    s->have += got;
    s->next += got;
    if (s->err || got < want)
        s->end = s->next;
}

const unsigned char *bf_intake_peek(struct bf_intake *s, size_t want, size_t *got)
{
    BF_ASSERT(want <= WANT_MAX && s->at <= s->have);
    if (s->have - s->at < want && s->next < s->end)
        load(s);
    *got = s->have - s->at;
    return s->data + s->at;
}

void bf_intake_take(struct bf_intake *s, size_t len)
{
    BF_ASSERT(len <= s->have - s->at);
    s->at += len;
}

bool bf_intake_read(struct bf_intake *s, void *out, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t got;
        const unsigned char *data = bf_intake_peek(s, 1, &got);
        if (!got)
            return false;
        got = got < len - done ? got : len - done;
        memcpy((unsigned char *)out + done, data, got);
        bf_intake_take(s, got);
        done += got;
    }
    return true;
}

bool bf_intake_skip(struct bf_intake *s, uint64_t len)
{
    size_t rest = s->have - s->at;
    if (len <= rest) {
        s->at += (size_t)len;
        return true;
    }
    bool enough = len - rest <= s->end - s->next;
    s->at = s->have;
    s->next = enough ? s->next + (len - rest) : s->end;
    return enough;
}

uint64_t bf_intake_tell(const struct bf_intake *s)
{
    return s->next - s->begin - (s->have - s->at);
}
