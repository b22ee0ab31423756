// SPDX-License-Identifier: Apache-2.0
// /etc/crypttab (crypttab(5)): encrypted devices that are opened while the system starts.
#ifndef BF_FINALIZE_SYSTEM_CRYPTTAB_H
#define BF_FINALIZE_SYSTEM_CRYPTTAB_H

#include "finalize/system/fin.h"

// Whether it opens a device as "/dev/mapper/NAME", from one that the machine has.
bool bf_crypttab_opens(struct bf_fin *f, const char *name);
// Takes it off names that depend on the order of the disks, and says what binds a device to the
// old hardware.
enum bf_err bf_adapt_crypttab(struct bf_fin *f);

// Makes `out` (to be freed) of a copy of that file, which an initramfs has, with stable names; true
// when it differs.
bool bf_crypttab_copy(struct bf_fin *f, const char *text, size_t len, struct bf_text *out);

#endif
