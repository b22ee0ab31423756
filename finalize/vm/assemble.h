// SPDX-License-Identifier: Apache-2.0
// Arrays, logical volumes and encrypted devices inside the small VM.
#ifndef BF_FINALIZE_VM_ASSEMBLE_H
#define BF_FINALIZE_VM_ASSEMBLE_H

#include "finalize/core/devices.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"

// Starts md arrays, opens LUKS devices that the plan has keys for, activates volume groups, and
// probes what appears, until nothing new does. What is not complete is said. No array is rebuilt:
// that is for the machine that it belongs to. BF_ERR_CONFIG after a refusal: a key of the plan does
// not open its device.
enum bf_err bf_vm_assemble(struct bf_devices *devices, const struct bf_plan *plan,
                           struct bf_fin_report *report);
// Stops what was assembled, so that its metadata is written out.
void bf_vm_disassemble(const struct bf_devices *devices);

#endif
