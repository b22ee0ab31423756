// SPDX-License-Identifier: Apache-2.0
// Puts the grid on ConOut and reads keys from ConIn. Only what changed is written, in runs of one
// colour, at most four times a second: a console behind a management controller is slow, and each
// call keeps the loop from the network. The mode is left as the firmware set it up.
#include "boot/screen_efi.h"

#include <string.h>

#include "base/bytes.h"
#include "drivers/handles_efi.h"

enum {
    PERIOD_US = 250000,
    CONFIRM_US = 10000000,
    MODE_80_25 = 0, // the one that every console has (UEFI 2.10, 12.4)
    RUN_MAX = BF_SCREEN_MAX_COLUMNS,
    LINE_MAX = 640, // docs/serial.md
};

static EFI_SIMPLE_TEXT_OUT_PROTOCOL *out;
static struct bf_grid shown, next;
static uint64_t drawn_us, asked_us;
static uint16_t usable_rows; // of the console; the grid has 25 at least

static const uint8_t attributes[] = {
    [BF_TONE_NORMAL] = EFI_TEXT_ATTR(EFI_LIGHTGRAY, EFI_BLACK),
    [BF_TONE_DIM] = EFI_TEXT_ATTR(EFI_CYAN, EFI_BLACK),
    [BF_TONE_BRIGHT] = EFI_TEXT_ATTR(EFI_WHITE, EFI_BLACK),
    [BF_TONE_TITLE] = EFI_TEXT_ATTR(EFI_WHITE, EFI_BLUE),
    [BF_TONE_GOOD] = EFI_TEXT_ATTR(EFI_LIGHTGREEN, EFI_BLACK),
    [BF_TONE_WARN] = EFI_TEXT_ATTR(EFI_YELLOW, EFI_BLACK),
    [BF_TONE_BAD] = EFI_TEXT_ATTR(EFI_LIGHTRED, EFI_BLACK),
    [BF_TONE_BAR] = EFI_TEXT_ATTR(EFI_LIGHTCYAN, EFI_BLACK),
};

// ---- Output ------------------------------------------------------------------------------------

static int query(UINTN *columns, UINTN *rows)
{
    return out->Mode && out->Mode->Mode >= 0 &&
           !EFI_ERROR(out->QueryMode(out, (UINTN)out->Mode->Mode, columns, rows)) && *columns &&
           *rows;
}

static void clear(void)
{
    memset(shown.cell, 0, sizeof shown.cell);
    out->SetAttribute(out, attributes[BF_TONE_NORMAL]);
    out->ClearScreen(out);
    drawn_us = 0;
}

enum bf_err bf_screen_open(void)
{
    UINTN columns, rows;
    out = bf_efi_system->ConOut;
    if (!out || !query(&columns, &rows)) {
        out = NULL;
        return BF_ERR_NOT_FOUND;
    }
    if (columns < BF_SCREEN_MIN_COLUMNS || rows < BF_SCREEN_MIN_ROWS) {
        out->SetMode(out, MODE_80_25);
        if (!query(&columns, &rows))
            rows = BF_SCREEN_MIN_ROWS;
    }
    shown.columns = (uint16_t)(columns < BF_SCREEN_MAX_COLUMNS ? columns : BF_SCREEN_MAX_COLUMNS);
    shown.rows = (uint16_t)(rows < BF_SCREEN_MAX_ROWS ? rows : BF_SCREEN_MAX_ROWS);
    usable_rows = shown.rows;
    next.columns = shown.columns;
    next.rows = shown.rows;
    out->EnableCursor(out, FALSE);
    clear();
    return BF_OK;
}

static CHAR16 character(char c)
{
    static const CHAR16 special[] = {
        [BF_CELL_BLOCK] = BLOCKELEMENT_FULL_BLOCK,
        [BF_CELL_DOUBLE] = BOXDRAW_DOUBLE_HORIZONTAL,
        [BF_CELL_SINGLE] = BOXDRAW_HORIZONTAL,
    };
    uint8_t code = (uint8_t)c;
    return code < BF_COUNT(special) ? special[code] : code;
}

static int same(const struct bf_cell *a, const struct bf_cell *b)
{
    return a->ch == b->ch && a->tone == b->tone;
}

// The run of changed cells of one tone from column on; 0 when that cell is as shown.
static uint32_t run_length(uint32_t row, uint32_t column, uint32_t end)
{
    const struct bf_cell *from = &next.cell[row][column];
    uint32_t n = 0;
    while (column + n < end && from[n].tone == from[0].tone &&
           !same(&from[n], &shown.cell[row][column + n]))
        n++;
    return n;
}

static void put_run(uint32_t row, uint32_t column, uint32_t length)
{
    CHAR16 text[RUN_MAX + 1];
    for (uint32_t i = 0; i < length; i++)
        text[i] = character(next.cell[row][column + i].ch);
    text[length] = 0;
    out->SetCursorPosition(out, column, row);
    out->SetAttribute(out, attributes[next.cell[row][column].tone]);
    out->OutputString(out, text);
    memcpy(&shown.cell[row][column], &next.cell[row][column], length * sizeof shown.cell[0][0]);
}

static void put_row(uint32_t row)
{
    // A character in the last cell of the last row scrolls the screen.
    uint32_t end = next.columns - (row + 1u == usable_rows);
    for (uint32_t column = 0; column < end;) {
        uint32_t length = run_length(row, column, end);
        if (length)
            put_run(row, column, length);
        column += length ? length : 1;
    }
}

void bf_screen_draw(const struct bf_screen *screen, uint64_t now_us, int force)
{
    if (!out || (!force && drawn_us && now_us - drawn_us < PERIOD_US))
        return;
    drawn_us = now_us;
    bf_screen_render(screen, &next);
    for (uint32_t row = 0; row < next.rows && row < usable_rows; row++)
        if (memcmp(next.cell[row], shown.cell[row], sizeof next.cell[row]) != 0)
            put_row(row);
}

void bf_screen_line(const char *text)
{
    static CHAR16 line[LINE_MAX + 5]; // with CR LF around it, and an end
    size_t at = 0;
    if (!out)
        return;
    line[at++] = '\r';
    line[at++] = '\n';
    while (*text && at < LINE_MAX + 2)
        line[at++] = (CHAR16)(unsigned char)*text++;
    line[at++] = '\r';
    line[at++] = '\n';
    line[at] = 0;
    clear();
    out->OutputString(out, line);
    clear();
}

void bf_screen_close(void)
{
    if (!out)
        return;
    out->SetAttribute(out, attributes[BF_TONE_NORMAL]);
    out->ClearScreen(out);
    out->EnableCursor(out, TRUE);
    out = NULL;
}

// ---- Keys --------------------------------------------------------------------------------------

enum bf_key bf_screen_key(void)
{
    SIMPLE_INPUT_INTERFACE *in = bf_efi_system->ConIn;
    EFI_INPUT_KEY key;
    if (!bf_efi_system->ConsoleInHandle || !in || EFI_ERROR(in->ReadKeyStroke(in, &key)))
        return BF_KEY_NONE;
    if (key.ScanCode == SCAN_ESC || key.UnicodeChar == 'q' || key.UnicodeChar == 'Q')
        return BF_KEY_CANCEL;
    return key.UnicodeChar == 'y' || key.UnicodeChar == 'Y' ? BF_KEY_YES : BF_KEY_OTHER;
}

int bf_screen_cancel_requested(struct bf_screen *screen, uint64_t now_us)
{
    enum bf_key key = bf_screen_key();
    if (screen->confirming && now_us - asked_us > CONFIRM_US)
        screen->confirming = 0;
    if (key == BF_KEY_NONE)
        return 0;
    int confirmed = screen->confirming && key == BF_KEY_YES;
    screen->confirming = key == BF_KEY_CANCEL && !screen->confirming;
    asked_us = now_us;
    return confirmed;
}
