// SPDX-License-Identifier: Apache-2.0
// Port multipliers. See drivers/ahci_multiplier.h. The multiplier itself is port 15; its registers
// are read with READ PORT MULTIPLIER (ACS-4, 7.31 in earlier revisions; Serial ATA 3.3, 16.3.3),
// one command at a time in slot 0, without data: the value comes in the frame that ends it.
#include "drivers/ahci_multiplier.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/platform.h"
#include "drivers/ahci_port.h"
#include "drivers/ahci_regs.h"

enum {
    READ_PORT_MULTIPLIER = 0xe4,
    CONTROL_PORT = 15,
    GSCR_PORTS = 2,  // bits 3:0: how many, 16.4.1.3
    PSCR_STATUS = 0, // as PxSSTS, 16.4.2.1
    FRAME_BYTES = 20,
    FRAME_H2D = 0x27,
    FRAME_COMMAND = 0x80,
    QUESTION_US = 1000000,
    REST_US = 20,
};

struct shared { // with the controller
    struct bf_ahci_header header[32];
    uint8_t received[BF_AHCI_RECEIVED_BYTES];
    struct bf_ahci_table table;
};
_Static_assert(sizeof(struct shared) <= BF_PCI_PAGE, "one page, so that all is aligned");

struct multiplier {
    struct bf_pci *pci;
    uint32_t port;
    struct bf_dma shared;
};

static uint32_t get(struct multiplier *m, uint32_t at)
{
    return (uint32_t)bf_pci_read(m->pci, BF_AHCI_BAR, bf_ahci_port(m->port) + at, 4);
}

static void put(struct multiplier *m, uint32_t at, uint32_t value)
{
    bf_pci_write(m->pci, BF_AHCI_BAR, bf_ahci_port(m->port) + at, 4, value);
}

static void put_address(struct multiplier *m, uint32_t at, uint64_t address)
{
    put(m, at, (uint32_t)address);
    put(m, at + 4, (uint32_t)(address >> 32));
}

static void begin(struct multiplier *m)
{
    put_address(m, BF_AHCI_PXCLB, m->shared.device + offsetof(struct shared, header));
    put_address(m, BF_AHCI_PXFB, m->shared.device + offsetof(struct shared, received));
    put(m, BF_AHCI_PXIE, 0);
    put(m, BF_AHCI_PXCMD, get(m, BF_AHCI_PXCMD) | BF_AHCI_PXCMD_FRE | BF_AHCI_PXCMD_PMA);
    put(m, BF_AHCI_PXSERR, UINT32_MAX);
    put(m, BF_AHCI_PXIS, UINT32_MAX);
    put(m, BF_AHCI_PXCMD, get(m, BF_AHCI_PXCMD) | BF_AHCI_PXCMD_ST);
}

static void lay_out(struct multiplier *m, uint32_t of, uint32_t which)
{
    struct shared *s = m->shared.host;
    uint64_t at = m->shared.device + offsetof(struct shared, table);
    BF_ASSERT(of <= CONTROL_PORT && which <= UINT8_MAX);
    memset(&s->table, 0, sizeof s->table);
    s->table.frame[0] = FRAME_H2D;
    s->table.frame[1] = FRAME_COMMAND | CONTROL_PORT;
    s->table.frame[2] = READ_PORT_MULTIPLIER;
    s->table.frame[3] = (uint8_t)which;
    s->table.frame[7] = (uint8_t)of;
    s->header[0] = (struct bf_ahci_header){
        .flags = (uint16_t)(FRAME_BYTES / 4 | CONTROL_PORT << BF_AHCI_HEADER_PMP),
        .ctba = (uint32_t)at,
        .ctbau = (uint32_t)(at >> 32)};
}

// Register `which` of port `of`.
static enum bf_err read_register(struct multiplier *m, uint32_t of, uint32_t which, uint32_t *value)
{
    const uint8_t *answer = ((struct shared *)m->shared.host)->received + BF_AHCI_RECEIVED_D2H;
    uint64_t deadline = bf_platform_now_us() + QUESTION_US;
    uint32_t active;
    lay_out(m, of, which);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // memory before the register
    put(m, BF_AHCI_PXCI, 1);
    while ((active = get(m, BF_AHCI_PXCI)) & 1) {
        if (m->pci->failed || active == UINT32_MAX || bf_platform_now_us() >= deadline)
            return BF_ERR_TIMEOUT;
        if (get(m, BF_AHCI_PXIS) & BF_AHCI_PXIS_FATAL)
            return BF_ERR_IO;
        bf_platform_idle(REST_US);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *value = answer[12] | bf_le32(answer + 4) << 8;
    return get(m, BF_AHCI_PXIS) & BF_AHCI_PXIS_FATAL ? BF_ERR_IO : BF_OK;
}

static enum bf_err look(struct multiplier *m, uint32_t *present)
{
    uint32_t ports = 0, status;
    enum bf_err err = read_register(m, CONTROL_PORT, GSCR_PORTS, &ports);
    ports &= 15;
    for (uint32_t i = 0; i < ports && !err; i++) {
        err = read_register(m, i, PSCR_STATUS, &status);
        if (!err && (status & BF_AHCI_DET_MASK) == BF_AHCI_DET_UP)
            *present |= 1u << i;
    }
    return err;
}

enum bf_err bf_ahci_multiplier(struct bf_pci *pci, uint32_t port, uint32_t *present)
{
    struct multiplier m = {.pci = pci, .port = port};
    BF_ASSERT(port < BF_AHCI_PORTS);
    enum bf_err err = pci->ops->alloc(pci->impl, sizeof(struct shared), &m.shared);
    *present = 0;
    if (err)
        return err;
    begin(&m);
    err = look(&m, present);
    if (bf_ahci_port_stop(pci, port))
        return BF_ERR_TIMEOUT; // its memory is never used again
    put(&m, BF_AHCI_PXCMD, get(&m, BF_AHCI_PXCMD) & ~(uint32_t)BF_AHCI_PXCMD_PMA);
    bf_dma_free(pci, &m.shared);
    return err;
}
