// SPDX-License-Identifier: Apache-2.0
// Virtio block devices. A fixed number of requests, each with three descriptors of its own: header,
// data, status (5.2.6). The device is polled. When a request is late or a completion makes no
// sense, the device is reset once and asked again for everything that was out; the second time
// everything fails with BF_ERR_TIMEOUT (drivers/recovery.h). Only VIRTIO_BLK_T_IN and
// VIRTIO_BLK_T_GET_ID are ever sent.
#include "drivers/virtio_blk.h"

#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/identify.h"
#include "drivers/pending.h"
#include "drivers/recovery.h"
#include "drivers/virtio_pci.h"

enum {
    DEVICE_TRANSITIONAL = 0x1001, // 4.1.2.1
    DEVICE_MODERN = 0x1042,
    // Of a megabyte each: enough for any disk, and what the sender has memory for.
    REQUESTS = 4,
    DESCRIPTORS = 3, // of one request
    QUEUE_SIZE = 16,
    TRANSFER_BYTES = 1048576,
    VIRTIO_SECTOR_BYTES = 512, // the unit of sector and capacity, whatever the block size (5.2.4)
    ID_US = 5000000,
    ID_REST_US = 20,
};

#define VIRTIO_BLK_F_SIZE_MAX (1ull << 1) // 5.2.3
#define VIRTIO_BLK_F_BLK_SIZE (1ull << 6)

enum { // virtio_blk_config, in words of 32 bits, 5.2.4
    CONFIG_CAPACITY_LOW = 0,
    CONFIG_CAPACITY_HIGH = 1,
    CONFIG_SIZE_MAX = 2,
    CONFIG_BLK_SIZE = 5,
    CONFIG_CAPACITY_WORDS = 2,
};

enum { VIRTIO_BLK_T_IN = 0, VIRTIO_BLK_T_GET_ID = 8 }; // 5.2.6
enum { VIRTIO_BLK_S_OK = 0 };
_Static_assert(REQUESTS *DESCRIPTORS <= QUEUE_SIZE, "each request has descriptors of its own");
enum { STATUS_NONE = 0xff }; // what the status holds before the device wrote it

struct command { // shared with the device
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint8_t status;
    uint8_t pad[15];
};
_Static_assert(sizeof(struct command) == 32, "no hidden padding");

struct virtio_blk {
    struct bf_virtio virtio;
    struct bf_virtqueue queue;
    struct bf_dma commands;
    struct bf_pending pending; // without a request: the question for the serial number
    uint64_t wanted;           // features
    uint32_t block_size;
    uint32_t max_bytes;
    uint64_t blocks;
    struct bf_recovery recovery;
};

static struct command *command_of(const struct virtio_blk *d, uint32_t i)
{
    BF_ASSERT(i < REQUESTS);
    return (struct command *)d->commands.host + i;
}

// ---- One request -------------------------------------------------------------------------------

static void offer(struct virtio_blk *d, uint32_t i)
{
    struct bf_virtq_desc *desc = d->queue.desc + (size_t)i * DESCRIPTORS;
    const struct bf_pending_slot *p = &d->pending.slot[i];
    uint64_t at = d->commands.device + i * sizeof(struct command);
    uint16_t head = (uint16_t)(i * DESCRIPTORS);
    BF_ASSERT(p->data.host && p->data.bytes == p->bytes);
    desc[0] = (struct bf_virtq_desc){.addr = at,
                                     .len = offsetof(struct command, status),
                                     .flags = BF_VIRTQ_NEXT,
                                     .next = (uint16_t)(head + 1)};
    desc[1] = (struct bf_virtq_desc){.addr = p->data.device,
                                     .len = p->bytes,
                                     .flags = BF_VIRTQ_NEXT | BF_VIRTQ_WRITE,
                                     .next = (uint16_t)(head + 2)};
    desc[2] = (struct bf_virtq_desc){
        .addr = at + offsetof(struct command, status), .len = 1, .flags = BF_VIRTQ_WRITE};
    command_of(d, i)->status = STATUS_NONE;
    bf_pending_out(&d->pending, i, BF_VIRTIO_BLK_TIMEOUT_US);
    bf_virtqueue_offer(&d->queue, head);
}

// ---- Start, and what happens when it stops ------------------------------------------------------

static enum bf_err start(struct virtio_blk *d)
{
    enum bf_err err = bf_virtio_negotiate(&d->virtio, d->wanted);
    if (!err)
        err = bf_virtio_queue(&d->virtio, 0, &d->queue);
    if (!err)
        err = bf_virtio_start(&d->virtio);
    return err;
}

static void reset_device(void *impl)
{
    struct virtio_blk *d = impl;
    bf_virtio_reset_begin(&d->virtio);
}

static enum bf_err is_quiet(void *impl)
{
    struct virtio_blk *d = impl;
    return bf_virtio_reset_poll(&d->virtio);
}

static enum bf_err restart(void *impl)
{
    struct virtio_blk *d = impl;
    BF_ASSERT(d->recovery.state == BF_DEVICE_RESTARTING); // no memory is the device's
    bf_virtqueue_clear(&d->queue);
    enum bf_err err = start(d);
    if (err)
        return err;
    for (uint32_t i = 0; i < REQUESTS; i++)
        if (d->pending.slot[i].state == BF_PENDING_OUT)
            offer(d, i);
    bf_virtio_notify(&d->virtio, &d->queue);
    return BF_OK;
}

static void ended(void *impl, int quiet, enum bf_err status)
{
    struct virtio_blk *d = impl;
    bf_pending_end(&d->pending, quiet, status);
}

static const struct bf_recovery_ops recovery_ops = {
    .reset = reset_device, .quiet = is_quiet, .restart = restart, .ended = ended};

// ---- Completions -------------------------------------------------------------------------------

// How many bytes a device claims to have written, when the status is good. Many count wrong, since
// drivers used to ignore it (2.7.8.1, 2.7.8.3): Cloud Hypervisor until April 2026 leaves the status
// byte out, bhyve counts nothing but the status byte, others nothing at all. Any other number says
// that the transfer was short, and nothing else would say so.
static int is_whole(uint32_t len, uint32_t bytes)
{
    return len == bytes + 1 || len == bytes || len <= 1;
}

// What the device says about a request, judged: too short a transfer is a failed one.
static enum bf_err judge(const struct virtio_blk *d, uint32_t i, uint32_t len)
{
    const struct bf_pending_slot *p = &d->pending.slot[i];
    uint8_t status = __atomic_load_n(&command_of(d, i)->status, __ATOMIC_RELAXED);
    BF_ASSERT(len <= p->bytes + 1); // take_one has refused the others
    if (status != VIRTIO_BLK_S_OK)
        return BF_ERR_IO;
    // A serial number may be shorter than the room for it.
    return !p->request || is_whole(len, p->bytes) ? BF_OK : BF_ERR_IO;
}

static enum bf_err take_one(struct virtio_blk *d)
{
    uint16_t head;
    uint32_t len, i;
    enum bf_err err = bf_virtqueue_take(&d->queue, &head, &len);
    if (err)
        return err;
    i = head / DESCRIPTORS;
    if (head % DESCRIPTORS || i >= REQUESTS || d->pending.slot[i].state != BF_PENDING_OUT ||
        len > d->pending.slot[i].bytes + 1)
        return BF_ERR_PROTOCOL;
    bf_pending_release(&d->pending, i, judge(d, i, len));
    return BF_OK;
}

static void blk_poll(void *impl)
{
    struct virtio_blk *d = impl;
    enum bf_err err;
    bf_recovery_poll(&d->recovery);
    if (d->recovery.state != BF_DEVICE_WORKING)
        return;
    do
        err = take_one(d);
    while (!err);
    if (err == BF_ERR_PROTOCOL)
        bf_recovery_begin(&d->recovery, "the device completes requests that it was not given");
    else if (bf_pending_is_late(&d->pending))
        bf_recovery_begin(&d->recovery, "the device does not answer");
}

// ---- The block interface -----------------------------------------------------------------------

static enum bf_err blk_submit(void *impl, struct bf_block_request *request)
{
    struct virtio_blk *d = impl;
    uint32_t i;
    if (d->recovery.state == BF_DEVICE_DEAD)
        return bf_pending_refuse(request, BF_ERR_TIMEOUT);
    if (d->recovery.state != BF_DEVICE_WORKING || !bf_pending_find(&d->pending, &i))
        return BF_AGAIN;
    BF_ASSERT(request->count > 0 && request->count <= d->max_bytes / d->block_size);
    BF_ASSERT(request->block < d->blocks && request->count <= d->blocks - request->block);
    bf_pending_take(&d->pending, i, request, request->count * d->block_size);
    if (bf_pending_map(&d->pending, i, request->data))
        return BF_OK;
    command_of(d, i)->type = VIRTIO_BLK_T_IN;
    command_of(d, i)->sector = request->block * (d->block_size / VIRTIO_SECTOR_BYTES);
    offer(d, i);
    bf_virtio_notify(&d->virtio, &d->queue);
    return BF_OK;
}

// The disk ends with its controller; until then what is out stays out.
static void blk_close(void *impl)
{
    struct virtio_blk *d = impl;
    bf_recovery_stop(&d->recovery, BF_ERR_CANCELLED);
}

static const struct bf_block_ops block_ops = {
    .driver = "virtio-blk", .submit = blk_submit, .poll = blk_poll, .close = blk_close};

// ---- The controller ----------------------------------------------------------------------------

static int blk_serves(const struct bf_pci_id *id)
{
    return id->vendor == BF_VIRTIO_VENDOR &&
           (id->device == DEVICE_TRANSITIONAL || id->device == DEVICE_MODERN);
}

static enum bf_err read_geometry(struct virtio_blk *d)
{
    uint32_t words[CONFIG_BLK_SIZE + 1] = {0}, count = CONFIG_CAPACITY_WORDS;
    uint64_t features = d->virtio.features, capacity;
    enum bf_err err;
    if (features & VIRTIO_BLK_F_SIZE_MAX)
        count = CONFIG_SIZE_MAX + 1;
    if (features & VIRTIO_BLK_F_BLK_SIZE)
        count = CONFIG_BLK_SIZE + 1;
    err = bf_virtio_config(&d->virtio, 0, 4, words, count);
    if (err)
        return err;
    capacity = (uint64_t)words[CONFIG_CAPACITY_HIGH] << 32 | words[CONFIG_CAPACITY_LOW];
    d->block_size = VIRTIO_SECTOR_BYTES;
    if (features & VIRTIO_BLK_F_BLK_SIZE)
        d->block_size = words[CONFIG_BLK_SIZE];
    d->max_bytes = TRANSFER_BYTES;
    if ((features & VIRTIO_BLK_F_SIZE_MAX) && words[CONFIG_SIZE_MAX] < d->max_bytes)
        d->max_bytes = words[CONFIG_SIZE_MAX];
    if (d->block_size < VIRTIO_SECTOR_BYTES || d->block_size % VIRTIO_SECTOR_BYTES)
        return BF_ERR_UNSUPPORTED;
    d->blocks = capacity / (d->block_size / VIRTIO_SECTOR_BYTES);
    return BF_OK;
}

static void blk_shut(void *controller)
{
    struct virtio_blk *d = controller;
    struct bf_pci *pci;
    if (!d)
        return;
    pci = d->virtio.pci;
    if (bf_recovery_stop(&d->recovery, BF_ERR_CANCELLED))
        return; // its rings are never used again
    BF_ASSERT(bf_pending_is_idle(&d->pending));
    bf_virtqueue_close(&d->queue, pci);
    bf_dma_free(pci, &d->commands);
    bf_free(d);
}

static enum bf_err bring_up(struct virtio_blk *d, struct bf_pci *pci)
{
    enum bf_err err = bf_virtqueue_open(&d->queue, pci, QUEUE_SIZE);
    if (!err)
        err = pci->ops->alloc(pci->impl, REQUESTS * sizeof(struct command), &d->commands);
    if (!err)
        err = start(d);
    if (!err)
        err = read_geometry(d);
    return err;
}

static enum bf_err blk_open(struct bf_pci *pci, void **controller)
{
    struct virtio_blk *d = bf_alloc(sizeof *d);
    enum bf_err err;
    *controller = NULL;
    if (!d)
        return BF_ERR_NO_MEMORY;
    d->wanted = VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_BLK_SIZE;
    bf_pending_init(&d->pending, pci, REQUESTS);
    bf_recovery_init(&d->recovery, &recovery_ops, d, pci, "virtio-blk");
    err = bf_virtio_find(&d->virtio, pci);
    if (!err)
        err = bf_virtio_reset(&d->virtio);
    if (err) { // it has been given nothing yet
        bf_free(d);
        return err;
    }
    err = bring_up(d, pci);
    if (err) {
        blk_shut(d);
        return err;
    }
    *controller = d;
    return BF_OK;
}

// The serial number (5.2.6): optional, so nothing is wrong when the device does not tell.
static void ask_serial(struct virtio_blk *d, struct bf_disk_identity *id)
{
    const struct bf_pending_slot *p;
    struct bf_dma answer = {0};
    struct bf_pci *pci = d->virtio.pci;
    uint64_t deadline = bf_platform_now_us() + ID_US;
    uint32_t i;
    if (id->serial[0] || pci->ops->alloc(pci->impl, BF_IDENTIFY_VIRTIO_BYTES, &answer))
        return;
    if (!bf_pending_find(&d->pending, &i))
        goto not_asked;
    bf_pending_take(&d->pending, i, NULL, BF_IDENTIFY_VIRTIO_BYTES);
    if (bf_pending_map(&d->pending, i, answer.host))
        goto not_asked;
    p = &d->pending.slot[i];
    command_of(d, i)->type = VIRTIO_BLK_T_GET_ID;
    command_of(d, i)->sector = 0;
    offer(d, i);
    bf_virtio_notify(&d->virtio, &d->queue);
    while (p->state != BF_PENDING_FREE && d->recovery.state != BF_DEVICE_DEAD &&
           bf_platform_now_us() < deadline) {
        blk_poll(d);
        bf_platform_idle(ID_REST_US);
    }
    if (p->state != BF_PENDING_FREE) // the answer's page stays the device's
        return;
    if (!p->status)
        bf_identify_virtio(answer.host, BF_IDENTIFY_VIRTIO_BYTES, id);
not_asked:
    bf_dma_free(pci, &answer);
}

static enum bf_err blk_disk(void *controller, uint64_t unit, struct bf_source_disk *out)
{
    struct virtio_blk *d = controller;
    struct bf_block_geometry *g = &out->geometry;
    if (unit)
        return BF_ERR_NOT_FOUND;
    memset(g, 0, sizeof *g);
    g->block_size = d->block_size;
    g->blocks = d->blocks;
    g->alignment = 1;
    g->max_blocks = g->preferred_blocks = d->max_bytes / d->block_size;
    g->depth = REQUESTS;
    if (bf_block_geometry_check(g))
        return BF_ERR_UNSUPPORTED;
    ask_serial(d, &out->identity);
    if (d->recovery.state == BF_DEVICE_DEAD)
        return BF_ERR_TIMEOUT;
    out->ops = &block_ops;
    out->impl = d;
    return BF_OK;
}

static enum bf_err blk_units(void *controller, struct bf_unit *out, uint32_t room, uint32_t *count)
{
    const struct virtio_blk *d = controller;
    *count = d->blocks ? 1 : 0; // one that is given its medium later
    if (*count && room)
        out[0] = (struct bf_unit){0};
    return BF_OK;
}

const struct bf_controller_ops bf_virtio_blk = {.driver = "virtio-blk",
                                                .single = 1,
                                                .serves = blk_serves,
                                                .open = blk_open,
                                                .disk = blk_disk,
                                                .units = blk_units,
                                                .close = blk_shut};
