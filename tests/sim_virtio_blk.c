// SPDX-License-Identifier: Apache-2.0
// See tests/sim_virtio_blk.h. Offsets are the specification's: 5.2.4 and 5.2.6.
#include "tests/sim_virtio_blk.h"

#include <string.h>

static int chain(struct sim_vblk *m, uint16_t head, struct sim_virtio_desc d[3])
{
    return sim_virtio_chain(&m->virtio, 0, head, d, 3) == 3 && !(d[0].flags & 2) &&
           (d[1].flags & 2) && (d[2].flags & 2) && d[0].len == 16 && d[2].len == 1;
}

static uint8_t transfer(struct sim_vblk *m, const struct sim_virtio_desc d[3], uint32_t bytes)
{
    const uint8_t *header = sim_pci_reach(&m->virtio.pci, d[0].addr, 16);
    uint8_t *data = sim_pci_reach(&m->virtio.pci, d[1].addr, d[1].len);
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
    struct sim_virtio_desc d[3];
    enum sim_vblk_fault fault = m->faults ? m->fault : SIM_VBLK_GOOD;
    if (!chain(m, head, d)) {
        m->virtio.pci.stray++;
        return;
    }
    if (m->faults)
        m->faults--;
    if (fault == SIM_VBLK_LOST)
        return;
    uint32_t bytes = fault == SIM_VBLK_SHORT ? d[1].len / 2 : d[1].len;
    const uint32_t counts[] = {bytes + 1, bytes, 1, 0};
    uint32_t len = counts[m->counts_wrong];
    uint8_t status = transfer(m, d, bytes);
    if (fault == SIM_VBLK_ERROR)
        status = 1;
    uint8_t *to = sim_pci_reach(&m->virtio.pci, d[2].addr, 1);
    if (to && fault != SIM_VBLK_NO_STATUS)
        *to = status;
    if (fault == SIM_VBLK_LONG)
        len += 4096;
    uint32_t id = fault == SIM_VBLK_WRONG_ID    ? (head + 9u) % 12
                  : fault == SIM_VBLK_MIDDLE_ID ? head + 1u
                  : fault == SIM_VBLK_HUGE_ID   ? 70000u
                                                : head;
    sim_virtio_put(&m->virtio, 0, id, len);
    if (fault == SIM_VBLK_TWICE)
        sim_virtio_put(&m->virtio, 0, id, len);
    if (fault == SIM_VBLK_INDEX_JUMP)
        for (int i = 0; i < 40; i++)
            sim_virtio_put(&m->virtio, 0, id, len);
}

static void offered(struct sim_virtio *v, uint32_t queue, uint16_t head)
{
    struct sim_vblk *m = (struct sim_vblk *)v;
    (void)queue;
    if (m->hold)
        m->held[m->held_count++] = head;
    else
        finish(m, head);
}

static void was_reset(struct sim_virtio *v)
{
    ((struct sim_vblk *)v)->held_count = 0;
}

void sim_vblk_complete(struct sim_vblk *m, uint32_t i)
{
    uint16_t head = m->held[i];
    memmove(m->held + i, m->held + i + 1, (m->held_count - i - 1) * sizeof m->held[0]);
    m->held_count--;
    finish(m, head);
}

void sim_vblk_init(struct sim_vblk *m, const uint8_t *content, uint64_t bytes)
{
    memset(m, 0, sizeof *m);
    m->content = content;
    m->sectors = bytes / 512;
    m->block_size = 512;
    m->size_max = 1u << 20;
    memcpy(m->serial, "web-1", 6);
    m->virtio.device_id = 0x1001;
    m->virtio.class_code = 0x010000;
    m->virtio.queue_max = 256;
    m->virtio.queues = 1;
    m->virtio.features = 1ull << 32 | 1u << 6 | 1u << 1 | 1u << 9;
    m->virtio.offered = offered;
    m->virtio.was_reset = was_reset;
    sim_vblk_plug(m);
}

void sim_vblk_plug(struct sim_vblk *m)
{
    memcpy(m->virtio.config, &m->sectors, 8);
    memcpy(m->virtio.config + 8, &m->size_max, 4);
    memcpy(m->virtio.config + 20, &m->block_size, 4);
    sim_virtio_plug(&m->virtio);
}
