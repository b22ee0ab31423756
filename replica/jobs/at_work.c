// SPDX-License-Identifier: Apache-2.0
// What the runner of a failover and its steps share; see at_work.h.
#include "replica/jobs/at_work.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fmt.h"
#include "base/log.h"
#include "replica/targets/machine.h"

enum bf_err bf_runner_fault(struct bf_runner *r, enum bf_err err, struct bf_fault *fault)
{
    if (err)
        *fault = *bf_db_fault(r->db);
    return err;
}

void bf_runner_say(struct bf_runner *r, int level, const char *format, ...)
{
    struct bf_event_row row = {.time = time(NULL), .job = r->job.id, .level = level};
    va_list args;
    va_start(args, format);
    bf_vsnprintf(row.text, sizeof row.text, format, args);
    va_end(args);
    bf_snprintf(row.machine, sizeof row.machine, "%s", r->job.machine);
    bf_log((enum bf_log_level)level, "job %lld: %s", (long long)r->job.id, row.text);
    if (bf_db_event_add(r->db, &row))
        bf_log(BF_LOG_ERROR, "the event could not be recorded: %s", bf_db_fault(r->db)->what);
}

// The wish is the operator's column: what came since it was read stays.
enum bf_err bf_runner_save(struct bf_runner *r, struct bf_fault *fault)
{
    enum bf_err err = bf_db_begin(r->db);
    if (!err)
        err = bf_db_job_update(r->db, &r->job, time(NULL));
    if (!err)
        err = bf_db_failover_update(r->db, &r->f);
    if (!err)
        err = bf_db_commit(r->db);
    bf_runner_fault(r, err, fault);
    bf_db_rollback(r->db);
    return err;
}

bool bf_runner_time_is_up(const struct bf_runner *r)
{
    return r->f.until && time(NULL) >= r->f.until && !r->f.over && r->step != BF_FO_REMOVING;
}

bool bf_runner_goes_on(void *runner)
{
    struct bf_runner *r = runner;
    struct bf_failover now;
    int64_t clock = time(NULL);
    if (clock == r->asked)
        return !r->cancelled;
    r->asked = clock;
    r->cancelled = bf_runner_time_is_up(r);
    if (bf_db_failover_get(r->db, r->job.id, &now) == BF_OK && now.wish != BF_WISH_NONE)
        r->cancelled = true;
    if (r->cancelled)
        bf_run_request_stop(&r->stop);
    return !r->cancelled;
}

// The plan as the machine is made of it. Its keys are for the finalizer alone, and a runner that
// follows an interruption has entries without any.
static char *plan_without_keys(const struct bf_runner *r)
{
    json_t *plan = json_loadb(r->plan, r->plan_len, 0, NULL);
    json_object_del(plan, "unlock");
    char *text = json_dumps(plan, JSON_COMPACT);
    json_decref(plan);
    return text;
}

enum bf_err bf_runner_open_machine(struct bf_runner *r, struct bf_fault *fault)
{
    struct bf_image_ref ref = {.point = r->job.point, .object = r->f.object};
    int64_t test = r->f.mode == BF_FAILOVER_TEST ? r->job.id : 0;
    if (r->tgt.machine)
        return BF_OK;
    bf_snprintf(ref.machine, sizeof ref.machine, "%s", r->job.machine);
    if (!r->machine)
        r->machine = calloc(1, sizeof *r->machine);
    char *plan = plan_without_keys(r);
    if (!r->machine || !plan) {
        free(plan);
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for a machine");
    }
    enum bf_err err =
        bf_tgt_machine_make(r->state, &ref, plan, strlen(plan), test, r->machine, fault);
    free(plan);
    if (err) {
        bf_tgt_machine_free(r->machine);
        memset(r->machine, 0, sizeof *r->machine);
        return err;
    }
    r->tgt.machine = r->machine;
    return BF_OK;
}
