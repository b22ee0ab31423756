// SPDX-License-Identifier: Apache-2.0
// The architectures. Names on the fallback path: UEFI specification 2.10, section 3.5.1.1; folders
// of GRUB: its platforms.
#include "finalize/system/arch.h"

#include <elf.h>
#include <stddef.h>

#define ARCHITECTURE(id, title, elf, loaders, boot, folder)                                        \
    const struct bf_architecture bf_##id = {                                                       \
        .name = title, .machine = elf, .efi = loaders, .fallback = boot, .grub = folder}

ARCHITECTURE(x86_64, "x86_64", EM_X86_64, "x64", "BOOTX64.EFI", "x86_64-efi");
ARCHITECTURE(i386, "i386", EM_386, "ia32", "BOOTIA32.EFI", "i386-efi");
ARCHITECTURE(aarch64, "aarch64", EM_AARCH64, "aa64", "BOOTAA64.EFI", "arm64-efi");
ARCHITECTURE(arm, "arm", EM_ARM, "arm", "BOOTARM.EFI", "arm-efi");
ARCHITECTURE(riscv64, "riscv64", EM_RISCV, "riscv64", "BOOTRISCV64.EFI", "riscv64-efi");
ARCHITECTURE(loongarch64, "loongarch64", EM_LOONGARCH, "loongarch64", "BOOTLOONGARCH64.EFI",
             "loongarch64-efi");
ARCHITECTURE(ia64, "ia64", EM_IA_64, "ia64", "BOOTIA64.EFI", "ia64-efi");

static const struct bf_architecture other = {.name = "other"};

const struct bf_architecture *bf_architecture_of(const struct bf_architecture *const *table,
                                                 unsigned machine)
{
    for (const struct bf_architecture *const *a = table; *a; a++)
        if ((*a)->machine == machine)
            return *a;
    return &other;
}
