// SPDX-License-Identifier: Apache-2.0
// Entries that a script of /etc/grub.d has in itself: behind "exec tail -n +3 $0", as 40_custom has
// them, or in a here-document. The rest is a program, which stays.
#include <stdio.h>
#include <string.h>

#include "finalize/boot/grub.h"
#include "finalize/boot/grub_pass.h"
#include "finalize/boot/lines.h"

struct script {
    struct bf_fin *f;
    const struct bf_grub_config *config;
    const char *path;
    const char *text;
    size_t len, pos;
    unsigned line; // those before `pos`
    struct bf_text out;
};

// "exec tail -n +3 $0": the line that GRUB's part begins at; 0: it is none.
static unsigned tail_from(const struct bf_line *line)
{
    const char *at = line->at, *end = at + line->len, *w;
    size_t n, count = 0;
    unsigned from = 0;
    for (; bf_word_next(&at, end, &w, &n); count++) {
        if ((count == 0 && !bf_word_is(w, n, "exec")) || (count == 1 && !bf_word_is(w, n, "tail")))
            return 0;
        for (size_t i = 1; w[0] == '+' && i < n && w[i] >= '0' && w[i] <= '9' && from < 1000; i++)
            from = from * 10 + (unsigned)(w[i] - '0');
    }
    return from;
}

// The word that ends a here-document which begins in the line. False when none does.
struct here {
    char end[64];
    bool quoted; // nothing in it is expanded
    bool tabs;   // "<<-": tabs before the end do not count
};

static bool begins_here(const struct bf_line *line, struct here *h)
{
    const char *end = line->at + line->len, *at = memmem(line->at, line->len, "<<", 2);
    size_t n = 0;
    *h = (struct here){.quoted = false};
    const char *first = line->at + strspn(line->at, " \t");
    if (!at || at + 2 >= end || at[2] == '<' || *first == '#')
        return false;
    at += 2;
    h->tabs = *at == '-';
    at += h->tabs;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    for (; at < end && !strchr(" \t;|&<>)", *at) && n + 1 < sizeof h->end; at++)
        if (*at == '"' || *at == '\'' || *at == '\\')
            h->quoted = true;
        else
            h->end[n++] = *at;
    return n > 0;
}

static bool ends_here(const struct bf_line *line, const struct here *h)
{
    const char *at = line->at, *end = line->at + line->len;
    while (h->tabs && at < end && *at == '\t')
        at++;
    return bf_word_is(at, (size_t)(end - at), h->end);
}

static bool next(struct script *s, struct bf_line *line)
{
    if (!bf_line_next(s->text, s->len, &s->pos, line))
        return false;
    s->line++;
    return true;
}

static enum bf_err rewrite_part(struct script *s, const char *text, size_t len, unsigned before,
                                bool shell)
{
    struct bf_grub_pass p = {
        .f = s->f, .config = s->config, .path = s->path, .shell = shell, .first_line = before};
    enum bf_err err = bf_grub_rewrite_text(&p, text, len);
    if (!err)
        bf_text_add(&s->out, bf_text_get(&p.out), p.out.len);
    s->out.failed = s->out.failed || !bf_text_ok(&p.out);
    bf_text_free(&p.out);
    return err;
}

static enum bf_err rewrite_here(struct script *s, const struct here *h)
{
    struct bf_line line;
    size_t from = s->pos, to = s->len;
    unsigned before = s->line;
    while (next(s, &line))
        if (ends_here(&line, h)) {
            to = (size_t)(line.at - s->text);
            break;
        }
    enum bf_err err = rewrite_part(s, s->text + from, to - from, before, !h->quoted);
    if (!err && to < s->len)
        bf_text_add(&s->out, line.at, line.full);
    return err;
}

static enum bf_err rewrite_tail(struct script *s, unsigned from)
{
    struct bf_line line;
    while (s->line + 1 < from && next(s, &line))
        bf_text_add(&s->out, line.at, line.full);
    size_t at = s->pos;
    s->pos = s->len;
    return rewrite_part(s, s->text + at, s->len - at, s->line, false);
}

static enum bf_err rewrite_script(struct script *s)
{
    struct bf_line line;
    struct here h;
    enum bf_err err = BF_OK;
    while (!err && next(s, &line)) {
        unsigned from = tail_from(&line);
        bf_text_add(&s->out, line.at, line.full);
        if (from > s->line)
            err = rewrite_tail(s, from);
        else if (begins_here(&line, &h))
            err = rewrite_here(s, &h);
    }
    return err;
}

static enum bf_err rewrite_file(struct bf_fin *f, const char *path, void *config)
{
    enum bf_err err;
    struct stat st;
    struct script s = {.f = f, .config = config, .path = path};
    if (bf_fin_root_stat(f->root, path, &st, NULL) || !S_ISREG(st.st_mode))
        return BF_OK;
    s.text = bf_fin_get(f, path, &s.len, &err);
    if (!s.text)
        return err;
    err = rewrite_script(&s);
    if (!err)
        err = bf_lines_set(f, path, &s.out);
    bf_text_free(&s.out);
    return err;
}

enum bf_err bf_grub_scripts(struct bf_fin *f, struct bf_grub_config *c)
{
    return bf_fin_each(f, "/etc/grub.d", "", rewrite_file, c);
}
