// SPDX-License-Identifier: Apache-2.0
// Inside of md RAID for the maps: what a member says about itself and its array.
#ifndef BF_IMAGE_USAGE_MD_MAP_H
#define BF_IMAGE_USAGE_MD_MAP_H

#include "image/usage/parts.h"

enum { BF_MD_SECTOR = 1 << 9 }; // md counts in these, whatever the disk does

struct bf_md_range {
    uint64_t at, bytes; // of the place
};

struct bf_md {
    uint8_t uuid[16]; // of the array
    char name[33];    // empty: it has none
    int32_t level;
    uint32_t disks, role;
    uint64_t events;
    struct bf_md_range super, data;
    struct bf_md_range bitmap; // bytes 0: there is none
    uint8_t leads;             // the data begins where the place does
    const char *doubt;         // why the data cannot be relied upon; NULL: it can
};

// Reads and judges the superblock of a member (Linux, include/uapi/linux/raid/md_p.h). BF_OK also
// when there is doubt, as long as it is a RAID1 whose data lies where out->data says.
// BF_ERR_UNSUPPORTED: it is copied whole, doubt says why. Read errors are passed on.
enum bf_err bf_md_super(const struct bf_usage_place *place, struct bf_md *out);

#endif
