// SPDX-License-Identifier: Apache-2.0
// Copies the disks of a machine that runs to its home, and makes it use the copies.
#ifndef BF_REPLICA_TARGETS_QEMU_MIRROR_H
#define BF_REPLICA_TARGETS_QEMU_MIRROR_H

#include "replica/targets/qemu_place.h"

// Its home was chosen. BF_OK: q->place is all home, and recorded. Can be called again after it was
// cut off anywhere. BF_ERR_CANCELLED, BF_ERR_NO_SPACE: it runs as before, over the replica.
enum bf_err bf_qemu_mirror(struct bf_qemu_machine *q, struct bf_fault *fault);
// Lets go of what is not used any more, so that QEMU has none of the replica's files open.
enum bf_err bf_qemu_drop_nodes(const struct bf_qemu_machine *q, struct bf_fault *fault);

#endif
