// SPDX-License-Identifier: Apache-2.0
// A store: where the disks of one machine go, in one session. The copy pipeline
// (migrate/copy/copy.h) drives one, and so does the receiver (migrate/receiver/receiver.h).
// Implemented by replica/store/store.c (qcow2 chains behind a storage daemon), by
// migrate/remote/remote.h (a replica server at the other end of a connection), by
// linux/file_store.h (raw files) and by an in-memory store in tests.
//
// Opening differs from store to store; what comes of it is a struct bf_store_opened.
//
// Calls come from one thread, and none of them waits: what cannot be done yet is BF_AGAIN, and is
// asked for again with the same arguments. `disk` is the number that the plan gave the disk.
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
#include "net/proto/proto.h"

// What a store can do beyond taking data in order; a bit each.
enum bf_store_can {
    BF_STORE_BASE = 1,    // base() may know chunks: keep() saves sending them
    BF_STORE_POINTS = 2,  // sealing adds a point beside those of before; without: it replaces
    BF_STORE_CLEAR = 4,   // clear() costs next to nothing; without: zeros are written
    BF_STORE_RESUME = 8,  // what is durable is there for the next session of this boot
    BF_STORE_VERIFY = 16, // seal() reads everything back and compares
};

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

// Data on its way into the store. The caller owns it, and what it points to; from the moment that
// data() takes it until held is 0 again nothing of it may change.
struct bf_store_write {
    uint16_t disk;
    uint32_t count;
    uint64_t first; // chunk
    const struct bf_digest *digests;
    const void *raw; // whole chunks, the disk's last one may be shorter
    uint32_t raw_len;
    uint8_t held; // the store's to set and to clear, within its own calls
    void *work;   // the store's note of what prepare() began; NULL at first
};

struct bf_store_ops {
    // What is stored for chunks from first on, one run of equal state, count <= want (and at most
    // BF_BASE_ENTRIES_MAX for DATA). digests has room for want entries. Whoever asks goes upwards
    // through a disk: a store that has to fetch its answers may do so ahead. BF_AGAIN: not yet.
    enum bf_err (*base)(void *impl, uint16_t disk, uint64_t first, uint32_t want,
                        enum bf_chunk_state *state, uint32_t *count, struct bf_digest *digests);
    // Data that is going to come, told ahead and in order, so that what takes a processor
    // (compression) is done when it comes. BF_AGAIN: no more for now. May be NULL.
    enum bf_err (*prepare)(void *impl, struct bf_store_write *write);
    // Stores the chunks of a write, whose digests were made or checked by the caller. Several may
    // be held at a time, and be released in any order; one that failed is told by poll(). BF_AGAIN:
    // nothing was taken.
    enum bf_err (*data)(void *impl, struct bf_store_write *write);
    // Makes chunks read as zero and records the state (ZERO, UNUSED, UNREADABLE).
    enum bf_err (*clear)(void *impl, uint16_t disk, uint64_t first, uint64_t count,
                         enum bf_chunk_state state);
    // Chunks of the disk that are what base() says. NULL: that is so without a word.
    enum bf_err (*keep)(void *impl, uint16_t disk, uint64_t first, uint64_t count);
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
    // Nothing more comes in this session, for this reason; what is durable stays. Held writes are
    // released. NULL: there is nothing to do.
    void (*abort)(void *impl, const struct bf_fault *why);

    // What else the source knows, for a store that keeps records; each may be NULL. Bytes of a disk
    // that could not be read, within what was stored and before the checkpoint that covers them;
    // what lies where on a disk; words for whoever watches the store; and how long the source was
    // held up by a device, so that its silence is understood.
    enum bf_err (*unreadable)(void *impl, const struct bf_unreadable *what);
    enum bf_err (*place)(void *impl, const struct bf_place *what);
    enum bf_err (*event)(void *impl, const struct bf_event *what);
    void (*held_up)(void *impl, uint64_t blocked_us);
    // Bytes that went to where the store is, in the form in which they went, all together; NULL:
    // as many as were given to it.
    uint64_t (*traffic)(void *impl);
};

struct bf_store {
    const struct bf_store_ops *ops;
    void *impl;
};

// A store that is open for a session.
struct bf_store_opened {
    struct bf_store store;
    uint32_t can;         // bits of enum bf_store_can
    uint32_t write_bytes; // most data in one write, at least a chunk; 0: BF_DATA_MAX
    uint32_t part_bytes;  // no write crosses a multiple of it, which is one of the chunks'; 0: any
    uint8_t resumed;      // a session that was begun before goes on
    uint16_t disks;
    struct bf_planned_disk plan[BF_PROTO_DISKS_MAX]; // ascending numbers
};

// Which disk of the plan has this number; -1: none.
static inline int bf_store_index(const struct bf_store_opened *opened, uint16_t number)
{
    for (uint16_t i = 0; i < opened->disks; i++)
        if (opened->plan[i].disk == number)
            return i;
    return -1;
}

#endif
