// SPDX-License-Identifier: Apache-2.0
// The middle of the last screen of an assessment.
#ifndef BF_BOOT_SCREEN_ASSESSED_H
#define BF_BOOT_SCREEN_ASSESSED_H

#include "boot/screen_grid.h"

// Up to row `tail`, and without what comes next.
void bf_screen_assessed(const struct bf_screen *screen, struct bf_grid *grid, uint32_t tail);
// "2 h 05 min", "3 days"
void bf_screen_duration(char *out, size_t size, uint64_t seconds);

#endif
