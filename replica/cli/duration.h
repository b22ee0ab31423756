// SPDX-License-Identifier: Apache-2.0
// Durations as operators write them.
#ifndef BF_REPLICA_CLI_DURATION_H
#define BF_REPLICA_CLI_DURATION_H

#include <stdint.h>

#include "replica/cli/cli.h"

// An option of the form 90s, 30m, 2h or 7d, or a plain number of seconds, from 1 second to 365
// days; fallback when it was not given. 0, and a usage message printed, when it is something else.
int bf_cli_duration(const struct bf_cli *cli, const char *option, uint32_t fallback, uint32_t *out);

// "1 h 5 min", "45 s".
enum { BF_DURATION_TEXT = 32 };
const char *bf_duration_text(int64_t seconds, char out[BF_DURATION_TEXT]);

#endif
