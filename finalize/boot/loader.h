// SPDX-License-Identifier: Apache-2.0
// A boot loader: where it is installed, which kernel command lines it keeps, and how it starts on a
// machine whose firmware has no entry for it. Each has a file and a row here.
#ifndef BF_FINALIZE_BOOT_LOADER_H
#define BF_FINALIZE_BOOT_LOADER_H

#include "finalize/system/fin.h"

struct bf_loader_ops {
    const char *name;  // in the report, where what it finds has no name of its own
    const char *title; // in sentences
    // Adds what is installed to f->system: on the EFI system partition that the guest mounts at
    // `esp`, or, called once with NULL, in any other place.
    void (*found)(struct bf_fin *f, const char *esp);
    // Rewrites the command lines in its files with bf_cmdline_rewrite(), those that are there.
    // NULL: it has none, or is recognised only. Fails after bf_refuse() or bf_fail().
    enum bf_err (*rewrite)(struct bf_fin *f);
    // Copies itself to the fallback path of the EFI system partition whose folder EFI is `efi`, for
    // an architecture that has names. NULL: it cannot. BF_ERR_NOT_FOUND: it is not installed there;
    // any other failure comes after bf_refuse() or bf_fail().
    enum bf_err (*fallback)(struct bf_fin *f, const char *efi);
};

// The rows. The first that is installed takes the fallback path.
#define BF_LOADERS(ROW)                                                                            \
    ROW(bf_shim)                                                                                   \
    ROW(bf_grub)                                                                                   \
    ROW(bf_systemd_boot)                                                                           \
    ROW(bf_unified_kernel)                                                                         \
    ROW(bf_grub_legacy)                                                                            \
    ROW(bf_syslinux)                                                                               \
    ROW(bf_refind)                                                                                 \
    ROW(bf_limine)                                                                                 \
    ROW(bf_zipl)                                                                                   \
    ROW(bf_raspberry)                                                                              \
    ROW(bf_u_boot)

#define BF_LOADER(row) extern const struct bf_loader_ops row;
BF_LOADERS(BF_LOADER)

// The table that tables.c makes of them, ended by NULL.
extern const struct bf_loader_ops *const bf_loaders[];

#endif
