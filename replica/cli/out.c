// SPDX-License-Identifier: Apache-2.0
// Tables and JSON, see cli_out.h.
#include "replica/cli/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replica/cli/cli.h"

static void add_cell(struct bf_table *t, size_t index, const char *text)
{
    snprintf(t->cell[index], BF_TABLE_CELL, "%s", text);
}

static int grow(struct bf_table *t)
{
    if (t->rows < t->room)
        return 1;
    size_t room = t->room ? 2 * t->room : 32;
    void *cells = realloc(t->cell, room * (size_t)t->columns * BF_TABLE_CELL);
    if (!cells)
        return 0;
    t->cell = cells;
    t->room = room;
    return 1;
}

void bf_table_begin(struct bf_table *t, ...)
{
    const char *heading[BF_TABLE_COLUMNS], *text;
    va_list args;
    memset(t, 0, sizeof *t);
    va_start(args, t);
    while ((text = va_arg(args, const char *)) && t->columns < BF_TABLE_COLUMNS) {
        if (text[0] == '>')
            t->right |= 1u << t->columns;
        heading[t->columns++] = text + (text[0] == '>');
    }
    va_end(args);
    if (!grow(t))
        return;
    for (int i = 0; i < t->columns; i++)
        add_cell(t, (size_t)i, heading[i]);
    t->rows = 1;
}

void bf_table_row(struct bf_table *t, ...)
{
    va_list args;
    if (!grow(t))
        return;
    va_start(args, t);
    for (int i = 0; i < t->columns; i++)
        add_cell(t, t->rows * (size_t)t->columns + (size_t)i, va_arg(args, const char *));
    va_end(args);
    t->rows++;
}

static int width_of(const struct bf_table *t, int column)
{
    size_t widest = 0;
    for (size_t row = 0; row < t->rows; row++) {
        size_t len = strlen(t->cell[row * (size_t)t->columns + (size_t)column]);
        if (len > widest)
            widest = len;
    }
    return (int)widest;
}

void bf_table_print(struct bf_table *t)
{
    int width[BF_TABLE_COLUMNS];
    for (int i = 0; i < t->columns; i++)
        width[i] = width_of(t, i);
    for (size_t row = 0; row < t->rows; row++)
        for (int i = 0; i < t->columns; i++) {
            const char *text = t->cell[row * (size_t)t->columns + (size_t)i];
            int last = i == t->columns - 1;
            int field = t->right >> i & 1 ? width[i] : last ? 0 : -width[i];
            printf("%*s%s", field, text, last ? "\n" : "  ");
        }
    bf_table_free(t);
}

void bf_table_free(struct bf_table *t)
{
    free(t->cell);
    memset(t, 0, sizeof *t);
}

int bf_json_print(json_t *json)
{
    int failed = !json || json_dumpf(json, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF;
    json_decref(json);
    return failed ? BF_CLI_FAILED : BF_CLI_OK;
}
