// SPDX-License-Identifier: Apache-2.0
// Why something failed on the server: errno, and the texts of QEMU's programs, as codes. One table
// for all, so that a full disk is told as one wherever it shows first.
#ifndef BF_REPLICA_STATE_REASON_H
#define BF_REPLICA_STATE_REASON_H

#include "base/err.h"

// The code of an errno value; BF_ERR_IO for what says no more than that. A quota and the largest
// size of a file count as a full disk: the remedy is the same.
enum bf_err bf_reason_errno(int number);

// The code of an error text of QEMU's, which ends with ": " and the text of errno where it has one
// (error_setg_errno, qemu/include/qapi/error.h). Only that end counts: names of files and nodes
// stand before it. `otherwise`: there is none.
enum bf_err bf_reason_text(const char *text, enum bf_err otherwise);

// What the operator can do: for a full disk always the same, `otherwise` for the rest.
const char *bf_reason_todo(enum bf_err code, const char *otherwise);

// Whether a process holds an image of QEMU's in a way that keeps others from opening it: for
// writing, or, with `writable`, at all. Asks the kernel for the locks that QEMU takes
// (block/file-posix.c: byte 100 + n for a permission it has, 200 + n for one it does not share).
// False also for what cannot be opened.
int bf_reason_held(int dir, const char *path, int writable);

#endif
