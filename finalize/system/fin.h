// SPDX-License-Identifier: Apache-2.0
// What the steps of one finalization share. They read and edit files below a descriptor and never
// run anything of the guest, so they are tested on plain directory trees.
#ifndef BF_FINALIZE_SYSTEM_FIN_H
#define BF_FINALIZE_SYSTEM_FIN_H

#include "finalize/core/devices.h"
#include "finalize/core/edit.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"
#include "finalize/system/selinux.h"
#include "finalize/system/system.h"

struct bf_target;
struct bf_link;
struct bf_old;

// Everything is borrowed from bf_finalize()'s frame, but for what says otherwise.
struct bf_fin {
    struct bf_fin_root *root;
    struct bf_edits edits;
    struct bf_fin_report *report;
    const struct bf_plan *plan; // NULL for inspection
    const struct bf_devices *devices;
    const struct bf_target *target; // NULL for inspection
    // All that are known, ended by NULL: a row of a table names none, so that it needs no other.
    const struct bf_architecture *const *architectures;
    struct bf_system system; // what inspection found
    struct bf_link *links;   // the plan's interfaces as they were found; owned; NULL: not yet
    // Appends what becomes of a word of the kernel's command line that configures the network;
    // false, with nothing appended, when it stays. NULL: the plan has no interfaces.
    bool (*network_word)(const struct bf_fin *f, const char *word, size_t len, struct bf_text *out);
    // bf_initramfs_extend() of initramfs/extend.h, for an initramfs inside another file.
    enum bf_err (*extend_initramfs)(struct bf_fin *f, const char *path, const char *version,
                                    uint64_t offset, uint64_t len, uint64_t *own,
                                    struct bf_text *tail, bool *modules);
    struct bf_old *old;      // what the network's step gave up; owned; NULL: nothing
    struct bf_budget budget; // of the step at work
    struct bf_labels labels; // of what is made new; owned
};

// The content of a file that a step rewrites, as bf_edits_get() has it. NULL with BF_OK in *err
// when it is not there, or after a refusal when it cannot be read.
const char *bf_fin_get(struct bf_fin *f, const char *path, size_t *len, enum bf_err *err);
// Visits each file of a folder that ends in `suffix`, by its path, until one fails.
enum bf_err bf_fin_each(struct bf_fin *f, const char *dir, const char *suffix,
                        enum bf_err (*visit)(struct bf_fin *f, const char *path, void *arg),
                        void *arg);
// Sets a file through the edit set. After a failure the report says why.
enum bf_err bf_fin_set(struct bf_fin *f, const char *path, const struct bf_text *content,
                       const char *why);
// The same, with the permissions of a file that is created; above they are 0644.
enum bf_err bf_fin_set_mode(struct bf_fin *f, const char *path, const struct bf_text *content,
                            unsigned mode, const char *why);

#endif
