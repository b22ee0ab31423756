// SPDX-License-Identifier: Apache-2.0
// Rewrites kernel command lines word by word.
#include "finalize/boot/cmdline.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline_names.h"

// ---- The serial console -------------------------------------------------------------------------

const char *bf_cmdline_console(const struct bf_fin *f)
{
    const struct bf_architecture *a = f->system.architecture;
    bool pl011 = a && (strcmp(a->name, "aarch64") == 0 || strcmp(a->name, "arm") == 0);
    return pl011 ? "console=ttyAMA0,115200" : "console=ttyS0,115200";
}

static bool is_console(const struct bf_fin *f, const char *w, size_t len)
{
    const char *word = bf_cmdline_console(f);
    size_t n = strcspn(word, ",");
    return len >= n && memcmp(w, word, n) == 0 && (len == n || w[n] == ',');
}

bool bf_cmdline_has_console(const struct bf_fin *f, const char *line, size_t len)
{
    const char *at = line, *w;
    size_t n;
    while (bf_cmdline_next(&at, line + len, &w, &n))
        if (is_console(f, w, n))
            return true;
    return false;
}

void bf_cmdline_add_console(const struct bf_fin *f, const char *line, size_t len,
                            struct bf_text *out)
{
    const char *at = line, *w;
    size_t n;
    bool any = false;
    while (bf_cmdline_next(&at, line + len, &w, &n))
        any = any || bf_cmdline_is(w, n, "console=");
    bf_textf(out, "%s%s", any ? "" : "console=tty0 ", bf_cmdline_console(f));
}

// Of drivers by number, of an 8250 by its address, and what Raspberry Pi's firmware replaces.
static bool is_serial(const char *w, size_t len)
{
    static const char *const serial[] = {"console=ttyS", "console=ttyAMA", "console=uart,",
                                         "console=uart8250,", "console=serial"};
    for (size_t i = 0; i < BF_COUNT(serial); i++)
        if (bf_cmdline_is(w, len, serial[i]))
            return true;
    return false;
}

// ---- Words --------------------------------------------------------------------------------------

// "root=/dev/sda2" as a whole in quotes, which the kernel takes off.
static bool is_quoted(const char *word, size_t len)
{
    return len > 2 && word[0] == '"' && memchr(word + 1, '"', len - 1) == word + len - 1;
}

static enum bf_cmdline_word quoted_word(struct bf_fin *f, const struct bf_cmdline *at,
                                        const char *word, size_t len, struct bf_text *out)
{
    struct bf_text inside = {0};
    enum bf_cmdline_word fate = bf_cmdline_word(f, at, word + 1, len - 2, &inside);
    if (fate == BF_CMDLINE_NEW)
        bf_textf(out, "\"%s\"", bf_text_get(&inside));
    out->failed = out->failed || inside.failed;
    bf_text_free(&inside);
    return fate;
}

enum bf_cmdline_word bf_cmdline_word(struct bf_fin *f, const struct bf_cmdline *at,
                                     const char *word, size_t len, struct bf_text *out)
{
    if (is_quoted(word, len))
        return quoted_word(f, at, word, len, out);
    if (f->plan->serial_console == BF_OFF && is_serial(word, len))
        return BF_CMDLINE_GOES;
    if (f->network_word && f->network_word(f, word, len, out))
        return BF_CMDLINE_NEW;
    return bf_cmdline_name(f, at, word, len, out);
}

// A quote that is never closed takes all that follows it.
static bool is_open(const char *word, size_t len)
{
    size_t quotes = 0;
    for (size_t i = 0; i < len; i++)
        quotes += word[i] == '"';
    return quotes % 2;
}

// Where a console can be added: behind "--" the words are those of init.
static const char *kernels_end(const char *line, size_t len)
{
    const char *at = line, *last = line, *w;
    size_t n;
    while (bf_cmdline_next(&at, line + len, &w, &n) && !bf_word_is(w, n, "--") && !is_open(w, n))
        last = w + n;
    return last;
}

static enum bf_err rewrite_words(struct bf_fin *f, const struct bf_cmdline *at, const char *line,
                                 const char *end, struct bf_text *out)
{
    const char *next = line, *done = line, *w;
    size_t n;
    for (; bf_cmdline_next(&next, end, &w, &n); done = w + n) {
        size_t mark = out->len;
        bf_text_add(out, done, (size_t)(w - done));
        enum bf_cmdline_word fate = bf_cmdline_word(f, at, w, n, out);
        if (fate == BF_CMDLINE_REFUSED)
            return BF_ERR_CONFIG;
        if (fate == BF_CMDLINE_STAYS)
            bf_text_add(out, w, n);
        if (fate == BF_CMDLINE_GOES && bf_text_ok(out) && out->data)
            out->data[out->len = mark] = 0;
    }
    bf_text_add(out, done, (size_t)(end - done));
    return BF_OK;
}

enum bf_err bf_cmdline_edit(struct bf_fin *f, const struct bf_cmdline *at, const char *line,
                            size_t len, struct bf_text *out)
{
    struct bf_cmdline mine = *at;
    const char *end = line + len, *split = end;
    bool add =
        at->console && f->plan->serial_console == BF_ON && !bf_cmdline_has_console(f, line, len);
    mine.offset = at->offset || memmem(line, len, "resume_offset=", 14);
    if (add)
        split = kernels_end(line, len);
    enum bf_err err = rewrite_words(f, &mine, line, split, out);
    if (add && !err) {
        bf_text_str(out, split > line ? " " : "");
        bf_cmdline_add_console(f, line, len, out);
        bf_text_str(out, split == line && split < end ? " " : "");
    }
    return err ? err : rewrite_words(f, &mine, split, end, out);
}

void bf_cmdline_rewrite(struct bf_fin *f, const char *line, size_t len, const char *where,
                        bool console, struct bf_text *out)
{
    struct bf_cmdline at = {.path = where, .console = console};
    bf_cmdline_edit(f, &at, line, len, out); // refuses nothing
}
