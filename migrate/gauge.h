// SPDX-License-Identifier: Apache-2.0
// What copying one disk would take, without copying it: how much of it is used, as its own file
// systems say, and how fast used places all over it are read, digested and compressed. Step by
// step; nothing of what is read leaves this file.
#ifndef BF_MIGRATE_GAUGE_H
#define BF_MIGRATE_GAUGE_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"
#include "image/usage/usage.h"
#include "migrate/compress.h"

enum { BF_GAUGE_DEPTH = 4, BF_GAUGE_PIECES = 64 };

struct bf_gauge_piece {
    uint64_t first, bytes;
};

struct bf_gauge {
    struct bf_source_disk *disk;
    struct bf_usage *usage;
    uint64_t bytes, used;
    uint64_t read, read_us;   // what was timed, and how long that took
    uint64_t sampled, packed; // bytes digested and compressed, and what LZ4 made of them
    uint64_t compute_us;      // that this took
    uint32_t errors;          // reads that failed

    // the rest is its own
    uint64_t at, next_piece;
    struct bf_gauge_piece piece[BF_GAUGE_PIECES];
    uint32_t pieces, taken, reads;
    uint64_t within, began_us;
    uint32_t request_bytes;
    struct bf_block_request request[BF_GAUGE_DEPTH];
    uint8_t *memory[BF_GAUGE_DEPTH]; // of the requests, aligned
    uint8_t busy[BF_GAUGE_DEPTH];
    uint8_t *out; // for compressed bytes
    struct bf_compressor *compressor;
};

// usage NULL: all of the disk is used. Both must outlive the gauge. BF_ERR_NO_MEMORY.
enum bf_err bf_gauge_begin(struct bf_gauge *g, struct bf_source_disk *disk, struct bf_usage *usage);
// Reads the map, a bounded piece of it. BF_AGAIN: more to do.
enum bf_err bf_gauge_map(struct bf_gauge *g);
// Times reads. BF_AGAIN: go on; BF_OK: every piece was read, or `most_us` are over, and nothing is
// in flight. *idle: nothing could be done in this turn.
enum bf_err bf_gauge_time(struct bf_gauge *g, uint64_t now_us, uint64_t most_us, int *idle);
uint64_t bf_gauge_rate(const struct bf_gauge *g); // bytes read per second; 0: nothing was read
// What a device has not let go of stays where it is.
void bf_gauge_end(struct bf_gauge *g);

#endif
