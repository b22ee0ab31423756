// SPDX-License-Identifier: Apache-2.0
// The runner of a failover: does what its job's step asks for, and goes on until there is nothing
// to do. It can be killed at any moment; the next one goes on from the step that is on record.
// docs/decisions/019-jobs.md has the whole picture, rules.h the steps.
#ifndef BF_REPLICA_JOBS_RUNNER_H
#define BF_REPLICA_JOBS_RUNNER_H

#include "replica/jobs/rules.h"
#include "replica/state/state.h"

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

#endif
