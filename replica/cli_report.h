// SPDX-License-Identifier: Apache-2.0
// The finalizer's report (docs/finalizer.md) for people, made from its JSON.
#ifndef BF_REPLICA_CLI_REPORT_H
#define BF_REPLICA_CLI_REPORT_H

#include <jansson.h>
#include <stdio.h>

// Every edit with its diff, the notes, and the result.
void bf_cli_report(const json_t *report, FILE *out);

#endif
