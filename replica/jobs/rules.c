// SPDX-License-Identifier: Apache-2.0
// The tables of the rules; see rules.h.
#include "replica/jobs/rules.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

static const struct bf_fo_info infos[BF_FO_STEPS] = {
    [BF_FO_WAITING] = {"waiting", BF_JOB_PENDING, true, false, false},
    [BF_FO_FINALIZING] = {"finalizing", BF_JOB_RUNNING, true, false, false},
    [BF_FO_MAKING] = {"making", BF_JOB_RUNNING, true, false, true},
    [BF_FO_STARTING] = {"starting", BF_JOB_RUNNING, true, false, true},
    [BF_FO_LOOKING] = {"looking", BF_JOB_RUNNING, true, false, true},
    [BF_FO_READY] = {"ready", BF_JOB_TARGET_READY, false, false, true},
    [BF_FO_UNPROVEN] = {"unproven", BF_JOB_FAILED, false, false, true},
    [BF_FO_DELIVERED] = {"delivered", BF_JOB_SUCCEEDED, false, false, true},
    [BF_FO_COMMITTING] = {"committing", BF_JOB_RUNNING, true, false, true},
    [BF_FO_REMOVING] = {"removing", BF_JOB_RUNNING, true, false, true},
    [BF_FO_STUCK] = {"stuck", BF_JOB_FAILED, false, false, true},
    [BF_FO_COMMITTED] = {"committed", BF_JOB_SUCCEEDED, false, true, false},
    [BF_FO_ROLLED_BACK] = {"rolled-back", BF_JOB_FAILED, false, true, false},
    [BF_FO_CLEANED_UP] = {"cleaned-up", BF_JOB_SUCCEEDED, false, true, false},
    [BF_FO_CANCELLED] = {"cancelled", BF_JOB_FAILED, false, true, false},
    [BF_FO_FAILED] = {"failed", BF_JOB_FAILED, false, true, false},
};

const struct bf_fo_info *bf_fo_info(enum bf_fo_step step)
{
    BF_ASSERT(step < BF_FO_STEPS);
    return &infos[step];
}

enum bf_fo_step bf_fo_step_of(const struct bf_job *job)
{
    for (int i = 0; i < BF_FO_STEPS; i++)
        if (strcmp(job->step, infos[i].name) == 0)
            return (enum bf_fo_step)i;
    return BF_FO_FAILED;
}

const char *bf_fo_wish_name(enum bf_failover_wish wish)
{
    static const char *const names[BF_WISHES] = {
        [BF_WISH_NONE] = "nothing",  [BF_WISH_COMMIT] = "commit",   [BF_WISH_ROLLBACK] = "rollback",
        [BF_WISH_CANCEL] = "cancel", [BF_WISH_CLEANUP] = "cleanup", [BF_WISH_CONFIRM] = "confirm",
    };
    return wish < BF_WISHES ? names[wish] : "nothing";
}

// ---- What may be asked -------------------------------------------------------------------------

#define AT(step) (1u << (step))
enum {
    BEFORE = AT(BF_FO_WAITING) | AT(BF_FO_FINALIZING),
    ON_THE_WAY = AT(BF_FO_MAKING) | AT(BF_FO_STARTING) | AT(BF_FO_LOOKING),
    THERE = AT(BF_FO_READY) | AT(BF_FO_UNPROVEN) | AT(BF_FO_DELIVERED) | AT(BF_FO_STUCK),
    CUTOVER = 1,
    TEST = 2,
    BOTH = 3,
};

// The first row that fits decides; none: refused.
static const struct {
    enum bf_failover_wish wish;
    unsigned of;    // cutovers, tests
    unsigned steps; // AT(...)
    enum bf_fo_step next, ending;
} rules[] = {
    {BF_WISH_COMMIT, CUTOVER, AT(BF_FO_READY) | AT(BF_FO_DELIVERED), BF_FO_COMMITTING,
     BF_FO_COMMITTED},
    {BF_WISH_ROLLBACK, CUTOVER, BEFORE | ON_THE_WAY | THERE, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_CLEANUP, TEST, BEFORE | ON_THE_WAY | THERE, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CANCEL, CUTOVER, AT(BF_FO_COMMITTING), BF_FO_READY, BF_FO_READY},
    {BF_WISH_CANCEL, BOTH, BEFORE | ON_THE_WAY, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, CUTOVER, THERE, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_CANCEL, TEST, THERE, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CONFIRM, BOTH, AT(BF_FO_LOOKING) | AT(BF_FO_UNPROVEN), BF_FO_READY, BF_FO_READY},
    {BF_WISH_CONFIRM, BOTH, AT(BF_FO_DELIVERED), BF_FO_DELIVERED, BF_FO_DELIVERED},
};

static unsigned kind_of(enum bf_failover_mode mode)
{
    return mode == BF_FAILOVER_TEST ? TEST : CUTOVER;
}

// Why, and what to do instead. The first row that fits.
static const struct {
    enum bf_failover_wish wish; // NONE: any
    unsigned of, steps;         // steps 0: any
    const char *what, *todo;
} reasons[] = {
    {BF_WISH_COMMIT, TEST, 0, "a test is not made lasting", "end it with bootferry cleanup"},
    {BF_WISH_ROLLBACK, TEST, 0, "a test changes nothing that could be rolled back",
     "end it with bootferry cleanup"},
    {BF_WISH_CLEANUP, CUTOVER, 0, "this is no test: a cleanup would take the machine away",
     "use bootferry rollback, or bootferry commit"},
    {BF_WISH_COMMIT, BOTH, AT(BF_FO_UNPROVEN),
     "nothing has shown that the machine runs in its new home",
     "look at it; then bootferry confirm, or bootferry rollback"},
    {BF_WISH_COMMIT, BOTH, BEFORE | ON_THE_WAY, "the machine does not run in its new home yet",
     "wait for TargetReady: bootferry jobs --watch"},
    {BF_WISH_CONFIRM, BOTH, AT(BF_FO_READY), "the machine itself has shown that it runs",
     "go on with bootferry commit or bootferry rollback"},
    {BF_WISH_CONFIRM, BOTH, BEFORE | ON_THE_WAY, "there is no machine yet that could be looked at",
     "wait until it is started: bootferry jobs --watch"},
    {BF_WISH_NONE, BOTH, AT(BF_FO_COMMITTING), "it is being made lasting",
     "wait for that, or stop it with bootferry cancel"},
    {BF_WISH_NONE, BOTH, AT(BF_FO_REMOVING), "the machine is being taken away",
     "wait for that: bootferry jobs --watch"},
    {BF_WISH_NONE, BOTH, 0, "the job is over", "bootferry jobs lists those that are not"},
};

static enum bf_err refuse(enum bf_failover_mode mode, enum bf_fo_step step,
                          enum bf_failover_wish wish, struct bf_fault *fault)
{
    size_t i = 0;
    while (i + 1 < BF_COUNT(reasons) &&
           ((reasons[i].wish && reasons[i].wish != wish) || !(reasons[i].of & kind_of(mode)) ||
            (reasons[i].steps && !(reasons[i].steps & AT(step)))))
        i++;
    // Of a job that is over, that comes first.
    if (infos[step].over)
        i = BF_COUNT(reasons) - 1;
    return bf_fault_set(fault, BF_ERR_DENIED, BF_SIDE_CONFIG, reasons[i].todo, "no %s: %s",
                        bf_fo_wish_name(wish), reasons[i].what);
}

enum bf_err bf_fo_ask(enum bf_failover_mode mode, enum bf_fo_step step, enum bf_failover_wish wish,
                      struct bf_fo_answer *out, struct bf_fault *fault)
{
    for (size_t i = 0; i < BF_COUNT(rules); i++)
        if (rules[i].wish == wish && (rules[i].of & kind_of(mode)) && (rules[i].steps & AT(step))) {
            *out = (struct bf_fo_answer){rules[i].next, rules[i].ending};
            return BF_OK;
        }
    return refuse(mode, step, wish, fault);
}

bool bf_fo_discards(enum bf_fo_step step, enum bf_failover_wish wish)
{
    return (wish == BF_WISH_ROLLBACK || wish == BF_WISH_CANCEL) &&
           (AT(step) & (THERE | AT(BF_FO_STARTING) | AT(BF_FO_LOOKING))) != 0;
}

bool bf_fo_is_shown(const struct bf_failover *f)
{
    return strcmp(f->evidence, "machine") == 0 || strcmp(f->evidence, "guest") == 0;
}

bool bf_fo_hears(enum bf_fo_step step)
{
    return (AT(step) & (AT(BF_FO_READY) | AT(BF_FO_UNPROVEN) | AT(BF_FO_DELIVERED))) != 0;
}

enum bf_err bf_fo_may_begin(enum bf_failover_mode mode, const struct bf_failover *others,
                            size_t count, struct bf_fault *fault)
{
    for (size_t i = 0; mode != BF_FAILOVER_TEST && i < count; i++)
        if (others[i].mode != BF_FAILOVER_TEST && !others[i].over) {
            bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_CONFIG, "",
                         "%s has a failover already: job %lld (%s)", others[i].machine,
                         (long long)others[i].job, bf_failover_mode_name(others[i].mode));
            return bf_fault_todo(
                fault, "see bootferry job show %lld; commit it, roll it back or cancel it",
                (long long)others[i].job);
        }
    return BF_OK;
}
