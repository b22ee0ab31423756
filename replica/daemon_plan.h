// SPDX-License-Identifier: Apache-2.0
// Which disk of the machine is which disk of its replica. Disks are recognised by the rule of
// image/identity.h and never guessed: when the machine's planned disks are not the replica's disks,
// one for one, the session is refused with the disk, the attribute and what to do.
#ifndef BF_REPLICA_DAEMON_PLAN_H
#define BF_REPLICA_DAEMON_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/proto.h"
#include "replica/db.h"

enum { BF_PLAN_NEW = 0xffff };

struct bf_disk_plan {
    uint16_t disks;
    struct {
        uint16_t inventory;     // index in the inventory
        uint16_t known;         // index in the replica's list, or BF_PLAN_NEW
        uint8_t moved;          // the same disk under another device path
    } disk[BF_PROTO_DISKS_MAX]; // in order of the inventory
};

// known: the replica's disks. point: the latest sealed one, whose set of disks is binding, or NULL
// as long as there is none: until then disks may still be left out or added.
enum bf_err bf_disk_plan_make(const struct bf_inventory *inventory,
                              const struct bf_replica_disk *known, size_t known_count,
                              const struct bf_point *point, struct bf_disk_plan *out,
                              struct bf_fault *fault);

// What is known of a disk after this run: what was seen now, and what only an earlier run saw.
void bf_disk_identity_merge(struct bf_disk_identity *into, const struct bf_disk_identity *seen);

#endif
