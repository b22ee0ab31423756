// SPDX-License-Identifier: Apache-2.0
// /etc/kernel/cmdline, or /usr/lib/kernel/cmdline where there is none: what is changed then is its
// copy in /etc. Comments and further lines stay; the first line that has words gets the console,
// since old versions read no other.
#include "finalize/boot/kernel_install.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/lines.h"
#include "finalize/boot/menu.h"

static bool is_blank(const struct bf_line *line)
{
    const char *at = line->at, *w;
    size_t len;
    return !bf_word_next(&at, line->at + line->len, &w, &len) || w[0] == '#';
}

// Each line is a command line; `whole`: it is all there is, and gets the console.
static enum bf_err rewrite_words(struct bf_fin *f, const char *path, bool whole,
                                 struct bf_text *out)
{
    struct bf_menu m;
    bool there, console = !whole;
    struct bf_menu_line *first = NULL;
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    for (size_t i = 0; i < m.lines && !err; i++) {
        struct bf_menu_line *l = &m.line[i];
        if (is_blank(&l->line))
            continue;
        first = first ? first : l;
        console = console || bf_cmdline_has_console(f, l->line.at, l->line.len);
    }
    for (size_t i = 0; i < m.lines && !err; i++) {
        struct bf_menu_line *l = &m.line[i];
        struct bf_cmdline at = {
            .path = path, .line = (unsigned)i + 1, .console = l == first && !console};
        if (!is_blank(&l->line)) {
            err = bf_cmdline_edit(f, &at, l->line.at, l->line.len, out);
            bf_text_add(out, l->line.at + l->line.len, l->line.full - l->line.len);
        } else {
            bf_text_add(out, l->line.at, l->line.full);
        }
    }
    bf_menu_free(&m);
    return err;
}

static enum bf_err rewrite_file(struct bf_fin *f, const char *path, const char *to, bool whole)
{
    size_t len;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    if (!text)
        return BF_OK;
    enum bf_err err = rewrite_words(f, path, whole, &out);
    if (!err && !bf_lines_same(&out, text, len))
        err = bf_lines_set(f, to, &out);
    bf_text_free(&out);
    return err;
}

static enum bf_err rewrite_part(struct bf_fin *f, const char *path, void *unused)
{
    (void)unused;
    return rewrite_file(f, path, path, false);
}

static void note_layout(struct bf_fin *f)
{
    static const char *const paths[] = {"/etc/kernel/install.conf", "/usr/lib/kernel/install.conf"};
    for (size_t p = 0; p < BF_COUNT(paths); p++) {
        size_t len, pos = 0;
        struct bf_line line;
        const char *text = bf_edits_get(&f->edits, paths[p], &len, NULL);
        while (text && bf_line_next(text, len, &pos, &line))
            if (line.len > 7 && memcmp(line.at, "layout=", 7) == 0) {
                bf_note(f->report, "info", paths[p], "new kernels are installed in the layout %.*s",
                        (int)(line.len < 60 ? line.len - 7 : 53), line.at + 7);
                return;
            }
    }
}

enum bf_err bf_kernel_install(struct bf_fin *f)
{
    static const char etc[] = "/etc/kernel/cmdline", usr[] = "/usr/lib/kernel/cmdline";
    static const char *const parts[] = {"/etc/kernel/cmdline.d", "/etc/cmdline.d"};
    const char *from = bf_fin_root_exists(f->root, etc) ? etc : usr;
    enum bf_err err = rewrite_file(f, from, etc, true);
    for (size_t i = 0; i < BF_COUNT(parts) && !err; i++)
        err = bf_fin_each(f, parts[i], ".conf", rewrite_part, NULL);
    note_layout(f);
    return err;
}
