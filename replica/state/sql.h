// SPDX-License-Identifier: Apache-2.0
// Statements over SQLite as a cursor that fails once and stays failed: bind in order, step, read
// columns in order, end. For the db*.c files only.
#ifndef BF_REPLICA_STATE_SQL_H
#define BF_REPLICA_STATE_SQL_H

#include <sqlite3.h>

#include "replica/state/db.h"

struct bf_db {
    sqlite3 *sqlite;
    struct bf_fault fault;
    uint64_t until_us, busy_us; // of a wait for another writer: its end, its beginning
    int for_session;            // its faults are told to a source
};

struct bf_query {
    struct bf_db *db;
    sqlite3_stmt *statement;
    int bound, column;
    enum bf_err failed;
};

// Translates the connection's last error, fills its fault, returns the code. The statement, or what
// else was being done, is for the debug log only: the fault may reach a source's screen.
enum bf_err bf_sql_failed(struct bf_db *db, const char *doing);

void bf_query_begin(struct bf_query *q, struct bf_db *db, const char *sql);
void bf_query_int(struct bf_query *q, int64_t value);
void bf_query_text(struct bf_query *q, const char *value); // NULL binds NULL; not copied
void bf_query_blob(struct bf_query *q, const void *bytes, size_t len); // not copied
int bf_query_row(struct bf_query *q);                                  // true when there is a row
int64_t bf_column_int(struct bf_query *q);
// Too long for the field, or of another length: the query fails with BF_ERR_CORRUPT.
void bf_column_text(struct bf_query *q, char *out, size_t size);
void bf_column_blob(struct bf_query *q, void *out, size_t len);
// The bytes stay the query's, valid until the next row.
const void *bf_column_span(struct bf_query *q, size_t *len);
// Ends it; steps to the end first. BF_OK or what failed.
enum bf_err bf_query_end(struct bf_query *q);
// Ends a query that must have had a row: BF_ERR_NOT_FOUND with this fault otherwise.
enum bf_err bf_query_end_found(struct bf_query *q, int found, const char *what);
// Runs a statement without columns and ends the query.
enum bf_err bf_query_run(struct bf_query *q);
// The same, and BF_ERR_NOT_FOUND when no row was changed.
enum bf_err bf_query_change(struct bf_query *q, const char *what);

enum bf_err bf_sql_execute(struct bf_db *db, const char *sql); // statements without parameters

// Growing arrays for lists: room for one more element at the end, zeroed; NULL without memory.
struct bf_rows {
    struct bf_db *db; // gets the fault when there is no memory
    void *items;
    size_t count, room, size;
    int failed; // no memory
};
void *bf_rows_add(struct bf_rows *rows);
// Gives the array away when the query went well, frees it otherwise; returns result.
enum bf_err bf_rows_give(struct bf_rows *rows, enum bf_err result, void *items_out, size_t *count);

// One transaction unless one is open already: begin returns 1 in *own when it began one.
enum bf_err bf_sql_enter(struct bf_db *db, int *own);
enum bf_err bf_sql_leave(struct bf_db *db, int own, enum bf_err result);

#endif
