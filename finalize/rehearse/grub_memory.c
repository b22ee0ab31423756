// SPDX-License-Identifier: Apache-2.0
// The memory of a run of GRUB's script, and what is said of it; see grub.h. A script may double a
// word with each step, so all of it is counted.
#include "finalize/rehearse/grub.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bf_gr_chunk {
    struct bf_gr_chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

#define CHUNK ((size_t)64 << 10)

void *bf_gr_alloc(struct bf_gr *g, size_t size)
{
    size_t align = alignof(max_align_t);
    size = (size + align - 1) / align * align;
    struct bf_gr_chunk *c = g->chunk;
    if (!c || c->size - c->used < size) {
        size_t want = size > CHUNK ? size : CHUNK;
        c = g->memory + want <= BF_GR_MEMORY ? calloc(1, sizeof *c + want) : NULL;
        if (!c) {
            bf_gr_lose(g, "needs more memory than a configuration may take here");
            return NULL;
        }
        g->memory += want;
        *c = (struct bf_gr_chunk){.next = g->chunk, .size = want};
        g->chunk = c;
    }
    void *p = c->data + c->used;
    c->used += size;
    return p;
}

const char *bf_gr_dup(struct bf_gr *g, const char *s, size_t len)
{
    char *p = bf_gr_alloc(g, len + 1);
    if (!p)
        return "";
    if (len)
        memcpy(p, s, len);
    p[len] = 0;
    return p;
}

void bf_gr_release(struct bf_gr *g)
{
    while (g->chunk) {
        struct bf_gr_chunk *next = g->chunk->next;
        free(g->chunk);
        g->chunk = next;
    }
}

static void say(struct bf_gr *g, enum bf_trouble_kind kind, const char *fmt, va_list ap)
{
    char text[256];
    vsnprintf(text, sizeof text, fmt, ap);
    bf_walk_say(g->w, kind, g->file, g->line, "%s", text);
}

// The first thing that is said of a start stays.
static void tell(struct bf_gr *g, char *out, size_t size, const char *fmt, va_list ap)
{
    char text[256];
    vsnprintf(text, sizeof text, fmt, ap);
    if (!out[0])
        snprintf(out, size, "%.120s, line %u: %.110s", g->file, g->line, text);
}

void bf_gr_lose(struct bf_gr *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (g->state != BF_GR_LOST)
        say(g, BF_TROUBLE_DOUBT, fmt, ap);
    va_end(ap);
    g->state = BF_GR_LOST;
}

void bf_gr_block(struct bf_gr *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    tell(g, g->load.start.blocked, sizeof g->load.start.blocked, fmt, ap);
    va_end(ap);
}

void bf_gr_unknown(struct bf_gr *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (g->in_entry)
        tell(g, g->load.start.unknown, sizeof g->load.start.unknown, fmt, ap);
    else
        say(g, g->chosen ? BF_TROUBLE_DOUBT : BF_TROUBLE_LOOK, fmt, ap);
    va_end(ap);
}

void bf_gr_look(struct bf_gr *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (g->chosen)
        say(g, BF_TROUBLE_LOOK, fmt, ap);
    va_end(ap);
}

void bf_gr_word(struct bf_gr *g, struct bf_gr_words *w, const char *s, size_t len)
{
    if (w->count + 1 >= w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 8;
        char **more = cap <= BF_GR_WORDS * 2 ? bf_gr_alloc(g, cap * sizeof *more) : NULL;
        if (!more) {
            bf_gr_lose(g, "has a command of more than %d words", BF_GR_WORDS);
            return;
        }
        if (w->count)
            memcpy(more, w->word, w->count * sizeof *more);
        w->word = more;
        w->cap = cap;
    }
    char *copy = bf_gr_alloc(g, len + 1);
    if (!copy)
        return;
    if (len)
        memcpy(copy, s, len);
    copy[len] = 0;
    w->word[w->count++] = copy;
    w->word[w->count] = NULL;
}
