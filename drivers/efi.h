// SPDX-License-Identifier: Apache-2.0
// What every file that talks to the firmware shares: the tables given to the program, and the
// translation of the firmware's status codes. Included by files ending in _efi.c and by boot/ only.
// Defined in boot/platform_efi.c. References: UEFI 2.10, sections 4, 7 and appendix D.
#ifndef BF_DRIVERS_EFI_H
#define BF_DRIVERS_EFI_H

#include <efi.h>

#include "base/err.h"

extern EFI_SYSTEM_TABLE *bf_efi_system;
extern EFI_BOOT_SERVICES *bf_efi_boot;
extern EFI_HANDLE bf_efi_image;

// Pages that a driver obtains from the firmware by itself, because a device has to reach them,
// count with the program's: BF_ERR_NO_MEMORY beyond what it may hold. Each claim is dropped once.
enum bf_err bf_efi_memory_claim(uint64_t bytes);
void bf_efi_memory_drop(uint64_t bytes);

// The meaning of a status; the raw code goes to the log beside it, as "0x%llx".
enum bf_err bf_efi_err(EFI_STATUS status);

#endif
