// SPDX-License-Identifier: Apache-2.0
// Drawing on the grid: text, bars, large letters. Everything is clipped at the edges.
#ifndef BF_BOOT_SCREEN_GRID_H
#define BF_BOOT_SCREEN_GRID_H

#include <stdint.h>

#include "boot/screen_layout.h"

void bf_grid_clear(struct bf_grid *grid);
void bf_grid_fill(struct bf_grid *grid, uint32_t row, enum bf_tone tone); // a whole row
// Returns the column behind the text.
uint32_t bf_grid_put(struct bf_grid *grid, uint32_t row, uint32_t column, enum bf_tone tone,
                     const char *text);
uint32_t bf_grid_putf(struct bf_grid *grid, uint32_t row, uint32_t column, enum bf_tone tone,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));
// Ends at the given column instead of beginning there.
void bf_grid_put_right(struct bf_grid *grid, uint32_t row, uint32_t end, enum bf_tone tone,
                       const char *text);
// Breaks at spaces into lines of width; at most rows of them. Returns how many there are.
uint32_t bf_grid_wrap(struct bf_grid *grid, uint32_t row, uint32_t column, uint32_t width,
                      uint32_t rows, enum bf_tone tone, const char *text);
// Of width cells: solid up to part, the rest as an empty track. It fills its cells, so the rows
// above and below must stay free.
void bf_grid_bar(struct bf_grid *grid, uint32_t row, uint32_t column, uint32_t width, uint64_t part,
                 uint64_t total);
// A bar for a table: a double line up to done, a single one up to ahead, the rest as an empty
// track. Lines do not touch those of the next row, as blocks do.
void bf_grid_rule(struct bf_grid *grid, uint32_t row, uint32_t column, uint32_t width,
                  uint64_t done, uint64_t ahead, uint64_t total);
// Large letters, five rows high. A cell is about twice as high as wide, so a dot takes two.
enum { BF_GRID_LARGE_COLUMNS = 11 };
void bf_grid_large(struct bf_grid *grid, uint32_t row, uint32_t column, enum bf_tone tone,
                   const char *text);

#endif
