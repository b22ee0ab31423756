// SPDX-License-Identifier: Apache-2.0
// The screen of a machine that lives elsewhere: where, why it is not left on, what brings it back,
// and what else keeps it off, since a medium cannot do that alone (docs/fencing.md).
#include "boot/screen_fenced.h"

#include "base/bytes.h"
#include "boot/screen_table.h"

enum { TOP = 2, TEXT = BF_SCREEN_LEFT + 13 };

static const char *const also[] = {
    "- shut down its ports at the switch, or pull its network cables",
    "- delete the boot entry of its own system in the firmware's setup",
    "- have its management controller keep the power off after a power loss",
};

// Returns the row behind it and a blank one.
static uint32_t paragraph(struct bf_grid *g, uint32_t row, uint32_t column, enum bf_tone tone,
                          const char *text)
{
    uint32_t width = g->columns - BF_SCREEN_LEFT - column;
    return row + bf_grid_wrap(g, row, column, width, 3, tone, text) + 1;
}

void bf_screen_fenced(const struct bf_screen *s, struct bf_grid *g)
{
    uint32_t row = TOP;
    bf_grid_put(g, row, BF_SCREEN_LEFT, BF_TONE_BAD, "THIS MACHINE LIVES ELSEWHERE NOW");
    row += 2;
    if (s->fault) {
        bf_grid_put(g, row, BF_SCREEN_LEFT, BF_TONE_DIM, "What");
        row = paragraph(g, row, TEXT, BF_TONE_BRIGHT, s->fault->what);
        bf_grid_put(g, row, BF_SCREEN_LEFT, BF_TONE_DIM, "What to do");
        row = paragraph(g, row, TEXT, BF_TONE_BRIGHT, s->fault->todo);
    }
    row = s->fence_off
              ? paragraph(g, row, BF_SCREEN_LEFT, BF_TONE_BAD,
                          "THIS MEDIUM HAS fence=off: IT DOES NOT KEEP THIS MACHINE OFF. If the "
                          "system on its disks starts, there are two of this machine.")
              : paragraph(g, row, BF_SCREEN_LEFT, BF_TONE_NORMAL,
                          "It will be powered off, so that there are not two of it. Nothing on its "
                          "disks was changed.");
    row = paragraph(g, row, BF_SCREEN_LEFT, BF_TONE_WARN,
                    s->fence_off ? "What keeps it off without this medium:"
                                 : "This works only while this medium comes first in the boot "
                                   "order. Do one of these as well:") -
          1;
    for (uint32_t i = 0; i < BF_COUNT(also); i++)
        bf_grid_put(g, row++, BF_SCREEN_LEFT, BF_TONE_NORMAL, also[i]);
}
