// SPDX-License-Identifier: Apache-2.0
// Where a machine is to report of itself: the plan's evidence.report_to, with what a failover adds
// so that the machine is heard and can tell our server from another.
#ifndef BF_REPLICA_JOBS_REPORT_TO_H
#define BF_REPLICA_JOBS_REPORT_TO_H

#include <jansson.h>

#include "replica/jobs/at_work.h"

// The URL of a plan; NULL: it has none. The plan's.
const char *bf_report_to(const json_t *plan);

// Gives a plan's "evidence" the root of our certificates, where its URL names an address that our
// own certificate has; one that has a root keeps it. Without that the guest's own roots judge the
// server.
void bf_report_to_trust(const struct bf_state *state, json_t *evidence);

// Says among the events of the job when the daemon of this state does not listen for reports that
// its plan asks for.
void bf_report_to_check(struct bf_runner *r);

#endif
