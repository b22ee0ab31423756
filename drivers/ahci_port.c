// SPDX-License-Identifier: Apache-2.0
// AHCI ports. A fixed number of command slots, each with one command table of one region. Where
// controller and disk both queue (NCQ), all are out at once with READ FPDMA QUEUED, otherwise one
// after the other with READ DMA EXT. The port is polled.
//
// A failed command ends alone: the port is stopped, started again, the disk's log tells which of
// the queued commands it was (6.2.2.2), and the others are asked again. When the log does not tell,
// queueing ends, and the port is reset to find it out one by one. When a command is late or the
// port makes no sense, the port is reset (COMRESET, 10.4.2) once, the disk must be the same as
// before, and everything that was out is asked again; the second time everything fails with
// BF_ERR_TIMEOUT (drivers/recovery.h). Only IDENTIFY DEVICE, READ LOG EXT and the two reads are
// ever sent, and on opening, to disks that claim to know them, the questions whether they are
// locked and whether they hide blocks.
#include "drivers/ahci_port.h"

#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/ahci.h"
#include "drivers/ahci_regs.h"
#include "drivers/ata.h"
#include "drivers/identify.h"
#include "drivers/pending.h"
#include "drivers/recovery.h"
#include "drivers/tcg.h"

enum {
    SLOTS = 4, // of a megabyte each, what the sender has memory for
    TRANSFER_BYTES = 1048576,
    ALIGNMENT = 4,          // of memory; the specification asks for 2
    STOP_US = 500000,       // 10.1.2
    COMRESET_US = 1000,     // DET is to stand for so long, 10.4.2
    LINK_US = 5000000,      // until there is a link
    SPIN_UP_US = 15000000,  // and the disk is ready
    QUESTION_US = 10000000, // IDENTIFY DEVICE, READ LOG EXT
    CLOSE_US = 1000000,
    REST_US = 20,
    QUESTION_SLOT = 0,
};

struct shared { // with the controller
    struct bf_ahci_header header[32];
    uint8_t received[BF_AHCI_RECEIVED_BYTES]; // frames
    struct bf_ahci_table table[SLOTS];
    uint8_t answer[BF_ATA_PAGE_BYTES];
};
_Static_assert(sizeof(struct shared) <= BF_PCI_PAGE, "one page, so that all is aligned");

enum stage {
    RUNNING,
    STOPPING,  // waits for the command engine
    RESETTING, // COMRESET stands on the link
    DRAINING,  // waits for the receiver of frames
    STOPPED,
    LINKING,     // waits for the link
    SPINNING_UP, // waits for the disk
    IDENTIFYING, // the question is out
    LOGGING,     // likewise
};

struct bf_ahci_port {
    struct bf_pci *pci;
    uint32_t number, cap;
    struct bf_dma shared;
    struct bf_pending pending; // as many as the disk is given at once; one that waits is held
    struct bf_recovery recovery;
    enum stage stage;
    uint64_t stage_us;   // until when it may last
    uint8_t queued;      // NCQ
    enum bf_err failure; // of the command that failed last
    uint8_t finding;     // the log does not tell: reset to ask one by one
    uint8_t resets;      // before that
    uint8_t known;       // identify holds what the disk said first
    uint32_t block_size;
    uint32_t question_bytes;
    uint8_t identify[BF_ATA_PAGE_BYTES];
};

// ---- Registers ---------------------------------------------------------------------------------

static uint32_t get(struct bf_pci *pci, uint32_t port, uint32_t at)
{
    return (uint32_t)bf_pci_read(pci, BF_AHCI_BAR, bf_ahci_port(port) + at, 4);
}

static void put(struct bf_pci *pci, uint32_t port, uint32_t at, uint32_t value)
{
    bf_pci_write(pci, BF_AHCI_BAR, bf_ahci_port(port) + at, 4, value);
}

static uint32_t read_port(struct bf_ahci_port *p, uint32_t at)
{
    return get(p->pci, p->number, at);
}

static void write_port(struct bf_ahci_port *p, uint32_t at, uint32_t value)
{
    put(p->pci, p->number, at, value);
}

static void write_address(struct bf_ahci_port *p, uint32_t at, uint64_t address)
{
    write_port(p, at, (uint32_t)address);
    write_port(p, at + 4, (uint32_t)(address >> 32));
}

static struct shared *shared_of(const struct bf_ahci_port *p)
{
    return p->shared.host;
}

static void enter(struct bf_ahci_port *p, enum stage stage, uint64_t limit_us)
{
    BF_ASSERT(stage != RUNNING && stage != STOPPED); // they last
    p->stage = stage;
    p->stage_us = bf_platform_now_us() + limit_us;
}

static int is_over(const struct bf_ahci_port *p)
{
    return bf_platform_now_us() >= p->stage_us;
}

// ---- Commands ----------------------------------------------------------------------------------

// Lays out a command that reads into one region (5.5.1), or none when bytes is 0.
static void lay_out(struct bf_ahci_port *p, uint32_t slot, const uint8_t *frame, uint64_t to,
                    uint32_t bytes)
{
    struct bf_ahci_table *table = &shared_of(p)->table[slot];
    uint64_t at = p->shared.device + offsetof(struct shared, table) + slot * sizeof *table;
    BF_ASSERT(slot < SLOTS);
    BF_ASSERT(to % 2 == 0 && bytes % 2 == 0 && bytes <= TRANSFER_BYTES);
    memset(table, 0, sizeof *table);
    memcpy(table->frame, frame, BF_ATA_FRAME_BYTES);
    if (bytes) {
        table->dba = (uint32_t)to;
        table->dbau = (uint32_t)(to >> 32);
        table->dbc = bytes - 1;
    }
    shared_of(p)->header[slot] = (struct bf_ahci_header){.flags = BF_ATA_FRAME_BYTES / 4,
                                                         .prdtl = bytes != 0,
                                                         .ctba = (uint32_t)at,
                                                         .ctbau = (uint32_t)(at >> 32)};
}

static void issue(struct bf_ahci_port *p, uint32_t slot, int queued)
{
    BF_ASSERT(slot < SLOTS && slot < bf_ahci_slots(p->cap));
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // memory before the register
    if (queued)
        write_port(p, BF_AHCI_PXSACT, 1u << slot);
    write_port(p, BF_AHCI_PXCI, 1u << slot);
}

// IDENTIFY DEVICE or READ LOG EXT, while nothing else is out; its slot is laid out anew later.
static void question(struct bf_ahci_port *p, enum stage stage, uint32_t bytes,
                     void (*make)(uint8_t frame[BF_ATA_FRAME_BYTES]))
{
    uint8_t frame[BF_ATA_FRAME_BYTES];
    BF_ASSERT((stage == IDENTIFYING || stage == LOGGING) && bytes <= BF_ATA_PAGE_BYTES);
    make(frame);
    memset(shared_of(p)->answer, 0, BF_ATA_PAGE_BYTES);
    lay_out(p, QUESTION_SLOT, frame, p->shared.device + offsetof(struct shared, answer), bytes);
    p->question_bytes = bytes;
    issue(p, QUESTION_SLOT, 0);
    enter(p, stage, QUESTION_US);
}

static uint32_t bytes_done(const struct bf_ahci_port *p, uint32_t slot)
{
    return __atomic_load_n(&shared_of(p)->header[slot].prdbc, __ATOMIC_RELAXED);
}

static void send(struct bf_ahci_port *p, uint32_t slot)
{
    const struct bf_pending_slot *pending = &p->pending.slot[slot];
    const struct bf_block_request *r = pending->request;
    uint8_t frame[BF_ATA_FRAME_BYTES];
    BF_ASSERT(p->stage == RUNNING && pending->state == BF_PENDING_HELD);
    BF_ASSERT(pending->bytes == r->count * p->block_size && pending->data.host == r->data);
    if (p->queued)
        bf_ata_read_queued(frame, r->block, r->count, slot);
    else
        bf_ata_read(frame, r->block, r->count);
    lay_out(p, slot, frame, pending->data.device, pending->bytes);
    bf_pending_out(&p->pending, slot, BF_AHCI_TIMEOUT_US);
    issue(p, slot, p->queued);
}

static uint32_t out_mask(const struct bf_ahci_port *p)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < p->pending.count; i++)
        if (p->pending.slot[i].state == BF_PENDING_OUT)
            mask |= 1u << i;
    return mask;
}

// Everything that is queued; otherwise one, when none is out.
static void send_next(struct bf_ahci_port *p)
{
    uint32_t out = out_mask(p);
    for (uint32_t i = 0; i < p->pending.count && (p->queued || !out); i++) {
        if (p->pending.slot[i].state != BF_PENDING_HELD)
            continue;
        send(p, i);
        out = 1;
    }
    BF_ASSERT(p->queued || (out_mask(p) & (out_mask(p) - 1)) == 0);
}

static void resend(struct bf_ahci_port *p)
{
    for (uint32_t i = 0; i < p->pending.count; i++)
        if (p->pending.slot[i].state == BF_PENDING_OUT)
            bf_pending_hold(&p->pending, i);
    p->stage = RUNNING;
    send_next(p);
}

// ---- Stopping: no memory is the port's any more ------------------------------------------------

static void begin_stop(struct bf_ahci_port *p)
{
    write_port(p, BF_AHCI_PXCMD, read_port(p, BF_AHCI_PXCMD) & ~(uint32_t)BF_AHCI_PXCMD_ST);
    enter(p, STOPPING, STOP_US);
}

static void begin_drain(struct bf_ahci_port *p)
{
    BF_ASSERT(p->stage == STOPPING || p->stage == RESETTING);
    write_port(p, BF_AHCI_PXCMD, read_port(p, BF_AHCI_PXCMD) & ~(uint32_t)BF_AHCI_PXCMD_FRE);
    enter(p, DRAINING, STOP_US);
}

static void reset_port(void *impl)
{
    begin_stop(impl);
}

// One that does not stop, or has commands out, gets a COMRESET, which ends them.
static enum bf_err is_quiet(void *impl)
{
    struct bf_ahci_port *p = impl;
    uint32_t command = read_port(p, BF_AHCI_PXCMD);
    if (p->pci->failed || command == UINT32_MAX)
        return BF_ERR_IO;
    switch (p->stage) {
    case STOPPING:
        if ((command & BF_AHCI_PXCMD_CR) && !is_over(p))
            return BF_AGAIN;
        if (!(command & BF_AHCI_PXCMD_CR) && !out_mask(p) &&
            p->recovery.state != BF_DEVICE_RESETTING) {
            begin_drain(p);
            return BF_AGAIN;
        }
        write_port(p, BF_AHCI_PXSCTL,
                   (read_port(p, BF_AHCI_PXSCTL) & ~(uint32_t)BF_AHCI_DET_MASK) |
                       BF_AHCI_DET_COMRESET);
        enter(p, RESETTING, COMRESET_US);
        return BF_AGAIN;
    case RESETTING:
        if (!is_over(p))
            return BF_AGAIN;
        write_port(p, BF_AHCI_PXSCTL, read_port(p, BF_AHCI_PXSCTL) & ~(uint32_t)BF_AHCI_DET_MASK);
        begin_drain(p);
        return BF_AGAIN;
    case DRAINING:
        if (command & (BF_AHCI_PXCMD_CR | BF_AHCI_PXCMD_FR))
            return is_over(p) ? BF_ERR_TIMEOUT : BF_AGAIN;
        p->stage = STOPPED;
        return BF_OK;
    default:
        return p->stage == STOPPED ? BF_OK : BF_ERR_TIMEOUT;
    }
}

// ---- Starting ----------------------------------------------------------------------------------

static void begin_start(struct bf_ahci_port *p)
{
    uint32_t command = BF_AHCI_PXCMD_POD | BF_AHCI_PXCMD_SUD;
    BF_ASSERT(p->stage == STOPPED && p->shared.bytes >= sizeof(struct shared));
    BF_ASSERT(p->shared.device % BF_PCI_PAGE == 0);
    write_address(p, BF_AHCI_PXCLB, p->shared.device + offsetof(struct shared, header));
    write_address(p, BF_AHCI_PXFB, p->shared.device + offsetof(struct shared, received));
    write_port(p, BF_AHCI_PXIE, 0);
    write_port(p, BF_AHCI_PXCMD, read_port(p, BF_AHCI_PXCMD) | command);
    write_port(p, BF_AHCI_PXCMD, read_port(p, BF_AHCI_PXCMD) | command | BF_AHCI_PXCMD_FRE);
    enter(p, LINKING, LINK_US);
}

static void clear_errors(struct bf_ahci_port *p)
{
    write_port(p, BF_AHCI_PXSERR, UINT32_MAX);
    write_port(p, BF_AHCI_PXIS, UINT32_MAX);
}

static void begin_commands(struct bf_ahci_port *p)
{
    clear_errors(p);
    write_port(p, BF_AHCI_PXCMD, read_port(p, BF_AHCI_PXCMD) | BF_AHCI_PXCMD_ST);
}

// BF_OK: the answer is there, as long as it should be.
static enum bf_err question_done(struct bf_ahci_port *p)
{
    uint32_t active = read_port(p, BF_AHCI_PXCI); // first: an error that ends it is seen below
    uint32_t status = read_port(p, BF_AHCI_PXIS);
    BF_ASSERT(p->stage == IDENTIFYING || p->stage == LOGGING);
    if (p->pci->failed || active == UINT32_MAX)
        return BF_ERR_TIMEOUT;
    if (status & BF_AHCI_PXIS_FATAL)
        return BF_ERR_IO;
    if (active & 1u << QUESTION_SLOT)
        return is_over(p) ? BF_ERR_TIMEOUT : BF_AGAIN;
    return bytes_done(p, QUESTION_SLOT) == p->question_bytes ? BF_OK : BF_ERR_IO;
}

// Before a disk is asked again for the rest, it must be the one that was asked for the beginning.
static enum bf_err is_the_same(struct bf_ahci_port *p)
{
    enum { BYTES_OF_WHO = 94 }; // serial number, firmware and model end there
    const uint8_t *answer = shared_of(p)->answer;
    enum { SECTORS = 200, SECTORS_BYTES = 8, SERIAL = 20 };
    if (!p->known) {
        memcpy(p->identify, answer, BF_ATA_PAGE_BYTES);
        p->known = 1;
        return BF_OK;
    }
    return memcmp(p->identify + SERIAL, answer + SERIAL, BYTES_OF_WHO - SERIAL) == 0 &&
                   memcmp(p->identify + SECTORS, answer + SECTORS, SECTORS_BYTES) == 0
               ? BF_OK
               : BF_ERR_MEDIA;
}

static enum bf_err wait_for_link(struct bf_ahci_port *p)
{
    if ((read_port(p, BF_AHCI_PXSSTS) & BF_AHCI_DET_MASK) == BF_AHCI_DET_UP) {
        clear_errors(p); // those of the link's beginning
        enter(p, SPINNING_UP, SPIN_UP_US);
        return BF_AGAIN;
    }
    return is_over(p) ? BF_ERR_TIMEOUT : BF_AGAIN;
}

static enum bf_err wait_for_disk(struct bf_ahci_port *p)
{
    uint32_t signature;
    if (read_port(p, BF_AHCI_PXTFD) & (BF_AHCI_PXTFD_BSY | BF_AHCI_PXTFD_DRQ))
        return is_over(p) ? BF_ERR_TIMEOUT : BF_AGAIN;
    signature = read_port(p, BF_AHCI_PXSIG);
    if (signature == BF_AHCI_SIG_ATAPI || signature == BF_AHCI_SIG_ENCLOSURE)
        return BF_ERR_NOT_FOUND;
    if (signature == BF_AHCI_SIG_MULTIPLIER)
        return BF_ERR_UNSUPPORTED;
    begin_commands(p);
    question(p, IDENTIFYING, BF_ATA_PAGE_BYTES, bf_ata_identify);
    return BF_AGAIN;
}

static enum bf_err restart(void *impl)
{
    struct bf_ahci_port *p = impl;
    enum bf_err err;
    if (p->pci->failed || read_port(p, BF_AHCI_PXCMD) == UINT32_MAX)
        return BF_ERR_IO;
    switch (p->stage) {
    case STOPPED:
        begin_start(p);
        return BF_AGAIN;
    case LINKING:
        return wait_for_link(p);
    case SPINNING_UP:
        return wait_for_disk(p);
    default:
        err = question_done(p);
        if (!err)
            err = is_the_same(p);
        if (err)
            return err;
        BF_ASSERT(!p->finding || !p->queued);
        if (p->finding) // that was not the one reset of a port that does not answer
            p->recovery.resets = p->resets;
        p->finding = 0;
        resend(p);
        return BF_OK;
    }
}

static void ended(void *impl, int quiet, enum bf_err status)
{
    struct bf_ahci_port *p = impl;
    bf_pending_end(&p->pending, quiet, status);
}

static const struct bf_recovery_ops recovery_ops = {
    .reset = reset_port, .quiet = is_quiet, .restart = restart, .ended = ended};

// ---- Failed commands ---------------------------------------------------------------------------

// The command engine has stopped: it is started again, and asked for the log when several commands
// may be the one.
static void soft_stopped(struct bf_ahci_port *p)
{
    uint32_t command = read_port(p, BF_AHCI_PXCMD);
    BF_ASSERT(p->stage == STOPPING && p->failure != BF_OK);
    if (command & BF_AHCI_PXCMD_CR) {
        if (is_over(p))
            bf_recovery_begin(&p->recovery, "a port does not stop");
        return;
    }
    if (read_port(p, BF_AHCI_PXTFD) & (BF_AHCI_PXTFD_BSY | BF_AHCI_PXTFD_DRQ)) {
        bf_recovery_begin(&p->recovery, "a disk is busy after an error");
        return;
    }
    begin_commands(p);
    if (p->queued) {
        question(p, LOGGING, BF_ATA_PAGE_BYTES, bf_ata_read_error_log);
        return;
    }
    for (uint32_t i = 0; i < p->pending.count; i++)
        if (p->pending.slot[i].state == BF_PENDING_OUT) // the only one
            bf_pending_release(&p->pending, i, p->failure);
    resend(p);
}

static void look_at_log(struct bf_ahci_port *p)
{
    enum bf_err err = question_done(p);
    uint32_t tag = 0;
    BF_ASSERT(p->queued && p->failure != BF_OK);
    if (err == BF_AGAIN)
        return;
    if (!err)
        err = bf_ata_failed_tag(shared_of(p)->answer, BF_ATA_PAGE_BYTES, &tag);
    if (err || tag >= p->pending.count || p->pending.slot[tag].state != BF_PENDING_OUT) {
        p->queued = 0;
        p->finding = 1;
        p->resets = p->recovery.resets;
        p->recovery.resets = 0;
        bf_recovery_begin(&p->recovery,
                          "a disk does not report which of its queued commands failed");
        return;
    }
    bf_pending_release(&p->pending, tag, p->failure);
    resend(p);
}

// `active`: commands that were still at the disk before the error was seen.
static void command_failed(struct bf_ahci_port *p, uint32_t active, uint32_t status)
{
    int link = (status & BF_AHCI_PXIS_LINK) || (read_port(p, BF_AHCI_PXTFD) & BF_AHCI_PXTFD_ICRC);
    BF_ASSERT(p->stage == RUNNING && out_mask(p));
    p->failure = link ? BF_ERR_BUSY : BF_ERR_IO; // on the way, or at the disk
    for (uint32_t i = 0; i < p->pending.count && p->queued; i++)
        if (p->pending.slot[i].state == BF_PENDING_OUT && !(active >> i & 1))
            bf_pending_release(&p->pending, i, BF_OK);
    begin_stop(p);
}

static void complete(struct bf_ahci_port *p, uint32_t active)
{
    BF_ASSERT((active & ~out_mask(p)) == 0); // look has refused the others
    for (uint32_t i = 0; i < p->pending.count; i++) {
        const struct bf_pending_slot *s = &p->pending.slot[i];
        if (s->state != BF_PENDING_OUT || (active >> i & 1))
            continue;
        bf_pending_release(&p->pending, i,
                           p->queued || bytes_done(p, i) == s->bytes ? BF_OK : BF_ERR_IO);
    }
}

static void look(struct bf_ahci_port *p)
{
    uint32_t out = out_mask(p), active, status;
    if (!out)
        return;
    // In this order: a command that ends with an error after the first reading is not taken for one
    // that ended well, since the error is seen by the second.
    active = read_port(p, BF_AHCI_PXCI) | (p->queued ? read_port(p, BF_AHCI_PXSACT) : 0);
    status = read_port(p, BF_AHCI_PXIS);
    if (p->pci->failed || active == UINT32_MAX) {
        bf_recovery_begin(&p->recovery, "a port is gone");
        return;
    }
    if (status & BF_AHCI_PXIS_FATAL) {
        command_failed(p, active, status);
        return;
    }
    if (status) // a register's reading and writing is what polling costs
        write_port(p, BF_AHCI_PXIS, status);
    if (active & ~out) {
        bf_recovery_begin(&p->recovery, "a port runs commands that it was not given");
        return;
    }
    complete(p, active);
    if (bf_pending_is_late(&p->pending))
        bf_recovery_begin(&p->recovery, "a disk does not answer");
    else
        send_next(p);
}

// ---- The block interface -----------------------------------------------------------------------

static void port_poll(void *impl)
{
    struct bf_ahci_port *p = impl;
    bf_recovery_poll(&p->recovery);
    if (p->recovery.state != BF_DEVICE_WORKING)
        return;
    if (p->stage == RUNNING)
        look(p);
    else if (p->stage == STOPPING)
        soft_stopped(p);
    else
        look_at_log(p);
}

static enum bf_err port_submit(void *impl, struct bf_block_request *request)
{
    struct bf_ahci_port *p = impl;
    uint32_t i;
    if (p->recovery.state == BF_DEVICE_DEAD)
        return bf_pending_refuse(request, BF_ERR_TIMEOUT);
    if (p->recovery.state != BF_DEVICE_WORKING || p->stage != RUNNING ||
        !bf_pending_find(&p->pending, &i))
        return BF_AGAIN;
    BF_ASSERT(request->count > 0 && request->count <= TRANSFER_BYTES / p->block_size);
    BF_ASSERT((uintptr_t)request->data % ALIGNMENT == 0);
    bf_pending_take(&p->pending, i, request, request->count * p->block_size);
    if (bf_pending_map(&p->pending, i, request->data))
        return BF_OK;
    if (p->pending.slot[i].data.device % 2) // the bus does not keep the alignment
        bf_pending_release(&p->pending, i, BF_ERR_UNSUPPORTED);
    else
        send_next(p);
    return BF_OK;
}

static void port_free(struct bf_ahci_port *p, enum bf_err status)
{
    if (bf_recovery_stop(&p->recovery, status))
        return; // its memory is never used again
    BF_ASSERT(bf_pending_is_idle(&p->pending));
    bf_dma_free(p->pci, &p->shared);
    bf_free(p);
}

// Waits a moment for what is out, then the port is stopped.
static void port_close(void *impl)
{
    struct bf_ahci_port *p = impl;
    uint64_t deadline = bf_platform_now_us() + CLOSE_US;
    while (out_mask(p) && p->recovery.state != BF_DEVICE_DEAD && bf_platform_now_us() < deadline) {
        port_poll(p);
        bf_platform_idle(REST_US);
    }
    port_free(p, BF_ERR_CANCELLED);
}

static const struct bf_block_ops block_ops = {
    .driver = "ahci", .submit = port_submit, .poll = port_poll, .close = port_close};

// ---- Opening -----------------------------------------------------------------------------------

enum bf_err bf_ahci_port_stop(struct bf_pci *pci, uint32_t number)
{
    static const struct {
        uint32_t enable, running;
    } engines[] = {{BF_AHCI_PXCMD_ST, BF_AHCI_PXCMD_CR}, {BF_AHCI_PXCMD_FRE, BF_AHCI_PXCMD_FR}};
    BF_ASSERT(number < BF_AHCI_PORTS);
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t deadline = bf_platform_now_us() + STOP_US;
        uint32_t command = get(pci, number, BF_AHCI_PXCMD);
        if (command & engines[i].enable)
            put(pci, number, BF_AHCI_PXCMD, command & ~engines[i].enable);
        while ((command = get(pci, number, BF_AHCI_PXCMD)) & engines[i].running) {
            if (pci->failed || command == UINT32_MAX || bf_platform_now_us() >= deadline)
                return BF_ERR_TIMEOUT;
            bf_platform_idle(REST_US);
        }
    }
    return BF_OK;
}

static enum bf_err describe(struct bf_ahci_port *p, struct bf_ata_disk *parsed,
                            struct bf_source_disk *out)
{
    struct bf_block_geometry *g = &out->geometry;
    enum bf_err err = bf_ata_parse(p->identify, BF_ATA_PAGE_BYTES, parsed);
    struct bf_ata_disk disk = *parsed;
    uint32_t depth;
    BF_ASSERT(p->known && bf_pending_is_idle(&p->pending));
    if (err)
        return err;
    if (disk.block_size < BF_BLOCK_MIN || disk.block_size > BF_BLOCK_MAX)
        return BF_ERR_UNSUPPORTED;
    p->block_size = disk.block_size;
    p->queued = (p->cap & BF_AHCI_CAP_SNCQ) && disk.depth > 1;
    depth = bf_ahci_slots(p->cap) < SLOTS ? bf_ahci_slots(p->cap) : SLOTS;
    if (p->queued && depth > disk.depth)
        depth = disk.depth;
    bf_pending_init(&p->pending, p->pci, depth);
    memset(g, 0, sizeof *g);
    g->block_size = disk.block_size;
    g->blocks = disk.blocks;
    g->alignment = ALIGNMENT;
    g->max_blocks = g->preferred_blocks = TRANSFER_BYTES / disk.block_size;
    g->depth = (uint16_t)depth;
    bf_identify_ata(p->identify, BF_ATA_PAGE_BYTES, &out->identity);
    return bf_block_geometry_check(g);
}

static enum bf_err start_up(struct bf_ahci_port *p)
{
    enum bf_err err;
    while ((err = restart(p)) == BF_AGAIN)
        bf_platform_idle(REST_US);
    return err;
}

static enum bf_err bring_up(struct bf_ahci_port *p)
{
    enum bf_err err = p->pci->ops->alloc(p->pci->impl, sizeof(struct shared), &p->shared);
    return err ? err : start_up(p);
}

// Waits for the answer. A disk that refuses is started again, since its port has stopped: *refused.
static enum bf_err ask(struct bf_ahci_port *p, uint32_t bytes,
                       void (*make)(uint8_t frame[BF_ATA_FRAME_BYTES]), int *refused)
{
    enum bf_err err;
    BF_ASSERT(p->stage == RUNNING && bf_pending_is_idle(&p->pending));
    clear_errors(p);
    question(p, LOGGING, bytes, make);
    while ((err = question_done(p)) == BF_AGAIN)
        bf_platform_idle(REST_US);
    *refused = err != BF_OK;
    p->stage = RUNNING;
    if (!err)
        return BF_OK;
    if (bf_ahci_port_stop(p->pci, p->number))
        return BF_ERR_TIMEOUT;
    p->stage = STOPPED;
    return start_up(p);
}

// Whether what is read is all that there is.
static enum bf_err ask_for_notes(struct bf_ahci_port *p, const struct bf_ata_disk *disk,
                                 struct bf_source_disk *out)
{
    const struct shared *shared = shared_of(p);
    const uint8_t *frame = shared->received + BF_AHCI_RECEIVED_D2H;
    enum bf_err err = BF_OK;
    int refused;
    out->notes = disk->locked ? BF_DISK_LOCKED : 0;
    if (disk->trusted && !disk->locked) {
        err = ask(p, BF_ATA_PAGE_BYTES, bf_ata_discover, &refused);
        if (!err && !refused)
            out->notes |= bf_tcg_notes(shared->answer, BF_ATA_PAGE_BYTES);
    }
    if (!err && disk->hides) {
        err = ask(p, 0, disk->hides == BF_ATA_HIDES_AMA ? bf_ata_native_max_ama : bf_ata_native_max,
                  &refused);
        if (!err && !refused && bf_ata_native_blocks(frame, BF_ATA_FRAME_BYTES) > disk->blocks)
            out->notes |= BF_DISK_HIDDEN;
    }
    return err;
}

enum bf_err bf_ahci_port_open(struct bf_pci *pci, uint32_t cap, uint32_t number,
                              struct bf_source_disk *out)
{
    struct bf_ahci_port *p = bf_alloc(sizeof *p);
    struct bf_ata_disk disk;
    enum bf_err err;
    BF_ASSERT(number < BF_AHCI_PORTS);
    if (!p)
        return BF_ERR_NO_MEMORY;
    p->pci = pci;
    p->cap = cap;
    p->number = number;
    p->stage = STOPPED;
    bf_pending_init(&p->pending, pci, SLOTS);
    bf_recovery_init(&p->recovery, &recovery_ops, p, pci, "ahci");
    err = bring_up(p);
    if (!err)
        err = describe(p, &disk, out);
    if (!err)
        err = ask_for_notes(p, &disk, out);
    if (err) {
        port_free(p, err);
        return err;
    }
    out->ops = &block_ops;
    out->impl = p;
    return BF_OK;
}
