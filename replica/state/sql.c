// SPDX-License-Identifier: Apache-2.0
// Statements over SQLite: the query cursor, the translation of its errors, growing arrays, and
// transactions.
#include "replica/state/sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "replica/state/reason.h"

// SQLITE_FULL is for a write to the database and its log. Where it makes a file, or enlarges the
// index of the log, a full disk is an error of its own kind, with errno beside it.
static int is_full(struct bf_db *db, int code)
{
    return code == SQLITE_FULL ||
           ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) &&
            bf_reason_errno(sqlite3_system_errno(db->sqlite)) == BF_ERR_NO_SPACE);
}

static const char *room_todo(const struct bf_db *db)
{
    return db->for_session ? bf_reason_todo(BF_ERR_NO_SPACE, NULL)
                           : "make room in the file system of the state and try again";
}

enum bf_err bf_sql_failed(struct bf_db *db, const char *doing)
{
    int code = sqlite3_extended_errcode(db->sqlite);
    const char *message = sqlite3_errmsg(db->sqlite);

    bf_log(BF_LOG_DEBUG, "SQLite: code %d (%s)", code, doing);
    if (is_full(db, code & 0xff))
        return bf_fault_set(&db->fault, BF_ERR_NO_SPACE, BF_SIDE_SERVER, room_todo(db),
                            "the file system of the state is full");
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return bf_fault_set(&db->fault, BF_ERR_BUSY, BF_SIDE_SERVER,
                            "wait until the other command is finished and try again",
                            "the database is locked by another program");
    case SQLITE_CONSTRAINT:
        return bf_fault_set(&db->fault, BF_ERR_EXISTS, BF_SIDE_SERVER,
                            "choose another name, or use the one that exists",
                            "the entry already exists, or its parent does not (%s)", message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return bf_fault_set(&db->fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                            "restore db.sqlite from a backup", "the database is damaged (%s)",
                            message);
    case SQLITE_NOMEM:
        return bf_fault_set(&db->fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for the database");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return bf_fault_set(&db->fault, BF_ERR_DENIED, BF_SIDE_SERVER,
                            "run this as the user who owns the state",
                            "the database cannot be opened for writing (%s)", message);
    }
    return bf_fault_set(&db->fault, BF_ERR_IO, BF_SIDE_SERVER,
                        "look at the server's disk and its system log", "the database failed (%s)",
                        message);
}

void bf_query_begin(struct bf_query *q, struct bf_db *db, const char *sql)
{
    *q = (struct bf_query){.db = db};
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &q->statement, NULL) != SQLITE_OK)
        q->failed = bf_sql_failed(db, "prepare");
}

static void bound(struct bf_query *q, int result)
{
    BF_ASSERT(result != SQLITE_RANGE && result != SQLITE_MISUSE); // one more, or after a row
    if (!q->failed && result != SQLITE_OK)
        q->failed = bf_sql_failed(q->db, "bind");
}

void bf_query_int(struct bf_query *q, int64_t value)
{
    q->bound++;
    if (!q->failed)
        bound(q, sqlite3_bind_int64(q->statement, q->bound, value));
}

void bf_query_text(struct bf_query *q, const char *value)
{
    q->bound++;
    if (!q->failed)
        bound(q, sqlite3_bind_text(q->statement, q->bound, value, -1, SQLITE_STATIC));
}

void bf_query_blob(struct bf_query *q, const void *bytes, size_t len)
{
    q->bound++;
    if (!q->failed)
        bound(q, sqlite3_bind_blob64(q->statement, q->bound, bytes, len, SQLITE_STATIC));
}

int bf_query_row(struct bf_query *q)
{
    int result;

    if (q->failed)
        return 0;
    BF_ASSERT(q->statement && q->bound == sqlite3_bind_parameter_count(q->statement));
    q->column = 0;
    result = sqlite3_step(q->statement);
    BF_ASSERT(result != SQLITE_MISUSE);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        q->failed = bf_sql_failed(q->db, sqlite3_sql(q->statement));
    return result == SQLITE_ROW;
}

int64_t bf_column_int(struct bf_query *q)
{
    BF_ASSERT(q->failed || q->column < sqlite3_data_count(q->statement));
    return q->failed ? 0 : sqlite3_column_int64(q->statement, q->column++);
}

static void column_wrong(struct bf_query *q)
{
    bf_log(BF_LOG_DEBUG, "column %d has the wrong length (%s)", q->column,
           sqlite3_sql(q->statement));
    q->failed = bf_fault_set(&q->db->fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                             "restore db.sqlite from a backup",
                             "a value in the database has the wrong length");
}

void bf_column_text(struct bf_query *q, char *out, size_t size)
{
    const char *text;
    size_t len;

    out[0] = 0;
    if (q->failed)
        return;
    BF_ASSERT(q->column < sqlite3_data_count(q->statement));
    text = (const char *)sqlite3_column_text(q->statement, q->column);
    len = (size_t)sqlite3_column_bytes(q->statement, q->column++);
    if (!text)
        return;
    if (len >= size) {
        column_wrong(q);
        return;
    }
    memcpy(out, text, len);
    out[len] = 0;
}

void bf_column_blob(struct bf_query *q, void *out, size_t len)
{
    const void *blob;

    memset(out, 0, len);
    if (q->failed)
        return;
    BF_ASSERT(q->column < sqlite3_data_count(q->statement));
    blob = sqlite3_column_blob(q->statement, q->column);
    if ((size_t)sqlite3_column_bytes(q->statement, q->column++) != len)
        column_wrong(q);
    else if (blob)
        memcpy(out, blob, len);
}

const void *bf_column_span(struct bf_query *q, size_t *len)
{
    const void *blob;

    *len = 0;
    if (q->failed)
        return NULL;
    BF_ASSERT(q->column < sqlite3_data_count(q->statement));
    blob = sqlite3_column_blob(q->statement, q->column);
    *len = (size_t)sqlite3_column_bytes(q->statement, q->column++);
    return blob;
}

enum bf_err bf_query_end(struct bf_query *q)
{
    sqlite3_finalize(q->statement);
    q->statement = NULL;
    return q->failed;
}

enum bf_err bf_query_end_found(struct bf_query *q, int found, const char *what)
{
    enum bf_err err = bf_query_end(q);

    if (err || found)
        return err;
    return bf_fault_set(&q->db->fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG, "check the name or number",
                        "there is no such %s", what);
}

enum bf_err bf_query_run(struct bf_query *q)
{
    BF_ASSERT(q->failed || sqlite3_column_count(q->statement) == 0); // nobody reads a row of it
    while (bf_query_row(q))
        ;
    return bf_query_end(q);
}

enum bf_err bf_query_change(struct bf_query *q, const char *what)
{
    int changed;

    BF_ASSERT(q->failed || !sqlite3_stmt_readonly(q->statement));
    while (bf_query_row(q))
        ;
    changed = sqlite3_changes(q->db->sqlite) > 0;
    return bf_query_end_found(q, changed, what);
}

void *bf_rows_add(struct bf_rows *rows)
{
    void *item;

    BF_ASSERT(rows->size > 0 && rows->count <= rows->room);
    if (rows->count == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 8;
        void *items = reallocarray(rows->items, room, rows->size);
        if (!items) {
            rows->failed = 1;
            return NULL;
        }
        rows->items = items;
        rows->room = room;
    }
    item = (char *)rows->items + rows->count++ * rows->size;
    memset(item, 0, rows->size);
    return item;
}

enum bf_err bf_rows_give(struct bf_rows *rows, enum bf_err result, void *items_out, size_t *count)
{
    void **out = items_out;

    *out = NULL;
    *count = 0;
    if (!result && rows->failed)
        result = bf_fault_set(&rows->db->fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER,
                              "free some memory", "no memory for what the database has");
    if (result) {
        free(rows->items);
    } else {
        *out = rows->items;
        *count = rows->count;
    }
    *rows = (struct bf_rows){.db = rows->db, .size = rows->size};
    return result;
}

enum bf_err bf_sql_enter(struct bf_db *db, int *own)
{
    enum bf_err err;

    *own = !bf_db_is_in_transaction(db);
    err = *own ? bf_db_begin(db) : BF_OK;
    BF_ASSERT(err || bf_db_is_in_transaction(db));
    return err;
}

enum bf_err bf_sql_leave(struct bf_db *db, int own, enum bf_err result)
{
    BF_ASSERT(result || bf_db_is_in_transaction(db)); // what ended it early was an error
    if (!own)
        return result;
    if (!result)
        result = bf_db_commit(db);
    if (result)
        bf_db_rollback(db);
    BF_ASSERT(result || !bf_db_is_in_transaction(db));
    return result;
}

enum bf_err bf_sql_execute(struct bf_db *db, const char *sql)
{
    if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        return bf_sql_failed(db, sql);
    return BF_OK;
}

enum bf_err bf_db_begin(struct bf_db *db)
{
    BF_ASSERT(!bf_db_is_in_transaction(db));
    return bf_sql_execute(db, "BEGIN IMMEDIATE");
}

enum bf_err bf_db_commit(struct bf_db *db)
{
    BF_ASSERT(bf_db_is_in_transaction(db));
    return bf_sql_execute(db, "COMMIT");
}

void bf_db_rollback(struct bf_db *db)
{
    if (!sqlite3_get_autocommit(db->sqlite))
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

int bf_db_is_in_transaction(const struct bf_db *db)
{
    return !sqlite3_get_autocommit(db->sqlite);
}
