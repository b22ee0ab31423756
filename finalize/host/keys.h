// SPDX-License-Identifier: Apache-2.0
// The key files that a plan names, on this machine. Their content goes to the VM and nowhere else.
#ifndef BF_FINALIZE_HOST_KEYS_H
#define BF_FINALIZE_HOST_KEYS_H

#include <jansson.h>

#include "base/err.h"
#include "finalize/core/plan.h"

// Reads them: a list in the order of "unlock", of base64 or null, for the request. NULL when the
// plan names none (with BF_OK in *err), or after a failure.
json_t *bf_run_keys(const struct bf_plan *plan, enum bf_err *err, struct bf_fault *fault);
// Overwrites every text of a list or object before it is freed, and frees it.
void bf_run_keys_wipe(json_t *keys);

#endif
