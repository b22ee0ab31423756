// SPDX-License-Identifier: Apache-2.0
// Unified diffs of small text files, with secrets blanked.
#ifndef BF_FINALIZE_CORE_DIFF_H
#define BF_FINALIZE_CORE_DIFF_H

#include "finalize/core/text.h"

// Appends the diff from `before` to `after` (NULL: the file is absent) with three lines of context.
// A line that holds a secret shows its key and "********". Bytes that are not printable ASCII show
// as '?'.
void bf_diff(struct bf_text *out, const char *path, const char *before, size_t before_len,
             const char *after, size_t after_len);

// Appends one line with what looks like a secret blanked. Apart for tests.
void bf_redact_line(struct bf_text *out, const char *line, size_t len);
// Appends bytes with everything that is not printable ASCII or a tab shown as '?'.
void bf_printable(struct bf_text *out, const char *s, size_t len);
// True when the bytes are text worth a diff: no NUL, not larger than BF_ROOT_TEXT_MAX.
bool bf_is_text(const char *data, size_t len);

#endif
