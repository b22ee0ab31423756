// SPDX-License-Identifier: Apache-2.0
// Which disk of the machine is which disk of its replica. Disks are recognised by the rule of
// image/identity.h and never guessed. Once there is a point, its disks are binding:
//  - a disk that has grown (an attribute says that it is the same one) goes on, larger;
//  - a new disk is taken when the machine's configuration names it;
//  - everything else (a disk is missing, exchanged, smaller, or has merely appeared) is refused
//  with
//    the disk, the attribute and what to do, unless the operator has accepted exactly these disks:
//    then what is not recognised is new, and what is missing is left out of the next point.
#ifndef BF_REPLICA_DAEMON_PLAN_H
#define BF_REPLICA_DAEMON_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"
#include "net/proto/proto.h"
#include "replica/state/db.h"

enum { BF_PLAN_NEW = 0xffff };

struct bf_disk_plan {
    uint16_t disks;
    struct {
        uint16_t inventory;     // index in the inventory
        uint16_t known;         // index in the replica's list, or BF_PLAN_NEW
        uint8_t moved;          // the same disk under another device path
        uint8_t grown;          // the same disk, larger
    } disk[BF_PROTO_DISKS_MAX]; // in order of the inventory
};

struct bf_disk_question {
    const char *machine;
    const struct bf_inventory *inventory;
    const struct bf_replica_disk *known; // the replica's disks
    size_t known_count;
    // The latest sealed point, whose set of disks is binding, or NULL as long as there is none:
    // until then disks may still be left out or added.
    const struct bf_point *point;
    int accepted; // the operator has accepted these disks
};

// *may_accept tells of a refusal whether it is one that the operator can overrule.
enum bf_err bf_disk_plan_make(const struct bf_disk_question *question, struct bf_disk_plan *out,
                              int *may_accept, struct bf_fault *fault);

// By what a set of disks is referred to: a digest over the planned ones, whatever their order.
void bf_disk_set_digest(const struct bf_inventory *inventory, struct bf_digest *out);
// Whether the planned disks are these, each once and none besides, by the rule of image/identity.h:
// what only one side knows of a disk, since another driver showed it, is passed over. A disk that
// could be two of them is none.
int bf_disk_set_same(const struct bf_disk_identity *disks, size_t count,
                     const struct bf_inventory *inventory);

// What is known of a disk after this run: what was seen now, and what only an earlier run saw.
void bf_disk_identity_merge(struct bf_disk_identity *into, const struct bf_disk_identity *seen);

#endif
