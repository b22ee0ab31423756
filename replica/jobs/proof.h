// SPDX-License-Identifier: Apache-2.0
// Evidence of a job that is worked on, held against its plan, and kept with the job.
#ifndef BF_REPLICA_JOBS_PROOF_H
#define BF_REPLICA_JOBS_PROOF_H

#include "replica/jobs/at_work.h"
#include "replica/jobs/evidence.h"

struct bf_proof {
    struct bf_evidence evidence;
    char host[65];     // that is planned, or ""
    char missing[160]; // what does not fit, or ""
};

// For the runner's machine, which was opened.
void bf_proof_begin(const struct bf_runner *r, struct bf_proof *p);
// What is planned of the machine; it points into both.
struct bf_evidence_plan bf_proof_plan(const struct bf_runner *r, const struct bf_proof *p);
// Whether p->evidence shows that the machine runs as planned; p->missing says what does not.
bool bf_proof_judge(const struct bf_runner *r, struct bf_proof *p);
// It does: keeps the evidence with the job, and says so. from: "machine", what came through its
// port or console; "guest", what it has reported.
void bf_proof_keep(struct bf_runner *r, const struct bf_proof *p, const char *from);

// Judges the report that waits, if there is one. *good: it shows that the machine runs as planned.
// Otherwise it is put away, and what does not fit is an event of the job; a failure is one of that.
enum bf_err bf_proof_hear(struct bf_runner *r, struct bf_proof *p, bool *good,
                          struct bf_fault *fault);

#endif
