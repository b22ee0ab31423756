// SPDX-License-Identifier: Apache-2.0
// Finds and mounts the guest's root in the VM. Every candidate is first looked at read-only and
// without a replay of its journal; the one root is then mounted for writing, which replays the
// journal as the guest's own next start would. Mount points are opened inside the root, so a
// symbolic link cannot lead a mount elsewhere.
#include "finalize/vm/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/core/fault.h"
#include "finalize/system/foreign.h"
#include "finalize/vm/disks.h"

#define SAFE      (MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_NOATIME)
#define ROOTS_MAX 16

struct found {
    size_t device;
    const char *subvol; // of a btrfs, or ""
};

// The kernel's name and the options for looking without writing, by libblkid's type.
static const struct kind {
    const char *type, *fs, *look, *group;
} kinds[] = {
    {"ext4", "ext4", "noload", ""},
    {"ext3", "ext4", "noload", ""},
    {"ext2", "ext4", "noload", ""},
    {"xfs", "xfs", "norecovery,nouuid", "xfs"},
    {"btrfs", "btrfs", "rescue=nologreplay", "btrfs"},
    {"vfat", "vfat", "", "vfat"},
};

static const struct kind *kind_of(const char *type)
{
    for (size_t i = 0; i < BF_COUNT(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

static enum bf_err mount_device(const struct bf_device *dev, const char *subvol, const char *at,
                                bool look, struct bf_fault *fault)
{
    char node[80], options[512];
    const struct kind *kind = kind_of(dev->type);
    if (!kind)
        return bf_fault_errno(fault, ENODEV);
    if (kind->group[0])
        bf_vm_load_modules(kind->group);
    bf_vm_node(dev, node, sizeof node);
    const char *base = look ? kind->look : strcmp(kind->fs, "vfat") == 0 ? "umask=0077" : "";
    snprintf(options, sizeof options, "%s%s%s%s", base, base[0] && subvol[0] ? "," : "",
             subvol[0] ? "subvol=" : "", subvol);
    if (mount(node, at, kind->fs, SAFE | (look ? MS_RDONLY : 0), options) < 0)
        return bf_fault_errno(fault, errno);
    return BF_OK;
}

// A btrfs over several devices is found by its members, which the kernel must have seen.
static void scan_btrfs(const struct bf_devices *devices)
{
    struct btrfs_ioctl_vol_args args;
    int fd = -1;
    for (size_t i = 0; i < devices->count; i++) {
        char node[80];
        if (strcmp(devices->item[i].type, "btrfs") != 0)
            continue;
        if (fd < 0) {
            bf_vm_load_modules("btrfs");
            fd = open("/dev/btrfs-control", O_RDWR | O_CLOEXEC);
        }
        memset(&args, 0, sizeof args);
        bf_vm_node(&devices->item[i], node, sizeof node);
        snprintf(args.name, sizeof args.name, "%s", node);
        if (fd >= 0 && ioctl(fd, BTRFS_IOC_SCAN_DEV, &args) < 0)
            fprintf(stderr, "btrfs %s: %s\n", node, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
}

// *other: what it holds instead, or NULL.
static bool holds_root(const char **other)
{
    struct bf_fin_root root;
    *other = NULL;
    if (bf_fin_root_attach(&root, BF_VM_PROBE, NULL))
        return false;
    bool etc = bf_fin_root_exists(&root, "/etc/os-release") ||
               bf_fin_root_exists(&root, "/usr/lib/os-release") ||
               bf_fin_root_exists(&root, "/etc/fstab");
    bool system = etc && bf_fin_root_is_dir(&root, "/usr") && bf_fin_root_is_dir(&root, "/var");
    system = system || bf_foreign_is_ostree(&root); // refused by name, in finalize.c
    *other = system ? NULL : bf_foreign_name(&root);
    bf_fin_root_close(&root);
    return system;
}

static bool same_btrfs(const struct bf_devices *devices, const struct found *found, size_t count,
                       size_t i)
{
    for (size_t k = 0; k < count; k++)
        if (devices->item[i].uuid[0] &&
            strcmp(devices->item[found[k].device].uuid, devices->item[i].uuid) == 0)
            return true;
    return false;
}

// The subvolume that the plan names for this device ("UUID=...,subvol=NAME"), or NULL.
static const char *planned_subvol(const struct bf_plan *plan, const struct bf_device *dev)
{
    const char *comma = plan ? strstr(plan->root, ",subvol=") : NULL;
    size_t len = comma ? (size_t)(comma - plan->root) - 5 : 0;
    return comma && strlen(dev->uuid) == len && strncmp(plan->root + 5, dev->uuid, len) == 0
               ? comma + strlen(",subvol=")
               : NULL;
}

// Looks at one file system, or subvolume. What is no root adds a word to `others`.
static bool look(const struct bf_device *dev, const char *subvol, struct bf_text *others)
{
    struct bf_fault fault;
    const char *other;
    if (mount_device(dev, subvol, BF_VM_PROBE, true, &fault)) {
        if (!subvol[0])
            fprintf(stderr, "%s: %s\n", dev->name, fault.what);
        return false;
    }
    bool hit = holds_root(&other);
    umount(BF_VM_PROBE);
    if (!hit && other && !subvol[0])
        bf_textf(others, "%s%s is %s", others->len ? ", " : "", dev->name, other);
    return hit;
}

// The default subvolume is what starts; without a system in it, those of the usual names are looked
// at, and the one that the plan names.
static size_t find_in(const struct bf_device *dev, size_t i, const struct bf_plan *plan,
                      struct found *found, size_t room, struct bf_text *others)
{
    static const char *const subvols[] = {"@", "@rootfs", "root", "@root"};
    const char *planned = planned_subvol(plan, dev);
    size_t count = 0;
    if (!planned && look(dev, "", others)) {
        found[0] = (struct found){i, ""};
        return 1;
    }
    if (strcmp(dev->type, "btrfs") != 0)
        return 0;
    for (size_t s = 0; s < BF_COUNT(subvols) && count < room; s++)
        if (!planned && look(dev, subvols[s], others))
            found[count++] = (struct found){i, subvols[s]};
    if (planned && look(dev, planned, others))
        found[count++] = (struct found){i, planned};
    return count;
}

static size_t find_roots(const struct bf_devices *devices, const struct bf_plan *plan,
                         struct found found[ROOTS_MAX], struct bf_text *others)
{
    size_t count = 0;
    for (size_t i = 0; i < devices->count && count < ROOTS_MAX; i++) {
        const struct bf_device *dev = &devices->item[i];
        if (strcmp(dev->type, "ntfs") == 0)
            bf_textf(others, "%s%s is a file system of Windows", others->len ? ", " : "",
                     dev->name);
        if (kind_of(dev->type) && strcmp(dev->type, "vfat") != 0 &&
            !same_btrfs(devices, found, count, i))
            count += find_in(dev, i, plan, found + count, ROOTS_MAX - count, others);
    }
    return count;
}

// Whether the plan's "root" is this one.
static bool is_planned(const struct bf_plan *plan, const struct bf_device *dev,
                       const struct found *found)
{
    const char *subvol = planned_subvol(plan, dev);
    return subvol ? strcmp(subvol, found->subvol) == 0
                  : plan && plan->root[0] && strcmp(plan->root + 5, dev->uuid) == 0;
}

static const struct found *choose(const struct bf_devices *devices, const struct bf_plan *plan,
                                  const struct found *found, size_t count, const char *others,
                                  struct bf_fin_report *report)
{
    const struct found *chosen = NULL;
    size_t fitting = 0;
    struct bf_text list = {0};
    for (size_t i = 0; i < count; i++) {
        const struct bf_device *dev = &devices->item[found[i].device];
        bf_textf(&list, " UUID=%s%s%s (%s)", dev->uuid, found[i].subvol[0] ? ",subvol=" : "",
                 found[i].subvol, dev->name);
        if (plan && plan->root[0] ? is_planned(plan, dev, &found[i]) : true) {
            chosen = &found[i];
            fitting++;
        }
    }
    if (count == 0)
        bf_refuse(report, "no Linux root file system was found on the disks%s%s",
                  others[0] ? ": " : "", others);
    else if (fitting != 1)
        bf_refuse(report, "it is unclear which file system is the root; set \"root\" to one of:%s",
                  bf_text_get(&list));
    bf_text_free(&list);
    return fitting == 1 ? chosen : NULL;
}

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

// One line of the guest's fstab that the finalizer needs.
struct entry {
    char device[200], mount[128], options[200];
};

static bool is_needed(const char *mount)
{
    static const char *const needed[] = {"/usr", "/var", "/var/lib", "/boot", "/boot/efi", "/efi"};
    for (size_t i = 0; i < BF_COUNT(needed); i++)
        if (strcmp(needed[i], mount) == 0)
            return true;
    return false;
}

static size_t read_fstab(const struct bf_fin_root *root, struct entry *entry, size_t max)
{
    size_t len, pos = 0, count = 0;
    struct bf_line line;
    char *text = bf_fin_root_read(root, "/etc/fstab", BF_ROOT_TEXT_MAX, &len, NULL);
    while (text && count < max && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *w[4];
        size_t n[4], i = 0;
        while (i < 4 && bf_word_next(&at, end, &w[i], &n[i]))
            i++;
        if (i < 3 || w[0][0] == '#')
            continue;
        snprintf(entry[count].device, sizeof entry->device, "%.*s", (int)n[0], w[0]);
        snprintf(entry[count].mount, sizeof entry->mount, "%.*s", (int)n[1], w[1]);
        snprintf(entry[count].options, sizeof entry->options, "%.*s", i > 3 ? (int)n[3] : 0,
                 i > 3 ? w[3] : "");
        count += is_needed(entry[count].mount);
    }
    free(text);
    return count;
}

static int by_depth(const void *a, const void *b)
{
    size_t x = strlen(((const struct entry *)a)->mount),
           y = strlen(((const struct entry *)b)->mount);
    return x < y ? -1 : x > y;
}

static void subvol_of(const char *options, char *out, size_t size)
{
    const char *at = strstr(options, "subvol=");
    snprintf(out, size, "%.*s", at ? (int)strcspn(at + 7, ",") : 0, at ? at + 7 : "");
}

// Mounts a device on a directory of the guest. The directory is held by a descriptor.
static bool mount_in(const struct bf_fin_root *root, struct bf_devices *devices,
                     const struct bf_device *dev, const char *subvol, const char *at, bool look,
                     struct bf_mounts *mounts, struct bf_fin_report *report)
{
    char proc[64], path[280];
    struct bf_fault fault;
    int fd = bf_fin_root_open(root, at, O_PATH | O_DIRECTORY, &fault);
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    bool ok = fd >= 0 && !mount_device(dev, subvol, proc, look, &fault);
    if (!ok)
        bf_note(report, "skipped", at, "%s cannot be mounted there: %s", dev->name, fault.what);
    if (fd >= 0)
        close(fd);
    char *real = ok ? bf_fin_root_real(root, at, NULL) : NULL;
    if (real) {
        snprintf(path, sizeof path, BF_VM_ROOT "%.200s", real);
        remember(mounts, path);
        note_place(devices, dev, path);
    }
    free(real);
    return ok;
}

static void mount_entries(const struct bf_fin_root *root, struct bf_devices *devices, bool look,
                          struct bf_mounts *mounts, struct bf_fin_report *report)
{
    struct entry entry[8];
    char subvol[200];
    bool esp = false;
    size_t count = read_fstab(root, entry, 8);
    qsort(entry, count, sizeof *entry, by_depth);
    for (size_t i = 0; i < count && mounts->count < 12; i++) {
        const struct bf_device *dev = bf_device_find(devices, entry[i].device);
        subvol_of(entry[i].options, subvol, sizeof subvol);
        if (!dev || !kind_of(dev->type)) {
            bf_note(report, "skipped", entry[i].mount,
                    "%s is not on these disks, or has an unsupported type", entry[i].device);
            continue;
        }
        bool done = mount_in(root, devices, dev, strcmp(dev->type, "btrfs") == 0 ? subvol : "",
                             entry[i].mount, look, mounts, report);
        esp = esp || (done && dev->esp);
    }
    // Without a line in fstab systemd mounts the ESP by its type, on /efi or /boot.
    for (size_t i = 0; i < devices->count && !esp; i++) {
        const char *at = bf_fin_root_is_dir(root, "/boot/efi") ? "/boot/efi" : "/efi";
        if (devices->item[i].esp && strcmp(devices->item[i].type, "vfat") == 0 &&
            bf_fin_root_is_dir(root, at))
            esp = mount_in(root, devices, &devices->item[i], "", at, look, mounts, report);
    }
}

static bool is_hibernated(const struct bf_devices *devices)
{
    for (size_t i = 0; i < devices->count; i++)
        if (strcmp(devices->item[i].type, "swsuspend") == 0)
            return true;
    return false;
}

enum bf_err bf_vm_mount(struct bf_devices *devices, const struct bf_plan *plan,
                        struct bf_mounts *mounts, struct bf_fin_report *report)
{
    struct bf_fault fault;
    struct found found[ROOTS_MAX];
    struct bf_fin_root root;
    scan_btrfs(devices);
    struct bf_text others = {0};
    size_t count = find_roots(devices, plan, found, &others);
    const struct found *chosen = choose(devices, plan, found, count, bf_text_get(&others), report);
    bf_text_free(&others);
    if (!chosen)
        return BF_ERR_CONFIG;
    bool frozen = is_hibernated(devices);
    struct bf_device *dev = &devices->item[chosen->device];
    if (mount_device(dev, chosen->subvol, BF_VM_ROOT, frozen, &fault))
        return bf_fail(report, "the root file system on %s cannot be mounted: %s", dev->name,
                       fault.what);
    dev->root = true;
    remember(mounts, BF_VM_ROOT);
    note_place(devices, dev, BF_VM_ROOT);
    if (bf_fin_root_attach(&root, BF_VM_ROOT, &fault))
        return bf_fail(report, "the root file system cannot be opened: %s", fault.what);
    mount_entries(&root, devices, frozen, mounts, report);
    bf_fin_root_close(&root);
    return BF_OK;
}

void bf_vm_unmount(struct bf_mounts *mounts, struct bf_fin_report *report)
{
    while (mounts->count > 0) {
        const char *at = mounts->at[--mounts->count];
        if (umount(at) < 0)
            bf_fail(report, "%s cannot be unmounted: %s", at, strerror(errno));
    }
}
