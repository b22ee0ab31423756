// SPDX-License-Identifier: Apache-2.0
// Whether a set of changes can be brought to disk, found out before the first one is.
#ifndef BF_FINALIZE_CORE_PREFLIGHT_H
#define BF_FINALIZE_CORE_PREFLIGHT_H

#include "finalize/core/edit.h"
#include "finalize/core/report.h"

// Looks at the file, the folder and the file system of each change: read-only file systems, room
// for the files and for what undo keeps, files of others, folders that may not be written, flags of
// chattr(1). Fails with the first reason, and notes what an administrator should know: flags that
// are lifted and set again, other names (hard links) of a file that is changed. Writes nothing.
enum bf_err bf_preflight(const struct bf_edits *e, struct bf_fin_report *r);

#endif
