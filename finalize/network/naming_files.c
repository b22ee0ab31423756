// SPDX-License-Identifier: Apache-2.0
// The folders of naming files, MAC addresses in their spellings, and who names interfaces here.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/network/naming.h"

const char *const bf_link_folders[] = {"/etc/systemd/network", "/usr/local/lib/systemd/network",
                                       "/usr/lib/systemd/network", "/lib/systemd/network", NULL};
const char *const bf_rule_folders[] = {"/etc/udev/rules.d", "/usr/local/lib/udev/rules.d",
                                       "/usr/lib/udev/rules.d", "/lib/udev/rules.d", NULL};

#define FOLDERS_MAX 8

// ---- Files --------------------------------------------------------------------------------------

struct entry {
    const char *name;
    size_t folder; // its number
};

static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->folder > y->folder) - (x->folder < y->folder);
}

static enum bf_err visit_all(struct bf_fin *f, const char *const *folder, const struct entry *entry,
                             size_t count, bf_naming_visit visit, void *arg)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < count && !err; i++) {
        char path[512];
        size_t len;
        if (i > 0 && strcmp(entry[i].name, entry[i - 1].name) == 0)
            continue;
        snprintf(path, sizeof path, "%.200s/%.255s", folder[entry[i].folder], entry[i].name);
        const char *text = bf_edits_get(&f->edits, path, &len, NULL);
        if (text && len > 0)
            err = visit(f, path, text, len, arg);
    }
    return err;
}

enum bf_err bf_naming_each(struct bf_fin *f, const char *const *folder, const char *suffix,
                           bf_naming_visit visit, void *arg)
{
    struct bf_names names[FOLDERS_MAX] = {{0}};
    size_t count = 0, folders = 0, at = 0;
    enum bf_err err = BF_OK;
    for (; folder[folders] && folders < FOLDERS_MAX && !err; folders++) {
        err = bf_edits_list(&f->edits, folder[folders], suffix, &names[folders]);
        count += err ? 0 : names[folders].count;
    }
    struct entry *entry = calloc(count + 1, sizeof *entry);
    if (!entry)
        err = bf_fail(f->report, "out of memory");
    for (size_t i = 0; i < folders && !err; i++)
        for (size_t k = 0; k < names[i].count; k++)
            entry[at++] = (struct entry){names[i].name[k], i};
    if (!err) {
        qsort(entry, count, sizeof *entry, by_name);
        err = visit_all(f, folder, entry, count, visit, arg);
    }
    free(entry);
    for (size_t i = 0; i < folders; i++)
        bf_names_free(&names[i]);
    return err;
}

// ---- MAC addresses and names --------------------------------------------------------------------

// Octets, or with dots pairs of octets; leading zeros may be left out.
bool bf_naming_mac(const char *s, size_t len, char out[BF_MAC_TEXT])
{
    size_t at = 0, n = 0;
    unsigned octet[6];
    char sep = 0;
    while (n < 6) {
        unsigned value = 0, digits = 0;
        for (; at < len && bf_hex_digit(s[at]) >= 0 && digits < 5; at++, digits++)
            value = value << 4 | (unsigned)bf_hex_digit(s[at]);
        if (!sep && at < len && strchr(":-.", s[at]))
            sep = s[at];
        bool pair = sep == '.';
        if (!sep || !digits || digits > (pair ? 4u : 2u))
            return false;
        if (pair)
            octet[n++] = value >> 8;
        octet[n++] = value & 0xff;
        if (n < 6 && (at >= len || s[at++] != sep))
            return false;
    }
    if (at != len)
        return false;
    snprintf(out, BF_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", octet[0], octet[1], octet[2],
             octet[3], octet[4], octet[5]);
    return true;
}

bool bf_naming_is_kernels(const char *name)
{
    static const char *const prefix[] = {"eth", "wlan", "wwan", "usb", "ib"};
    for (size_t i = 0; i < BF_COUNT(prefix); i++) {
        size_t n = strlen(prefix[i]);
        if (strncmp(name, prefix[i], n) == 0 && name[n] &&
            strspn(name + n, "0123456789") == strlen(name + n))
            return true;
    }
    return false;
}

bool bf_naming_is_plain(const char *name)
{
    static const char *const never[] = {"lo", ".", "..", "all", "default"};
    for (size_t i = 0; i < BF_COUNT(never); i++)
        if (strcmp(name, never[i]) == 0)
            return false;
    for (const char *at = name; *at; at++)
        if (!isgraph((unsigned char)*at) || strchr("/:*?[]!%$'\"\\", *at))
            return false;
    return name[0] != 0;
}

// ---- Who names ----------------------------------------------------------------------------------

enum bf_namer bf_naming_namer(struct bf_fin *f)
{
    static const char *const systemd[] = {"/usr/lib/systemd/systemd-udevd",
                                          "/lib/systemd/systemd-udevd", NULL};
    static const char *const setup[] = {"/usr/lib/udev/rules.d/80-net-setup-link.rules",
                                        "/lib/udev/rules.d/80-net-setup-link.rules", NULL};
    static const char *const slot[] = {"/usr/lib/udev/rules.d/80-net-name-slot.rules",
                                       "/lib/udev/rules.d/80-net-name-slot.rules", NULL};
    static const char *const udevd[] = {
        "/sbin/udevd",         "/usr/sbin/udevd", "/usr/bin/udevd",     "/bin/udevd",
        "/usr/lib/udev/udevd", "/lib/udev/udevd", "/usr/libexec/udevd", NULL};
    static const char *const mdev[] = {"/etc/mdev.conf", "/sbin/mdev", "/usr/sbin/mdev", NULL};
    if (bf_fin_root_any(f->root, systemd))
        return bf_fin_root_any(f->root, slot) && !bf_fin_root_any(f->root, setup)
                   ? BF_NAMER_UDEV
                   : BF_NAMER_SYSTEMD;
    if (bf_fin_root_any(f->root, udevd))
        return BF_NAMER_UDEV;
    if (f->system.init == BF_INIT_SYSTEMD)
        return BF_NAMER_SYSTEMD;
    return bf_fin_root_any(f->root, mdev) ? BF_NAMER_MDEV : BF_NAMER_NONE;
}

// libsystemd-shared-252.so carries the version since 231; before, only dracut's initramfs has .link
// files.
bool bf_naming_names_once(struct bf_fin *f)
{
    static const char *const folder[] = {"/usr/lib/systemd", "/lib/systemd", "/usr/lib64/systemd",
                                         "/usr/lib/x86_64-linux-gnu/systemd"};
    static const char prefix[] = "libsystemd-shared-";
    unsigned long version = 0;
    for (size_t i = 0; i < BF_COUNT(folder); i++) {
        struct bf_names names;
        if (bf_fin_root_list(f->root, folder[i], ".so", &names))
            continue;
        for (size_t k = 0; k < names.count; k++)
            if (strncmp(names.name[k], prefix, strlen(prefix)) == 0)
                version = strtoul(names.name[k] + strlen(prefix), NULL, 10);
        bf_names_free(&names);
    }
    return version ? version < 240 : bf_fin_root_exists(f->root, "/etc/dracut.conf");
}
