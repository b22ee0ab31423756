// SPDX-License-Identifier: Apache-2.0
// See cli_found.h.
#include "replica/cli/found.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/cli/out.h"
#include "replica/points/found_text.h"

static void add_row(struct bf_table *t, const struct bf_place_row *p, int sealed)
{
    char disk[16], size[BF_BYTES_TEXT], unused[BF_BYTES_TEXT], fresh[BF_BYTES_TEXT],
        copied[BF_TABLE_CELL];
    const char *size_text = bf_known_text(p->bytes ? (int64_t)p->bytes : -1, size);

    bf_snprintf(disk, sizeof disk, "%u", p->disk);
    bf_snprintf(copied, sizeof copied, "%s%s", p->why[0] ? "whole: " : "what is used", p->why);
    if (sealed)
        bf_table_row(t, disk, p->name, p->what, size_text, bf_known_text(p->unused_bytes, unused),
                     bf_known_text(p->new_bytes, fresh), copied);
    else
        bf_table_row(t, disk, p->name, p->what, size_text, copied);
}

void bf_cli_print_places(struct bf_db *db, const uint8_t session[16], int sealed,
                         const char *before)
{
    struct bf_place_row *row = NULL;
    struct bf_table t;
    size_t rows = 0;

    if (bf_db_place_list(db, session, &row, &rows) || !rows) {
        free(row);
        return;
    }
    if (sealed)
        bf_table_begin(&t, ">DISK", "PLACE", "HOLDS", ">SIZE", ">LEFT OUT", ">NEW", "COPIED", NULL);
    else
        bf_table_begin(&t, ">DISK", "PLACE", "HOLDS", ">SIZE", "COPIED", NULL);
    for (size_t i = 0; i < rows; i++)
        add_row(&t, &row[i], sealed);
    printf("%s", before);
    bf_table_print(&t);
    free(row);
}

void bf_cli_print_unseen(struct bf_db *db, const uint8_t session[16], const char *before)
{
    struct bf_unseen *row = NULL;
    char line[BF_UNSEEN_LINE];
    size_t rows = 0;

    if (bf_db_unseen_list(db, session, &row, &rows))
        rows = 0;
    for (size_t i = 0; i < rows; i++) {
        bf_unseen_line(line, &row[i]);
        printf("%snot seen: %s\n", i ? "" : before, line);
    }
    free(row);
}
