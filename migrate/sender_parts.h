// SPDX-License-Identifier: Apache-2.0
// The sender's inside, shared by migrate/sender*.c only.
#ifndef BF_MIGRATE_SENDER_PARTS_H
#define BF_MIGRATE_SENDER_PARTS_H

#include "image/usage_choice.h"
#include "migrate/adapt.h"
#include "migrate/compress.h"
#include "migrate/feed.h"
#include "migrate/judge.h"
#include "migrate/link.h"
#include "migrate/rate.h"
#include "migrate/sender.h"
#include "migrate/workers.h"

enum bf_sender_state {
    BF_SENDER_CONNECT,  // asks the connector for a stream
    BF_SENDER_OPENING,  // the stream is on its way
    BF_SENDER_WELCOME,  // HELLO and INVENTORY were sent: WELCOME and PLANs are awaited
    BF_SENDER_COPY,     // disk by disk
    BF_SENDER_COMMIT,   // COMMIT was sent: COMMITTED or NEED is awaited
    BF_SENDER_REPAIR,   // ranges that the server asked for
    BF_SENDER_FAREWELL, // BYE or FAULT is on its way out
    BF_SENDER_WAIT,     // until the next attempt
    BF_SENDER_OVER,
};

enum {
    BF_MARKS = 32,
    BF_BASE_WINDOW = 16384, // chunks whose base may be known ahead
    BF_BASE_ASKS = 32,      // questions that may wait for their answer
    BF_NO_DISK = 0xffff,
    BF_BATCHES = 64, // made ahead of the link
    BF_PACKS_MAX = BF_WORKERS_MAX + 2,
};

struct bf_sender_disk {
    struct bf_plan plan;
    struct bf_source_disk *source;
    struct bf_progress_disk *progress;
    uint8_t done;            // read to its end in this boot
    uint8_t told;            // DISK_DONE was sent on this connection
    uint64_t furthest;       // chunk: the most that was durable in this session
    struct bf_digest digest; // valid when done
};

// A BASE_WANT that is not answered, or what is left of it.
struct bf_sender_ask {
    struct bf_base_want want;
    uint8_t late; // nobody waits for the answer any more
};

// The state of a disk's root where a CHECKPOINT was sent: from there copying can continue.
struct bf_mark {
    uint16_t disk; // index
    uint64_t chunk;
    uint64_t unreadable; // bytes before it
    struct bf_root root;
};

// Some chunks of one slot and one class that leave together. Data may be compressed meanwhile.
struct bf_batch {
    struct bf_job job; // compression, when packed is there
    struct bf_slot *slot;
    uint32_t at, count; // chunks of it
    uint8_t is_data;
    struct bf_adapt_choice choice;
    uint32_t skip;                     // what the ladder skipped when it chose
    struct bf_compressor **compressor; // of each place
    const uint8_t *raw;
    uint32_t raw_len, packed_len; // packed_len 0: it did not shrink
    uint8_t *packed;              // NULL: it goes as it is
};

// The stages between reading and the link (migrate/sender_data.c).
struct bf_sender_work {
    struct bf_workers *workers, none;
    struct bf_judge judge;
    struct bf_batch *batch; // a ring of BF_BATCHES
    uint32_t first, batches;
    struct bf_compressor *compressor[BF_WORKERS_MAX + 1]; // the loop's, then the workers'
    uint8_t *pack[BF_PACKS_MAX];                          // BF_DATA_MAX each
    uint8_t *free_pack[BF_PACKS_MAX];
    uint32_t packs, packs_free;
    const struct bf_slot *lent_slot; // whose data the link is sending
    uint8_t *lent_pack;              // the buffer that comes back with it
    uint32_t done_seen;              // of the workers' jobs
    uint64_t done_us;                // and when that changed, or nothing was to be done
};

struct bf_sender {
    struct bf_sender_config config;
    enum bf_sender_state state;
    enum bf_err outcome;
    struct bf_fault fault;
    struct bf_progress progress;
    struct bf_rate rate, wire_rate; // of the position on the disks, and of the bytes sent
    uint64_t now_us;
    uint8_t moved, cancelled, has_stream;
    uint8_t welcomed; // on this connection

    // Connecting.
    struct bf_link link;
    uint8_t session[16]; // zero before the first WELCOME
    uint64_t caps;
    uint32_t attempt;
    uint32_t failures;      // since something became durable: back-off
    uint32_t caution;       // connections lost young: frames are halved so often
    uint32_t setbacks;      // failures among them that time alone does not cure
    uint32_t readings;      // complete ones begun again because what was stored did not fit
    uint64_t greeted_bytes; // bytes_out when this connection began
    uint64_t absent_us;     // since when no server has welcomed us
    uint64_t wait_until_us, ends_us;
    uint32_t busy_ms; // announced

    // What is planned.
    uint16_t disks, plans;
    struct bf_sender_disk *disk;
    struct bf_welcome welcome;

    // Copying: the span that is read now.
    struct bf_feed feed;
    struct bf_usage *usage; // of the planned disks, NULL: everything is read
    struct bf_usage_watch watch;
    struct bf_usage_choice choice;
    uint64_t looked_us;   // the last time that something else was done while looking
    uint8_t looked;       // the maps were opened
    uint8_t copy_whole;   // they are only told about
    uint16_t usage_of;    // index of the one it is turned to, BF_NO_DISK: not opened yet
    uint16_t current;     // index of the disk, BF_NO_DISK between disks
    uint8_t repair;       // the span is a repair
    uint32_t places_told; // of the disk, to the server
    uint32_t place_again; // one that says something else since, UINT32_MAX: none
    uint64_t sent;        // chunks before it are in frames
    uint64_t span_end;
    uint8_t asleep_heeded, asleep_told; // nothing is left out any more; the server knows
    uint32_t unreadable_told;           // ranges, for the log
    struct bf_root root;                // over chunks before `sent`
    struct bf_range range;              // being joined, count 0: none
    uint64_t marked_us, marked_chunk, marked_bytes; // the last CHECKPOINT
    struct bf_mark *mark;                           // BF_MARKS of them, in order of sending
    uint32_t marks;
    uint64_t base_known, base_asked;        // chunks before it
    struct bf_sender_ask ask[BF_BASE_ASKS]; // a ring, the oldest at ask_at
    uint32_t ask_at, asks;
    uint8_t *base_state;
    struct bf_digest *base_digest;
    struct bf_sender_work work;
    struct bf_adapt adapt;
    enum bf_waiting waiting; // for what this turn would wait
    uint64_t ticked_us;

    struct bf_need need[BF_NEED_MAX];
    uint32_t needs, need_at;
    uint8_t needs_complete;
    struct bf_digest point_root;
};

// sender.c
// Ends for good: tells the server, when it can, and fails with the fault.
void bf_sender_give_up(struct bf_sender *s, const struct bf_fault *fault);
// The server did what the protocol does not allow.
void bf_sender_bad_frame(struct bf_sender *s, const char *what);
// The copy pipeline is forgotten; reads in flight are drained later.
void bf_sender_stop_span(struct bf_sender *s);

// Leaves the session and makes a new one, in which everything is read again.
void bf_sender_begin_again(struct bf_sender *s);

// sender_session.c
void bf_sender_greet(struct bf_sender *s);
void bf_sender_frames(struct bf_sender *s);

// sender_copy.c
void bf_sender_begin_copy(struct bf_sender *s); // after all PLANs
void bf_sender_copy_step(struct bf_sender *s);
void bf_sender_durable(struct bf_sender *s, uint16_t index, uint64_t chunk);
// The byte where a chunk begins, at most the end of the disk.
uint64_t bf_sender_position(const struct bf_sender_disk *d, uint64_t chunk);

// sender_base.c
int bf_sender_wants_base(const struct bf_sender *s);
void bf_sender_base_forget(struct bf_sender *s); // a new connection
// The copy goes on at chunk `first`; what was asked for until now is not wanted any more.
void bf_sender_base_begin(struct bf_sender *s, uint64_t first);
int bf_sender_base_run(struct bf_sender *s, const struct bf_base_run *run); // 0: not allowed
void bf_sender_ask_base(struct bf_sender *s);

// sender_data.c
int bf_sender_work_init(struct bf_sender *s); // 0: no memory
// 0: a worker holds on to the sender's memory, which must stay.
int bf_sender_work_free(struct bf_sender *s);
void bf_sender_work_start(struct bf_sender *s); // a span has begun; nothing may be under way
void bf_sender_work_stop(struct bf_sender *s);  // what nobody has begun is not done
int bf_sender_work_quiet(struct bf_sender *s);  // nothing is under way
// One turn of judging, compressing and sending.
void bf_sender_move_data(struct bf_sender *s);
enum bf_waiting bf_sender_awaited(const struct bf_sender *s);

// Sends the RANGE that is being joined. 0: no room.
int bf_sender_flush_range(struct bf_sender *s);

// sender_found.c
// Right after INVENTORY.
void bf_sender_tell_unseen(struct bf_sender *s);
// Opens the maps, once, and what is wanted of single places. 0: it cannot be done, the run ends.
int bf_sender_look(struct bf_sender *s);
// What lies where on the current disk. 0: not all yet, there is no room.
int bf_sender_tell_places(struct bf_sender *s);
// sender_asleep.c
// Notes a signature of hibernation in chunk i of the slot; the first one that is seen.
void bf_sender_see_asleep(struct bf_sender *s, const struct bf_slot *slot, uint32_t i);
// Does what follows from it, and tells the server. 0: later, or the copy begins again.
int bf_sender_heed_asleep(struct bf_sender *s);

// sender_errors.c
// Not a block of chunk i of the slot could be read.
int bf_sender_nothing_readable(const struct bf_sender *s, const struct bf_slot *slot, uint32_t i);
// Tells what could not be read of the chunks that were sent. 0: not all yet, there is no room.
int bf_sender_tell_unreadable(struct bf_sender *s);

#endif
