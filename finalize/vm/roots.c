// SPDX-License-Identifier: Apache-2.0
// Finds the guest's root in the VM. Every candidate is looked at read-only and without a replay of
// its journal.
#include "finalize/vm/roots.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "finalize/system/foreign.h"
#include "finalize/vm/kinds.h"
#include "finalize/vm/unlock.h"

#define ROOTS_MAX  16
#define SUBVOL_INO 256 // of the root folder of every subvolume

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

static bool same_btrfs(const struct bf_devices *devices, const struct bf_found *found, size_t count,
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
    if (bf_vm_mount_device(dev, subvol, BF_VM_PROBE, true, &fault)) {
        if (!subvol[0])
            bf_textf(others, "%s%s (%s) cannot be mounted: %s", others->len ? ", " : "", dev->name,
                     dev->type, fault.what);
        return false;
    }
    bool hit = holds_root(&other);
    umount(BF_VM_PROBE);
    if (!hit && other && !subvol[0])
        bf_textf(others, "%s%s is %s", others->len ? ", " : "", dev->name, other);
    return hit;
}

// The subvolumes at the top of a Btrfs whose names are not the usual ones.
static size_t list_subvolumes(const struct bf_device *dev, char name[][128], size_t max)
{
    struct bf_fault fault;
    struct bf_fin_root top;
    struct bf_names names = {.count = 0};
    size_t count = 0;
    if (bf_vm_mount_device(dev, "subvolid=5", BF_VM_PROBE, true, &fault))
        return 0;
    bool open = !bf_fin_root_attach(&top, BF_VM_PROBE, NULL);
    if (open && bf_fin_root_list(&top, "/", "", &names))
        names.count = 0;
    for (size_t i = 0; i < names.count && count < max; i++) {
        struct stat st;
        // A comma would end the option of mount(2) that names it.
        if (strlen(names.name[i]) < 128 && !strchr(names.name[i], ',') &&
            !bf_fin_root_stat(&top, names.name[i], &st, NULL) && st.st_ino == SUBVOL_INO)
            snprintf(name[count++], 128, "%s", names.name[i]);
    }
    bf_names_free(&names);
    if (open)
        bf_fin_root_close(&top);
    umount(BF_VM_PROBE);
    return count;
}

static size_t look_at(const struct bf_device *dev, size_t i, const char *subvol,
                      struct bf_found *found, struct bf_text *others)
{
    if (strlen(subvol) >= sizeof found->subvol || !look(dev, subvol, others))
        return 0;
    *found = (struct bf_found){.device = i};
    snprintf(found->subvol, sizeof found->subvol, "%s", subvol);
    return 1;
}

// The default subvolume is what starts; without a system in it, those of the usual names are looked
// at, then all others at the top, and the one that the plan names.
static size_t find_in(const struct bf_device *dev, size_t i, const struct bf_plan *plan,
                      struct bf_found *found, size_t room, struct bf_text *others)
{
    static const char *const usual[] = {"@", "@rootfs", "root", "@root"};
    char name[ROOTS_MAX][128];
    const char *planned = planned_subvol(plan, dev);
    size_t count = 0;
    if (!planned && look_at(dev, i, "", found, others))
        return 1;
    if (strcmp(dev->type, "btrfs") != 0)
        return 0;
    if (planned)
        return look_at(dev, i, planned, found, others);
    for (size_t s = 0; s < BF_COUNT(usual) && count < room; s++)
        count += look_at(dev, i, usual[s], found + count, others);
    size_t more = count ? 0 : list_subvolumes(dev, name, ROOTS_MAX);
    for (size_t s = 0; s < more && count < room; s++)
        count += look_at(dev, i, name[s], found + count, others);
    return count;
}

static bool is_container(const char *type)
{
    static const char *const types[] = {"",     "swap",    "swsuspend",   "LVM2_member",
                                        "vfat", "iso9660", "crypto_LUKS", "linux_raid_member"};
    for (size_t i = 0; i < BF_COUNT(types); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

static void add_other(struct bf_text *others, const char *name, const char *is, const char *what)
{
    bf_textf(others, "%s%s is %s%s", others->len ? ", " : "", name, is, what);
}

static size_t find_roots(const struct bf_devices *devices, const struct bf_plan *plan,
                         struct bf_found found[ROOTS_MAX], struct bf_text *others)
{
    size_t count = 0;
    for (size_t i = 0; i < devices->count && count < ROOTS_MAX; i++) {
        const struct bf_device *dev = &devices->item[i];
        if (strcmp(dev->type, "ntfs") == 0)
            add_other(others, dev->name, "a file system of Windows", "");
        else if (strcmp(dev->type, "crypto_LUKS") == 0 && !bf_vm_opened(devices, dev))
            add_other(others, dev->name, "encrypted; give its key as \"unlock\": UUID=", dev->uuid);
        else if (!bf_vm_kind(dev->type) && !is_container(dev->type))
            add_other(others, dev->name, "of a kind that is not opened here: ", dev->type);
        else if (bf_vm_kind(dev->type) && strcmp(dev->type, "vfat") != 0 &&
                 !same_btrfs(devices, found, count, i))
            count += find_in(dev, i, plan, found + count, ROOTS_MAX - count, others);
    }
    return count;
}

// Whether the plan's "root" is this one.
static bool is_planned(const struct bf_plan *plan, const struct bf_device *dev,
                       const struct bf_found *found)
{
    const char *subvol = planned_subvol(plan, dev);
    return subvol ? strcmp(subvol, found->subvol) == 0
                  : plan && plan->root[0] && strcmp(plan->root + 5, dev->uuid) == 0;
}

static const struct bf_found *choose(const struct bf_devices *devices, const struct bf_plan *plan,
                                     const struct bf_found *found, size_t count, const char *others,
                                     struct bf_fin_report *report)
{
    const struct bf_found *chosen = NULL;
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

bool bf_vm_find_root(const struct bf_devices *devices, const struct bf_plan *plan,
                     struct bf_found *out, struct bf_fin_report *report)
{
    struct bf_found found[ROOTS_MAX];
    struct bf_text others = {0};
    bf_vm_scan_btrfs(devices);
    size_t count = find_roots(devices, plan, found, &others);
    const struct bf_found *chosen =
        choose(devices, plan, found, count, bf_text_get(&others), report);
    bf_text_free(&others);
    if (chosen)
        *out = *chosen;
    return chosen != NULL;
}
