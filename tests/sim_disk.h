// SPDX-License-Identifier: Apache-2.0
// A simulated source disk: a deep queue that completes out of order after random times, or a
// blocking driver that takes the virtual clock with it; blocks that fail for ever or a few times.
#ifndef BF_TESTS_SIM_DISK_H
#define BF_TESTS_SIM_DISK_H

#include "image/block.h"

struct sim_disk_model {
    uint64_t bytes;
    uint32_t block_size, max_blocks, preferred_blocks, alignment;
    uint16_t depth;
    uint8_t blocking;
    uint64_t read_us;    // longest time of one request
    uint64_t bad_block;  // UINT64_MAX: none
    uint32_t bad_more;   // blocks behind it that fail as well
    uint32_t bad_times;  // how often it fails; UINT32_MAX: always
    uint64_t busy_until; // every read fails until then, since the way to the disk is interrupted
    enum bf_err busy_as; // with this
    uint8_t tells_zeros; // knows which blocks are zeros, and tells it in pieces of any length
};

struct sim_disk {
    struct bf_source_disk source;
    struct sim_disk_model model;
    uint8_t *data;
    struct bf_block_request *queue;
    uint32_t in_flight;
    uint32_t most_in_flight;
};

// data stays the caller's and may be changed between runs.
void sim_disk_init(struct sim_disk *disk, const struct sim_disk_model *model, uint8_t *data);

#endif
