// SPDX-License-Identifier: Apache-2.0
// The database's part about failovers: what such a job has beside its row among the jobs.
#include "replica/state/sql.h"

#include "base/assert.h"

const char *bf_failover_mode_name(enum bf_failover_mode mode)
{
    switch (mode) {
    case BF_FAILOVER_PLANNED:
        return "planned";
    case BF_FAILOVER_UNPLANNED:
        return "unplanned";
    case BF_FAILOVER_TEST:
        return "test";
    }
    return "unknown";
}

#define COLUMNS                                                                                    \
    "job, machine, mode, target, word, over, object, ending, until, started, patience, fresh, "    \
    "wait, evidence, wish, discard, place"

// Binds over and what follows it, up to the evidence.
static void bind_state(struct bf_query *q, const struct bf_failover *f)
{
    bf_query_int(q, f->over);
    bf_query_int(q, f->object);
    bf_query_text(q, f->ending);
    bf_query_int(q, f->until);
    bf_query_int(q, f->started);
    bf_query_int(q, f->patience);
    bf_query_int(q, f->fresh);
    bf_query_int(q, f->wait);
    bf_query_text(q, f->evidence);
}

static void bind_wish(struct bf_query *q, const struct bf_failover *f)
{
    bf_query_int(q, f->wish);
    bf_query_int(q, f->discard);
    bf_query_text(q, f->to);
}

static void take_columns(struct bf_query *q, struct bf_failover *out)
{
    out->job = bf_column_int(q);
    bf_column_text(q, out->machine, sizeof out->machine);
    out->mode = (enum bf_failover_mode)bf_column_int(q);
    bf_column_text(q, out->target, sizeof out->target);
    bf_column_text(q, out->word, sizeof out->word);
    out->over = bf_column_int(q) != 0;
    out->object = (uint32_t)bf_column_int(q);
    bf_column_text(q, out->ending, sizeof out->ending);
    out->until = bf_column_int(q);
    out->started = bf_column_int(q);
    out->patience = (uint32_t)bf_column_int(q);
    out->fresh = (uint32_t)bf_column_int(q);
    out->wait = (uint32_t)bf_column_int(q);
    bf_column_text(q, out->evidence, sizeof out->evidence);
    out->wish = (enum bf_failover_wish)bf_column_int(q);
    out->discard = bf_column_int(q) != 0;
    bf_column_text(q, out->to, sizeof out->to);
}

enum bf_err bf_db_failover_add(struct bf_db *db, const struct bf_failover *f)
{
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db)); // its job and it, or neither
    bf_query_begin(&q, db,
                   "INSERT INTO failovers (" COLUMNS ") "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bf_query_int(&q, f->job);
    bf_query_text(&q, f->machine);
    bf_query_int(&q, f->mode);
    bf_query_text(&q, f->target);
    bf_query_text(&q, f->word);
    bind_state(&q, f);
    bind_wish(&q, f);
    return bf_query_run(&q);
}

enum bf_err bf_db_failover_update(struct bf_db *db, const struct bf_failover *f)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "UPDATE failovers SET over = ?, object = ?, ending = ?, until = ?, "
                   "started = ?, patience = ?, fresh = ?, wait = ?, evidence = ? WHERE job = ?");
    bind_state(&q, f);
    bf_query_int(&q, f->job);
    return bf_query_change(&q, "failover");
}

enum bf_err bf_db_failover_wish(struct bf_db *db, const struct bf_failover *f)
{
    struct bf_query q;

    BF_ASSERT(f->wish >= BF_WISH_NONE && f->wish < BF_WISHES);
    bf_query_begin(&q, db, "UPDATE failovers SET wish = ?, discard = ?, place = ? WHERE job = ?");
    bind_wish(&q, f);
    bf_query_int(&q, f->job);
    return bf_query_change(&q, "failover");
}

enum bf_err bf_db_failover_get(struct bf_db *db, int64_t job, struct bf_failover *out)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db, "SELECT " COLUMNS " FROM failovers WHERE job = ?");
    bf_query_int(&q, job);
    found = bf_query_row(&q);
    if (found)
        take_columns(&q, out);
    return bf_query_end_found(&q, found, "failover");
}

enum bf_err bf_db_failover_list(struct bf_db *db, const char *machine, int all,
                                struct bf_failover **out, size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_failover *f;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT " COLUMNS " FROM failovers "
                   "WHERE (?1 IS NULL OR machine = ?1) AND (?2 OR over = 0) ORDER BY job");
    bf_query_text(&q, machine);
    bf_query_int(&q, all != 0);
    while (bf_query_row(&q) && (f = bf_rows_add(&rows)))
        take_columns(&q, f);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}
