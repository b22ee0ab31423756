// SPDX-License-Identifier: Apache-2.0
// How much work a disk may cause. What a disk says is hostile: whoever reads it counts what that
// takes, in bytes: those taken from the disks and the cache, those of a text that is walked,
// several times those under a slow checksum, and a few for each record that is compared. Each step
// of looking at disks has a budget. When it is spent, every read fails with BF_ERR_LIMIT until the
// next step begins, so that what was found in this one is not to be believed: it is copied whole,
// and the reason names the step.
#ifndef BF_IMAGE_USAGE_WORK_H
#define BF_IMAGE_USAGE_WORK_H

#include <stdint.h>

#include "image/usage/usage.h"

enum bf_usage_step {
    BF_STEP_TABLE,  // the partition table of a disk
    BF_STEP_MARKS,  // of owners: on all partitions of a disk, or on all volumes
    BF_STEP_RAID,   // all arrays
    BF_STEP_LVM,    // all groups
    BF_STEP_MAP,    // of one place, until the first answer
    BF_STEP_MAPS,   // of all places of a disk
    BF_STEP_ANSWER, // of one map, while the disk is copied
    BF_STEPS,
};

enum {
    BF_WORK_WHY = 80,
    BF_WORK_MIB = 1 << 20,
    BF_WORK_TURN = 1 << 20, // bytes between two calls of the watch, and each read of a disk
};

// A step under way.
struct bf_work_step {
    enum bf_usage_step step;
    uint32_t disk;
    const char *place; // "": none
    uint64_t limit, left;
};

struct bf_work {
    const struct bf_usage_watch *watch; // may be NULL
    struct bf_work_step now;
    uint64_t total;                  // since the beginning
    uint64_t since;                  // the watch was called
    uint8_t over;                    // the budget of the step is spent
    uint8_t stopped;                 // the watch wants no more: nothing is read any more
    char why[BF_STEPS][BF_WORK_WHY]; // of each kind of step whose budget was spent
};

// Begins a step. place lives as long as the step.
void bf_work_begin(struct bf_work *w, enum bf_usage_step step, uint32_t disk, const char *place,
                   uint64_t budget);
// Counts work before it is done. 0: it is not to be done. NULL counts nothing.
int bf_work_spend(struct bf_work *w, uint64_t bytes);
// A read of a disk is next: the watch is called whatever was counted. 0: it is not to be done.
int bf_work_turn(struct bf_work *w);
// The step was not finished: it took too much, or the watch stopped it.
int bf_work_is_over(const struct bf_work *w);
// Why, for people: "its LVM metadata needs more than 512 MiB of reading". Valid as long as w.
const char *bf_work_why(struct bf_work *w);

#endif
