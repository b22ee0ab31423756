// SPDX-License-Identifier: Apache-2.0
// Virtio over PCI (Virtual I/O Device 1.1, 4.1): modern devices, and transitional ones through
// their modern capabilities. A device with the legacy interface only is not supported.
#ifndef BF_DRIVERS_VIRTIO_PCI_H
#define BF_DRIVERS_VIRTIO_PCI_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/pci.h"
#include "drivers/virtqueue.h"

enum { BF_VIRTIO_VENDOR = 0x1af4 }; // 4.1.2

// Part of a BAR that a capability names (4.1.4).
struct bf_virtio_region {
    uint8_t bar;
    uint64_t offset;
    uint32_t length;
};

struct bf_virtio {
    struct bf_pci *pci;
    struct bf_virtio_region common, notify, device;
    uint32_t notify_multiplier;
    uint64_t features; // that both sides agreed on
    uint64_t reset_us; // when a reset that was begun is late
};

// Finds the structures; touches no register. BF_ERR_UNSUPPORTED when one is missing.
enum bf_err bf_virtio_find(struct bf_virtio *v, struct bf_pci *pci);

// Begins to reset the device; poll says when it is done (4.1.4.3.2): BF_OK, and no buffer belongs
// to it any more; BF_AGAIN; BF_ERR_TIMEOUT when it does not come to an end within 3 s.
void bf_virtio_reset_begin(struct bf_virtio *v);
enum bf_err bf_virtio_reset_poll(struct bf_virtio *v);
// Both, waiting in between: for opening and closing.
enum bf_err bf_virtio_reset(struct bf_virtio *v);

// The device has met an error that it does not recover from by itself (2.1), or is gone.
int bf_virtio_needs_reset(struct bf_virtio *v);

// The steps of 3.1.1 after a reset up to FEATURES_OK. Version 1 and the platform's way to memory
// are asked for always; `wanted` names what the driver can use beside.
enum bf_err bf_virtio_negotiate(struct bf_virtio *v, uint64_t wanted);

// How long the queue of that number may be at most; 0: there is none.
uint16_t bf_virtio_queue_max(struct bf_virtio *v, uint16_t number);
// Gives the device its queue of that number; BF_ERR_UNSUPPORTED when it cannot be so long.
enum bf_err bf_virtio_queue(struct bf_virtio *v, uint16_t number, struct bf_virtqueue *vq);

// DRIVER_OK: from here on the device works.
enum bf_err bf_virtio_start(struct bf_virtio *v);
// Tells the device of what was offered, unless it looks by itself.
void bf_virtio_notify(struct bf_virtio *v, const struct bf_virtqueue *vq);

// `count` fields of `width` bytes (1, 2, 4) of the device's own configuration, read as such
// (4.1.3.1) and unchanged in between (4.1.4.3.1). BF_ERR_PROTOCOL beyond the end of what there is.
enum bf_err bf_virtio_config(struct bf_virtio *v, uint32_t offset, uint32_t width, uint32_t *fields,
                             uint32_t count);

#endif
