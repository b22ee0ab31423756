// SPDX-License-Identifier: Apache-2.0
// The database's part about what happened: sessions, jobs with their phases, events.
#include "replica/state/sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"

enum { EVENTS_PER_MACHINE = 1000 };

// ---- Sessions ----------------------------------------------------------------------------------

enum bf_err bf_db_session_put(struct bf_db *db, const struct bf_session_row *row)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "INSERT OR REPLACE INTO sessions "
                   "(id, boot, machine, started, ended, point, job) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?)");
    bf_query_blob(&q, row->id, sizeof row->id);
    bf_query_blob(&q, row->boot, sizeof row->boot);
    bf_query_text(&q, row->machine);
    bf_query_int(&q, row->started);
    bf_query_int(&q, row->ended);
    bf_query_int(&q, row->point);
    bf_query_int(&q, row->job);
    return bf_query_run(&q);
}

enum bf_err bf_db_session_get(struct bf_db *db, const uint8_t id[16], struct bf_session_row *out)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db,
                   "SELECT id, boot, machine, started, ended, point, job "
                   "FROM sessions WHERE id = ?");
    bf_query_blob(&q, id, 16);
    found = bf_query_row(&q);
    if (found) {
        bf_column_blob(&q, out->id, sizeof out->id);
        bf_column_blob(&q, out->boot, sizeof out->boot);
        bf_column_text(&q, out->machine, sizeof out->machine);
        out->started = bf_column_int(&q);
        out->ended = bf_column_int(&q);
        out->point = (uint32_t)bf_column_int(&q);
        out->job = bf_column_int(&q);
    }
    return bf_query_end_found(&q, found, "session");
}

// ---- Jobs --------------------------------------------------------------------------------------

const char *bf_job_phase_name(enum bf_job_phase phase)
{
    switch (phase) {
    case BF_JOB_PENDING:
        return "Pending";
    case BF_JOB_RUNNING:
        return "Running";
    case BF_JOB_TARGET_READY:
        return "TargetReady";
    case BF_JOB_SUCCEEDED:
        return "Succeeded";
    case BF_JOB_FAILED:
        return "Failed";
    }
    return "Unknown";
}

#define JOB_COLUMNS                                                                                \
    "machine, kind, phase, pending, running, ready, succeeded, failed, step, bytes_total, "        \
    "bytes_done, bytes_data, bytes_wire, point, detail"

static void job_columns(struct bf_query *q, struct bf_job *out)
{
    out->id = bf_column_int(q);
    bf_column_text(q, out->machine, sizeof out->machine);
    bf_column_text(q, out->kind, sizeof out->kind);
    out->phase = (enum bf_job_phase)bf_column_int(q);
    for (int phase = BF_JOB_PENDING; phase <= BF_JOB_FAILED; phase++)
        out->since[phase] = bf_column_int(q);
    bf_column_text(q, out->step, sizeof out->step);
    out->bytes_total = (uint64_t)bf_column_int(q);
    out->bytes_done = (uint64_t)bf_column_int(q);
    out->bytes_data = (uint64_t)bf_column_int(q);
    out->bytes_wire = (uint64_t)bf_column_int(q);
    out->point = (uint32_t)bf_column_int(q);
    bf_column_text(q, out->detail, sizeof out->detail);
}

// Binds phase and everything after it in JOB_COLUMNS.
static void job_bind(struct bf_query *q, const struct bf_job *job)
{
    BF_ASSERT(job->phase >= BF_JOB_PENDING && job->phase <= BF_JOB_FAILED);
    bf_query_int(q, job->phase);
    for (int phase = BF_JOB_PENDING; phase <= BF_JOB_FAILED; phase++)
        bf_query_int(q, job->since[phase]);
    bf_query_text(q, job->step);
    bf_query_int(q, (int64_t)job->bytes_total);
    bf_query_int(q, (int64_t)job->bytes_done);
    bf_query_int(q, (int64_t)job->bytes_data);
    bf_query_int(q, (int64_t)job->bytes_wire);
    bf_query_int(q, job->point);
    bf_query_text(q, job->detail);
}

enum bf_err bf_db_job_add(struct bf_db *db, struct bf_job *job)
{
    struct bf_query q;
    enum bf_err err;

    job->phase = BF_JOB_PENDING;
    bf_query_begin(&q, db,
                   "INSERT INTO jobs (" JOB_COLUMNS ") "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bf_query_text(&q, job->machine);
    bf_query_text(&q, job->kind);
    job_bind(&q, job);
    err = bf_query_run(&q);
    if (!err)
        job->id = sqlite3_last_insert_rowid(db->sqlite);
    BF_ASSERT(err || job->id > 0); // 0 stands for no job
    return err;
}

enum bf_err bf_db_job_update(struct bf_db *db, struct bf_job *job, int64_t now)
{
    struct bf_query q;

    if (job->phase < BF_JOB_PENDING || job->phase > BF_JOB_FAILED)
        return BF_ERR_RANGE;
    BF_ASSERT(job->id > 0);
    if (!job->since[job->phase])
        job->since[job->phase] = now;
    bf_query_begin(&q, db,
                   "UPDATE jobs SET phase = ?, pending = ?, running = ?, ready = ?, "
                   "succeeded = ?, failed = ?, step = ?, bytes_total = ?, bytes_done = ?, "
                   "bytes_data = ?, bytes_wire = ?, point = ?, detail = ? WHERE id = ?");
    job_bind(&q, job);
    bf_query_int(&q, job->id);
    return bf_query_change(&q, "job");
}

enum bf_err bf_db_job_get(struct bf_db *db, int64_t id, struct bf_job *out)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db, "SELECT id, " JOB_COLUMNS " FROM jobs WHERE id = ?");
    bf_query_int(&q, id);
    found = bf_query_row(&q);
    if (found)
        job_columns(&q, out);
    return bf_query_end_found(&q, found, "job");
}

enum bf_err bf_db_job_list(struct bf_db *db, const char *machine, uint32_t limit,
                           struct bf_job **out, size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_job *job;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT id, " JOB_COLUMNS " FROM jobs "
                   "WHERE ?1 IS NULL OR machine = ?1 ORDER BY id DESC LIMIT ?2");
    bf_query_text(&q, machine);
    bf_query_int(&q, limit ? (int64_t)limit : -1);
    while (bf_query_row(&q) && (job = bf_rows_add(&rows)))
        job_columns(&q, job);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

// ---- Events ------------------------------------------------------------------------------------

static enum bf_err events_trim(struct bf_db *db, const char *machine)
{
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db)); // with the event that makes another one too many
    bf_query_begin(&q, db,
                   "DELETE FROM events WHERE machine = ?1 AND id <= "
                   "(SELECT id FROM events WHERE machine = ?1 "
                   "ORDER BY id DESC LIMIT 1 OFFSET ?2)");
    bf_query_text(&q, machine);
    bf_query_int(&q, EVENTS_PER_MACHINE);
    return bf_query_run(&q);
}

enum bf_err bf_db_event_add(struct bf_db *db, struct bf_event_row *event)
{
    struct bf_query q;
    int own;
    enum bf_err err = bf_sql_enter(db, &own);

    BF_ASSERT(event->level >= BF_LOG_ERROR && event->level <= BF_LOG_DEBUG);
    if (err)
        return err;
    bf_query_begin(&q, db,
                   "INSERT INTO events (time, machine, job, level, text) VALUES (?, ?, ?, ?, ?)");
    bf_query_int(&q, event->time);
    bf_query_text(&q, event->machine);
    bf_query_int(&q, event->job);
    bf_query_int(&q, event->level);
    bf_query_text(&q, event->text);
    err = bf_query_run(&q);
    if (!err) {
        event->id = sqlite3_last_insert_rowid(db->sqlite);
        err = events_trim(db, event->machine);
    }
    return bf_sql_leave(db, own, err);
}

static void event_columns(struct bf_query *q, struct bf_event_row *event)
{
    event->id = bf_column_int(q);
    event->time = bf_column_int(q);
    bf_column_text(q, event->machine, sizeof event->machine);
    event->job = bf_column_int(q);
    event->level = (int)bf_column_int(q);
    bf_column_text(q, event->text, sizeof event->text);
}

static enum bf_err take_events(struct bf_query *q, struct bf_event_row **out, size_t *count)
{
    struct bf_rows rows = {.db = q->db, .size = sizeof **out};
    struct bf_event_row *event;

    while (bf_query_row(q) && (event = bf_rows_add(&rows)))
        event_columns(q, event);
    return bf_rows_give(&rows, bf_query_end(q), out, count);
}

enum bf_err bf_db_event_list(struct bf_db *db, const char *machine, int64_t after, uint32_t limit,
                             struct bf_event_row **out, size_t *count)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT * FROM (SELECT id, time, machine, job, level, text FROM events "
                   "WHERE (?1 IS NULL OR machine = ?1) AND id > ?2 "
                   "ORDER BY id DESC LIMIT ?3) ORDER BY id");
    bf_query_text(&q, machine);
    bf_query_int(&q, after);
    bf_query_int(&q, limit ? (int64_t)limit : -1);
    return take_events(&q, out, count);
}

enum bf_err bf_db_event_of_job(struct bf_db *db, int64_t job, int64_t after,
                               struct bf_event_row **out, size_t *count)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT id, time, machine, job, level, text FROM events "
                   "WHERE job = ? AND id > ? ORDER BY id");
    bf_query_int(&q, job);
    bf_query_int(&q, after);
    return take_events(&q, out, count);
}
