// SPDX-License-Identifier: Apache-2.0
// Stops the finalizer's VM of a job when the operator wants something else meanwhile, or the time
// of a test is up: a thread with a connection of its own, since nothing is asked while the VM runs.
#ifndef BF_REPLICA_JOBS_WATCH_H
#define BF_REPLICA_JOBS_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "finalize/host/run.h"
#include "replica/state/state.h"

struct bf_job_watch {
    const struct bf_state *state;
    int64_t job, until; // until 0: never
    struct bf_run_stop *stop;
    pthread_t thread;
    bool begun;
    atomic_bool over;
};
// Without memory for a thread the VM runs to its end.
void bf_job_watch_begin(struct bf_job_watch *w);
void bf_job_watch_end(struct bf_job_watch *w);

#endif
