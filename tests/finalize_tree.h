// SPDX-License-Identifier: Apache-2.0
// The small tree that a fuzzer of the finalizer works in, until the fuzzer ends. What cannot be
// done ends it at once.
#ifndef BF_TESTS_FINALIZE_TREE_H
#define BF_TESTS_FINALIZE_TREE_H

#include <stddef.h>

#include "finalize/core/root.h"

// One per program; fd -1 before it was made.
extern struct bf_fin_root tree_root;

void tree_make(void);
// Writes a file, and makes the folders above it.
void tree_put(const char *path, const void *data, size_t size);

#endif
