// SPDX-License-Identifier: Apache-2.0
// LUKS devices inside the small VM.
#ifndef BF_FINALIZE_VM_UNLOCK_H
#define BF_FINALIZE_VM_UNLOCK_H

#include "finalize/core/devices.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"

// Opens one LUKS device as /dev/mapper/luks-UUID, and says to what its keys are bound. Without a
// key in the plan it stays closed, which is noted. BF_ERR_CONFIG after a refusal: the plan's key
// does not open it, or it cannot be tried here.
enum bf_err bf_vm_unlock(const struct bf_device *dev, const struct bf_plan *plan,
                         struct bf_fin_report *report);
// The device that it was opened as; NULL: it is closed.
const struct bf_device *bf_vm_opened(const struct bf_devices *devices, const struct bf_device *dev);
// Says which of the plan's keys are for no device of these disks.
void bf_vm_note_unused_keys(const struct bf_devices *devices, const struct bf_plan *plan,
                            struct bf_fin_report *report);

#endif
