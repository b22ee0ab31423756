// SPDX-License-Identifier: Apache-2.0
// The work of each step of a failover.
#ifndef BF_REPLICA_JOBS_STEPS_H
#define BF_REPLICA_JOBS_STEPS_H

#include "replica/jobs/at_work.h"

// Does what the step asks for. *next is the step after it. BF_ERR_CANCELLED: a wish came.
typedef enum bf_err bf_runner_work(struct bf_runner *r, enum bf_fo_step *next,
                                   struct bf_fault *fault);
bf_runner_work bf_runner_wait, bf_runner_finalize, bf_runner_make, bf_runner_start, bf_runner_look,
    bf_runner_commit, bf_runner_remove;

// runner.c calls it wherever a job rests: sees to a machine that this host took down with it.
enum bf_err bf_runner_after_boot(struct bf_runner *r, struct bf_fault *fault);

#endif
