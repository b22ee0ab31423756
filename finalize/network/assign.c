// SPDX-License-Identifier: Apache-2.0
// Finds the assignments of bash in a text, in one pass and without carrying anything out.
#include "finalize/network/assign.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

void bf_assign_init(struct bf_assign *a, const char *text, size_t size)
{
    *a = (struct bf_assign){.text = text, .size = size, .next = 1};
}

static bool is_key(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '[' || c == ']';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

// Whether a word ends before that byte of the text, or begins behind it.
static bool is_edge(const struct bf_assign *a, size_t p)
{
    return p >= a->size || is_blank(a->text[p]) || strchr("\n()=", a->text[p]);
}

// Behind the value that begins at `p`, which may go over lines. A word of which only a part is in
// quotes is odd.
static size_t skip_value(struct bf_assign *a, size_t p)
{
    char quote = 0;
    bool list = p < a->size && a->text[p] == '(';
    for (; p < a->size; p++) {
        char c = a->text[p];
        bool turns = quote ? c == quote : c == '"' || c == '\'';
        if (quote != '\'' && (c == '$' || c == '`' || c == '\\'))
            a->odd = true;
        if (turns) {
            a->odd = a->odd || !is_edge(a, quote ? p + 1 : p - 1);
            quote = quote ? 0 : c;
        } else if (quote)
            continue;
        else if (list && c == ')')
            return p + 1;
        else if (list && c == '#')
            a->odd = true;
        else if (!list && (c == '\n' || is_blank(c)))
            return p;
        else if (!list && strchr("();|&<>", c))
            a->odd = true;
    }
    a->odd = a->odd || quote || list;
    return p;
}

// What follows on the last line: a comment, or what is odd.
static size_t skip_rest(struct bf_assign *a, size_t p)
{
    size_t start = p;
    while (p < a->size && is_blank(a->text[p]))
        p++;
    if (p < a->size && a->text[p] != '\n' && (a->text[p] != '#' || p == start))
        a->odd = true;
    while (p < a->size && a->text[p] != '\n')
        p++;
    return p < a->size ? p + 1 : p;
}

static void parse(struct bf_assign *a, size_t p)
{
    size_t key = p;
    while (p < a->size && is_key(a->text[p]))
        p++;
    bool assigns = p > key && p < a->size && a->text[p] == '=' && p - key < sizeof a->key;
    a->value = a->text + p;
    a->len = 0;
    a->odd = !assigns;
    if (assigns) {
        snprintf(a->key, sizeof a->key, "%.*s", (int)(p - key), a->text + key);
        a->value = a->text + p + 1;
        p = skip_value(a, p + 1);
        a->len = (size_t)(a->text + p - a->value);
    }
    a->to = a->pos = skip_rest(a, p);
}

bool bf_assign_next(struct bf_assign *a)
{
    a->key[0] = 0;
    while (a->pos < a->size) {
        size_t p = a->pos;
        while (p < a->size && is_blank(a->text[p]))
            p++;
        a->from = a->pos;
        a->number = a->next;
        if (p < a->size && a->text[p] != '\n' && a->text[p] != '#')
            parse(a, p);
        else
            a->to = a->pos = skip_rest(a, p);
        BF_ASSERT(a->to > a->from);
        for (size_t i = a->from; i < a->to; i++)
            a->next += a->text[i] == '\n';
        if (p < a->size && a->text[p] != '\n' && a->text[p] != '#')
            return true;
    }
    return false;
}

bool bf_assign_is(const struct bf_assign *a, const char *key)
{
    return strcmp(a->key, key) == 0;
}

static bool parts(char c)
{
    return c == '\n' || c == '"' || c == '\'' || c == '(' || c == ')';
}

bool bf_assign_item(const struct bf_assign *a, size_t *pos, const char **item, size_t *len)
{
    bool list = a->len && a->value[0] == '(';
    char quote = 0;
    size_t p = *pos;
    while (p < a->len && (is_blank(a->value[p]) || parts(a->value[p]))) {
        if (a->value[p] == '"' || a->value[p] == '\'')
            quote = quote == a->value[p] ? 0 : a->value[p];
        p++;
    }
    size_t start = p;
    while (p < a->len && !parts(a->value[p]) && (!list || quote || !is_blank(a->value[p])))
        p++;
    *pos = p + (quote && p < a->len && a->value[p] == quote);
    while (p > start && is_blank(a->value[p - 1]))
        p--;
    *item = a->value + start;
    *len = p - start;
    return p > start;
}

static bool goes(const struct bf_assign *a, const char *const *key)
{
    for (; *key; key++)
        if (bf_assign_is(a, *key))
            return true;
    return false;
}

void bf_assign_replace(struct bf_text *out, const char *text, size_t size, const char *const *key,
                       const char *put)
{
    struct bf_assign a;
    bool done = false;
    size_t pos = 0;
    bf_assign_init(&a, text, size);
    while (bf_assign_next(&a)) {
        if (!goes(&a, key))
            continue;
        bf_text_add(out, text + pos, a.from - pos);
        if (!done)
            bf_text_str(out, put);
        done = true;
        pos = a.to;
    }
    bf_text_add(out, text + pos, size - pos);
    if (!done && out->len && out->data[out->len - 1] != '\n')
        bf_text_str(out, "\n");
    if (!done)
        bf_text_str(out, put);
}

static const struct bf_assign_pair *pair_of(const struct bf_assign_pair *pair, const char *key)
{
    for (; pair->key; pair++)
        if (strcmp(pair->key, key) == 0)
            return pair;
    return NULL;
}

static bool has_key(const char *text, size_t size, const char *key)
{
    struct bf_assign a;
    bf_assign_init(&a, text, size);
    while (bf_assign_next(&a))
        if (bf_assign_is(&a, key))
            return true;
    return false;
}

// What the text has no assignment of.
static void put_missing(struct bf_text *out, const char *text, size_t size,
                        const struct bf_assign_pair *pair)
{
    for (; pair->key; pair++) {
        if (!pair->value[0] || has_key(text, size, pair->key))
            continue;
        if (out->len && out->data[out->len - 1] != '\n')
            bf_text_str(out, "\n");
        bf_textf(out, "%s=\"%s\"\n", pair->key, pair->value);
    }
}

void bf_assign_put(struct bf_text *out, const char *text, size_t size,
                   const struct bf_assign_pair *pair)
{
    struct bf_assign a;
    const struct bf_assign_pair *p;
    size_t pos = 0, last = 0;
    bf_assign_init(&a, text, size);
    while (bf_assign_next(&a))
        if (pair_of(pair, a.key))
            last = a.to;
    bf_assign_init(&a, text, size);
    while (pos < last && bf_assign_next(&a)) {
        if (!(p = pair_of(pair, a.key)))
            continue;
        bf_text_add(out, text + pos, (size_t)(a.value - text) - pos);
        bf_textf(out, "\"%s\"", p->value);
        pos = (size_t)(a.value - text) + a.len;
        if (a.to == last) {
            bf_text_add(out, text + pos, last - pos);
            pos = last;
        }
    }
    if (last)
        put_missing(out, text, size, pair);
    bf_text_add(out, text + pos, size - pos);
    if (!last)
        put_missing(out, text, size, pair);
}
