// SPDX-License-Identifier: Apache-2.0
// A plan of what is there, made from the report of an inspection, for an operator to edit. Fed back
// as it is, it is valid and leaves all addresses as they are.
#ifndef BF_FINALIZE_PLAN_PRESENT_H
#define BF_FINALIZE_PLAN_PRESENT_H

#include <jansson.h>

#include "finalize/core/text.h"

// `nics` is the list of NICs that the machine said it has (objects with "mac"), or NULL; `target` a
// kind. `given`, or NULL, is the plan of the inspection, as bf_compose_inspection() makes it: its
// keys are the new plan's, too, but for passphrases, which are not printed. What the plan could not
// say is appended to `notes`, a line each, fit for a terminal. The plan is the caller's; NULL when
// out of memory.
json_t *bf_present_plan(const json_t *report, const json_t *nics, const char *target,
                        const json_t *given, struct bf_text *notes);

#endif
