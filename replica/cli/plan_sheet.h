// SPDX-License-Identifier: Apache-2.0
// bootferry plan --csv: plans for many machines from a table.
#ifndef BF_REPLICA_CLI_PLAN_SHEET_H
#define BF_REPLICA_CLI_PLAN_SHEET_H

#include "replica/cli/cli.h"

// Reads the table of --csv, checks its plans against their points with --check, and writes them
// into the folder of --output. Nothing is written when anything is wrong. The exit status.
int bf_cli_plan_sheet(struct bf_cli *cli);

#endif
