// SPDX-License-Identifier: Apache-2.0
// Which disks are migrated: `disk=` applied to the inventory. A selector that fits no disk, or more
// than one, stops the program, and the list of disks is shown.
#ifndef BF_MIGRATE_DISK_PLAN_H
#define BF_MIGRATE_DISK_PLAN_H

#include "base/config.h"
#include "base/err.h"
#include "image/block.h"
#include "net/proto/proto.h"

// Sets planned, named and why of every disk. On entry, why is not empty for disks that must not be
// read (boot medium, CD, empty drive) or are left out by default (removable, why begins with
// "removable"). Without disk=, or with disk=all, every disk without a reason is planned (named with
// disk=all only: what merely appeared is not what somebody asked for); a selector may name a
// removable disk, never one with another reason. Fails with BF_ERR_MISMATCH (fits none or several)
// or BF_ERR_NOT_FOUND (nothing to migrate) and a fault.
enum bf_err bf_disk_plan_apply(const struct bf_config *config, struct bf_inventory *inventory,
                               struct bf_fault *fault);

// Looks for hibernated systems on volumes that may lie on several of the planned disks, which a
// look at each disk alone (image/probe.h) does not find; sets hibernated and tells the log. disk[i]
// is the source of the inventory's disk i, NULL when it is not planned. watch is called meanwhile;
// it may be NULL (image/usage/usage.h).
struct bf_usage_watch;
void bf_disk_plan_hibernation(struct bf_inventory *inventory, struct bf_source_disk *const *disk,
                              const struct bf_usage_watch *watch);

#endif
