// SPDX-License-Identifier: Apache-2.0
// The inside of the session store, shared by the store*.c files only.
//
// Three threads: the caller's, which queues operations and reads the working manifests; the worker,
// which does everything that may wait; and the checker, which reads back. `lock` protects what they
// share: the queue, the working manifests (except bf_working_sync), and the status.
#ifndef BF_REPLICA_STORE_PARTS_H
#define BF_REPLICA_STORE_PARTS_H

#include <pthread.h>

#include "replica/state/db.h"
#include "replica/qemu/nbd.h"
#include "replica/qemu/qsd.h"
#include "replica/store/ranges.h"
#include "replica/qemu/readback.h"
#include "replica/store/store.h"
#include "replica/state/wait.h"
#include "replica/store/working.h"

enum {
    BF_STORE_IN_FLIGHT = 16,    // requests per disk; the daemon takes no more at a time
    BF_STORE_OPS_MAX = 65536,   // queued operations
    BF_STORE_NEEDS_MAX = 4096,  // damaged ranges told at once
    BF_STORE_AHEAD_WINDOWS = 4, // marked doubtful at once by a long clear
    BF_STORE_RUN = 1024,        // chunks of data looked at together
};

enum bf_store_kind { BF_OP_DATA, BF_OP_CLEAR, BF_OP_CHECKPOINT, BF_OP_RESTART, BF_OP_SEAL };

struct bf_store_op {
    struct bf_store_op *next;
    enum bf_store_kind kind;
    struct bf_store_disk *disk;
    uint64_t sequence;
    uint64_t first, count; // chunks; of a clear: what is left of it; of a restart: from first on
    enum bf_chunk_state state;
    uint8_t done; // checkpoint: the disk is complete, with root
    struct bf_digest root;
    struct bf_digest *digests; // count of them, behind the operation
    uint8_t *data;             // len bytes, behind the digests
    uint32_t len;
};

// A request at the storage daemon.
struct bf_store_request {
    struct bf_store_request *next;
    struct bf_store_disk *disk;
    struct bf_store_op *op; // data: owned by the request
    uint64_t sequence;
    int done, error;
};

struct bf_store_touched {
    uint64_t window, sequence; // of the last operation in it
};

enum bf_store_flush { BF_FLUSH_NONE, BF_FLUSH_WAITING, BF_FLUSH_RUNNING };

struct bf_store_disk {
    struct bf_session_store *store;
    uint16_t number;
    struct bf_geometry geometry;
    uint32_t layer;
    struct bf_working *working;
    uint64_t chunks;
    int has_base;
    int grown; // larger than its row says

    // the worker's
    struct nbd_handle *nbd;
    struct bf_store_request *requests; // in flight
    uint32_t in_flight;
    struct bf_store_touched *touched; // windows changed since they became doubtful
    size_t touched_count, touched_room;
    enum bf_store_flush flush;
    uint64_t flush_sequence; // everything queued before it is covered
    struct bf_cursor flush_cursor;
    int flush_done, flush_error;

    // under the lock
    struct bf_cursor cursor; // of this session and boot; what was written last
    uint64_t durable;        // its next_chunk, once that is on the disk
    int restarting;          // the cursor is on its way back
    uint64_t named;          // the highest position that a checkpoint named, durable or not yet

    // verification, under the lock: see verify.c
    struct bf_range_set verified;
    uint64_t early_end;                    // chunks from here on are left to the seal
    uint64_t checking_first, checking_end; // being read back by the checker
    int spoiled;                           // an operation came for one of them since
};

// The bytes of chunks [first, first + count), of which the last may be short.
static inline uint64_t bf_store_bytes(const struct bf_store_disk *d, uint64_t first, uint64_t count)
{
    uint64_t begin = first * d->geometry.chunk_size, end = begin + count * d->geometry.chunk_size;

    return (end < d->geometry.disk_bytes ? end : d->geometry.disk_bytes) - begin;
}

enum bf_store_sealing { BF_SEAL_NONE, BF_SEAL_WORKING, BF_SEAL_NEED, BF_SEAL_DONE };

struct bf_store_need {
    struct bf_store_disk *disk;
    uint64_t first, count;
};

struct bf_session_store {
    struct bf_state *state;
    struct bf_db *db; // the worker's
    struct bf_session_config config;
    uint16_t disks;
    struct bf_store_disk *disk[BF_PROTO_DISKS_MAX];
    struct bf_qsd *qsd;
    pthread_t worker;
    int has_worker;
    int wake, notify;    // eventfds: to the worker, to the caller
    int cancel;          // eventfd, readable from the beginning of the end: nothing is waited for
    _Atomic int hung;    // the storage daemon did; outlives it
    struct bf_wait wait; // the worker's, for requests in flight

    pthread_mutex_t lock;
    pthread_cond_t opened;
    int is_open, stop;
    struct bf_store_op *head, **tail;
    uint32_t ops;
    uint64_t queued_bytes; // data taken and not written yet
    uint64_t sequence;
    int failed;
    struct bf_fault fault; // of the store when failed, else of the last refusal
    struct bf_fault told;  // the caller's copy of it

    pthread_t checker;
    int has_checker;
    pthread_cond_t check; // to the checker: look again; from it: it is not at work
    int checking;         // it is
    int checker_hold;     // a seal began: it ends
    int checker_stop;

    enum bf_store_sealing sealing;
    struct bf_store_seal what;
    struct bf_digest roots[BF_PROTO_DISKS_MAX];
    struct bf_store_progress progress;
    uint32_t point;
    int64_t point_time;
    struct bf_digest point_root;
    struct bf_store_need *need;
    uint32_t needs, needs_told;
    uint64_t damaged; // chunks that were asked for again
};

// These take the lock themselves.
void bf_store_fail(struct bf_session_store *s, const struct bf_fault *fault);
// The words for code: of the storage daemon for BF_ERR_BUSY, and for whatever else it did.
void bf_store_fail_code(struct bf_session_store *s, enum bf_err code, const char *doing);
void bf_store_notify(struct bf_session_store *s);
int bf_store_is_ending(struct bf_session_store *s); // somebody waits for the worker to end

// worker.c
void *bf_store_worker(void *store);
// grow.c: gives the disk its new size, before its files are opened.
enum bf_err bf_store_grow(struct bf_store_disk *d, struct bf_fault *fault);
// recover.c: re-reads what is doubtful, in the worker before it takes operations.
enum bf_err bf_store_settle(struct bf_store_disk *d, struct bf_fault *fault);
// verify.c: the checker's life lies within the worker's. bf_store_will_change is called with
// the lock, before anything is queued for chunks [first, end). bf_store_verify reads back what is
// not verified yet, when nothing is in flight: data_bytes per disk, *bad chunks were damaged, are
// UNKNOWN now and listed in need.
void bf_store_checker_start(struct bf_session_store *s);
void bf_store_checker_stop(struct bf_session_store *s);
void bf_store_will_change(struct bf_store_disk *d, uint64_t first, uint64_t end);
enum bf_err bf_store_verify(struct bf_session_store *s, uint64_t *data_bytes, uint64_t *bad,
                            struct bf_fault *fault);
// seal.c: in the worker, when nothing is in flight.
void bf_store_seal_now(struct bf_session_store *s);

#endif
