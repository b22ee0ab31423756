// SPDX-License-Identifier: Apache-2.0
// What a source said about itself when a point was made, and what that says about a plan.
#ifndef BF_REPLICA_CLI_SOURCE_H
#define BF_REPLICA_CLI_SOURCE_H

#include <jansson.h>

#include "replica/state/db.h"

// The inventory of a point; the caller's. NULL when nothing is on record.
json_t *bf_cli_inventory(struct bf_db *db, const struct bf_point *p);

// Whether each MAC address that a sound plan looks for is that of a NIC that the source had: a
// fault with those that it had when not. Prints a warning where the source said that the plan's
// name belongs to another NIC, since it may have said so from another system. Without an inventory
// nothing is wrong.
enum bf_err bf_cli_check_nics(const json_t *inventory, const json_t *plan, const char *ref,
                              struct bf_fault *fault);

#endif
