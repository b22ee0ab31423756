// SPDX-License-Identifier: Apache-2.0
// What the receiver asks of a store: one session of one machine, all its planned disks. Implemented
// by replica/ (qcow2 chains behind a storage daemon) and by an in-memory store in tests.
//
// Promises of an implementation:
//  - What was reported durable survives a kill of any process and a loss of power.
//  - base() describes the store's present contents truthfully, UNKNOWN where it is in doubt
//    (for example writes that were under way when something was killed).
//  - A point exists when seal_poll returned BF_OK, for all disks together, and not before.
//  - Nothing that a session does changes a sealed point.
//  - base() tells what was stored in this session too, queued or not, so that the receiver can form
//    the root from it; UNKNOWN is for contents that nobody vouches for.
//  - durable() only names chunks that a checkpoint or a restart named (or 0, or the end of the
//    disk), and after a restart none behind it before a checkpoint does.
//  - Sealing again after the answer was lost gives the same point, not another one.
#ifndef BF_MIGRATE_STORE_H
#define BF_MIGRATE_STORE_H

#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "net/proto.h"

struct bf_store_seal {
    struct bf_digest point_root;
    const struct bf_digest *disk_roots;
    uint32_t disks;
    int64_t source_clock; // the source's claim
};

struct bf_store_progress {
    uint16_t disk;
    uint64_t done, total; // bytes re-read and compared
};

struct bf_store_ops {
    // What is stored for chunks from first on, one run of equal state, count <= want (and at most
    // BF_BASE_ENTRIES_MAX for DATA). digests has room for want entries.
    enum bf_err (*base)(void *impl, uint16_t disk, uint64_t first, uint32_t want,
                        enum bf_chunk_state *state, uint32_t *count, struct bf_digest *digests);
    // Stores count chunks whose digests were checked by the caller. The data may be used until the
    // call returns. May queue; BF_AGAIN when the queue is full (nothing taken).
    enum bf_err (*data)(void *impl, uint16_t disk, uint64_t first, uint32_t count,
                        const struct bf_digest *digests, const void *raw, uint32_t raw_len);
    // Makes chunks read as zero and records the state (ZERO, UNUSED, UNREADABLE).
    enum bf_err (*clear)(void *impl, uint16_t disk, uint64_t first, uint64_t count,
                         enum bf_chunk_state state);
    // Starts making everything before next_chunk durable; several may be outstanding.
    enum bf_err (*checkpoint)(void *impl, uint16_t disk, uint64_t next_chunk);
    // The source begins the disk again at chunk first: nothing from there on counts as durable any
    // more, nor does the disk as done. BF_AGAIN until that is on stable storage, call again; at
    // once when nothing was durable there. Comes before anything else of the disk.
    enum bf_err (*restart)(void *impl, uint16_t disk, uint64_t first);
    // The highest next_chunk that is durable by now for this session's boot.
    uint64_t (*durable)(void *impl, uint16_t disk);
    // The source finished the disk with this root, which the receiver compared with its own.
    enum bf_err (*disk_done)(void *impl, uint16_t disk, const struct bf_digest *root);
    // Reads everything stored back, compares every digest, then seals all disks as one point.
    enum bf_err (*seal)(void *impl, const struct bf_store_seal *what);
    // BF_AGAIN while working; BF_OK with *point and *time; BF_ERR_CORRUPT when chunks have to be
    // sent again: need() lists them and their state is UNKNOWN until they arrive; seal again then.
    // BF_ERR_CORRUPT is for damage only: a store that cannot work says BF_ERR_IO or NO_SPACE.
    enum bf_err (*seal_poll)(void *impl, struct bf_store_progress *progress, uint32_t *point,
                             int64_t *time);
    // Next damaged range after seal_poll said BF_ERR_CORRUPT; BF_ERR_NOT_FOUND after the last.
    enum bf_err (*need)(void *impl, uint16_t *disk, uint64_t *first, uint64_t *count);
    // Moves queued work on; never waits. BF_OK, or why the store failed since: a peer that only
    // waits for what becomes durable has to be told.
    enum bf_err (*poll)(void *impl);
    // Why an operation failed.
    const struct bf_fault *(*fault)(void *impl);
};

struct bf_store {
    const struct bf_store_ops *ops;
    void *impl;
};

#endif
