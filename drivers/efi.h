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

// The meaning of a status; the raw code goes to the log beside it, as "0x%llx".
enum bf_err bf_efi_err(EFI_STATUS status);

#endif
