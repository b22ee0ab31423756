// SPDX-License-Identifier: Apache-2.0
// What the probe for an accelerator found, kept until the host or its KVM starts anew: one file,
// bootferry-accelerator, in a folder that nobody else can write to. The first of these that is
// there: XDG_RUNTIME_DIR, for root /run, and `folder` (may be NULL). With none of them nothing is
// kept.
#ifndef BF_FINALIZE_HOST_MEMORY_H
#define BF_FINALIZE_HOST_MEMORY_H

#include "finalize/host/accel.h"

// False when nothing valid is remembered; `accel` is then untouched.
bool bf_accel_recall(const char *folder, struct bf_accel *accel);
// Failures are ignored: it is then found anew.
void bf_accel_remember(const char *folder, const struct bf_accel *accel);

#endif
