// SPDX-License-Identifier: Apache-2.0
// The session store: migrate/store.h over qcow2 chains behind a storage daemon of their own (one
// per session: what a hostile or unlucky machine does to it, no other machine feels). All waiting
// is done by one worker thread, so that the calls of the interface never wait for a disk.
// docs/store.md has the order of writes and what is recovered after which kill.
#ifndef BF_REPLICA_STORE_STORE_H
#define BF_REPLICA_STORE_STORE_H

#include <stdint.h>

#include "base/err.h"
#include "image/manifest.h"
#include "migrate/store.h"
#include "net/proto/proto.h"
#include "replica/state/state.h"

enum { BF_STORE_QUEUE_BYTES = 32 * 1024 * 1024 }; // of data taken and not yet written
#define BF_STORE_DISK_MAX ((uint64_t)1 << 48)     // bytes of one disk

struct bf_session_disk {
    uint16_t number; // within the replica; must be in the database (bf_db_disk_add)
    struct bf_geometry geometry;
};
struct bf_session_config {
    char machine[BF_NAME_MAX];
    uint8_t session[16], boot[16];
    uint16_t disks;
    struct bf_session_disk disk[BF_PROTO_DISKS_MAX]; // the planned ones, ascending numbers
};

struct bf_session_store;

// Begins to open the machine's live disks for this session: starts the storage daemon and re-reads
// what was in doubt after a kill, in a thread of its own. May take a few seconds: normally at most
// two windows of 256 MiB are re-read per disk. The state must outlive the store.
//  - the same session and boot as before: continues, see bf_session_store_resume;
//  - anything else: positions are 0, and base() describes what is there.
enum bf_err bf_session_store_begin(struct bf_state *state, const struct bf_session_config *config,
                                   struct bf_session_store **out, struct bf_fault *fault);
// BF_AGAIN while it is being opened; bf_session_store_fd becomes readable when that is over. After
// an error nothing but bf_session_store_close may follow, after BF_AGAIN that or asking again.
// BF_ERR_BUSY: another session store has the machine open (close it first).
enum bf_err bf_session_store_opened(struct bf_session_store *store, struct bf_fault *fault);
// For tests: both in one, waiting; nothing is left to close after an error.
enum bf_err bf_session_store_open(struct bf_state *state, const struct bf_session_config *config,
                                  struct bf_session_store **out, struct bf_fault *fault);

// The interface of migrate/store.h. Its calls must come from one thread at a time; `disk` there is
// the number within the replica. A store that failed stays failed: close it and open it again.
// After a point was sealed, seal with the same root answers with the same point again; data and
// clear are refused.
struct bf_store bf_session_store_ops(struct bf_session_store *store);

// For PLAN: the durable position of this boot, whether DISK_DONE was accepted for it, whether
// there is a base to compare with.
uint64_t bf_session_store_resume(const struct bf_session_store *store, uint16_t disk);
int bf_session_store_done(const struct bf_session_store *store, uint16_t disk);
int bf_session_store_has_base(const struct bf_session_store *store, uint16_t disk);

// For tests: how many chunks were read back and compared since they were written last; only ever
// too few.
uint64_t bf_session_store_verified(const struct bf_session_store *store, uint16_t disk);

// Whether its storage daemon was killed because it hung: with another one the session may go on.
int bf_session_store_has_hung(const struct bf_session_store *store);

// How many chunks the last look at everything found to differ from their digests, so that the
// source was asked for them again: what lies under the store changed by itself.
uint64_t bf_session_store_damaged(const struct bf_session_store *store);

// Becomes readable when the worker made progress (queue room, durable position, seal): add it to
// the loop's poll set, and call the interface's poll(), which also resets it. Owned by the store.
int bf_session_store_fd(const struct bf_session_store *store);

// Ends the session's use of the machine: queued work that was not acknowledged may be dropped, the
// storage daemon is stopped. Takes NULL.
void bf_session_store_close(struct bf_session_store *store);

#endif
