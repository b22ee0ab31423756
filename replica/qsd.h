// SPDX-License-Identifier: Apache-2.0
// A storage daemon (qemu-storage-daemon) of our own: chains of qcow2 layers opened with every
// format named, exported over NBD on a socket in the state's run directory, and snapshots of
// several disks in one transaction. Calls wait for its answer, at most BF_QSD_DEADLINE_S; the
// thread that started it must outlive it (it is killed with that thread).
#ifndef BF_REPLICA_QSD_H
#define BF_REPLICA_QSD_H

#include <stdint.h>

#include "base/err.h"
#include "replica/image.h"
#include "replica/state.h"

enum { BF_QSD_DEADLINE_S = 120 };

struct bf_qsd;

// name distinguishes it from others in this state at the same time (at most 64 characters).
enum bf_err bf_qsd_start(const struct bf_state *state, const char *name, struct bf_qsd **out,
                         struct bf_fault *fault);
// Flushes and ends it; kills it when it does not end by itself. Takes NULL.
void bf_qsd_stop(struct bf_qsd *qsd);

// Opens a chain (topmost layer first) and exports it under the name "disk-N".
enum bf_err bf_qsd_add(struct bf_qsd *qsd, uint16_t disk, const struct bf_image_chain *chain,
                       int writable, struct bf_fault *fault);

// Puts a new, empty layer (file relative to the state directory) on top of each disk, all or none.
// What was on top becomes read-only; the exports follow.
enum bf_err bf_qsd_snapshot(struct bf_qsd *qsd, const uint16_t *disk,
                            const struct bf_image_layer *layer, uint32_t disks,
                            struct bf_fault *fault);

const char *bf_qsd_socket(const struct bf_qsd *qsd); // for nbd_connect_unix
int bf_qsd_pid(const struct bf_qsd *qsd);            // for tests that kill it
// Whether the files that were added so far bypass the kernel's cache (O_DIRECT).
int bf_qsd_is_direct(const struct bf_qsd *qsd);

// A test may log every write below the format layer, to cut the power afterwards: names a folder,
// relative to the state directory, in which "disk-N.log" appears (QEMU's blklogwrites driver).
// NULL, the default: none.
void bf_qsd_log_writes(const char *folder);

#endif
