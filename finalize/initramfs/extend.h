// SPDX-License-Identifier: Apache-2.0
// The drivers of the target for an initramfs that lies inside another file.
#ifndef BF_FINALIZE_INITRAMFS_EXTEND_H
#define BF_FINALIZE_INITRAMFS_EXTEND_H

#include "finalize/system/fin.h"

// What the initramfs in `len` bytes at `offset` of a file, that of the kernel `version`, needs at
// its end: *own of its bytes stay, and the tail is appended to `tail`; none when nothing is needed.
// It is read, so that nothing is added where all drivers are in it. *modules: the kernel's modules
// are there, so that it could be told. Fails after bf_refuse() or bf_fail().
enum bf_err bf_initramfs_extend(struct bf_fin *f, const char *path, const char *version,
                                uint64_t offset, uint64_t len, uint64_t *own, struct bf_text *tail,
                                bool *modules);

#endif
