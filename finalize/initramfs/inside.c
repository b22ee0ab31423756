// SPDX-License-Identifier: Apache-2.0
// See inside.h. Makers are told by files that only they put in.
#include "finalize/initramfs/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"

#define SETTING_MAX ((size_t)262144) // lvm.conf has 100 kB of comments

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_any(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

static void add_module(struct bf_inside *in, const char *path)
{
    struct bf_module m = {.len = strlen(path)};
    if (in->modules >= BF_INSIDE_MODULES || !bf_module_name(path, m.len, m.name))
        return;
    if (in->modules == in->room) {
        size_t room = in->room ? in->room * 2 : 256;
        struct bf_module *more = realloc(in->module, room * sizeof *more);
        in->failed = in->failed || !more;
        if (!more)
            return;
        in->module = more;
        in->room = room;
    }
    m.path = strdup(path);
    in->failed = in->failed || !m.path;
    if (m.path)
        in->module[in->modules++] = m;
}

// What stands below lib/modules or usr/lib/modules.
static void see_modules(struct bf_inside *in, const char *rest, bool usr, bool folder)
{
    size_t n = strlen(in->version);
    *(usr ? &in->usr_modules : &in->lib_modules) = true;
    if (strncmp(rest, in->version, n) != 0 || (rest[n] && rest[n] != '/')) {
        char name[BF_MODULE_NAME];
        in->foreign += !folder && bf_module_name(rest, strlen(rest), name);
        return;
    }
    *(usr ? &in->usr_version : &in->lib_version) = true;
    if (!rest[n] || folder)
        return;
    const char *path = rest + n + 1;
    in->text_index = in->text_index || strcmp(path, "modules.dep") == 0;
    in->dep_index = in->dep_index || strcmp(path, "modules.dep.bin") == 0;
    add_module(in, path);
}

static void see_link(struct bf_inside *in, const char *name, const struct bf_archive_entry *entry)
{
    const char *to = entry->data ? entry->data : "";
    if (strcmp(name, "lib") == 0)
        in->lib = in->lib_link = true;
    in->usr = in->usr || strcmp(name, "usr") == 0;
    if (strcmp(base(name), "modprobe") == 0)
        in->kmod = strcmp(base(to), "kmod") == 0;
}

static void see_folder(struct bf_inside *in, const char *name)
{
    if (strcmp(name, "lib") == 0) {
        in->lib = true;
        in->lib_link = false;
    }
    in->usr = in->usr || strcmp(name, "usr") == 0;
    in->usr_lib = in->usr_lib || strcmp(name, "usr/lib") == 0;
}

static bool is_setting(const char *name)
{
    static const char *const file[] = {"config",
                                       "etc/booster.init.yaml",
                                       "etc/modprobe.conf",
                                       "etc/lvm/lvm.conf",
                                       "etc/lvm/lvmlocal.conf",
                                       "etc/lvm/devices/system.devices",
                                       "etc/crypttab",
                                       "cryptroot/crypttab",
                                       "etc/mdadm.conf",
                                       "etc/mdadm/mdadm.conf",
                                       NULL};
    return strncmp(name, "conf/", 5) == 0 || strncmp(name, "etc/modprobe.d/", 15) == 0 ||
           strncmp(name, "usr/lib/modprobe.d/", 19) == 0 ||
           strncmp(name, "lib/modprobe.d/", 15) == 0 ||
           strncmp(name, "etc/mdadm.conf.d/", 17) == 0 || is_any(name, file);
}

static void keep_setting(struct bf_inside *in, const struct bf_archive_entry *entry)
{
    struct bf_setting *s = NULL;
    for (size_t i = 0; i < in->settings; i++)
        if (strcmp(in->setting[i].name, entry->name) == 0)
            s = &in->setting[i];
    if (!entry->data || entry->size > SETTING_MAX || (!s && in->settings == BF_INSIDE_SETTINGS))
        return;
    char *name = s ? s->name : strdup(entry->name);
    char *data = bf_word_dup(entry->data, (size_t)entry->size);
    if (!name || !data) {
        in->failed = true;
        free(data);
        if (!s)
            free(name);
        return;
    }
    if (s)
        free(s->data);
    else
        s = &in->setting[in->settings++];
    *s = (struct bf_setting){name, data, (size_t)entry->size};
}

static void see_file(struct bf_inside *in, const struct bf_archive_entry *entry)
{
    static const char *const alias[] = {"udevd",         "systemd-udevd", "udevadm",
                                        "nlplug-findfs", "mdev",          NULL};
    const char *name = base(entry->name);
    char module[BF_MODULE_NAME];
    in->by_alias = in->by_alias || is_any(name, alias);
    in->kmod = in->kmod || strcmp(name, "kmod") == 0;
    in->nash = in->nash || strcmp(entry->name, "bin/nash") == 0;
    in->booster = in->booster || strcmp(entry->name, "etc/booster.init.yaml") == 0;
    if (is_setting(entry->name))
        keep_setting(in, entry);
    if (strcmp(entry->name, "init") == 0 && entry->data && entry->size < SETTING_MAX) {
        free(in->init);
        in->init = bf_word_dup(entry->data, (size_t)entry->size);
    }
    in->foreign += bf_module_name(entry->name, strlen(entry->name), module);
}

static bool see(void *arg, const struct bf_archive_entry *entry)
{
    struct bf_inside *in = arg;
    const char *name = entry->name;
    static const char usr[] = "usr/lib/modules/", lib[] = "lib/modules/";
    if (entry->offset >= in->info.own)
        return true;
    bool folder = S_ISDIR(entry->mode);
    if (strncmp(name, usr, sizeof usr - 1) == 0)
        see_modules(in, name + sizeof usr - 1, true, folder);
    else if (strncmp(name, lib, sizeof lib - 1) == 0)
        see_modules(in, name + sizeof lib - 1, false, folder);
    else if (folder)
        see_folder(in, name);
    else
        see_file(in, entry);
    if (S_ISLNK(entry->mode))
        see_link(in, name, entry);
    in->usr = in->usr || strncmp(name, "usr/", 4) == 0;
    return !in->failed;
}

enum bf_err bf_inside_open(const struct bf_edits *e, const char *path, uint64_t offset,
                           uint64_t len, const char *version, struct bf_inside *out,
                           struct bf_fault *fault)
{
    *out = (struct bf_inside){.failed = false};
    snprintf(out->version, sizeof out->version, "%s", version);
    enum bf_err err = bf_archive_read_part(e, path, offset, len, see, out, &out->info, fault);
    bf_modules_sort(out->module, out->modules);
    return out->failed ? BF_ERR_NO_MEMORY : err;
}

void bf_inside_close(struct bf_inside *in)
{
    for (size_t i = 0; i < in->modules; i++)
        free((char *)(uintptr_t)in->module[i].path);
    free(in->module);
    free(in->init);
    for (size_t i = 0; i < in->settings; i++) {
        free(in->setting[i].name);
        free(in->setting[i].data);
    }
    *in = (struct bf_inside){.failed = false};
}

const char *bf_inside_base(const struct bf_inside *in)
{
    bool usr = true;
    if (!in->lib_link && (in->lib || in->lib_modules))
        usr = in->lib_version ? false : in->usr_version || (in->usr_modules && !in->lib_modules);
    return usr ? "usr/lib/modules" : "lib/modules";
}

const struct bf_module *bf_inside_module(const struct bf_inside *in, const char *name)
{
    return bf_modules_find(in->module, in->modules, name);
}

const struct bf_setting *bf_inside_setting(const struct bf_inside *in, const char *name)
{
    for (size_t i = 0; i < in->settings; i++)
        if (strcmp(in->setting[i].name, name) == 0)
            return &in->setting[i];
    return NULL;
}
