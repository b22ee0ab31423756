// SPDX-License-Identifier: Apache-2.0
// The inventory that HELLO carries: what this machine says of itself. Evidence, never identity.
#ifndef BF_BOOT_INVENTORY_EFI_H
#define BF_BOOT_INVENTORY_EFI_H

#include <stdint.h>

#include "boot/config_efi.h"
#include "drivers/blockio_efi.h"
#include "drivers/snp_efi.h"
#include "net/proto/proto.h"

// Fills firmware, vendor, SMBIOS, processors and memory, and copies NICs and disks. Disk i of the
// inventory is disks[i]; planned is 0 everywhere and why is copied: bf_disk_plan_apply
// (migrate/disk_plan.h) decides about planned.
void bf_inventory_efi(struct bf_inventory *inventory, const struct bf_efi_disk *disks,
                      uint32_t disk_count, const struct bf_snp_info *nics, uint32_t nic_count);

#endif
