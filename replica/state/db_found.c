// SPDX-License-Identifier: Apache-2.0
// The database's part about what a source found on its machine: storage that no disk stands for,
// and what lies in which place of a disk, by the session that told. A recovery point names its
// session, so that what belongs to a point is what its session has; the figures of a place are
// filled in when the point is sealed.
#include "replica/state/sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/cursor.h"
#include "replica/state/spans.h"

enum { SPAN_BYTES = 16 };

// ---- Not seen ----------------------------------------------------------------------------------

#define UNSEEN_COLUMNS "kind, asked, vendor, device, class, slot, what, why"

enum bf_err bf_db_unseen_put(struct bf_db *db, const uint8_t session[16], uint16_t ordinal,
                             const struct bf_unseen *m, int *changed)
{
    struct bf_query q;
    int before = sqlite3_total_changes(db->sqlite);
    enum bf_err err;

    bf_query_begin(&q, db,
                   "INSERT INTO unseen (session, ordinal, " UNSEEN_COLUMNS ") "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                   "ON CONFLICT (session, ordinal) DO UPDATE SET (" UNSEEN_COLUMNS ") = "
                   "(excluded.kind, excluded.asked, excluded.vendor, excluded.device, "
                   "excluded.class, excluded.slot, excluded.what, excluded.why) "
                   "WHERE (" UNSEEN_COLUMNS ") <> "
                   "(excluded.kind, excluded.asked, excluded.vendor, excluded.device, "
                   "excluded.class, excluded.slot, excluded.what, excluded.why)");
    bf_query_blob(&q, session, 16);
    bf_query_int(&q, ordinal);
    bf_query_int(&q, m->kind);
    bf_query_int(&q, m->asked);
    bf_query_int(&q, m->vendor);
    bf_query_int(&q, m->device);
    bf_query_blob(&q, m->class_code, sizeof m->class_code);
    bf_query_text(&q, m->slot);
    bf_query_text(&q, m->what);
    bf_query_text(&q, m->why);
    err = bf_query_run(&q);
    *changed = sqlite3_total_changes(db->sqlite) != before;
    return err;
}

enum bf_err bf_db_unseen_list(struct bf_db *db, const uint8_t session[16], struct bf_unseen **out,
                              size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_unseen *m;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT " UNSEEN_COLUMNS " FROM unseen WHERE session = ? ORDER BY ordinal");
    bf_query_blob(&q, session, 16);
    while (bf_query_row(&q) && (m = bf_rows_add(&rows))) {
        m->kind = (uint8_t)bf_column_int(&q);
        m->asked = (uint8_t)bf_column_int(&q);
        m->vendor = (uint16_t)bf_column_int(&q);
        m->device = (uint16_t)bf_column_int(&q);
        bf_column_blob(&q, m->class_code, sizeof m->class_code);
        bf_column_text(&q, m->slot, sizeof m->slot);
        bf_column_text(&q, m->what, sizeof m->what);
        bf_column_text(&q, m->why, sizeof m->why);
    }
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

// ---- Places ------------------------------------------------------------------------------------

struct span_blob {
    uint8_t bytes[BF_PLACE_SPANS_MAX * SPAN_BYTES];
    size_t len;
};

static void spans_bind(struct bf_query *q, struct span_blob *blob, const struct bf_place *m)
{
    struct bf_writer w;

    BF_ASSERT(m->count <= BF_PLACE_SPANS_MAX);
    bf_writer_init(&w, blob->bytes, sizeof blob->bytes);
    for (uint16_t i = 0; i < m->count; i++) {
        BF_ASSERT(i == 0 || m->span[i - 1].first + m->span[i - 1].bytes < m->span[i].first);
        bf_put_u64(&w, m->span[i].first);
        bf_put_u64(&w, m->span[i].bytes);
    }
    BF_ASSERT(bf_writer_ok(&w));
    blob->len = bf_writer_len(&w);
    bf_query_blob(q, blob->bytes, blob->len);
}

enum bf_err bf_db_place_put(struct bf_db *db, const uint8_t session[16], const struct bf_place *m,
                            int *changed)
{
    struct span_blob blob;
    struct bf_query q;
    int before = sqlite3_total_changes(db->sqlite);
    enum bf_err err;

    bf_query_begin(&q, db,
                   "INSERT INTO places (session, disk, ordinal, name, what, why, bytes, spans) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                   "ON CONFLICT (session, disk, ordinal) DO UPDATE SET "
                   "(name, what, why, bytes, spans, unused, fresh) = "
                   "(excluded.name, excluded.what, excluded.why, excluded.bytes, excluded.spans, "
                   "-1, -1) WHERE (name, what, why, spans) <> "
                   "(excluded.name, excluded.what, excluded.why, excluded.spans)");
    bf_query_blob(&q, session, 16);
    bf_query_int(&q, m->disk);
    bf_query_int(&q, m->ordinal);
    bf_query_text(&q, m->name);
    bf_query_text(&q, m->what);
    bf_query_text(&q, m->why);
    bf_query_int(&q, (int64_t)bf_spans_bytes(m->span, m->count));
    spans_bind(&q, &blob, m);
    err = bf_query_run(&q);
    *changed = sqlite3_total_changes(db->sqlite) != before;
    return err;
}

static void spans_column(struct bf_query *q, struct bf_place_span *out, uint32_t *count)
{
    struct bf_reader r;
    size_t len;
    const void *bytes = bf_column_span(q, &len);

    *count = 0;
    if (q->failed)
        return;
    bf_reader_init(&r, bytes, len);
    while (bf_reader_left(&r) >= SPAN_BYTES && *count < BF_PLACE_SPANS_MAX) {
        out[*count].first = bf_get_u64(&r);
        out[(*count)++].bytes = bf_get_u64(&r);
    }
}

// Where the place begins; one of which nothing is known comes last.
static uint64_t first_column(struct bf_query *q)
{
    struct bf_place_span span[BF_PLACE_SPANS_MAX];
    uint32_t spans;

    spans_column(q, span, &spans);
    return spans ? span[0].first : UINT64_MAX;
}

static int as_they_lie(const void *a, const void *b)
{
    const struct bf_place_row *x = a, *y = b;

    if (x->disk != y->disk)
        return x->disk < y->disk ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

enum bf_err bf_db_place_list(struct bf_db *db, const uint8_t session[16], struct bf_place_row **out,
                             size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_place_row *row;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT disk, ordinal, name, what, why, bytes, unused, fresh, spans "
                   "FROM places WHERE session = ?");
    bf_query_blob(&q, session, 16);
    while (bf_query_row(&q) && (row = bf_rows_add(&rows))) {
        row->disk = (uint16_t)bf_column_int(&q);
        row->ordinal = (uint16_t)bf_column_int(&q);
        bf_column_text(&q, row->name, sizeof row->name);
        bf_column_text(&q, row->what, sizeof row->what);
        bf_column_text(&q, row->why, sizeof row->why);
        row->bytes = (uint64_t)bf_column_int(&q);
        row->unused_bytes = bf_column_int(&q);
        row->new_bytes = bf_column_int(&q);
        row->first = first_column(&q);
    }
    if (rows.count)
        qsort(rows.items, rows.count, rows.size, as_they_lie);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

enum bf_err bf_db_place_spans(struct bf_db *db, const uint8_t session[16], uint16_t disk,
                              uint16_t ordinal, struct bf_place_span out[BF_PLACE_SPANS_MAX],
                              uint32_t *count)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db,
                   "SELECT spans FROM places WHERE session = ? AND disk = ? AND ordinal = ?");
    bf_query_blob(&q, session, 16);
    bf_query_int(&q, disk);
    bf_query_int(&q, ordinal);
    found = bf_query_row(&q);
    if (found)
        spans_column(&q, out, count);
    return bf_query_end_found(&q, found, "place");
}

enum bf_err bf_db_place_figures(struct bf_db *db, const uint8_t session[16],
                                const struct bf_place_row *row)
{
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db)); // with the point that they are figures of
    bf_query_begin(&q, db,
                   "UPDATE places SET unused = ?, fresh = ? "
                   "WHERE session = ? AND disk = ? AND ordinal = ?");
    bf_query_int(&q, row->unused_bytes);
    bf_query_int(&q, row->new_bytes);
    bf_query_blob(&q, session, 16);
    bf_query_int(&q, row->disk);
    bf_query_int(&q, row->ordinal);
    return bf_query_run(&q);
}

// ---- Both --------------------------------------------------------------------------------------

static enum bf_err tidy(struct bf_db *db, const char *sql, const char *machine)
{
    struct bf_query q;

    bf_query_begin(&q, db, sql);
    bf_query_text(&q, machine);
    return bf_query_run(&q);
}

#define POINTLESS                                                                                  \
    "session IN (SELECT id FROM sessions WHERE machine = ?1) AND session NOT IN "                  \
    "(SELECT session FROM points WHERE machine = ?1)"

enum bf_err bf_db_found_tidy(struct bf_db *db, const char *machine)
{
    enum bf_err err = tidy(db, "DELETE FROM unseen WHERE " POINTLESS, machine);

    return err ? err : tidy(db, "DELETE FROM places WHERE " POINTLESS, machine);
}

enum bf_err bf_db_session_of_job(struct bf_db *db, int64_t job, uint8_t session[16])
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db, "SELECT id FROM sessions WHERE job = ? LIMIT 1");
    bf_query_int(&q, job);
    found = bf_query_row(&q);
    if (found)
        bf_column_blob(&q, session, 16);
    return bf_query_end_found(&q, found, "session");
}
