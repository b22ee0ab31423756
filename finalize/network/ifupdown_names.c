// SPDX-License-Identifier: Apache-2.0
// Words and names of interfaces(5), and what is wrong with them: what a stanza is brought up as,
// and which interfaces a pattern means.
#include "finalize/network/ifupdown.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---- Words --------------------------------------------------------------------------------------

bool bf_slice_is(struct bf_slice s, const char *text)
{
    return bf_word_is(s.at, s.len, text);
}

bool bf_slice_same(struct bf_slice a, struct bf_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool bf_slice_next(struct bf_slice *rest, struct bf_slice *word)
{
    const char *at = rest->at, *end = rest->at + rest->len;
    bool any = rest->at && bf_word_next(&at, end, &word->at, &word->len);
    *rest = (struct bf_slice){at, rest->at ? (size_t)(end - at) : 0};
    return any;
}

struct bf_slice bf_slice_word(struct bf_slice text)
{
    struct bf_slice word = {0};
    return bf_slice_next(&text, &word) ? word : (struct bf_slice){"", 0};
}

void bf_ifup_option(const struct bf_ifup_line *line, char *out, size_t size)
{
    size_t len = line->key.len < size ? line->key.len : 0;
    for (size_t i = 0; i < len; i++)
        out[i] = line->key.at[i] == '_' ? '-' : line->key.at[i];
    out[len] = 0;
}

bool bf_ifup_in(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

// ---- Trouble ------------------------------------------------------------------------------------

void bf_ifup_trouble(struct bf_ifup *c, size_t line, const char *fmt, ...)
{
    va_list ap;
    char what[300];
    if (c->trouble[0])
        return;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    const struct bf_ifup_line *l = line < c->lines ? &c->line[line] : NULL;
    if (l)
        snprintf(c->trouble, sizeof c->trouble, "ifupdown: %.80s, line %u: %s",
                 c->file[l->file].path, l->number, what);
    else
        snprintf(c->trouble, sizeof c->trouble, "ifupdown: %s", what);
}

// ---- Names --------------------------------------------------------------------------------------

bool bf_ifup_is_of(const struct bf_ifup *c, size_t line, const struct bf_ifup_stanza *s)
{
    return c->line[line].stanza && &c->stanza[c->line[line].stanza - 1] == s;
}

bool bf_ifup_is_pattern(struct bf_slice physical)
{
    return physical.len &&
           (memchr(physical.at, '/', physical.len) || memchr(physical.at, '[', physical.len));
}

struct bf_slice bf_ifup_device(struct bf_slice physical)
{
    const char *colon = memchr(physical.at, ':', physical.len);
    if (colon && !bf_ifup_is_pattern(physical))
        physical.len = (size_t)(colon - physical.at);
    return physical;
}

struct bf_slice bf_ifup_renamed(const struct bf_ifup *c, struct bf_slice name)
{
    for (size_t i = 0; i < c->renames; i++)
        if (bf_slice_same(c->rename[i].physical, name))
            return c->rename[i].logical;
    return name;
}

// Whether the interface of that name is brought up as another logical one.
static bool is_elsewhere(const struct bf_ifup *c, struct bf_slice name)
{
    for (size_t i = 0; i < c->ups; i++)
        if (bf_slice_same(c->up[i].physical, name))
            return true;
    return false;
}

bool bf_ifup_matches(struct bf_slice pattern, const char *name, const char *mac)
{
    char value[128];
    const char *slash = memchr(pattern.at, '/', pattern.len);
    const char *range = memchr(pattern.at, '[', pattern.len);
    if (!slash)
        return range && range != pattern.at &&
               strncmp(pattern.at, name, (size_t)(range - pattern.at)) == 0;
    size_t len = pattern.len - (size_t)(slash + 1 - pattern.at);
    const char *end = memchr(slash + 1, '/', len);
    len = end ? (size_t)(end - slash - 1) : len;
    snprintf(value, sizeof value, "%.*s", (int)(len < 127 ? len : 127), slash + 1);
    if (slash == pattern.at)
        return name[0] && fnmatch(value, name, 0) == 0;
    return slash - pattern.at == 3 && memcmp(pattern.at, "mac", 3) == 0 && mac[0] &&
           fnmatch(value, mac, FNM_CASEFOLD) == 0;
}

bool bf_ifup_physical(const struct bf_ifup *c, const struct bf_ifup_stanza *s, size_t *at,
                      struct bf_slice *physical)
{
    bool began = *at > 0;
    if (s->is_template || *at > c->ups)
        return false;
    for (size_t i = *at; i < c->ups; i++)
        if (bf_slice_same(c->up[i].logical, s->name)) {
            *physical = bf_ifup_renamed(c, c->up[i].physical);
            *at = i + 1;
            return true;
        }
    *at = c->ups + 1;
    *physical = bf_ifup_renamed(c, s->name);
    return !began && !s->is_inherited && !is_elsewhere(c, s->name);
}
