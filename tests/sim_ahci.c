// SPDX-License-Identifier: Apache-2.0
// See tests/sim_ahci.h. Offsets are the specifications': AHCI 3.1, 3.3, 4.2; ACS-4, table 55
// and 9.13.
#include "tests/sim_ahci.h"

#include <string.h>

#include "base/bytes.h"

enum { ST = 1, FRE = 0x10, FR = 0x4000, CR = 0x8000 };

static void put_text(uint8_t *data, uint32_t word, uint32_t words, const char *text)
{
    size_t len = strlen(text);
    for (uint32_t i = 0; i < 2 * words; i++)
        data[2 * word + (i ^ 1)] = (uint8_t)(i < len ? text[i] : ' ');
}

static void put_word(uint8_t *data, uint32_t i, uint64_t value)
{
    bf_put_le16(data + 2 * i, (uint16_t)value);
}

static void add_up(uint8_t *data)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < 511; i++)
        sum = (uint8_t)(sum + data[i]);
    data[511] = (uint8_t)-sum;
}

void sim_ahci_identify(const struct sim_ahci_port *p, uint8_t data[512])
{
    memset(data, 0, 512);
    put_text(data, 10, 10, p->serial);
    put_text(data, 27, 20, "Model of a disk");
    put_word(data, 49, 0x0300);
    if (p->depth) {
        put_word(data, 75, p->depth - 1u);
        put_word(data, 76, 0x0100);
    }
    put_word(data, 83, p->small ? 0x4000 : 0x4400);
    put_word(data, 87, 0x4100);
    for (uint32_t i = 0; i < 4; i++) {
        put_word(data, 100 + i, p->blocks >> 16 * i);
        put_word(data, 108 + i, 0x5000 + i);
    }
    if (p->block_size != 512) {
        put_word(data, 106, 0x5000);
        put_word(data, 117, p->block_size / 2);
    }
    if (p->tcg || p->tcg_lies)
        put_word(data, 48, 0x4001);
    put_word(data, 85, p->native && !p->ama ? 0x0400 : 0);
    put_word(data, 119, p->ama ? 0x4100 : 0x4000);
    put_word(data, 128, p->locked ? 0x0007 : 0x0001);
    data[510] = 0xa5;
    add_up(data);
}

// ---- Commands ----------------------------------------------------------------------------------

struct task {
    struct bf_ahci_header *header;
    const uint8_t *frame;
    uint8_t *data;
    uint32_t bytes;
};

static int fetch(struct sim_ahci *m, struct sim_ahci_port *p, uint32_t slot, struct task *t)
{
    const struct bf_ahci_table *table;
    t->header = sim_pci_reach(&m->pci, p->clb + 32u * slot, 32);
    if (!t->header || t->header->flags != 5 || t->header->prdtl != 1)
        return 0;
    table = sim_pci_reach(&m->pci, (uint64_t)t->header->ctbau << 32 | t->header->ctba, 144);
    if (!table || table->frame[0] != 0x27 || table->frame[1] != 0x80 || table->dba % 2 ||
        table->dbc % 2 == 0)
        return 0;
    t->frame = table->frame;
    t->bytes = table->dbc + 1;
    t->data = sim_pci_reach(&m->pci, (uint64_t)table->dbau << 32 | table->dba, t->bytes);
    return t->data != NULL;
}

static void succeed(struct sim_ahci_port *p, struct task *t, uint32_t slot, uint32_t bytes,
                    int queued)
{
    if (queued) {
        p->sact &= ~(1u << slot);
        p->is |= 8;
    } else {
        p->ci &= ~(1u << slot);
        t->header->prdbc = bytes;
        p->is |= 1;
    }
}

static void fail(struct sim_ahci_port *p, uint32_t slot, int queued)
{
    p->halted = 1;
    p->tfd = 0x41;
    p->is |= 1u << 30;
    if (queued)
        p->failed_tag = (uint8_t)slot;
}

static void read_log(struct sim_ahci_port *p, struct task *t, uint32_t slot)
{
    p->logs++;
    if (p->log == SIM_AHCI_LOG_ABSENT || t->frame[4] != 0x10 || t->frame[12] != 1) {
        fail(p, slot, 0);
        return;
    }
    memset(t->data, 0, 512);
    t->data[0] = p->log == SIM_AHCI_LOG_LIES ? 31 : p->failed_tag;
    t->data[2] = 0x41;
    add_up(t->data);
    if (p->log == SIM_AHCI_LOG_DAMAGED)
        t->data[9] ^= 1;
    succeed(p, t, slot, 512, 0);
}

static void read_blocks(struct sim_ahci_port *p, struct task *t, uint32_t slot)
{
    static const uint8_t places[] = {4, 5, 6, 8, 9, 10};
    int queued = t->frame[2] == 0x60;
    enum sim_ahci_fault fault = p->faults ? p->fault : SIM_AHCI_GOOD;
    uint32_t count = queued ? t->frame[3] | (uint32_t)t->frame[11] << 8 : bf_le16(t->frame + 12);
    uint64_t block = 0;
    for (uint32_t i = 6; i-- > 0;)
        block = block << 8 | t->frame[places[i]];
    p->reads++;
    p->queued_reads += queued;
    if (p->faults)
        p->faults--;
    if (fault == SIM_AHCI_LOST)
        return;
    if ((queued && (!p->depth || t->frame[12] != slot << 3)) || !(t->frame[7] & 0x40) ||
        block > p->blocks || count > p->blocks - block || count * p->block_size != t->bytes ||
        (p->bad_block >= block && p->bad_block < block + count) || fault >= SIM_AHCI_ERROR) {
        fail(p, slot, queued);
        if (fault == SIM_AHCI_LINK)
            p->is = (p->is & ~(1u << 30)) | 1u << 27; // IFS
        if (fault == SIM_AHCI_CRC)
            p->tfd = 0x8441;
        if (fault == SIM_AHCI_ERROR)
            p->ci &= ~(1u << slot);
        return;
    }
    uint32_t bytes = fault == SIM_AHCI_SHORT ? t->bytes / 2 : t->bytes;
    memcpy(t->data, p->content + block * p->block_size, bytes);
    if (fault == SIM_AHCI_STRAY)
        p->ci |= 1u << 30;
    succeed(p, t, slot, bytes, queued);
}

// A command that transfers nothing, to the disk itself; NULL otherwise.
static const uint8_t *frame_without_data(struct sim_ahci *m, struct sim_ahci_port *p, uint32_t slot)
{
    const struct bf_ahci_header *header = sim_pci_reach(&m->pci, p->clb + 32u * slot, 32);
    const struct bf_ahci_table *table =
        header ? sim_pci_reach(&m->pci, (uint64_t)header->ctbau << 32 | header->ctba, 144) : NULL;
    return table && header->flags == 5 && header->prdtl == 0 && table->frame[0] == 0x27 &&
                   table->frame[1] == 0x80
               ? table->frame
               : NULL;
}

static void native_max(struct sim_ahci *m, struct sim_ahci_port *p, uint32_t slot,
                       const uint8_t *frame)
{
    static const uint8_t places[] = {4, 5, 6, 8, 9, 10};
    uint8_t *received = sim_pci_reach(&m->pci, p->fb, 256);
    if (!received || !p->native || frame[2] != (p->ama ? 0x78 : 0x27) || frame[3] ||
        frame[7] != 0x40) {
        fail(p, slot, 0);
        return;
    }
    received[0x40] = 0x34;
    received[0x42] = 0x50;
    for (uint32_t i = 0; i < 6; i++)
        received[0x40 + places[i]] = (uint8_t)((p->native - 1) >> 8 * i);
    p->ci &= ~(1u << slot);
    p->is |= 1;
}

static void trusted_receive(struct sim_ahci_port *p, struct task *t, uint32_t slot)
{
    p->discoveries++;
    if (!p->tcg || t->frame[3] != 1 || t->frame[12] != 1 || t->frame[5] != 1 || t->frame[6]) {
        fail(p, slot, 0);
        return;
    }
    memset(t->data, 0, 512);
    t->data[3] = 60;
    memcpy(t->data + 48, "\0\2\x10\x0c", 4);
    t->data[52] = p->tcg;
    succeed(p, t, slot, 512, 0);
}

// READ PORT MULTIPLIER: without data, the value comes in the frame that ends it.
static int is_multiplier_command(struct sim_ahci *m, struct sim_ahci_port *p, uint32_t slot)
{
    const struct bf_ahci_header *header = sim_pci_reach(&m->pci, p->clb + 32u * slot, 32);
    const struct bf_ahci_table *table =
        header ? sim_pci_reach(&m->pci, (uint64_t)header->ctbau << 32 | header->ctba, 144) : NULL;
    return table && p->signature == 0x96690101 && (p->cmd & 1u << 17) &&
           header->flags == (5 | 15 << 12) && header->prdtl == 0 && table->frame[0] == 0x27 &&
           table->frame[1] == 0x8f && table->frame[2] == 0xe4;
}

static void read_multiplier(struct sim_ahci *m, struct sim_ahci_port *p, uint32_t slot)
{
    const struct bf_ahci_header *header = sim_pci_reach(&m->pci, p->clb + 32u * slot, 32);
    const struct bf_ahci_table *table =
        sim_pci_reach(&m->pci, (uint64_t)header->ctbau << 32 | header->ctba, 144);
    uint8_t *received = sim_pci_reach(&m->pci, p->fb, 256);
    uint32_t value = 0, which = table->frame[3], of = table->frame[7];
    if (p->no_answer)
        return;
    if (of == 15 && which == 2)
        value = p->multiplier_ports | 0xf0u;
    else if (of < p->multiplier_ports && which == 0)
        value = p->multiplier_links >> of & 1 ? 0x123 : 0;
    else
        fail(p, slot, 0);
    received[0x40 + 12] = (uint8_t)value;
    bf_put_le(received + 0x44, value >> 8, 3);
    p->ci &= ~(1u << slot);
    p->is |= 1;
}

static void execute(struct sim_ahci *m, struct sim_ahci_port *p, uint32_t slot)
{
    const uint8_t *frame = frame_without_data(m, p, slot);
    struct task t;
    if (frame) {
        native_max(m, p, slot, frame);
        return;
    }
    if (is_multiplier_command(m, p, slot)) {
        read_multiplier(m, p, slot);
        return;
    }
    if (!fetch(m, p, slot, &t)) {
        m->pci.stray++;
        return;
    }
    if (t.frame[2] == 0x60 || t.frame[2] == 0x25) {
        read_blocks(p, &t, slot);
    } else if (p->no_answer) {
        return;
    } else if (t.frame[2] == 0x2f) {
        read_log(p, &t, slot);
    } else if (t.frame[2] == 0xec) {
        sim_ahci_identify(p, t.data);
        succeed(p, &t, slot, 512, 0);
    } else if (t.frame[2] == 0x5c) {
        trusted_receive(p, &t, slot);
    } else {
        fail(p, slot, 0);
    }
}

static void issue(struct sim_ahci *m, struct sim_ahci_port *p, uint32_t slots)
{
    uint32_t out = 0;
    if (!(p->cmd & ST))
        return;
    p->ci |= slots;
    for (uint32_t i = 0; i < 32; i++)
        out += (p->ci | p->sact) >> i & 1;
    if (out > p->most_out)
        p->most_out = out;
    for (uint32_t slot = 0; slot < 32; slot++) {
        struct task t;
        if (!(slots >> slot & 1) || p->halted)
            continue;
        if (p->sact >> slot & 1)
            p->ci &= ~(1u << slot); // accepted
        if (p->hold && fetch(m, p, slot, &t) && (t.frame[2] == 0x60 || t.frame[2] == 0x25))
            p->held[p->held_count++] = slot;
        else
            execute(m, p, slot);
    }
}

void sim_ahci_complete(struct sim_ahci *m, uint32_t port, uint32_t i)
{
    struct sim_ahci_port *p = &m->port[port];
    uint32_t slot = p->held[i];
    memmove(p->held + i, p->held + i + 1, (p->held_count - i - 1) * sizeof p->held[0]);
    p->held_count--;
    if (!p->halted)
        execute(m, p, slot);
}

// ---- Registers ---------------------------------------------------------------------------------

static void forget(struct sim_ahci_port *p)
{
    p->ci = p->sact = p->held_count = 0;
    p->halted = 0;
}

static void set_cmd(struct sim_ahci_port *p, uint32_t value)
{
    uint32_t running = p->cmd & (CR | FR);
    if ((p->cmd & ST) && !(value & ST)) {
        forget(p);
        if (!p->engine_stuck)
            running &= ~(uint32_t)CR;
    }
    if (value & ST)
        running |= CR;
    if (value & FRE)
        running |= FR;
    else if (!p->receiver_stuck)
        running &= ~(uint32_t)FR;
    p->cmd = (value & ~(uint32_t)(CR | FR)) | running;
}

static void set_sctl(struct sim_ahci_port *p, uint32_t value)
{
    if ((p->sctl & 15) == 1 && (value & 15) == 0) {
        p->comresets++;
        forget(p);
        p->cmd &= ~(uint32_t)CR;
        p->is |= 1u << 6;
        p->tfd = 0x50;
    }
    p->sctl = value;
}

static uint32_t port_read(const struct sim_ahci_port *p, uint32_t at)
{
    int link = p->present && !(p->comresets && p->no_link) && (p->sctl & 15) == 0 &&
               (!p->needs_power || (p->cmd & 2));
    switch (at) {
    case 0x10:
        return p->is;
    case 0x18:
        return p->cmd;
    case 0x20:
        return link ? p->tfd |
                          (p->stays_busy && p->logs + p->comresets == 0 && p->halted ? 0x80u : 0)
                    : 0x7f;
    case 0x24:
        return p->signature;
    case 0x28:
        return link ? 0x123 : 0;
    case 0x2c:
        return p->sctl;
    case 0x30:
        return p->serr;
    case 0x34:
        return p->sact;
    case 0x38:
        return p->ci;
    default:
        return 0;
    }
}

static void port_write(struct sim_ahci *m, struct sim_ahci_port *p, uint32_t at, uint32_t value)
{
    switch (at) {
    case 0x00:
        p->clb = (p->clb & ~(uint64_t)UINT32_MAX) | value;
        break;
    case 0x04:
        p->clb = (p->clb & UINT32_MAX) | (uint64_t)value << 32;
        break;
    case 0x08:
        p->fb = (p->fb & ~(uint64_t)UINT32_MAX) | value;
        break;
    case 0x0c:
        p->fb = (p->fb & UINT32_MAX) | (uint64_t)value << 32;
        break;
    case 0x10:
        p->is &= ~value;
        break;
    case 0x14:
        p->ie = value;
        break;
    case 0x18:
        set_cmd(p, value);
        break;
    case 0x2c:
        set_sctl(p, value);
        break;
    case 0x34:
        p->sact |= value;
        break;
    case 0x38:
        issue(m, p, value);
        break;
    default:
        break;
    }
}

static uint64_t ahci_read(void *model, uint8_t bar, uint64_t offset, uint32_t width)
{
    struct sim_ahci *m = model;
    if (bar != 5 || width != 4)
        return UINT64_MAX;
    if (offset >= 0x100 && (offset - 0x100) / 0x80 < SIM_AHCI_PORTS)
        return port_read(&m->port[(offset - 0x100) / 0x80], (offset - 0x100) % 0x80);
    switch (offset) {
    case 0x00:
        return m->cap;
    case 0x04:
        return m->ghc;
    case 0x0c:
        return (1u << SIM_AHCI_PORTS) - 1;
    case 0x24:
        return m->cap2;
    case 0x28:
        return m->bohc;
    default:
        return 0;
    }
}

static void set_ghc(struct sim_ahci *m, uint32_t value)
{
    m->ghc = value & ~1u;
    if (!(value & 1))
        return;
    m->resets++;
    m->ghc = 0;
    for (uint32_t i = 0; i < SIM_AHCI_PORTS; i++) {
        forget(&m->port[i]);
        m->port[i].cmd = 0;
    }
}

static void ahci_write(void *model, uint8_t bar, uint64_t offset, uint32_t width, uint64_t value)
{
    struct sim_ahci *m = model;
    uint32_t v = (uint32_t)value;
    if (bar != 5 || width != 4)
        return;
    if (offset >= 0x100 && (offset - 0x100) / 0x80 < SIM_AHCI_PORTS)
        port_write(m, &m->port[(offset - 0x100) / 0x80], (offset - 0x100) % 0x80, v);
    if (offset == 0x04)
        set_ghc(m, v);
    if (offset == 0x28)
        m->bohc = (v & 2) && !m->bios_keeps ? v & ~1u : v;
}

void sim_ahci_init(struct sim_ahci *m, const uint8_t *content, uint64_t bytes)
{
    memset(m, 0, sizeof *m);
    for (uint32_t i = 0; i < SIM_AHCI_PORTS; i++) {
        struct sim_ahci_port *p = &m->port[i];
        p->present = 1;
        p->signature = 0x101;
        p->content = content;
        p->block_size = i ? 4096 : 512;
        p->blocks = bytes / p->block_size;
        p->depth = i ? 0 : 32;
        p->bad_block = UINT64_MAX;
        p->tfd = 0x50;
        memcpy(p->serial, i ? "disk-1" : "disk-0", 7);
        p->cmd = FRE | FR; // as a firmware leaves it
    }
    m->cap = 0xc0000000u | 31u << 8 | 1;
    m->ghc = 0x80000002u;
    sim_pci_init(&m->pci, 0x8086, 0x2922, 0x010601);
    m->pci.read = ahci_read;
    m->pci.write = ahci_write;
    m->pci.model = m;
}
