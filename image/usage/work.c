// SPDX-License-Identifier: Apache-2.0
// Budgets of work, and the watch that sees it: see image/usage/work.h.
#include "image/usage/work.h"

#include "base/fmt.h"

void bf_work_begin(struct bf_work *w, enum bf_usage_step step, uint32_t disk, const char *place,
                   uint64_t budget)
{
    w->now = (struct bf_work_step){step, disk, place, budget, budget};
    w->over = 0;
}

int bf_work_is_over(const struct bf_work *w)
{
    return w->over || w->stopped;
}

int bf_work_turn(struct bf_work *w)
{
    static const char *const names[BF_STEPS] = {
        "partition table", "marks", "RAID", "LVM", "map", "map", "map"};
    struct bf_usage_look look = {w->now.disk, w->now.place, names[w->now.step],
                                 w->now.limit - w->now.left};
    w->since = 0;
    if (!w->stopped && w->watch && w->watch->turn(w->watch->user, &look))
        w->stopped = 1;
    return !bf_work_is_over(w);
}

int bf_work_spend(struct bf_work *w, uint64_t bytes)
{
    if (!w)
        return 1;
    w->total += bytes;
    w->since += bytes;
    if (bytes > w->now.left) {
        w->over = 1;
        w->now.left = 0;
    } else {
        w->now.left -= bytes;
    }
    return w->since < BF_WORK_TURN ? !bf_work_is_over(w) : bf_work_turn(w);
}

const char *bf_work_why(struct bf_work *w)
{
    static const char *const subjects[BF_STEPS] = {
        "its partition table",    "the search for signatures", "its RAID metadata",
        "its LVM metadata",       "its map of what is used",   "the mapping of its disk",
        "its map of what is used"};
    char *why = w->why[w->now.step];
    if (!w->over)
        return "looking at the disks was stopped";
    bf_snprintf(why, BF_WORK_WHY, "%s needs more than %u MiB of reading", subjects[w->now.step],
                (uint32_t)(w->now.limit / BF_WORK_MIB));
    return why;
}
