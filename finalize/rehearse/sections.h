// SPDX-License-Identifier: Apache-2.0
// The sections of an EFI program: a PE file (Microsoft's "PE Format"; UEFI specification 2.10,
// 2.1.1). Everything in it may be a lie: what is told lies within the file.
#ifndef BF_FINALIZE_REHEARSE_SECTIONS_H
#define BF_FINALIZE_REHEARSE_SECTIONS_H

#include "finalize/rehearse/walk.h"

#define BF_SECTIONS_MAX 64

struct bf_section {
    char name[9];
    uint64_t at;  // in the file
    uint64_t len; // of its content, without what fills it up
};

struct bf_sections {
    unsigned machine; // IMAGE_FILE_MACHINE_...
    uint64_t size;    // of the file
    struct bf_section section[BF_SECTIONS_MAX];
    size_t sections;
};

// False when the file is none.
bool bf_sections_read(struct bf_walk *w, const char *path, struct bf_sections *pe);
// NULL when it has none of that name.
const struct bf_section *bf_sections_find(const struct bf_sections *pe, const char *name);
// Reads a part of a file, at most `cap` bytes of it; terminated, freed by the caller. NULL when it
// cannot be read, is beyond the budget, or the memory is not there.
char *bf_sections_bytes(struct bf_walk *w, const char *path, uint64_t at, uint64_t size, size_t cap,
                        size_t *len);

#endif
