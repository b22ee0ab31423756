// SPDX-License-Identifier: Apache-2.0
// From JSON, version 1, to a plan (core/plan.h). The parser is strict: an unknown key, a wrong type
// or a value that cannot be meant is an error that names its place ("nics[0].addresses[1]"). It
// stands here, above the plan, because it knows which targets there are.
#ifndef BF_FINALIZE_TARGET_PLAN_PARSE_H
#define BF_FINALIZE_TARGET_PLAN_PARSE_H

#include "base/err.h"
#include "finalize/core/plan.h"

// Parses and checks a plan. The fault of one that is refused names the place: "plan: nics[0].match:
// ...".
enum bf_err bf_plan_parse(const char *json, size_t len, struct bf_plan *plan,
                          struct bf_fault *fault);

#endif
