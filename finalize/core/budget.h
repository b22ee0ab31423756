// SPDX-License-Identifier: Apache-2.0
// How much work a step of a finalization may make of a guest's files: counted, not timed, so a
// guest that means harm is refused in the same way on a slow machine as on a fast one, and before
// anything is written. A step is an adapter, or the inspection. What goes over the budget stays
// over: whatever the step makes of what it could not read, the run is refused with the step's and
// the file's name.
#ifndef BF_FINALIZE_CORE_BUDGET_H
#define BF_FINALIZE_CORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// Units: one byte that a parser gets; a path that is resolved, a name of a directory or an archive
// and a device that is looked up cost more. Bytes that are only unpacked, or go by while an archive
// is read, cost less: an initramfs has a hundred million of them. A large real system takes about a
// hundredth.
#define BF_BUDGET_STEP   ((uint64_t)128 << 20)
#define BF_BUDGET_PATH   ((uint64_t)2048)
#define BF_BUDGET_NAME   ((uint64_t)128)
#define BF_BUDGET_LOOKUP ((uint64_t)16384)
#define BF_BUDGET_UNPACK ((uint64_t)64) // bytes of one unit

struct bf_budget {
    const char *step; // at work
    uint64_t left;
    char over[512]; // what went over it, for a sentence that names the step; "" for nothing
    // Told of each file before it is worked on; NULL: nobody is.
    void (*at)(const char *step, const char *file);
};

// Begins a step with a whole budget. What went over before stays.
void bf_budget_begin(struct bf_budget *b, const char *step);

// Takes units for work on a file. BF_ERR_LIMIT when the budget is over; a budget of NULL has no
// end.
enum bf_err bf_budget_take(struct bf_budget *b, const char *file, uint64_t units);

// The file alone is too much: it has more of something than any system needs.
void bf_budget_exceed(struct bf_budget *b, const char *file, const char *what);

bool bf_budget_is_over(const struct bf_budget *b);

#endif
