// SPDX-License-Identifier: Apache-2.0
// What a daemon could not write to the database and keeps (replica/daemon/unwritten.h), laid over
// what the database says.
#ifndef BF_REPLICA_CLI_UNWRITTEN_H
#define BF_REPLICA_CLI_UNWRITTEN_H

#include <jansson.h>

#include "replica/state/db.h"

// The machine's entry in a daemon's answer, borrowed; NULL: there is none.
const json_t *bf_unwritten_of(const json_t *answer, const char *machine);

// Brings a job of the database to the state that is kept, if it is that job.
void bf_unwritten_onto(const json_t *kept, struct bf_job *job);

// For --json: null, or {"time", "level", "text", "code", "side", "what", "todo"}, as far as known.
json_t *bf_unwritten_event_json(const json_t *kept);

// One line about the event, unless there is none.
void bf_unwritten_print(const json_t *kept, const char *machine);

#endif
