// SPDX-License-Identifier: Apache-2.0
// Connections to a storage daemon (libnbd), without a call that waits for it without end: requests
// are asynchronous, and who waits for one does so with a bf_wait.
#ifndef BF_REPLICA_QEMU_NBD_H
#define BF_REPLICA_QEMU_NBD_H

#include <libnbd.h>

#include "replica/qemu/qsd.h"
#include "replica/state/wait.h"

// Connects to the disk's export. The handle's settings stay as the caller made them. BF_OK, or a
// fault, the words of bf_qsd_fault among them; the handle is to be closed in any case.
enum bf_err bf_nbd_connect(struct nbd_handle *nbd, struct bf_qsd *qsd, uint16_t disk,
                           struct bf_fault *fault);

// What poll(2) shall look for, and what is to be done when it saw it: BF_OK, or BF_ERR_BUSY when
// the connection is over.
short bf_nbd_events(struct nbd_handle *nbd);
enum bf_err bf_nbd_go_on(struct nbd_handle *nbd, short revents);

// Lets the connection go on once, waiting half a second at most. BF_OK; BF_ERR_BUSY: it is over;
// otherwise as bf_wait_for.
enum bf_err bf_nbd_turn(struct nbd_handle *nbd, struct bf_wait *wait);

#endif
