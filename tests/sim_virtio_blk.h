// SPDX-License-Identifier: Apache-2.0
// A model of a virtio block device with the modern PCI interface, written from the specification
// (Virtual I/O Device 1.1), that also does what a device must not.
#ifndef BF_TESTS_SIM_VIRTIO_BLK_H
#define BF_TESTS_SIM_VIRTIO_BLK_H

#include "tests/sim_virtio.h"

enum sim_vblk_fault {
    SIM_VBLK_GOOD,
    SIM_VBLK_LOST,       // never completed
    SIM_VBLK_WRONG_ID,   // completes a chain that is not out
    SIM_VBLK_MIDDLE_ID,  // names a descriptor in the middle of a chain
    SIM_VBLK_HUGE_ID,    // beyond the ring
    SIM_VBLK_TWICE,      // completes it two times
    SIM_VBLK_SHORT,      // transfers half of it and says so
    SIM_VBLK_LONG,       // claims to have written more than there is room
    SIM_VBLK_ERROR,      // VIRTIO_BLK_S_IOERR
    SIM_VBLK_NO_STATUS,  // completes without writing the status
    SIM_VBLK_INDEX_JUMP, // the used index runs ahead
};

// What it takes for the number of bytes written, when it does not count them all.
enum sim_vblk_count {
    SIM_VBLK_COUNTS_ALL,
    SIM_VBLK_COUNTS_DATA,   // Cloud Hypervisor
    SIM_VBLK_COUNTS_STATUS, // bhyve
    SIM_VBLK_COUNTS_NOTHING,
};

struct sim_vblk {
    struct sim_virtio virtio;
    const uint8_t *content;
    uint64_t sectors;
    uint32_t block_size, size_max;
    char serial[21];

    uint8_t counts_wrong;      // enum sim_vblk_count
    uint8_t hold;              // requests wait for sim_vblk_complete
    enum sim_vblk_fault fault; // of the next `faults` requests
    uint32_t faults;

    // the device's state
    uint16_t held[64];
    uint32_t held_count;
    uint32_t reads;
};

void sim_vblk_init(struct sim_vblk *m, const uint8_t *content, uint64_t bytes);
// Lays out configuration space; call it after changing fields above.
void sim_vblk_plug(struct sim_vblk *m);
// Completes the held request number i.
void sim_vblk_complete(struct sim_vblk *m, uint32_t i);

#endif
