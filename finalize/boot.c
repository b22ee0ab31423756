// SPDX-License-Identifier: Apache-2.0
// Kernel command lines, in both places where each loader has them: what starts next (grub.cfg,
// loader entries) and what it is made from (/etc/default/grub, /etc/kernel/cmdline). root= and
// resume= leave names that depend on the order of the disks; the serial console is set or taken
// away as planned. A line that is not plain (variables, continuations) is said and left alone.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/stable.h"

#define WHY "root, resume and consoles of the kernel's command line"

static bool is_linux_command(const char *w, size_t len)
{
    return bf_word_is(w, len, "linux") || bf_word_is(w, len, "linux16") ||
           bf_word_is(w, len, "linuxefi");
}

// "linux /vmlinuz-... root=..." in grub.cfg. Lines without root= load something else.
static void rewrite_grub_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                              struct bf_text *out)
{
    const char *at = line->at, *end = line->at + line->len, *w, *image;
    size_t len, image_len;
    bool command = bf_word_next(&at, end, &w, &len) && is_linux_command(w, len) &&
                   bf_word_next(&at, end, &image, &image_len) &&
                   memmem(at, (size_t)(end - at), "root=", 5);
    if (command && end[-1] == '\\') {
        bf_note(f->report, "skipped", path, "a linux command goes on over several lines");
        command = false;
    }
    if (!command) {
        bf_text_add(out, line->at, line->full);
        return;
    }
    bf_text_add(out, line->at, (size_t)(at - line->at));
    bf_cmdline_rewrite(f, at, (size_t)(end - at), path, true, out);
    bf_text_add(out, end, line->full - line->len);
}

static int rewrite_file(struct bf_fin *f, const char *path,
                        void (*rewrite)(struct bf_fin *, const struct bf_line *, const char *,
                                        struct bf_text *))
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, path, &len);
    if (!text)
        return errno == ENOENT
                   ? 0
                   : bf_refuse(f->report, "%s cannot be read: %s", path, strerror(errno));
    while (bf_line_next(text, len, &pos, &line))
        rewrite(f, &line, path, &out);
    int rc = bf_fin_set(f, path, &out, WHY);
    bf_text_free(&out);
    return rc;
}

// NAME="value" in a shell file. The value between plain quotes, or bare.
static bool assignment(const struct bf_line *line, const char *name, const char **value,
                       size_t *len, char *quote)
{
    size_t n = strlen(name);
    if (line->len <= n || strncmp(line->at, name, n) != 0 || line->at[n] != '=')
        return false;
    const char *v = line->at + n + 1, *end = line->at + line->len;
    *quote = v < end && (*v == '"' || *v == '\'') ? *v : 0;
    const char *stop = *quote ? memchr(v + 1, *quote, (size_t)(end - v - 1)) : end;
    if (!stop)
        return false;
    *value = *quote ? v + 1 : v;
    *len = (size_t)(stop - *value);
    return true;
}

// GRUB_CMDLINE_LINUX goes to every entry, so the console is set there; _DEFAULT only loses and maps
// words.
static void rewrite_default_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                                 struct bf_text *out)
{
    const char *v;
    size_t len;
    char quote;
    bool all = assignment(line, "GRUB_CMDLINE_LINUX", &v, &len, &quote);
    bool some = !all && assignment(line, "GRUB_CMDLINE_LINUX_DEFAULT", &v, &len, &quote);
    if (!all && !some && assignment(line, "GRUB_DISABLE_LINUX_UUID", &v, &len, &quote) &&
        bf_word_is(v, len, "true")) {
        bf_textf(out, "#%.*s", (int)line->full, line->at);
        return;
    }
    if (!all && !some) {
        bf_text_add(out, line->at, line->full);
        return;
    }
    if (strcspn(v, "$`\\\n") < len) {
        // A file of grub.d that extends the main one's value needs no change of its own.
        if (!memmem(v, len, "$GRUB_CMDLINE_LINUX", 19) &&
            !memmem(v, len, "${GRUB_CMDLINE_LINUX", 20))
            bf_note(f->report, "skipped", path, "a kernel command line is made of variables");
        bf_text_add(out, line->at, line->full);
        return;
    }
    struct bf_text value = {0};
    bf_cmdline_rewrite(f, v, len, path, all, &value);
    if (bf_word_is(v, len, bf_text_get(&value))) {
        bf_text_add(out, line->at, line->full);
    } else {
        const char *rest = v + len + (quote ? 1 : 0), q = quote ? quote : '"';
        bf_text_add(out, line->at, (size_t)(v - line->at) - (quote ? 1 : 0));
        bf_textf(out, "%c%s%c", q, bf_text_get(&value), q);
        bf_text_add(out, rest, (size_t)(line->at + line->full - rest));
    }
    bf_text_free(&value);
}

static bool has_assignment(struct bf_fin *f, const char *path, const char *name)
{
    size_t len, pos = 0, n;
    struct bf_line line;
    const char *v;
    char quote;
    const char *text = bf_edits_get(&f->edits, path, &len);
    while (text && bf_line_next(text, len, &pos, &line))
        if (assignment(&line, name, &v, &n, &quote))
            return true;
    return false;
}

// A default file without the variable gets it, or update-grub would drop the console again.
static int add_default_console(struct bf_fin *f, const char *path)
{
    size_t len;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, path, &len);
    if (!text || f->plan->serial_console != BF_ON || has_assignment(f, path, "GRUB_CMDLINE_LINUX"))
        return 0;
    bf_text_add(&out, text, len);
    bf_textf(&out, "%sGRUB_CMDLINE_LINUX=\"console=tty0 console=ttyS0,115200\"\n",
             len && text[len - 1] != '\n' ? "\n" : "");
    int rc = bf_fin_set(f, path, &out, WHY);
    bf_text_free(&out);
    return rc;
}

static int adapt_default_grub(struct bf_fin *f)
{
    struct bf_names names;
    int rc = rewrite_file(f, "/etc/default/grub", rewrite_default_line);
    if (rc == 0)
        rc = add_default_console(f, "/etc/default/grub");
    if (rc < 0 || bf_edits_list(&f->edits, "/etc/default/grub.d", ".cfg", &names) < 0)
        return rc;
    for (size_t i = 0; i < names.count && rc == 0; i++) {
        char path[512];
        snprintf(path, sizeof path, "/etc/default/grub.d/%.250s", names.name[i]);
        rc = rewrite_file(f, path, rewrite_default_line);
    }
    bf_names_free(&names);
    return rc;
}

// "options root=..." of a boot loader specification entry.
static void rewrite_entry_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                               struct bf_text *out)
{
    const char *at = line->at, *end = line->at + line->len, *w;
    size_t len;
    if (!bf_word_next(&at, end, &w, &len) || !bf_word_is(w, len, "options")) {
        bf_text_add(out, line->at, line->full);
        return;
    }
    bf_text_add(out, line->at, (size_t)(at - line->at));
    bf_cmdline_rewrite(f, at, (size_t)(end - at), path, true, out);
    bf_text_add(out, end, line->full - line->len);
}

static int adapt_entries(struct bf_fin *f, const char *dir)
{
    struct bf_names names;
    int rc = 0;
    if (bf_edits_list(&f->edits, dir, ".conf", &names) < 0)
        return 0;
    for (size_t i = 0; i < names.count && rc == 0; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%.250s", dir, names.name[i]);
        rc = rewrite_file(f, path, rewrite_entry_line);
    }
    bf_names_free(&names);
    return rc;
}

static void rewrite_cmdline_line(struct bf_fin *f, const struct bf_line *line, const char *path,
                                 struct bf_text *out)
{
    bf_cmdline_rewrite(f, line->at, line->len, path, line->len > 0, out);
    bf_text_add(out, line->at + line->len, line->full - line->len);
}

int bf_adapt_boot(struct bf_fin *f)
{
    static const char *const entries[] = {"/boot/loader/entries", "/boot/efi/loader/entries",
                                          "/efi/loader/entries"};
    if (rewrite_file(f, "/boot/grub/grub.cfg", rewrite_grub_line) < 0 ||
        rewrite_file(f, "/boot/grub2/grub.cfg", rewrite_grub_line) < 0 ||
        adapt_default_grub(f) < 0 ||
        rewrite_file(f, "/etc/kernel/cmdline", rewrite_cmdline_line) < 0)
        return -1;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (adapt_entries(f, entries[i]) < 0)
            return -1;
    if (f->system.init == BF_INIT_SYSVINIT && f->plan->serial_console == BF_ON)
        bf_note(f->report, "skipped", "/etc/inittab",
                "a login on ttyS0 is not set up without systemd");
    return 0;
}
