// SPDX-License-Identifier: Apache-2.0
// How hard to compress: a ladder from nothing over LZ4 to zstd. One climbs while the link is what
// is waited for, and comes down while a processor is, or while the other end is: a peer whose store
// or processor is behind shows itself on the connection just as a slow link does, so it says how
// much of its time it waits for us (PACE). What went through on each rung is remembered for a
// while: nobody goes where it was slower a moment ago, or where a processor of today could not do
// what goes through already. Whoever goes back and forth rests longer each time. Data of which
// some megabytes in a row did not shrink is sent as it is, and tried again later.
#ifndef BF_MIGRATE_REMOTE_LADDER_H
#define BF_MIGRATE_REMOTE_LADDER_H

#include <stdint.h>

#include "net/proto/proto.h"

enum bf_waiting { BF_WAIT_LINK, BF_WAIT_DISK, BF_WAIT_PROCESSOR };

enum { BF_LADDER_RUNGS = 4 };

struct bf_ladder {
    uint8_t rung, lowest, highest;
    int8_t direction; // of the last step
    uint8_t fresh;    // the window began on another rung
    uint32_t processors;
    uint64_t clock_us;           // all that was ticked
    uint64_t rest_us, rested_us; // how long to stay on a rung, and since when
    uint64_t window_us, link_us, processor_us;
    uint64_t window_raw; // bytes of data framed in the window, before compression
    struct {
        uint64_t rate, at_us; // bytes of data per second; rate 0: not known
    } seen[BF_LADDER_RUNGS];
    uint32_t peer_waited; // per mille of its time
    uint64_t peer_us;     // when it said so, 0: never
    uint32_t failed;      // bytes in a row that did not shrink
    uint32_t skip;        // bytes that are left of those that are not tried
};

struct bf_ladder_choice {
    enum bf_codec codec;
    int level;
};

// mode as in bf_sender_config: 0 adaptive, 1 off, 2 lz4, 3 zstd; caps: what was agreed on.
void bf_ladder_init(struct bf_ladder *a, uint8_t mode, uint64_t caps);
// How many processors compress at the same time; 1 after bf_ladder_init.
void bf_ladder_processors(struct bf_ladder *a, uint32_t count);
// passed_us were spent waiting for, or working on, this.
void bf_ladder_tick(struct bf_ladder *a, uint64_t passed_us, enum bf_waiting what);
// raw bytes of data were framed, compressed or not.
void bf_ladder_framed(struct bf_ladder *a, uint32_t raw);
// The peer spent this share (per mille) of its time waiting for bytes from here.
void bf_ladder_peer(struct bf_ladder *a, uint32_t waited);
struct bf_ladder_choice bf_ladder_choose(struct bf_ladder *a);
// What came of the choice: packed 0 when it did not pay.
void bf_ladder_result(struct bf_ladder *a, uint32_t raw, uint32_t packed);

#endif
