// SPDX-License-Identifier: Apache-2.0
// Output of the operator's command: tables whose columns fit their contents, and JSON.
#ifndef BF_REPLICA_CLI_OUT_H
#define BF_REPLICA_CLI_OUT_H

#include <jansson.h>
#include <stdint.h>

#include "replica/state/text.h"

enum { BF_TABLE_COLUMNS = 10, BF_TABLE_CELL = 128 };

struct bf_table {
    int columns;
    uint32_t right; // bit n: column n is aligned to the right
    size_t rows, room;
    char (*cell)[BF_TABLE_CELL];
};
// The headings, ended by NULL. A heading that begins with '>' aligns its column to the right.
void bf_table_begin(struct bf_table *t, ...) __attribute__((sentinel));
// As many texts as columns.
void bf_table_row(struct bf_table *t, ...);
void bf_table_print(struct bf_table *t); // and frees
void bf_table_free(struct bf_table *t);

// Prints and releases; the exit status.
int bf_json_print(json_t *json);

#endif
