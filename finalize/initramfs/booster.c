// SPDX-License-Identifier: Apache-2.0
// booster: a line "modules:" with names and commas in its YAML file (booster(1)).
#include <stdio.h>
#include <string.h>

#include "finalize/initramfs/maker.h"

#define CONF "/etc/booster.yaml"

static const char *const programs[] = {"/usr/bin/booster", NULL};

static bool in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, CONF);
}

static bool has_name(const char *list, size_t len, const char *name)
{
    const char *end = list + len;
    for (const char *at = list; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t n = (size_t)((comma ? comma : end) - at);
        while (n && (*at == ' ' || *at == '"' || *at == '\''))
            at++, n--;
        while (n && (at[n - 1] == ' ' || at[n - 1] == '"' || at[n - 1] == '\''))
            n--;
        if (bf_word_is(at, n, name))
            return true;
        at = comma ? comma + 1 : end;
    }
    return false;
}

// Where the value ends that stands behind the key: before a comment, blanks and a closing quote.
static size_t value_end(const struct bf_line *line, size_t from)
{
    size_t end = line->len;
    for (size_t i = from; i + 1 < line->len; i++)
        if (line->at[i] == ' ' && line->at[i + 1] == '#') {
            end = i;
            break;
        }
    while (end > from && (line->at[end - 1] == ' ' || line->at[end - 1] == '\r'))
        end--;
    if (end > from && (line->at[end - 1] == '"' || line->at[end - 1] == '\''))
        end--;
    return end;
}

static void add_to_line(const struct bf_line *line, const struct bf_lasting *l, struct bf_text *out)
{
    const size_t from = strlen("modules:");
    size_t end = value_end(line, from);
    const char *value = line->at + from;
    bool any = false;
    for (size_t i = from; i < end; i++)
        any = any || !strchr(" \"'", line->at[i]);
    bf_text_add(out, line->at, end);
    if (end == from)
        bf_text_str(out, " ");
    for (size_t i = 0; i < l->count; i++)
        if (!has_name(value, end - from, l->name[i])) {
            bf_textf(out, "%s%s", any ? "," : "", l->name[i]);
            any = true;
        }
    bf_text_add(out, line->at + end, line->full - end);
}

static enum bf_err keep(struct bf_fin *f, const struct bf_lasting *l)
{
    size_t len, pos = 0;
    enum bf_err err;
    struct bf_line line;
    struct bf_text out = {0};
    bool done = false;
    const char *text = bf_fin_get(f, CONF, &len, &err);
    while (text && bf_line_next(text, len, &pos, &line)) {
        bool ours = line.len >= 8 && memcmp(line.at, "modules:", 8) == 0 && !done;
        if (ours)
            add_to_line(&line, l, &out);
        else
            bf_text_add(&out, line.at, line.full);
        done = done || ours;
    }
    if (!done) {
        bf_textf(&out, "%smodules: ", out.len && out.data[out.len - 1] != '\n' ? "\n" : "");
        for (size_t i = 0; i < l->count; i++)
            bf_textf(&out, "%s%s", i ? "," : "", l->name[i]);
        bf_text_str(&out, "\n");
    }
    if (!err)
        err = bf_fin_set(f, CONF, &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}

const struct bf_maker_ops bf_booster = {
    .name = "booster", .programs = programs, .in_use = in_use, .keep = keep};
