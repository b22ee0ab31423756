// SPDX-License-Identifier: Apache-2.0
// What the operator's command says about a machine that lives elsewhere.
#ifndef BF_REPLICA_CLI_FENCE_H
#define BF_REPLICA_CLI_FENCE_H

#include <jansson.h>

#include "replica/state/db.h"

// job, since, place, unplanned, contacts, contacted; null for a machine without a fence.
json_t *bf_fence_json(struct bf_db *db, const char *machine);
int bf_fence_is_up(struct bf_db *db, const char *machine);
// Where it lives, and how often its source was started since; nothing without a fence. before is
// printed in front of it.
void bf_fence_print(struct bf_db *db, const char *machine, const char *before);

#endif
