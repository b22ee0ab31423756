// SPDX-License-Identifier: Apache-2.0
// What of mdadm.conf(5) hides the disks of the new home, for files that stand in the tree and for
// the copies of them that an initramfs has.
#ifndef BF_FINALIZE_SYSTEM_MDADM_H
#define BF_FINALIZE_SYSTEM_MDADM_H

#include "finalize/system/fin.h"

// Makes `out` (to be freed) of an mdadm.conf, by which the arrays are found in the new home; true
// when it differs. What changed by itself, and what could not be decided, is said of `name`.
bool bf_mdadm_accept(struct bf_fin *f, const char *name, const char *text, size_t len,
                     struct bf_text *out);

#endif
