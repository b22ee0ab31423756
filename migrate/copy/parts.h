// SPDX-License-Identifier: Apache-2.0
// The pipeline's inside, shared by migrate/copy*.c only. Functions that return enum bf_err: BF_OK,
// BF_AGAIN when the rest has to wait for a later turn, or a failure whose words are in c->fault.
#ifndef BF_MIGRATE_COPY_PARTS_H
#define BF_MIGRATE_COPY_PARTS_H

#include "image/usage/choice.h"
#include "migrate/copy/copy.h"
#include "migrate/copy/feed.h"
#include "migrate/copy/digest_stage.h"
#include "migrate/workers.h"

enum bf_copy_state {
    BF_COPY_CLOSED,
    BF_COPY_COPYING,   // disk by disk
    BF_COPY_SEALING,   // the store looks at everything
    BF_COPY_REPAIRING, // ranges that the store wants again
    BF_COPY_SEALED,
};

enum {
    BF_MARKS = 32,
    BF_NO_DISK = 0xffff,
    BF_BATCHES = 64, // made ahead of the store
};

struct bf_copy_disk {
    struct bf_planned_disk plan;
    struct bf_source_disk *source;
    struct bf_progress_disk *progress;
    uint8_t done;            // read to its end in this boot
    uint8_t told;            // and the store of this session knows
    uint64_t durable;        // chunk: what the store said last
    uint64_t furthest;       // chunk: the most that was durable in this session
    struct bf_digest digest; // valid when done
};

// The state of a disk's root at a checkpoint: from there copying can continue.
struct bf_mark {
    uint16_t disk; // index
    uint64_t chunk;
    uint64_t unreadable; // bytes before it
    struct bf_root root;
};

// Some chunks of one slot and one class that go to the store together.
struct bf_batch {
    struct bf_store_write write; // when is_data
    struct bf_slot *slot;
    uint32_t at, count; // chunks of it
    uint8_t is_data;
};

// What the store has from chunk `first` on.
struct bf_copy_base {
    uint64_t first;
    uint32_t count; // 0: nothing is known
    enum bf_chunk_state state;
    struct bf_digest digest[BF_DATA_CHUNKS_MAX];
};

struct bf_copy {
    struct bf_copy_config config;
    const struct bf_store_opened *opened;
    enum bf_copy_state state;
    struct bf_fault fault;
    struct bf_progress *progress;
    uint64_t now_us;
    uint8_t moved, anew, got_on;
    uint32_t durables;

    uint16_t disks;
    struct bf_copy_disk *disk;

    // What is looked at once.
    struct bf_usage *usage; // of the planned disks, NULL: everything is read
    struct bf_usage_watch watch;
    struct bf_usage_choice choice;
    uint64_t looked_us;   // the last time that something else was done while looking
    uint8_t looked;       // the maps were opened
    uint8_t cut_short;    // while they were
    uint8_t copy_whole;   // they are only told about
    uint16_t usage_of;    // index of the one it is turned to, BF_NO_DISK: not opened yet
    uint32_t places_told; // of the disk, to the store
    uint32_t place_again; // one that says something else since, UINT32_MAX: none
    uint8_t asleep_heeded, asleep_told; // nothing is left out any more; the store knows
    uint32_t unreadable_told;           // ranges, for the log

    // The span that is read now.
    struct bf_feed feed;
    uint16_t current; // index of the disk, BF_NO_DISK between disks
    uint8_t repair;   // the span is a repair
    uint8_t restarted;
    uint64_t given;      // chunks before it are with the store
    uint64_t classified; // chunks before it have their class
    uint64_t span_end;
    struct bf_copy_base base;
    struct bf_root root;                            // over chunks before `given`
    uint64_t marked_us, marked_chunk, marked_bytes; // the last checkpoint
    struct bf_mark *mark;                           // BF_MARKS of them, in order
    uint32_t marks;

    // What only computes.
    struct bf_workers *workers, none;
    struct bf_digest_stage digest_stage;
    uint32_t done_seen; // of the workers' tasks
    uint64_t done_us;   // and when that changed, or nothing was to be done

    // A ring: `held` batches are the store's from `first` on, then `batches` wait for it.
    struct bf_batch *batch;
    uint32_t first, held, batches;

    struct bf_need need[BF_NEED_MAX]; // disk: index
    uint32_t needs, need_at;
    struct bf_digest roots[BF_PROTO_DISKS_MAX];
};

// answer.c
// What the store answered to an operation; a failure's words become the pipeline's.
enum bf_err bf_copy_answer(struct bf_copy *c, enum bf_err err);
// The byte where a chunk begins, at most the end of the disk.
uint64_t bf_copy_position(const struct bf_copy_disk *d, uint64_t chunk);

// class.c
// Gives chunks their class as soon as their digest and the base are known.
enum bf_err bf_copy_classify(struct bf_copy *c);
void bf_copy_base_forget(struct bf_copy *c);

// data.c
int bf_copy_work_init(struct bf_copy *c); // 0: no memory
// 0: a worker holds on to the pipeline's memory, which must stay.
int bf_copy_work_free(struct bf_copy *c);
void bf_copy_work_start(struct bf_copy *c); // a span has begun; nothing may be under way
// One turn of hashing, preparing and giving.
enum bf_err bf_copy_move_data(struct bf_copy *c);
int bf_copy_all_released(struct bf_copy *c);

// found.c
// Opens the maps, once, and what is wanted of single places.
enum bf_err bf_copy_look(struct bf_copy *c);
// What lies where on the current disk.
enum bf_err bf_copy_report_places(struct bf_copy *c);

// asleep.c
// Notes a signature of hibernation in chunk i of the slot; the first one that is seen.
void bf_copy_see_asleep(struct bf_copy *c, const struct bf_slot *slot, uint32_t i);
// Does what follows from it, and tells the store. BF_AGAIN: later, or the copy begins anew.
enum bf_err bf_copy_heed_asleep(struct bf_copy *c);

// errors.c
// Not a block of chunk i of the slot could be read.
int bf_copy_nothing_readable(const struct bf_copy *c, const struct bf_slot *slot, uint32_t i);
// Tells what could not be read of the chunks that were given.
enum bf_err bf_copy_report_unreadable(struct bf_copy *c);

#endif
