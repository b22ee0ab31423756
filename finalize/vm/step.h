// SPDX-License-Identifier: Apache-2.0
// The steps of the work in the VM: each has a deadline that the supervisor keeps, and its time is
// in the report.
#ifndef BF_FINALIZE_VM_STEP_H
#define BF_FINALIZE_VM_STEP_H

#include <jansson.h>

#define BF_STEP_NAME 24

#define BF_STEP_FILE 128

struct bf_step_message {
    char name[BF_STEP_NAME];
    int seconds;             // 0: the step goes on, and works on a file
    char file[BF_STEP_FILE]; // with the step of the core that does
};

// Where steps are announced.
void bf_steps_to(int fd);
// Begins a step that may take so many seconds.
void bf_step(const char *name, int seconds);
// Tells the supervisor what the step works on: when that changes, once a second at most. For
// bf_finalize_watch().
void bf_step_file(const char *step, const char *file);
// The steps so far: a list of {"name", "ms"}.
json_t *bf_steps_json(void);

#endif
