// SPDX-License-Identifier: Apache-2.0
// What an operator orders of the finalizer's VM of a job: kept in its folder, since the runner that
// starts it may be another process.
#ifndef BF_REPLICA_JOBS_ORDER_H
#define BF_REPLICA_JOBS_ORDER_H

#include "replica/state/state.h"

// What the finalizer's VM needs, kept with the job.
struct bf_job_order {
    char vm[4096]; // "": beside the program
    unsigned deadline;
    uint64_t overlay_mib;
};
// In the folder of the job.
enum bf_err bf_job_order_keep(const struct bf_state *state, int64_t job,
                              const struct bf_job_order *order, struct bf_fault *fault);
// Zeros, which stand for what is usual, where there is none.
void bf_job_order_load(const struct bf_state *state, int64_t job, struct bf_job_order *out);

#endif
