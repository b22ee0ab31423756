// SPDX-License-Identifier: Apache-2.0
// The part that models of virtio devices share: the modern PCI interface (Virtual I/O Device 1.1,
// 4.1) with several split virtqueues (2.6). A model fills the fields of the first part, gives what
// is to be done with a chain that was offered, and embeds this as its first member.
#ifndef BF_TESTS_SIM_VIRTIO_H
#define BF_TESTS_SIM_VIRTIO_H

#include "tests/sim_pci.h"

enum { SIM_VIRTIO_QUEUES = 4, SIM_VIRTIO_CONFIG = 64 };

struct sim_virtio_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

struct sim_virtio_queue {
    uint16_t size, enable;
    uint64_t desc, avail, used;
    uint16_t seen, put;
};

struct sim_virtio {
    struct sim_pci pci;
    uint16_t device_id;
    uint32_t class_code;
    uint64_t features; // offered
    uint16_t queue_max;
    uint16_t queues;                   // how many there are
    uint8_t config[SIM_VIRTIO_CONFIG]; // the device's own
    uint8_t reset_stuck;
    uint8_t legacy; // without the modern capabilities
    void (*offered)(struct sim_virtio *v, uint32_t queue, uint16_t head);
    void (*was_reset)(struct sim_virtio *v); // may be NULL

    // the device's state
    uint8_t status;
    uint32_t feature_select, driver_select;
    uint64_t driver_features;
    uint16_t select;
    struct sim_virtio_queue queue[SIM_VIRTIO_QUEUES];
    uint32_t resets, notifications;
};

// Lays out configuration space; call it after changing the fields of the first part.
void sim_virtio_plug(struct sim_virtio *v);
// The chain that begins at head, at most `max` descriptors; 0 when it cannot be followed.
uint32_t sim_virtio_chain(struct sim_virtio *v, uint32_t queue, uint16_t head,
                          struct sim_virtio_desc *out, uint32_t max);
// Puts an entry into the used ring.
void sim_virtio_put(struct sim_virtio *v, uint32_t queue, uint32_t id, uint32_t len);

#endif
