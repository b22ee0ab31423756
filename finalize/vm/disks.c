// SPDX-License-Identifier: Apache-2.0
// Finds and probes block devices in the VM. Types are probed by libblkid, in its safe mode: a
// device that looks like two things is neither. Disks carry their number as virtio serial "diskN".
#include "finalize/vm/disks.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "finalize/core/bootcode.h"
#include "finalize/system/hibernation.h"
#include "finalize/vm/tool.h"

#define ESP_TYPE "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

static void copy_value(blkid_probe probe, const char *key, char *out, size_t size)
{
    const char *value = NULL;
    if (blkid_probe_lookup_value(probe, key, &value, NULL) == 0 && value && strlen(value) < size)
        snprintf(out, size, "%s", value);
}

static void probe_device(struct bf_device *dev, const char *node, struct bf_fin_report *report)
{
    blkid_probe probe = blkid_new_probe_from_filename(node);
    if (!probe)
        return;
    blkid_probe_enable_superblocks(probe, 1);
    blkid_probe_set_superblocks_flags(probe,
                                      BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
    blkid_probe_enable_partitions(probe, 1);
    blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
    if (blkid_do_safeprobe(probe) == -2)
        bf_note(report, "skipped", node, "looks like more than one file system; not touched");
    copy_value(probe, "TYPE", dev->type, sizeof dev->type);
    copy_value(probe, "UUID", dev->uuid, sizeof dev->uuid);
    copy_value(probe, "LABEL", dev->label, sizeof dev->label);
    copy_value(probe, "PART_ENTRY_UUID", dev->partuuid, sizeof dev->partuuid);
    copy_value(probe, "PART_ENTRY_NAME", dev->partlabel, sizeof dev->partlabel);
    copy_value(probe, "PART_ENTRY_TYPE", dev->parttype, sizeof dev->parttype);
    dev->esp = strcmp(dev->parttype, ESP_TYPE) == 0 || strcmp(dev->parttype, "0xef") == 0;
    blkid_free_probe(probe);
}

// What a BIOS would start of a whole disk.
static void read_boot_code(struct bf_device *dev, const char *node)
{
    unsigned char sectors[BF_BOOTCODE_BYTES];
    int fd = open(node, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, sectors, sizeof sectors, 0);
    if (n >= 0)
        snprintf(dev->boot_code, sizeof dev->boot_code, "%s", bf_bootcode(sectors, (size_t)n));
    if (fd >= 0)
        close(fd);
}

static bool is_known(const struct bf_devices *devices, const char *name)
{
    for (size_t i = 0; i < devices->count; i++)
        if (strcmp(devices->item[i].name, name) == 0)
            return true;
    return false;
}

// The name by which a guest knows a stacked device: /dev/mapper/..., or /dev/md...
static void stacked_name(const char *block, char *out, size_t size)
{
    char name[64];
    bf_vm_sys(block, "dm/name", name, sizeof name);
    snprintf(out, size, "/dev/%s%.64s", name[0] ? "mapper/" : "", name[0] ? name : block);
}

// The number in the virtio serial of a partition's disk. False for what is no disk of ours.
static bool disk_number(const char *block, unsigned *disk)
{
    char serial[64], parent[64];
    size_t n = 2 + strcspn(block + 2, "0123456789");
    snprintf(parent, sizeof parent, "%.*s", (int)n, block);
    bf_vm_sys(parent, "serial", serial, sizeof serial);
    return sscanf(serial, "disk%u", disk) == 1;
}

// Whether another device stands on this one, as a volume of LVM does on its hidden parts: its
// content is seen there.
static bool is_held(const char *block)
{
    char path[128];
    struct bf_fin_root dir;
    struct bf_names names = {.count = 0};
    snprintf(path, sizeof path, "/sys/class/block/%.64s/holders", block);
    if (bf_fin_root_attach(&dir, path, NULL))
        return false;
    bool held = !bf_fin_root_list(&dir, "/", "", &names) && names.count > 0;
    bf_names_free(&names);
    bf_fin_root_close(&dir);
    return held;
}

static void add_device(struct bf_devices *devices, const char *block, struct bf_fin_report *report)
{
    char name[80], node[80], part[16];
    unsigned disk = 0;
    bool stacked = strncmp(block, "dm-", 3) == 0 || strncmp(block, "md", 2) == 0;
    if (!stacked && (strncmp(block, "vd", 2) != 0 || !disk_number(block, &disk)))
        return;
    snprintf(node, sizeof node, "/dev/%.64s", block);
    if (stacked)
        stacked_name(block, name, sizeof name);
    else
        memcpy(name, node, sizeof name);
    if (is_known(devices, name) || (stacked && is_held(block)))
        return;
    struct bf_device *dev = bf_devices_add(devices);
    if (!dev)
        return;
    bf_vm_sys(block, "partition", part, sizeof part);
    snprintf(dev->name, sizeof dev->name, "%s", name);
    dev->stacked = stacked;
    dev->disk = disk;
    dev->part = (unsigned)strtoul(part, NULL, 10);
    probe_device(dev, node, report);
    if (!stacked && dev->part == 0)
        read_boot_code(dev, node);
}

void bf_vm_probe(struct bf_devices *devices, struct bf_fin_report *report)
{
    struct bf_fin_root sys;
    struct bf_names names;
    if (bf_fin_root_attach(&sys, "/sys/class/block", NULL))
        return;
    if (!bf_fin_root_list(&sys, "/", "", &names)) {
        for (size_t i = 0; i < names.count; i++)
            if (strlen(names.name[i]) < 60)
                add_device(devices, names.name[i], report);
        bf_names_free(&names);
    }
    bf_fin_root_close(&sys);
}

void bf_vm_node(const struct bf_device *dev, char *out, size_t size)
{
    struct bf_fin_root sys;
    struct bf_names names;
    char name[80];
    snprintf(out, size, "%s", dev->name);
    if (!dev->stacked || bf_fin_root_attach(&sys, "/sys/class/block", NULL))
        return;
    if (!bf_fin_root_list(&sys, "/", "", &names)) {
        for (size_t i = 0; i < names.count; i++) {
            if (strlen(names.name[i]) >= 60)
                continue;
            stacked_name(names.name[i], name, sizeof name);
            if (strcmp(name, dev->name) == 0)
                snprintf(out, size, "/dev/%s", names.name[i]);
        }
        bf_names_free(&names);
    }
    bf_fin_root_close(&sys);
}

void bf_vm_discard_hibernation(struct bf_devices *devices, struct bf_fin_report *report)
{
    for (size_t i = 0; i < devices->count; i++) {
        struct bf_device *dev = &devices->item[i];
        struct bf_fault fault;
        char node[80];
        if (strcmp(dev->type, "swsuspend") != 0)
            continue;
        bf_vm_node(dev, node, sizeof node);
        int fd = open(node, O_RDWR | O_CLOEXEC);
        bool held = false;
        if (fd < 0 || bf_swap_image(fd, true, &held, &fault) || !held) {
            bf_note(report, "skipped", dev->name, "holds a hibernation image of an unknown kind");
        } else {
            bf_note(report, "warning", dev->name,
                    "the hibernation image is discarded: what was in memory is lost");
            snprintf(dev->type, sizeof dev->type, "swap");
        }
        if (fd >= 0)
            close(fd);
    }
}
