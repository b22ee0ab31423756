// SPDX-License-Identifier: Apache-2.0
// Drawing on the grid of characters. See boot/screen_grid.h.
#include "boot/screen_grid.h"

#include <stdarg.h>
#include <string.h>

#include "base/fmt.h"
#include "boot/screen_font.h"

static void set(struct bf_grid *grid, uint32_t row, uint32_t column, enum bf_tone tone, char c)
{
    if (row < grid->rows && column < grid->columns)
        grid->cell[row][column] = (struct bf_cell){c, (uint8_t)tone};
}

void bf_grid_fill(struct bf_grid *grid, uint32_t row, enum bf_tone tone)
{
    for (uint32_t i = 0; i < grid->columns; i++)
        set(grid, row, i, tone, ' ');
}

void bf_grid_clear(struct bf_grid *grid)
{
    for (uint32_t i = 0; i < grid->rows; i++)
        bf_grid_fill(grid, i, BF_TONE_NORMAL);
}

uint32_t bf_grid_put(struct bf_grid *grid, uint32_t row, uint32_t column, enum bf_tone tone,
                     const char *text)
{
    for (; *text; text++)
        set(grid, row, column++, tone, *text >= 0x20 && *text < 0x7f ? *text : '?');
    return column;
}

uint32_t bf_grid_putf(struct bf_grid *grid, uint32_t row, uint32_t column, enum bf_tone tone,
                      const char *format, ...)
{
    char text[BF_SCREEN_MAX_COLUMNS + 1];
    va_list args;
    va_start(args, format);
    bf_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return bf_grid_put(grid, row, column, tone, text);
}

void bf_grid_put_right(struct bf_grid *grid, uint32_t row, uint32_t end, enum bf_tone tone,
                       const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    bf_grid_put(grid, row, len < end ? end - len : 0, tone, text);
}

// How much of the text goes into one line, and how much of it is then used up.
static size_t line_length(const char *text, size_t width, size_t *used)
{
    size_t len = strlen(text), at = width;
    if (len <= width) {
        *used = len;
        return len;
    }
    while (at && text[at] != ' ')
        at--;
    *used = at ? at + 1 : width;
    return at ? at : width;
}

uint32_t bf_grid_wrap(struct bf_grid *grid, uint32_t row, uint32_t column, uint32_t width,
                      uint32_t rows, enum bf_tone tone, const char *text)
{
    uint32_t used_rows = 0;
    while (*text && used_rows < rows) {
        char line[BF_SCREEN_MAX_COLUMNS + 1];
        size_t used, len = line_length(text, width < sizeof line ? width : sizeof line - 1, &used);
        memcpy(line, text, len);
        line[len] = 0;
        bf_grid_put(grid, row + used_rows++, column, tone, line);
        text += used;
    }
    return used_rows;
}

// part / total of width, without overflow: both are shifted into 32 bits first.
static uint32_t scaled(uint64_t part, uint64_t total, uint32_t width)
{
    while (total >> 32) {
        total >>= 1;
        part >>= 1;
    }
    if (!total)
        return 0;
    return (uint32_t)((part < total ? part : total) * width / total);
}

void bf_grid_bar(struct bf_grid *grid, uint32_t row, uint32_t column, uint32_t width, uint64_t part,
                 uint64_t total)
{
    uint32_t solid = scaled(part, total, width);
    for (uint32_t i = 0; i < width; i++)
        set(grid, row, column + i, i < solid ? BF_TONE_BAR : BF_TONE_DIM,
            i < solid ? BF_CELL_BLOCK : '.');
}

void bf_grid_rule(struct bf_grid *grid, uint32_t row, uint32_t column, uint32_t width,
                  uint64_t done, uint64_t ahead, uint64_t total)
{
    uint32_t thick = scaled(done, total, width), thin = scaled(ahead, total, width);
    for (uint32_t i = 0; i < width; i++)
        if (i < thick)
            set(grid, row, column + i, BF_TONE_BAR, BF_CELL_DOUBLE);
        else if (i < thin)
            set(grid, row, column + i, BF_TONE_BAR, BF_CELL_SINGLE);
        else
            set(grid, row, column + i, BF_TONE_DIM, '.');
}

void bf_grid_large(struct bf_grid *grid, uint32_t row, uint32_t column, enum bf_tone tone,
                   const char *text)
{
    for (; *text; text++, column += BF_GRID_LARGE_COLUMNS) {
        const uint8_t *glyph = bf_font_glyph(*text);
        for (uint32_t y = 0; glyph && y < BF_FONT_ROWS; y++)
            for (uint32_t x = 0; x < 2 * BF_FONT_COLUMNS; x++)
                if (glyph[y] >> (BF_FONT_COLUMNS - 1 - x / 2) & 1)
                    set(grid, row + y, column + x, tone, BF_CELL_BLOCK);
    }
}
