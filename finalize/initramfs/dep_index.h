// SPDX-License-Identifier: Apache-2.0
// Makes modules.dep and modules.dep.bin of an initramfs whose files are named otherwise than the
// system's: some makers decompress modules, and modprobe opens what the index names.
#ifndef BF_FINALIZE_INITRAMFS_DEP_INDEX_H
#define BF_FINALIZE_INITRAMFS_DEP_INDEX_H

#include "finalize/core/text.h"
#include "finalize/initramfs/modules.h"

// Appends modules.dep with each module at the path that `inside` (sorted) has for it, else at its
// own without a compression's suffix.
void bf_dep_rename(const struct bf_modules *m, const struct bf_module *inside, size_t count,
                   struct bf_text *out);
// Appends the binary index of a modules.dep: the format that libkmod's libkmod-index.h describes.
// False when it cannot: a name is too long, or there are too many.
bool bf_dep_index(const char *dep, size_t len, struct bf_text *out);

#endif
