// SPDX-License-Identifier: Apache-2.0
// Units of a controller in the words of the firmware: the last node of a device path (UEFI 2.10,
// 10.3.4), and names for people.
#ifndef BF_DRIVERS_UNIT_EFI_H
#define BF_DRIVERS_UNIT_EFI_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/controller.h"
#include "drivers/efi.h"

// The unit that the rest of a path names, below its controller; 0 when it names none.
uint64_t bf_unit_efi_number(const EFI_DEVICE_PATH *rest);

// The path of a unit as text, as the firmware would give it. Empty when the controller has none.
void bf_unit_efi_path(EFI_HANDLE controller, const struct bf_unit *unit, char *out, size_t size);

// "NVMe namespace 2", "SCSI target 3 LUN 300", "SATA port 1".
void bf_unit_efi_name(uint64_t number, char *out, size_t size);

#endif
