// SPDX-License-Identifier: Apache-2.0
// A replica store in memory with a failure model. A write goes to a cache; a checkpoint makes what
// it covers durable some time later. A loss of power keeps what is durable, and of every chunk that
// was written since then keeps the old contents, the new ones, or a mixture, and says "unknown".
// Contents may rot; a sealed point is a copy that nothing changes any more.
#ifndef BF_TESTS_SIM_STORE_H
#define BF_TESTS_SIM_STORE_H

#include "migrate/store.h"

enum { SIM_STORE_DISKS = 4, SIM_STORE_POINTS = 8, SIM_STORE_CHECKPOINTS = 256, SIM_STORE_HELD = 8 };

struct sim_checkpoint {
    uint64_t next_chunk, ready_us;
};

struct sim_chunk {
    uint8_t state;
    uint8_t dirty; // written since the last durable checkpoint that covers it
    struct bf_digest digest;
};

struct sim_store_disk {
    struct bf_geometry geometry;
    uint8_t *data, *before; // now, and as of the last durable state of each chunk
    struct sim_chunk *chunk;
    uint64_t durable;                                    // next_chunk of the last checkpoint
    struct sim_checkpoint queued[SIM_STORE_CHECKPOINTS]; // under way, in order
    uint32_t queue;
    uint8_t done;
    struct bf_digest root;
};

struct sim_point {
    uint8_t *data[SIM_STORE_DISKS];
    uint32_t disks;
    struct bf_digest root;
};

struct sim_store {
    uint32_t disks;
    struct sim_store_disk disk[SIM_STORE_DISKS];
    uint8_t has_session, session[16], boot[16];
    uint8_t session_sealed; // this session's point exists
    uint32_t points;
    struct sim_point point[SIM_STORE_POINTS];
    struct bf_fault fault;

    // The model.
    uint64_t checkpoint_us;   // longest time of a checkpoint
    uint8_t queue_full_often; // data() says BF_AGAIN now and then
    uint64_t stuck_until_us;  // data() says BF_AGAIN until then
    uint8_t holds;            // writes are held for a while, several at a time
    struct bf_store_write *hold[SIM_STORE_HELD];
    uint32_t held, most_held;
    uint64_t room;   // bytes of data that still fit; UINT64_MAX: any
    uint64_t writes; // chunks of data stored, all sessions
    uint64_t clears;

    // Sealing.
    struct bf_digest sealing_root;
    uint32_t seal_steps, need_disk, damaged;
    uint64_t need_chunk;
};

void sim_store_init(struct sim_store *store);
void sim_store_disk(struct sim_store *store, uint32_t i, const struct bf_geometry *g);
void sim_store_free(struct sim_store *store);
// The session's store; a new session or boot begins at 0 with what is there as its base.
// Returns 1 when it was resumed.
int sim_store_open(struct sim_store *store, const uint8_t session[16], const uint8_t boot[16]);
void sim_store_power_loss(struct sim_store *store);
// Nobody vouches for what is stored there any more.
void sim_store_doubt(struct sim_store *store, uint32_t disk, uint64_t chunk);
// Changes stored bytes behind the store's back.
void sim_store_rot(struct sim_store *store, uint32_t disk, uint64_t offset);
struct bf_store sim_store_interface(struct sim_store *store);

#endif
