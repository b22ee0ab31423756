// SPDX-License-Identifier: Apache-2.0
// How a failover begins, and how a runner for it is started.
#ifndef BF_REPLICA_JOBS_BEGIN_H
#define BF_REPLICA_JOBS_BEGIN_H

#include "replica/jobs/order.h"
#include "replica/jobs/runner.h"

enum {
    BF_PATIENCE_S = 600, // for evidence
    BF_FRESH_S = 3600,   // a planned failover takes a run that ended so long ago
    BF_RUN_WAIT_S = 86400
};

struct bf_failover_order {
    const char *machine;
    enum bf_failover_mode mode;
    uint32_t point;     // 0: planned, the run is still to come
    const char *target; // a URI
    const char *plan;   // JSON, checked
    size_t plan_len;
    uint32_t patience, fresh, wait; // struct bf_failover
    bool again;                     // also when the machine lives elsewhere already
    uint32_t lasts;                 // seconds from now that a test lasts; 0: until it is ended
    struct bf_job_order run;
};
// Puts the job on record, with its plan. BF_ERR_BUSY: another one is in the way. *job is its
// number.
enum bf_err bf_failover_begin(struct bf_state *state, const struct bf_failover_order *order,
                              int64_t *job, struct bf_fault *fault);

// Starts a runner for the job in a session of its own: `bootferry job run ID`, of this program or,
// in the daemon, of the one beside it. plan: the whole one, handed over in memory; NULL: the kept
// one. What it prints goes to the file log in the job's folder.
enum bf_err bf_runner_spawn(const struct bf_state *state, int64_t job, const char *plan, size_t len,
                            struct bf_fault *fault);
// The daemon's: starts one for every job that wants one and has none.
void bf_runner_spawn_wanted(struct bf_state *state, struct bf_db *db);
// The same for the jobs whose machines this host took down when it was restarted; once, since the
// daemon does not outlive its host either.
void bf_runner_spawn_after_boot(struct bf_state *state, struct bf_db *db);

#endif
