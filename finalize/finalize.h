// SPDX-License-Identifier: Apache-2.0
// One finalization of one root directory. What the plan wants, the steps of the rooms below do.
#ifndef BF_FINALIZE_FINALIZE_H
#define BF_FINALIZE_FINALIZE_H

#include "finalize/core/devices.h"
#include "finalize/core/mode.h"
#include "finalize/core/plan.h"
#include "finalize/core/report.h"

// Runs one mode on a root. `plan` may be NULL for inspection and undo. The report is always filled;
// BF_OK when its result is "ok".
enum bf_err bf_finalize(struct bf_fin_root *root, enum bf_mode mode, const struct bf_plan *plan,
                        const struct bf_devices *devices, struct bf_fin_report *report);

// Has `at` told of each file that is worked on from now on, with the step; NULL: nobody.
void bf_finalize_watch(void (*at)(const char *step, const char *file));

#endif
