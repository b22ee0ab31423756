// SPDX-License-Identifier: Apache-2.0
// Whether the source's last run will do for a planned failover: asked by the job that waits for it,
// and by who wants to know first.
#include "replica/jobs/source_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/points/inventory.h"
#include "replica/points/source.h"
#include "replica/state/text.h"

static enum bf_err is_replicating(struct bf_db *db, const char *machine, bool *out)
{
    struct bf_job *jobs;
    size_t count;
    enum bf_err err = bf_db_job_list(db, machine, 0, &jobs, &count);
    *out = false;
    for (size_t i = 0; !err && i < count; i++)
        if (strcmp(jobs[i].kind, "replication") == 0) {
            *out = jobs[i].phase < BF_JOB_SUCCEEDED;
            break;
        }
    free(jobs);
    return err;
}

static void judge(struct bf_db *db, const struct bf_point *point, int64_t since,
                  struct bf_source_run *out)
{
    char when[BF_TIME_TEXT];
    json_t *inventory = bf_point_inventory(db, point);
    if (bf_source_is_running_system(inventory))
        bf_snprintf(out->why, sizeof out->why,
                    "its last run, %s@%u, was sent by a running system, with files open",
                    point->machine, point->number);
    else if (point->time < since)
        bf_snprintf(out->why, sizeof out->why, "its last run, %s@%u, is of %s", point->machine,
                    point->number, bf_time_text(point->time, when));
    else
        out->point = point->number;
    json_decref(inventory);
}

enum bf_err bf_source_run_find(struct bf_db *db, const char *machine, int64_t since,
                               struct bf_source_run *out)
{
    struct bf_point *point = calloc(1, sizeof *point);
    bool replicating = false;
    *out = (struct bf_source_run){0};
    enum bf_err err = point ? is_replicating(db, machine, &replicating) : BF_ERR_NO_MEMORY;
    if (!err && replicating)
        bf_snprintf(out->why, sizeof out->why, "a run is under way");
    else if (!err && (err = bf_db_point_get(db, machine, 0, point)) == BF_OK)
        judge(db, point, since, out);
    if (err == BF_ERR_NOT_FOUND) {
        bf_snprintf(out->why, sizeof out->why, "it has had no run");
        err = BF_OK;
    }
    free(point);
    return err;
}
