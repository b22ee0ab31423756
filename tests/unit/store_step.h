// SPDX-License-Identifier: Apache-2.0
// The tests' definition of the store's named steps (replica/state/step.h): counts them, and kills
// the process at a chosen one.
#ifndef BF_TESTS_UNIT_STORE_STEP_H
#define BF_TESTS_UNIT_STORE_STEP_H

// From now on the nth time that step `name` is announced (1: the next), the process is killed.
void store_step_kill_at(const char *name, int nth);
// Calls this at every step, in the thread that announces it; NULL: nothing.
void store_step_watch(void (*watch)(const char *name));

#endif
