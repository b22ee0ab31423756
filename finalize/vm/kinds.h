// SPDX-License-Identifier: Apache-2.0
// The kinds of file system that the VM opens.
#ifndef BF_FINALIZE_VM_KINDS_H
#define BF_FINALIZE_VM_KINDS_H

#include "finalize/core/devices.h"

struct bf_kind {
    const char *type;  // libblkid's name
    const char *fs;    // the kernel's
    const char *look;  // options for looking without writing, not even a journal's replay
    const char *group; // of its modules
};

// NULL for a type that is not opened here.
const struct bf_kind *bf_vm_kind(const char *type);
// Mounts a device, read-only and as it is with `look`. `subvol` is a subvolume of a Btrfs by its
// path or as "subvolid=N"; "" for the default one.
enum bf_err bf_vm_mount_device(const struct bf_device *dev, const char *subvol, const char *at,
                               bool look, struct bf_fault *fault);
// A Btrfs over several devices is found by its members, which the kernel must have seen.
void bf_vm_scan_btrfs(const struct bf_devices *devices);

#endif
