// SPDX-License-Identifier: Apache-2.0
// Rewrites the words of a GRUB script that go to a kernel, whatever lines and quotes they stand in.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/grub_pass.h"
#include "finalize/boot/lines.h"

static const char *behind_blanks(const struct bf_grub_pass *p, const char *at)
{
    while (at > p->done && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    return at;
}

// A word of a command, quoted where it has to be.
static void replace_word(struct bf_grub_pass *p, const struct bf_grub_word *w, const char *new)
{
    struct bf_text text = {0};
    bool safe = *new != '#' && !new[strcspn(new, "{}|&$;<> \t\n'\"\\*?")];
    bf_text_str(&text, safe ? "" : "\"");
    for (const char *c = new; *c; c++) {
        if (!safe && strchr("$\"\\", *c))
            bf_text_str(&text, "\\");
        bf_text_add(&text, c, 1);
    }
    bf_text_str(&text, safe ? "" : "\"");
    p->out.failed = p->out.failed || !bf_text_ok(&text);
    bf_grub_replace(p, w->at, w->at + w->len, bf_text_get(&text), text.len);
    bf_text_free(&text);
}

// Whether the entry of a kernel loads an initramfs behind it.
static bool has_initrd(const struct bf_grub_pass *p, size_t i, bool module)
{
    const char *rest;
    unsigned entry = p->script.command[i].entry;
    for (i++; i < p->script.commands && p->script.command[i].entry == entry; i++) {
        struct bf_grub_word w = bf_grub_first(&p->script.command[i], &rest);
        if (bf_grub_is_initrd(&w) || (module && bf_grub_is_module(&w)))
            return true;
        if (bf_grub_is_linux(&w))
            return false;
    }
    return false;
}

// Whether each quote of a word has its end. One that has not takes the rest of the file, of which
// GRUB then reads nothing.
static bool is_closed(const struct bf_grub_word *w)
{
    const char *end = w->at + w->len;
    for (const char *p = w->at; p < end; p++) {
        char quote = *p == '"' || *p == '\'' ? *p : 0;
        if (*p == '\\')
            p++;
        for (p += quote != 0; quote && p < end && *p != quote; p++)
            if (*p == '\\' && quote == '"')
                p++;
        if (quote && p >= end)
            return false;
    }
    return true;
}

// The words of a kernel's command line.
struct words {
    struct bf_text all; // without quotes, with blanks between them; owned
    const char *from;   // behind the image
    const char *last;   // behind the last one that is the kernel's
    bool all_options;   // a variable among them holds the options, with the console
    bool computed;
    bool open; // a quote is not closed
};

static void read_words(const struct bf_grub_pass *p, const char *at, const char *end,
                       struct words *words)
{
    char name[BF_GRUB_NAME];
    struct bf_grub_word w;
    bool init = false;
    *words = (struct words){.from = at, .last = at};
    while (bf_grub_word_next(&at, end, &w)) {
        init = init || bf_word_is(w.at, w.len, "--");
        if (!init)
            words->last = at;
        if (!bf_grub_word_value(&w, &words->all))
            words->computed = true;
        words->open = words->open || !is_closed(&w);
        bf_text_str(&words->all, " ");
        if (bf_grub_variable(w.at, w.len, name, sizeof name))
            words->all_options =
                words->all_options || (p->config->kernelopts && bf_grub_is_kernelopts(name));
    }
}

static enum bf_err rewrite_words(struct bf_grub_pass *p, const struct bf_cmdline *at,
                                 const char *next, const char *end)
{
    struct bf_grub_word w;
    enum bf_cmdline_word fate = BF_CMDLINE_STAYS;
    while (fate != BF_CMDLINE_REFUSED && bf_grub_word_next(&next, end, &w)) {
        struct bf_text value = {0}, new = {0};
        bool literal = bf_grub_word_value(&w, &value) && value.len;
        fate = BF_CMDLINE_STAYS;
        if (literal)
            fate = bf_cmdline_word(p->f, at, value.data, value.len, &new);
        if (fate == BF_CMDLINE_NEW && !bf_word_is(value.data, value.len, bf_text_get(&new)))
            replace_word(p, &w, bf_text_get(&new));
        if (fate == BF_CMDLINE_GOES)
            bf_grub_replace(p, behind_blanks(p, w.at), w.at + w.len, "", 0);
        bf_text_free(&value);
        bf_text_free(&new);
    }
    return fate == BF_CMDLINE_REFUSED ? BF_ERR_CONFIG : BF_OK;
}

static void add_console(struct bf_grub_pass *p, const struct words *words)
{
    struct bf_text add = {0};
    bf_text_str(&add, " ");
    bf_cmdline_add_console(p->f, words->all.data, words->all.len, &add);
    bf_grub_replace(p, words->last, words->last, bf_text_get(&add), add.len);
    bf_text_free(&add);
}

static enum bf_err rewrite_line(struct bf_grub_pass *p, const struct bf_grub_command *c,
                                const struct words *words, bool bare)
{
    const char *line = bf_text_get(&words->all);
    struct bf_cmdline at = {
        .path = p->path,
        .line = p->first_line + c->line,
        .starts = p->menu && (c->entry == 0 || p->script.entry[c->entry].starts),
        .bare = bare,
        .offset = strstr(line, "resume_offset=") != NULL,
    };
    bool console = p->f->plan->serial_console == BF_ON && !words->all_options && !words->open &&
                   !(p->shell && words->computed) &&
                   !bf_cmdline_has_console(p->f, line, words->all.len);
    enum bf_err err = rewrite_words(p, &at, words->from, words->last);
    if (!err && console)
        add_console(p, words);
    return err ? err : rewrite_words(p, &at, words->last, c->end);
}

// "linux [OPTIONS] IMAGE WORDS", and a module of Xen that is a kernel. What has neither a root nor
// an initramfs is none: it loads something else, a memory test for example.
static enum bf_err rewrite_kernel(struct bf_grub_pass *p, size_t i, const char *at, bool module)
{
    const struct bf_grub_command *c = &p->script.command[i];
    struct bf_grub_word w;
    struct words words;
    do
        if (!bf_grub_word_next(&at, c->end, &w))
            return BF_OK;
    while (w.at[0] == '-');
    bool initrd = has_initrd(p, i, module);
    read_words(p, at, c->end, &words);
    bool kernel = bf_cmdline_has_root(bf_text_get(&words.all), words.all.len) ||
                  (initrd && !module && !p->shell);
    enum bf_err err =
        kernel && bf_text_ok(&words.all) ? rewrite_line(p, c, &words, !initrd) : BF_OK;
    bf_text_free(&words.all);
    return err;
}

// A value that is one string, or one plain word, is rewritten inside its quotes.
static enum bf_err rewrite_set(struct bf_grub_pass *p, const struct bf_grub_command *c,
                               const char *name, struct bf_grub_word value)
{
    struct bf_text new = {0};
    char q = value.len >= 2 ? value.at[0] : 0;
    bool quoted = (q == '"' || q == '\'') && value.at[value.len - 1] == q;
    if (quoted)
        value = (struct bf_grub_word){value.at + 1, value.len - 2};
    if (!value.len || memchr(value.at, '\'', value.len) ||
        (quoted ? q == '"' && memchr(value.at, '"', value.len)
                : memchr(value.at, '"', value.len) || memchr(value.at, '\\', value.len)))
        return BF_OK;
    enum bf_err err = bf_grub_rewrite_value(p->f, p->config, p->path, p->first_line + c->line, name,
                                            value.at, value.len, &new);
    if (!err && bf_text_ok(&new) && !bf_lines_same(&new, value.at, value.len)) {
        bool wrap = !quoted && memchr(bf_text_get(&new), ' ', new.len);
        bf_grub_replace(p, value.at, value.at, wrap ? "\"" : "", wrap);
        bf_grub_replace(p, value.at, value.at + value.len, bf_text_get(&new), new.len);
        bf_grub_replace(p, p->done, p->done, wrap ? "\"" : "", wrap);
    }
    bf_text_free(&new);
    return err;
}

static enum bf_err rewrite_command(struct bf_grub_pass *p, size_t i)
{
    char name[BF_GRUB_NAME];
    const char *rest;
    const struct bf_grub_command *c = &p->script.command[i];
    struct bf_grub_word value, w = bf_grub_first(c, &rest);
    if (bf_grub_is_linux(&w) || bf_grub_is_module(&w))
        return rewrite_kernel(p, i, rest, bf_grub_is_module(&w));
    if (bf_grub_assignment(c, name, sizeof name, &value)) {
        bf_grub_note_disk(p, i, name, &value);
        return rewrite_set(p, c, name, value);
    }
    bf_grub_terminal(p, i);
    return BF_OK;
}

enum bf_err bf_grub_rewrite_text(struct bf_grub_pass *p, const char *text, size_t len)
{
    enum bf_err err = bf_grub_parse(&p->script, text, len);
    p->done = text;
    if (!err && p->menu)
        bf_grub_mark_default(p->config, &p->script);
    if (!err)
        bf_grub_terminal_begin(p);
    for (size_t i = 0; i < p->script.commands && !err; i++)
        err = rewrite_command(p, i);
    bf_text_add(&p->out, p->done, (size_t)(text + len - p->done));
    bf_grub_script_free(&p->script);
    if (err == BF_ERR_LIMIT)
        return bf_refuse(p->f->report, "%s has more than %d commands", p->path,
                         BF_GRUB_COMMANDS_MAX);
    return err == BF_ERR_NO_MEMORY ? bf_fail(p->f->report, "out of memory") : err;
}

enum bf_err bf_grub_rewrite_script(struct bf_fin *f, const struct bf_grub_config *c,
                                   const struct bf_grub_file *file)
{
    size_t len;
    enum bf_err err;
    struct bf_grub_pass p = {
        .f = f, .config = c, .path = file->path, .menu = file->kind == BF_GRUB_MENU};
    const char *text = bf_fin_get(f, file->path, &len, &err);
    if (!text)
        return err;
    err = bf_grub_rewrite_text(&p, text, len);
    if (!err)
        err = bf_lines_set(f, file->path, &p.out);
    bf_text_free(&p.out);
    return err;
}
