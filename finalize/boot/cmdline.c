// SPDX-License-Identifier: Apache-2.0
// Turns /dev/sda2 into UUID=..., when the probed devices leave no doubt: the partition exists, its
// file system is of the claimed type, and no other device has the same UUID. Otherwise the name
// stays and the report says so.
#include "finalize/boot/cmdline.h"

#include <stdio.h>
#include <string.h>

static bool same_type(const char *claimed, const char *found)
{
    if (!claimed[0] || strcmp(claimed, "auto") == 0 || strcmp(claimed, found) == 0)
        return true;
    if (strcmp(claimed, "swap") == 0)
        return strcmp(found, "swsuspend") == 0;
    if (strncmp(claimed, "ext", 3) == 0)
        return strncmp(found, "ext", 3) == 0;
    return strcmp(claimed, "msdos") == 0 && strcmp(found, "vfat") == 0;
}

static bool unique(const struct bf_devices *d, const struct bf_device *dev)
{
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++)
        n += strcmp(d->item[i].uuid, dev->uuid) == 0;
    return n == 1;
}

static enum bf_stable unknown(struct bf_fin *f, const char *where, const char *name,
                              const char *why)
{
    bf_note(f->report, "skipped", where, "%s depends on the order of the disks, and %s", name, why);
    return BF_STABLE_UNKNOWN;
}

enum bf_stable bf_stable_name(struct bf_fin *f, const char *name, const char *type,
                              const char *mount, const char *where, char *out, size_t size)
{
    if (bf_name_kind(name) == BF_NAME_STABLE)
        return BF_STABLE_ALREADY;
    if (!bf_budget_take(&f->budget, where, BF_BUDGET_LOOKUP))
        return BF_STABLE_ALREADY;
    const struct bf_device *dev = bf_device_by_order(f->devices, name);
    const struct bf_device *root = bf_device_root(f->devices);
    // The root file system is the one that this very file was read from.
    if (strcmp(mount, "/") == 0 && root)
        dev = root;
    if (!dev)
        return unknown(f, where, name, "no probed device has that name");
    if (!dev->uuid[0])
        return unknown(f, where, name, "the device has no UUID");
    if (!same_type(type, dev->type))
        return unknown(f, where, name, "the device found there has another type");
    if (!unique(f->devices, dev))
        return unknown(f, where, name, "its UUID is not unique");
    snprintf(out, size, "UUID=%s", dev->uuid);
    return BF_STABLE_NEW;
}

static bool begins(const char *w, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);
    return len >= n && memcmp(w, prefix, n) == 0;
}

// One word. True when it goes (a serial console that the plan does not want).
static bool rewrite_word(struct bf_fin *f, const char *w, size_t len, const char *where,
                         struct bf_text *out)
{
    char name[128], stable[128];
    bool root = begins(w, len, "root="), resume = begins(w, len, "resume=");
    if (f->plan->serial_console == BF_OFF && begins(w, len, "console=ttyS"))
        return true;
    size_t skip = root ? 5 : 7;
    if ((root || resume) && len - skip < sizeof name) {
        snprintf(name, sizeof name, "%.*s", (int)(len - skip), w + skip);
        if (bf_stable_name(f, name, root ? "" : "swap", root ? "/" : "", where, stable,
                           sizeof stable) == BF_STABLE_NEW) {
            bf_textf(out, "%.*s%s", (int)skip, w, stable);
            return false;
        }
    }
    bf_text_add(out, w, len);
    return false;
}

void bf_cmdline_rewrite(struct bf_fin *f, const char *line, size_t len, const char *where,
                        bool console, struct bf_text *out)
{
    const char *at = line, *end = line + len, *done = line, *w;
    size_t n;
    bool serial = false, any = false;
    for (; bf_word_next(&at, end, &w, &n); done = w + n) {
        serial = serial || begins(w, n, "console=ttyS0");
        any = any || begins(w, n, "console=");
        size_t mark = out->len;
        bf_text_add(out, done, (size_t)(w - done));
        if (rewrite_word(f, w, n, where, out) && bf_text_ok(out))
            out->data[out->len = mark] = 0;
    }
    if (console && f->plan->serial_console == BF_ON && !serial)
        bf_textf(out, "%s%sconsole=ttyS0,115200", done > line ? " " : "",
                 any ? "" : "console=tty0 ");
    bf_text_add(out, done, (size_t)(end - done));
}
