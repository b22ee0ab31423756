// SPDX-License-Identifier: Apache-2.0
// Virtio SCSI hosts. One request queue, with a fixed number of commands that the logical units
// share, each of three descriptors of its own: request, response, data (5.6.6.1); and the control
// queue, for the reset of a unit. No buffer is given to the event queue: what happens to a unit is
// seen in its answers. The device is polled.
//
// A command that came at a bad moment is asked again after a rest, a few times; one that the unit
// is busy for, or not ready, for a time. When one is late its unit is reset, whereupon the device
// returns all of its commands and they are asked again. When that does not help, or a completion
// makes no sense, the device is reset once and asked again for everything that was out; the next
// time everything fails with BF_ERR_TIMEOUT (drivers/recovery.h). Only REPORT LUNS, INQUIRY, READ
// CAPACITY, PERSISTENT RESERVE IN and READ are sent.
//
// Looking for units, all targets that the device may have are asked for their units, as many at
// once as there are commands, since nearly all of them are not there; those that answer are then
// looked at one by one.
#include "drivers/virtio_scsi.h"

#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/pending.h"
#include "drivers/recovery.h"
#include "drivers/scsi.h"
#include "drivers/scsi_units.h"
#include "drivers/virtio_pci.h"
#include "drivers/virtio_scsi_wire.h"

enum {
    DEVICE_TRANSITIONAL = 0x1004, // 4.1.2.1
    DEVICE_MODERN = 0x1048,
    COMMANDS = 8,
    DEPTH = 4, // of one unit; of a megabyte each, what the sender has memory for
    DESCRIPTORS = 3,
    QUEUE_SIZE = 32,
    CONTROL_SIZE = 2,
    TRANSFER_BYTES = 1048576,
    VIRTIO_SECTOR_BYTES = 512, // the unit of max_sectors
    ASK_US = 5000000,
    ASK_REST_US = 20,
    SEARCH_US = 20000000, // for all units of all targets
    TARGETS = 256,
    RETRY_US = 10000,
    TRIES = 6, // some hosts call an unreadable block an aborted command
    CLOSE_US = 1000000,
};

struct command { // shared with the device
    struct bf_vscsi_request request;
    struct bf_vscsi_response response;
    uint8_t pad[28];
};
_Static_assert(sizeof(struct command) == 192, "no hidden padding");
_Static_assert(COMMANDS *DESCRIPTORS <= QUEUE_SIZE, "each command has descriptors of its own");

struct shared {
    struct command command[COMMANDS];
    struct bf_vscsi_tmf tmf;
    uint8_t answer[BF_SCSI_ANSWER_BYTES]; // to what a unit is asked when it is opened
};

struct unit {
    struct virtio_scsi *d;
    struct bf_vscsi_lun lun;
    uint32_t block_size;
};

struct sent { // beside what is pending; a held one rests, and its deadline says when to ask again
    struct unit *unit;
    uint64_t at; // the data, as the device sees it
    uint32_t residual;
    uint64_t patience_us; // no more waiting for a busy unit after that
    uint8_t tries;
};

struct virtio_scsi {
    struct bf_virtio virtio;
    struct bf_virtqueue requests, control;
    struct bf_dma shared, luns; // luns: of REPORT LUNS, from the first search on
    struct bf_pending pending;  // without a request: a question
    struct sent sent[COMMANDS];
    uint32_t max_bytes;
    uint16_t depth;
    uint64_t tmf_deadline_us; // 0: none is out
    uint8_t unit_resets, conflict_told;
    struct bf_recovery recovery;

    uint32_t targets;            // that there may be
    struct unit scout[COMMANDS]; // by which targets are asked
    uint16_t sought[COMMANDS];   // the target that it is out for, plus one
    uint8_t answers[TARGETS / 8];
    uint64_t search_us; // until when
};

static struct shared *shared_of(const struct virtio_scsi *d)
{
    return d->shared.host;
}

static struct command *command_of(const struct virtio_scsi *d, uint32_t i)
{
    BF_ASSERT(i < COMMANDS);
    return &shared_of(d)->command[i];
}

// ---- One command -------------------------------------------------------------------------------

static void offer(struct virtio_scsi *d, uint32_t i)
{
    struct bf_virtq_desc *desc = d->requests.desc + (size_t)i * DESCRIPTORS;
    uint64_t at = d->shared.device + offsetof(struct shared, command) + i * sizeof(struct command);
    uint16_t head = (uint16_t)(i * DESCRIPTORS);
    BF_ASSERT(!d->pending.slot[i].request || d->sent[i].at == d->pending.slot[i].data.device);
    desc[0] = (struct bf_virtq_desc){.addr = at,
                                     .len = BF_VSCSI_REQUEST_BYTES,
                                     .flags = BF_VIRTQ_NEXT,
                                     .next = (uint16_t)(head + 1)};
    desc[1] = (struct bf_virtq_desc){.addr = at + offsetof(struct command, response),
                                     .len = sizeof(struct bf_vscsi_response),
                                     .flags = BF_VIRTQ_NEXT | BF_VIRTQ_WRITE,
                                     .next = (uint16_t)(head + 2)};
    desc[2] = (struct bf_virtq_desc){
        .addr = d->sent[i].at, .len = d->pending.slot[i].bytes, .flags = BF_VIRTQ_WRITE};
    memset(&command_of(d, i)->response, 0, sizeof(struct bf_vscsi_response));
    command_of(d, i)->response.response = BF_VSCSI_S_NONE;
    bf_pending_out(&d->pending, i, BF_VIRTIO_SCSI_TIMEOUT_US);
    bf_virtqueue_offer(&d->requests, head);
}

// BF_AGAIN when all are out, or as many as the unit may have.
static enum bf_err find_free(const struct virtio_scsi *d, const struct unit *unit, uint32_t *index)
{
    uint32_t of_unit = 0;
    BF_ASSERT(d->depth > 0 && d->depth <= DEPTH);
    for (uint32_t i = 0; i < COMMANDS; i++)
        of_unit += d->pending.slot[i].state != BF_PENDING_FREE && d->sent[i].unit == unit;
    return of_unit < d->depth && bf_pending_find(&d->pending, index) ? BF_OK : BF_AGAIN;
}

// Fills the command of a slot that was taken, with its data at d->sent[i].at, and sends it.
static void send(struct virtio_scsi *d, uint32_t i, struct unit *unit, const uint8_t *cdb)
{
    struct bf_vscsi_request *request = &command_of(d, i)->request;
    BF_ASSERT(d->pending.slot[i].state == BF_PENDING_HELD && unit->d == d);
    memset(request, 0, sizeof *request);
    request->lun = unit->lun;
    request->id = i + 1;
    memcpy(request->cdb, cdb, BF_SCSI_CDB_BYTES);
    d->sent[i].unit = unit;
    d->sent[i].patience_us = bf_platform_now_us() + BF_VIRTIO_SCSI_PATIENCE_US;
    d->sent[i].tries = 0;
    offer(d, i);
    bf_virtio_notify(&d->virtio, &d->requests);
}

// ---- Start, and what happens when it stops ------------------------------------------------------

static enum bf_err start(struct virtio_scsi *d)
{
    enum bf_err err = bf_virtio_negotiate(&d->virtio, 0);
    if (!err)
        err = bf_virtio_queue(&d->virtio, BF_VSCSI_CONTROLQ, &d->control);
    if (!err)
        err = bf_virtio_queue(&d->virtio, BF_VSCSI_REQUESTQ, &d->requests);
    if (!err)
        err = bf_virtio_start(&d->virtio);
    return err;
}

static void reset_device(void *impl)
{
    struct virtio_scsi *d = impl;
    d->tmf_deadline_us = 0;
    bf_virtio_reset_begin(&d->virtio);
}

static enum bf_err is_quiet(void *impl)
{
    struct virtio_scsi *d = impl;
    return bf_virtio_reset_poll(&d->virtio);
}

static enum bf_err restart(void *impl)
{
    struct virtio_scsi *d = impl;
    enum bf_err err;
    BF_ASSERT(d->recovery.state == BF_DEVICE_RESTARTING && !d->tmf_deadline_us);
    bf_virtqueue_clear(&d->requests);
    bf_virtqueue_clear(&d->control);
    err = start(d);
    if (err)
        return err;
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (d->pending.slot[i].state == BF_PENDING_OUT)
            offer(d, i);
    bf_virtio_notify(&d->virtio, &d->requests);
    return BF_OK;
}

static void ended(void *impl, int quiet, enum bf_err status)
{
    struct virtio_scsi *d = impl;
    bf_pending_end(&d->pending, quiet, status);
}

static const struct bf_recovery_ops recovery_ops = {
    .reset = reset_device, .quiet = is_quiet, .restart = restart, .ended = ended};

// LOGICAL UNIT RESET (5.6.6.2) for the unit of a late command.
static void reset_unit(struct virtio_scsi *d, uint32_t late)
{
    struct bf_virtq_desc *desc = d->control.desc;
    struct bf_vscsi_tmf *tmf = &shared_of(d)->tmf;
    uint64_t at = d->shared.device + offsetof(struct shared, tmf);
    uint64_t now = bf_platform_now_us();
    uint32_t readable = offsetof(struct bf_vscsi_tmf, response);
    BF_ASSERT(late < COMMANDS && d->pending.slot[late].state == BF_PENDING_OUT);
    BF_ASSERT(!d->tmf_deadline_us && !d->unit_resets); // one at a time, and once
    bf_log(BF_LOG_WARNING, "virtio-scsi: target %u does not answer; resetting it",
           command_of(d, late)->request.lun.bytes[1]);
    d->unit_resets++;
    *tmf = (struct bf_vscsi_tmf){.type = BF_VSCSI_T_TMF,
                                 .subtype = BF_VSCSI_T_TMF_LOGICAL_UNIT_RESET,
                                 .lun = command_of(d, late)->request.lun,
                                 .response = BF_VSCSI_S_NONE};
    desc[0] =
        (struct bf_virtq_desc){.addr = at, .len = readable, .flags = BF_VIRTQ_NEXT, .next = 1};
    desc[1] = (struct bf_virtq_desc){.addr = at + readable, .len = 1, .flags = BF_VIRTQ_WRITE};
    d->tmf_deadline_us = now + BF_VIRTIO_SCSI_RESET_US;
    for (uint32_t i = 0; i < COMMANDS; i++) { // what comes back is worth asking again
        d->sent[i].patience_us = now + BF_VIRTIO_SCSI_PATIENCE_US;
        d->sent[i].tries = 0;
    }
    bf_virtqueue_offer(&d->control, 0);
    bf_virtio_notify(&d->virtio, &d->control);
}

// Before a reset succeeds the device returns what was out at the unit (5.6.6.2). Where it does not,
// the deadline that was passed already brings the next step.
static enum bf_err take_tmf(struct virtio_scsi *d)
{
    uint16_t head;
    uint32_t len;
    enum bf_err err = bf_virtqueue_take(&d->control, &head, &len);
    uint8_t response = __atomic_load_n(&shared_of(d)->tmf.response, __ATOMIC_RELAXED);
    if (err)
        return err;
    if (head != 0 || len > 1 || !d->tmf_deadline_us)
        return BF_ERR_PROTOCOL;
    d->tmf_deadline_us = 0;
    return response == BF_VSCSI_S_OK || response == BF_VSCSI_S_FUNCTION_SUCCEEDED ? BF_OK
                                                                                  : BF_ERR_IO;
}

// ---- Completions -------------------------------------------------------------------------------

static void tell_conflict(struct virtio_scsi *d, uint32_t i)
{
    if (!d->conflict_told)
        bf_log(BF_LOG_WARNING,
               "virtio-scsi: target %u is reserved by another host, which has to release it first",
               command_of(d, i)->request.lun.bytes[1]);
    d->conflict_told = 1;
}

// What the device says about a command, in the terms of bf_scsi_classify. The length that it claims
// to have written is not used, since some devices leave it at zero: the residual counts.
static enum bf_err judge(struct virtio_scsi *d, uint32_t i, uint32_t *residual)
{
    struct bf_vscsi_response r = command_of(d, i)->response;
    uint32_t sense = r.sense_len < sizeof r.sense ? r.sense_len : (uint32_t)sizeof r.sense;
    *residual = r.residual;
    switch (r.response) {
    case BF_VSCSI_S_OK:
        if (r.status == BF_SCSI_RESERVATION_CONFLICT)
            tell_conflict(d, i);
        return bf_scsi_classify(r.status, r.sense, sense);
    case BF_VSCSI_S_ABORTED:
    case BF_VSCSI_S_RESET:
    case BF_VSCSI_S_TRANSPORT_FAILURE:
        return BF_AGAIN;
    case BF_VSCSI_S_BUSY:
        return BF_ERR_BUSY;
    case BF_VSCSI_S_BAD_TARGET:
    case BF_VSCSI_S_INCORRECT_LUN:
        return BF_ERR_MEDIA;
    default:
        return BF_ERR_IO;
    }
}

static void finish(struct virtio_scsi *d, uint32_t i)
{
    struct bf_pending_slot *p = &d->pending.slot[i];
    struct sent *sent = &d->sent[i];
    enum bf_err status = judge(d, i, &sent->residual);
    uint64_t now = bf_platform_now_us();
    if ((status == BF_AGAIN && ++sent->tries < TRIES) ||
        (status == BF_ERR_BUSY && now < sent->patience_us)) {
        bf_pending_hold(&d->pending, i);
        p->deadline_us = now + RETRY_US;
        return;
    }
    BF_ASSERT(sent->tries <= TRIES);
    // Aborted each time may mean a bad block: that is what QEMU says of one.
    if (status == BF_AGAIN || (status == BF_ERR_BUSY && !p->request))
        status = BF_ERR_IO;
    // The answer to a question may be shorter than the room for it; a transfer may not.
    if (!status && sent->residual > (p->request ? 0 : p->bytes))
        status = BF_ERR_IO;
    bf_pending_release(&d->pending, i, status);
}

static enum bf_err take_one(struct virtio_scsi *d)
{
    uint16_t head;
    uint32_t len, i;
    enum bf_err err = bf_virtqueue_take(&d->requests, &head, &len);
    if (err)
        return err;
    i = head / DESCRIPTORS;
    if (head % DESCRIPTORS || i >= COMMANDS || d->pending.slot[i].state != BF_PENDING_OUT ||
        len > d->pending.slot[i].bytes + sizeof(struct bf_vscsi_response))
        return BF_ERR_PROTOCOL;
    finish(d, i);
    return BF_OK;
}

// Asks again what has rested; returns a command that is late, or COMMANDS.
static uint32_t look_at_clock(struct virtio_scsi *d)
{
    uint64_t now = bf_platform_now_us();
    uint32_t late = COMMANDS, again = 0;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        const struct bf_pending_slot *p = &d->pending.slot[i];
        if (p->state == BF_PENDING_FREE || now < p->deadline_us)
            continue;
        if (p->state == BF_PENDING_OUT) {
            late = i;
        } else {
            offer(d, i);
            again++;
        }
    }
    if (again)
        bf_virtio_notify(&d->virtio, &d->requests);
    return late;
}

static void poll_device(struct virtio_scsi *d)
{
    enum bf_err err, tmf;
    uint32_t late;
    bf_recovery_poll(&d->recovery);
    if (d->recovery.state != BF_DEVICE_WORKING)
        return;
    tmf = take_tmf(d); // first: what its success promises is found below
    do
        err = take_one(d);
    while (!err);
    if (err == BF_ERR_PROTOCOL || tmf == BF_ERR_PROTOCOL) {
        bf_recovery_begin(&d->recovery, "the device completes requests that it was not given");
        return;
    }
    late = look_at_clock(d);
    if (d->tmf_deadline_us && bf_platform_now_us() < d->tmf_deadline_us)
        return;
    if (tmf == BF_ERR_IO || d->tmf_deadline_us || (late < COMMANDS && d->unit_resets))
        bf_recovery_begin(&d->recovery, "the device does not answer");
    else if (late < COMMANDS)
        reset_unit(d, late);
}

// ---- Asking what a unit is ---------------------------------------------------------------------

// Waits for the answer, which comes to `at`. When none comes, the place stays taken, and with it
// what it is written to.
static enum bf_err ask_at(struct unit *unit, const uint8_t cdb[BF_SCSI_CDB_BYTES], uint64_t at,
                          uint32_t bytes, uint32_t *got)
{
    struct virtio_scsi *d = unit->d;
    uint64_t deadline = bf_platform_now_us() + ASK_US;
    const struct bf_pending_slot *p;
    uint32_t i;
    if (d->recovery.state != BF_DEVICE_WORKING || find_free(d, unit, &i))
        return BF_ERR_TIMEOUT;
    p = &d->pending.slot[i];
    bf_pending_take(&d->pending, i, NULL, bytes);
    d->sent[i].at = at;
    send(d, i, unit, cdb);
    while (p->state != BF_PENDING_FREE && bf_platform_now_us() < deadline) {
        poll_device(d);
        bf_platform_idle(ASK_REST_US);
    }
    if (p->state != BF_PENDING_FREE || d->recovery.state == BF_DEVICE_DEAD)
        return BF_ERR_TIMEOUT;
    BF_ASSERT(p->status || d->sent[i].residual <= bytes); // finish has refused the others
    *got = p->status ? 0 : bytes - d->sent[i].residual;
    return p->status;
}

static enum bf_err ask(void *impl, const uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes,
                       const uint8_t **answer, uint32_t *got)
{
    struct unit *unit = impl;
    struct virtio_scsi *d = unit->d;
    BF_ASSERT(bytes > 0 && bytes <= BF_SCSI_ANSWER_BYTES);
    *answer = shared_of(d)->answer;
    memset(shared_of(d)->answer, 0, sizeof shared_of(d)->answer);
    return ask_at(unit, cdb, d->shared.device + offsetof(struct shared, answer), bytes, got);
}

// ---- Looking for units -------------------------------------------------------------------------

static void send_scout(struct virtio_scsi *d, uint32_t i, uint32_t target)
{
    uint8_t cdb[BF_SCSI_CDB_BYTES];
    BF_ASSERT(target < d->targets && !d->sought[i]);
    bf_pending_take(&d->pending, i, NULL, BF_SCSI_LUNS_LEAST);
    bf_scsi_report_luns(cdb, BF_SCSI_LUNS_LEAST);
    d->scout[i] = (struct unit){.d = d, .lun = bf_vscsi_lun((uint8_t)target, 0)};
    d->sought[i] = (uint16_t)(target + 1);
    d->sent[i].at = d->luns.device + (uint64_t)i * BF_SCSI_LUNS_LEAST;
    send(d, i, &d->scout[i], cdb);
}

// A target that refuses the command is there. Returns how many are still out.
static uint32_t collect_scouts(struct virtio_scsi *d)
{
    uint32_t out = 0;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        uint32_t target = d->sought[i] - 1u;
        if (!d->sought[i])
            continue;
        if (d->pending.slot[i].state != BF_PENDING_FREE) {
            out++;
            continue;
        }
        BF_ASSERT(target < TARGETS);
        d->sought[i] = 0;
        if (!d->pending.slot[i].status || d->pending.slot[i].status == BF_ERR_IO)
            d->answers[target / 8] |= (uint8_t)(1u << target % 8);
    }
    return out;
}

static enum bf_err find_targets(struct virtio_scsi *d)
{
    uint32_t next = 0;
    BF_ASSERT(d->targets <= TARGETS && d->luns.bytes >= COMMANDS * BF_SCSI_LUNS_LEAST);
    memset(d->answers, 0, sizeof d->answers);
    while (collect_scouts(d) || next < d->targets) {
        if (d->recovery.state == BF_DEVICE_DEAD || bf_platform_now_us() >= d->search_us)
            return BF_ERR_TIMEOUT;
        for (uint32_t i = 0; i < COMMANDS && next < d->targets; i++)
            if (d->recovery.state == BF_DEVICE_WORKING &&
                d->pending.slot[i].state == BF_PENDING_FREE)
                send_scout(d, i, next++);
        poll_device(d);
        if (!bf_pending_is_idle(&d->pending))
            bf_platform_idle(ASK_REST_US);
    }
    return BF_OK;
}

static enum bf_err ask_any(void *impl, uint32_t target, uint32_t lun,
                           const uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes,
                           const uint8_t **answer, uint32_t *got)
{
    struct virtio_scsi *d = impl;
    BF_ASSERT(target < TARGETS && lun <= BF_SCSI_LUN_MAX);
    BF_ASSERT(bytes > 0 && bytes <= d->luns.bytes);
    d->scout[0] = (struct unit){.d = d, .lun = bf_vscsi_lun((uint8_t)target, (uint16_t)lun)};
    if (bf_platform_now_us() >= d->search_us)
        return BF_ERR_TIMEOUT;
    *answer = d->luns.host;
    memset(d->luns.host, 0, bytes);
    return ask_at(&d->scout[0], cdb, d->luns.device, bytes, got);
}

static enum bf_err scsi_units(void *controller, struct bf_unit *out, uint32_t room, uint32_t *count)
{
    struct virtio_scsi *d = controller;
    struct bf_pci *pci = d->virtio.pci;
    struct bf_scsi_host host = {.ask = ask_any, .impl = d};
    enum bf_err err = BF_OK, first = BF_OK;
    *count = 0;
    if (!d->luns.host)
        err = pci->ops->alloc(pci->impl, BF_SCSI_LUNS_BYTES, &d->luns);
    d->search_us = bf_platform_now_us() + SEARCH_US;
    if (!err)
        err = find_targets(d);
    for (uint32_t target = 0; target < TARGETS && !err; target++) {
        if (d->answers[target / 8] >> target % 8 & 1)
            err = bf_scsi_units(&host, target, out, room, count);
        if (err == BF_ERR_LIMIT) { // of this target
            first = err;
            err = BF_OK;
        }
    }
    return err ? err : first;
}

// ---- The block interface -----------------------------------------------------------------------

static enum bf_err unit_submit(void *impl, struct bf_block_request *request)
{
    struct unit *unit = impl;
    struct virtio_scsi *d = unit->d;
    uint8_t cdb[BF_SCSI_CDB_BYTES];
    uint32_t i;
    if (d->recovery.state == BF_DEVICE_DEAD)
        return bf_pending_refuse(request, BF_ERR_TIMEOUT);
    if (d->recovery.state != BF_DEVICE_WORKING || find_free(d, unit, &i))
        return BF_AGAIN;
    BF_ASSERT(request->count > 0 && request->count <= d->max_bytes / unit->block_size);
    bf_pending_take(&d->pending, i, request, request->count * unit->block_size);
    if (bf_pending_map(&d->pending, i, request->data))
        return BF_OK;
    d->sent[i].at = d->pending.slot[i].data.device;
    bf_scsi_read(cdb, request->block, request->count);
    send(d, i, unit, cdb);
    return BF_OK;
}

static void unit_poll(void *impl)
{
    poll_device(((struct unit *)impl)->d);
}

// What rests is not with the device: it just ends.
static int is_out(struct virtio_scsi *d, const struct unit *unit)
{
    int out = 0;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        const struct bf_pending_slot *p = &d->pending.slot[i];
        if (p->state == BF_PENDING_HELD && d->sent[i].unit == unit)
            bf_pending_release(&d->pending, i, BF_ERR_CANCELLED);
        out |= p->state == BF_PENDING_OUT && d->sent[i].unit == unit;
    }
    return out;
}

// Waits a moment for what is out. The device is stopped for it, and with it the other units, only
// when it does not come.
static void unit_close(void *impl)
{
    struct unit *unit = impl;
    struct virtio_scsi *d = unit->d;
    uint64_t deadline = bf_platform_now_us() + CLOSE_US;
    while (is_out(d, unit) && d->recovery.state != BF_DEVICE_DEAD &&
           bf_platform_now_us() < deadline) {
        poll_device(d);
        bf_platform_idle(ASK_REST_US);
    }
    if (is_out(d, unit))
        bf_recovery_stop(&d->recovery, BF_ERR_CANCELLED);
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (d->sent[i].unit == unit)
            d->sent[i].unit = NULL;
    bf_free(unit);
}

static const struct bf_block_ops block_ops = {
    .driver = "virtio-scsi", .submit = unit_submit, .poll = unit_poll, .close = unit_close};

// ---- The controller ----------------------------------------------------------------------------

static int scsi_serves(const struct bf_pci_id *id)
{
    return id->vendor == BF_VIRTIO_VENDOR &&
           (id->device == DEVICE_TRANSITIONAL || id->device == DEVICE_MODERN);
}

static enum bf_err read_limits(struct virtio_scsi *d)
{
    uint32_t words[BF_VSCSI_CONFIG_WORDS];
    uint32_t sectors, commands;
    enum bf_err err = bf_virtio_config(&d->virtio, 0, 4, words, BF_VSCSI_CONFIG_WORDS);
    if (err)
        return err;
    if (words[BF_VSCSI_CONFIG_SENSE_SIZE] != BF_VSCSI_SENSE_BYTES ||
        words[BF_VSCSI_CONFIG_CDB_SIZE] != BF_VSCSI_CDB_BYTES)
        return BF_ERR_UNSUPPORTED;
    sectors = words[BF_VSCSI_CONFIG_MAX_SECTORS]; // a hint; 0: none
    d->max_bytes = TRANSFER_BYTES;
    if (sectors && sectors < TRANSFER_BYTES / VIRTIO_SECTOR_BYTES)
        d->max_bytes = sectors * VIRTIO_SECTOR_BYTES;
    commands = words[BF_VSCSI_CONFIG_CMD_PER_LUN];
    d->depth = commands && commands < DEPTH ? (uint16_t)commands : DEPTH;
    d->targets = 1 + (words[BF_VSCSI_CONFIG_MAX_TARGET] >> 16);
    if (d->targets > TARGETS)
        d->targets = TARGETS;
    return BF_OK;
}

static void scsi_shut(void *controller)
{
    struct virtio_scsi *d = controller;
    struct bf_pci *pci;
    if (!d)
        return;
    pci = d->virtio.pci;
    if (bf_recovery_stop(&d->recovery, BF_ERR_CANCELLED))
        return; // its queues are never used again
    BF_ASSERT(bf_pending_is_idle(&d->pending));
    bf_virtqueue_close(&d->requests, pci);
    bf_virtqueue_close(&d->control, pci);
    bf_dma_free(pci, &d->luns);
    bf_dma_free(pci, &d->shared);
    bf_free(d);
}

static enum bf_err bring_up(struct virtio_scsi *d, struct bf_pci *pci)
{
    enum bf_err err = bf_virtio_reset(&d->virtio);
    if (!err)
        err = bf_virtqueue_open(&d->requests, pci, QUEUE_SIZE);
    if (!err)
        err = bf_virtqueue_open(&d->control, pci, CONTROL_SIZE);
    if (!err)
        err = pci->ops->alloc(pci->impl, sizeof(struct shared), &d->shared);
    if (!err)
        err = start(d);
    if (!err)
        err = read_limits(d);
    return err;
}

static enum bf_err scsi_open(struct bf_pci *pci, void **controller)
{
    struct virtio_scsi *d = bf_alloc(sizeof *d);
    enum bf_err err;
    *controller = NULL;
    if (!d)
        return BF_ERR_NO_MEMORY;
    err = bf_virtio_find(&d->virtio, pci);
    if (err) { // nothing was touched
        bf_free(d);
        return err;
    }
    bf_pending_init(&d->pending, pci, COMMANDS);
    bf_recovery_init(&d->recovery, &recovery_ops, d, pci, "virtio-scsi");
    err = bring_up(d, pci);
    if (err) {
        scsi_shut(d);
        return err;
    }
    *controller = d;
    return BF_OK;
}

static enum bf_err look(struct unit *unit, struct bf_source_disk *out)
{
    struct bf_scsi_carrier carrier = {.ask = ask, .impl = unit};
    struct bf_block_geometry *g = &out->geometry;
    uint32_t most;
    enum bf_err err;
    memset(g, 0, sizeof *g);
    err = bf_scsi_look(&carrier, g, &out->identity);
    if (!err)
        err = bf_scsi_notes(&carrier, &out->notes);
    if (err)
        return err;
    if (g->block_size < BF_BLOCK_MIN)
        return BF_ERR_UNSUPPORTED;
    most = unit->d->max_bytes / g->block_size;
    if (!g->max_blocks || g->max_blocks > most)
        g->max_blocks = most;
    g->preferred_blocks = g->max_blocks;
    g->alignment = 1;
    g->depth = unit->d->depth;
    unit->block_size = g->block_size;
    return bf_block_geometry_check(g);
}

static enum bf_err scsi_disk(void *controller, uint64_t number, struct bf_source_disk *out)
{
    struct virtio_scsi *d = controller;
    uint64_t target = number >> 16 & UINT16_MAX, lun = number & UINT16_MAX;
    struct unit *unit;
    enum bf_err err;
    if ((number & ~(uint64_t)UINT32_MAX) != BF_UNIT_SCSI || target > UINT8_MAX ||
        lun > BF_SCSI_LUN_MAX)
        return BF_ERR_NOT_FOUND;
    unit = bf_alloc(sizeof *unit);
    if (!unit)
        return BF_ERR_NO_MEMORY;
    unit->d = d;
    unit->lun = bf_vscsi_lun((uint8_t)target, (uint16_t)lun);
    err = look(unit, out);
    if (err) {
        unit_close(unit);
        return err;
    }
    out->ops = &block_ops;
    out->impl = unit;
    return BF_OK;
}

const struct bf_controller_ops bf_virtio_scsi = {.driver = "virtio-scsi",
                                                 .serves = scsi_serves,
                                                 .open = scsi_open,
                                                 .disk = scsi_disk,
                                                 .units = scsi_units,
                                                 .close = scsi_shut};
