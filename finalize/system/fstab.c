// SPDX-License-Identifier: Apache-2.0
// /etc/fstab and /etc/crypttab off names that depend on the order of the disks (fstab(5),
// crypttab(5)). Only the word that names the device changes in a line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/system/stable.h"
#include "finalize/system/steps.h"

struct words {
    const char *at[4];
    size_t len[4];
    size_t count;
};

static struct words split(const struct bf_line *line)
{
    struct words w = {.count = 0};
    const char *at = line->at, *end = line->at + line->len;
    while (w.count < 4 && bf_word_next(&at, end, &w.at[w.count], &w.len[w.count]))
        w.count++;
    if (w.count && w.at[0][0] == '#')
        w.count = 0;
    return w;
}

static void to_text(const struct words *w, size_t i, char *out, size_t size)
{
    snprintf(out, size, "%.*s", i < w->count ? (int)w->len[i] : 0, i < w->count ? w->at[i] : "");
}

static void put(struct bf_text *out, const struct bf_line *line, const struct words *w, size_t i,
                const char *name)
{
    bf_text_add(out, line->at, (size_t)(w->at[i] - line->at));
    bf_text_str(out, name);
    const char *rest = w->at[i] + w->len[i];
    bf_text_add(out, rest, (size_t)(line->at + line->full - rest));
}

// `device` is the field that names the device: 0 in fstab, 1 in crypttab.
static void rewrite_line(struct bf_fin *f, const struct bf_line *line, size_t device,
                         const char *path, struct bf_text *out)
{
    struct words w = split(line);
    char name[256], mount[256] = "", type[32] = "", stable[128];
    if (w.count > device) {
        to_text(&w, device, name, sizeof name);
        if (device == 0) {
            to_text(&w, 1, mount, sizeof mount);
            to_text(&w, 2, type, sizeof type);
        } else {
            snprintf(type, sizeof type, "crypto_LUKS");
        }
        if (bf_stable_name(f, name, type, mount, path, stable, sizeof stable) == BF_STABLE_NEW) {
            put(out, line, &w, device, stable);
            return;
        }
    }
    bf_text_add(out, line->at, line->full);
}

static enum bf_err rewrite_table(struct bf_fin *f, const char *path, size_t device)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text out = {0};
    enum bf_err err;
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text)
        return err;
    while (bf_line_next(text, len, &pos, &line))
        rewrite_line(f, &line, device, path, &out);
    err = bf_fin_set(f, path, &out, "device names that do not depend on the order of the disks");
    bf_text_free(&out);
    return err;
}

enum bf_err bf_adapt_fstab(struct bf_fin *f)
{
    enum bf_err err = rewrite_table(f, "/etc/fstab", 0);
    return err ? err : rewrite_table(f, "/etc/crypttab", 1);
}
