// SPDX-License-Identifier: Apache-2.0
// What a look at a source disk tells before it is copied: partition table, disk GUID, hibernation.
// One disk is looked at by itself: swap areas inside LVM and RAID1 are found by
// image/usage/usage.h; those in other volumes by the finalizer, which opens them.
#ifndef BF_IMAGE_PROBE_H
#define BF_IMAGE_PROBE_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"

struct bf_disk_facts {
    uint8_t hibernated;
    char hibernation[96]; // "partition 3: S1SUSPEND", empty when not hibernated
};

// Reads the table and the beginning of every partition and of the whole disk; sets has_gpt and
// gpt_guid of disk->identity. A damaged table is not an error here (the disk is copied as it is).
// Read errors of the table are passed on, those of a partition's beginning are passed over.
enum bf_err bf_disk_probe(struct bf_source_disk *disk, struct bf_disk_facts *out);

#endif
