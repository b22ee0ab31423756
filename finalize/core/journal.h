// SPDX-License-Identifier: Apache-2.0
// The journal of BF_UNDO_DIR: journal.json plus numbered copies of what files held. Its format is
// in docs/finalizer.md. The journal is read from the guest's disk, so it is hostile: it is read
// only where nobody but the caller could have written it (undo_dir.h), it is checked whole before
// anything acts on it, and it can name paths inside the root only.
#ifndef BF_FINALIZE_CORE_JOURNAL_H
#define BF_FINALIZE_CORE_JOURNAL_H

#include <jansson.h>

#include "finalize/core/replace.h"
#include "finalize/core/report.h"

struct bf_journal {
    json_t *json; // {"version", "next", "files": {path: entry}, "dirs": {path: entry},
                  //  "macs": {source's MAC address: present one; source's IP address: interface}}
    bool covers;  // what is on disk has all that was recorded for this run
};

// A journal of these bytes; BF_ERR_CORRUPT for anything out of shape. Freed with bf_journal_free in
// any case. Apart for tests.
enum bf_err bf_journal_parse(struct bf_journal *j, const char *text, size_t len);
// Reads the journal; a missing one is empty. After a failure the report says what is wrong with it,
// and there is nothing to free.
enum bf_err bf_journal_load(struct bf_journal *j, const struct bf_fin_root *root,
                            struct bf_fin_report *r);
void bf_journal_free(struct bf_journal *j);
bool bf_journal_is_empty(const struct bf_journal *j);
// Writes the journal atomically, with the directories it stands in.
enum bf_err bf_journal_save(struct bf_journal *j, const struct bf_fin_root *root,
                            struct bf_fault *fault);
// Removes the journal's file.
void bf_journal_remove(const struct bf_fin_root *root);

// Records the first state of what `edit` changes (a path that is known keeps its first state) and
// copies the content that would be lost.
enum bf_err bf_journal_record(struct bf_journal *j, const struct bf_fin_root *root,
                              const struct bf_edit *edit, struct bf_fault *fault);
// Whether a run before this one changed the file, so that the journal's copy of it is older. Asked
// between bf_journal_before and bf_journal_after.
bool bf_journal_is_older(const struct bf_journal *j, const char *path);
// Opens the copy of what a file held as a whole, its size into *size. The descriptor, or -1 with
// the fault.
int bf_journal_open_copy(const struct bf_journal *j, const struct bf_fin_root *root,
                         const char *path, uint64_t *size, struct bf_fault *fault);
// Records what the file is going to be (NULL: removed), before it is touched: until
// bf_journal_after it may be that, or what it was, and, `in_place`, anything between.
enum bf_err bf_journal_before(struct bf_journal *j, const char *path, const struct bf_print *print,
                              bool in_place, struct bf_fault *fault);
// Records that a file with other names is about to be written where it stands.
enum bf_err bf_journal_begin(struct bf_journal *j, const char *path, struct bf_fault *fault);
// Records what the file became.
void bf_journal_after(struct bf_journal *j, const char *path, const struct bf_print *print);
// Whether a value of the journal ("after", "earlier") is this print.
bool bf_journal_is_print(const json_t *value, const struct bf_print *print);

#endif
