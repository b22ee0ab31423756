// SPDX-License-Identifier: Apache-2.0
// In which boot of this host the new machine of a job was last switched on, so that one which the
// host took down with it can be told from one that somebody switched off.
#ifndef BF_REPLICA_JOBS_BOOT_H
#define BF_REPLICA_JOBS_BOOT_H

#include <stdbool.h>

#include "replica/jobs/rules.h"
#include "replica/state/state.h"

// Notes the boot that goes on (random(4), boot_id) in the file boot of the job's folder.
enum bf_err bf_job_boot_note(const struct bf_state *state, int64_t job, struct bf_fault *fault);
// Whether the job's note is of another boot than this one. False without a note: no machine was
// switched on here.
bool bf_job_boot_is_past(const struct bf_state *state, int64_t job);
// Whether a runner has to see to the job's machine because the host was restarted: the job rests,
// and the machine was there before.
bool bf_job_boot_matters(const struct bf_state *state, const struct bf_job *job);

#endif
