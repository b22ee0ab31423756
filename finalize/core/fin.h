// SPDX-License-Identifier: Apache-2.0
// One finalization of one root directory: the core of the program. It reads and edits files below a
// descriptor and never runs anything of the guest, so it is tested on plain directory trees.
#ifndef BF_FINALIZE_CORE_FIN_H
#define BF_FINALIZE_CORE_FIN_H

#include "finalize/core/devices.h"
#include "finalize/target/targets.h"
#include "finalize/core/edit.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"
#include "finalize/system/system.h"

enum bf_mode { BF_MODE_INSPECT, BF_MODE_DRY_RUN, BF_MODE_APPLY, BF_MODE_UNDO };

// What the adapters share. Everything is borrowed from bf_finalize()'s frame.
struct bf_fin {
    struct bf_fin_root *root;
    struct bf_edits edits;
    struct bf_fin_report *report;
    const struct bf_plan *plan; // NULL for inspection
    const struct bf_devices *devices;
    const struct bf_target *target; // NULL for inspection
    struct bf_system system;        // what inspection found
    struct bf_budget budget;        // of the step at work
};

const char *bf_mode_name(enum bf_mode mode);
bool bf_mode_parse(const char *name, enum bf_mode *mode);

// Runs one mode on a root. `plan` may be NULL for inspection and undo. The report is always filled;
// 0 when its result is "ok".
int bf_finalize(struct bf_fin_root *root, enum bf_mode mode, const struct bf_plan *plan,
                const struct bf_devices *devices, struct bf_fin_report *report);

// Has `at` told of each file that is worked on from now on, with the step; NULL: nobody.
void bf_finalize_watch(void (*at)(const char *step, const char *file));

// The inspection: the system, then its network. It fills f->system and only reads.
void bf_inspect(struct bf_fin *f);
void bf_inspect_network(struct bf_fin *f);

// The adapters, in the order in which they run. Each reads what it needs, adds edits and notes, and
// returns -1 after bf_refuse() or bf_fail() when the system cannot be finalized as planned.
int bf_adapt_hibernation(struct bf_fin *f);
int bf_adapt_hostname(struct bf_fin *f);
int bf_adapt_network(struct bf_fin *f);
int bf_adapt_fstab(struct bf_fin *f);
int bf_adapt_boot(struct bf_fin *f);
int bf_adapt_efi(struct bf_fin *f);
int bf_adapt_initramfs(struct bf_fin *f);

// Sets a file through the edit set, and notes a failure as a skipped file. 0 or -1.
int bf_fin_set(struct bf_fin *f, const char *path, const struct bf_text *content, const char *why);

#endif
