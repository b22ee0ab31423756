// SPDX-License-Identifier: Apache-2.0
// A machine that its host took down with it: it is switched on again where the plan has
// machine.autostart, and otherwise said to be off. Once for each boot of the host, so that nobody
// who switches the machine off is overruled.
#include <jansson.h>
#include <stdlib.h>

#include "base/fmt.h"
#include "base/log.h"
#include "replica/jobs/boot.h"
#include "replica/jobs/steps.h"

// Of one that was committed, the point that it was made of may be gone, and so may the move be
// undone by a later one: it lives here as long as the fence of its old self is this job's.
static bool lives_here(const struct bf_runner *r)
{
    struct bf_fence fence;
    return r->step != BF_FO_COMMITTED ||
           (bf_db_fence_get(r->db, r->job.machine, &fence) == BF_OK && fence.job == r->job.id);
}

static enum bf_err look(struct bf_runner *r, bool start, enum bf_tgt_power *power,
                        struct bf_fault *fault)
{
    struct bf_tgt_machine *named;
    struct bf_tgt tgt = r->tgt;
    enum bf_err err;
    if (r->step == BF_FO_COMMITTED) {
        named = calloc(1, sizeof *named);
        if (!named)
            return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                                "no memory for a machine");
        bf_snprintf(named->name, sizeof named->name, "%s", r->job.machine);
        tgt.machine = named;
        err = r->ops->at_home(&tgt, start, power, fault);
        free(named);
        return err;
    }
    err = bf_runner_open_machine(r, fault);
    if (!err && start)
        err = r->ops->start(&r->tgt, fault);
    return err ? err : r->ops->power(&r->tgt, power, fault);
}

static bool starts_by_itself(const struct bf_runner *r)
{
    json_t *plan = json_loadb(r->plan, r->plan_len, 0, NULL);
    bool starts = r->f.mode != BF_FAILOVER_TEST &&
                  json_is_true(json_object_get(json_object_get(plan, "machine"), "autostart"));
    json_decref(plan);
    return starts;
}

static void say_off(struct bf_runner *r, int level, const char *why)
{
    char todo[96];
    bf_snprintf(todo, sizeof todo, "jobs/%lld/start in the state's folder starts it",
                (long long)r->job.id);
    bf_runner_say(r, level, "this host was restarted, and the machine is off: %s; %s", why, todo);
    bf_snprintf(r->job.detail, sizeof r->job.detail, "off since this host was restarted; %s", todo);
}

static void see_to_it(struct bf_runner *r)
{
    enum bf_tgt_power power = BF_TGT_ON;
    struct bf_fault fault = {0};
    enum bf_err err = look(r, false, &power, &fault);
    if (!err && power == BF_TGT_ON)
        return;
    if (!err && !starts_by_itself(r)) {
        say_off(r, BF_LOG_WARNING,
                r->f.mode == BF_FAILOVER_TEST ? "a test is not started again"
                                              : "its plan has no machine.autostart");
        return;
    }
    if (!err)
        err = look(r, true, &power, &fault);
    if (err)
        say_off(r, BF_LOG_ERROR, fault.what);
    else
        bf_runner_say(r, BF_LOG_INFO, "this host was restarted: the machine is switched on again");
}

enum bf_err bf_runner_after_boot(struct bf_runner *r, struct bf_fault *fault)
{
    if (!bf_job_boot_matters(r->state, &r->job))
        return BF_OK;
    // First, so that a start which fails is not tried again and again.
    enum bf_err err = bf_job_boot_note(r->state, r->job.id, fault);
    if (err || !r->ops->at_home || !lives_here(r))
        return err;
    see_to_it(r);
    return bf_runner_save(r, fault);
}
