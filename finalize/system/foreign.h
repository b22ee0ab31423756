// SPDX-License-Identifier: Apache-2.0
// Trees that are not adapted, and why: other operating systems, disks of data, and Linux systems
// whose files are made from elsewhere, so that an edit would not last or not be read.
#ifndef BF_FINALIZE_SYSTEM_FOREIGN_H
#define BF_FINALIZE_SYSTEM_FOREIGN_H

#include "finalize/core/root.h"

// Whether the tree holds a system whose files lie deeper, in deployments of ostree.
bool bf_foreign_is_ostree(const struct bf_fin_root *root);
// What a tree without a Linux system is ("Windows", "FreeBSD", ...); NULL when that cannot be said.
const char *bf_foreign_name(const struct bf_fin_root *root);
// Why the Linux system with this ID ("" when it says none) is not adapted, as the end of a sentence
// that begins with its name; NULL when it is.
const char *bf_foreign_reason(const struct bf_fin_root *root, const char *id);

#endif
