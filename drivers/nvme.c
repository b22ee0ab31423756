// SPDX-License-Identifier: Apache-2.0
// NVM Express. One admin queue pair, one for reading, both polled; physical region pages, one list
// per command (4.3); every namespace of the controller shares them. When a command is late or a
// completion makes no sense, the controller is reset once and asked again for all that was out; the
// second time everything fails with BF_ERR_TIMEOUT (drivers/recovery.h). A reset is a row of steps,
// each of which looks once; opening goes through the same steps and waits in between. Only
// Identify, the creation of queues and Read are ever sent, and on opening, to what claims to know
// them, the questions whether a disk is locked or reserved. Not served: pages other than 4096
// bytes.
//
// Metadata is read and dropped (8.3): what lies beside the blocks goes to memory of the driver's
// own, which is also where blocks come that have it behind each, to be taken apart. Protection
// information alone is taken off by the controller. It is never checked: it guards a way that ends
// here, and a block whose guard is wrong is still the block that the machine holds.
#include "drivers/nvme.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/identify.h"
#include "drivers/nvme_namespace.h"
#include "drivers/nvme_queue.h"
#include "drivers/pending.h"
#include "drivers/recovery.h"
#include "drivers/tcg.h"

enum {
    COMMANDS = 8,
    DEPTH = 4, // of one disk; of a megabyte each, what the sender has memory for
    TRANSFER_BYTES = 1048576,
    SIDE_BYTES = 131072, // of a command: its metadata, or its blocks with metadata in between
    ADMIN_US = 5000000,
    ADMIN_REST_US = 20,
    READY_MIN_US = 1000000, // some controllers claim less than they need
    READY_MAX_US = 10000000,
    READY_REST_US = 1000,
    CLOSE_US = 1000000,
    IO_QUEUE = 1,
};

// Where a reset is (7.3.2, 7.6.1).
enum step {
    STARTING,  // it was enabled a moment ago, and must come up before it may be disabled
    DISABLING, // until it is not ready
    OFF,
    ENABLING, // until it is ready
    CREATING_CQ,
    CREATING_SQ,
    RUNNING,
};

struct sent { // what the controller has of a pending one
    struct namespace *disk;
    uint16_t cid;
};

struct nvme {
    struct bf_pci *pci;
    struct bf_nvme_queue admin, io;
    struct bf_dma lists;  // a page of PRP entries per command
    struct bf_dma answer; // of Identify
    struct bf_dma side;   // SIDE_BYTES per command, from the first disk that needs it
    struct bf_pending pending;
    struct sent sent[COMMANDS];
    uint64_t ready_us; // how long it may take to become ready, or not
    uint32_t max_bytes;
    uint16_t sequence;    // of identifiers, so that none comes back soon
    uint16_t admin_cid;   // of the command that is out on the admin queue
    uint64_t deadline_us; // of this step
    enum step step;
    struct bf_recovery recovery;
    uint8_t controller[BF_IDENTIFY_NVME_BYTES];
};

struct namespace
{
    struct nvme *c;
    uint32_t nsid;
    struct bf_nvme_format format;
};

// ---- Registers ---------------------------------------------------------------------------------

static uint32_t read32(struct nvme *c, uint32_t at)
{
    return (uint32_t)bf_pci_read(c->pci, 0, at, 4);
}

static void write32(struct nvme *c, uint32_t at, uint32_t value)
{
    bf_pci_write(c->pci, 0, at, 4, value);
}

static void write64(struct nvme *c, uint32_t at, uint64_t value)
{
    write32(c, at, (uint32_t)value);
    write32(c, at + 4, (uint32_t)(value >> 32));
}

// Looks at CSTS.RDY: BF_AGAIN until it is what is wanted. A controller that is gone reads as all
// ones and is never that.
static enum bf_err look_ready(struct nvme *c, uint32_t ready)
{
    uint32_t status = read32(c, BF_NVME_CSTS);
    if (c->pci->failed || status == UINT32_MAX)
        return BF_ERR_IO;
    if ((status & BF_NVME_CSTS_RDY) == ready)
        return BF_OK;
    if (ready && (status & BF_NVME_CSTS_CFS))
        return BF_ERR_IO;
    return bf_platform_now_us() >= c->deadline_us ? BF_ERR_TIMEOUT : BF_AGAIN;
}

static void enter(struct nvme *c, enum step step, uint64_t us)
{
    c->step = step;
    c->deadline_us = bf_platform_now_us() + us;
}

// ---- Admin commands ----------------------------------------------------------------------------

// One at a time. After a failure the controller must be reset: the command may be out.
static void admin_begin(struct nvme *c, struct bf_nvme_command *command)
{
    c->deadline_us = bf_platform_now_us() + ADMIN_US;
    command->cid = c->admin_cid = c->sequence++;
    bf_nvme_queue_submit(&c->admin, command);
}

static enum bf_err admin_poll(struct nvme *c)
{
    struct bf_nvme_completion done;
    enum bf_err err = bf_nvme_queue_take(&c->admin, &done);
    if (err == BF_AGAIN)
        return c->pci->failed || bf_platform_now_us() >= c->deadline_us ? BF_ERR_TIMEOUT : BF_AGAIN;
    if (!err && done.cid != c->admin_cid)
        err = BF_ERR_PROTOCOL;
    if (err)
        return err;
    return done.status ? BF_ERR_IO : BF_OK;
}

// Of a command that fills the answer.
static enum bf_err admin(struct nvme *c, struct bf_nvme_command *command)
{
    enum bf_err err;
    command->prp1 = c->answer.device;
    memset(c->answer.host, 0, BF_IDENTIFY_NVME_BYTES);
    admin_begin(c, command);
    while ((err = admin_poll(c)) == BF_AGAIN)
        bf_platform_idle(ADMIN_REST_US);
    return err;
}

static enum bf_err identify(struct nvme *c, uint32_t nsid, uint32_t what)
{
    struct bf_nvme_command command = {
        .opcode = BF_NVME_ADMIN_IDENTIFY, .nsid = nsid, .cdw10 = what};
    return admin(c, &command);
}

// Security Receive, 5.25.
static enum bf_err discover(struct nvme *c)
{
    struct bf_nvme_command command = {.opcode = BF_NVME_ADMIN_SECURITY_RECEIVE,
                                      .cdw10 = BF_TCG_PROTOCOL << 24 | BF_TCG_DISCOVERY << 8,
                                      .cdw11 = BF_TCG_BYTES};
    return admin(c, &command);
}

// Reservation Report, 6.13, while nothing else is out on this queue.
static enum bf_err report_reservation(struct nvme *c, uint32_t nsid)
{
    struct bf_nvme_command command = {.opcode = BF_NVME_RESERVATION_REPORT,
                                      .nsid = nsid,
                                      .prp1 = c->answer.device,
                                      .cdw10 = BF_IDENTIFY_NVME_BYTES / 4 - 1};
    uint64_t deadline = bf_platform_now_us() + ADMIN_US;
    struct bf_nvme_completion done;
    enum bf_err err;
    memset(c->answer.host, 0, BF_IDENTIFY_NVME_BYTES);
    BF_ASSERT(bf_pending_is_idle(&c->pending));
    command.cid = (uint16_t)(c->sequence++ * COMMANDS);
    bf_nvme_queue_submit(&c->io, &command);
    while ((err = bf_nvme_queue_take(&c->io, &done)) == BF_AGAIN) {
        if (c->pci->failed || bf_platform_now_us() >= deadline)
            return BF_ERR_TIMEOUT;
        bf_platform_idle(ADMIN_REST_US);
    }
    if (!err && done.cid != command.cid)
        err = BF_ERR_PROTOCOL;
    return err || !done.status ? err : BF_ERR_IO;
}

static void create_cq(struct nvme *c)
{
    struct bf_nvme_command cq = {.opcode = BF_NVME_ADMIN_CREATE_CQ,
                                 .prp1 = bf_nvme_queue_cq(&c->io),
                                 .cdw10 = (uint32_t)(BF_NVME_QUEUE_ENTRIES - 1) << 16 | IO_QUEUE,
                                 .cdw11 = BF_NVME_QUEUE_CONTIGUOUS};
    BF_ASSERT(c->step == CREATING_CQ);
    admin_begin(c, &cq);
}

static void create_sq(struct nvme *c)
{
    struct bf_nvme_command sq = {.opcode = BF_NVME_ADMIN_CREATE_SQ,
                                 .prp1 = bf_nvme_queue_sq(&c->io),
                                 .cdw10 = (uint32_t)(BF_NVME_QUEUE_ENTRIES - 1) << 16 | IO_QUEUE,
                                 .cdw11 = (uint32_t)IO_QUEUE << 16 | BF_NVME_QUEUE_CONTIGUOUS};
    BF_ASSERT(c->step == CREATING_SQ);
    admin_begin(c, &sq);
}

// ---- Reading -----------------------------------------------------------------------------------

// PRP entries of a transfer that begins at a page (4.3): the first, the second or a list of all
// that follow.
static void describe(struct nvme *c, uint32_t i, uint64_t at, uint32_t bytes,
                     struct bf_nvme_command *command)
{
    uint64_t *list = (uint64_t *)((uint8_t *)c->lists.host + (size_t)i * BF_PCI_PAGE);
    uint32_t pages = (bytes + BF_PCI_PAGE - 1) / BF_PCI_PAGE;
    BF_ASSERT(i < COMMANDS && at % BF_PCI_PAGE == 0);
    BF_ASSERT(pages > 0 && pages - 1 <= BF_PCI_PAGE / sizeof *list);
    command->prp1 = at;
    if (pages == 2)
        command->prp2 = at + BF_PCI_PAGE;
    if (pages <= 2)
        return;
    for (uint32_t page = 1; page < pages; page++)
        list[page - 1] = at + (uint64_t)page * BF_PCI_PAGE;
    command->prp2 = c->lists.device + (uint64_t)i * BF_PCI_PAGE;
}

static void send(struct nvme *c, uint32_t i)
{
    struct sent *sent = &c->sent[i];
    const struct bf_block_request *r = c->pending.slot[i].request;
    const struct bf_nvme_format *f = &sent->disk->format;
    uint64_t side = c->side.device + (uint64_t)i * SIDE_BYTES;
    struct bf_nvme_command command = {.opcode = BF_NVME_READ,
                                      .nsid = sent->disk->nsid,
                                      .cdw10 = (uint32_t)r->block, // 6.9
                                      .cdw11 = (uint32_t)(r->block >> 32),
                                      .cdw12 = r->count - 1};
    BF_ASSERT(c->step == RUNNING && i < COMMANDS);
    BF_ASSERT(r->count > 0 && r->count - 1 <= UINT16_MAX);
    BF_ASSERT(!f->metadata || c->side.bytes == COMMANDS * SIDE_BYTES);
    BF_ASSERT(f->extended || c->pending.slot[i].data.host == r->data);
    command.cid = sent->cid = (uint16_t)(c->sequence++ * COMMANDS + i);
    if (f->strip)
        command.cdw12 |= BF_NVME_READ_PRACT;
    if (f->extended)
        describe(c, i, side, r->count * (f->block_size + f->metadata), &command);
    else
        describe(c, i, c->pending.slot[i].data.device, r->count * f->block_size, &command);
    if (f->metadata && !f->extended)
        command.mptr = side;
    bf_pending_out(&c->pending, i, BF_NVME_TIMEOUT_US);
    bf_nvme_queue_submit(&c->io, &command);
}

// ---- Reset, step by step -----------------------------------------------------------------------

static void disable(struct nvme *c)
{
    write32(c, BF_NVME_CC, read32(c, BF_NVME_CC) & ~(uint32_t)BF_NVME_CC_EN);
    enter(c, DISABLING, c->ready_us);
}

// Controller reset, 7.3.2.
static void reset_controller(void *impl)
{
    struct nvme *c = impl;
    BF_ASSERT(c->ready_us >= READY_MIN_US && c->ready_us <= READY_MAX_US);
    // While it still starts, its answer to a reset is not defined (3.1.5, EN).
    if ((read32(c, BF_NVME_CC) & BF_NVME_CC_EN) && !(read32(c, BF_NVME_CSTS) & BF_NVME_CSTS_RDY))
        enter(c, STARTING, c->ready_us);
    else
        disable(c);
}

static enum bf_err is_quiet(void *impl)
{
    struct nvme *c = impl;
    enum bf_err err;
    BF_ASSERT(c->step == STARTING || c->step == DISABLING);
    if (c->step == STARTING) {
        if (look_ready(c, BF_NVME_CSTS_RDY) == BF_AGAIN)
            return BF_AGAIN;
        disable(c);
    }
    err = look_ready(c, 0);
    if (!err)
        c->step = OFF;
    return err;
}

// Initialization, 7.6.1.
static void enable(struct nvme *c)
{
    uint32_t last = BF_NVME_QUEUE_ENTRIES - 1;
    BF_ASSERT(c->step == OFF); // it reads neither queue
    bf_nvme_queue_clear(&c->admin);
    bf_nvme_queue_clear(&c->io);
    write32(c, BF_NVME_AQA, last << 16 | last);
    write64(c, BF_NVME_ASQ, bf_nvme_queue_sq(&c->admin));
    write64(c, BF_NVME_ACQ, bf_nvme_queue_cq(&c->admin));
    write32(c, BF_NVME_CC, BF_NVME_CC_IOSQES | BF_NVME_CC_IOCQES | BF_NVME_CC_EN);
    enter(c, ENABLING, c->ready_us);
}

static enum bf_err restart(void *impl)
{
    struct nvme *c = impl;
    enum bf_err err;
    BF_ASSERT(c->step >= OFF && c->step < RUNNING);
    if (c->step == OFF)
        enable(c);
    err = c->step == ENABLING ? look_ready(c, BF_NVME_CSTS_RDY) : admin_poll(c);
    if (err)
        return err;
    if (c->step == ENABLING) {
        write32(c, BF_NVME_INTMS, UINT32_MAX);
        c->step = CREATING_CQ;
        create_cq(c);
        return BF_AGAIN;
    }
    if (c->step == CREATING_CQ) {
        c->step = CREATING_SQ;
        create_sq(c);
        return BF_AGAIN;
    }
    c->step = RUNNING;
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (c->pending.slot[i].state == BF_PENDING_OUT)
            send(c, i);
    return BF_OK;
}

static void ended(void *impl, int quiet, enum bf_err status)
{
    struct nvme *c = impl;
    bf_pending_end(&c->pending, quiet, status);
}

static const struct bf_recovery_ops recovery_ops = {
    .reset = reset_controller, .quiet = is_quiet, .restart = restart, .ended = ended};

// ---- Completions -------------------------------------------------------------------------------

// Blocks that came with metadata behind each.
static void take_apart(struct nvme *c, uint32_t i)
{
    const struct bf_nvme_format *f = &c->sent[i].disk->format;
    const struct bf_block_request *r = c->pending.slot[i].request;
    const uint8_t *from = (uint8_t *)c->side.host + (size_t)i * SIDE_BYTES;
    uint8_t *to = r->data;
    BF_ASSERT(r->count <= SIDE_BYTES / (f->block_size + f->metadata));
    for (uint32_t n = 0; n < r->count; n++)
        memcpy(to + (size_t)n * f->block_size, from + (size_t)n * (f->block_size + f->metadata),
               f->block_size);
}

// What a status says about a read (NVM Express Base 2.0, 3.3.3.2): some say that it was not done
// and nothing about the blocks. Others may mean either.
static enum bf_err judge_read(uint16_t status)
{
    uint32_t type = status >> 8 & 7, code = status & 0xff;
    if (!status)
        return BF_OK;
    if (type == BF_NVME_SCT_PATH ||
        (type == BF_NVME_SCT_GENERIC &&
         (code == BF_NVME_SC_ABORTED || code == BF_NVME_SC_QUEUE_DELETED ||
          code == BF_NVME_SC_INTERRUPTED || code == BF_NVME_SC_TRANSIENT ||
          code == BF_NVME_SC_NOT_READY)))
        return BF_ERR_BUSY;
    return BF_ERR_IO;
}

static enum bf_err take_one(struct nvme *c)
{
    struct bf_nvme_completion done;
    enum bf_err err = bf_nvme_queue_take(&c->io, &done);
    uint32_t i;
    if (err)
        return err;
    BF_ASSERT(c->step == RUNNING);
    i = done.cid % COMMANDS;
    if (c->pending.slot[i].state != BF_PENDING_OUT || c->sent[i].cid != done.cid)
        return BF_ERR_PROTOCOL;
    if (!done.status && c->sent[i].disk->format.extended)
        take_apart(c, i);
    bf_pending_release(&c->pending, i, judge_read(done.status));
    return BF_OK;
}

static void poll_controller(struct nvme *c)
{
    enum bf_err err;
    bf_recovery_poll(&c->recovery);
    if (c->recovery.state != BF_DEVICE_WORKING)
        return;
    do
        err = take_one(c);
    while (!err);
    if (err == BF_ERR_PROTOCOL)
        bf_recovery_begin(&c->recovery, "the controller completes commands that it was not given");
    else if (bf_pending_is_late(&c->pending))
        bf_recovery_begin(&c->recovery, "the controller does not answer");
}

// ---- The block interface -----------------------------------------------------------------------

static enum bf_err disk_submit(void *impl, struct bf_block_request *request)
{
    struct namespace *n = impl;
    struct nvme *c = n->c;
    uint32_t i;
    if (c->recovery.state == BF_DEVICE_DEAD)
        return bf_pending_refuse(request, BF_ERR_TIMEOUT);
    if (c->recovery.state != BF_DEVICE_WORKING || !bf_pending_find(&c->pending, &i))
        return BF_AGAIN;
    BF_ASSERT(request->count > 0 && request->count <= c->max_bytes / n->format.block_size);
    BF_ASSERT((uintptr_t)request->data % BF_PCI_PAGE == 0);
    bf_pending_take(&c->pending, i, request, request->count * n->format.block_size);
    c->sent[i].disk = n;
    if (!n->format.extended && bf_pending_map(&c->pending, i, request->data))
        return BF_OK;
    if (c->pending.slot[i].data.device % BF_PCI_PAGE) // the bus does not keep pages
        bf_pending_release(&c->pending, i, BF_ERR_UNSUPPORTED);
    else
        send(c, i);
    return BF_OK;
}

static void disk_poll(void *impl)
{
    poll_controller(((struct namespace *)impl)->c);
}

static int is_out(const struct nvme *c, const struct namespace *n)
{
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (c->pending.slot[i].state != BF_PENDING_FREE && c->sent[i].disk == n)
            return 1;
    return 0;
}

// Waits a moment for what is out. The controller is stopped for it, and with it the other disks,
// only when it does not come.
static void disk_close(void *impl)
{
    struct namespace *n = impl;
    struct nvme *c = n->c;
    uint64_t deadline = bf_platform_now_us() + CLOSE_US;
    while (is_out(c, n) && c->recovery.state != BF_DEVICE_DEAD && bf_platform_now_us() < deadline) {
        poll_controller(c);
        bf_platform_idle(ADMIN_REST_US);
    }
    if (is_out(c, n))
        bf_recovery_stop(&c->recovery, BF_ERR_CANCELLED);
    BF_ASSERT(!is_out(c, n) || c->recovery.state == BF_DEVICE_DEAD); // nothing is sent for it again
    bf_free(n);
}

static const struct bf_block_ops block_ops = {
    .driver = "nvme", .submit = disk_submit, .poll = disk_poll, .close = disk_close};

// ---- The controller ----------------------------------------------------------------------------

static int nvme_serves(const struct bf_pci_id *id)
{
    return id->class_code == BF_NVME_CLASS;
}

static enum bf_err judge(struct nvme *c, uint64_t *cap)
{
    *cap = (uint64_t)read32(c, BF_NVME_CAP + 4) << 32 | read32(c, BF_NVME_CAP);
    if (c->pci->failed || *cap == UINT64_MAX)
        return BF_ERR_IO;
    if (!bf_nvme_cap_nvm(*cap) || bf_nvme_cap_mpsmin(*cap) > BF_PCI_PAGE ||
        bf_nvme_cap_mqes(*cap) < BF_NVME_QUEUE_ENTRIES)
        return BF_ERR_UNSUPPORTED;
    c->ready_us = (uint64_t)bf_nvme_cap_to(*cap) * 500000;
    if (c->ready_us < READY_MIN_US)
        c->ready_us = READY_MIN_US;
    if (c->ready_us > READY_MAX_US) // opening waits for it
        c->ready_us = READY_MAX_US;
    return BF_OK;
}

static enum bf_err get_memory(struct nvme *c, uint64_t cap)
{
    const struct bf_pci_ops *ops = c->pci->ops;
    uint32_t stride = bf_nvme_cap_dstrd(cap);
    enum bf_err err;
    BF_ASSERT(c->step == OFF);
    err = bf_nvme_queue_open(&c->admin, c->pci, 0, stride);
    if (!err)
        err = bf_nvme_queue_open(&c->io, c->pci, IO_QUEUE, stride);
    if (!err)
        err = ops->alloc(c->pci->impl, COMMANDS * BF_PCI_PAGE, &c->lists);
    if (!err)
        err = ops->alloc(c->pci->impl, BF_IDENTIFY_NVME_BYTES, &c->answer);
    return err;
}

static enum bf_err look(struct nvme *c, uint64_t cap)
{
    enum bf_err err = identify(c, 0, BF_NVME_CNS_CONTROLLER);
    uint32_t mdts;
    if (err)
        return err;
    memcpy(c->controller, c->answer.host, sizeof c->controller);
    mdts = c->controller[BF_NVME_IDC_MDTS];
    c->max_bytes = TRANSFER_BYTES;
    if (mdts && mdts < 20 && (uint64_t)bf_nvme_cap_mpsmin(cap) << mdts < c->max_bytes)
        c->max_bytes = bf_nvme_cap_mpsmin(cap) << mdts;
    BF_ASSERT(c->max_bytes >= BF_PCI_PAGE && c->max_bytes <= TRANSFER_BYTES);
    return BF_OK;
}

static void nvme_close(void *controller)
{
    struct nvme *c = controller;
    if (!c)
        return;
    if (bf_recovery_stop(&c->recovery, BF_ERR_CANCELLED))
        return; // its queues are never used again
    BF_ASSERT(bf_pending_is_idle(&c->pending));
    bf_dma_free(c->pci, &c->side);
    bf_dma_free(c->pci, &c->answer);
    bf_dma_free(c->pci, &c->lists);
    bf_nvme_queue_close(&c->io);
    bf_nvme_queue_close(&c->admin);
    bf_free(c);
}

static enum bf_err wait_for(struct nvme *c, enum bf_err (*step)(void *impl))
{
    enum bf_err err;
    while ((err = step(c)) == BF_AGAIN)
        bf_platform_idle(c->step < CREATING_CQ ? READY_REST_US : ADMIN_REST_US);
    return err;
}

static enum bf_err nvme_open(struct bf_pci *pci, void **controller)
{
    struct nvme *c = bf_alloc(sizeof *c);
    uint64_t cap;
    enum bf_err err;
    *controller = NULL;
    if (!c)
        return BF_ERR_NO_MEMORY;
    c->pci = pci;
    err = judge(c, &cap);
    if (err) { // nothing was touched
        bf_free(c);
        return err;
    }
    bf_pending_init(&c->pending, pci, COMMANDS);
    bf_recovery_init(&c->recovery, &recovery_ops, c, pci, "nvme");
    reset_controller(c);
    err = wait_for(c, is_quiet);
    if (err) { // it has been given nothing yet
        bf_free(c);
        return err;
    }
    err = get_memory(c, cap);
    if (!err)
        err = wait_for(c, restart);
    if (!err)
        err = look(c, cap);
    if (err) {
        nvme_close(c);
        return err;
    }
    *controller = c;
    return BF_OK;
}

static enum bf_err ask(void *impl, uint32_t nsid, uint32_t what, const uint8_t **answer)
{
    struct nvme *c = impl;
    *answer = c->answer.host;
    return c->recovery.state == BF_DEVICE_DEAD ? BF_ERR_TIMEOUT : identify(c, nsid, what);
}

static enum bf_err nvme_units(void *controller, struct bf_unit *out, uint32_t room, uint32_t *count)
{
    struct nvme *c = controller;
    struct bf_nvme_asked asked = {.identify = ask, .impl = c};
    asked.namespaces = bf_le32(c->controller + BF_NVME_IDC_NN);
    return bf_nvme_units(&asked, out, room, count);
}

// Geometry of a format, and the memory that its metadata needs.
static enum bf_err lay_out(struct nvme *c, const struct bf_nvme_format *f,
                           struct bf_block_geometry *g)
{
    uint32_t most = c->max_bytes, each = f->block_size;
    enum bf_err err = BF_OK;
    BF_ASSERT(!f->extended || f->metadata);
    memset(g, 0, sizeof *g);
    g->block_size = f->block_size;
    g->blocks = f->blocks;
    g->alignment = BF_PCI_PAGE;
    g->depth = DEPTH;
    if (f->extended) {
        each += f->metadata;
        most = most < SIDE_BYTES ? most : SIDE_BYTES;
    }
    g->max_blocks = most / each;
    if (f->metadata && g->max_blocks > SIDE_BYTES / f->metadata)
        g->max_blocks = SIDE_BYTES / f->metadata;
    g->preferred_blocks = g->max_blocks;
    if (bf_block_geometry_check(g))
        return BF_ERR_UNSUPPORTED;
    if (f->metadata && !c->side.host)
        err = c->pci->ops->alloc(c->pci->impl, COMMANDS * SIDE_BYTES, &c->side);
    return err;
}

// A refusal says nothing.
static enum bf_err ask_for_notes(struct nvme *c, uint32_t nsid, int can_be_reserved,
                                 uint32_t *notes)
{
    enum { RESERVATION_TYPE = 4 }; // figure 443
    enum bf_err err = BF_OK;
    *notes = 0;
    if (c->controller[BF_NVME_IDC_OACS] & BF_NVME_OACS_SECURITY) {
        err = discover(c);
        if (!err)
            *notes |= bf_tcg_notes(c->answer.host, BF_TCG_BYTES);
    }
    if (err && err != BF_ERR_IO)
        return err;
    if (can_be_reserved && bf_pending_is_idle(&c->pending)) {
        err = report_reservation(c, nsid);
        if (!err && ((const uint8_t *)c->answer.host)[RESERVATION_TYPE])
            *notes |= BF_DISK_RESERVED;
    }
    return err == BF_ERR_IO ? BF_OK : err;
}

static enum bf_err nvme_disk(void *controller, uint64_t unit, struct bf_source_disk *out)
{
    struct nvme *c = controller;
    struct bf_nvme_format format;
    struct namespace *n;
    int can_be_reserved;
    enum bf_err err;
    if (!unit || unit > UINT32_MAX || c->recovery.state == BF_DEVICE_DEAD)
        return BF_ERR_NOT_FOUND;
    err = identify(c, (uint32_t)unit, BF_NVME_CNS_NAMESPACE);
    if (err)
        return err;
    if (bf_nvme_format(c->answer.host, BF_IDENTIFY_NVME_BYTES, &format))
        return BF_ERR_UNSUPPORTED;
    can_be_reserved = (c->controller[BF_NVME_IDC_ONCS] & BF_NVME_ONCS_RESERVATIONS) &&
                      ((const uint8_t *)c->answer.host)[BF_NVME_IDN_RESCAP];
    err = lay_out(c, &format, &out->geometry);
    if (err)
        return err;
    n = bf_alloc(sizeof *n);
    if (!n)
        return BF_ERR_NO_MEMORY;
    *n = (struct namespace){.c = c, .nsid = (uint32_t)unit, .format = format};
    bf_identify_nvme_controller(c->controller, BF_IDENTIFY_NVME_BYTES, &out->identity);
    bf_identify_nvme_namespace(c->answer.host, BF_IDENTIFY_NVME_BYTES, &out->identity);
    bf_identify_nvme_number((uint32_t)unit, &out->identity);
    err = ask_for_notes(c, (uint32_t)unit, can_be_reserved, &out->notes);
    if (err) {
        bf_free(n);
        return err;
    }
    out->ops = &block_ops;
    out->impl = n;
    return BF_OK;
}

const struct bf_controller_ops bf_nvme = {.driver = "nvme",
                                          .serves = nvme_serves,
                                          .open = nvme_open,
                                          .disk = nvme_disk,
                                          .units = nvme_units,
                                          .close = nvme_close};
