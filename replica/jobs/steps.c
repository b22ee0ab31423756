// SPDX-License-Identifier: Apache-2.0
// The steps of a failover up to the new machine's start, and those that end it. What a step makes
// is on record before the next one begins, so each of them looks first at what is there already.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "replica/jobs/boot.h"
#include "replica/jobs/finalizer.h"
#include "replica/jobs/folder.h"
#include "replica/jobs/order.h"
#include "replica/jobs/report_to.h"
#include "replica/jobs/source_run.h"
#include "replica/jobs/steps.h"
#include "replica/jobs/watch.h"
#include "replica/state/ask.h"
#include "replica/state/file.h"
#include "replica/state/step.h"
#include "replica/state/waits.h"

static enum bf_err cancelled(struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE, "", "it was stopped");
}

// ---- The source's run --------------------------------------------------------------------------

enum bf_err bf_runner_wait(struct bf_runner *r, enum bf_fo_step *next, struct bf_fault *fault)
{
    int64_t since = r->job.since[BF_JOB_PENDING] - (int64_t)r->f.fresh;
    int64_t until = r->job.since[BF_JOB_PENDING] + (int64_t)r->f.wait;
    struct bf_source_run run;
    char told[sizeof run.why] = "";
    enum bf_err err;
    while (!(err = bf_source_run_find(r->db, r->job.machine, since, &run)) && !run.point) {
        if (strcmp(told, run.why) != 0)
            bf_runner_say(r, BF_LOG_INFO, "waiting for a run of %s, because %s%s", r->job.machine,
                          run.why,
                          told[0] ? "" : ": boot it from its medium, so that nothing is lost");
        bf_snprintf(told, sizeof told, "%s", run.why);
        if (time(NULL) >= until)
            return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SOURCE,
                                "boot it from its medium and start again, or use --unplanned",
                                "%s did not come within %u minutes", r->job.machine,
                                (unsigned)(r->f.wait / 60));
        if (!bf_runner_goes_on(r))
            return cancelled(fault);
        sleep(1);
    }
    r->job.point = run.point;
    if (!err)
        bf_runner_say(r, BF_LOG_INFO, "the source's run is %s@%u", r->job.machine, r->job.point);
    *next = BF_FO_FINALIZING;
    return bf_runner_fault(r, err, fault);
}

// ---- The finalizer -----------------------------------------------------------------------------

// The plan with the job's word, when somebody can hear it. The way back from a failover is its
// point, so that no old values stay in a machine that lives on.
static char *plan_with_word(const struct bf_runner *r)
{
    json_t *plan = json_loadb(r->plan, r->plan_len, 0, NULL);
    if (!json_object_get(plan, "undo"))
        json_object_set_new(plan, "undo", json_string("point"));
    json_t *evidence = json_object_get(plan, "evidence");
    if (!evidence && (r->ops->can & BF_TGT_RUNS)) {
        json_object_set_new(plan, "evidence", json_object());
        evidence = json_object_get(plan, "evidence");
    }
    if (evidence) {
        json_object_set_new(evidence, "word", json_string(r->f.word));
        bf_report_to_trust(r->state, evidence);
    }
    char *text = json_dumps(plan, JSON_COMPACT);
    json_decref(plan);
    return text;
}

// The number is on record before the work begins, so that a runner that follows finds the object.
static enum bf_err note_object(void *runner, const struct bf_image_object *object,
                               struct bf_fault *fault)
{
    struct bf_runner *r = runner;
    r->f.object = object->ref.object;
    return bf_runner_save(r, fault);
}

static bool is_finalized(struct bf_runner *r)
{
    struct bf_object object;
    return r->f.object &&
           bf_db_object_get(r->db, r->job.machine, r->job.point, r->f.object, &object) == BF_OK &&
           object.state == BF_OBJECT_READY;
}

static enum bf_err run_finalizer(struct bf_runner *r, struct bf_finalizer *f, char *plan,
                                 struct bf_fault *fault)
{
    struct bf_job_order order;
    json_t *report = NULL;
    struct bf_image_ref ref = {.point = r->job.point};
    struct bf_job_watch watch = {
        .state = r->state, .job = r->job.id, .until = r->f.until, .stop = &r->stop};
    bf_snprintf(ref.machine, sizeof ref.machine, "%s", r->job.machine);
    bf_job_order_load(r->state, r->job.id, &order);
    f->run.deadline = order.deadline;
    f->run.overlay_mib = order.overlay_mib;
    f->run.plan = plan;
    f->run.plan_len = strlen(plan);
    f->run.stop = &r->stop;
    f->begun = note_object;
    f->user = r;
    enum bf_err err = bf_finalizer_find_vm(f, order.vm[0] ? order.vm : NULL, fault);
    if (!err)
        err = bf_finalizer_open_point(r->state, f, &ref, fault);
    if (!err) {
        bf_job_watch_begin(&watch);
        err = bf_finalizer_apply(r->state, f, &report, fault);
        bf_job_watch_end(&watch);
    }
    json_decref(report);
    return err;
}

static void keep_report(const struct bf_runner *r, const struct bf_finalizer *f)
{
    char path[BF_JOB_PATH];
    struct bf_fault ignored;
    bf_job_path(r->state, r->job.id, "report.json", path);
    if (f->report)
        bf_file_replace(path, f->report, f->report_len, 0600, &ignored);
}

enum bf_err bf_runner_finalize(struct bf_runner *r, enum bf_fo_step *next, struct bf_fault *fault)
{
    *next = BF_FO_MAKING;
    if (is_finalized(r))
        return BF_OK;
    if (r->incomplete)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "start the failover again",
                            "the plan has a passphrase or a key, which is not stored, and the "
                            "process that had it was ended");
    bf_report_to_check(r);
    struct bf_finalizer *f = bf_finalizer_new();
    char *plan = plan_with_word(r);
    enum bf_err err = f && plan ? run_finalizer(r, f, plan, fault)
                                : bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER,
                                               "free some memory", "no memory for the finalizer");
    if (f)
        keep_report(r, f);
    if (plan)
        explicit_bzero(plan, strlen(plan));
    free(plan);
    bf_finalizer_free(f);
    if (!err)
        bf_runner_say(r, BF_LOG_INFO, "made %s@%u/%u", r->job.machine, r->job.point, r->f.object);
    return err;
}

// ---- The machine -------------------------------------------------------------------------------

// From here on the source must not run. A daemon that serves the state ends its session at once.
static enum bf_err fence(struct bf_runner *r, struct bf_fault *fault)
{
    struct bf_fence row = {
        .job = r->job.id, .since = time(NULL), .unplanned = r->f.mode == BF_FAILOVER_UNPLANNED};
    char host[64] = "";
    if (r->f.mode == BF_FAILOVER_TEST)
        return BF_OK;
    gethostname(host, sizeof host - 1);
    bf_snprintf(row.machine, sizeof row.machine, "%s", r->job.machine);
    bf_snprintf(row.place, sizeof row.place, "at %.40s (%.24s)", r->f.target, host);
    enum bf_err err = bf_runner_fault(r, bf_db_fence_put(r->db, &row), fault);
    if (!err)
        bf_control_nudge(r->state, NULL);
    return err;
}

static enum bf_err unfence(struct bf_runner *r, struct bf_fault *fault)
{
    enum bf_err err = bf_runner_fault(r, bf_db_fence_lift(r->db, r->job.machine, r->job.id), fault);
    if (!err)
        bf_control_nudge(r->state, NULL);
    return err;
}

// What the operator has to do where the machine is not ours to start.
static void deliver(struct bf_runner *r)
{
    json_t *plan = json_loadb(r->plan, r->plan_len, 0, NULL);
    bf_snprintf(r->f.evidence, sizeof r->f.evidence, "none");
    bf_snprintf(r->job.detail, sizeof r->job.detail, "made; start it there%s",
                bf_report_to(plan) ? ": this waits, as long as it takes, for the machine's own "
                                     "report; if none comes, look at it, then bootferry confirm"
                                   : ", look at it, then bootferry confirm");
    json_decref(plan);
}

enum bf_err bf_runner_make(struct bf_runner *r, enum bf_fo_step *next, struct bf_fault *fault)
{
    bool runs = (r->ops->can & BF_TGT_RUNS) != 0;
    enum bf_err err = bf_runner_open_machine(r, fault);
    if (!err)
        err = r->ops->make(&r->tgt, fault);
    if (!err && !runs)
        err = fence(r, fault);
    if (err)
        return err;
    *next = runs ? BF_FO_STARTING : BF_FO_DELIVERED;
    if (!runs)
        deliver(r);
    return BF_OK;
}

enum bf_err bf_runner_start(struct bf_runner *r, enum bf_fo_step *next, struct bf_fault *fault)
{
    enum bf_err err = bf_runner_open_machine(r, fault);
    if (!err)
        err = fence(r, fault);
    if (!err)
        err = bf_job_boot_note(r->state, r->job.id, fault);
    if (!err)
        err = r->ops->start(&r->tgt, fault);
    bf_step_done("machine started");
    if (!err)
        r->f.started = time(NULL);
    *next = BF_FO_LOOKING;
    return err;
}

// ---- The end -----------------------------------------------------------------------------------

enum bf_err bf_runner_commit(struct bf_runner *r, enum bf_fo_step *next, struct bf_fault *fault)
{
    *next = BF_FO_COMMITTED;
    enum bf_err err = bf_runner_open_machine(r, fault);
    if (!err && (r->ops->can & BF_TGT_COMMITS))
        err = r->ops->commit(&r->tgt, r->f.to[0] ? r->f.to : NULL, fault);
    if (!err)
        bf_snprintf(r->job.detail, sizeof r->job.detail,
                    "lives in its new home and needs nothing of the replica");
    return err;
}

// What was finalized for a machine that is gone serves nobody.
static enum bf_err drop_object(struct bf_runner *r, struct bf_fault *fault)
{
    struct bf_image_ref ref = {.point = r->job.point, .object = r->f.object};
    if (!r->f.object)
        return BF_OK;
    bf_snprintf(ref.machine, sizeof ref.machine, "%s", r->job.machine);
    return bf_image_object_drop(r->state, &ref, fault);
}

enum bf_err bf_runner_remove(struct bf_runner *r, enum bf_fo_step *next, struct bf_fault *fault)
{
    static const char nothing_left[] = "nothing is left of the new machine";
    struct bf_job ended = {0};
    enum bf_err err = BF_OK;
    // Without a finalized object the target was not asked for anything yet.
    if (is_finalized(r))
        err = bf_runner_open_machine(r, fault);
    if (!err && r->tgt.machine)
        err = r->ops->remove(&r->tgt, fault);
    bf_step_done("machine removed");
    if (!err)
        err = unfence(r, fault);
    bf_step_done("fence lifted");
    if (!err)
        err = drop_object(r, fault);
    bf_step_done("object dropped");
    if (err)
        return err;
    bf_snprintf(ended.step, sizeof ended.step, "%s", r->f.ending);
    *next = bf_fo_step_of(&ended);
    bf_runner_say(r, BF_LOG_INFO, "%s", nothing_left);
    // A job that failed says why.
    if (*next != BF_FO_FAILED)
        bf_snprintf(r->job.detail, sizeof r->job.detail, "%s", nothing_left);
    return BF_OK;
}
