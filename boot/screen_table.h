// SPDX-License-Identifier: Apache-2.0
// One table of all the storage that the machine has: the disks that are sent, what cannot be seen,
// the disks that are left out, and the controllers without a disk, in this order.
#ifndef BF_BOOT_SCREEN_TABLE_H
#define BF_BOOT_SCREEN_TABLE_H

#include "boot/screen_layout.h"

enum { BF_SCREEN_LEFT = 2 }; // the margin on both sides

uint32_t bf_screen_table_rows(const struct bf_screen *s); // that it would like to have
// Takes at most `rows`; the last one counts what does not fit. Nothing without an inventory.
void bf_screen_table(const struct bf_screen *s, struct bf_grid *g, uint32_t row, uint32_t rows);

// 100 only when everything is there.
uint32_t bf_screen_percent(uint64_t part, uint64_t total);

#endif
