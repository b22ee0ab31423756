// SPDX-License-Identifier: Apache-2.0
// The runner of a failover: does what its job's step asks for, and goes on until there is nothing
// to do. It can be killed at any moment; the next one goes on from the step that is on record.
// docs/decisions/019-jobs.md has the whole picture, rules.h the steps.
#ifndef BF_REPLICA_JOBS_RUNNER_H
#define BF_REPLICA_JOBS_RUNNER_H

#include "finalize/host/run.h"
#include "replica/jobs/rules.h"
#include "replica/state/state.h"
#include "replica/targets/target.h"

// What the finalizer's VM needs, kept with the job.
struct bf_runner_order {
    char vm[4096]; // "": beside the program
    unsigned deadline;
    uint64_t overlay_mib;
};
// In the folder of the job.
enum bf_err bf_runner_order_keep(const struct bf_state *state, int64_t job,
                                 const struct bf_runner_order *order, struct bf_fault *fault);

// Works on a job. plan: the whole one, from the command that began the job; NULL: the kept one.
// BF_OK when there is nothing to do (any more), however the job ended; BF_ERR_BUSY: another runner
// is at it. A failure that the job does not know of, such as a full disk, is returned.
enum bf_err bf_runner_run(struct bf_state *state, int64_t job, const char *plan, size_t len,
                          struct bf_fault *fault);

// How many bytes the machine of a job has written in its new home.
enum bf_err bf_runner_written(struct bf_state *state, int64_t job, uint64_t *bytes,
                              struct bf_fault *fault);

// Whether a runner would have something to do: a step that works, a wish, a test whose time is up.
bool bf_runner_is_wanted(const struct bf_job *job, const struct bf_failover *f, int64_t now);

// ---- For the steps (steps.c) -------------------------------------------------------------------

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

// Does what the step asks for. *next is the step after it. BF_ERR_CANCELLED: a wish came.
typedef enum bf_err bf_runner_work(struct bf_runner *r, enum bf_fo_step *next,
                                   struct bf_fault *fault);
bf_runner_work bf_runner_wait, bf_runner_finalize, bf_runner_make, bf_runner_start, bf_runner_look,
    bf_runner_commit, bf_runner_remove;

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
