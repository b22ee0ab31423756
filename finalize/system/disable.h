// SPDX-License-Identifier: Apache-2.0
// Services that are no longer to be started, by whichever init the system has.
#ifndef BF_FINALIZE_SYSTEM_DISABLE_H
#define BF_FINALIZE_SYSTEM_DISABLE_H

#include "finalize/system/fin.h"

// Where systemd has its units, in their order of precedence; ended by NULL.
extern const char *const bf_unit_folders[];

// Whether the system has such a service, enabled or not: a unit, a script, a job.
bool bf_service_exists(struct bf_fin *f, const char *name);
// Has the system's init not start the service, so that a later update of its package does not
// enable it again. *how has what was done, for a sentence; NULL: nothing, as it does not start.
// Fails after bf_fail().
enum bf_err bf_service_disable(struct bf_fin *f, const char *name, const char *why,
                               const char **how);

#endif
