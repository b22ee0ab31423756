// SPDX-License-Identifier: Apache-2.0
// Checks file systems with their own tools, which only read: e2fsck, xfs_repair, btrfs check,
// fsck.fat.
#ifndef BF_FINALIZE_VM_CHECK_H
#define BF_FINALIZE_VM_CHECK_H

#include "finalize/core/devices.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"

struct bf_checks {
    enum bf_check mode;
    long long left_ms; // of the time that all checks may take together
    bool changed;      // the finalizer has been at work: damage is a failure, not a refusal
};

// What a plan asks for; without a plan (inspect, undo), the default.
struct bf_checks bf_checks_of(const struct bf_plan *plan);
// Checks one file system that is not mounted. The journal of one that was not unmounted is played
// back first, as its next start would do: without that it looks damaged. What a live copy leaves
// (a dirty mark, a dirty log) is no damage. A check that does not come to its end in time, or for
// want of memory, is noted. After damage: BF_ERR_CONFIG or BF_ERR_IO, and the report says what to
// do.
enum bf_err bf_vm_check(struct bf_checks *checks, const struct bf_device *dev,
                        struct bf_fin_report *report);

#endif
