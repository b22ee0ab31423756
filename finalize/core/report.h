// SPDX-License-Identifier: Apache-2.0
// The report of one run: what the system is, every file changed with a diff, and what was not
// understood. One JSON object (docs/finalizer.md lists the fields) and a text made from it.
#ifndef BF_FINALIZE_CORE_REPORT_H
#define BF_FINALIZE_CORE_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "finalize/core/edit.h"
#include "finalize/core/text.h"

struct bf_fin_report {
    json_t *json; // owned; NULL only when out of memory
};

// Starts a report for a mode ("inspect", "dry-run", "apply", "undo") with result "ok".
void bf_fin_report_init(struct bf_fin_report *r, const char *mode);
void bf_fin_report_free(struct bf_fin_report *r);

// Adds a note. `level` is "info", "warning" or "skipped" (not understood, left alone); `about` a
// path or a topic. One that is there already is not added again.
void bf_note(struct bf_fin_report *r, const char *level, const char *about, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
// Ends the run: result "refused" (the plan does not fit this system; nothing was changed) or
// "failed" (something broke). The first call wins: the report is the fault of a run. Returns
// BF_ERR_CONFIG or BF_ERR_IO, so that a function can end with it.
enum bf_err bf_refuse(struct bf_fin_report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
enum bf_err bf_fail(struct bf_fin_report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
// Takes a refusal or a failure back, for a reason that lies deeper.
void bf_fin_report_reset(struct bf_fin_report *r);
bool bf_fin_report_is_ok(const struct bf_fin_report *r);

// Lists every change of the set as path, action, reason, sizes and diff with secrets blanked.
void bf_fin_report_changes(struct bf_fin_report *r, const struct bf_edits *e);
// Adds one change. `before` and `after` may be NULL (absent).
void bf_fin_report_change(struct bf_fin_report *r, const char *path, const char *action,
                          const char *why, const char *before, size_t before_len, const char *after,
                          size_t after_len);

// The report for people, in report_text.c: the result and the table of addresses first, then notes
// (warnings before others), the list of files, and their differences. Appends to `out`.
void bf_fin_report_text(const json_t *report, struct bf_text *out);
// Its beginning alone: the result, the table and the notes.
void bf_fin_report_summary(const json_t *report, struct bf_text *out);
// Writes JSON and, beside it, text to FILE and FILE.txt, both mode 0600, replaced atomically.
enum bf_err bf_fin_report_save(const char *json_bytes, size_t len, const char *file,
                               struct bf_fault *fault);

#endif
