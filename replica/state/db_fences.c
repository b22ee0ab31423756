// SPDX-License-Identifier: Apache-2.0
// The database's part about machines that live elsewhere: a fence keeps the source of such a
// machine off. What the source is told about it is written here, so that it is the same at the
// door, within a session, and when a point would be sealed.
#include "replica/state/sql.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/state/text.h"

enum { QUIET_SECONDS = 600 }; // after which a contact is worth telling again

enum bf_err bf_db_fence_put(struct bf_db *db, const struct bf_fence *fence)
{
    struct bf_query q;

    BF_ASSERT(fence->job > 0 && fence->since > 0 && fence->place[0]);
    bf_query_begin(&q, db,
                   "INSERT INTO fences (machine, job, since, place, unplanned) "
                   "VALUES (?, ?, ?, ?, ?) "
                   "ON CONFLICT (machine, job) DO UPDATE SET place = excluded.place");
    bf_query_text(&q, fence->machine);
    bf_query_int(&q, fence->job);
    bf_query_int(&q, fence->since);
    bf_query_text(&q, fence->place);
    bf_query_int(&q, fence->unplanned);
    return bf_query_run(&q);
}

enum bf_err bf_db_fence_lift(struct bf_db *db, const char *machine, int64_t job)
{
    struct bf_query q;

    BF_ASSERT(job >= 0);
    bf_query_begin(&q, db, "DELETE FROM fences WHERE machine = ? AND (job = ? OR ? = 0)");
    bf_query_text(&q, machine);
    bf_query_int(&q, job);
    bf_query_int(&q, job);
    return bf_query_run(&q);
}

enum bf_err bf_db_fence_get(struct bf_db *db, const char *machine, struct bf_fence *out)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db,
                   "SELECT machine, job, since, place, unplanned, contacts, contacted FROM fences "
                   "WHERE machine = ? ORDER BY job DESC LIMIT 1");
    bf_query_text(&q, machine);
    found = bf_query_row(&q);
    if (found) {
        bf_column_text(&q, out->machine, sizeof out->machine);
        out->job = bf_column_int(&q);
        out->since = bf_column_int(&q);
        bf_column_text(&q, out->place, sizeof out->place);
        out->unplanned = bf_column_int(&q) != 0;
        out->contacts = (uint32_t)bf_column_int(&q);
        out->contacted = bf_column_int(&q);
    }
    return bf_query_end_found(&q, found, "fence");
}

// A move that was committed has no way back by itself.
static int is_committed(struct bf_db *db, const struct bf_fence *fence)
{
    struct bf_job job;

    return bf_db_job_get(db, fence->job, &job) == BF_OK && job.phase == BF_JOB_SUCCEEDED &&
           strcmp(job.step, "committed") == 0;
}

enum bf_err bf_db_fence_check(struct bf_db *db, const char *machine)
{
    struct bf_fence fence;
    char since[BF_TIME_TEXT], todo[sizeof db->fault.todo];
    enum bf_err err = bf_db_fence_get(db, machine, &fence);

    if (err)
        return err == BF_ERR_NOT_FOUND ? BF_OK : err;
    BF_ASSERT(fence.since > 0 && fence.place[0]); // as it was put
    if (is_committed(db, &fence))
        bf_snprintf(todo, sizeof todo,
                    "keep this machine off: the move was committed. To use it for something else, "
                    "erase its disks and take the medium out");
    else
        bf_snprintf(todo, sizeof todo,
                    "to bring it back here, run bootferry rollback %s on the replica server, then "
                    "start this machine again",
                    machine);
    return bf_fault_set(&db->fault, BF_ERR_FENCED, BF_SIDE_SOURCE, todo,
                        "this machine lives elsewhere now: %s, since %s%s", fence.place,
                        bf_time_text(fence.since, since),
                        fence.unplanned ? " (an unplanned failover)" : "");
}

enum bf_err bf_db_fence_contact(struct bf_db *db, const char *machine, int64_t now, int *fresh)
{
    struct bf_fence fence;
    struct bf_query q;
    enum bf_err err = bf_db_fence_get(db, machine, &fence);

    BF_ASSERT(now > 0); // 0 is never
    *fresh = 0;
    if (err)
        return err;
    bf_query_begin(&q, db,
                   "UPDATE fences SET contacts = contacts + 1, contacted = ? "
                   "WHERE machine = ? AND job = ?");
    bf_query_int(&q, now);
    bf_query_text(&q, machine);
    bf_query_int(&q, fence.job);
    err = bf_query_run(&q);
    // A clock that was set back counts as a pause.
    *fresh = !err && (now < fence.contacted || now - fence.contacted >= QUIET_SECONDS);
    return err;
}
