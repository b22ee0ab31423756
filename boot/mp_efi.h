// SPDX-License-Identifier: Apache-2.0
// EFI_MP_SERVICES_PROTOCOL, which gnu-efi's headers lack (UEFI PI 1.8, volume 2, 13.4).
#ifndef BF_BOOT_MP_EFI_H
#define BF_BOOT_MP_EFI_H

#include <efi.h>

#define BF_EFI_MP_SERVICES_GUID                                                                    \
    {                                                                                              \
        0x3fdda605, 0xa76e, 0x4f46,                                                                \
        {                                                                                          \
            0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08                                         \
        }                                                                                          \
    }

// Bits of StatusFlag.
enum {
    BF_EFI_PROCESSOR_AS_BSP = 1,
    BF_EFI_PROCESSOR_ENABLED = 2,
    BF_EFI_PROCESSOR_HEALTHY = 4,
};

struct bf_efi_processor {
    UINT64 ProcessorId;
    UINT32 StatusFlag;
    struct {
        UINT32 Package, Core, Thread;
    } Location;
    UINT32 ExtendedInformation[6]; // written on request only, but it may be
};

typedef VOID(EFIAPI *bf_efi_ap_procedure)(VOID *argument);

struct bf_efi_mp_services {
    EFI_STATUS(EFIAPI *GetNumberOfProcessors)
    (struct bf_efi_mp_services *self, UINTN *all, UINTN *enabled);
    EFI_STATUS(EFIAPI *GetProcessorInfo)
    (struct bf_efi_mp_services *self, UINTN number, struct bf_efi_processor *info);
    VOID *StartupAllAPs;
    EFI_STATUS(EFIAPI *StartupThisAP)
    (struct bf_efi_mp_services *self, bf_efi_ap_procedure procedure, UINTN number, EFI_EVENT event,
     UINTN timeout_us, VOID *argument, BOOLEAN *finished);
    VOID *SwitchBSP, *EnableDisableAP, *WhoAmI;
};

#endif
