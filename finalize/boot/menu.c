// SPDX-License-Identifier: Apache-2.0
// See menu.h.
#include "finalize/boot/menu.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "finalize/boot/cmdline.h"
#include "finalize/boot/lines.h"

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 1;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

enum bf_err bf_menu_load(struct bf_fin *f, const char *path, struct bf_menu *m, bool *there)
{
    enum bf_err err;
    size_t pos = 0;
    *m = (struct bf_menu){.entries = 0};
    m->text = bf_fin_get(f, path, &m->len, &err);
    *there = m->text != NULL;
    if (!m->text)
        return err;
    size_t most = count_lines(m->text, m->len);
    if (most > BF_MENU_LINES_MAX)
        return bf_refuse(f->report, "%s has more than %d lines", path, BF_MENU_LINES_MAX);
    m->line = calloc(most, sizeof *m->line);
    m->entry = calloc(most + 1, sizeof *m->entry);
    if (!m->line || !m->entry)
        return bf_fail(f->report, "out of memory");
    m->entries = 1;
    while (m->lines < most && bf_line_next(m->text, m->len, &pos, &m->line[m->lines].line))
        m->lines++;
    return BF_OK;
}

void bf_menu_free(struct bf_menu *m)
{
    free(m->line);
    free(m->entry);
    *m = (struct bf_menu){.entries = 0};
}

unsigned bf_menu_add(struct bf_menu *m)
{
    if (m->entries <= m->lines)
        m->entries++;
    return (unsigned)m->entries - 1;
}

static enum bf_err write_line(struct bf_fin *f, const char *path, const struct bf_menu *m, size_t i,
                              struct bf_text *out)
{
    const struct bf_menu_line *l = &m->line[i];
    const struct bf_menu_entry *e = &m->entry[l->entry];
    struct bf_cmdline at = {.path = path,
                            .line = (unsigned)i + 1,
                            .console = l->console,
                            .starts = e->starts,
                            .bare = !e->initrd};
    if (!l->words) {
        bf_text_add(out, l->line.at, l->line.full);
        return BF_OK;
    }
    struct bf_text words = {0};
    const char *end = l->words + l->words_len;
    enum bf_err err = bf_cmdline_edit(f, &at, l->words, l->words_len, &words);
    const char *quote = l->wrap && memchr(bf_text_get(&words), ' ', words.len) ? "\"" : "";
    bf_text_add(out, l->line.at, (size_t)(l->words - l->line.at));
    bf_text_str(out, quote);
    bf_text_add(out, bf_text_get(&words), words.len);
    bf_text_str(out, quote);
    out->failed = out->failed || !bf_text_ok(&words);
    bf_text_free(&words);
    bf_text_add(out, end, (size_t)(l->line.at + l->line.full - end));
    return err;
}

enum bf_err bf_menu_write(struct bf_fin *f, const char *path, const struct bf_menu *m)
{
    struct bf_text out = {0};
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < m->lines && !err; i++) {
        if (m->insert && i == m->insert_at)
            bf_text_str(&out, m->insert);
        if (!m->line[i].gone)
            err = write_line(f, path, m, i, &out);
    }
    if (!err)
        err = bf_lines_set(f, path, &out);
    bf_text_free(&out);
    return err;
}

void bf_menu_trim(const char **at, size_t *len)
{
    while (*len && strchr(" \t\r", (*at)[*len - 1]))
        --*len;
    while (*len && strchr(" \t", **at)) {
        ++*at;
        --*len;
    }
}

bool bf_menu_keyword(const struct bf_line *line, const char *word, const char **value, size_t *len)
{
    const char *at = line->at, *end = at + line->len, *w;
    size_t n;
    if (!bf_word_next(&at, end, &w, &n) || n != strlen(word) || strncasecmp(w, word, n) != 0)
        return false;
    *value = at;
    *len = (size_t)(end - at);
    bf_menu_trim(value, len);
    return true;
}
