// SPDX-License-Identifier: Apache-2.0
// Finds the target's drivers among a kernel's modules, and judges whether an image loads them.
#include "finalize/initramfs/drivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/target/targets.h"

static void remember(struct bf_lasting *l, const char *name, const struct bf_module *m, bool disk)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->name[i], name) == 0)
            return;
    if (l->count == BF_LASTING_MAX || !m)
        return;
    const char *ko = memmem(m->path, m->len, ".ko", 3);
    l->disk[l->count] = disk;
    snprintf(l->path[l->count], sizeof l->path[0], "%.*s", ko ? (int)(ko + 3 - m->path) : 0,
             m->path);
    l->name[l->count++] = name;
}

// Adds modules of a list to the set. How many are files, and how many are built in.
static void want_list(struct bf_drivers *d, const char *const *list, bool list_is_disk,
                      struct bf_lasting *lasting, struct bf_text *missing, size_t *files,
                      size_t *builtins)
{
    *files = *builtins = 0;
    for (; list && *list; list++) {
        enum bf_module_kind kind = bf_modules_want(&d->modules, *list, &d->set);
        *files += kind == BF_MODULE_FILE;
        *builtins += kind == BF_MODULE_BUILTIN;
        if (kind == BF_MODULE_FILE && lasting)
            remember(lasting, *list, bf_modules_find(d->modules.item, d->modules.count, *list),
                     list_is_disk);
        if (kind == BF_MODULE_MISSING)
            bf_textf(missing, " %s", *list);
    }
}

enum bf_err bf_drivers_open(struct bf_fin *f, const char *version, bool lead,
                            struct bf_drivers *out, struct bf_lasting *lasting)
{
    size_t files, builtins;
    struct bf_text missing = {0};
    *out = (struct bf_drivers){.version = version, .lead = lead, .blocked = ""};
    enum bf_err err = bf_modules_open(f->root, version, &out->modules);
    if (err)
        return err;
    want_list(out, f->target->bus, true, lasting, &missing, &files, &builtins);
    want_list(out, f->target->disk, true, lasting, &missing, &out->disk_files, &out->disk_builtins);
    want_list(out, f->target->other, false, lasting, &missing, &files, &builtins);
    if (missing.len)
        bf_note(f->report, "info", version, "this kernel does not have:%s", bf_text_get(&missing));
    bf_text_free(&missing);
    return BF_OK;
}

void bf_drivers_close(struct bf_drivers *d)
{
    bf_module_set_free(&d->set);
    bf_modules_close(&d->modules);
}

size_t bf_drivers_inside(const struct bf_fin *f, const struct bf_inside *in)
{
    size_t n = 0;
    for (const char *const *name = f->target->disk; *name; name++)
        n += bf_inside_module(in, *name) != NULL;
    return n;
}

// The target's drivers of disks that the kernel has as files, as a list of words.
static void disk_names(const struct bf_fin *f, const struct bf_drivers *d, struct bf_text *out)
{
    for (const char *const *name = f->target->disk; *name; name++)
        if (bf_modules_find(d->modules.item, d->modules.count, *name))
            bf_textf(out, "%s%s", out->len ? " " : "", *name);
}

// A refusal for the kernel that is started, a warning for another.
static enum bf_err object(struct bf_fin *f, const struct bf_drivers *d, const char *path,
                          const char *what, const char *todo)
{
    struct bf_text names = {0};
    enum bf_err err = BF_OK;
    disk_names(f, d, &names);
    if (d->lead)
        err = bf_refuse(f->report,
                        "%s %s, so drivers for the disks of a %s machine (%s) cannot be "
                        "added to it: %s",
                        path, what, f->target->name, bf_text_get(&names), todo);
    else
        bf_note(f->report, "warning", path,
                "%s, so drivers for the disks of a %s machine (%s) are not added to it: %s", what,
                f->target->name, bf_text_get(&names), todo);
    bf_text_free(&names);
    return err;
}

// Whether a line of modprobe.d keeps a module from being loaded.
static bool blocks(const struct bf_line *line, const char *name)
{
    const char *at = line->at, *end = at + line->len, *w[3];
    size_t n[3], count = 0;
    char module[BF_MODULE_NAME], own[BF_MODULE_NAME + 4];
    while (count < 3 && bf_word_next(&at, end, &w[count], &n[count]))
        count++;
    bool blacklist = count > 1 && bf_word_is(w[0], n[0], "blacklist");
    bool install = count > 2 && bf_word_is(w[0], n[0], "install") &&
                   (memmem(w[2], n[2], "false", 5) || memmem(w[2], n[2], "true", 4) ||
                    bf_word_is(w[2], n[2], ":"));
    if (!blacklist && !install)
        return false;
    snprintf(own, sizeof own, "%.*s.ko", n[1] < BF_MODULE_NAME ? (int)n[1] : 0, w[1]);
    return bf_module_name(own, strlen(own), module) && strcmp(module, name) == 0;
}

static bool is_listed(const char *list, const char *name)
{
    char own[BF_MODULE_NAME + 4], module[BF_MODULE_NAME];
    while (*list) {
        size_t n = strcspn(list, ",");
        snprintf(own, sizeof own, "%.*s.ko", n < BF_MODULE_NAME ? (int)n : 0, list);
        if (bf_module_name(own, strlen(own), module) && strcmp(module, name) == 0)
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

static const char *blocked_by(const struct bf_drivers *d, const struct bf_inside *in,
                              const char *name)
{
    if (is_listed(d->blocked, name))
        return "its kernel's command line";
    for (size_t i = 0; i < in->settings; i++) {
        const struct bf_setting *s = &in->setting[i];
        struct bf_line line;
        size_t pos = 0;
        if (!strstr(s->name, "modprobe"))
            continue;
        while (bf_line_next(s->data, s->len, &pos, &line))
            if (blocks(&line, name))
                return s->name;
    }
    return NULL;
}

// What the image's own settings keep from being loaded.
static enum bf_err judge_blocked(struct bf_fin *f, const struct bf_drivers *d,
                                 const struct bf_inside *in, const char *path)
{
    size_t blocked = 0;
    const char *last = "";
    for (const char *const *name = f->target->disk; *name; name++) {
        const char *by = bf_modules_find(d->modules.item, d->modules.count, *name)
                             ? blocked_by(d, in, *name)
                             : NULL;
        if (!by)
            continue;
        bf_note(f->report, "warning", path, "%s keeps the driver %s from being loaded", by, *name);
        blocked++;
        last = by;
    }
    if (!blocked || blocked < d->disk_files || d->disk_builtins)
        return BF_OK;
    char what[300];
    snprintf(what, sizeof what, "has them kept from being loaded by %.200s", last);
    return object(f, d, path, what, "remove that on the source, and make the image anew");
}

// Whether a script of the image names one of the target's drivers.
static bool names_driver(const struct bf_fin *f, const char *script)
{
    for (const char *const *name = f->target->disk; *name; name++) {
        char dashed[BF_MODULE_NAME];
        size_t n = 0;
        for (; (*name)[n] && n + 1 < sizeof dashed; n++)
            dashed[n] = (*name)[n] == '_' ? '-' : (*name)[n];
        dashed[n] = 0;
        if (strstr(script, *name) || strstr(script, dashed))
            return true;
    }
    return false;
}

// An image that loads a list of modules, and nothing for what is found.
static enum bf_err judge_fixed(struct bf_fin *f, const struct bf_drivers *d,
                               const struct bf_inside *in, const char *path, bool *skip)
{
    bool has_modules = in->modules || in->foreign;
    *skip = true;
    if (in->booster) {
        if (bf_drivers_inside(f, in) || d->disk_builtins)
            return BF_OK;
        return object(f, d, path, "is made by booster and loads only modules that it lists",
                      "name them under modules: in /etc/booster.yaml on the source, and run "
                      "\"booster build --force\"");
    }
    *skip = in->nash || (has_modules && !in->by_alias && in->init && strstr(in->init, "insmod"));
    if (!*skip || d->disk_builtins || names_driver(f, in->init ? in->init : ""))
        return BF_OK;
    return object(f, d, path, "loads a fixed list of modules",
                  "on the source, make it anew with them (mkinitrd --with=DRIVER)");
}

enum bf_err bf_drivers_fit(struct bf_fin *f, const struct bf_drivers *d, const struct bf_inside *in,
                           const char *path, bool *skip)
{
    if (in->info.trouble[0])
        bf_note(f->report, "warning", path, "%s: the kernel may not read what is behind it",
                in->info.trouble);
    enum bf_err err = judge_fixed(f, d, in, path, skip);
    return err ? err : judge_blocked(f, d, in, path);
}
