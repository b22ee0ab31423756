// SPDX-License-Identifier: Apache-2.0
// See tests/sim_nvme.h. Offsets are the specification's: 3.1, 4.2, 4.3, 4.6, figures 245 and 247.
#include "tests/sim_nvme.h"

#include <string.h>

enum { PAGE = 4096, MQES = 63, TIMEOUT_UNITS = 4 };

static uint64_t nvme_read(void *model, uint8_t bar, uint64_t offset, uint32_t width)
{
    struct sim_nvme *m = model;
    uint64_t cap = MQES | (uint64_t)TIMEOUT_UNITS << 24 | (uint64_t)m->dstrd << 32 | 1ull << 37;
    if (bar != 0 || width != 4)
        return UINT64_MAX;
    switch (offset) {
    case 0x00:
        return cap & UINT32_MAX;
    case 0x04:
        return cap >> 32;
    case 0x14:
        return m->cc;
    case 0x1c:
        return m->csts | (m->fatal ? 2u : 0);
    default:
        return 0;
    }
}

static void complete(struct sim_nvme *m, uint16_t queue, uint16_t cid, uint16_t status)
{
    struct sim_nvme_queue *q = &m->queue[queue];
    struct bf_nvme_completion *entry = sim_pci_reach(&m->pci, q->cq + 16u * q->put, 16);
    if (!entry)
        return;
    *entry = (struct bf_nvme_completion){
        .cid = cid, .sqid = queue, .status = (uint16_t)(status << 1 | q->phase)};
    if (m->faults && m->fault == SIM_NVME_WRONG_QUEUE && queue)
        entry->sqid = 7;
    if (++q->put == q->size) {
        q->put = 0;
        q->phase ^= 1;
    }
}

// Copies to where the PRP entries point (4.3).
static int put_data(struct sim_nvme *m, const struct bf_nvme_command *c, const uint8_t *from,
                    uint32_t bytes)
{
    uint32_t pages = (bytes + PAGE - 1) / PAGE;
    const uint64_t *list = NULL;
    if (pages > 2 && !(list = sim_pci_reach(&m->pci, c->prp2, 8u * (pages - 1))))
        return 0;
    for (uint32_t i = 0; i < pages; i++) {
        uint64_t at = i == 0 ? c->prp1 : list ? list[i - 1] : c->prp2;
        uint32_t part = bytes - i * PAGE < PAGE ? bytes - i * PAGE : PAGE;
        uint8_t *to = at % PAGE ? NULL : sim_pci_reach(&m->pci, at, part);
        if (!to)
            return 0;
        memcpy(to, from + (size_t)i * PAGE, part);
    }
    return 1;
}

static const struct sim_nvme_namespace *find(const struct sim_nvme *m, uint32_t nsid)
{
    if (nsid == 0 || nsid > (m->highest ? m->highest : 2))
        return NULL;
    return &m->space[nsid == 2];
}

static void list(const struct sim_nvme *m, uint32_t above, uint8_t data[PAGE])
{
    uint32_t nsid = m->circular ? 1 : above + 1;
    for (uint32_t i = 0; i < PAGE / 4 && find(m, nsid); i++, nsid++)
        memcpy(data + (size_t)i * 4, &nsid, 4);
}

static void describe(const struct sim_nvme_namespace *n, uint32_t nsid, uint8_t data[PAGE])
{
    uint32_t format = n->metadata | n->shift << 16;
    memcpy(data, &n->blocks, 8);
    data[26] = (uint8_t)(3 | n->extended << 4 | n->format);
    data[29] = n->protected;
    data[31] = 0x7f;
    memcpy(data + 128 + 12, &format, 4);
    data[127] = (uint8_t)nsid; // EUI-64
}

static uint16_t identify(struct sim_nvme *m, const struct bf_nvme_command *c)
{
    uint8_t data[PAGE] = {0};
    uint32_t highest = m->highest ? m->highest : 2;
    if (c->cdw10 == BF_NVME_CNS_CONTROLLER) {
        memcpy(data + 4, "serial-1            Model of a disk                         ", 60);
        data[77] = m->mdts;
        data[256] = m->tcg != 0;
        data[520] = m->reserved ? 0x20 : 0;
        memcpy(data + 516, &highest, 4);
    } else if (c->cdw10 == BF_NVME_CNS_ACTIVE) {
        if (m->old)
            return 0x02;
        list(m, c->nsid, data);
    } else if (!find(m, c->nsid) || c->nsid == m->mute) {
        return 0x0b; // invalid namespace
    } else {
        describe(find(m, c->nsid), c->nsid, data);
    }
    return put_data(m, c, data, PAGE) ? 0 : 0x04;
}

static uint16_t security_receive(struct sim_nvme *m, const struct bf_nvme_command *c)
{
    uint8_t data[512] = {[3] = 60, [49] = 2, [50] = 0x10, [51] = 12, [52] = m->tcg};
    if (!m->tcg || c->cdw10 != 0x01000100 || c->cdw11 != 512)
        return 0x02;
    return put_data(m, c, data, sizeof data) ? 0 : 0x04;
}

static uint16_t report_reservation(struct sim_nvme *m, const struct bf_nvme_command *c)
{
    uint8_t data[PAGE] = {[0] = 1, [4] = (uint8_t)(m->reserved == 0xff ? 0 : m->reserved)};
    if (!m->reserved || c->cdw10 != PAGE / 4 - 1)
        return 0x01;
    return put_data(m, c, data, PAGE) ? 0 : 0x04;
}

static uint16_t create(struct sim_nvme *m, const struct bf_nvme_command *c)
{
    struct sim_nvme_queue *q = &m->queue[1];
    if (c->cdw10 != (15u << 16 | 1) || !(c->cdw11 & 1))
        return 0x02;
    q->size = 16;
    if (c->opcode == BF_NVME_ADMIN_CREATE_CQ) {
        q->cq = c->prp1;
        q->put = 0;
        q->phase = 1;
        return 0;
    }
    if (c->cdw11 >> 16 != 1 || !q->cq)
        return 0x02;
    q->sq = c->prp1;
    q->head = 0;
    q->there = 1;
    return 0;
}

static void admin(struct sim_nvme *m, const struct bf_nvme_command *c)
{
    uint16_t status = 0x01;
    if (m->deaf_admin)
        return;
    if (c->opcode == BF_NVME_ADMIN_IDENTIFY)
        status = identify(m, c);
    else if (c->opcode == BF_NVME_ADMIN_CREATE_CQ || c->opcode == BF_NVME_ADMIN_CREATE_SQ)
        status = create(m, c);
    else if (c->opcode == 0x82)
        status = security_receive(m, c);
    complete(m, 0, c->cid, status);
}

// Blocks with metadata behind each.
static uint16_t put_extended(struct sim_nvme *m, const struct bf_nvme_command *c,
                             const struct sim_nvme_namespace *n, uint64_t block, uint32_t count)
{
    static uint8_t mixed[4 << 20];
    uint32_t size = 1u << n->shift, each = size + n->metadata;
    if ((uint64_t)count * each > sizeof mixed ||
        (m->mdts && count * each > (uint32_t)PAGE << m->mdts))
        return 0x02;
    memset(mixed, 0xee, (size_t)count * each);
    for (uint32_t i = 0; i < count; i++)
        memcpy(mixed + (size_t)i * each, n->content + ((block + i) << n->shift), size);
    return put_data(m, c, mixed, count * each) ? 0 : 0x04;
}

static uint16_t read_blocks(struct sim_nvme *m, const struct bf_nvme_command *c)
{
    uint64_t block = (uint64_t)c->cdw11 << 32 | c->cdw10, count = (uint64_t)(c->cdw12 & 0xffff) + 1;
    const struct sim_nvme_namespace *n = find(m, c->nsid);
    uint8_t *beside;
    if (!n)
        return 0x0b;
    if (block > n->blocks || count > n->blocks - block)
        return 0x80;
    int strip = (c->cdw12 >> 29 & 1) && n->protected && n->metadata == 8;
    if (n->metadata && !strip && n->extended)
        return put_extended(m, c, n, block, (uint32_t)count);
    if (m->mdts && count << n->shift > (uint64_t)PAGE << m->mdts)
        return 0x02;
    if (n->metadata && !strip) {
        beside = c->mptr % 4 ? NULL : sim_pci_reach(&m->pci, c->mptr, count * n->metadata);
        if (!beside)
            return 0x04;
        memset(beside, 0xee, count * n->metadata);
    }
    return put_data(m, c, n->content + (block << n->shift), (uint32_t)(count << n->shift)) ? 0
                                                                                           : 0x04;
}

static void finish(struct sim_nvme *m, const struct bf_nvme_command *c)
{
    enum sim_nvme_fault fault = m->faults ? m->fault : SIM_NVME_GOOD;
    uint16_t status, cid = c->cid;
    if (c->opcode == 0x0e) {
        if (!m->deaf_reservations)
            complete(m, 1, cid, report_reservation(m, c));
        return;
    }
    if (fault == SIM_NVME_LOST) {
        m->faults--;
        return;
    }
    m->reads++;
    status = c->opcode == BF_NVME_READ ? read_blocks(m, c) : 0x01;
    if (fault == SIM_NVME_ERROR)
        status = 0x281;
    if (fault == SIM_NVME_STATUS)
        status = m->status;
    if (fault == SIM_NVME_WRONG_CID)
        cid ^= 0x0100;
    complete(m, 1, cid, status);
    if (fault == SIM_NVME_TWICE)
        complete(m, 1, cid, status);
    if (m->faults)
        m->faults--;
}

static void doorbell(struct sim_nvme *m, uint32_t number, uint32_t value)
{
    struct sim_nvme_queue *q = &m->queue[number / 2];
    if (number % 2 || !q->there || value >= q->size)
        return;
    while (q->head != value) {
        const void *at = sim_pci_reach(&m->pci, q->sq + 64u * q->head, 64);
        struct bf_nvme_command command;
        if (!at)
            return;
        memcpy(&command, at, sizeof command);
        q->head = (q->head + 1) % q->size;
        if (number == 0)
            admin(m, &command);
        else if (m->hold)
            m->held[m->held_count++] = command;
        else
            finish(m, &command);
    }
}

static void set_cc(struct sim_nvme *m, uint32_t value)
{
    uint32_t before = m->cc;
    m->cc = value;
    if ((before & 1) && !(value & 1)) {
        m->resets++;
        if (!m->ready_stuck)
            m->csts = 0;
        memset(m->queue, 0, sizeof m->queue);
        m->held_count = 0;
    }
    if (!(before & 1) && (value & 1) && !m->never_ready) {
        m->csts = 1;
        m->queue[0] = (struct sim_nvme_queue){
            .sq = m->asq, .cq = m->acq, .size = (m->aqa & 0xfff) + 1, .phase = 1, .there = 1};
    }
}

static void nvme_write(void *model, uint8_t bar, uint64_t offset, uint32_t width, uint64_t value)
{
    struct sim_nvme *m = model;
    uint32_t v = (uint32_t)value, stride = 4u << m->dstrd;
    if (bar != 0 || width != 4)
        return;
    if (offset >= 0x1000 && (offset - 0x1000) / stride < 4 && (offset - 0x1000) % stride == 0) {
        doorbell(m, (uint32_t)(offset - 0x1000) / stride, v);
        return;
    }
    switch (offset) {
    case 0x0c:
        m->interrupts_masked = v;
        break;
    case 0x14:
        set_cc(m, v);
        break;
    case 0x24:
        m->aqa = v;
        break;
    case 0x28:
        m->asq = (m->asq & ~(uint64_t)UINT32_MAX) | v;
        break;
    case 0x2c:
        m->asq = (m->asq & UINT32_MAX) | (uint64_t)v << 32;
        break;
    case 0x30:
        m->acq = (m->acq & ~(uint64_t)UINT32_MAX) | v;
        break;
    case 0x34:
        m->acq = (m->acq & UINT32_MAX) | (uint64_t)v << 32;
        break;
    default:
        break;
    }
}

void sim_nvme_complete(struct sim_nvme *m, uint32_t i)
{
    struct bf_nvme_command command = m->held[i];
    memmove(m->held + i, m->held + i + 1, (m->held_count - i - 1) * sizeof m->held[0]);
    m->held_count--;
    finish(m, &command);
}

void sim_nvme_init(struct sim_nvme *m, const uint8_t *content, uint64_t bytes)
{
    memset(m, 0, sizeof *m);
    m->space[0] =
        (struct sim_nvme_namespace){.content = content, .blocks = bytes / 512, .shift = 9};
    m->space[1] =
        (struct sim_nvme_namespace){.content = content, .blocks = bytes / 4096, .shift = 12};
    m->cc = 1; // as a firmware leaves it
    m->csts = 1;
    sim_pci_init(&m->pci, 0x1b36, 0x0010, 0x010802);
    m->pci.read = nvme_read;
    m->pci.write = nvme_write;
    m->pci.model = m;
}
