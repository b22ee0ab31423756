// SPDX-License-Identifier: Apache-2.0
// Why a run brought more new data than the one before.
#ifndef BF_REPLICA_POINTS_GREW_H
#define BF_REPLICA_POINTS_GREW_H

#include <stddef.h>

#include "replica/state/db.h"

// One sentence; 0 when the run of this point brought no more than the one before, or nothing is
// known of it. A second run, which nearly always brings less than the first, is told about when the
// point has more data than the first. A difference of less than a mebibyte is none.
int bf_point_grew(struct bf_db *db, const struct bf_point *point, char *out, size_t size);

#endif
