// SPDX-License-Identifier: Apache-2.0
// Mounting a guest's file systems inside the small VM.
#ifndef BF_FINALIZE_VM_MOUNT_H
#define BF_FINALIZE_VM_MOUNT_H

#include "finalize/core/devices.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"
#include "finalize/vm/check.h"

#define BF_VM_ROOT "/guest"

struct bf_mounts {
    char at[16][280]; // in the order in which they were mounted
    size_t count;
};

// Finds the one root file system (or the one that the plan names), marks its device, and mounts it
// and what the finalizer needs of what the guest mounts (/usr, /var, /boot, the ESP) below
// BF_VM_ROOT; where each is, is noted in `devices`. A device with a name of the old machine's
// hardware is found by its content, or the run is refused. File system types are forced from a
// short list; nodev, nosuid, noexec, noatime. A hibernated system is mounted without being written
// to. Each file system is checked before it is mounted for writing. After a failure the report says
// why, and what was mounted is in `mounts`.
enum bf_err bf_vm_mount(struct bf_devices *devices, const struct bf_plan *plan,
                        struct bf_checks *checks, struct bf_mounts *mounts,
                        struct bf_fin_report *report);
// Unmounts everything; a file system that cannot be unmounted makes the run fail.
void bf_vm_unmount(struct bf_mounts *mounts, struct bf_fin_report *report);

#endif
