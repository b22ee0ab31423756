// SPDX-License-Identifier: Apache-2.0
// The root file system among those of the disks.
#ifndef BF_FINALIZE_VM_ROOTS_H
#define BF_FINALIZE_VM_ROOTS_H

#include "finalize/core/devices.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"

#define BF_VM_PROBE "/probe"

struct bf_found {
    size_t device;
    char subvol[128]; // of a Btrfs, or ""
};

// Finds the one root, or the one that the plan names. False after a refusal.
bool bf_vm_find_root(const struct bf_devices *devices, const struct bf_plan *plan,
                     struct bf_found *out, struct bf_fin_report *report);

#endif
