// SPDX-License-Identifier: Apache-2.0
// A split virtqueue (Virtual I/O Device 1.1, 2.6), polled, without interrupts. Descriptors are laid
// out by the driver; here they are offered to the device and come back. What comes back is checked:
// never more than is out, and only the ids of descriptors that exist.
#ifndef BF_DRIVERS_VIRTQUEUE_H
#define BF_DRIVERS_VIRTQUEUE_H

#include <stdint.h>

#include "drivers/pci.h"

enum { BF_VIRTQ_NEXT = 1, BF_VIRTQ_WRITE = 2 }; // 2.6.5

struct bf_virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct bf_virtqueue {
    uint16_t size; // descriptors, a power of two
    uint16_t offered, taken;
    uint16_t number; // the device's, and where it is notified: bf_virtio_queue
    uint32_t notify_at;
    uint32_t avail_at, used_at; // within memory
    struct bf_dma memory;
    struct bf_virtq_desc *desc;
};

enum bf_err bf_virtqueue_open(struct bf_virtqueue *vq, struct bf_pci *pci, uint16_t size);
void bf_virtqueue_close(struct bf_virtqueue *vq, struct bf_pci *pci);
// Empties it, for a device that was reset.
void bf_virtqueue_clear(struct bf_virtqueue *vq);

// Offers the chain that begins at this descriptor.
void bf_virtqueue_offer(struct bf_virtqueue *vq, uint16_t head);

// The device looks at the queue by itself for now: it need not be notified (2.6.10).
int bf_virtqueue_quiet(const struct bf_virtqueue *vq);

// The next chain that the device has done with, and how many bytes it claims to have written.
// BF_AGAIN: none. BF_ERR_PROTOCOL: the device's ring makes no sense.
enum bf_err bf_virtqueue_take(struct bf_virtqueue *vq, uint16_t *head, uint32_t *len);

#endif
