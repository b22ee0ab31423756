// SPDX-License-Identifier: Apache-2.0
// The arguments of a program that is started later, or written into a script: a list that grows.
// It fails once and stays failed.
#ifndef BF_REPLICA_TARGETS_ARGS_H
#define BF_REPLICA_TARGETS_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "finalize/core/text.h"

struct bf_args {
    char **arg; // NULL at the end, once anything was added
    size_t count, room;
    bool failed; // out of memory: not to be used
};

void bf_args_free(struct bf_args *a);
void bf_args_add(struct bf_args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A value within an argument of QEMU's form KEY=VALUE,...: its commas doubled.
void bf_args_value(struct bf_text *out, const char *value);

// The list as commands of a POSIX shell have it, each argument quoted where that is needed, an
// option and its value on a line of their own, lines joined by backslashes.
void bf_args_shell(struct bf_text *out, const struct bf_args *a);
// One word for a shell.
void bf_args_quote(struct bf_text *out, const char *word);

#endif
