// SPDX-License-Identifier: Apache-2.0
// What a machine says about itself when a session begins, recorded for the operator. Evidence only:
// who the machine is says its certificate.
#ifndef BF_REPLICA_DAEMON_INVENTORY_H
#define BF_REPLICA_DAEMON_INVENTORY_H

#include "net/proto/proto.h"
#include "replica/daemon/daemon.h"

// As JSON in the database ("inventory/NAME": the latest), and as events where the operator should
// know: excluded disks and hibernated ones.
void bf_inventory_record(struct bf_conn *c, const struct bf_inventory *inventory);
// Adds what the firmware starts to the inventory of the connection, which was recorded before.
void bf_inventory_boot_entry(struct bf_conn *c, const struct bf_boot_entry *entry);
// Also as that of a point ("inventory/NAME@POINT"), once it is sealed.
void bf_inventory_keep(struct bf_conn *c, uint32_t point);

#endif
