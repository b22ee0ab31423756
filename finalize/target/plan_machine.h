// SPDX-License-Identifier: Apache-2.0
// The plan's key "machine": what the new machine is to have otherwise than the source. The
// finalizer does nothing with it; it refuses what no target could make, before anything is done.
#ifndef BF_FINALIZE_TARGET_PLAN_MACHINE_H
#define BF_FINALIZE_TARGET_PLAN_MACHINE_H

#include <jansson.h>

#include "base/err.h"
#include "finalize/core/plan.h"

// `machine` may be NULL: nothing is said. The fault names the place: "plan: machine.memory: ...".
enum bf_err bf_plan_machine(const json_t *machine, struct bf_plan_machine *out,
                            struct bf_fault *fault);

// Whether text names a network as "machine.networks" does; for tests.
bool bf_plan_network_ok(const char *text);

#endif
