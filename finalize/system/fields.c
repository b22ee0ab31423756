// SPDX-License-Identifier: Apache-2.0
// See fields.h.
#include "finalize/system/fields.h"

#include <string.h>

struct bf_fields bf_fields_split(const struct bf_line *line)
{
    struct bf_fields w = {.count = 0};
    const char *at = line->at, *end = line->at + line->len;
    while (w.count < BF_FIELDS && bf_word_next(&at, end, &w.at[w.count], &w.len[w.count]))
        w.count++;
    if (w.count && w.at[0][0] == '#')
        w.count = 0;
    return w;
}

void bf_fields_text(const struct bf_fields *w, size_t i, char *out, size_t size)
{
    bool fits = i < w->count && w->len[i] < size && !memchr(w->at[i], 0, w->len[i]);
    size_t n = fits ? w->len[i] : 0;
    if (n)
        memcpy(out, w->at[i], n);
    out[n] = 0;
}

void bf_fields_plain(const struct bf_fields *w, size_t i, char *out, size_t size)
{
    bf_fields_text(w, i, out, size);
    bf_text_unoctal(out);
}

void bf_fields_put(struct bf_text *out, const struct bf_line *line, const struct bf_fields *w,
                   size_t i, const char *word)
{
    bf_text_add(out, line->at, (size_t)(w->at[i] - line->at));
    bf_text_str(out, word);
    const char *rest = w->at[i] + w->len[i];
    bf_text_add(out, rest, (size_t)(line->at + line->full - rest));
}

const char *bf_fields_after(const char *options, const char *name, const char *ends)
{
    size_t n = strlen(name);
    for (const char *at = options; *at; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strncmp(at, name, n) == 0 && strchr(ends, at[n])) // the NUL is an end, too
            return at + n;
    }
    return NULL;
}

bool bf_fields_option(const char *options, const char *name)
{
    return bf_fields_after(options, name, ",") != NULL;
}

const char *bf_fields_value(const char *options, const char *name)
{
    const char *at = bf_fields_after(options, name, "=");
    return at && *at == '=' ? at + 1 : NULL;
}
