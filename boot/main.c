// SPDX-License-Identifier: Apache-2.0
// Entry of the boot image (UEFI 2.10, 4.1). The firmware calls it in its own convention, which is
// the native one of this target.
#include <efi.h>

#include "base/log.h"
#include "base/platform.h"
#include "boot/cpu.h"
#include "boot/platform_efi.h"

// The Microsoft ABI's mark of a program that uses floating point. Ours does not; zstd does.
int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    bf_efi_platform_init(image, system);
    bf_efi_platform_end();
    return EFI_SUCCESS;
}
