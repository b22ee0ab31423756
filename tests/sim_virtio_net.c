// SPDX-License-Identifier: Apache-2.0
// See tests/sim_virtio_net.h. Offsets are the specification's: 5.1.4 and 5.1.6.
#include "tests/sim_virtio_net.h"

#include <string.h>

enum { RX = 0, TX = 1, HEADER = 12, BAR = 4, DEVICE_STATUS = 0x14 };

static uint32_t id_of(const struct sim_vnet *m, enum sim_vnet_fault fault, uint32_t queue,
                      uint16_t head)
{
    if (fault == SIM_VNET_WRONG_ID)
        return (head + 5u) % m->virtio.queue[queue].size;
    return fault == SIM_VNET_HUGE_ID ? 70000 : head;
}

static void put(struct sim_vnet *m, enum sim_vnet_fault fault, uint32_t queue, uint16_t head,
                uint32_t len)
{
    uint32_t times = fault == SIM_VNET_TWICE ? 2 : fault == SIM_VNET_INDEX_JUMP ? 300 : 1;
    for (uint32_t i = 0; i < times; i++)
        sim_virtio_put(&m->virtio, queue, id_of(m, fault, queue, head), len);
}

static void finish(struct sim_vnet *m, uint16_t head)
{
    static const uint8_t nothing[HEADER];
    struct sim_virtio_desc d;
    enum sim_vnet_fault fault = m->tx_faults ? m->tx : SIM_VNET_GOOD;
    const uint8_t *packet;
    if (m->tx_faults)
        m->tx_faults--;
    if (fault == SIM_VNET_LOST)
        return;
    packet = sim_virtio_chain(&m->virtio, TX, head, &d, 1) == 1 && !(d.flags & 2)
                 ? sim_pci_reach(&m->virtio.pci, d.addr, d.len)
                 : NULL;
    if (!packet || d.len < HEADER + 60 || d.len > HEADER + 18u + m->mtu ||
        memcmp(packet, nothing, HEADER) != 0)
        m->bad++;
    else if (m->wire && m->link)
        m->wire(m->user, packet + HEADER, d.len - HEADER);
    m->sent++;
    put(m, fault, TX, head, 0);
}

static void offered(struct sim_virtio *v, uint32_t queue, uint16_t head)
{
    struct sim_vnet *m = (struct sim_vnet *)v;
    if (queue == RX)
        m->ready[m->ready_count++ % 256] = head;
    else if (m->hold)
        m->held[m->held_count++ % 256] = head;
    else
        finish(m, head);
}

static void was_reset(struct sim_virtio *v)
{
    struct sim_vnet *m = (struct sim_vnet *)v;
    m->held_count = m->ready_count = 0;
}

int sim_vnet_arrive(struct sim_vnet *m, const void *frame, size_t len)
{
    struct sim_virtio_desc d;
    uint32_t written = (uint32_t)(HEADER + len);
    enum sim_vnet_fault fault = m->rx_faults ? m->rx : SIM_VNET_GOOD;
    uint16_t head = m->ready[0];
    uint8_t *to;
    if (!m->link || !m->ready_count || !(m->virtio.status & 4) ||
        sim_virtio_chain(&m->virtio, RX, head, &d, 1) != 1 || !(d.flags & 2) || d.len < written)
        return 0;
    memmove(m->ready, m->ready + 1, --m->ready_count * sizeof m->ready[0]);
    if (m->rx_faults)
        m->rx_faults--;
    to = sim_pci_reach(&m->virtio.pci, d.addr, written);
    if (!to)
        return 0;
    memset(to, 0, HEADER);
    to[10] = 1; // num_buffers
    memcpy(to + HEADER, frame, len);
    if (fault == SIM_VNET_LONG)
        written = d.len + 1;
    if (fault == SIM_VNET_SHORT || fault == SIM_VNET_NO_FRAME)
        written = fault == SIM_VNET_SHORT ? 5 : HEADER;
    put(m, fault, RX, head, written);
    return 1;
}

void sim_vnet_complete(struct sim_vnet *m, uint32_t i)
{
    uint16_t head = m->held[i];
    memmove(m->held + i, m->held + i + 1, (m->held_count - i - 1) * sizeof m->held[0]);
    m->held_count--;
    finish(m, head);
}

void sim_vnet_finish_reset(struct sim_vnet *m)
{
    m->virtio.reset_stuck = 0;
    m->virtio.pci.write(&m->virtio, BAR, DEVICE_STATUS, 1, 0);
    m->virtio.resets--; // it is the one that was stuck
}

void sim_vnet_configure(struct sim_vnet *m)
{
    memcpy(m->virtio.config, m->mac, 6);
    m->virtio.config[6] = m->link;
    memcpy(m->virtio.config + 10, &m->mtu, 2);
}

void sim_vnet_init(struct sim_vnet *m, const uint8_t mac[6])
{
    memset(m, 0, sizeof *m);
    memcpy(m->mac, mac, sizeof m->mac);
    m->mtu = 1500;
    m->link = 1;
    m->virtio.device_id = 0x1000;
    m->virtio.class_code = 0x020000;
    m->virtio.queue_max = 256;
    m->virtio.queues = 3;
    m->virtio.features = 1ull << 32 | 1u << 17 | 1u << 16 | 1u << 15 | 1u << 5 | 1u << 3 | 3u;
    m->virtio.offered = offered;
    m->virtio.was_reset = was_reset;
    sim_vnet_plug(m);
}

void sim_vnet_plug(struct sim_vnet *m)
{
    sim_vnet_configure(m);
    sim_virtio_plug(&m->virtio);
}
