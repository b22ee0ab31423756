// SPDX-License-Identifier: Apache-2.0
// Architectures of processors: how their programs are known, and what their EFI loaders are called.
#ifndef BF_FINALIZE_SYSTEM_ARCH_H
#define BF_FINALIZE_SYSTEM_ARCH_H

struct bf_architecture {
    const char *name;     // in the report: "x86_64"
    unsigned machine;     // e_machine of its ELF files (elf.h)
    const char *efi;      // what its EFI loaders' names end in: "x64"; NULL: none are handled
    const char *fallback; // its name on the fallback path (UEFI 2.10, 3.5.1.1): "BOOTX64.EFI"
    const char *grub;     // the folder of its EFI GRUB's modules: "x86_64-efi"
};

// The rows.
#define BF_ARCHITECTURES(ROW)                                                                      \
    ROW(bf_x86_64)                                                                                 \
    ROW(bf_i386)                                                                                   \
    ROW(bf_aarch64)                                                                                \
    ROW(bf_arm)                                                                                    \
    ROW(bf_riscv64)                                                                                \
    ROW(bf_loongarch64)                                                                            \
    ROW(bf_ia64)

#define BF_ARCHITECTURE(row) extern const struct bf_architecture row;
BF_ARCHITECTURES(BF_ARCHITECTURE)

// The table that tables.c makes of them, ended by NULL.
extern const struct bf_architecture *const bf_architectures[];

// The architecture of an ELF file's machine; one that is called "other" when no row of the table
// has it.
const struct bf_architecture *bf_architecture_of(const struct bf_architecture *const *table,
                                                 unsigned machine);

#endif
