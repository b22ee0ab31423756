// SPDX-License-Identifier: Apache-2.0
// See service.h.
#include "finalize/system/service.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static bool is_link_or_file(const struct bf_fin_root *root, const char *path)
{
    char *link = bf_fin_root_readlink(root, path);
    bool found = link || bf_fin_root_exists(root, path);
    free(link);
    return found;
}

bool bf_service_masked(const struct bf_fin_root *root, const char *unit)
{
    char path[256];
    snprintf(path, sizeof path, "/etc/systemd/system/%s", unit);
    char *link = bf_fin_root_readlink(root, path);
    bool masked = link && strcmp(link, "/dev/null") == 0;
    free(link);
    return masked;
}

static bool is_in_folders(const struct bf_fin_root *root, const char *base, const char *suffix,
                          const char *unit)
{
    struct bf_names names;
    bool found = false;
    if (bf_fin_root_list(root, base, suffix, &names))
        return false;
    for (size_t i = 0; i < names.count && !found; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/%.250s/%.100s", base, names.name[i], unit);
        found = is_link_or_file(root, path);
    }
    bf_names_free(&names);
    return found;
}

bool bf_service_enabled(const struct bf_fin_root *root, const char *unit)
{
    static const char *const base[] = {"/etc/systemd/system", "/usr/lib/systemd/system",
                                       "/lib/systemd/system"};
    if (bf_service_masked(root, unit))
        return false;
    for (size_t i = 0; i < BF_COUNT(base); i++)
        if (is_in_folders(root, base[i], ".wants", unit) ||
            is_in_folders(root, base[i], ".requires", unit))
            return true;
    return false;
}

static bool any_path(const struct bf_fin_root *root, const char *const *format, size_t count,
                     const char *name)
{
    for (size_t i = 0; i < count; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s%.100s", format[i], name);
        if (is_link_or_file(root, path))
            return true;
    }
    return false;
}

// "S10network" in the folder of a run level.
static bool is_sysv_link(const char *entry, const char *name)
{
    return entry[0] == 'S' && isdigit((unsigned char)entry[1]) &&
           isdigit((unsigned char)entry[2]) && strcmp(entry + 3, name) == 0;
}

const char *const bf_sysv_folders[] = {"/etc/rcS.d",         "/etc/rc2.d",
                                       "/etc/rc3.d",         "/etc/rc4.d",
                                       "/etc/rc5.d",         "/etc/rc.d/rc2.d",
                                       "/etc/rc.d/rc3.d",    "/etc/rc.d/rc4.d",
                                       "/etc/rc.d/rc5.d",    "/etc/init.d/rc2.d",
                                       "/etc/init.d/rc3.d",  "/etc/init.d/rc5.d",
                                       "/etc/init.d/boot.d", NULL};

static bool starts_by_sysv(const struct bf_fin_root *root, const char *name)
{
    for (const char *const *folder = bf_sysv_folders; *folder; folder++) {
        struct bf_names names;
        bool found = false;
        if (bf_fin_root_list(root, *folder, name, &names))
            continue;
        for (size_t k = 0; k < names.count; k++)
            found = found || is_sysv_link(names.name[k], name);
        bf_names_free(&names);
        if (found)
            return true;
    }
    return false;
}

bool bf_service_starts(const struct bf_fin *f, const char *name)
{
    static const char *const openrc[] = {"/etc/runlevels/boot/", "/etc/runlevels/default/",
                                         "/etc/runlevels/sysinit/"};
    static const char *const runit[] = {"/etc/runit/runsvdir/default/",
                                        "/etc/runit/runsvdir/current/", "/etc/service/",
                                        "/var/service/"};
    const struct bf_fin_root *root = f->root;
    char unit[128], job[128];
    snprintf(unit, sizeof unit, "%.100s.service", name);
    snprintf(job, sizeof job, "%.100s.conf", name);
    switch (f->system.init) {
    case BF_INIT_SYSTEMD:
        // A unit is made of a SysV script that has no unit of its own.
        return bf_service_enabled(root, unit) ||
               (!bf_service_masked(root, unit) && starts_by_sysv(root, name));
    case BF_INIT_OPENRC:
        return any_path(root, openrc, BF_COUNT(openrc), name);
    case BF_INIT_RUNIT:
        return any_path(root, runit, BF_COUNT(runit), name);
    case BF_INIT_UPSTART:
        return any_path(root, (const char *const[]){"/etc/init/"}, 1, job) ||
               starts_by_sysv(root, name);
    default:
        return starts_by_sysv(root, name);
    }
}

static int hex_of(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

// "a\\x2db" is "a-b", and "a-b" is "a/b".
static void unescape(char *name)
{
    char *out = name;
    for (char *p = name; *p; p++) {
        bool coded = p[0] == '\\' && p[1] == 'x' && hex_of(p[2]) >= 0 && hex_of(p[3]) >= 0;
        *out++ = coded ? (char)(hex_of(p[2]) * 16 + hex_of(p[3])) : *p == '-' ? '/' : *p;
        p += coded ? 3 : 0;
    }
    *out = 0;
}

enum bf_err bf_service_instances(const struct bf_fin_root *root, const char *head,
                                 struct bf_names *out)
{
    static const char tail[] = ".service";
    size_t kept = 0, front = strlen(head);
    *out = (struct bf_names){0};
    enum bf_err err =
        bf_fin_root_list(root, "/etc/systemd/system/multi-user.target.wants", tail, out);
    if (err)
        *out = (struct bf_names){0};
    for (size_t i = 0; i < out->count; i++) {
        char *name = out->name[i];
        size_t len = strlen(name);
        if (strncmp(name, head, front) != 0 || len <= front + strlen(tail)) {
            free(name);
            continue;
        }
        name[len - strlen(tail)] = 0;
        memmove(name, name + front, len - strlen(tail) - front + 1);
        unescape(name);
        out->name[kept++] = name;
    }
    out->count = kept;
    return err;
}
