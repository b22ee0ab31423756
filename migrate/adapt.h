// SPDX-License-Identifier: Apache-2.0
// How hard to compress: a ladder from nothing over LZ4 to zstd. One climbs while the link is what
// is waited for, and comes down while the processor is. Nobody climbs to a rung that is slower than
// what goes through already: on a fast link the other end's store is what is waited for, and
// compressing harder would only add to it. When it goes back and forth, it rests longer each time.
// Data that does not shrink is sent as it is, and tried again later.
#ifndef BF_MIGRATE_ADAPT_H
#define BF_MIGRATE_ADAPT_H

#include <stdint.h>

#include "net/proto.h"

enum bf_waiting { BF_WAIT_LINK, BF_WAIT_DISK, BF_WAIT_PROCESSOR };

struct bf_adapt {
    uint8_t rung, lowest, highest;
    int8_t direction;
    uint32_t rest, resting; // windows to stay on a rung
    uint64_t window_us, link_us, processor_us;
    uint64_t window_raw;    // bytes of data framed in the window, before compression
    uint32_t skip, skipped; // batches sent as they are
};

struct bf_adapt_choice {
    enum bf_codec codec;
    int level;
};

// mode as in bf_sender_config: 0 adaptive, 1 off, 2 lz4, 3 zstd; caps: what was agreed on.
void bf_adapt_init(struct bf_adapt *a, uint8_t mode, uint64_t caps);
// passed_us were spent waiting for, or working on, this.
void bf_adapt_tick(struct bf_adapt *a, uint64_t passed_us, enum bf_waiting what);
// raw bytes of data were framed, compressed or not.
void bf_adapt_framed(struct bf_adapt *a, uint32_t raw);
struct bf_adapt_choice bf_adapt_choose(struct bf_adapt *a);
// What came of the choice: packed 0 when it did not pay.
void bf_adapt_result(struct bf_adapt *a, uint32_t raw, uint32_t packed);

#endif
