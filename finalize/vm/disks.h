// SPDX-License-Identifier: Apache-2.0
// The disks inside the small VM, and what they hold.
#ifndef BF_FINALIZE_VM_DISKS_H
#define BF_FINALIZE_VM_DISKS_H

#include "finalize/core/devices.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"

// Lists and probes every disk and partition.
void bf_vm_probe(struct bf_devices *devices, struct bf_fin_report *report);
// Gives up hibernation images in swap partitions and volumes.
void bf_vm_discard_hibernation(struct bf_devices *devices, struct bf_fin_report *report);
// The device node of a device, /dev/vda2 or /dev/dm-0.
void bf_vm_node(const struct bf_device *dev, char *out, size_t size);

#endif
