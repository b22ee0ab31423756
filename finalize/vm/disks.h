// SPDX-License-Identifier: Apache-2.0
// The disks inside the small VM: kernel modules, probing, and putting arrays, volumes and LUKS
// together.
#ifndef BF_FINALIZE_VM_DISKS_H
#define BF_FINALIZE_VM_DISKS_H

#include "finalize/core/devices.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"

// Loads a group of modules of /modules/groups; what fails is built in or will be missed later.
void bf_vm_load_modules(const char *group);
// Lists and probes every disk and partition.
void bf_vm_probe(struct bf_devices *devices, struct bf_fin_report *report);
// Starts md arrays, opens LUKS devices that the plan has keys for, activates volume groups, and
// probes what appears, until nothing new does.
void bf_vm_assemble(struct bf_devices *devices, const struct bf_plan *plan,
                    struct bf_fin_report *report);
// Gives up hibernation images in swap partitions and volumes.
void bf_vm_discard_hibernation(struct bf_devices *devices, struct bf_fin_report *report);
// Stops what was assembled, so that its metadata is written out.
void bf_vm_disassemble(void);
// The device node of a device, /dev/vda2 or /dev/dm-0.
void bf_vm_node(const struct bf_device *dev, char *out, size_t size);

#endif
