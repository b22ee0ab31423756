// SPDX-License-Identifier: Apache-2.0
// initramfs-tools, of Debian and its kin: the list of modules, and what the system resumes from.
#include <stdio.h>
#include <string.h>

#include "finalize/core/shvar.h"
#include "finalize/initramfs/maker.h"
#include "finalize/system/stable.h"

#define FOLDER      "/etc/initramfs-tools"
#define MODULES     FOLDER "/modules"
#define RESUME_CONF FOLDER "/conf.d/resume"

static const char *const programs[] = {"/usr/sbin/mkinitramfs", "/sbin/mkinitramfs", NULL};

static bool in_use(struct bf_fin *f)
{
    return bf_fin_root_is_dir(f->root, FOLDER);
}

// The last RESUME= of a file counts, as for the shell that reads it.
static enum bf_err rename_resume(struct bf_fin *f, const char *path, void *unused)
{
    size_t len;
    struct bf_shvars vars;
    struct bf_text out = {0};
    char number[32], stable[128];
    (void)unused;
    enum bf_err err;
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text)
        return err;
    bf_shvars_load(&vars, text, len);
    const char *name = bf_shvars_get(&vars, "RESUME");
    if (bf_device_number(name, number, sizeof number))
        name = number;
    if (bf_stable_name(f, name, "swap", "", path, stable, sizeof stable) == BF_STABLE_NEW) {
        struct bf_shvar_change change = {"RESUME", stable};
        bf_shvar_edit(&out, text, len, &change, 1);
        err =
            bf_fin_set(f, path, &out, "device names that do not depend on the order of the disks");
    }
    bf_shvars_free(&vars);
    bf_text_free(&out);
    return err;
}

static enum bf_err names(struct bf_fin *f)
{
    enum bf_err err = rename_resume(f, FOLDER "/initramfs.conf", NULL);
    return err ? err : bf_fin_each(f, FOLDER "/conf.d", "", rename_resume, NULL);
}

static bool sets(const char *text, size_t len, const char *key)
{
    struct bf_line line;
    size_t pos = 0, n = strlen(key);
    while (bf_line_next(text, len, &pos, &line))
        if (line.len > n && memcmp(line.at, key, n) == 0)
            return true;
    return false;
}

// A file that has the planned network, or what is resumed from, goes in as initramfs-tools would
// copy it into its next image.
static void carry_file(struct bf_fin *f, struct bf_cpio *cpio, const char *path, const char *at)
{
    size_t len;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    if (text && (sets(text, len, "RESUME=") || (f->network_word && sets(text, len, "IP="))))
        bf_cpio_file(cpio, at, 0644, text, len);
}

// With a device name in conf.d/resume the start waits for nothing, so it goes in also unchanged.
static void carry(struct bf_fin *f, struct bf_cpio *cpio)
{
    size_t len;
    struct bf_names names;
    const char *text = bf_edits_get(&f->edits, RESUME_CONF, &len, NULL);
    if (text)
        bf_cpio_file(cpio, "conf/conf.d/resume", 0644, text, len);
    carry_file(f, cpio, FOLDER "/initramfs.conf", "conf/initramfs.conf");
    if (bf_edits_list(&f->edits, FOLDER "/conf.d", "", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[320], at[320];
        snprintf(path, sizeof path, FOLDER "/conf.d/%.250s", names.name[i]);
        snprintf(at, sizeof at, "conf/conf.d/%.250s", names.name[i]);
        if (strcmp(names.name[i], "resume") != 0)
            carry_file(f, cpio, path, at);
    }
    bf_names_free(&names);
}

static bool has_line(const char *text, size_t len, const char *word)
{
    struct bf_line line;
    size_t pos = 0, n;
    while (bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *w;
        if (bf_word_next(&at, line.at + line.len, &w, &n) && bf_word_is(w, n, word))
            return true;
    }
    return false;
}

static enum bf_err keep(struct bf_fin *f, const struct bf_lasting *l)
{
    size_t len = 0;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, MODULES, &len, NULL);
    text = text ? text : "";
    bf_text_add(&out, text, len);
    bool head = false;
    for (size_t i = 0; i < l->count; i++) {
        if (has_line(text, len, l->name[i]))
            continue;
        if (!head)
            bf_textf(&out, "%s# Drivers of this machine's new home, added by bootferry-finalize\n",
                     len && text[len - 1] != '\n' ? "\n" : "");
        head = true;
        bf_textf(&out, "%s\n", l->name[i]);
    }
    enum bf_err err = bf_fin_set(f, MODULES, &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}

const struct bf_maker_ops bf_initramfs_tools = {
    .name = "initramfs-tools",
    .programs = programs,
    .in_use = in_use,
    .names = names,
    .carry = carry,
    .keep = keep,
};
