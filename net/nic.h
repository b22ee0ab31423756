// SPDX-License-Identifier: Apache-2.0
// The NIC interface: whole Ethernet frames, non-blocking. Implemented by firmware SNP and by
// native drivers; used by the lwIP port and by tests.
#ifndef BF_NET_NIC_H
#define BF_NET_NIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bf_nic_counters {
    uint64_t tx_frames, tx_bytes, tx_refused; // refused: queue full
    uint64_t rx_frames, rx_bytes, rx_dropped;
};

struct bf_nic_ops {
    const char *driver; // "snp", "virtio-net", ...
    // Where the next frame may be built in the driver's own memory, room for header,
    // tag_room and mtu of it: given to send, it is not copied. NULL: the queue is full. May itself
    // be NULL.
    void *(*room)(void *impl);
    // Copies or takes the frame before returning; it may leave at the next poll only. BF_AGAIN: the
    // queue is full, nothing taken.
    enum bf_err (*send)(void *impl, const void *frame, size_t len);
    // One received frame into buffer. BF_AGAIN when there is none. A frame longer than size is
    // dropped and counted.
    enum bf_err (*receive)(void *impl, void *buffer, size_t size, size_t *len);
    // Lets frames go, recycles sent buffers, refreshes the link state, moves on what takes time,
    // such as a reset; cheap, called in every turn of the loop.
    void (*poll)(void *impl);
    // 1 up, 0 down, -1 the device cannot tell.
    int (*link)(void *impl);
    void (*close)(void *impl);
};

struct bf_nic {
    const struct bf_nic_ops *ops;
    void *impl;
    uint8_t mac[6];
    uint16_t mtu;     // payload of a frame, 1500 unless the device says otherwise
    uint8_t tag_room; // how many bytes of a VLAN tag a frame may have beyond payload and header
    char name[64];    // for people: MAC and PCI slot, "52:54:00:12:34:56 (PCI 00:03.0)"
    uint8_t failed;   // set by the driver: it no longer works, and will not again
    struct bf_nic_counters counters; // kept by the driver
};

#endif
