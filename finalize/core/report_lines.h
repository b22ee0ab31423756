// SPDX-License-Identifier: Apache-2.0
// What the parts of the report's text share.
#ifndef BF_FINALIZE_CORE_REPORT_LINES_H
#define BF_FINALIZE_CORE_REPORT_LINES_H

#include <jansson.h>

#include "finalize/core/text.h"

// The text of a key; "" when there is none.
const char *bf_report_field(const json_t *j, const char *key);
// Appends a text of the report, without control characters, between two of ours.
void bf_report_clean(struct bf_text *out, const char *before, const char *text, const char *after);
// The verdict: at most nine lines, which follow the result's.
void bf_report_verdict(const json_t *report, struct bf_text *out);

#endif
