// SPDX-License-Identifier: Apache-2.0
// Entry of the boot image (UEFI 2.10, 4.1). The firmware calls it in its own convention, which is
// the native one of this target.
#include <efi.h>

#include "boot/app.h"
#include "boot/platform_efi.h"

// The Microsoft ABI's mark of a program that uses floating point: zstd does, a little.
int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    EFI_STATUS status;

    bf_efi_platform_init(image, system);
    status = bf_app_run();
    bf_efi_platform_end();
    return status;
}
