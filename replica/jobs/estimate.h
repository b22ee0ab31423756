// SPDX-License-Identifier: Apache-2.0
// How long a cutover will take, from what earlier ones took.
#ifndef BF_REPLICA_JOBS_ESTIMATE_H
#define BF_REPLICA_JOBS_ESTIMATE_H

#include <stdbool.h>

#include "replica/state/db.h"

struct bf_estimate {
    // Seconds, -1: nothing is known. From the machine's last runs and failovers; those of other
    // machines at the same target where it had none.
    int64_t run_s; // of the source: from the first contact of its medium until the point is sealed
    int64_t adapt_s; // the finalizer
    int64_t start_s; // from the target's first step until there is evidence
    int samples;     // failovers that adapt_s and start_s are from
    bool own;        // of this machine
};
enum bf_err bf_estimate_make(struct bf_db *db, const char *machine, const char *target,
                             struct bf_estimate *out);

#endif
