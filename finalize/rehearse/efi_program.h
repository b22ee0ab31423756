// SPDX-License-Identifier: Apache-2.0
// What an EFI program is, by its content.
#ifndef BF_FINALIZE_REHEARSE_EFI_PROGRAM_H
#define BF_FINALIZE_REHEARSE_EFI_PROGRAM_H

#include "finalize/rehearse/walk.h"

enum bf_efi_kind {
    BF_EFI_UNKNOWN,
    BF_EFI_SHIM,     // starts another program beside it
    BF_EFI_FALLBACK, // shim's, which makes boot entries from lists
    BF_EFI_MANAGER,  // shim's, which enrols keys
    BF_EFI_GRUB,
    BF_EFI_SYSTEMD_BOOT,
    BF_EFI_UNIFIED,
    BF_EFI_REFIND,
    BF_EFI_SYSLINUX,
    BF_EFI_LIMINE,
    BF_EFI_KERNEL, // Linux with its EFI stub
    BF_EFI_WINDOWS,
};

struct bf_efi_program {
    enum bf_efi_kind kind;
    bool real;        // a PE file: what it is was seen, not guessed from a few words
    unsigned machine; // of a PE file
    char next[64];    // of shim: the name of what it starts; "": not seen
    char prefix[192]; // of GRUB: the folder of its configuration, perhaps after "(device)"; ""
    char *config;     // of GRUB: the commands in it; owned; NULL: none
    bool beside;      // of GRUB: reads the grub.cfg of its own folder when the prefix has none
    bool first;       // of GRUB: reads that one before
};

// To be freed with bf_efi_program_free().
void bf_efi_recognise(struct bf_walk *w, const char *file, struct bf_efi_program *p);
void bf_efi_program_free(struct bf_efi_program *p);
// The same by a file's name, as distributions call their loaders.
enum bf_efi_kind bf_efi_by_name(const char *name);

#endif
