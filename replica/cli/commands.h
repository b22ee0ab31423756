// SPDX-License-Identifier: Apache-2.0
// The table of commands, which the parser and the help are made from; each command is in a file of
// its own.
#ifndef BF_REPLICA_CLI_COMMANDS_H
#define BF_REPLICA_CLI_COMMANDS_H

#include "replica/cli/cli.h"

const struct bf_cli_command *const *bf_cli_commands(size_t *count);
const struct bf_cli_option *bf_cli_common(void);

#endif
