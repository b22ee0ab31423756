// SPDX-License-Identifier: Apache-2.0
// See resolve.h. The position of a disk (by-path) is no evidence: what was target 1 of a controller
// may be any disk here. What it holds is, and the number of the partition in the name.
#include "finalize/vm/resolve.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>

#include "finalize/vm/fits.h"
#include "finalize/vm/kinds.h"
#include "finalize/vm/roots.h"

static bool same_type(const char *claimed, const char *found)
{
    if (!claimed[0] || strcmp(claimed, "auto") == 0 || strcmp(claimed, found) == 0)
        return true;
    if (strncmp(claimed, "ext", 3) == 0)
        return strncmp(found, "ext", 3) == 0;
    return strcmp(claimed, "msdos") == 0 && strcmp(found, "vfat") == 0;
}

static bool is_order(const char *name)
{
    return bf_name_kind(name) == BF_NAME_ORDER || strncmp(name, "/dev/cciss/", 11) == 0;
}

// Whether another line means the device, by a name that stays with it.
static bool is_taken(const struct bf_resolve *r, const struct bf_want *w,
                     const struct bf_device *dev)
{
    for (size_t i = 0; i < r->wanted->count; i++) {
        const struct bf_want *other = &r->wanted->item[i];
        if (other != w && !is_order(other->device) &&
            bf_device_find(r->devices, other->device) == dev)
            return true;
    }
    for (size_t i = 0; i < r->devices->places; i++)
        if (&r->devices->item[r->devices->place[i].device] == dev)
            return true;
    const struct bf_device *root = bf_device_root(r->devices);
    return root && (dev == root || strcmp(dev->uuid, root->uuid) == 0);
}

static bool is_esp_place(const char *at)
{
    return strcmp(at, "/boot/efi") == 0 || strcmp(at, "/efi") == 0;
}

// `sure`: the type of an EFI system partition is not enough.
static bool content_fits(const struct bf_resolve *r, const struct bf_want *w,
                         const struct bf_device *dev, bool sure)
{
    char subvol[128] = "";
    struct bf_fault fault;
    struct bf_fin_root candidate;
    bool fits = false;
    if (is_esp_place(w->at) && dev->esp && !sure)
        return true;
    if (strcmp(dev->type, "btrfs") == 0)
        bf_wanted_option(w->options, "subvol", subvol, sizeof subvol);
    if (bf_vm_mount_device(dev, subvol, BF_VM_PROBE, true, &fault))
        return false;
    if (!bf_fin_root_attach(&candidate, BF_VM_PROBE, NULL)) {
        fits = bf_fits(&candidate, r->root, w->at);
        bf_fin_root_close(&candidate);
    }
    umount(BF_VM_PROBE);
    return fits;
}

static bool could_be(const struct bf_resolve *r, const struct bf_want *w,
                     const struct bf_device *dev)
{
    unsigned part;
    if (!bf_vm_kind(dev->type) || !same_type(w->type, dev->type) || is_taken(r, w, dev))
        return false;
    if (!dev->stacked && bf_fits_part(w->device, &part) && part != dev->part)
        return false;
    return !is_esp_place(w->at) || (strcmp(dev->type, "vfat") == 0 && (dev->esp || !dev->part));
}

// ---- What is said ------------------------------------------------------------------------------

static void describe(const struct bf_device *dev, char *out, size_t size)
{
    if (dev->stacked)
        snprintf(out, size, "%s", dev->name);
    else if (dev->part)
        snprintf(out, size, "partition %u of disk %u", dev->part, dev->disk + 1);
    else
        snprintf(out, size, "disk %u", dev->disk + 1);
}

static void take(const struct bf_resolve *r, const struct bf_want *w, struct bf_device *dev,
                 const char *why)
{
    char what[120];
    describe(dev, what, sizeof what);
    bf_device_alias(dev, w->device);
    bf_note(r->report, "info", w->at, "%s (%s) is taken to be %s, UUID=%s: %s", w->device, w->from,
            what, dev->uuid, why);
}

// Without it, the finalizer would not see the kernels, or the system itself.
static bool is_vital(const struct bf_resolve *r, const struct bf_want *w)
{
    if (is_esp_place(w->at) || strcmp(w->at, "/var/lib") == 0)
        return !w->optional;
    if (strcmp(w->at, "/boot") == 0)
        return !bf_fits_has_kernel(r->root, "/boot");
    if (strcmp(w->at, "/usr") == 0)
        return !bf_fin_root_is_dir(r->root, "/usr/lib");
    return !w->optional;
}

static enum bf_err not_known(const struct bf_resolve *r, const struct bf_want *w,
                             const char *several)
{
    struct bf_text text = {0};
    if (several[0])
        bf_textf(&text,
                 "which device is %s is not known: %s (%s) is a name of the old hardware, and%s "
                 "would do; add \"mounts\": {\"%s\": \"UUID=...\"} to the plan",
                 w->at, w->device, w->from, several, w->at);
    else
        bf_textf(&text,
                 "%s is on none of these disks: no file system that could be %s (%s) was found; "
                 "add its disk to the recovery point, correct the line on the source, or add "
                 "\"mounts\": {\"%s\": \"UUID=...\"} to the plan",
                 w->at, w->device, w->from, w->at);
    bool vital = is_vital(r, w);
    if (vital)
        bf_refuse(r->report, "%s", bf_text_get(&text));
    else
        bf_note(r->report, "warning", w->at, "%s; it is left alone", bf_text_get(&text));
    bf_text_free(&text);
    return vital ? BF_ERR_CONFIG : BF_OK;
}

// ---- By the plan, and by content ---------------------------------------------------------------

static struct bf_device *planned(const struct bf_resolve *r, const struct bf_want *w,
                                 enum bf_err *err)
{
    for (size_t i = 0; r->plan && i < r->plan->mounts; i++) {
        if (strcmp(r->plan->mount[i].at, w->at) != 0)
            continue;
        struct bf_device *dev =
            (struct bf_device *)bf_device_find(r->devices, r->plan->mount[i].device);
        if (dev && bf_vm_kind(dev->type)) {
            take(r, w, dev, "the plan says so");
            return dev;
        }
        *err = bf_refuse(r->report, "the plan's %s for %s is on none of these disks",
                         r->plan->mount[i].device, w->at);
        return NULL;
    }
    return NULL;
}

struct candidates {
    struct bf_device *one; // the last, or the one that the disks' order agrees with
    size_t count;
    struct bf_text names;
};

static struct candidates look_for(const struct bf_resolve *r, const struct bf_want *w, bool sure)
{
    struct candidates c = {.count = 0};
    const struct bf_device *ordered = bf_device_by_order(r->devices, w->device, w->type);
    for (size_t i = 0; i < r->devices->count; i++) {
        struct bf_device *dev = &r->devices->item[i];
        if (!could_be(r, w, dev) || !content_fits(r, w, dev, sure))
            continue;
        bf_textf(&c.names, "%s UUID=%s (%s)", c.count ? "," : "", dev->uuid, dev->name);
        c.one = dev;
        c.count++;
        if (dev == ordered) {
            c.count = 1;
            break;
        }
    }
    return c;
}

static struct bf_device *by_content(const struct bf_resolve *r, const struct bf_want *w,
                                    enum bf_err *err)
{
    struct candidates c = look_for(r, w, false), surer = {.count = 0};
    if (c.count > 1 && is_esp_place(w->at))
        surer = look_for(r, w, true);
    bool one = c.count == 1 || surer.count == 1;
    struct bf_device *dev = surer.count == 1 ? surer.one : c.one;
    if (one && dev != bf_device_by_order(r->devices, w->device, w->type))
        take(r, w, dev, "it alone holds what belongs there");
    else if (!one)
        *err = not_known(r, w, bf_text_get(&c.names));
    bf_text_free(&c.names);
    bf_text_free(&surer.names);
    return one ? dev : NULL;
}

struct bf_device *bf_vm_resolve(const struct bf_resolve *r, const struct bf_want *w,
                                enum bf_err *err)
{
    *err = BF_OK;
    struct bf_device *dev = planned(r, w, err);
    if (dev || *err)
        return dev;
    dev = is_order(w->device) ? NULL : (struct bf_device *)bf_device_find(r->devices, w->device);
    if (!dev)
        return by_content(r, w, err);
    if (bf_vm_kind(dev->type))
        return dev;
    if (is_vital(r, w))
        *err = bf_refuse(r->report, "%s is on %s, of a kind that is not opened here (%s)", w->at,
                         dev->name, dev->type);
    else
        bf_note(r->report, "warning", w->at, "is on %s, of a kind that is not opened here (%s)",
                dev->name, dev->type);
    return NULL;
}

void bf_vm_resolve_swap(const struct bf_resolve *r)
{
    const struct bf_want *line = NULL;
    struct bf_device *area = NULL;
    size_t lines = 0, areas = 0;
    unsigned part;
    for (size_t i = 0; i < r->wanted->count; i++) {
        const struct bf_want *w = &r->wanted->item[i];
        if (strcmp(w->type, "swap") != 0 || !is_order(w->device) ||
            bf_device_by_order(r->devices, w->device, w->type))
            continue;
        line = w;
        lines++;
    }
    for (size_t i = 0; lines == 1 && i < r->devices->count; i++) {
        struct bf_device *dev = &r->devices->item[i];
        if (strncmp(dev->type, "sw", 2) != 0 || is_taken(r, line, dev))
            continue;
        area = dev;
        areas++;
    }
    if (areas == 1 && (area->stacked || !bf_fits_part(line->device, &part) || part == area->part))
        take(r, line, area, "it is the only swap area that is left");
}
