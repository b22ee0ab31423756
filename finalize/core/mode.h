// SPDX-License-Identifier: Apache-2.0
// What a run of the finalizer is to do.
#ifndef BF_FINALIZE_CORE_MODE_H
#define BF_FINALIZE_CORE_MODE_H

#include <stdbool.h>

enum bf_mode { BF_MODE_INSPECT, BF_MODE_DRY_RUN, BF_MODE_APPLY, BF_MODE_UNDO };

// "inspect", "dry-run", "apply" or "undo".
const char *bf_mode_name(enum bf_mode mode);
// False for any other word; *mode is then untouched.
bool bf_mode_parse(const char *name, enum bf_mode *mode);

#endif
