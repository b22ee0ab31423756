// SPDX-License-Identifier: Apache-2.0
// What of LVM's configuration hides the disks of the new home, for files that stand in the tree and
// for the copies of them that an initramfs has.
#ifndef BF_FINALIZE_SYSTEM_LVM_H
#define BF_FINALIZE_SYSTEM_LVM_H

#include "finalize/system/fin.h"

// Makes `out` (to be freed) of an lvm.conf(5), with filters that accept the disks of the new home;
// true when it differs. What could not be decided is said of `name`.
bool bf_lvm_accept(struct bf_fin *f, const char *name, const char *text, size_t len,
                   struct bf_text *out);

// The first line of a devices file (lvmdevices(8)) that names a disk by its hardware; 0: none.
unsigned bf_lvm_devices_of_hardware(const char *text, size_t len);

#endif
