// SPDX-License-Identifier: Apache-2.0
// The loop of a runner: takes the operator's wish, does the work of the step, writes what came of
// it; see runner.h.
#include "replica/jobs/runner.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "base/log.h"
#include "replica/jobs/folder.h"
#include "replica/jobs/proof.h"
#include "replica/jobs/reported.h"
#include "replica/jobs/steps.h"
#include "replica/state/step.h"
#include "replica/targets/machine.h"

// ---- What is on record -------------------------------------------------------------------------

static enum bf_err load(struct bf_runner *r, struct bf_fault *fault)
{
    enum bf_err err = bf_db_job_get(r->db, r->job.id, &r->job);
    if (!err)
        err = bf_db_failover_get(r->db, r->job.id, &r->f);
    r->step = bf_fo_step_of(&r->job);
    return bf_runner_fault(r, err, fault);
}

static enum bf_err enter(struct bf_runner *r, enum bf_fo_step step, struct bf_fault *fault)
{
    const struct bf_fo_info *info = bf_fo_info(step);
    r->step = step;
    r->job.phase = info->phase;
    r->f.over = info->over;
    bf_snprintf(r->job.step, sizeof r->job.step, "%s", info->name);
    return bf_runner_save(r, fault);
}

// ---- Wishes ------------------------------------------------------------------------------------

static enum bf_err forget_wish(struct bf_runner *r, struct bf_fault *fault)
{
    r->f.wish = BF_WISH_NONE;
    r->cancelled = false;
    r->stop = (struct bf_run_stop)BF_RUN_STOP_INIT;
    return bf_runner_fault(r, bf_db_failover_wish(r->db, &r->f), fault);
}

// The step comes first: a runner that is killed in between is asked again, and says no.
static enum bf_err take_wish(struct bf_runner *r, struct bf_fault *fault)
{
    struct bf_fo_answer answer;
    struct bf_fault no;
    enum bf_failover_wish wish = r->f.wish;
    enum bf_err err = BF_OK;
    if (bf_fo_ask(r->f.mode, r->step, wish, &answer, &no)) {
        bf_runner_say(r, BF_LOG_WARNING, "%s; %s", no.what, no.todo);
        return forget_wish(r, fault);
    }
    bf_runner_say(r, BF_LOG_INFO, "%s was asked for", bf_fo_wish_name(wish));
    if (answer.next == BF_FO_REMOVING || answer.next == BF_FO_COMMITTING)
        bf_snprintf(r->f.ending, sizeof r->f.ending, "%s", bf_fo_info(answer.ending)->name);
    if (wish == BF_WISH_CONFIRM && !bf_fo_is_shown(&r->f))
        bf_snprintf(r->f.evidence, sizeof r->f.evidence, "operator");
    err = enter(r, answer.next, fault);
    return err ? err : forget_wish(r, fault);
}

static enum bf_err end_test(struct bf_runner *r, struct bf_fault *fault)
{
    bf_runner_say(r, BF_LOG_INFO, "the time of the test is up");
    bf_snprintf(r->f.ending, sizeof r->f.ending, "%s", bf_fo_info(BF_FO_CLEANED_UP)->name);
    r->f.until = 0;
    return enter(r, BF_FO_REMOVING, fault);
}

// ---- Work --------------------------------------------------------------------------------------

static const struct {
    bf_runner_work *work;
    enum bf_fo_step failed; // where a failure leads
    const char *begins;     // the event, or NULL
} steps[BF_FO_STEPS] = {
    [BF_FO_WAITING] = {bf_runner_wait, BF_FO_FAILED, NULL},
    [BF_FO_FINALIZING] = {bf_runner_finalize, BF_FO_FAILED, "the finalizer adapts the system"},
    [BF_FO_MAKING] = {bf_runner_make, BF_FO_REMOVING, "the new machine is made"},
    [BF_FO_STARTING] = {bf_runner_start, BF_FO_REMOVING, "the new machine is switched on"},
    [BF_FO_LOOKING] = {bf_runner_look, BF_FO_UNPROVEN, "waiting for evidence from inside"},
    [BF_FO_COMMITTING] = {bf_runner_commit, BF_FO_READY, "its disks are copied to their own place"},
    [BF_FO_REMOVING] = {bf_runner_remove, BF_FO_STUCK, "the new machine is taken away"},
};

static enum bf_err fail(struct bf_runner *r, const struct bf_fault *why, struct bf_fault *fault)
{
    enum bf_fo_step next = steps[r->step].failed;
    bf_runner_say(r, BF_LOG_ERROR, "%s; %s", why->what, why->todo);
    bf_snprintf(r->job.detail, sizeof r->job.detail, "%s", why->what);
    if (next == BF_FO_REMOVING)
        bf_snprintf(r->f.ending, sizeof r->f.ending, "%s", bf_fo_info(BF_FO_FAILED)->name);
    return enter(r, next, fault);
}

// Nothing of the server's own trouble, such as a full disk, ends a job that waits for nothing else.
static enum bf_err work(struct bf_runner *r, struct bf_fault *fault)
{
    struct bf_fault why = {0};
    enum bf_fo_step next = r->step;
    enum bf_err err = r->job.phase == bf_fo_info(r->step)->phase ? BF_OK : enter(r, r->step, fault);
    if (err)
        return err;
    if (steps[r->step].begins)
        bf_runner_say(r, BF_LOG_INFO, "%s", steps[r->step].begins);
    err = steps[r->step].work(r, &next, &why);
    if (err && !bf_runner_goes_on(r))
        return BF_OK; // the wish, or the end of the test, is taken up next
    return err ? fail(r, &why, fault) : enter(r, next, fault);
}

// A report that came after the job had stopped. One that shows nothing new is put away.
static enum bf_err take_report(struct bf_runner *r, struct bf_fault *fault)
{
    struct bf_proof proof;
    bool good = false;
    if (!bf_fo_hears(r->step) || bf_fo_is_shown(&r->f))
        return bf_reported_settle(r->state, r->job.id, NULL, fault);
    enum bf_err err = bf_runner_open_machine(r, fault);
    if (!err) {
        bf_proof_begin(r, &proof);
        err = bf_proof_hear(r, &proof, &good, fault);
    }
    if (!good)
        return err;
    bf_proof_keep(r, &proof, "guest");
    return enter(r, r->step == BF_FO_DELIVERED ? r->step : BF_FO_READY, fault);
}

static enum bf_err turn(struct bf_runner *r, bool *more, struct bf_fault *fault)
{
    enum bf_err err = load(r, fault);
    const struct bf_fo_info *info = bf_fo_info(r->step);
    if (!err)
        bf_step_done(info->name);
    if (!err && r->f.wish == BF_WISH_NONE)
        err = bf_runner_after_boot(r, fault);
    *more = !err && !r->f.over;
    if (!*more)
        return err;
    if (r->f.wish != BF_WISH_NONE)
        return take_wish(r, fault);
    if (bf_runner_time_is_up(r))
        return end_test(r, fault);
    if (info->works)
        return work(r, fault);
    if (bf_reported_waits(r->state, r->job.id))
        return take_report(r, fault);
    *more = r->f.until != 0; // a test is ended by its runner
    if (*more)
        sleep(1);
    return BF_OK;
}

// ---- Beginning and end -------------------------------------------------------------------------

static void report_progress(void *runner, uint64_t done, uint64_t total)
{
    struct bf_runner *r = runner;
    struct bf_fault ignored;
    int64_t now = time(NULL);
    r->job.bytes_done = done;
    r->job.bytes_total = total;
    if (now == r->saved)
        return;
    r->saved = now;
    bf_runner_save(r, &ignored);
}

static void tell(void *runner, const char *sentence)
{
    bf_runner_say(runner, BF_LOG_INFO, "%s", sentence);
}

static enum bf_err open_plan(struct bf_runner *r, const char *plan, size_t len,
                             struct bf_fault *fault)
{
    if (!plan)
        return bf_job_plan_load(r->state, r->job.id, &r->plan, &r->plan_len, &r->incomplete, fault);
    r->plan = strndup(plan, len);
    r->plan_len = len;
    return r->plan ? BF_OK
                   : bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                                  "no memory for a plan");
}

static enum bf_err open_runner(struct bf_runner *r, const char *plan, size_t len,
                               struct bf_fault *fault)
{
    enum bf_err err = load(r, fault);
    if (!err && (!r->f.over || r->step == BF_FO_COMMITTED))
        err = open_plan(r, plan, len, fault);
    if (err)
        return err;
    r->ops = bf_tgt_find(r->f.target, fault);
    if (!r->ops)
        return fault->code;
    r->tgt = (struct bf_tgt){.state = r->state,
                             .folder = r->folder,
                             .uri = r->f.target,
                             .goes_on = bf_runner_goes_on,
                             .progress = report_progress,
                             .tell = tell,
                             .user = r};
    return BF_OK;
}

// All but the lock. plan: as for bf_runner_run.
static struct bf_runner *new_runner(struct bf_state *state, int64_t job)
{
    struct bf_runner *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->state = state;
    r->db = bf_state_db(state);
    r->job.id = job;
    r->stop = (struct bf_run_stop)BF_RUN_STOP_INIT;
    bf_job_folder(job, r->folder);
    return r;
}

static void free_runner(struct bf_runner *r)
{
    if (r->machine)
        bf_tgt_machine_free(r->machine);
    free(r->machine);
    if (r->plan)
        explicit_bzero(r->plan, r->plan_len);
    free(r->plan);
    free(r);
}

static enum bf_err no_memory(struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                        "no memory for a job");
}

enum bf_err bf_runner_run(struct bf_state *state, int64_t job, const char *plan, size_t len,
                          struct bf_fault *fault)
{
    struct bf_runner *r = new_runner(state, job);
    bool more = true;
    int lock = -1;
    if (!r)
        return no_memory(fault);
    enum bf_err err = bf_job_lock(state, job, &lock, fault);
    if (!err)
        err = open_runner(r, plan, len, fault);
    while (!err && more)
        err = turn(r, &more, fault);
    if (lock >= 0)
        close(lock);
    free_runner(r);
    return err;
}

enum bf_err bf_runner_written(struct bf_state *state, int64_t job, uint64_t *bytes,
                              struct bf_fault *fault)
{
    struct bf_runner *r = new_runner(state, job);
    *bytes = 0;
    if (!r)
        return no_memory(fault);
    enum bf_err err = open_runner(r, NULL, 0, fault);
    r->tgt.goes_on = NULL;
    if (!err && r->f.object && (r->ops->can & BF_TGT_RUNS))
        err = bf_runner_open_machine(r, fault);
    if (!err && r->tgt.machine)
        err = r->ops->written(&r->tgt, bytes, fault);
    free_runner(r);
    return err;
}
