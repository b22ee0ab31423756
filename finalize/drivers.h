// SPDX-License-Identifier: Apache-2.0
// What a kind of target machine needs in an initramfs: the drivers of its disks first, then of its
// network interfaces and consoles.
#ifndef BF_FINALIZE_DRIVERS_H
#define BF_FINALIZE_DRIVERS_H

struct bf_target {
    const char *name;
    const char *const *disk;  // NULL-terminated module names; one of them reaches the root disk
    const char *const *other; // NULL-terminated: wanted, but a kernel without them still starts
};

// The target of that name, or NULL.
const struct bf_target *bf_target_find(const char *name);
// All names, joined by ", ".
const char *bf_target_names(void);

#endif
