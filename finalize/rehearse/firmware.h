// SPDX-License-Identifier: Apache-2.0
// The ways from a machine's firmware to a boot loader.
#ifndef BF_FINALIZE_REHEARSE_FIRMWARE_H
#define BF_FINALIZE_REHEARSE_FIRMWARE_H

#include "finalize/rehearse/walk.h"

#define BF_ESPS_MAX 8

// The EFI system partitions that are seen in the tree: where they are mounted, in the order in
// which a firmware looks at them.
struct bf_esps {
    char mount[BF_ESPS_MAX][128];
    size_t count;
    bool elsewhere; // a disk has one that is not mounted
};

void bf_esps_find(struct bf_walk *w, struct bf_esps *esps);
// What a firmware without boot entries starts of a partition, EFI/BOOT/BOOT*.EFI of the machine's
// architecture. False when it is not there, `out` has its name then, too.
bool bf_esp_default(struct bf_walk *w, const char *mount, char *out, size_t size);

// Starts that program.
void bf_walk_uefi(struct bf_walk *w, const struct bf_esps *esps);
// Follows the boot code of the first disk.
void bf_walk_bios(struct bf_walk *w);
// Reads the configuration of a loader of BIOS that is there, whatever the boot code is.
void bf_walk_configuration(struct bf_walk *w);
// Firmware of other boards and machines. False when nothing in the tree is of any.
bool bf_walk_board(struct bf_walk *w);

#endif
