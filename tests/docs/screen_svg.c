// SPDX-License-Identifier: Apache-2.0
// Prints the screen of a run as docs/screen.svg: the program's own layout, with made-up figures.
// Text is set in runs of one colour, each stretched to its cells; blocks and lines are drawn.
#include <stdio.h>
#include <string.h>

#include "boot/screen_layout.h"

enum { CELL_X = 9, CELL_Y = 18, BASE = 14, COLUMNS = 80, ROWS = 25 };

static struct bf_inventory inventory;
static struct bf_progress progress;
static struct bf_screen screen;
static struct bf_grid grid;

static const char *const colours[] = {
    [BF_TONE_NORMAL] = "#aaa", [BF_TONE_DIM] = "#0aa",  [BF_TONE_BRIGHT] = "#fff",
    [BF_TONE_TITLE] = "#fff",  [BF_TONE_GOOD] = "#5f5", [BF_TONE_WARN] = "#ff5",
    [BF_TONE_BAD] = "#f55",    [BF_TONE_BAR] = "#5ff",
};

// ---- What is shown -----------------------------------------------------------------------------

static void add_disk(const char *model, const char *serial, uint64_t gib, uint64_t percent,
                     const char *why)
{
    struct bf_inventory_disk *d = &inventory.disk[inventory.disks];
    struct bf_progress_disk *p = &progress.disk[inventory.disks++];
    snprintf(d->identity.model, sizeof d->identity.model, "%s", model);
    snprintf(d->identity.serial, sizeof d->identity.serial, "%s", serial);
    snprintf(d->why, sizeof d->why, "%s", why);
    d->identity.bytes = p->bytes = gib << 30;
    d->planned = p->planned = !why[0];
    p->position = p->bytes * percent / 100;
    p->durable = p->position - p->position / 20 * (percent < 100);
    progress.disks = inventory.disks;
    if (!d->planned)
        return;
    progress.bytes_total += p->bytes;
    progress.bytes_position += p->position;
}

static void fill(void)
{
    progress.phase = BF_PHASE_COPYING;
    snprintf(progress.machine, sizeof progress.machine, "%s", "web-1");
    snprintf(progress.server, sizeof progress.server, "%s", "replica.example.net:7667");
    progress.connections = 1;
    add_disk("Samsung SSD 870", "S5SVNG0N", 466, 100, "");
    add_disk("WDC WD40EFRX", "WD-WCC4E0", 3726, 41, "");
    add_disk("Generic USB", "0123", 15, 0, "Bootferry was started from it");
    progress.read_bytes = 1201ull << 30;
    progress.sent_bytes = 734ull << 30;
    progress.unused_bytes = 793ull << 30;
    progress.rate = 231ull << 20;
    progress.eta_seconds = 9970;
    screen.kind = BF_SCREEN_RUNNING;
    screen.version = BF_VERSION;
    screen.inventory = &inventory;
    screen.progress = &progress;
    screen.link = 1;
    screen.elapsed_seconds = 5471;
    screen.memory_used = 23ull << 20;
    screen.memory_limit = 64ull << 20;
    snprintf(screen.nic, sizeof screen.nic, "%s", "52:54:00:12:34:56 (PCI 00:1f.6)");
    snprintf(screen.address, sizeof screen.address, "%s", "192.0.2.77/24");
    bf_screen_event(&screen, "AES-GCM: vaes, vpclmul");
    bf_screen_event(&screen, "connected to replica.example.net:7667 as web-1");
    bf_screen_event(&screen, "disk 0 is complete");
}

// ---- Drawing -----------------------------------------------------------------------------------

static void rectangle(uint32_t column, uint32_t row, uint32_t cells, const char *colour)
{
    printf("<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\"/>\n", column * CELL_X,
           row * CELL_Y, cells * CELL_X, CELL_Y, colour);
}

static void rule(uint32_t column, uint32_t row, uint32_t cells, uint32_t y, const char *colour)
{
    printf("<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"2\" fill=\"%s\"/>\n", column * CELL_X,
           row * CELL_Y + y, cells * CELL_X, colour);
}

static void letters(const struct bf_cell *cell, uint32_t column, uint32_t row, uint32_t cells)
{
    printf("<text x=\"%u\" y=\"%u\" textLength=\"%u\" fill=\"%s\">", column * CELL_X,
           row * CELL_Y + BASE, cells * CELL_X, colours[cell->tone]);
    for (uint32_t i = 0; i < cells; i++)
        if (cell[i].ch == '<' || cell[i].ch == '&')
            fputs(cell[i].ch == '<' ? "&lt;" : "&amp;", stdout);
        else
            putchar(cell[i].ch);
    printf("</text>\n");
}

static int kind(const struct bf_cell *cell)
{
    return cell->ch <= BF_CELL_SINGLE ? cell->ch : 0;
}

// Cells of one tone and kind from column on; of text, without the spaces at its end.
static uint32_t run(uint32_t row, uint32_t column)
{
    const struct bf_cell *cell = &grid.cell[row][column];
    uint32_t n = 1, text = 1;
    for (; column + n < COLUMNS && cell[n].tone == cell->tone && kind(&cell[n]) == kind(cell); n++)
        if (cell[n].ch != ' ')
            text = n + 1;
    return kind(cell) ? n : text;
}

static uint32_t draw(uint32_t row, uint32_t column)
{
    const struct bf_cell *cell = &grid.cell[row][column];
    const char *colour = colours[cell->tone];
    if (cell->ch == ' ')
        return 1;
    uint32_t cells = run(row, column);
    switch (kind(cell)) {
    case BF_CELL_BLOCK:
        rectangle(column, row, cells, colour);
        break;
    case BF_CELL_DOUBLE:
        rule(column, row, cells, CELL_Y / 2 - 3, colour);
        rule(column, row, cells, CELL_Y / 2 + 1, colour);
        break;
    case BF_CELL_SINGLE:
        rule(column, row, cells, CELL_Y / 2 - 1, colour);
        break;
    default:
        letters(cell, column, row, cells);
    }
    return cells;
}

int main(void)
{
    fill();
    grid.columns = COLUMNS;
    grid.rows = ROWS;
    bf_screen_render(&screen, &grid);
    printf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-9 -9 %u %u\" width=\"%u\" "
           "font-family=\"monospace\" font-size=\"15\" style=\"white-space:pre\" "
           "xml:space=\"preserve\" shape-rendering=\"crispEdges\">\n"
           "<rect x=\"-9\" y=\"-9\" width=\"100%%\" height=\"100%%\"/>\n",
           COLUMNS * CELL_X + 18, ROWS * CELL_Y + 18, COLUMNS * CELL_X + 18);
    rectangle(0, 0, COLUMNS, "#00a");
    for (uint32_t row = 0; row < ROWS; row++)
        for (uint32_t column = 0; column < COLUMNS;)
            column += draw(row, column);
    printf("</svg>\n");
    return 0;
}
