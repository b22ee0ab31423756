// SPDX-License-Identifier: Apache-2.0
// Virtio network devices. One receive and one transmit queue (5.1.2), polled. Each descriptor has a
// buffer of its own for a whole frame with its header: all of the receive queue's are always with
// the device, but for the moment in which a frame is copied out; frames to be sent are built in the
// transmit queue's (room) or copied there, and many are in flight.
//
// Mergeable buffers are not negotiated: they save memory where large frames are put together by the
// device, and without receive offloads no frame is larger than a buffer. Neither are offloads:
// docs/performance.md says what they would save. Without a control queue the device receives
// everything (5.1.6.5), and what is for others is dropped here.
//
// A device that does not send, completes what it was not given or says that it needs a reset is
// reset once, without waiting (drivers/recovery.h). What was to be sent is lost then, as frames may
// be. The second time the NIC has failed, and says so.
#include "drivers/virtio_net.h"

#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/recovery.h"
#include "drivers/virtio_pci.h"

enum {
    DEVICE_TRANSITIONAL = 0x1000, // 4.1.2.1
    DEVICE_MODERN = 0x1041,
    RECEIVEQ = 0, // 5.1.2
    TRANSMITQ = 1,
    RX_FRAMES = 256, // at most: a burst that arrives while the loop reads, digests, compresses
    TX_FRAMES = 128,
    FRAMES_LEAST = 16,
    TX_BATCH = 16,             // frames that wait for a notification at most
    RING_BYTES_MOST = 1048576, // large frames have fewer buffers
    HEADER_BYTES = 12,         // struct virtio_net_hdr, 5.1.6
    ETHERNET_BYTES = 14,
    VLAN_BYTES = 4,
    FRAME_MIN = 60, // without the checksum
    STRIDE_GRAIN = 64,
    MTU_DEFAULT = 1500,
    MTU_LEAST = 1280, // IPv6's; a device that says less is not believed
    MTU_MOST = 9216,
    LINK_PERIOD_US = 100000,
    PAUSE_US = 1000000, // nobody polled for so long: the whole machine may have stood still
};

#define VIRTIO_NET_F_MTU    (1ull << 3) // 5.1.3
#define VIRTIO_NET_F_MAC    (1ull << 5)
#define VIRTIO_NET_F_STATUS (1ull << 16)

enum { // virtio_net_config, 5.1.4
    CONFIG_MAC = 0,
    CONFIG_STATUS = 6,
    CONFIG_MTU = 10,
    STATUS_LINK_UP = 1,
};

struct ring {
    struct bf_virtqueue queue;
    struct bf_dma frames; // a buffer of `stride` bytes per descriptor
};

struct virtio_net {
    struct bf_virtio virtio;
    struct bf_nic *nic;
    struct ring rx, tx;
    uint32_t stride, frame_bytes; // frame_bytes: of one frame, the header in front not counted
    uint64_t wanted;              // features
    uint64_t polled_us;
    uint64_t link_us;         // last look at the link
    uint64_t progress_us;     // last time that a frame was sent or none was to be
    uint32_t in_flight, next; // of the transmit queue
    uint8_t sending[TX_FRAMES];
    uint32_t untold;   // frames that were offered since the last notification
    uint8_t rx_untold; // receive buffers likewise
    int8_t link;
    struct bf_recovery recovery;
};

static int works(const struct virtio_net *d)
{
    return d->recovery.state == BF_DEVICE_WORKING;
}

static uint8_t *frame_of(const struct virtio_net *d, const struct ring *ring, uint32_t i)
{
    BF_ASSERT(i < ring->queue.size);
    return (uint8_t *)ring->frames.host + (size_t)i * d->stride + HEADER_BYTES;
}

// ---- Start, and what happens when it stops ------------------------------------------------------

static void fill_rx(struct virtio_net *d)
{
    struct bf_virtqueue *queue = &d->rx.queue;
    BF_ASSERT(queue->offered == 0 && queue->taken == 0);
    BF_ASSERT((size_t)queue->size * d->stride <= d->rx.frames.bytes);
    for (uint16_t i = 0; i < queue->size; i++) {
        queue->desc[i] = (struct bf_virtq_desc){.addr = d->rx.frames.device + i * d->stride,
                                                .len = HEADER_BYTES + d->frame_bytes,
                                                .flags = BF_VIRTQ_WRITE};
        bf_virtqueue_offer(queue, i);
    }
}

// From negotiated features to a device that works.
static enum bf_err start(struct virtio_net *d)
{
    enum bf_err err = bf_virtio_queue(&d->virtio, RECEIVEQ, &d->rx.queue);
    if (!err)
        err = bf_virtio_queue(&d->virtio, TRANSMITQ, &d->tx.queue);
    if (err)
        return err;
    memset(d->sending, 0, sizeof d->sending);
    d->in_flight = d->untold = 0;
    d->progress_us = bf_platform_now_us();
    fill_rx(d);
    err = bf_virtio_start(&d->virtio);
    if (!err)
        bf_virtio_notify(&d->virtio, &d->rx.queue);
    return err;
}

static void reset_device(void *impl)
{
    struct virtio_net *d = impl;
    bf_virtio_reset_begin(&d->virtio);
}

static enum bf_err is_quiet(void *impl)
{
    struct virtio_net *d = impl;
    return bf_virtio_reset_poll(&d->virtio);
}

static enum bf_err restart(void *impl)
{
    struct virtio_net *d = impl;
    BF_ASSERT(d->recovery.state == BF_DEVICE_RESTARTING);
    bf_virtqueue_clear(&d->rx.queue);
    bf_virtqueue_clear(&d->tx.queue);
    enum bf_err err = bf_virtio_negotiate(&d->virtio, d->wanted);
    return err ? err : start(d);
}

static void ended(void *impl, int quiet, enum bf_err status)
{
    struct virtio_net *d = impl;
    d->nic->failed = 1;
}

static const struct bf_recovery_ops recovery_ops = {
    .reset = reset_device, .quiet = is_quiet, .restart = restart, .ended = ended};

// ---- Sending -----------------------------------------------------------------------------------

// Takes back what was sent. What the device claims to have written to these buffers is of no
// meaning, and devices have filled it in at will (2.7.8).
static void reclaim(struct virtio_net *d, uint64_t now)
{
    enum bf_err err;
    uint16_t i;
    uint32_t len;
    BF_ASSERT(d->tx.queue.size <= TX_FRAMES && d->in_flight <= d->tx.queue.size);
    if (!d->in_flight) {
        d->progress_us = now;
        return;
    }
    while (!(err = bf_virtqueue_take(&d->tx.queue, &i, &len)) && d->sending[i]) {
        d->sending[i] = 0;
        d->in_flight--;
        d->progress_us = now;
    }
    if (err != BF_AGAIN)
        bf_recovery_begin(&d->recovery, "the NIC completes buffers that it was not given");
}

// The next free buffer, or the size of the queue. Completions mostly come in order.
static uint32_t free_buffer(const struct virtio_net *d)
{
    uint32_t size = d->tx.queue.size;
    for (uint32_t i = 0; d->in_flight < size && i < size; i++) {
        uint32_t at = (d->next + i) & (size - 1);
        if (!d->sending[at])
            return at;
    }
    return size;
}

static void *net_room(void *impl)
{
    struct virtio_net *d = impl;
    uint32_t i = works(d) ? free_buffer(d) : d->tx.queue.size;
    if (i < d->tx.queue.size)
        return frame_of(d, &d->tx, i);
    d->nic->counters.tx_refused++;
    return NULL;
}

// Each notification is an exit of the virtual machine, which costs more than a frame: several
// frames share one, and poll is called often.
static void tell(struct virtio_net *d)
{
    BF_ASSERT(d->untold > 0 && d->untold <= TX_BATCH);
    d->untold = 0;
    bf_virtio_notify(&d->virtio, &d->tx.queue);
}

static void offer_frame(struct virtio_net *d, uint32_t i, size_t len)
{
    uint8_t *frame = frame_of(d, &d->tx, i);
    BF_ASSERT(!d->sending[i] && len >= FRAME_MIN && len <= d->frame_bytes);
    BF_ASSERT(d->in_flight == (uint16_t)(d->tx.queue.offered - d->tx.queue.taken));
    memset(frame - HEADER_BYTES, 0, HEADER_BYTES); // nothing is left to the device (5.1.6.2)
    d->tx.queue.desc[i] = (struct bf_virtq_desc){.addr = d->tx.frames.device + i * d->stride,
                                                 .len = (uint32_t)(HEADER_BYTES + len)};
    if (!d->in_flight)
        d->progress_us = bf_platform_now_us();
    d->sending[i] = 1;
    d->in_flight++;
    d->next = i + 1;
    bf_virtqueue_offer(&d->tx.queue, (uint16_t)i);
    if (++d->untold >= TX_BATCH)
        tell(d);
}

static enum bf_err net_send(void *impl, const void *frame, size_t len)
{
    struct virtio_net *d = impl;
    struct bf_nic_counters *counters = &d->nic->counters;
    uint32_t i = works(d) ? free_buffer(d) : d->tx.queue.size;
    if (len < ETHERNET_BYTES || len > d->frame_bytes)
        return BF_ERR_RANGE;
    if (i == d->tx.queue.size) {
        counters->tx_refused++;
        return d->nic->failed ? BF_ERR_IO : BF_AGAIN;
    }
    uint8_t *to = frame_of(d, &d->tx, i);
    if (to != frame)
        memcpy(to, frame, len);
    if (len < FRAME_MIN) {
        memset(to + len, 0, FRAME_MIN - len);
        len = FRAME_MIN;
    }
    offer_frame(d, i, len);
    counters->tx_frames++;
    counters->tx_bytes += len;
    return BF_OK;
}

// ---- Receiving ---------------------------------------------------------------------------------

static int is_for_us(const struct virtio_net *d, const uint8_t *frame)
{
    return (frame[0] & 1) || memcmp(frame, d->nic->mac, sizeof d->nic->mac) == 0;
}

// Copies a received frame out. BF_ERR_RANGE: it is none, or not for us.
static enum bf_err copy_out(struct virtio_net *d, uint16_t i, uint32_t written, uint8_t *buffer,
                            size_t size, size_t *len)
{
    const uint8_t *frame = frame_of(d, &d->rx, i);
    uint32_t bytes = written < HEADER_BYTES ? 0 : written - HEADER_BYTES;
    BF_ASSERT(bytes <= d->frame_bytes); // net_receive has refused the others
    if (bytes < ETHERNET_BYTES || bytes > size || !is_for_us(d, frame)) {
        d->nic->counters.rx_dropped++;
        return BF_ERR_RANGE;
    }
    memcpy(buffer, frame, bytes);
    *len = bytes;
    d->nic->counters.rx_frames++;
    d->nic->counters.rx_bytes += bytes;
    return BF_OK;
}

static enum bf_err net_receive(void *impl, void *buffer, size_t size, size_t *len)
{
    struct virtio_net *d = impl;
    enum bf_err err = BF_ERR_RANGE;
    *len = 0;
    if (!works(d))
        return d->nic->failed ? BF_ERR_IO : BF_AGAIN;
    for (uint32_t tries = 0; err == BF_ERR_RANGE && tries < d->rx.queue.size; tries++) {
        uint16_t i;
        uint32_t written;
        // All buffers are with the device, or filled and not taken yet.
        BF_ASSERT((uint16_t)(d->rx.queue.offered - d->rx.queue.taken) == d->rx.queue.size);
        err = bf_virtqueue_take(&d->rx.queue, &i, &written);
        if (err == BF_AGAIN)
            return err;
        if (err || written > HEADER_BYTES + d->frame_bytes) {
            bf_recovery_begin(&d->recovery, "the NIC receives frames that do not fit");
            return BF_AGAIN;
        }
        err = copy_out(d, i, written, buffer, size, len);
        bf_virtqueue_offer(&d->rx.queue, i);
        d->rx_untold = 1;
    }
    return err ? BF_AGAIN : BF_OK;
}

// ---- Link and poll -----------------------------------------------------------------------------

static void read_link(struct virtio_net *d)
{
    uint32_t status;
    if ((d->virtio.features & VIRTIO_NET_F_STATUS) &&
        bf_virtio_config(&d->virtio, CONFIG_STATUS, 2, &status, 1) == BF_OK)
        d->link = (status & STATUS_LINK_UP) != 0;
}

static void look_at_device(struct virtio_net *d, uint64_t now)
{
    if (now - d->link_us < LINK_PERIOD_US)
        return;
    d->link_us = now;
    if (bf_virtio_needs_reset(&d->virtio))
        bf_recovery_begin(&d->recovery, "the NIC asks to be reset");
    else
        read_link(d);
}

static void net_poll(void *impl)
{
    struct virtio_net *d = impl;
    uint64_t now = bf_platform_now_us();
    bf_recovery_poll(&d->recovery);
    if (works(d))
        reclaim(d, now);
    if (works(d))
        look_at_device(d, now);
    if (!works(d))
        return;
    if (d->untold)
        tell(d);
    if (d->rx_untold) {
        d->rx_untold = 0;
        bf_virtio_notify(&d->virtio, &d->rx.queue);
    }
    if (!d->link || now - d->polled_us > PAUSE_US) // nothing need be sent, or could be
        d->progress_us = now;
    d->polled_us = now;
    if (now > d->progress_us + BF_VIRTIO_NET_STALL_US)
        bf_recovery_begin(&d->recovery, "the NIC does not send");
}

static int net_link(void *impl)
{
    const struct virtio_net *d = impl;
    return d->nic->failed ? 0 : d->link;
}

// ---- Opening and closing -----------------------------------------------------------------------

static void net_close(void *impl)
{
    struct virtio_net *d = impl;
    struct bf_pci *pci = d->virtio.pci;
    if (bf_recovery_stop(&d->recovery, BF_ERR_CANCELLED) == BF_OK) {
        bf_virtqueue_close(&d->rx.queue, pci);
        bf_virtqueue_close(&d->tx.queue, pci);
        bf_dma_free(pci, &d->rx.frames);
        bf_dma_free(pci, &d->tx.frames);
    }
    bf_free(d);
}

static const struct bf_nic_ops net_ops = {.driver = "virtio-net",
                                          .room = net_room,
                                          .send = net_send,
                                          .receive = net_receive,
                                          .poll = net_poll,
                                          .link = net_link,
                                          .close = net_close};

int bf_virtio_net_serves(const struct bf_pci_id *id)
{
    return id->vendor == BF_VIRTIO_VENDOR &&
           (id->device == DEVICE_TRANSITIONAL || id->device == DEVICE_MODERN);
}

static enum bf_err read_mac(struct virtio_net *d)
{
    uint32_t mac[6] = {0};
    if (!(d->virtio.features & VIRTIO_NET_F_MAC))
        return BF_ERR_UNSUPPORTED;
    enum bf_err err = bf_virtio_config(&d->virtio, CONFIG_MAC, 1, mac, 6);
    for (uint32_t i = 0; i < 6; i++)
        d->nic->mac[i] = (uint8_t)mac[i];
    return err;
}

// A frame may be as large as the device says, within reason: all that it sends must fit (5.1.4.2).
// One that says nothing passes on what its host's network takes.
static enum bf_err read_mtu(struct virtio_net *d)
{
    uint32_t mtu = d->nic->mtu > MTU_DEFAULT ? d->nic->mtu : MTU_DEFAULT;
    if (d->virtio.features & VIRTIO_NET_F_MTU) {
        enum bf_err err = bf_virtio_config(&d->virtio, CONFIG_MTU, 2, &mtu, 1);
        if (err)
            return err;
        if (mtu < MTU_LEAST)
            return BF_ERR_UNSUPPORTED;
    }
    d->nic->mtu = (uint16_t)(mtu < MTU_MOST ? mtu : MTU_MOST);
    d->nic->tag_room = VLAN_BYTES;
    d->frame_bytes = d->nic->mtu + ETHERNET_BYTES + VLAN_BYTES;
    d->stride = (HEADER_BYTES + d->frame_bytes + STRIDE_GRAIN - 1) & ~(uint32_t)(STRIDE_GRAIN - 1);
    return BF_OK;
}

static enum bf_err make_ring(struct virtio_net *d, struct ring *ring, uint16_t number,
                             uint32_t most)
{
    struct bf_pci *pci = d->virtio.pci;
    BF_ASSERT(d->stride >= HEADER_BYTES + d->frame_bytes && d->frame_bytes > 0);
    uint32_t max = bf_virtio_queue_max(&d->virtio, number), size = FRAMES_LEAST;
    if (max < FRAMES_LEAST)
        return BF_ERR_UNSUPPORTED;
    while (size * 2 <= max && size * 2 <= most && size * 2 * d->stride <= RING_BYTES_MOST)
        size *= 2;
    enum bf_err err = bf_virtqueue_open(&ring->queue, pci, (uint16_t)size);
    if (!err)
        err = pci->ops->alloc(pci->impl, (size_t)size * d->stride, &ring->frames);
    return err;
}

static enum bf_err bring_up(struct virtio_net *d)
{
    enum bf_err err = bf_virtio_negotiate(&d->virtio, d->wanted);
    if (!err)
        err = read_mac(d);
    if (!err)
        err = read_mtu(d);
    if (!err)
        err = make_ring(d, &d->rx, RECEIVEQ, RX_FRAMES);
    if (!err)
        err = make_ring(d, &d->tx, TRANSMITQ, TX_FRAMES);
    if (!err)
        err = start(d);
    return err;
}

enum bf_err bf_virtio_net_open(struct bf_pci *pci, struct bf_nic *nic)
{
    struct virtio_net *d = bf_alloc(sizeof *d);
    enum bf_err err;
    if (!d)
        return BF_ERR_NO_MEMORY;
    d->nic = nic;
    d->link = -1;
    bf_recovery_init(&d->recovery, &recovery_ops, d, pci, nic->name);
    d->wanted = VIRTIO_NET_F_MTU | VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS;
    err = bf_virtio_find(&d->virtio, pci);
    if (!err)
        err = bf_virtio_reset(&d->virtio);
    if (err) { // it has been given nothing yet
        bf_free(d);
        return err;
    }
    err = bring_up(d);
    if (err) {
        net_close(d);
        return err;
    }
    nic->ops = &net_ops;
    nic->impl = d;
    d->link_us = bf_platform_now_us();
    read_link(d);
    return BF_OK;
}
