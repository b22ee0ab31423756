// SPDX-License-Identifier: Apache-2.0
// Disks through the firmware's EFI_BLOCK_IO_PROTOCOL (UEFI 2.10, 13.9), the driver that works on
// every machine. Synchronous: submit returns when the transfer is complete (geometry.blocking = 1,
// depth = 1), so the caller chooses requests of bounded size.
#ifndef BF_DRIVERS_BLOCKIO_EFI_H
#define BF_DRIVERS_BLOCKIO_EFI_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"

enum { BF_EFI_DISKS_MAX = 64 };

// One whole disk. Those that must not be migrated are listed too, with the reason, so that the
// record of excluded disks is complete; they have ops NULL in source, but geometry and identity.
struct bf_efi_disk {
    struct bf_source_disk source;
    void *handle;        // EFI_HANDLE; NULL while a native driver has the controller
    uint8_t boot_medium; // this program was loaded from it
    uint8_t removable;
    char why[96]; // why it is not readable or not offered by default; empty when it is fine
};

// Finds the whole disks: logical partitions and second handles of the same disk are left out; CD
// drives, empty drives, removable media and the boot medium are listed with why set. Identity is
// filled with path, size, and serial, model and WWN where a pass-through protocol tells them. The
// order is that of the device paths' text, so it is the same at every boot of the same hardware.
//
// Call it after bf_efi_connect_all and BEFORE bf_snp_open (which may destroy the handle that the
// program was loaded from, and with it the knowledge of the boot medium).
//
// disks: room for BF_EFI_DISKS_MAX. Close each with bf_source_close(&disk->source).
enum bf_err bf_blockio_scan(struct bf_efi_disk *disks, uint32_t *count);

// Opens a listed disk again after its controller was given back to the firmware: finds it by its
// path. BF_ERR_NOT_FOUND when it is not there, BF_ERR_MISMATCH when it has another size.
enum bf_err bf_blockio_reopen(struct bf_efi_disk *disk);

// The same name, given by the disk itself, as one in the list has.
int bf_blockio_second_way(const struct bf_efi_disk *disks, uint32_t count,
                          const struct bf_disk_identity *id);
// Brings the list into the order of the paths.
void bf_blockio_sort(struct bf_efi_disk *disks, uint32_t count);

#endif
