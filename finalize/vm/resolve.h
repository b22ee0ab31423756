// SPDX-License-Identifier: Apache-2.0
// Which device a mount point's line means, when its name alone does not say it.
#ifndef BF_FINALIZE_VM_RESOLVE_H
#define BF_FINALIZE_VM_RESOLVE_H

#include "finalize/core/devices.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"
#include "finalize/vm/wanted.h"

// Everything is borrowed.
struct bf_resolve {
    struct bf_devices *devices;
    const struct bf_plan *plan; // NULL: none
    const struct bf_wanted_list *wanted;
    const struct bf_fin_root *root; // the tree as far as it is mounted
    struct bf_fin_report *report;
};

// The device of a line that is needed; NULL when it is not known. Names that stay with the device
// come first, then what the plan says, then the content: exactly one file system that no other line
// means, of the line's type and partition number, holds what belongs there. That is noted in the
// report, and the name becomes an alias of the device. *err: BF_OK, or BF_ERR_CONFIG after a
// refusal, when the line's file system is needed and not known.
struct bf_device *bf_vm_resolve(const struct bf_resolve *r, const struct bf_want *w,
                                enum bf_err *err);
// The swap area of a line that has a name of the old hardware, when there is one area and one such
// line: its name becomes an alias.
void bf_vm_resolve_swap(const struct bf_resolve *r);

#endif
