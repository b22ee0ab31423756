// SPDX-License-Identifier: Apache-2.0
// Large letters made of blocks, to be read from across the room. Only the characters that the
// screens use: digits, '%', and the letters of their big words.
#ifndef BF_BOOT_SCREEN_FONT_H
#define BF_BOOT_SCREEN_FONT_H

#include <stdint.h>

enum { BF_FONT_ROWS = 5, BF_FONT_COLUMNS = 5 };

// Row by row, the leftmost column in bit 4; NULL for a character that it does not have.
const uint8_t *bf_font_glyph(char c);

#endif
