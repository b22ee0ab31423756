// SPDX-License-Identifier: Apache-2.0
// Output of the operator's command: tables whose columns fit their contents, times, JSON.
#ifndef BF_REPLICA_CLI_OUT_H
#define BF_REPLICA_CLI_OUT_H

#include <jansson.h>
#include <stdint.h>

enum { BF_TABLE_COLUMNS = 10, BF_TABLE_CELL = 128, BF_TIME_TEXT = 24, BF_BYTES_TEXT = 24 };

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

// "2026-11-20 15:00:00Z", "-" for 0.
const char *bf_time_text(int64_t seconds, char out[BF_TIME_TEXT]);
const char *bf_bytes_text(uint64_t bytes, char out[BF_BYTES_TEXT]);

// "2026-11-20T15:00:00Z", null for 0.
json_t *bf_json_time(int64_t seconds);
json_t *bf_json_hex(const uint8_t *bytes, size_t len); // at most 32 bytes
json_t *bf_json_text(const char *text);                // null when it is not valid UTF-8
// Prints and releases; the exit status.
int bf_json_print(json_t *json);

#endif
