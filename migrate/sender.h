// SPDX-License-Identifier: Apache-2.0
// The sending end: reads the planned disks, sends what the server lacks, and sees the point
// committed. A step function over the block, stream and connector interfaces: the same code runs
// in the firmware loop, in the hosted sender and in the simulation with a virtual clock.
//
// States: CONNECT -> WELCOME -> COPY (disk by disk) -> COMMIT -> [REPAIR -> COMMIT] -> DONE, WAIT
// between attempts, FAILED. A cut connection continues from the last durable checkpoint.
#ifndef BF_MIGRATE_SENDER_H
#define BF_MIGRATE_SENDER_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"
#include "migrate/progress.h"
#include "net/proto/proto.h"
#include "net/stream.h"

struct bf_config;
struct bf_workers;

struct bf_sender_config {
    struct bf_connector connector;
    const struct bf_inventory *inventory; // disk i of it is disks[i]; planned ones are sent
    struct bf_source_disk *const *disks;  // NULL entries for those not planned
    uint8_t boot[16];
    uint64_t retry_us;          // how long an unreachable server is tried again; 0 = for ever
    uint32_t buffer_bytes;      // memory for reading and framing without workers (default 0: 9 MiB)
    struct bf_workers *workers; // started, outlives the sender; NULL: the caller's processor alone
    uint64_t limit;           // bytes on the wire per second at most, see migrate/limit.h; 0 = none
    uint8_t compression;      // 0 adaptive, 1 off, 2 lz4, 3 zstd
    uint8_t copy_all;         // also what the disks' file systems call unused
    const char *copy_all_why; // for the server; NULL: the configuration says so
    const struct bf_config *places; // what it says of single places; NULL: nothing
    // Why nothing may be sent, or NULL: the server hears of it, and it is the outcome.
    const struct bf_fault *refusal;
    uint8_t map_errors;     // blocks that cannot be read are left zero and told to the server
    int64_t (*clock)(void); // wall clock
    // Called several times a second while one turn takes long because the disks are looked at. It
    // may do what is done between two turns (poll the network, draw, see whether to cancel), but
    // calls only bf_sender_progress and bf_sender_cancel. May be NULL.
    void (*meanwhile)(void *user);
    void *user;
    const char *program;
};

struct bf_sender;

// NULL without memory. Disks and inventory stay the caller's and must outlive the sender.
struct bf_sender *bf_sender_new(const struct bf_sender_config *config, uint64_t now_us);
// One bounded turn. BF_AGAIN: go on (*idle set when nothing could be done); BF_OK: the point is
// committed; anything else: failed for good, bf_sender_fault says why.
enum bf_err bf_sender_step(struct bf_sender *s, uint64_t now_us, int *idle);
const struct bf_progress *bf_sender_progress(const struct bf_sender *s);
const struct bf_fault *bf_sender_fault(const struct bf_sender *s);
// Asks it to stop; it says so to the server and fails with BF_ERR_CANCELLED.
void bf_sender_cancel(struct bf_sender *s);
void bf_sender_free(struct bf_sender *s); // takes NULL

#endif
