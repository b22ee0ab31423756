// SPDX-License-Identifier: Apache-2.0
// The receiver's inside, shared by migrate/receiver*.c only.
#ifndef BF_MIGRATE_RECEIVER_PARTS_H
#define BF_MIGRATE_RECEIVER_PARTS_H

#include "migrate/compress.h"
#include "migrate/channel.h"
#include "migrate/receiver/receiver.h"

enum { BF_FAREWELL_US = 5000000 }; // for the peer to take a FAULT, or to say BYE

enum bf_receiver_state {
    BF_RECEIVER_HELLO,     // waiting for HELLO (or ENROL)
    BF_RECEIVER_INVENTORY, // waiting for INVENTORY (or ENROL)
    BF_RECEIVER_ASSESSING, // an assessment: bytes to be timed, and what the source found
    BF_RECEIVER_PLANNING,  // WELCOME and PLAN frames are on their way out
    BF_RECEIVER_RECEIVING, // ranges, until COMMIT
    BF_RECEIVER_SEALING,   // the store re-reads and seals
    BF_RECEIVER_NEEDING,   // NEED frames are on their way out
    BF_RECEIVER_DONE,      // COMMITTED or ENROLLED was sent: waiting for BYE
    BF_RECEIVER_FAILING,   // FAULT is on its way out
    BF_RECEIVER_OVER,
};

// What the time between two turns goes into.
enum bf_receiver_wait { BF_RECEIVER_WORKS, BF_RECEIVER_WAITS_PEER, BF_RECEIVER_WAITS_STORE };

struct bf_receiver_disk {
    uint64_t next;     // chunk that must come next; before the first range: where it may begin
    uint64_t told;     // DURABLE that was sent last
    uint64_t told_bad; // bytes before it: the source has said what it could not read
    uint8_t begun;     // a range has come on this connection
    uint8_t done;      // DISK_DONE accepted
    uint8_t rooted;
    struct bf_digest digest; // valid when rooted
    struct bf_root root;     // over chunks before root.next_chunk; follows next
};

struct bf_receiver_want {
    uint16_t disk; // index
    uint64_t first;
    uint32_t count;
};

struct bf_receiver {
    struct bf_channel channel;
    const struct bf_receiver_host *host;
    enum bf_receiver_state state;
    uint8_t has_identity;
    uint8_t moved;    // something was done in this turn
    uint64_t now_us;  // of this turn
    uint64_t ends_us; // FAILING, DONE: when patience with the peer ends
    struct bf_hello hello;
    struct bf_receiver_session *session; // NULL before PLANNING
    struct bf_receiver_disk *disk;       // session->disks of them
    uint16_t planned;                    // PLAN frames sent
    struct bf_decompressor *decompressor;
    uint8_t *raw;              // BF_DATA_MAX, for decompressed data
    struct bf_digest *digests; // BF_BASE_ENTRIES_MAX, what the store answers
    struct bf_receiver_want want[BF_BASE_WANTS_MAX];
    uint32_t want_at, wants;
    uint16_t unseens;      // UNSEEN frames on this connection
    uint16_t boot_entries; // BOOT_ENTRY frames likewise
    uint32_t places;       // PLACE frames likewise

    // The frame that is being dealt with, over several turns.
    uint8_t checked; // DATA was decompressed and its digests compared
    uint8_t stored;  // and the store has taken it
    struct bf_store_write write;
    uint64_t range_done; // chunks of a SAME range dealt with so far

    struct bf_need need;  // looked ahead
    uint32_t needs;       // NEED frames sent on this connection
    uint32_t needs_round; // of them since the last COMMIT
    uint32_t rounds;      // seals that found damage
    uint64_t told_us;     // VERIFYING was sent last
    // What the time since the last PACE went into.
    enum bf_receiver_wait wait;
    uint64_t pace_us[3];  // by wait
    uint64_t paced_bytes; // that had come by then
    uint8_t held;         // a frame has to wait in this turn
    struct bf_commit commit;
    struct bf_digest roots[BF_PROTO_DISKS_MAX];
    uint64_t filled, filled_us; // of an assessment: bytes that came, and since when
    struct bf_fault fault;
    enum bf_err outcome;
};

// migrate/receiver/fail.c
// Fails the connection with a fault that is also sent to the source. May be r's own, or its
// channel's.
void bf_receiver_fail(struct bf_receiver *r, const struct bf_fault *fault);
// The same in words. Returns the code.
enum bf_err bf_receiver_refuse(struct bf_receiver *r, enum bf_err err, enum bf_side side,
                               const char *todo, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
enum bf_err bf_receiver_bad_frame(struct bf_receiver *r, const char *what);
// The store's, or the host's, own words.
enum bf_err bf_receiver_fault_from_store(struct bf_receiver *r, enum bf_err err);
enum bf_err bf_receiver_fault_from_host(struct bf_receiver *r, enum bf_err err,
                                        const struct bf_fault *fault);

// migrate/receiver/copy.c: each deals with one frame. BF_AGAIN: call again with the same frame.
enum bf_err bf_receiver_data(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_range(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_unreadable(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_base_want(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_checkpoint(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_disk_done(struct bf_receiver *r, const struct bf_frame *f);
// Answers waiting BASE_WANTs as far as there is room.
enum bf_err bf_receiver_answer_base(struct bf_receiver *r);
// Says what the time goes into.
void bf_receiver_report_pace(struct bf_receiver *r);
// Sends DURABLE where the store has come further.
void bf_receiver_report_durable(struct bf_receiver *r);
// Brings the root up to chunk `to` from what the store says. BF_AGAIN: more to do; BF_ERR_CORRUPT:
// the store is in doubt about [*doubt, *doubt + *count).
enum bf_err bf_receiver_catch_up(struct bf_receiver *r, uint16_t index, uint64_t to,
                                 uint64_t *doubt, uint64_t *count);

// migrate/receiver/found.c
enum bf_err bf_receiver_unseen(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_boot_entry(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_place(struct bf_receiver *r, const struct bf_frame *f);

// migrate/receiver/assess.c
enum bf_err bf_receiver_begin_assessment(struct bf_receiver *r);
enum bf_err bf_receiver_fill(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_assessment(struct bf_receiver *r, const struct bf_frame *f);

// migrate/receiver/seal.c
enum bf_err bf_receiver_commit(struct bf_receiver *r, const struct bf_frame *f);
enum bf_err bf_receiver_seal_step(struct bf_receiver *r);
enum bf_err bf_receiver_need_step(struct bf_receiver *r);

#endif
