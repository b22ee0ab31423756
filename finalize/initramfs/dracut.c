// SPDX-License-Identifier: Apache-2.0
// dracut, of Red Hat, SUSE and others.
#include <stdio.h>
#include <string.h>

#include "finalize/initramfs/maker.h"
#include "finalize/initramfs/modules.h"

#define FOLDER "/etc/dracut.conf.d"
#define VENDOR "/usr/lib/dracut/dracut.conf.d"

static const char *const programs[] = {"/usr/bin/dracut", "/usr/sbin/dracut", "/sbin/dracut", NULL};

// On Debian, other packages leave an empty folder and modules for it.
static bool in_use(struct bf_fin *f)
{
    struct bf_names names;
    if (bf_fin_root_exists(f->root, "/etc/dracut.conf"))
        return true;
    bool others = bf_fin_root_is_dir(f->root, "/etc/initramfs-tools");
    if (bf_edits_list(&f->edits, FOLDER, ".conf", &names))
        return false;
    bool settings = names.count > 0;
    bf_names_free(&names);
    return settings || (!others && (bf_fin_root_is_dir(f->root, FOLDER) ||
                                    bf_fin_root_is_dir(f->root, "/usr/lib/dracut")));
}

// ---- Drivers that are left out ------------------------------------------------------------------

// Whether a file has a list of drivers that no image is to have. *arg: a bool.
static enum bf_err look_for_omitted(struct bf_fin *f, const char *path, void *arg)
{
    bool *omits = (bool *)arg;
    size_t len, pos = 0;
    enum bf_err err;
    struct bf_line line;
    const char *text = bf_fin_get(f, path, &len, &err);
    while (text && !*omits && bf_line_next(text, len, &pos, &line)) {
        const char *at = memmem(line.at, line.len, "omit_drivers", 12);
        *omits = at && !memchr(line.at, '#', (size_t)(at - line.at));
    }
    return err;
}

static bool has_word(const struct bf_text *list, const char *name)
{
    char word[BF_MODULE_NAME + 2];
    snprintf(word, sizeof word, " %s ", name);
    return strstr(bf_text_get(list), word) != NULL;
}

// Adds all that the drivers need as files of one kernel, too.
static void add_needed(struct bf_fin *f, const char *version, const struct bf_lasting *l,
                       struct bf_text *list)
{
    struct bf_modules modules;
    struct bf_module_set set = {0};
    char name[BF_MODULE_NAME];
    if (!bf_modules_open(f->root, version, &modules))
        for (size_t i = 0; i < l->count; i++)
            bf_modules_want(&modules, l->name[i], &set);
    for (size_t i = 0; i < set.count; i++)
        if (bf_module_name(set.path[i], strlen(set.path[i]), name) && !has_word(list, name))
            bf_textf(list, "%s ", name);
    bf_module_set_free(&set);
    bf_modules_close(&modules);
}

// dracut leaves out what omit_drivers lists, unless it is named in add_drivers: a driver itself is,
// what it needs is only with such a list.
static enum bf_err add_omitted(struct bf_fin *f, const struct bf_lasting *l, struct bf_text *list)
{
    bool omits = false;
    enum bf_err err = look_for_omitted(f, "/etc/dracut.conf", &omits);
    if (!err)
        err = bf_fin_each(f, VENDOR, ".conf", look_for_omitted, &omits);
    if (!err)
        err = bf_fin_each(f, FOLDER, ".conf", look_for_omitted, &omits);
    for (size_t i = 0; omits && !err && i < f->system.kernels; i++)
        if (f->system.kernel[i].modules)
            add_needed(f, f->system.kernel[i].version, l, list);
    return err;
}

static enum bf_err keep(struct bf_fin *f, const struct bf_lasting *l)
{
    struct bf_text out = {0}, list = {0};
    bf_text_str(
        &out,
        "# Drivers of this machine's new home, written by bootferry-finalize\nadd_drivers+=\"");
    bf_text_str(&list, " ");
    for (size_t i = 0; i < l->count; i++)
        bf_textf(&list, "%s ", l->name[i]);
    enum bf_err err = add_omitted(f, l, &list);
    bf_textf(&out, "%s\"\n", bf_text_get(&list));
    if (!err && !bf_text_ok(&list))
        err = bf_fail(f->report, "out of memory");
    if (!err)
        err = bf_fin_set(f, FOLDER "/bootferry.conf", &out, BF_LASTING_WHY);
    bf_text_free(&list);
    bf_text_free(&out);
    return err;
}

const struct bf_maker_ops bf_dracut = {
    .name = "dracut", .programs = programs, .in_use = in_use, .keep = keep};
