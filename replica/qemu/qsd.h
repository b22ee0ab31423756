// SPDX-License-Identifier: Apache-2.0
// A storage daemon (qemu-storage-daemon) of our own: chains of qcow2 layers opened with every
// format named, exported over NBD on a socket in the state's run directory, and snapshots of
// several disks in one transaction. Calls wait for its answer as long as it works
// (replica/state/wait.h), and for no more than that: one that hangs is killed, and everything that
// is asked of it later fails. The thread that started it must outlive it (it is killed with that
// thread).
#ifndef BF_REPLICA_QEMU_QSD_H
#define BF_REPLICA_QEMU_QSD_H

#include <stdint.h>

#include "base/err.h"
#include "replica/points/image.h"
#include "replica/state/state.h"

struct bf_qsd;
struct bf_wait;

// Whom its faults tell what to do next: a session goes on with another storage daemon by itself, a
// command is started again.
enum bf_qsd_user { BF_QSD_SESSION, BF_QSD_COMMAND };

// name distinguishes it from others in this state at the same time (at most 64 characters). *out is
// to be stopped after an error too; until then it tells whether it hung. What it prints goes to the
// log when it is stopped; that clients left it, at the level of debugging only.
enum bf_err bf_qsd_start(const struct bf_state *state, const char *name, enum bf_qsd_user user,
                         struct bf_qsd **out, struct bf_fault *fault);
// Flushes and ends it; kills it when it does not end within BF_WAIT_QSD_QUIT_MS. Takes NULL.
void bf_qsd_stop(struct bf_qsd *qsd);

// Begins a wait for this storage daemon, by any thread.
void bf_qsd_wait(struct bf_qsd *qsd, struct bf_wait *wait);
// What it means that a wait ended with err, or that its connections did (BF_ERR_BUSY): the code and
// the words for it. doing tells what it was needed for ("reading web-1 back").
enum bf_err bf_qsd_fault(const struct bf_qsd *qsd, enum bf_err err, const char *doing,
                         struct bf_fault *fault);
// Whether it was killed because it hung.
int bf_qsd_has_hung(const struct bf_qsd *qsd);
// Asks it for an answer within BF_WAIT_QSD_CHECK_MS, when somebody else got none; kills it without
// one. BF_OK, or the fault as bf_qsd_fault has it.
enum bf_err bf_qsd_check(struct bf_qsd *qsd, const char *doing, struct bf_fault *fault);

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
