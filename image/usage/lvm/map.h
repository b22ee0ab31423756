// SPDX-License-Identifier: Apache-2.0
// Inside of LVM2 for the maps: what a physical volume says about itself (lvmdump(8); LVM2's
// lib/label/label.h and lib/format_text/layout.h).
#ifndef BF_IMAGE_USAGE_LVM_MAP_H
#define BF_IMAGE_USAGE_LVM_MAP_H

#include "image/usage/lvm/text.h"
#include "image/usage/parts.h"

enum {
    BF_LVM_SECTOR = 1 << 9, // LVM2 counts in these, whatever the disk does
    BF_LVM_UUID = 32,
    BF_LVM_AREAS = 2,
    BF_LVM_TEXT_MAX = 512 * 1024, // half of the usual metadata area, which keeps two texts
};

#define BF_LVM_MARKS_WORK (2048ull * BF_WORK_MIB) // all marks on about 1400 volumes

struct bf_lvm_range {
    uint64_t at, bytes; // of the place
};

struct bf_lvm_label {
    char uuid[BF_LVM_UUID];
    uint64_t bytes;           // of the device, as it was
    struct bf_lvm_range data; // bytes 0: up to its end
    struct bf_lvm_range area[BF_LVM_AREAS];
    uint32_t areas;           // for metadata
    struct bf_lvm_range boot; // for boot loaders; bytes 0: none
};

// A text in a metadata area, which is a ring.
struct bf_lvm_copy {
    struct bf_lvm_range area;
    uint64_t at; // relative to the area
    uint32_t bytes, checksum;
};

// Reads the label and what follows it. BF_ERR_CORRUPT: a checksum is wrong, or what it says is
// impossible; BF_ERR_UNSUPPORTED: not the usual form, or there are two. Read errors are passed on.
enum bf_err bf_lvm_label(const struct bf_usage_place *place, struct bf_lvm_label *out);
// Where the text of an area is. BF_ERR_NOT_FOUND: there is none; BF_ERR_EXISTS: the area is not
// in use, whatever is in it; BF_ERR_CORRUPT; BF_ERR_BUSY: it was being changed.
enum bf_err bf_lvm_area(const struct bf_usage_place *place, const struct bf_lvm_range *area,
                        struct bf_lvm_copy *out);
// The text itself, into BF_LVM_TEXT_MAX bytes; its checksum is verified.
enum bf_err bf_lvm_read(const struct bf_usage_place *place, const struct bf_lvm_copy *copy,
                        char *text);
// The 32 characters of an identifier, which texts write with dashes. 0: it is none.
int bf_lvm_uuid(const struct bf_lvm_text *text, char out[BF_LVM_UUID]);

// ---- Volume groups -----------------------------------------------------------------------------

// A place with a label.
struct bf_lvm_pv {
    uint32_t place; // in the list
    struct bf_lvm_label label;
    uint8_t bad;     // what it says of itself is not to be trusted
    uint8_t empty;   // it has a metadata area without a text: it belongs to no group
    uint8_t claims;  // of groups that name it
    uint32_t copies; // of the group's text, which agree with each other
    struct bf_lvm_copy copy;
    char group[BF_LVM_UUID];
    uint32_t sum; // of what the text says of the group, without the remarks around it
};

struct bf_lvm {
    struct bf_peek *peek;
    struct bf_place_list *list;
    uint32_t disk; // that the log is told about
    struct bf_lvm_pv *pv;
    uint32_t pvs, room;
    char *text;          // BF_LVM_TEXT_MAX
    uint64_t marks_left; // of the work to look at all volumes
    struct bf_lvm_seen { // the text that was read last, when there was nothing wrong with it
        uint32_t bytes, checksum, sum;
        char group[BF_LVM_UUID];
    } seen;
};

// Claims the physical volumes that a group names.
void bf_lvm_claim(struct bf_lvm *lvm, const struct bf_lvm_item *group);
// Adds the volumes of a group, and the free extents of its physical volumes, to the list. Returns
// NULL, or why nothing was added.
const char *bf_lvm_volumes(struct bf_lvm *lvm, const struct bf_lvm_item *group);

#endif
