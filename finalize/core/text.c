// SPDX-License-Identifier: Apache-2.0
// Growable byte strings, and the line and word steps that every text rewriter here is made of.
#include "finalize/core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void bf_text_free(struct bf_text *t)
{
    free(t->data);
    *t = (struct bf_text){0};
}

void bf_text_empty(struct bf_text *t)
{
    BF_ASSERT(t->len <= t->cap);
    t->len = 0;
    if (t->data)
        t->data[0] = 0;
}

static bool grow(struct bf_text *t, size_t more)
{
    BF_ASSERT(t->len <= t->cap && (t->data || t->cap == 0));
    if (t->failed)
        return false;
    if (more < t->cap - t->len)
        return true;
    size_t cap = t->cap ? t->cap : 256;
    while (cap - t->len <= more) {
        if (cap > (size_t)1 << 40) {
            t->failed = true;
            return false;
        }
        cap *= 2;
    }
    char *p = realloc(t->data, cap);
    if (!p) {
        t->failed = true;
        return false;
    }
    t->data = p;
    t->cap = cap;
    BF_ASSERT(t->cap - t->len > more); // with room for the NUL
    return true;
}

void bf_text_add(struct bf_text *t, const void *bytes, size_t len)
{
    BF_ASSERT(bytes || len == 0);
    if (!grow(t, len))
        return;
    if (len)
        memcpy(t->data + t->len, bytes, len);
    t->len += len;
    BF_ASSERT(t->len < t->cap);
    t->data[t->len] = 0;
}

void bf_text_str(struct bf_text *t, const char *s)
{
    bf_text_add(t, s, strlen(s));
}

void bf_text_vf(struct bf_text *t, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        t->failed = true;
    else if (grow(t, (size_t)n)) {
        vsnprintf(t->data + t->len, (size_t)n + 1, fmt, again);
        t->len += (size_t)n;
    }
    va_end(again);
}

void bf_textf(struct bf_text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bf_text_vf(t, fmt, ap);
    va_end(ap);
}

void bf_text_list(struct bf_text *t, const char *const *word, size_t count, const char *last)
{
    for (size_t i = 0; i < count; i++)
        bf_textf(t, "%s%s", i == 0 ? "" : i + 1 == count ? last : ", ", word[i]);
}

bool bf_text_ok(const struct bf_text *t)
{
    return !t->failed;
}

const char *bf_text_get(const struct bf_text *t)
{
    BF_ASSERT(t->failed || !t->data || t->data[t->len] == 0);
    return t->failed || !t->data ? "" : t->data;
}

static size_t stepped;

size_t bf_text_stepped(void)
{
    return stepped;
}

bool bf_line_next(const char *text, size_t len, size_t *pos, struct bf_line *line)
{
    if (*pos >= len)
        return false;
    const char *at = text + *pos;
    const char *nl = memchr(at, '\n', len - *pos);
    line->at = at;
    line->full = nl ? (size_t)(nl - at) + 1 : len - *pos;
    line->len = nl ? (size_t)(nl - at) : line->full;
    BF_ASSERT(line->full > 0 && line->full - line->len <= 1); // it goes on, and ends
    *pos += line->full;
    stepped += line->full;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool bf_word_next(const char **at, const char *end, const char **word, size_t *word_len)
{
    BF_ASSERT(*at <= end);
    const char *p = *at;
    while (p < end && is_blank(*p))
        p++;
    const char *start = p;
    while (p < end && !is_blank(*p))
        p++;
    BF_ASSERT(start <= p && p <= end);
    stepped += (size_t)(p - *at) + 1;
    *at = p;
    *word = start;
    *word_len = (size_t)(p - start);
    return p > start;
}

bool bf_word_is(const char *word, size_t len, const char *s)
{
    return strlen(s) == len && memcmp(word, s, len) == 0;
}

char *bf_word_dup(const char *word, size_t len)
{
    char *s = malloc(len + 1);
    if (!s)
        return NULL;
    if (len)
        memcpy(s, word, len);
    s[len] = 0;
    return s;
}

void bf_text_unoctal(char *s)
{
    char *put = s;
    for (; *s; s++) {
        bool octal = s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
                     s[3] >= '0' && s[3] <= '7';
        *put++ = octal ? (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0')) : *s;
        s += octal ? 3 : 0;
    }
    *put = 0;
}
