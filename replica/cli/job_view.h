// SPDX-License-Identifier: Apache-2.0
// Jobs as operators see them: JSON, a line of a listing, events as they come.
#ifndef BF_REPLICA_CLI_JOB_VIEW_H
#define BF_REPLICA_CLI_JOB_VIEW_H

#include <jansson.h>
#include <stdio.h>

#include "replica/cli/cli.h"

// The fields of docs/cli.md. null for a job without a number.
json_t *bf_cli_job_json(const struct bf_job *job);
// An array of them, with the fields of docs/cli.md.
json_t *bf_cli_events_json(const struct bf_event_row *list, size_t count);
// With "failover" and "events", as job show has them.
json_t *bf_cli_job_whole_json(struct bf_cli *cli, const struct bf_job *job);

// What an operator may do with a failover as it is now: commands of the rules, and when a test ends
// by itself. Prints nothing for one that is over. f: of that job; all zeros when it is no failover.
void bf_cli_job_next(const struct bf_job *job, const struct bf_failover *f, FILE *out);

// Follows a failover until its runner has nothing more to do: prints its events as they come, or,
// quiet, nothing. Ctrl-C ends this and not the job. The exit status: BF_CLI_OK when it succeeded or
// the machine runs; the failure is printed.
int bf_cli_job_follow(struct bf_cli *cli, int64_t job, int quiet);
// Prints how it ended, or as JSON what there is of it. The exit status.
int bf_cli_job_result(struct bf_cli *cli, int64_t job);

#endif
