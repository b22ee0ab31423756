// SPDX-License-Identifier: Apache-2.0
// The rules of failovers: the steps of such a job, in which phase each is, and what an operator may
// ask for in each of them. Pure, so that every case is tested; docs/failover.md has the same table.
#ifndef BF_REPLICA_JOBS_RULES_H
#define BF_REPLICA_JOBS_RULES_H

#include <stdbool.h>

#include "replica/state/db.h"

enum bf_fo_step {
    BF_FO_WAITING,    // planned: for the source's run
    BF_FO_FINALIZING, // the finalizer adapts an overlay of the point
    BF_FO_MAKING,     // the target makes the machine
    BF_FO_STARTING,   // and switches it on
    BF_FO_LOOKING,    // for evidence from inside
    BF_FO_READY,      // it runs there, proven
    BF_FO_UNPROVEN,   // it was started, and gave no evidence
    BF_FO_DELIVERED,  // files for another host: nobody here can look
    BF_FO_COMMITTING, // its disks are copied off the replica's chain
    BF_FO_REMOVING,   // the target takes the machine away
    BF_FO_STUCK,      // which failed: something is left
    BF_FO_COMMITTED,
    BF_FO_ROLLED_BACK,
    BF_FO_CLEANED_UP,
    BF_FO_CANCELLED,
    BF_FO_FAILED, // before there was a machine, or the machine was taken away again
    BF_FO_STEPS
};

struct bf_fo_info {
    const char *name; // in the database, JSON and listings: "finalizing"
    enum bf_job_phase phase;
    bool works;   // a runner has something to do
    bool over;    // the job is over: no command leads on from here
    bool machine; // the target may have something of it
};
const struct bf_fo_info *bf_fo_info(enum bf_fo_step step);
// The step of a job; BF_FO_FAILED for a name that is none.
enum bf_fo_step bf_fo_step_of(const struct bf_job *job);

// What a wish leads to: the step that follows, and, where that is REMOVING, the step after it.
struct bf_fo_answer {
    enum bf_fo_step next, ending;
};
// BF_ERR_DENIED with the reason, and with what to do instead, when it makes no sense in this step.
enum bf_err bf_fo_ask(enum bf_failover_mode mode, enum bf_fo_step step, enum bf_failover_wish wish,
                      struct bf_fo_answer *out, struct bf_fault *fault);
const char *bf_fo_wish_name(enum bf_failover_wish wish); // "commit", ...

// Whether what the machine has written is lost by this wish in this step.
bool bf_fo_discards(enum bf_fo_step step, enum bf_failover_wish wish);

// Whether the machine itself has shown that it runs, and its word is not needed again.
bool bf_fo_is_shown(const struct bf_failover *f);
// Whether a job that stopped in this step is led on by what the machine reports.
bool bf_fo_hears(enum bf_fo_step step);

// Whether another failover of the machine keeps a new one from beginning. others: those of the
// machine that are not over. BF_ERR_BUSY with the job that is in the way.
enum bf_err bf_fo_may_begin(enum bf_failover_mode mode, const struct bf_failover *others,
                            size_t count, struct bf_fault *fault);

#endif
