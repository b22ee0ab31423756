// SPDX-License-Identifier: Apache-2.0
// Who reads ifcfg files in this system, which of them each reader skips, and all of them in memory.
#include "finalize/network/ifcfg.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/core/ini.h"
#include "finalize/system/service.h"

#define PREFIX "ifcfg-"
#define PLUGIN "libnm-settings-plugin-ifcfg-rh.so"

// ---- Who reads them -----------------------------------------------------------------------------

// Looks for the plugin in a folder; *any says whether there is any plugin of NetworkManager.
static bool has_plugin(struct bf_fin *f, const char *dir, bool *any)
{
    struct bf_names names;
    bool found = false;
    if (bf_fin_root_list(f->root, dir, ".so", &names))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        *any = *any || strncmp(names.name[i], "libnm-", 6) == 0;
        found = found || strcmp(names.name[i], PLUGIN) == 0;
    }
    bf_names_free(&names);
    return found;
}

// The plugin lies in a folder of NetworkManager's version, of old ones in the one above.
static bool is_plugin_installed(struct bf_fin *f, bool *any)
{
    static const char *const top[] = {"/usr/lib64/NetworkManager", "/usr/lib/NetworkManager"};
    bool found = false;
    for (size_t t = 0; t < BF_COUNT(top); t++) {
        struct bf_names names;
        found = found || has_plugin(f, top[t], any);
        if (bf_fin_root_list(f->root, top[t], "", &names))
            continue;
        for (size_t i = 0; i < names.count && !found; i++) {
            char dir[320];
            snprintf(dir, sizeof dir, "%s/%.250s", top[t], names.name[i]);
            if (isdigit((unsigned char)names.name[i][0]))
                found = has_plugin(f, dir, any);
        }
        bf_names_free(&names);
    }
    return found;
}

// Without NetworkManager's files the release decides: RHEL 10 and Fedora 41 no longer have it.
static bool is_release_with_plugin(const struct bf_system *s)
{
    bool redhat = s->family && strcmp(s->family->name, "redhat") == 0;
    long version = strtol(s->version, NULL, 10);
    if (!s->family && !s->release)
        return true; // RHEL 6 has no os-release
    return redhat && version < (strcmp(s->id, "fedora") == 0 ? 41 : 10);
}

static void find_plugins(struct bf_fin *f, const char *path, char *out, size_t size)
{
    size_t len;
    char value[256];
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    if (text && bf_ini_find(text, len, "main", "plugins", value, sizeof value))
        snprintf(out, size, "%s", value);
}

// Whether NetworkManager's configuration leaves the plugin out.
static bool is_plugin_off(struct bf_fin *f)
{
    static const char *const dir[] = {"/usr/lib/NetworkManager/conf.d",
                                      "/etc/NetworkManager/conf.d"};
    char plugins[256] = "", path[320];
    for (size_t d = 0; d < BF_COUNT(dir); d++) {
        struct bf_names names;
        if (d == 1)
            find_plugins(f, "/etc/NetworkManager/NetworkManager.conf", plugins, sizeof plugins);
        if (bf_edits_list(&f->edits, dir[d], ".conf", &names))
            continue;
        for (size_t i = 0; i < names.count; i++) {
            snprintf(path, sizeof path, "%s/%.250s", dir[d], names.name[i]);
            find_plugins(f, path, plugins, sizeof plugins);
        }
        bf_names_free(&names);
    }
    return plugins[0] && !strstr(plugins, "ifcfg-rh");
}

static bool has_text(struct bf_fin *f, const char *file, const char *what, bool otherwise)
{
    size_t len;
    char path[128];
    snprintf(path, sizeof path, BF_IFCFG_DIR "/%s", file);
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    return text ? memmem(text, len, what, strlen(what)) != NULL : otherwise;
}

// What the scripts that are there know. Without them, those of RHEL 7, or 6 where systemd is not.
static void look_at_scripts(struct bf_fin *f, struct bf_ifcfg_readers *r)
{
    bool recent = f->system.init == BF_INIT_SYSTEMD;
    r->numbered = has_text(f, "network-functions", "ipaddr[", recent);
    r->inherits = has_text(f, "network-functions", "PARENTCONFIG", !recent);
    r->old_ipv6 = has_text(f, "ifup-ipv6", "\"$IPV6INIT\" = \"yes\"", !recent);
    r->global_six = has_text(f, "ifup-eth", "NETWORKING_IPV6", false);
}

static void load_vars(struct bf_fin *f, const char *path, struct bf_shvars *vars)
{
    size_t len;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    bf_shvars_load(vars, text ? text : "", text ? len : 0);
}

void bf_ifcfg_readers(struct bf_fin *f, struct bf_ifcfg_readers *r)
{
    bool any = false;
    struct bf_shvars network;
    *r = (struct bf_ifcfg_readers){0};
    if (!bf_fin_root_is_dir(f->root, BF_IFCFG_DIR))
        return;
    load_vars(f, BF_IFCFG_NETWORK, &network);
    r->shell =
        bf_service_starts(f, "network") && !bf_ifcfg_is_no(bf_shvars_get(&network, "NETWORKING"));
    bf_shvars_free(&network);
    r->nm = bf_service_starts(f, "NetworkManager") &&
            (is_plugin_installed(f, &any) || (!any && is_release_with_plugin(&f->system))) &&
            !is_plugin_off(f);
    look_at_scripts(f, r);
}

// ---- Which files --------------------------------------------------------------------------------

static bool ends_with(const char *name, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len > n && strcasecmp(name + len - n, end) == 0;
}

static bool skips(const char *name, const char *const *end, size_t count)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (ends_with(name, len, end[i]))
            return true;
    return false;
}

// A file that rpm writes to is called "name;5f3a1b2c".
static bool is_of_rpm(const char *name)
{
    const char *at = strrchr(name, ';');
    return at && strlen(at + 1) == 8 && strspn(at + 1, "0123456789abcdefABCDEF") == 8;
}

// ".old" and ".rpmsave" are profiles to NetworkManager.
static bool nm_skips(const char *name)
{
    static const char *const end[] = {".bak",    "~",       ".orig",  ".rej",
                                      ".rpmnew", ".augnew", ".augtmp"};
    return skips(name, end, BF_COUNT(end)) || is_of_rpm(name);
}

static bool shell_skips(const char *name)
{
    static const char *const end[] = {"~",       ".bak",     ".old",    ".orig",
                                      ".rpmnew", ".rpmorig", ".rpmsave"};
    return skips(name, end, BF_COUNT(end));
}

static bool is_loopback(const char *name)
{
    return strcmp(name, "lo") == 0 || strncmp(name, "lo:", 3) == 0;
}

bool bf_ifcfg_any(struct bf_fin *f)
{
    struct bf_names names;
    bool any = false;
    if (bf_edits_list(&f->edits, BF_IFCFG_DIR, "", &names))
        return false;
    for (size_t i = 0; i < names.count; i++)
        any = any || (strncmp(names.name[i], PREFIX, strlen(PREFIX)) == 0 &&
                      !is_loopback(names.name[i] + strlen(PREFIX)));
    bf_names_free(&names);
    return any;
}

// ---- All of them --------------------------------------------------------------------------------

static void add(struct bf_fin *f, struct bf_ifcfg *set, const char *name)
{
    const char *tail = strstr(name, "-range");
    bool nm = set->readers.nm && !nm_skips(name), shell = set->readers.shell && !shell_skips(name);
    if (!name[0] || is_loopback(name) || strlen(name) >= sizeof set->file->name || (!nm && !shell))
        return;
    if (!set->file)
        set->file = calloc(BF_IFCFG_MAX, sizeof *set->file);
    if (!set->file || set->count == BF_IFCFG_MAX) {
        set->failed = true;
        return;
    }
    struct bf_ifcfg_file *file = &set->file[set->count++];
    snprintf(file->name, sizeof file->name, "%s", name);
    snprintf(file->path, sizeof file->path, BF_IFCFG_DIR "/" PREFIX "%s", name);
    load_vars(f, file->path, &file->vars);
    set->failed = set->failed || file->vars.failed;
    if (strchr(name, ':'))
        file->kind = BF_IFCFG_ALIAS;
    else if (tail && set->readers.shell)
        file->kind = BF_IFCFG_RANGE;
    // With both daemons the scripts hand an interface over to NetworkManager unless it is told off.
    file->nm = nm && !bf_ifcfg_is_no(bf_shvars_get(&file->vars, "NM_CONTROLLED"));
    file->shell = shell && !file->nm;
}

static const struct bf_ifcfg_file *named(const struct bf_ifcfg *set, const char *name, size_t len)
{
    for (size_t i = 0; i < set->count; i++)
        if (strlen(set->file[i].name) == len && memcmp(set->file[i].name, name, len) == 0)
            return &set->file[i];
    return NULL;
}

// To the scripts, an alias belongs to a device, whatever the device's file is called.
static const struct bf_ifcfg_file *of_device(const struct bf_ifcfg *set, const char *name,
                                             size_t len)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->file[i].shell && set->file[i].kind == BF_IFCFG_PLAIN &&
            bf_word_is(name, len, bf_shvars_get(&set->file[i].vars, "DEVICE")))
            return &set->file[i];
    return NULL;
}

// An alias and a range have the reader of their interface.
static void find_base(struct bf_ifcfg *set, struct bf_ifcfg_file *file)
{
    const char *end = strrchr(file->name, '-');
    if (file->kind == BF_IFCFG_ALIAS)
        end = strchr(file->name, ':');
    else if (file->kind == BF_IFCFG_RANGE)
        end = strstr(file->name, "-range");
    else if (!set->readers.inherits || !file->shell)
        end = NULL;
    size_t len = end ? (size_t)(end - file->name) : 0;
    file->base = end ? named(set, file->name, len) : NULL;
    if (end && !file->base && file->kind != BF_IFCFG_PLAIN)
        file->base = of_device(set, file->name, len);
    if (file->kind != BF_IFCFG_PLAIN) {
        file->shell = file->base && file->base->shell && !shell_skips(file->name);
        // NetworkManager takes an alias whose DEVICE is the file's name only.
        file->nm = file->base && file->base->nm && file->kind == BF_IFCFG_ALIAS &&
                   strcmp(bf_shvars_get(&file->vars, "DEVICE"), file->name) == 0;
    }
}

void bf_ifcfg_load(struct bf_fin *f, struct bf_ifcfg *set)
{
    struct bf_names names;
    *set = (struct bf_ifcfg){0};
    bf_ifcfg_readers(f, &set->readers);
    load_vars(f, BF_IFCFG_NETWORK, &set->network);
    if (bf_edits_list(&f->edits, BF_IFCFG_DIR, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++)
        if (strncmp(names.name[i], PREFIX, strlen(PREFIX)) == 0)
            add(f, set, names.name[i] + strlen(PREFIX));
    bf_names_free(&names);
    for (size_t i = 0; i < set->count; i++)
        find_base(set, &set->file[i]);
}

void bf_ifcfg_free(struct bf_ifcfg *set)
{
    for (size_t i = 0; i < set->count; i++)
        bf_shvars_free(&set->file[i].vars);
    bf_shvars_free(&set->network);
    free(set->file);
    *set = (struct bf_ifcfg){0};
}
