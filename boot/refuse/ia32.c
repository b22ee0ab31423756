// SPDX-License-Identifier: Apache-2.0
// EFI/BOOT/BOOTIA32.EFI: what a 32-bit UEFI starts from our medium (UEFI 2.10, 3.5.1.1). Bootferry
// is a 64-bit program that such firmware cannot load; without this one the firmware goes on without
// a word. It says so, for people and in the form of docs/serial.md, waits for a key, ten minutes at
// most, and returns, so that the firmware goes on with its next boot entry.
#include <efi.h>

#define SECTION(name) __attribute__((section(name), used, aligned(4096)))

enum { WAIT_US = 50000, WAITS = 600 * (1000000 / WAIT_US), KEYS_BEFORE = 64 };

// Its own generation for shim, as boot/sections.c has one.
SECTION(".sbat")
static const char sbat[] = "sbat,1,SBAT Version,sbat,1,"
                           "https://github.com/rhboot/shim/blob/main/SBAT.md\n"
                           "bootferry,1,Bootferry,bootferry," BF_VERSION ",bootferry\n";

static CHAR16 text[] =
    L"\r\n"
    L"This machine has a 32-bit UEFI, and Bootferry is a 64-bit program.\r\n"
    L"Start a Linux on it and use bootferry-push. Any key: next boot entry.\r\n"
    L"\r\n"
    L"BOOTFERRY verdict=fail code=unsupported side=source t=0.000 what=\"the firmware is a 32-bit "
    L"UEFI and cannot start this 64-bit program\" todo=\"start a Linux on the machine and use "
    L"bootferry-push\"\r\n";

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static int pressed(SIMPLE_INPUT_INTERFACE *in)
{
    EFI_INPUT_KEY key;

    return in && !EFI_ERROR(in->ReadKeyStroke(in, &key));
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    system->BootServices->SetWatchdogTimer(0, 0, 0, NULL);
    if (system->ConOut)
        system->ConOut->OutputString(system->ConOut, text);
    for (int i = 0; i < KEYS_BEFORE && pressed(system->ConIn); i++) // from the boot menu
        ;
    for (int i = 0; i < WAITS && !pressed(system->ConIn); i++)
        system->BootServices->Stall(WAIT_US);
    return EFI_UNSUPPORTED;
}
