// SPDX-License-Identifier: Apache-2.0
// See tests/sim_virtio_blk.h. Offsets are the specification's: 4.1.4, 5.2.4, 2.6.
#include "tests/sim_virtio_blk.h"

#include <string.h>

enum { COMMON = 0x000, ISR = 0x100, DEVICE = 0x200, NOTIFY = 0x300, MULTIPLIER = 4, BAR = 4 };

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

static uint64_t vblk_config(const struct sim_vblk *m, uint64_t at)
{
    switch (at) {
    case 0:
        return m->sectors & UINT32_MAX;
    case 4:
        return m->sectors >> 32;
    case 8:
        return m->size_max;
    case 20:
        return m->block_size;
    default:
        return 0;
    }
}

static uint64_t vblk_read(void *model, uint8_t bar, uint64_t offset, uint32_t width)
{
    struct sim_vblk *m = model;
    if (bar != BAR)
        return UINT64_MAX;
    if (offset >= DEVICE && offset < NOTIFY)
        return vblk_config(m, offset - DEVICE);
    switch (offset) {
    case 0x04:
        return m->feature_select ? m->features >> 32 : m->features & UINT32_MAX;
    case 0x14:
        return m->status;
    case 0x18:
        return m->queue_max;
    case 0x1e:
        return 3; // queue_notify_off
    default:
        return 0;
    }
}

static void set_half(uint64_t *value, int high, uint64_t half)
{
    *value = high ? (*value & UINT32_MAX) | half << 32 : (*value & ~(uint64_t)UINT32_MAX) | half;
}

static void vblk_reset(struct sim_vblk *m)
{
    m->resets++;
    if (m->reset_stuck)
        return;
    m->status = 0;
    m->queue_enable = 0;
    m->driver_features = 0;
    m->seen = m->put = 0;
    m->held_count = 0;
}

static void put_used(struct sim_vblk *m, uint32_t id, uint32_t len)
{
    uint8_t *entry = sim_pci_reach(&m->pci, m->used + 4 + 8u * (m->put % m->queue_size), 8);
    uint8_t *index = sim_pci_reach(&m->pci, m->used + 2, 2);
    if (!entry || !index)
        return;
    memcpy(entry, &id, 4);
    memcpy(entry + 4, &len, 4);
    m->put++;
    memcpy(index, &m->put, 2);
}

static int chain(struct sim_vblk *m, uint16_t head, struct desc out[3])
{
    for (int i = 0; i < 3; i++) {
        const void *at = sim_pci_reach(&m->pci, m->desc + 16u * head, 16);
        if (!at)
            return 0;
        memcpy(&out[i], at, 16);
        if (((out[i].flags & 1) != 0) != (i < 2) || ((out[i].flags & 2) != 0) != (i > 0))
            return 0;
        head = out[i].next;
    }
    return out[0].len == 16 && out[2].len == 1;
}

static uint8_t transfer(struct sim_vblk *m, const struct desc d[3], uint32_t bytes)
{
    const uint8_t *header = sim_pci_reach(&m->pci, d[0].addr, 16);
    uint8_t *data = sim_pci_reach(&m->pci, d[1].addr, d[1].len);
    uint32_t type;
    uint64_t sector;
    if (!header || !data)
        return 1;
    memcpy(&type, header, 4);
    memcpy(&sector, header + 8, 8);
    if (type == 8) {
        memcpy(data, m->serial, d[1].len < 20 ? d[1].len : 20);
        return 0;
    }
    m->reads++;
    if (type != 0 || sector > m->sectors || d[1].len / 512 > m->sectors - sector ||
        (m->size_max && d[1].len > m->size_max) || d[1].len % m->block_size)
        return 1;
    memcpy(data, m->content + sector * 512, bytes);
    return 0;
}

static void finish(struct sim_vblk *m, uint16_t head)
{
    struct desc d[3];
    enum sim_vblk_fault fault = m->faults ? m->fault : SIM_VBLK_GOOD;
    if (!chain(m, head, d)) {
        m->pci.stray++;
        return;
    }
    if (m->faults)
        m->faults--;
    if (fault == SIM_VBLK_LOST)
        return;
    uint32_t bytes = fault == SIM_VBLK_SHORT ? d[1].len / 2 : d[1].len, len = bytes + 1;
    uint8_t status = transfer(m, d, bytes);
    if (fault == SIM_VBLK_ERROR)
        status = 1;
    uint8_t *to = sim_pci_reach(&m->pci, d[2].addr, 1);
    if (to && fault != SIM_VBLK_NO_STATUS)
        *to = status;
    if (fault == SIM_VBLK_LONG)
        len += 4096;
    uint32_t id = fault == SIM_VBLK_WRONG_ID    ? (head + 9u) % 12
                  : fault == SIM_VBLK_MIDDLE_ID ? head + 1u
                  : fault == SIM_VBLK_HUGE_ID   ? 70000u
                                                : head;
    put_used(m, id, len);
    if (fault == SIM_VBLK_TWICE)
        put_used(m, id, len);
    if (fault == SIM_VBLK_INDEX_JUMP)
        for (int i = 0; i < 40; i++)
            put_used(m, id, len);
}

static void notified(struct sim_vblk *m)
{
    const uint8_t *index = sim_pci_reach(&m->pci, m->avail + 2, 2);
    uint16_t offered;
    m->notifications++;
    if (!index || !m->queue_enable || !(m->status & 4))
        return;
    memcpy(&offered, index, 2);
    for (; m->seen != offered; m->seen++) {
        uint16_t head;
        const void *at = sim_pci_reach(&m->pci, m->avail + 4 + 2u * (m->seen % m->queue_size), 2);
        if (!at)
            return;
        memcpy(&head, at, 2);
        if (m->hold)
            m->held[m->held_count++] = head;
        else
            finish(m, head);
    }
}

static void vblk_write(void *model, uint8_t bar, uint64_t offset, uint32_t width, uint64_t value)
{
    struct sim_vblk *m = model;
    if (bar != BAR)
        return;
    if (offset == NOTIFY + 3 * MULTIPLIER) {
        notified(m);
        return;
    }
    switch (offset) {
    case 0x00:
        m->feature_select = (uint32_t)value;
        break;
    case 0x08:
        m->driver_select = (uint32_t)value;
        break;
    case 0x0c:
        set_half(&m->driver_features, m->driver_select != 0, value);
        break;
    case 0x14:
        if (value == 0)
            vblk_reset(m);
        else if ((value & 8) && (m->driver_features & ~m->features))
            m->status = (uint8_t)(value & ~8u);
        else
            m->status = (uint8_t)value;
        break;
    case 0x18:
        m->queue_size = (uint16_t)value;
        break;
    case 0x1c:
        m->queue_enable = (uint16_t)value;
        break;
    case 0x20:
    case 0x24:
        set_half(&m->desc, offset == 0x24, value);
        break;
    case 0x28:
    case 0x2c:
        set_half(&m->avail, offset == 0x2c, value);
        break;
    case 0x30:
    case 0x34:
        set_half(&m->used, offset == 0x34, value);
        break;
    default:
        break;
    }
}

void sim_vblk_complete(struct sim_vblk *m, uint32_t i)
{
    uint16_t head = m->held[i];
    memmove(m->held + i, m->held + i + 1, (m->held_count - i - 1) * sizeof m->held[0]);
    m->held_count--;
    finish(m, head);
}

// A capability at `at`, the list going backwards as QEMU's does.
static void capability(struct sim_vblk *m, uint32_t at, uint32_t next, uint8_t type,
                       uint32_t offset, uint32_t length)
{
    uint8_t *c = m->pci.config + at;
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

void sim_vblk_init(struct sim_vblk *m, const uint8_t *content, uint64_t bytes)
{
    memset(m, 0, sizeof *m);
    m->content = content;
    m->sectors = bytes / 512;
    m->block_size = 512;
    m->queue_max = 256;
    m->features = 1ull << 32 | 1u << 6 | 1u << 1 | 1u << 9;
    m->size_max = 1u << 20;
    memcpy(m->serial, "web-1", 6);
    sim_vblk_plug(m);
}

void sim_vblk_plug(struct sim_vblk *m)
{
    sim_pci_init(&m->pci, 0x1af4, 0x1001, 0x010000);
    m->pci.read = vblk_read;
    m->pci.write = vblk_write;
    m->pci.model = m;
    m->pci.config[6] = 0x10;
    m->pci.config[0x34] = m->legacy ? 0x98 : 0x84;
    capability(m, 0x84, 0x70, 4, DEVICE, 64);
    capability(m, 0x70, 0x5c, 2, NOTIFY, 64);
    capability(m, 0x5c, 0x48, 3, ISR, 4);
    capability(m, 0x48, 0x98, 1, COMMON, 56);
    m->pci.config[0x98] = 0x11; // MSI-X, the last
    m->pci.config[0x99] = 0;
}
