// SPDX-License-Identifier: Apache-2.0
// Mounts a guest's file systems in the VM, the root first. It is mounted for writing, which plays
// back the journal as the guest's own next start would. Mount points are opened inside the root, so
// a symbolic link cannot lead a mount elsewhere.
#include "finalize/vm/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/vm/fits.h"
#include "finalize/vm/kinds.h"
#include "finalize/vm/resolve.h"
#include "finalize/vm/roots.h"
#include "finalize/vm/unlock.h"

// The Discoverable Partitions Specification's types.
#define XBOOTLDR_TYPE "bc13c2ff-59e6-4262-a352-b275fd6f7172"
#define VAR_TYPE      "4d21b016-b534-45c2-a9fb-5c16e091fd2d"
#define USR_X86_TYPE  "8484680c-9521-48c6-9c11-b0720656f69e"
#define USR_ARM_TYPE  "b0e01050-ee5f-4390-949a-9101b17104e9"

// What the mounting of one system needs.
struct work {
    struct bf_resolve r;
    struct bf_fin_root root;
    bool look; // nothing is written
    struct bf_checks *checks;
    struct bf_mounts *mounts;
};

static void remember(struct bf_mounts *mounts, const char *at)
{
    snprintf(mounts->at[mounts->count], sizeof mounts->at[0], "%s", at);
    mounts->count++;
}

// Notes where in the guest a device is: the kernel tells which of its folders is seen there, also
// for the default subvolume of a Btrfs (proc(5), mountinfo, the fourth field). `at` is the VM's
// path.
static void note_place(struct bf_devices *devices, const struct bf_device *dev, const char *at)
{
    char line[4096], root[256] = "", point[256];
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f && fgets(line, sizeof line, f)) {
        char folder[256];
        if (sscanf(line, "%*d %*d %*s %255s %255s", folder, point) == 2 && strcmp(point, at) == 0)
            snprintf(root, sizeof root, "%s", folder);
    }
    if (f)
        fclose(f);
    const char *inner = at + strlen(BF_VM_ROOT);
    if (root[0])
        bf_devices_place(devices, (size_t)(dev - devices->item), *inner ? inner : "/", root);
}

static bool is_mounted(const struct bf_devices *devices, const struct bf_device *dev)
{
    for (size_t i = 0; i < devices->places; i++)
        if (&devices->item[devices->place[i].device] == dev)
            return true;
    return false;
}

// Mounts a device on a directory of the guest. The directory is held by a descriptor.
static enum bf_err mount_in(struct work *w, const struct bf_device *dev, const char *subvol,
                            const char *at)
{
    char proc[64], path[280];
    struct bf_fault fault;
    enum bf_err err = BF_OK;
    if (!w->look && !is_mounted(w->r.devices, dev))
        err = bf_vm_check(w->checks, dev, w->r.report);
    if (err)
        return err;
    int fd = bf_fin_root_open(&w->root, at, O_PATH | O_DIRECTORY, &fault);
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    if (fd < 0 || bf_vm_mount_device(dev, subvol, proc, w->look, &fault))
        err = bf_refuse(w->r.report, "%s (%s, UUID=%s) cannot be mounted: %s", at, dev->name,
                        dev->uuid, fault.what);
    if (fd >= 0)
        close(fd);
    char *real = err ? NULL : bf_fin_root_real(&w->root, at, NULL);
    if (real) {
        snprintf(path, sizeof path, BF_VM_ROOT "%.200s", real);
        remember(w->mounts, path);
        note_place(w->r.devices, dev, path);
    }
    free(real);
    return err;
}

static enum bf_err mount_wanted(struct work *w, const struct bf_want *wanted)
{
    enum bf_err err;
    char id[32], subvol[128] = "";
    const struct bf_device *dev = bf_vm_resolve(&w->r, wanted, &err);
    if (!dev)
        return err;
    if (strcmp(dev->type, "btrfs") == 0 &&
        !bf_wanted_option(wanted->options, "subvol", subvol, sizeof subvol) &&
        bf_wanted_option(wanted->options, "subvolid", id, sizeof id) &&
        strspn(id, "0123456789") == strlen(id))
        snprintf(subvol, sizeof subvol, "subvolid=%s", id);
    return mount_in(w, dev, subvol, wanted->at);
}

// ---- What has no line --------------------------------------------------------------------------

static bool is_empty(const struct bf_fin_root *root, const char *at)
{
    struct bf_names names;
    if (!bf_fin_root_is_dir(root, at) || bf_fin_root_list(root, at, "", &names))
        return false;
    bool empty = names.count == 0;
    bf_names_free(&names);
    return empty;
}

// The one device of a partition type that is not mounted; on the root's disk, as systemd looks for
// it there, unless the root is on no disk of its own.
static const struct bf_device *of_type(const struct work *w, const char *type)
{
    const struct bf_device *found = NULL, *root = bf_device_root(w->r.devices);
    for (size_t i = 0; i < w->r.devices->count; i++) {
        const struct bf_device *dev = &w->r.devices->item[i];
        if (strcasecmp(dev->parttype, type) != 0 || !bf_vm_kind(dev->type) ||
            is_mounted(w->r.devices, dev) || (!root->stacked && dev->disk != root->disk))
            continue;
        if (found)
            return NULL;
        found = dev;
    }
    return found;
}

// systemd-gpt-auto-generator(8): partitions of these types are mounted where fstab has no line and
// nothing is in the way.
static enum bf_err mount_by_type(struct work *w)
{
    static const struct {
        const char *at, *type;
    } auto_places[] = {{"/usr", USR_X86_TYPE},
                       {"/usr", USR_ARM_TYPE},
                       {"/var", VAR_TYPE},
                       {"/boot", XBOOTLDR_TYPE}};
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(auto_places) && !err; i++) {
        const struct bf_device *dev = of_type(w, auto_places[i].type);
        if (dev && !bf_wanted_at(w->r.wanted, auto_places[i].at) &&
            is_empty(&w->root, auto_places[i].at))
            err = mount_in(w, dev, "", auto_places[i].at);
    }
    return err;
}

// Without a line, systemd mounts the ESP by its type, on /efi or on an empty /boot.
static enum bf_err mount_esp(struct work *w)
{
    for (size_t i = 0; i < w->r.devices->places; i++)
        if (w->r.devices->item[w->r.devices->place[i].device].esp)
            return BF_OK;
    const char *at = bf_fin_root_is_dir(&w->root, "/boot/efi") ? "/boot/efi"
                     : bf_fin_root_is_dir(&w->root, "/efi")    ? "/efi"
                     : is_empty(&w->root, "/boot")             ? "/boot"
                                                               : NULL;
    for (size_t i = 0; at && i < w->r.devices->count; i++) {
        const struct bf_device *dev = &w->r.devices->item[i];
        if (dev->esp && strcmp(dev->type, "vfat") == 0 && !bf_wanted_at(w->r.wanted, at))
            return mount_in(w, dev, "", at);
    }
    return BF_OK;
}

// crypttab(5) says how the guest calls what was opened here as luks-UUID.
static void name_opened(struct work *w)
{
    size_t len, pos = 0;
    struct bf_line line;
    char *text = bf_fin_root_read(&w->root, "/etc/crypttab", BF_ROOT_TEXT_MAX, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *name, *device;
        size_t n, m;
        char source[200], alias[128];
        if (!bf_word_next(&at, end, &name, &n) || name[0] == '#' ||
            !bf_word_next(&at, end, &device, &m))
            continue;
        snprintf(source, sizeof source, "%.*s", (int)m, device);
        snprintf(alias, sizeof alias, "/dev/mapper/%.*s", (int)n, name);
        const struct bf_device *closed = bf_device_find(w->r.devices, source);
        const struct bf_device *opened = closed ? bf_vm_opened(w->r.devices, closed) : NULL;
        if (opened)
            bf_device_alias((struct bf_device *)opened, alias);
    }
    free(text);
}

static enum bf_err mount_all(struct work *w, struct bf_wanted_list *wanted)
{
    enum bf_err err = BF_OK;
    name_opened(w);
    bf_wanted_read(&w->root, wanted);
    bf_vm_resolve_swap(&w->r);
    for (size_t i = 0; i < wanted->count && !err && w->mounts->count < 12; i++)
        if (wanted->item[i].needed)
            err = mount_wanted(w, &wanted->item[i]);
    if (!err)
        err = mount_by_type(w);
    return err ? err : mount_esp(w);
}

static bool is_hibernated(const struct bf_devices *devices)
{
    for (size_t i = 0; i < devices->count; i++)
        if (strcmp(devices->item[i].type, "swsuspend") == 0)
            return true;
    return false;
}

enum bf_err bf_vm_mount(struct bf_devices *devices, const struct bf_plan *plan,
                        struct bf_checks *checks, struct bf_mounts *mounts,
                        struct bf_fin_report *report)
{
    static struct bf_wanted_list wanted;
    struct bf_fault fault;
    struct bf_found found;
    struct work w = {.look = is_hibernated(devices), .checks = checks, .mounts = mounts};
    if (!bf_vm_find_root(devices, plan, &found, report))
        return BF_ERR_CONFIG;
    struct bf_device *dev = &devices->item[found.device];
    enum bf_err err = w.look ? BF_OK : bf_vm_check(checks, dev, report);
    if (err)
        return err;
    if (bf_vm_mount_device(dev, found.subvol, BF_VM_ROOT, w.look, &fault))
        return bf_fail(report, "the root file system on %s cannot be mounted: %s", dev->name,
                       fault.what);
    dev->root = true;
    remember(mounts, BF_VM_ROOT);
    note_place(devices, dev, BF_VM_ROOT);
    if (bf_fin_root_attach(&w.root, BF_VM_ROOT, &fault))
        return bf_fail(report, "the root file system cannot be opened: %s", fault.what);
    w.r = (struct bf_resolve){devices, plan, &wanted, &w.root, report};
    err = mount_all(&w, &wanted);
    bf_fin_root_close(&w.root);
    return err;
}

void bf_vm_unmount(struct bf_mounts *mounts, struct bf_fin_report *report)
{
    while (mounts->count > 0) {
        const char *at = mounts->at[--mounts->count];
        if (umount(at) < 0)
            bf_fail(report, "%s cannot be unmounted: %s", at, strerror(errno));
    }
}
