// SPDX-License-Identifier: Apache-2.0
// What a source found on its machine, in words and as JSON (docs/cli.md has its fields).
#ifndef BF_REPLICA_POINTS_FOUND_TEXT_H
#define BF_REPLICA_POINTS_FOUND_TEXT_H

#include <jansson.h>

#include "replica/state/db.h"

enum { BF_UNSEEN_LINE = 320 };

// "RAID controller 1000:005b at 0000:00:05.0: nothing here drives it"
void bf_unseen_line(char out[BF_UNSEEN_LINE], const struct bf_unseen *m);

// Lists of what the session has; empty when the database cannot say. disk -1: of all disks.
json_t *bf_unseen_json(struct bf_db *db, const uint8_t session[16]);
json_t *bf_places_json(struct bf_db *db, const uint8_t session[16], int disk);

#endif
