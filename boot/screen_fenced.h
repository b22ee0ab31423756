// SPDX-License-Identifier: Apache-2.0
// The middle of the screen of a machine that lives elsewhere.
#ifndef BF_BOOT_SCREEN_FENCED_H
#define BF_BOOT_SCREEN_FENCED_H

#include "boot/screen_grid.h"

// Up to the rows that all screens share, and without what comes next.
void bf_screen_fenced(const struct bf_screen *screen, struct bf_grid *grid);

#endif
