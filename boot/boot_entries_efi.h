// SPDX-License-Identifier: Apache-2.0
// What the machine's firmware starts, for the inventory.
#ifndef BF_BOOT_BOOT_ENTRIES_EFI_H
#define BF_BOOT_BOOT_ENTRIES_EFI_H

#include "net/proto/proto.h"

// Fills the boot entries of an inventory from the variables BootOrder, BootCurrent and BootNNNN
// (UEFI 2.10, sections 3.1.3 and 3.3), in the firmware's order. Nothing is changed; an entry that
// cannot be read, or is not well formed, is left out.
void bf_boot_entries_efi(struct bf_inventory *inventory);

#endif
