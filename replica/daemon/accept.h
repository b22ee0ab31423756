// SPDX-License-Identifier: Apache-2.0
// Disks that were refused, and those that the operator has accepted (bootferry machine accept).
#ifndef BF_REPLICA_DAEMON_ACCEPT_H
#define BF_REPLICA_DAEMON_ACCEPT_H

#include "replica/daemon/daemon.h"

// Keeps the planned disks that were refused, and why, in place of those refused before.
void bf_conn_keep_refusal(struct bf_conn *c, const struct bf_inventory *inventory,
                          const struct bf_fault *fault);
// Whether the planned disks are those that the operator has accepted, whichever driver shows them
// now. 0 as well when that cannot be told.
int bf_conn_disks_accepted(struct bf_conn *c, const struct bf_inventory *inventory);

#endif
