// SPDX-License-Identifier: Apache-2.0
// Whether LVM would look at the disks of the new home, by files of its own that an initramfs has.
#ifndef BF_FINALIZE_REHEARSE_LVM_H
#define BF_FINALIZE_REHEARSE_LVM_H

#include "finalize/system/fin.h"

enum bf_lvm_sees {
    BF_LVM_SEES_ALL,
    BF_LVM_SEES_SOME, // by some of the names that the target's drivers may give them
    BF_LVM_SEES_NONE,
    BF_LVM_SEES_UNKNOWN,
};

// What the filters of an lvm.conf(5) let it see of the probed physical volumes.
enum bf_lvm_sees bf_lvm_sees(struct bf_fin *f, const char *text, size_t len);

// Whether a devices file (lvmdevices(8)) lists disks by the identity of their hardware.
bool bf_lvm_lists_hardware(const char *text, size_t len);

#endif
