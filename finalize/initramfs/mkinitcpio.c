// SPDX-License-Identifier: Apache-2.0
// mkinitcpio, of Arch: a shell's list MODULES (mkinitcpio.conf(5)). Versions since 36 read the
// files of /etc/mkinitcpio.conf.d behind the main one, and have that folder.
#include <string.h>

#include "finalize/initramfs/maker.h"

#define CONF   "/etc/mkinitcpio.conf"
#define FOLDER "/etc/mkinitcpio.conf.d"
#define HEAD   "# Drivers of this machine's new home, written by bootferry-finalize\n"

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
static enum bf_err keep_in_conf(struct bf_fin *f, const struct bf_lasting *l)
{
    size_t len, pos = 0;
    enum bf_err err;
    struct bf_line line;
    struct bf_text out = {0};
    const char *text = bf_fin_get(f, CONF, &len, &err);
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
        err = bf_fin_set(f, CONF, &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}

static enum bf_err keep(struct bf_fin *f, const struct bf_lasting *l)
{
    struct bf_text out = {0};
    if (!bf_fin_root_is_dir(f->root, FOLDER))
        return keep_in_conf(f, l);
    bf_text_str(&out, HEAD "MODULES+=(");
    add_words(l, &out);
    bf_text_str(&out, ")\n");
    enum bf_err err = bf_fin_set(f, FOLDER "/zz-bootferry.conf", &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}

const struct bf_maker_ops bf_mkinitcpio = {
    .name = "mkinitcpio", .programs = programs, .in_use = in_use, .keep = keep};
