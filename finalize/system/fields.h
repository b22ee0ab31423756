// SPDX-License-Identifier: Apache-2.0
// Tables whose lines are fields between blanks: fstab, crypttab.
#ifndef BF_FINALIZE_SYSTEM_FIELDS_H
#define BF_FINALIZE_SYSTEM_FIELDS_H

#include "finalize/core/text.h"

#define BF_FIELDS 4

// The first fields of a line; none of a comment.
struct bf_fields {
    const char *at[BF_FIELDS];
    size_t len[BF_FIELDS];
    size_t count;
};

struct bf_fields bf_fields_split(const struct bf_line *line);
// A field as a C string; "" where there is none, or it does not fit.
void bf_fields_text(const struct bf_fields *w, size_t i, char *out, size_t size);
// The same of a table in which "\040" is a blank, as in fstab.
void bf_fields_plain(const struct bf_fields *w, size_t i, char *out, size_t size);
// Appends the line with another word in the place of field `i`.
void bf_fields_put(struct bf_text *out, const struct bf_line *line, const struct bf_fields *w,
                   size_t i, const char *word);
// What follows the first option of that name in a list that one of these characters, or the end,
// follows; NULL when there is none.
const char *bf_fields_after(const char *options, const char *name, const char *ends);
// Whether a list of options, separated by commas, has this one.
bool bf_fields_option(const char *options, const char *name);
// The value of "name=value" in such a list, up to its end; NULL when it is not there.
const char *bf_fields_value(const char *options, const char *name);

#endif
