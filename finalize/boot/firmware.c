// SPDX-License-Identifier: Apache-2.0
// See firmware.h.
#include "finalize/boot/firmware.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

void bf_firmware_inspect(struct bf_fin *f)
{
    // What grub-install, extlinux and GRUB legacy put there for their boot code to load.
    static const char *const file[] = {
        "/boot/grub/i386-pc/core.img", "/boot/grub2/i386-pc/core.img", "/boot/grub/stage2",
        "/boot/extlinux/ldlinux.sys",  "/boot/syslinux/ldlinux.sys",   "/boot/ldlinux.sys",
        "/boot/limine-bios.sys",       "/boot/limine/limine-bios.sys", "/boot/map",
    };
    for (size_t i = 0; i < BF_COUNT(file) && !f->system.bios; i++)
        f->system.bios = bf_fin_root_exists(f->root, file[i]);
}

const char *bf_firmware_packages(const struct bf_fin *f, bool uefi)
{
    static const struct {
        const char *family, *uefi, *bios;
    } row[] = {
        {"debian", "grub-efi, with shim-signed for Secure Boot", "grub-pc"},
        {"redhat", "grub2-efi-x64 and shim-x64", "grub2-pc"},
        {"suse", "grub2-x86_64-efi and shim", "grub2-i386-pc"},
        {"arch", "grub and efibootmgr", "grub"},
        {"alpine", "grub-efi", "grub-bios"},
    };
    const char *family = f->system.family ? f->system.family->name : "";
    for (size_t i = 0; i < BF_COUNT(row); i++)
        if (strcmp(row[i].family, family) == 0)
            return uefi ? row[i].uefi : row[i].bios;
    return uefi ? "GRUB for EFI" : "GRUB for BIOS";
}

enum bf_err bf_check_firmware(struct bf_fin *f)
{
    const struct bf_system *s = &f->system;
    const char *want = f->plan->firmware;
    bool uefi = strcmp(want, "uefi") == 0, fits = uefi ? s->uefi : s->bios;
    if (!want[0] || (!s->uefi && !s->bios) || fits)
        return BF_OK;
    if (uefi)
        return bf_refuse(f->report,
                         "target.firmware is uefi, and this system starts with bios only. It needs "
                         "an EFI system partition (FAT, 100 MiB or more, mounted at /boot/efi) and "
                         "a loader there: install %s on the source and run grub-install "
                         "--removable; or choose a target with bios",
                         bf_firmware_packages(f, true));
    return bf_refuse(f->report,
                     "target.firmware is bios, and this system starts with uefi only. It needs "
                     "room for boot code (on a GPT disk a BIOS boot partition of 1 MiB, type EF02) "
                     "and a loader for it: install %s on the source and run grub-install on the "
                     "disk; or choose a target with uefi",
                     bf_firmware_packages(f, false));
}
