// SPDX-License-Identifier: Apache-2.0
// The disks with which a machine was refused since its latest point.
#ifndef BF_REPLICA_CLI_ACCEPT_H
#define BF_REPLICA_CLI_ACCEPT_H

#include <jansson.h>

#include "replica/state/db.h"

// {digest, time, reason, disks, accepted}, or NULL when none were refused. The caller's.
json_t *bf_refused_disks(struct bf_db *db, const char *machine);
// The same for --json: its time as all times are there. Takes NULL.
json_t *bf_refused_disks_json(json_t *refused);
void bf_refused_disks_print(const json_t *refused, const char *machine);

#endif
