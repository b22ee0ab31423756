// SPDX-License-Identifier: Apache-2.0
// Reads a span of chunks of one disk in order, with as many requests in flight as the disk takes
// and a fixed amount of memory. A failing read is tried again in smaller and smaller pieces, down
// to a block. One that cannot be read ends the run with a fault that names it, or, as configured,
// is left zero and noted in the slot: but only when the disk can read another block at that time.
// While it cannot, or says that it is busy, nothing is known about the block: it is asked for again
// and again, ever more slowly, for BF_FEED_TROUBLE_US, and then the disk is at fault. What the
// disk's own file systems call unused is not read, nor what its driver knows to be zeros: such a
// run of chunks is a slot without data.
#ifndef BF_MIGRATE_COPY_FEED_H
#define BF_MIGRATE_COPY_FEED_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/usage/usage.h"
#include "net/proto/proto.h"

// A slot has room to move within, so that any part of it can be read to an aligned address.
enum { BF_SLOT_BLOCKS_MAX = BF_DATA_MAX / BF_BLOCK_MIN };
enum { BF_FEED_TROUBLE_US = 60000000, BF_FEED_REST_MOST_US = 2000000 };
enum { BF_FEED_SLOTS = 32, BF_FEED_MEMORY_MIN = 2 * (BF_DATA_MAX + BF_BLOCK_ALIGN_MAX) };

enum bf_slot_state { BF_SLOT_FREE, BF_SLOT_READING, BF_SLOT_READY };
enum bf_chunk_class { BF_CLASS_ZERO, BF_CLASS_SAME, BF_CLASS_DATA, BF_CLASS_UNREADABLE };

struct bf_slot {
    struct bf_block_request request;
    uint8_t state;
    uint8_t unread;  // the whole slot, of any length: ready, and there is nothing in it
    uint8_t instead; // what it then is: BF_CHUNK_UNUSED or BF_CHUNK_ZERO
    uint8_t in_flight;
    uint8_t tries;                       // of a single block that cannot be read
    uint8_t witness;                     // the request is for another block, which could be read
    uint32_t rest_us;                    // the last pause between two tries
    uint64_t rested_us;                  // until when it pauses
    uint64_t trouble_us;                 // since when the disk, not the block, is in doubt; or 0
    uint32_t unreadable;                 // blocks left zero
    uint8_t bad[BF_SLOT_BLOCKS_MAX / 8]; // which, when there are any: bit b % 8 of byte b / 8
    uint32_t part;                       // largest request for now, blocks
    uint8_t growing;                     // it grows again, behind a block that failed
    uint32_t bytes, got;                 // of the whole slot
    uint64_t first;                      // chunk
    uint32_t count;
    uint8_t *data;

    // The copying stage's notes.
    uint32_t asked, hashed; // chunks given to the digest stage, and done there
    uint32_t classified;    // chunks whose class is known
    uint32_t framed, sent;  // chunks in batches, and in frames
    uint32_t told;          // blocks before it: the server knows which of them were unreadable
    uint8_t class[BF_DATA_CHUNKS_MAX];
    uint8_t zero[BF_DATA_CHUNKS_MAX];
    struct bf_digest digest[BF_DATA_CHUNKS_MAX];
    uint32_t asleep[BF_DATA_CHUNKS_MAX]; // bf_swap_find_hibernated, as far as it is not zero
};

struct bf_feed {
    struct bf_source_disk *disk; // NULL when stopped
    struct bf_usage *usage;      // NULL: everything is read
    uint8_t left_out;            // something was unused; its owner's, who clears it
    uint8_t map_errors; // blocks that cannot be read are left zero; its owner's, who sets it
    struct bf_geometry geometry;
    uint64_t next, end;  // chunks still to be asked for
    uint64_t extent_end; // bytes: up to there the driver's last answer is valid
    uint8_t extent_zero; // and this was it
    const struct bf_source_disk *disk_of_witness;
    uint64_t witness; // a block of this disk that was read
    uint8_t trouble_told;
    uint32_t slots, slot_chunks, head, used;
    uint32_t ahead;      // slots beyond what reading needs, for work on several at once
    uint64_t bytes_read; // of all spans since the beginning
    uint8_t *memory;
    uint32_t memory_bytes;
    uint8_t kept;                    // a device may write to the memory for ever
    struct bf_source_disk *draining; // requests of a stopped span are still in flight
    struct bf_slot *slot;            // BF_FEED_SLOTS of them
    struct bf_fault fault;
};

enum bf_err bf_feed_init(struct bf_feed *feed, uint32_t memory_bytes);
// Waits a bounded time for requests in flight. When a device does not let go of them, they and
// their memory stay where they are: they are the device's until it is closed.
void bf_feed_free(struct bf_feed *feed);

// Begins to read chunks [first, end). The feed must be stopped and quiet. usage may be NULL and
// stays the caller's until the feed is stopped.
void bf_feed_start(struct bf_feed *feed, struct bf_source_disk *disk, struct bf_usage *usage,
                   const struct bf_geometry *g, uint64_t first, uint64_t end);
// Forgets the span. What is in flight is waited for by later polls.
void bf_feed_stop(struct bf_feed *feed);
int bf_feed_quiet(const struct bf_feed *feed);

// Moves reads on; *moved set when something happened. An error is final, feed->fault says why.
enum bf_err bf_feed_poll(struct bf_feed *feed, int *moved);

// Slot number i in the order of the disk (0: the front), or NULL when it is not ready.
struct bf_slot *bf_feed_ready(struct bf_feed *feed, uint32_t i);
// Everything was taken.
int bf_feed_empty(const struct bf_feed *feed);
// Gives the front slot back.
void bf_feed_pop(struct bf_feed *feed);

// feed_errors.c
// Whether block `block` of the slot was left zero because it could not be read.
int bf_slot_is_bad(const struct bf_slot *slot, uint32_t block);

#endif
