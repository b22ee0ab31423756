// SPDX-License-Identifier: Apache-2.0
// Looks for storage that no disk of the inventory stands for. See migrate/unseen.h.
#ifndef BF_BOOT_UNSEEN_EFI_H
#define BF_BOOT_UNSEEN_EFI_H

#include "drivers/takeover_efi.h"
#include "net/proto/proto.h"

// Fills unseen of an inventory whose disks are there: what the native drivers could not read, USB
// storage that no driver serves, and the controllers from which no disk came. Touches no device.
// Call it after bf_takeover_begin.
void bf_unseen_efi(struct bf_inventory *inventory, const struct bf_takeover *takeover);

#endif
