// SPDX-License-Identifier: Apache-2.0
// mkinitcpio, of Arch: a shell's list MODULES (mkinitcpio.conf(5)). Versions since 36 read the
// files of /etc/mkinitcpio.conf.d behind the main one, and have that folder. They do not when a
// preset names its configuration, which is passed as --config: presets of older installations do.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/initramfs/maker.h"

#define CONF    "/etc/mkinitcpio.conf"
#define FOLDER  "/etc/mkinitcpio.conf.d"
#define PRESETS "/etc/mkinitcpio.d"
#define HEAD    "# Drivers of this machine's new home, written by bootferry-finalize\n"

static const char *const programs[] = {"/usr/bin/mkinitcpio", "/sbin/mkinitcpio", NULL};

static bool in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, CONF);
}

static void add_words(const struct bf_lasting *l, struct bf_text *out)
{
    for (size_t i = 0; i < l->count; i++)
        bf_textf(out, "%s%s", i ? " " : "", l->name[i]);
}

// The last assignment of MODULES tells whether it is a list or, as in versions before 23, a string.
static bool is_string(const char *text, size_t len)
{
    struct bf_line line;
    size_t pos = 0;
    bool string = false;
    while (bf_line_next(text, len, &pos, &line))
        if (line.len > 8 && memcmp(line.at, "MODULES=", 8) == 0)
            string = line.at[8] != '(';
    return string;
}

// The old file without the two lines that an earlier run has added, and with new ones at its end.
static enum bf_err keep_in_conf(struct bf_fin *f, const struct bf_lasting *l, const char *path)
{
    size_t len, pos = 0;
    enum bf_err err;
    struct bf_line line;
    struct bf_text out = {0};
    const char *text = bf_fin_get(f, path, &len, &err);
    bool string = text && is_string(text, len), ours = false;
    while (text && bf_line_next(text, len, &pos, &line)) {
        bool head = line.full == strlen(HEAD) && memcmp(line.at, HEAD, line.full) == 0;
        if (!head && !ours)
            bf_text_add(&out, line.at, line.full);
        ours = head;
    }
    if (out.len && out.data[out.len - 1] != '\n')
        bf_text_str(&out, "\n");
    bf_textf(&out, HEAD "MODULES+=%s", string ? "\" " : "(");
    add_words(l, &out);
    bf_text_str(&out, string ? "\"\n" : ")\n");
    if (!err && text)
        err = bf_fin_set(f, path, &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}

static enum bf_err keep_in_folder(struct bf_fin *f, const struct bf_lasting *l)
{
    struct bf_text out = {0};
    bf_text_str(&out, HEAD "MODULES+=(");
    add_words(l, &out);
    bf_text_str(&out, ")\n");
    enum bf_err err = bf_fin_set(f, FOLDER "/zz-bootferry.conf", &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}

// The configurations that presets name.
struct named {
    char path[8][192];
    size_t count;
};

static void add_named(struct named *n, const char *at, size_t len)
{
    if (len >= 2 && (at[0] == '"' || at[0] == '\'') && at[len - 1] == at[0]) {
        at++;
        len -= 2;
    }
    if (len == 0 || at[0] != '/' || len >= sizeof n->path[0] || memchr(at, '$', len) ||
        n->count == BF_COUNT(n->path))
        return;
    for (size_t i = 0; i < n->count; i++)
        if (bf_word_is(at, len, n->path[i]))
            return;
    snprintf(n->path[n->count++], sizeof n->path[0], "%.*s", (int)len, at);
}

// "ALL_config=...", "default_config=...".
static void read_preset(struct bf_fin *f, const char *path, struct named *out)
{
    static const char key[] = "_config=";
    size_t len, pos = 0;
    struct bf_line line;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *word;
        size_t n;
        const char *found = bf_word_next(&at, line.at + line.len, &word, &n) && word[0] != '#'
                                ? memmem(word, n, key, sizeof key - 1)
                                : NULL;
        if (found)
            add_named(out, found + sizeof key - 1, (size_t)(word + n - found) - sizeof key + 1);
    }
}

static void find_named(struct bf_fin *f, struct named *out)
{
    struct bf_names names;
    char path[320];
    if (bf_edits_list(&f->edits, PRESETS, ".preset", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        snprintf(path, sizeof path, PRESETS "/%.255s", names.name[i]);
        read_preset(f, path, out);
    }
    bf_names_free(&names);
}

static enum bf_err keep(struct bf_fin *f, const struct bf_lasting *l)
{
    struct named named = {.count = 0};
    find_named(f, &named);
    bool folder = bf_fin_root_is_dir(f->root, FOLDER);
    if (!folder)
        add_named(&named, CONF, sizeof CONF - 1);
    enum bf_err err = folder ? keep_in_folder(f, l) : BF_OK;
    for (size_t i = 0; i < named.count && !err; i++)
        err = keep_in_conf(f, l, named.path[i]);
    return err;
}

const struct bf_maker_ops bf_mkinitcpio = {
    .name = "mkinitcpio", .programs = programs, .in_use = in_use, .keep = keep};
