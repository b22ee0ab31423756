// SPDX-License-Identifier: Apache-2.0
// Turns /dev/sda2 into UUID=..., when the probed devices leave no doubt: the partition exists, its
// file system is of the claimed type, and no other device has the same UUID. Otherwise the name
// stays and the report says so.
#include "finalize/system/stable.h"

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
    if (bf_budget_take(&f->budget, where, BF_BUDGET_LOOKUP))
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
        return unknown(f, where, name, "the device found there has a different type");
    if (!unique(f->devices, dev))
        return unknown(f, where, name, "its UUID is not unique");
    snprintf(out, size, "UUID=%s", dev->uuid);
    return BF_STABLE_NEW;
}
