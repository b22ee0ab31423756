// SPDX-License-Identifier: Apache-2.0
// Sets and removes shell variables in place: the first pass over a file finds where each has its
// last assignment, the second writes.
#include <string.h>

#include "base/assert.h"
#include "finalize/core/shvar.h"

// Bytes that mean nothing to a shell, anywhere in a word.
static bool is_plain(const char *value)
{
    return value[0] && !value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789_-.:/,+@%=")];
}

static bool needs_escape(char c)
{
    return c == '"' || c == '\\' || c == '$' || c == '`';
}

static void put_double(struct bf_text *out, const char *value)
{
    bf_text_str(out, "\"");
    for (; *value; value++) {
        if (needs_escape(*value))
            bf_text_str(out, "\\");
        bf_text_add(out, value, 1);
    }
    bf_text_str(out, "\"");
}

// With quotes if it needs any. Values have no line ends.
static void put_quoted(struct bf_text *out, const char *value)
{
    BF_ASSERT(!strchr(value, '\n'));
    if (!value[0] || is_plain(value))
        bf_text_str(out, value);
    else
        put_double(out, value);
}

// With the quotes that the old value had, where the new one can have them.
static void put_like(struct bf_text *out, const struct bf_shvar *sv, const char *value)
{
    char quote = sv->value_len ? sv->value[0] : 0;
    if (quote == '\'' && !strchr(value, '\''))
        bf_textf(out, "'%s'", value);
    else if (quote == '"' || quote == '\'')
        put_double(out, value);
    else
        put_quoted(out, value);
}

// The old value's bytes are kept when they mean the new one.
static bool has_value(const struct bf_shvar *sv, const char *value)
{
    char old[512];
    return bf_shvar_value(sv, old, sizeof old) && strcmp(old, value) == 0;
}

static void put_set(struct bf_text *out, const struct bf_shvar *sv, const char *value)
{
    const char *after = sv->value + sv->value_len;
    bf_text_add(out, sv->line.at, (size_t)(sv->value - sv->line.at));
    if (has_value(sv, value))
        bf_text_add(out, sv->value, sv->value_len);
    else
        put_like(out, sv, value);
    bf_text_add(out, after, (size_t)(sv->line.at + sv->line.full - after));
}

struct edit {
    const struct bf_shvar_change *change;
    size_t count;
    unsigned last[BF_SHVAR_CHANGES]; // line of the last assignment; 0: there is none
    unsigned touched;                // the last line of them all
    bool cr;                         // lines end with CR LF
};

// The change that a statement falls under, or `count`.
static size_t change_of(const struct edit *e, const struct bf_shvar *sv)
{
    size_t i = 0;
    while (i < e->count && !bf_shvar_is(sv, e->change[i].key))
        i++;
    return i;
}

static void find_last(struct edit *e, const char *text, size_t size)
{
    struct bf_shvar sv;
    bf_shvar_init(&sv, text, size);
    while (bf_shvar_next(&sv)) {
        size_t i = change_of(e, &sv);
        e->cr = e->cr || sv.cr;
        if (i < e->count)
            e->last[i] = e->touched = sv.number;
    }
}

static void put_new(struct bf_text *out, const struct edit *e)
{
    bool any = false;
    for (size_t i = 0; i < e->count; i++) {
        if (e->last[i] || !e->change[i].value)
            continue;
        if (!any && out->len && out->data[out->len - 1] != '\n')
            bf_text_str(out, "\n");
        any = true;
        bf_textf(out, "%s=", e->change[i].key);
        put_quoted(out, e->change[i].value);
        bf_text_str(out, e->cr ? "\r\n" : "\n");
    }
}

void bf_shvar_edit(struct bf_text *out, const char *text, size_t size,
                   const struct bf_shvar_change *change, size_t count)
{
    BF_ASSERT(count <= BF_SHVAR_CHANGES);
    struct edit e = {.change = change, .count = count};
    struct bf_shvar sv;
    find_last(&e, text, size);
    bf_shvar_init(&sv, text, size);
    while (bf_shvar_next(&sv)) {
        size_t i = change_of(&e, &sv);
        if (i == count)
            bf_text_add(out, sv.line.at, sv.line.full);
        else if (change[i].value && e.last[i] == sv.number)
            put_set(out, &sv, change[i].value);
        if (e.touched && sv.number == e.touched)
            put_new(out, &e);
    }
    if (!e.touched)
        put_new(out, &e);
}
