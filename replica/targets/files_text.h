// SPDX-License-Identifier: Apache-2.0
// What stands beside the disks that the target `files:` makes: how to make the machine of them with
// QEMU, Proxmox VE or Incus, and a domain of libvirt.
#ifndef BF_REPLICA_TARGETS_FILES_TEXT_H
#define BF_REPLICA_TARGETS_FILES_TEXT_H

#include "finalize/core/text.h"
#include "replica/targets/target.h"

struct bf_files_text {
    const char *name; // of the file
    unsigned mode;
    void (*write)(struct bf_text *out, const struct bf_tgt_machine *m, bool raw);
};

// Ended by one without a name.
extern const struct bf_files_text bf_files_texts[];

#endif
