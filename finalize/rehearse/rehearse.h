// SPDX-License-Identifier: Apache-2.0
// The rehearsal as a step of a finalization: after all edits, before anything is written.
#ifndef BF_FINALIZE_REHEARSE_REHEARSE_H
#define BF_FINALIZE_REHEARSE_REHEARSE_H

#include "finalize/system/fin.h"

// Walks the next start of the system as it will be and puts the verdict into the report ("start",
// docs/finalizer.md). A system that would not start is refused; what could not be followed is said.
enum bf_err bf_rehearse(struct bf_fin *f);

#endif
