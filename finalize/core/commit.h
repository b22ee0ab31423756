// SPDX-License-Identifier: Apache-2.0
// Bringing a set of changes to disk so that it can be taken back. The originals are kept in the
// guest itself, in /var/lib/bootferry/undo (0700): they may hold secrets, belong to the machine,
// and travel with it. A journal there names every file with its first state, so that undo after
// several runs still goes back to what the source was.
#ifndef BF_FINALIZE_CORE_COMMIT_H
#define BF_FINALIZE_CORE_COMMIT_H

#include "finalize/core/edit.h"
#include "finalize/core/report.h"

struct bf_journal;

#define BF_UNDO_DIR "/var/lib/bootferry/undo"

// Saves the originals, then replaces each changed file atomically (new file beside it, owner, mode
// and attributes kept, fsync, rename, fsync of the directory). Nothing to change writes nothing.
// After a failure the report says what failed, and what was changed was taken back; where that was
// not possible, a note says so and the journal undoes it. bf_preflight() finds before what can be
// found.
enum bf_err bf_commit(struct bf_edits *e, struct bf_fin_report *r);

// Restores every file of the journal byte for byte with its metadata, removes what was created, and
// removes the journal. A file that changed since it was finalized is left alone, said, and kept in
// the journal, which makes it a failure, as does what cannot be restored: the report says why. With
// `dry` only the report is made.
enum bf_err bf_undo(struct bf_fin_root *root, struct bf_fin_report *r, bool dry);

// Removes the journal and its copies after a commit, which cannot be undone then. After a failure
// the report says what is left of them.
enum bf_err bf_undo_drop(struct bf_fin_root *root, struct bf_fin_report *r);

// Removes the journal, its copies and the folders that were made, and gives the other folders their
// times back: for a journal without files. `j` may be of before they were written.
void bf_undo_forget(const struct bf_journal *j, struct bf_fin_root *root);

#endif
