// SPDX-License-Identifier: Apache-2.0
// The architectures. Only x86-64 has its EFI loaders handled.
#include "finalize/system/arch.h"

#include <elf.h>
#include <stddef.h>

const struct bf_architecture bf_x86_64 = {
    .name = "x86_64",
    .machine = EM_X86_64,
    .efi = "x64",
    .fallback = "BOOTX64.EFI",
    .grub = "x86_64-efi",
};
const struct bf_architecture bf_i386 = {.name = "i386", .machine = EM_386};
const struct bf_architecture bf_aarch64 = {.name = "aarch64", .machine = EM_AARCH64};
const struct bf_architecture bf_arm = {.name = "arm", .machine = EM_ARM};
const struct bf_architecture bf_riscv64 = {.name = "riscv64", .machine = EM_RISCV};

static const struct bf_architecture other = {.name = "other"};

const struct bf_architecture *bf_architecture_of(const struct bf_architecture *const *table,
                                                 unsigned machine)
{
    for (const struct bf_architecture *const *a = table; *a; a++)
        if ((*a)->machine == machine)
            return *a;
    return &other;
}
