// SPDX-License-Identifier: Apache-2.0
// The database's part about what a source could not read: ranges of bytes of a disk, by the session
// that read it. A recovery point names its session, so that the ranges of a point are those of its
// session, and sealing has nothing to copy.
#include "replica/state/sql.h"

#include "base/assert.h"

// The last range of the disk, bytes 0 when there is none.
static enum bf_err last_range(struct bf_db *db, const uint8_t session[16], uint16_t disk,
                              struct bf_unreadable_row *out)
{
    struct bf_query q;

    *out = (struct bf_unreadable_row){.disk = disk};
    bf_query_begin(&q, db,
                   "SELECT offset, bytes FROM unreadable WHERE session = ? AND disk = ? "
                   "ORDER BY offset DESC LIMIT 1");
    bf_query_blob(&q, session, 16);
    bf_query_int(&q, disk);
    if (bf_query_row(&q)) {
        out->offset = (uint64_t)bf_column_int(&q);
        out->bytes = (uint64_t)bf_column_int(&q);
    }
    return bf_query_end(&q);
}

static enum bf_err put(struct bf_db *db, const uint8_t session[16],
                       const struct bf_unreadable_row *row)
{
    struct bf_query q;

    BF_ASSERT(row->bytes > 0); // no bytes stand for no range
    bf_query_begin(&q, db,
                   "INSERT OR REPLACE INTO unreadable (session, disk, offset, bytes) "
                   "VALUES (?, ?, ?, ?)");
    bf_query_blob(&q, session, 16);
    bf_query_int(&q, row->disk);
    bf_query_int(&q, (int64_t)row->offset);
    bf_query_int(&q, (int64_t)row->bytes);
    return bf_query_run(&q);
}

enum bf_err bf_db_unreadable_add(struct bf_db *db, const uint8_t session[16],
                                 const struct bf_unreadable_row *row, uint32_t *rows)
{
    struct bf_unreadable_row last;
    enum bf_err err = last_range(db, session, row->disk, &last);

    if (err)
        return err;
    if (last.bytes && last.offset + last.bytes == row->offset) {
        last.bytes += row->bytes;
        return put(db, session, &last);
    }
    (*rows)++;
    return put(db, session, row);
}

static enum bf_err remove_from(struct bf_db *db, const uint8_t session[16], uint16_t disk,
                               uint64_t offset)
{
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db)); // with the range that is cut
    bf_query_begin(&q, db, "DELETE FROM unreadable WHERE session = ? AND disk = ? AND offset >= ?");
    bf_query_blob(&q, session, 16);
    bf_query_int(&q, disk);
    bf_query_int(&q, (int64_t)offset);
    return bf_query_run(&q);
}

enum bf_err bf_db_unreadable_forget(struct bf_db *db, const uint8_t session[16], uint16_t disk,
                                    uint64_t offset)
{
    struct bf_unreadable_row last;
    int own;
    enum bf_err err = bf_sql_enter(db, &own);

    if (err)
        return err;
    err = remove_from(db, session, disk, offset);
    if (!err)
        err = last_range(db, session, disk, &last);
    if (!err && last.bytes && last.bytes > offset - last.offset) {
        last.bytes = offset - last.offset;
        err = put(db, session, &last);
    }
    return bf_sql_leave(db, own, err);
}

enum bf_err bf_db_unreadable_list(struct bf_db *db, const uint8_t session[16],
                                  struct bf_unreadable_row **out, size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT disk, offset, bytes FROM unreadable WHERE session = ? "
                   "ORDER BY disk, offset");
    bf_query_blob(&q, session, 16);
    while (bf_query_row(&q)) {
        struct bf_unreadable_row *row = bf_rows_add(&rows);
        if (!row)
            break;
        row->disk = (uint16_t)bf_column_int(&q);
        row->offset = (uint64_t)bf_column_int(&q);
        row->bytes = (uint64_t)bf_column_int(&q);
    }
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

enum bf_err bf_db_unreadable_count(struct bf_db *db, const uint8_t session[16], uint32_t *rows)
{
    struct bf_query q;

    bf_query_begin(&q, db, "SELECT count(*) FROM unreadable WHERE session = ?");
    bf_query_blob(&q, session, 16);
    *rows = bf_query_row(&q) ? (uint32_t)bf_column_int(&q) : 0;
    return bf_query_end(&q);
}

enum bf_err bf_db_unreadable_tidy(struct bf_db *db, const char *machine)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "DELETE FROM unreadable WHERE session IN "
                   "(SELECT id FROM sessions WHERE machine = ?) AND session NOT IN "
                   "(SELECT session FROM points WHERE machine = ?)");
    bf_query_text(&q, machine);
    bf_query_text(&q, machine);
    return bf_query_run(&q);
}
