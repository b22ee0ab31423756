// SPDX-License-Identifier: Apache-2.0
// A small tree for unit tests of the rehearsal's readers of boot loaders, and what they make of it
// as text, as tests/finalize/starts.c prints it.
#ifndef BF_TESTS_FINALIZE_WALK_H
#define BF_TESTS_FINALIZE_WALK_H

#include "finalize/rehearse/walk.h"

extern struct bf_fin walk_fin;
extern struct bf_devices walk_devices;
extern struct bf_plan walk_plan;
extern struct bf_walk walk;

// Empties the tree, and forgets the devices and the plan.
void walk_clear(void);
// Writes a text, or files whose names are the words of a text and whose content is "x".
void walk_put(const char *path, const char *text);
void walk_files(const char *names);
void walk_drop(const char *path);
// A partition of the first disk, mounted at `at` (NULL: nowhere).
struct bf_device *walk_device(unsigned part, const char *type, const char *uuid, const char *at);
// Begins a walk; what the one before has found goes.
void walk_begin(void);
// All starts and troubles; valid until the next call.
const char *walk_text(void);
// Prints both texts and is false when they differ.
bool walk_is(const char *what, const char *want);
// Frees everything.
void walk_end(void);

#endif
