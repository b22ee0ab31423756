// SPDX-License-Identifier: Apache-2.0
// What an inventory (replica/points/inventory.h) says about its machine and about a plan.
#ifndef BF_REPLICA_POINTS_SOURCE_H
#define BF_REPLICA_POINTS_SOURCE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

// Whether a running Linux sent it (bootferry-push), whose files may have been open.
bool bf_source_is_running_system(const json_t *inventory);

// Whether each MAC address that a sound plan looks for is that of a NIC that the source had: a
// fault with those that it had when not. Prints a warning where the source said that the plan's
// name belongs to another NIC, since it may have said so from another system. Without an inventory
// nothing is wrong.
enum bf_err bf_source_check_nics(const json_t *inventory, const json_t *plan, const char *ref,
                                 struct bf_fault *fault);

#endif
