// SPDX-License-Identifier: Apache-2.0
// The inside of the store far away, shared by migrate/remote*.c only.
#ifndef BF_MIGRATE_REMOTE_PARTS_H
#define BF_MIGRATE_REMOTE_PARTS_H

#include "migrate/compress.h"
#include "migrate/remote/remote.h"
#include "migrate/workers.h"

enum bf_remote_state {
    BF_REMOTE_CLOSED,
    BF_REMOTE_GREETED,   // WELCOME and PLANs are awaited
    BF_REMOTE_OPEN,      // data, checkpoints
    BF_REMOTE_SEALING,   // COMMIT was sent: COMMITTED or NEED is awaited
    BF_REMOTE_REPAIRING, // what the server asked for comes again
    BF_REMOTE_SEALED,
};

enum {
    BF_BASE_WINDOW = 16384, // chunks whose base may be known ahead
    BF_BASE_ASKS = 32,      // questions that may wait for their answer
    BF_PACKS_MAX = BF_WORKERS_MAX + 2,
};

// A BASE_WANT that is not answered, or what is left of it.
struct bf_remote_base_request {
    struct bf_base_want want;
    uint8_t late; // nobody waits for the answer any more
};

// What the server has, known ahead of the copy (migrate/remote/base.c).
struct bf_remote_base {
    uint16_t disk;                          // number
    uint64_t wanted, known, asked;          // chunks before it
    struct bf_remote_base_request ask[BF_BASE_ASKS]; // a ring, the oldest at ask_at
    uint32_t ask_at, asks;
    uint8_t *state; // BF_BASE_WINDOW of each
    struct bf_digest *digest;
};

// A buffer that data is compressed into.
struct bf_pack {
    struct bf_task task;
    struct bf_ladder_choice choice;
    uint32_t skip;                     // what the ladder skipped when it chose
    struct bf_compressor **compressor; // of each place
    const uint8_t *raw;
    uint32_t raw_len, packed_len; // packed_len 0: it did not shrink
    uint8_t *packed;              // BF_DATA_MAX
};

struct bf_remote {
    struct bf_remote_config config;
    struct bf_channel channel;
    enum bf_remote_state state;
    uint64_t now_us, greeted_bytes;
    uint8_t moved;
    uint8_t session[16]; // zero before the first WELCOME
    uint64_t caps;
    uint32_t caution, busy_ms; // announced
    struct bf_welcome welcome;
    struct bf_fault unfit;
    struct bf_store_opened opened;
    uint64_t durable[BF_PROTO_DISKS_MAX];

    struct bf_range range; // being joined, count 0: none
    struct bf_remote_base base;

    struct bf_workers *workers;
    struct bf_compressor *compressor[BF_WORKERS_MAX + 1]; // the loop's, then the workers'
    struct bf_pack pack[BF_PACKS_MAX], *free_pack[BF_PACKS_MAX];
    uint32_t packs, packs_free;
    uint8_t packs_stale;         // those that a connection left are to be taken back
    struct bf_store_write *lent; // whose data the channel is sending
    struct bf_ladder ladder;

    struct bf_need need[BF_NEED_MAX];
    uint32_t needs, need_at;
    struct bf_digest point_root;
    struct bf_verifying verifying;
    struct bf_committed committed;
};

// Chunks and what belongs to them may be given: copied, or again after NEED.
static inline int bf_remote_takes_chunks(const struct bf_remote *r)
{
    return r->state == BF_REMOTE_OPEN || r->state == BF_REMOTE_REPAIRING;
}

// channel.c
// The server did what the protocol does not allow.
void bf_remote_bad_frame(struct bf_remote *r, const char *what);
// Sends the RANGE that is being joined. 0: no room.
int bf_remote_flush(struct bf_remote *r);

// frames.c: what the server says.
void bf_remote_frames(struct bf_remote *r);

// base.c
enum bf_err bf_remote_base(struct bf_remote *r, uint16_t disk, uint64_t first, uint32_t want,
                           enum bf_chunk_state *state, uint32_t *count, struct bf_digest *digests);
void bf_remote_base_forget(struct bf_remote *r);                            // a new connection
int bf_remote_base_run(struct bf_remote *r, const struct bf_base_run *run); // 0: not allowed

// data.c
int bf_remote_packs_init(struct bf_remote *r); // 0: no memory
void bf_remote_packs_free(struct bf_remote *r);
void bf_remote_packs_forget(struct bf_remote *r); // a new connection
enum bf_err bf_remote_prepare(struct bf_remote *r, struct bf_store_write *write);
enum bf_err bf_remote_data(struct bf_remote *r, struct bf_store_write *write);
void bf_remote_take_back(struct bf_remote *r); // what the channel has sent

// store.c
extern const struct bf_store_ops bf_remote_ops;

#endif
