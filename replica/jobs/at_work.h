// SPDX-License-Identifier: Apache-2.0
// A job that is worked on: what its runner and its steps share.
#ifndef BF_REPLICA_JOBS_AT_WORK_H
#define BF_REPLICA_JOBS_AT_WORK_H

#include "finalize/host/run.h"
#include "replica/jobs/rules.h"
#include "replica/state/state.h"
#include "replica/targets/target.h"

struct bf_runner {
    struct bf_state *state;
    struct bf_db *db;
    struct bf_job job;
    struct bf_failover f;
    enum bf_fo_step step;
    char folder[48];
    char *plan; // whole, or without its keys
    size_t plan_len;
    bool incomplete; // the plan has lost its keys
    const struct bf_tgt_ops *ops;
    struct bf_tgt tgt;
    struct bf_tgt_machine *machine; // once there is a point
    struct bf_run_stop stop;        // of the finalizer's VM
    int64_t asked;                  // when goes_on last looked
    bool cancelled;                 // what it found then
    int64_t saved;                  // when the progress was last written
};

// What the database said of a call that failed with err; err.
enum bf_err bf_runner_fault(struct bf_runner *r, enum bf_err err, struct bf_fault *fault);
// Whether the time of a test is over.
bool bf_runner_time_is_up(const struct bf_runner *r);
// A line in the events of the job, at a level of base/log.h.
void bf_runner_say(struct bf_runner *r, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Writes both rows.
enum bf_err bf_runner_save(struct bf_runner *r, struct bf_fault *fault);
// False once the operator wants something else, or the time of a test is up.
bool bf_runner_goes_on(void *runner);
// Makes r->machine from the point, for the target.
enum bf_err bf_runner_open_machine(struct bf_runner *r, struct bf_fault *fault);

#endif
