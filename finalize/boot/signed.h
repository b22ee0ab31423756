// SPDX-License-Identifier: Apache-2.0
// A program of the firmware as Secure Boot sees it: what it is, who signed it, and what it brings
// of revocations.
#ifndef BF_FINALIZE_BOOT_SIGNED_H
#define BF_FINALIZE_BOOT_SIGNED_H

#include "finalize/boot/authenticode.h"
#include "finalize/system/fin.h"

struct bf_signed {
    char path[512];
    size_t dir;       // length of the folder's part of `path`
    const char *kind; // "shim", "grub", "fallback-loader", "mok-manager", "systemd-boot",
                      // "unified-kernel-image", "kernel", "program"; "unknown": no image
    uint16_t machine;
    struct bf_signatures signatures; // owned
    struct bf_vendor vendor;         // of a shim; owned
    char *sbat;                      // its section; owned; NULL: it has none
    size_t sbat_len;
    char *level; // of a shim: its section .sbatlevel; owned; NULL: it has none
    size_t level_len;
    bool fits;     // no signature was found not to be of this content
    char why[320]; // what firmware or shim has against it; "" for nothing
};

// Reads a program as it will be, with the set's changes. `kernel`: it is one by its place.
// `digest`: its content is compared with its signatures', too. Freed with bf_signed_free() in any
// case. False when it cannot be opened.
bool bf_signed_read(struct bf_fin *f, const char *path, bool kernel, bool digest,
                    struct bf_signed *s);
void bf_signed_free(struct bf_signed *s);

// Whether it is accepted by firmware that trusts the authorities of authenticode.c and `own` (NULL:
// none besides), or, where `shim` is not NULL, by that shim. Sets `why`.
bool bf_signed_accept(struct bf_signed *s, const struct bf_signed *shim, const char *own);

// As an entry of the report's system.secure_boot.files.
json_t *bf_signed_json(const struct bf_signed *s);

#endif
