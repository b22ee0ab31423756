// SPDX-License-Identifier: Apache-2.0
// The folder of the undo journal. It lies in the tree that it describes, so what is in it is
// believed only where nobody else could have put it: the folder, the one above it, the journal and
// its copies belong to the caller, and neither group nor others may write them. Else a journal in a
// tree of somebody else's would make root write what that somebody wants, with any owner and mode.
#ifndef BF_FINALIZE_CORE_UNDO_DIR_H
#define BF_FINALIZE_CORE_UNDO_DIR_H

#include "finalize/core/root.h"

// Reads a file of the folder, which no link leads to. NULL with the fault: BF_ERR_NOT_FOUND when
// there is none, BF_ERR_MISMATCH when it, or a folder, is not the caller's alone, BF_ERR_LIMIT.
// Freed by the caller.
char *bf_undo_dir_read(const struct bf_fin_root *root, const char *name, size_t cap, size_t *len,
                       struct bf_fault *fault);

// Opens such a file for reading, its size into *size. The descriptor, or -1 with the fault.
int bf_undo_dir_open(const struct bf_fin_root *root, const char *name, uint64_t *size,
                     struct bf_fault *fault);

// After BF_ERR_MISMATCH: which file or folder is not believed and why, in words: its path on the
// host, owner and mode.
void bf_undo_dir_doubt(const struct bf_fin_root *root, const char *name, char *out, size_t size);

// Whether a canonical path is the folder, in it, or a folder on the way to it.
bool bf_undo_dir_meets(const struct bf_fin_root *root, const char *real);

// Makes the folders that exist the caller's own, after they were made.
enum bf_err bf_undo_dir_own(const struct bf_fin_root *root, struct bf_fault *fault);

#endif
