// SPDX-License-Identifier: Apache-2.0
// What a source said about itself when a point was made: the JSON of replica/daemon/inventory.c,
// whose fields docs/cli.md has.
#ifndef BF_REPLICA_POINTS_INVENTORY_H
#define BF_REPLICA_POINTS_INVENTORY_H

#include <jansson.h>

#include "replica/state/db.h"

// The inventory of a point; the caller's. NULL when nothing is on record.
json_t *bf_point_inventory(struct bf_db *db, const struct bf_point *point);

#endif
