// SPDX-License-Identifier: Apache-2.0
// Writes cpio archives in the "newc" format, which the kernel unpacks as (a part of) an initramfs:
// Documentation/driver-api/early-userspace/buffer-format in the kernel's sources. Everything is
// fixed (owner 0, time 0, inode numbers counted up), so that equal input gives equal bytes.
#ifndef BF_FINALIZE_INITRAMFS_CPIO_H
#define BF_FINALIZE_INITRAMFS_CPIO_H

#include <stdint.h>

#include "finalize/core/text.h"

struct bf_cpio {
    struct bf_text *out; // borrowed; only appended to
    size_t start;        // where the archive begins in `out`
    uint32_t inode;
    // Whether a file is there already with this content, and left out. NULL: none is.
    bool (*has)(void *arg, const char *name, const void *data, size_t len);
    void *arg;
};

void bf_cpio_begin(struct bf_cpio *c, struct bf_text *out);
void bf_cpio_dir(struct bf_cpio *c, const char *name, unsigned mode);
void bf_cpio_file(struct bf_cpio *c, const char *name, unsigned mode, const void *data, size_t len);
void bf_cpio_link(struct bf_cpio *c, const char *name, const char *target);
void bf_cpio_end(struct bf_cpio *c);

#endif
