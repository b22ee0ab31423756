// SPDX-License-Identifier: Apache-2.0
// Help of the operator's command, made from the tables.
#ifndef BF_REPLICA_CLI_HELP_H
#define BF_REPLICA_CLI_HELP_H

#include <stdio.h>

#include "replica/cli/cli.h"

// `bootferry help [COMMAND]`; the words after "help". Returns the exit status.
int bf_cli_help(int argc, char **argv);
// All commands that begin with this word, as in "machine add"; 0 when there is none.
int bf_cli_help_group(const char *word, FILE *out);
int bf_cli_help_command(const struct bf_cli_command *command);

#endif
