// SPDX-License-Identifier: Apache-2.0
// The daemon's control socket, a Unix socket in the state (mode 0600): the operator's command asks
// for the live sessions, and nudges the daemon after it changed something. One request line, one
// answer of JSON, end. docs/cli.md has the fields.
#ifndef BF_REPLICA_STATE_ASK_H
#define BF_REPLICA_STATE_ASK_H

#include <jansson.h>

#include "base/err.h"
#include "replica/state/state.h"

#define BF_CONTROL_SOCKET "control"
#define BF_CONTROL_STATUS "status"
#define BF_CONTROL_NUDGE  "nudge" // look at revocations, addresses and settings again, now

enum { BF_CONTROL_ANSWER_MAX = 4 << 20 };

// Asks a daemon that serves this state. *answer is the caller's, NULL after a failure.
// BF_ERR_NOT_FOUND: no daemon; BF_ERR_TIMEOUT: one has the state, and does not answer within
// BF_WAIT_ANSWER_MS. *process, unless NULL, is then its number, 0 if it cannot be told.
enum bf_err bf_control_query(const struct bf_state *state, const char *request, json_t **answer,
                             int *process);

// After a change; without a daemon nothing needs to be told. The codes of bf_control_query.
enum bf_err bf_control_nudge(const struct bf_state *state, int *process);

// "bootferryd (process N)", or without a number when it is 0.
enum { BF_CONTROL_NAME = 40 };
const char *bf_control_name(int process, char out[BF_CONTROL_NAME]);

#endif
