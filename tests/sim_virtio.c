// SPDX-License-Identifier: Apache-2.0
// See tests/sim_virtio.h. Offsets are the specification's: 4.1.4 and 2.6.
#include "tests/sim_virtio.h"

#include <string.h>

enum { COMMON = 0x000, ISR = 0x100, DEVICE = 0x200, NOTIFY = 0x300, MULTIPLIER = 4, BAR = 4 };
enum { NOTIFY_OFF = 3 }; // of the first queue

static uint64_t virtio_read(void *model, uint8_t bar, uint64_t offset, uint32_t width)
{
    struct sim_virtio *v = model;
    uint64_t value = 0;
    if (bar != BAR)
        return UINT64_MAX;
    if (offset >= DEVICE && offset < DEVICE + SIM_VIRTIO_CONFIG) {
        if (width <= SIM_VIRTIO_CONFIG - (offset - DEVICE))
            memcpy(&value, v->config + (offset - DEVICE), width);
        return value;
    }
    switch (offset) {
    case 0x04:
        return v->feature_select ? v->features >> 32 : v->features & UINT32_MAX;
    case 0x14:
        return v->status;
    case 0x18:
        return v->select < v->queues ? v->queue_max : 0;
    case 0x1e:
        return NOTIFY_OFF + v->select;
    default:
        return 0;
    }
}

static void set_half(uint64_t *value, int high, uint64_t half)
{
    *value = high ? (*value & UINT32_MAX) | half << 32 : (*value & ~(uint64_t)UINT32_MAX) | half;
}

static void virtio_reset(struct sim_virtio *v)
{
    v->resets++;
    if (v->reset_stuck)
        return;
    v->status = 0;
    v->driver_features = 0;
    memset(v->queue, 0, sizeof v->queue);
    if (v->was_reset)
        v->was_reset(v);
}

static void notified(struct sim_virtio *v, uint32_t number)
{
    struct sim_virtio_queue *q = &v->queue[number];
    const uint8_t *index;
    uint16_t offered;
    v->notifications++;
    if (!q->enable || !(v->status & 4) || !(index = sim_pci_reach(&v->pci, q->avail + 2, 2)))
        return;
    memcpy(&offered, index, 2);
    while (q->seen != offered && q->size) {
        uint16_t head;
        const void *at = sim_pci_reach(&v->pci, q->avail + 4 + 2u * (q->seen % q->size), 2);
        if (!at)
            return;
        memcpy(&head, at, 2);
        q->seen++;
        v->offered(v, number, head);
    }
}

static void queue_write(struct sim_virtio_queue *q, uint64_t offset, uint64_t value)
{
    switch (offset) {
    case 0x18:
        q->size = (uint16_t)value;
        break;
    case 0x1c:
        q->enable = (uint16_t)value;
        break;
    case 0x20:
    case 0x24:
        set_half(&q->desc, offset == 0x24, value);
        break;
    case 0x28:
    case 0x2c:
        set_half(&q->avail, offset == 0x2c, value);
        break;
    case 0x30:
    case 0x34:
        set_half(&q->used, offset == 0x34, value);
        break;
    default:
        break;
    }
}

static void set_status(struct sim_virtio *v, uint64_t value)
{
    if (value == 0)
        virtio_reset(v);
    else if ((value & 8) && (v->driver_features & ~v->features))
        v->status = (uint8_t)(value & ~8u);
    else
        v->status = (uint8_t)value;
}

static void virtio_write(void *model, uint8_t bar, uint64_t offset, uint32_t width, uint64_t value)
{
    struct sim_virtio *v = model;
    uint64_t first = NOTIFY + NOTIFY_OFF * MULTIPLIER;
    (void)width;
    if (bar != BAR)
        return;
    if (offset >= first && offset < first + (uint64_t)v->queues * MULTIPLIER) {
        if (value == (offset - first) / MULTIPLIER) // a queue is notified with its number
            notified(v, (uint32_t)value);
        return;
    }
    switch (offset) {
    case 0x00:
        v->feature_select = (uint32_t)value;
        break;
    case 0x08:
        v->driver_select = (uint32_t)value;
        break;
    case 0x0c:
        set_half(&v->driver_features, v->driver_select != 0, value);
        break;
    case 0x14:
        set_status(v, value);
        break;
    case 0x16:
        v->select = (uint16_t)value;
        break;
    default:
        if (v->select < v->queues)
            queue_write(&v->queue[v->select], offset, value);
        break;
    }
}

uint32_t sim_virtio_chain(struct sim_virtio *v, uint32_t queue, uint16_t head,
                          struct sim_virtio_desc *out, uint32_t max)
{
    for (uint32_t i = 0; i < max; i++) {
        const void *at = sim_pci_reach(&v->pci, v->queue[queue].desc + 16u * head, 16);
        if (!at)
            return 0;
        memcpy(&out[i], at, 16);
        if (!(out[i].flags & 1))
            return i + 1;
        head = out[i].next;
    }
    return 0;
}

void sim_virtio_put(struct sim_virtio *v, uint32_t queue, uint32_t id, uint32_t len)
{
    struct sim_virtio_queue *q = &v->queue[queue];
    uint8_t *entry, *index;
    if (!q->size)
        return;
    entry = sim_pci_reach(&v->pci, q->used + 4 + 8u * (q->put % q->size), 8);
    index = sim_pci_reach(&v->pci, q->used + 2, 2);
    if (!entry || !index)
        return;
    memcpy(entry, &id, 4);
    memcpy(entry + 4, &len, 4);
    q->put++;
    memcpy(index, &q->put, 2);
}

// A capability at `at`, the list going backwards as QEMU's does.
static void capability(struct sim_virtio *v, uint32_t at, uint32_t next, uint8_t type,
                       uint32_t offset, uint32_t length)
{
    uint8_t *c = v->pci.config + at;
    uint32_t multiplier = MULTIPLIER;
    c[0] = 0x09;
    c[1] = (uint8_t)next;
    c[2] = 20;
    c[3] = type;
    c[4] = BAR;
    memcpy(c + 8, &offset, 4);
    memcpy(c + 12, &length, 4);
    memcpy(c + 16, &multiplier, 4);
}

void sim_virtio_plug(struct sim_virtio *v)
{
    sim_pci_init(&v->pci, 0x1af4, v->device_id, v->class_code);
    v->pci.read = virtio_read;
    v->pci.write = virtio_write;
    v->pci.model = v;
    v->pci.config[6] = 0x10;
    v->pci.config[0x34] = v->legacy ? 0x98 : 0x84;
    capability(v, 0x84, 0x70, 4, DEVICE, SIM_VIRTIO_CONFIG);
    capability(v, 0x70, 0x5c, 2, NOTIFY, 64);
    capability(v, 0x5c, 0x48, 3, ISR, 4);
    capability(v, 0x48, 0x98, 1, COMMON, 56);
    v->pci.config[0x98] = 0x11; // MSI-X, the last
    v->pci.config[0x99] = 0;
}
