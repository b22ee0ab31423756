// SPDX-License-Identifier: Apache-2.0
// Turns /dev/sda2 into UUID=..., when the probed devices leave no doubt: the partition exists, its
// file system is of the claimed type, and no other device has the same UUID. Otherwise the name
// stays and the report says so.
#include "finalize/system/stable.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define EVIDENCE_MAX 64 // lines of fstab that are looked at to find out which disk a name means

static bool unique(const struct bf_devices *d, const char *uuid, const char *partuuid)
{
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++)
        n += uuid[0] ? strcmp(d->item[i].uuid, uuid) == 0
                     : strcmp(d->item[i].partuuid, partuuid) == 0;
    return n == 1;
}

// Names with the stem of the root file system's line mean the disk that it was found on: by-path,
// by-id and multipath say the same of all partitions of a disk.
static const struct bf_device *beside_root(struct bf_fin *f, const char *name, size_t stem,
                                           unsigned part)
{
    const struct bf_device *root = bf_device_root(f->devices);
    struct bf_position place;
    for (size_t i = 0; i < f->system.mounts && i < EVIDENCE_MAX && root && !root->stacked; i++) {
        const struct bf_mount *m = &f->system.mount[i];
        if (strcmp(m->mount, "/") == 0 && bf_device_position(m->device, &place) &&
            place.stem == stem && strncmp(m->device, name, stem) == 0 && place.part == root->part)
            return bf_device_at(f->devices, root->disk, part);
    }
    return NULL;
}

const struct bf_device *bf_stable_device(struct bf_fin *f, const char *name, const char *type)
{
    struct bf_position place;
    const struct bf_device *dev = NULL;
    if (bf_device_position(name, &place) && !place.known)
        dev = beside_root(f, name, place.stem, place.part);
    return dev ? dev : bf_device_by_order(f->devices, name, type);
}

enum bf_stable bf_stable_find(struct bf_fin *f, const char *name, const char *type,
                              const char *mount, const char *where, char *out, size_t size,
                              const char **why)
{
    *why = "";
    if (bf_name_kind(name) == BF_NAME_STABLE)
        return BF_STABLE_ALREADY;
    if (bf_budget_take(&f->budget, where, BF_BUDGET_LOOKUP))
        return BF_STABLE_ALREADY;
    const struct bf_device *dev = bf_stable_device(f, name, type);
    const struct bf_device *root = bf_device_root(f->devices);
    // The root file system is the one that this very file was read from.
    if (strcmp(mount, "/") == 0 && root)
        dev = root;
    if (!dev)
        *why = "no probed device has that name";
    else if (!dev->uuid[0] && !dev->partuuid[0])
        *why = "the device has no UUID";
    else if (!bf_device_is(dev, type))
        *why = "the device found there has a different type";
    else if (!unique(f->devices, dev->uuid, dev->partuuid))
        *why = "its UUID is not unique";
    if (**why)
        return BF_STABLE_UNKNOWN;
    if (dev->uuid[0])
        snprintf(out, size, "UUID=%s", dev->uuid);
    else
        snprintf(out, size, "PARTUUID=%s", dev->partuuid);
    return BF_STABLE_NEW;
}

enum bf_stable bf_stable_name(struct bf_fin *f, const char *name, const char *type,
                              const char *mount, const char *where, char *out, size_t size)
{
    const char *why;
    enum bf_stable is = bf_stable_find(f, name, type, mount, where, out, size, &why);
    if (is == BF_STABLE_UNKNOWN)
        bf_note(f->report, "skipped", where, "%s depends on the order of the disks, and %s", name,
                why);
    return is;
}

static bool is_tag(const char *name)
{
    static const char *const tag[] = {
        "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "/dev/disk/by-"};
    for (size_t i = 0; i < BF_COUNT(tag); i++)
        if (strncmp(name, tag[i], strlen(tag[i])) == 0)
            return true;
    return false;
}

bool bf_stable_missing(struct bf_fin *f, const char *name)
{
    const char *slash = strncmp(name, "/dev/", 5) == 0 ? name + 5 : NULL;
    bool volume = slash && strchr(slash, '/') && strncmp(slash, "disk/", 5) != 0 &&
                  strncmp(slash, "md/", 3) != 0 && strncmp(slash, "zvol/", 5) != 0;
    if (!f->devices->count || (!is_tag(name) && !volume) || bf_device_find(f->devices, name))
        return false;
    // "by-id/md-uuid-..." and the like are not among what is probed.
    return strncmp(name, "/dev/disk/by-", 13) != 0 || strncmp(name + 13, "uuid/", 5) == 0 ||
           strncmp(name + 13, "label/", 6) == 0 || strncmp(name + 13, "part", 4) == 0;
}
