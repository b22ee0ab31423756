// SPDX-License-Identifier: Apache-2.0
// Whether the source's last run will do for a planned failover.
#ifndef BF_REPLICA_JOBS_SOURCE_RUN_H
#define BF_REPLICA_JOBS_SOURCE_RUN_H

#include "replica/state/db.h"

struct bf_source_run {
    uint32_t point; // what the run made; 0: it will not do
    char why[160];  // why it will not, to follow "because "
};
// The machine's latest point, if it was sealed at `since` (seconds since 1970) or later, from disks
// that were off, and no other run is under way, which will make a newer one.
enum bf_err bf_source_run_find(struct bf_db *db, const char *machine, int64_t since,
                               struct bf_source_run *out);

#endif
