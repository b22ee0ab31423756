// SPDX-License-Identifier: Apache-2.0
// What is added to an initramfs so that it has the target's drivers.
#ifndef BF_FINALIZE_INITRAMFS_INITRAMFS_H
#define BF_FINALIZE_INITRAMFS_INITRAMFS_H

#include "finalize/system/fin.h"

// Appends to `out` what has to follow the initramfs that is `len` bytes at `offset` of the file
// `path` (a whole file, or a section of one) for a kernel of this version: padding, and an archive
// with the target's drivers, the indexes that know them, and the settings of its maker. *keep is
// how many of the bytes stay before it: fewer than `len` where an older archive of ours ends them.
// Nothing is appended when the image has all. `lead`: it is of the kernel that is started by
// default, and what would keep that from starting is a refusal. Fails after bf_refuse() or
// bf_fail().
enum bf_err bf_initramfs_extend(struct bf_fin *f, const char *version, bool lead, const char *path,
                                uint64_t offset, uint64_t len, uint64_t *keep, struct bf_text *out);

#endif
