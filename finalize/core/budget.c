// SPDX-License-Identifier: Apache-2.0
// See budget.h.
#include "finalize/core/budget.h"

#include <stdio.h>

#include "base/assert.h"

void bf_budget_begin(struct bf_budget *b, const char *step)
{
    BF_ASSERT(step && b->left <= BF_BUDGET_STEP);
    b->step = step;
    b->left = BF_BUDGET_STEP;
    if (b->at)
        b->at(step, "");
}

bool bf_budget_is_over(const struct bf_budget *b)
{
    return b->over[0] != 0;
}

void bf_budget_exceed(struct bf_budget *b, const char *file, const char *what)
{
    BF_ASSERT(file && what[0]); // they end a sentence
    if (b && !bf_budget_is_over(b))
        snprintf(b->over, sizeof b->over, "step %s: %.300s %s", b->step ? b->step : "?", file,
                 what);
}

enum bf_err bf_budget_take(struct bf_budget *b, const char *file, uint64_t units)
{
    if (!b)
        return BF_OK;
    BF_ASSERT(b->step && b->left <= BF_BUDGET_STEP); // begun, and never given back
    if (b->at)
        b->at(b->step, file);
    if (!bf_budget_is_over(b) && units <= b->left) {
        b->left -= units;
        return BF_OK;
    }
    bf_budget_exceed(b, file,
                     "needs more work, together with what was read before it, than a step may do");
    return BF_ERR_LIMIT;
}
