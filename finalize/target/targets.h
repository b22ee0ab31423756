// SPDX-License-Identifier: Apache-2.0
// What a kind of target machine needs in an initramfs: the drivers of its disks, what these work
// with, and those of its network interfaces and consoles.
#ifndef BF_FINALIZE_TARGET_TARGETS_H
#define BF_FINALIZE_TARGET_TARGETS_H

#include "finalize/core/text.h"

struct bf_target {
    const char *name;
    // Names of modules, each list ended by NULL.
    const char *const *disk;  // controllers; one of them reaches the root disk
    const char *const *other; // wanted, but a kernel without them still starts
    const char *const *bus;   // what no module names as its need, and disks are not found without
};

// The rows, as they are listed when a plan names none of them.
#define BF_TARGETS(ROW)                                                                            \
    ROW(bf_target_qemu_virtio)                                                                     \
    ROW(bf_target_kvm)                                                                             \
    ROW(bf_target_vmware)                                                                          \
    ROW(bf_target_hyperv)                                                                          \
    ROW(bf_target_azure)                                                                           \
    ROW(bf_target_aws)                                                                             \
    ROW(bf_target_gcp)                                                                             \
    ROW(bf_target_xen)                                                                             \
    ROW(bf_target_metal)                                                                           \
    ROW(bf_target_generic)

#define BF_TARGET(row) extern const struct bf_target row;
BF_TARGETS(BF_TARGET)

// The table that tables.c makes of them, ended by NULL.
extern const struct bf_target *const bf_targets[];

// The target of that name in a table, or NULL.
const struct bf_target *bf_target_find(const struct bf_target *const *table, const char *name);
// Appends all names of a table, joined by ", ".
void bf_target_names(const struct bf_target *const *table, struct bf_text *out);

#endif
