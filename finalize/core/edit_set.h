// SPDX-License-Identifier: Apache-2.0
// What the files of a set of edits (edit.h) share.
#ifndef BF_FINALIZE_CORE_EDIT_SET_H
#define BF_FINALIZE_CORE_EDIT_SET_H

#include "finalize/core/edit.h"

// The set is incomplete from now on. Returns BF_ERR_NO_MEMORY.
enum bf_err bf_edits_no_memory(struct bf_edits *e, struct bf_fault *fault);
// The entry of a canonical path, or NULL.
struct bf_edit *bf_edits_find(const struct bf_edits *e, const char *real);
// Room for one more entry. What is in the set stays.
enum bf_err bf_edits_make_room(struct bf_edits *e, const char *real, struct bf_fault *fault);
// BF_ERR_DENIED for what is in the folder of the undo journal.
enum bf_err bf_edits_may_change(const struct bf_edits *e, const struct bf_edit *edit,
                                struct bf_fault *fault);
// Adds a reason of the change, for the report.
enum bf_err bf_edits_reason(struct bf_edits *e, struct bf_edit *edit, const char *why,
                            struct bf_fault *fault);

// The entry of a file, made where there is none: with its content, of at most `cap` bytes, or, with
// `tail`, without it. NULL with the fault, which may be NULL.
struct bf_edit *bf_edits_entry(struct bf_edits *e, const char *path, size_t cap, bool tail,
                               struct bf_fault *fault);

// Of an entry of parts, in parts.c: frees them, and reads what is there in them.
void bf_parts_free(struct bf_part *part, size_t parts);
enum bf_err bf_parts_read(const struct bf_edits *e, const struct bf_edit *edit, char *buf,
                          size_t len, uint64_t offset, struct bf_fault *fault);

#endif
