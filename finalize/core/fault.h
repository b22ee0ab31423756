// SPDX-License-Identifier: Apache-2.0
// Where errno becomes an error of ours. What fails below a root's descriptor is of the machine that
// is finalized; the sentences around it are the report's.
#ifndef BF_FINALIZE_CORE_FAULT_H
#define BF_FINALIZE_CORE_FAULT_H

#include "base/err.h"

// Fills *fault from a value of errno: its code, and its text as what failed. NULL: nobody asks.
// Returns the code, BF_ERR_IO for what says no more than that.
enum bf_err bf_fault_errno(struct bf_fault *fault, int number);

#endif
