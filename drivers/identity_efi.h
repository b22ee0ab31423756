// SPDX-License-Identifier: Apache-2.0
// Serial number, model and WWN of a disk, asked through whatever the firmware offers for it.
#ifndef BF_DRIVERS_IDENTITY_EFI_H
#define BF_DRIVERS_IDENTITY_EFI_H

#include "drivers/handles_efi.h"
#include "image/identity.h"

// Fills what can be learnt; leaves the rest as it is. Commands wait at most five seconds each.
void bf_identity_efi(EFI_HANDLE disk, const EFI_DEVICE_PATH *path, struct bf_disk_identity *id);

#endif
