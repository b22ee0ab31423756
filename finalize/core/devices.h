// SPDX-License-Identifier: Apache-2.0
// The block devices under a guest, as probed by whoever opened its disks (the small VM, or a file
// given with --devices). They turn names that depend on the order of discovery (/dev/sda2) into
// UUIDs.
#ifndef BF_FINALIZE_CORE_DEVICES_H
#define BF_FINALIZE_CORE_DEVICES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define BF_DEVICES_MAX 256
#define BF_PLACES_MAX  16
#define BF_ALIAS_MAX   4

struct bf_device {
    unsigned disk; // position of the disk, from 0; the guest's first disk (sda) is 0
    unsigned part; // partition number; 0: the whole disk
    bool stacked;  // a logical volume, an array or an opened LUKS device: has no disk and part
    bool root;     // holds the root file system
    bool esp;      // is an EFI system partition by its type
    char name[80]; // where it is in the VM, or the mapper name; for messages
    char type[24]; // "ext4", "swap", "swsuspend", "vfat", ... as libblkid calls it
    char uuid[64];
    char label[80];
    char partuuid[48];
    char boot_code[16]; // of a whole disk: what a BIOS starts, as core/bootcode.h has it; "":
                        // unknown
    char partlabel[80];
    char parttype[40]; // the GUID of a GPT's partition type, in lower case, or "0x83"
    // Names that mean this device in the guest's files, though nothing in the name says so: found
    // by what the device holds. "" when there is none.
    char alias[BF_ALIAS_MAX][128];
};

// Where in the guest's tree a file system, or a part of it, is mounted.
struct bf_placed {
    size_t device;    // which of the devices
    char at[128];     // the mount point: "/", "/boot"
    char inside[128]; // the folder of the file system that is seen there: "" for all of it, "/@"
};

struct bf_devices {
    struct bf_device *item; // owned
    size_t count;
    struct bf_placed place[BF_PLACES_MAX];
    size_t places;
};

void bf_devices_free(struct bf_devices *d);
// Appends a zeroed device; NULL when out of memory or BF_DEVICES_MAX is reached.
struct bf_device *bf_devices_add(struct bf_devices *d);
// Notes that device `device` is mounted; one place too many is left out.
void bf_devices_place(struct bf_devices *d, size_t device, const char *at, const char *inside);
// Notes that the guest means this device by `name`; false when there is no room for it.
bool bf_device_alias(struct bf_device *dev, const char *name);
// From and to JSON: a list of objects with the fields above, and the places of each as "mounts".
// BF_ERR_CONFIG when out of shape, BF_ERR_LIMIT for too many, with nothing to free.
enum bf_err bf_devices_parse(const json_t *list, struct bf_devices *out);
json_t *bf_devices_json(const struct bf_devices *d);

enum bf_name_kind {
    BF_NAME_STABLE, // UUID=, LABEL=, a mapper or array name, a network path: stays
    BF_NAME_ORDER,  // depends on discovery order or on the hardware: /dev/sda2, by-path, by-id, ...
};

#define BF_PART_UNKNOWN 65536u // more than a partition's number can be

// What a name of the BF_NAME_ORDER kind says.
struct bf_position {
    bool known;    // it says which disk
    unsigned disk; // position of the disk, from 0
    unsigned part; // partition number; 0: the whole disk; or BF_PART_UNKNOWN
    size_t stem;   // bytes of the name that stand for the disk
};

enum bf_name_kind bf_name_kind(const char *name);
// Takes a name of that kind apart; false for any other. In device_names.c: the kernel's names of
// disks, Smart Array's and other old controllers' (cciss, ida, rd, i2o), udev's by-path and by-id,
// multipath's, and numbers (/dev/block/8:2).
bool bf_device_position(const char *name, struct bf_position *out);
// Writes "8:2", "0802" and "0x802", by which a kernel and a maker of an initramfs take a device
// (block/early-lookup.c), as "/dev/block/8:2". False for what is no number.
bool bf_device_number(const char *name, char *out, size_t size);
// The device that the guest calls by a name of the BF_NAME_ORDER kind, or by an alias; or NULL.
// Where the name does not say which disk, the one device that has the partition's number and can be
// of the `type` ("": any); NULL when there are several.
const struct bf_device *bf_device_by_order(const struct bf_devices *d, const char *name,
                                           const char *type);
// The partition of a disk, or NULL.
const struct bf_device *bf_device_at(const struct bf_devices *d, unsigned disk, unsigned part);
// Whether what was found can be what a file calls `claimed` ("" or "auto": anything).
bool bf_device_is(const struct bf_device *dev, const char *claimed);
// The device that any fstab-like name means (UUID=, LABEL=, PARTUUID=, PARTLABEL=,
// /dev/disk/by-..., /dev/sda2, /dev/mapper/x, /dev/vg/lv, an alias), or NULL.
const struct bf_device *bf_device_find(const struct bf_devices *d, const char *name);
// A stable name that nothing probed tells of: udev's by-id/md-uuid-..., dm-uuid-...,
// lvm-pv-uuid-...
bool bf_device_unprobed(const char *name);
const struct bf_device *bf_device_root(const struct bf_devices *d);

#endif
