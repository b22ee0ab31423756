// SPDX-License-Identifier: Apache-2.0
// The drivers of the target for an initramfs that lies inside another file.
#ifndef BF_FINALIZE_INITRAMFS_EXTEND_H
#define BF_FINALIZE_INITRAMFS_EXTEND_H

#include "finalize/system/fin.h"

struct bf_extension {
    uint64_t own;        // how much of the initramfs stays
    struct bf_text tail; // what follows that; empty when nothing is needed; owned
    bool modules;        // the kernel's modules are there, so that it could be told
};

// What the initramfs in `len` bytes at `offset` of a file, that of the kernel `version`, needs at
// its end. It is read, so that nothing is added where all drivers are in it. The tail is freed in
// any case. Fails after bf_refuse() or bf_fail().
enum bf_err bf_initramfs_extend(struct bf_fin *f, const char *path, const char *version,
                                uint64_t offset, uint64_t len, struct bf_extension *x);

#endif
