// SPDX-License-Identifier: Apache-2.0
// Plans for many machines from one table of comma-separated values (csv.h): a header line that
// names the columns, then a line for each NIC. Every line is checked before there is any plan.
#ifndef BF_FINALIZE_PLAN_SHEET_H
#define BF_FINALIZE_PLAN_SHEET_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "finalize/core/text.h"

#define BF_SHEET_MAX ((size_t)4 << 20) // bytes

struct bf_sheet_machine {
    const char *name; // as the table has it; owned by `rows`
    unsigned line;    // its first
    char *plan;       // JSON text; owned
};

struct bf_plan_table {
    json_t *rows; // the machines' names; owned
    struct bf_sheet_machine *machine;
    size_t machines;
    struct bf_text errors, warnings; // a line each: "line 7, column \"gateway\": ...\n"
    size_t error_count;
};

// Reads a table. `target` is the kind of those machines for which it says none, or NULL; `is_name`
// says what a machine may be called. BF_ERR_CONFIG when a line is wrong: there are errors then, and
// no machines. The sheet is freed with bf_sheet_free() in any case.
enum bf_err bf_sheet_parse(const char *text, size_t len, const char *target,
                           bool (*is_name)(const char *name), struct bf_plan_table *sheet);
void bf_sheet_free(struct bf_plan_table *sheet);

// A table to begin with: what the columns mean as comments, the header, and an example.
void bf_sheet_template(struct bf_text *out);

#endif
