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

// files_head.c: the first lines of each script: what it is, and that it works in its own folder.
void bf_files_head(struct bf_text *out, const struct bf_tgt_machine *m, const char *what);

// libvirt_files.c: the definition of a domain, whose disks are in BF_FILES_FOLDER, and the script
// that puts the folder's real name there. Without libvirt, both write nothing.
#define BF_FILES_FOLDER "/FOLDER"
void bf_files_write_domain(struct bf_text *out, const struct bf_tgt_machine *m, bool raw);
void bf_files_write_libvirt(struct bf_text *out, const struct bf_tgt_machine *m, bool raw);

// files_text.c: ended by one without a name. A file whose text is empty is left out.
extern const struct bf_files_text bf_files_texts[];

#endif
