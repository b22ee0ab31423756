// SPDX-License-Identifier: Apache-2.0
// The receiving end: its states, the opening of a session, and its end. What comes from the peer
// is judged here and in receiver_copy.c before the store sees it. Memory is about 3 MiB, and 100
// KiB for a peer without an identity, which can only enrol.
#include "migrate/receiver/receiver.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "migrate/receiver/parts.h"

enum {
    OUT_BYTES = 512 * 1024,
    STRANGER_BYTES = 16 * 1024, // of a frame, in or out, without an identity
    FRAMES_PER_TURN = 64,
};

static enum bf_err make_buffers(struct bf_receiver *r, int has_identity)
{
    r->raw = bf_alloc_aligned(has_identity ? BF_DATA_MAX : BF_CERTIFICATE_MAX, 64);
    if (!r->raw)
        return BF_ERR_NO_MEMORY;
    if (!has_identity) // no state in which there is data to decompress or to compare
        return bf_channel_init(&r->channel, STRANGER_BYTES, STRANGER_BYTES, BF_SIDE_SOURCE);
    r->digests = bf_alloc(BF_BASE_ENTRIES_MAX * sizeof *r->digests);
    r->decompressor = bf_decompressor_new();
    if (!r->digests || !r->decompressor)
        return BF_ERR_NO_MEMORY;
    return bf_channel_init(&r->channel, BF_FRAME_HEADER + BF_FRAME_PAYLOAD_MAX, OUT_BYTES,
                           BF_SIDE_SOURCE);
}

struct bf_receiver *bf_receiver_new(struct bf_stream stream, const struct bf_receiver_host *host,
                                    int has_identity, uint64_t now_us)
{
    struct bf_receiver *r = bf_alloc(sizeof *r);
    if (!r)
        return NULL;
    if (make_buffers(r, has_identity)) {
        bf_receiver_free(r);
        return NULL;
    }
    r->host = host;
    r->has_identity = has_identity != 0;
    r->outcome = BF_AGAIN;
    bf_channel_attach(&r->channel, stream, now_us);
    r->now_us = now_us;
    return r;
}

// A write that the store still holds lies in our memory.
static void let_go(struct bf_receiver *r)
{
    const struct bf_store *store = r->session ? &r->session->opened.store : NULL;
    if (r->write.held && store && store->ops->abort)
        store->ops->abort(store->impl, &r->fault);
}

void bf_receiver_free(struct bf_receiver *r)
{
    if (!r)
        return;
    let_go(r);
    bf_channel_free(&r->channel);
    bf_decompressor_free(r->decompressor);
    bf_free(r->raw);
    bf_free(r->digests);
    bf_free(r->session);
    bf_free(r->disk);
    bf_free(r);
}

const struct bf_fault *bf_receiver_fault(const struct bf_receiver *r)
{
    return &r->fault;
}

// ---- Opening -----------------------------------------------------------------------------------

static enum bf_err on_hello(struct bf_receiver *r, const struct bf_frame *f)
{
    if (bf_get_hello(f, &r->hello))
        return bf_receiver_bad_frame(r, "HELLO");
    if (r->hello.version_min > BF_PROTO_VERSION_MAX)
        return bf_receiver_refuse(r, BF_ERR_VERSION, BF_SIDE_SERVER, "update the server",
                                  "the source speaks protocol %u and later, the server up to %u",
                                  r->hello.version_min, BF_PROTO_VERSION_MAX);
    if (r->hello.caps & BF_CAP_ASSESS)
        return bf_receiver_begin_assessment(r);
    r->state = BF_RECEIVER_INVENTORY;
    return BF_OK;
}

static enum bf_err on_enrol(struct bf_receiver *r, const struct bf_frame *f)
{
    uint8_t *certificate = r->raw;
    struct bf_enrol request;
    struct bf_fault fault = {0};
    struct bf_enrolled answer = {certificate, BF_CERTIFICATE_MAX};
    size_t most = BF_CERTIFICATE_MAX + 64;
    uint8_t *room = bf_channel_room(&r->channel, most);
    enum bf_err err;
    if (r->has_identity || !r->host->enrol || bf_get_enrol(f, &request))
        return bf_receiver_bad_frame(r, "ENROL");
    if (!room)
        return BF_AGAIN;
    err = r->host->enrol(r->host->impl, &request, certificate, &answer.certificate_len, &fault);
    bf_wipe(request.key, sizeof request.key);
    if (err)
        return bf_receiver_fault_from_host(r, err, &fault);
    bf_channel_put(&r->channel, bf_put_enrolled(room, most, &answer));
    r->state = BF_RECEIVER_DONE;
    r->ends_us = r->now_us + BF_FAREWELL_US;
    return BF_OK;
}

// What the host answers must itself be sound: it decides what the engine will accept later.
static int session_is_sound(const struct bf_receiver_session *s, const struct bf_inventory *inv)
{
    if (!s->opened.disks || s->opened.disks > BF_PROTO_DISKS_MAX || !s->opened.store.ops)
        return 0;
    for (uint16_t i = 0; i < s->opened.disks; i++) {
        const struct bf_planned_disk *p = &s->opened.plan[i];
        if (p->disk >= BF_PROTO_DISKS_MAX || (i && p->disk <= s->opened.plan[i - 1].disk) ||
            p->inventory_disk >= inv->disks || bf_geometry_check(&p->geometry) ||
            p->geometry.disk_bytes != inv->disk[p->inventory_disk].identity.bytes ||
            p->resume_chunk > bf_geometry_chunks(&p->geometry))
            return 0;
    }
    return 1;
}

static enum bf_err open_session(struct bf_receiver *r, const struct bf_inventory *inventory)
{
    struct bf_receiver_session *s = r->session;
    struct bf_fault fault = {0};
    BF_ASSERT(r->state == BF_RECEIVER_INVENTORY && !r->disk);
    enum bf_err err = r->host->session(r->host->impl, &r->hello, inventory, s, &fault);
    if (err == BF_AGAIN)
        return err;
    if (err)
        return bf_receiver_fault_from_host(r, err, &fault);
    r->disk = bf_alloc(s->opened.disks * sizeof *r->disk);
    if (!r->disk)
        return bf_receiver_refuse(r, BF_ERR_NO_MEMORY, BF_SIDE_SERVER,
                                  "give the server more memory", "the server has no memory left");
    if (!session_is_sound(s, inventory))
        return bf_receiver_refuse(r, BF_ERR_RANGE, BF_SIDE_SERVER, "report this as a defect",
                                  "the server made an invalid plan");
    s->welcome.version =
        r->hello.version_max < BF_PROTO_VERSION_MAX ? r->hello.version_max : BF_PROTO_VERSION_MAX;
    s->welcome.caps = r->hello.caps & (BF_CAP_LZ4 | BF_CAP_ZSTD);
    for (uint16_t i = 0; i < s->opened.disks; i++) {
        struct bf_receiver_disk *d = &r->disk[i];
        d->next = d->told = s->opened.plan[i].resume_chunk;
        d->done = s->opened.plan[i].done;
        s->opened.plan[i].disks = s->opened.disks;
        bf_root_init(&d->root, &s->opened.plan[i].geometry);
    }
    r->state = BF_RECEIVER_PLANNING;
    return BF_OK;
}

static enum bf_err on_inventory(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_inventory *inventory;
    enum bf_err err;
    if (!r->has_identity)
        return bf_receiver_refuse(r, BF_ERR_AUTH, BF_SIDE_CONFIG,
                                  "make a medium for this machine with `bootferry media`",
                                  "a machine without a certificate may only enrol");
    inventory = bf_alloc(sizeof *inventory);
    if (!r->session)
        r->session = bf_alloc(sizeof *r->session);
    if (!inventory || !r->session)
        err = bf_receiver_refuse(r, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                                 "the server has no memory left");
    else if (bf_get_inventory(f, inventory))
        err = bf_receiver_bad_frame(r, "INVENTORY");
    else
        err = open_session(r, inventory);
    bf_free(inventory);
    return err;
}

static enum bf_err send_plan(struct bf_receiver *r)
{
    struct bf_receiver_session *s = r->session;
    size_t most = 256 + sizeof(struct bf_welcome);
    uint8_t *room = bf_channel_room(&r->channel, most);
    BF_ASSERT(r->planned < s->opened.disks);
    if (!room)
        return BF_AGAIN;
    r->moved = 1; // the next turn sends it
    if (r->planned == 0)
        bf_channel_put(&r->channel, bf_put_welcome(room, most, &s->welcome));
    for (; r->planned < s->opened.disks; r->planned++) {
        room = bf_channel_room(&r->channel, most);
        if (!room)
            return BF_AGAIN;
        bf_channel_put(&r->channel, bf_put_plan(room, most, &s->opened.plan[r->planned]));
    }
    r->state = BF_RECEIVER_RECEIVING;
    if (r->host->phase)
        r->host->phase(r->host->impl, "receiving");
    return BF_OK;
}

// ---- Frames ------------------------------------------------------------------------------------

static enum bf_err on_fault(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_fault fault;
    if (bf_get_fault(f, &fault))
        return bf_receiver_bad_frame(r, "FAULT");
    r->fault = fault;
    r->outcome = fault.code;
    r->state = BF_RECEIVER_OVER;
    return fault.code;
}

static enum bf_err on_bye(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_bye bye;
    if (bf_get_bye(f, &bye))
        return bf_receiver_bad_frame(r, "BYE");
    if (r->state == BF_RECEIVER_DONE) {
        r->outcome = BF_OK;
    } else {
        bf_fault_set(&r->fault, BF_ERR_CANCELLED, BF_SIDE_SOURCE, "start it again",
                     "the source disconnected before the end");
        r->outcome = BF_ERR_CANCELLED;
    }
    r->state = BF_RECEIVER_OVER;
    return r->outcome;
}

static enum bf_err on_event(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_event event;
    if (bf_get_event(f, &event))
        return bf_receiver_bad_frame(r, "EVENT");
    if (r->has_identity && r->host->event) // a stranger has no log to write to
        r->host->event(r->host->impl, event.level, event.text);
    return BF_OK;
}

static enum bf_err on_busy(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_busy busy;
    if (bf_get_busy(f, &busy))
        return bf_receiver_bad_frame(r, "BUSY");
    r->channel.patience_ms = busy.ms > BF_DEAD_MS ? busy.ms : BF_DEAD_MS;
    return BF_OK;
}

typedef enum bf_err handler(struct bf_receiver *r, const struct bf_frame *f);

// Which frame is allowed in which state, and who deals with it.
static const struct {
    uint16_t type;
    uint8_t from, to; // states, both included
    handler *handle;
} table[] = {
    {BF_MSG_HELLO, BF_RECEIVER_HELLO, BF_RECEIVER_HELLO, on_hello},
    {BF_MSG_ENROL, BF_RECEIVER_HELLO, BF_RECEIVER_INVENTORY, on_enrol},
    {BF_MSG_INVENTORY, BF_RECEIVER_INVENTORY, BF_RECEIVER_INVENTORY, on_inventory},
    {BF_MSG_FILL, BF_RECEIVER_ASSESSING, BF_RECEIVER_ASSESSING, bf_receiver_fill},
    {BF_MSG_ASSESSMENT, BF_RECEIVER_ASSESSING, BF_RECEIVER_ASSESSING, bf_receiver_assessment},
    {BF_MSG_BASE_WANT, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_base_want},
    {BF_MSG_DATA, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_data},
    {BF_MSG_RANGE, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_range},
    {BF_MSG_UNREADABLE, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_unreadable},
    {BF_MSG_UNSEEN, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_unseen},
    {BF_MSG_BOOT_ENTRY, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_boot_entry},
    {BF_MSG_PLACE, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_place},
    {BF_MSG_CHECKPOINT, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_checkpoint},
    {BF_MSG_DISK_DONE, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_disk_done},
    {BF_MSG_COMMIT, BF_RECEIVER_RECEIVING, BF_RECEIVER_RECEIVING, bf_receiver_commit},
    {BF_MSG_BUSY, BF_RECEIVER_INVENTORY, BF_RECEIVER_DONE, on_busy},
    {BF_MSG_EVENT, BF_RECEIVER_INVENTORY, BF_RECEIVER_DONE, on_event},
    {BF_MSG_FAULT, BF_RECEIVER_HELLO, BF_RECEIVER_DONE, on_fault},
    {BF_MSG_BYE, BF_RECEIVER_HELLO, BF_RECEIVER_DONE, on_bye},
};

static enum bf_err on_frame(struct bf_receiver *r, const struct bf_frame *f)
{
    int known = 0;
    for (size_t i = 0; i < BF_COUNT(table); i++) {
        if (table[i].type != f->type)
            continue;
        known = 1;
        if ((unsigned)r->state >= table[i].from && (unsigned)r->state <= table[i].to)
            return table[i].handle(r, f);
    }
    if (!known && (f->flags & BF_FRAME_OPTIONAL))
        return BF_OK;
    return bf_receiver_bad_frame(r, known ? "a message out of place" : "an unknown message");
}

static void frames(struct bf_receiver *r)
{
    struct bf_frame frame;
    for (int i = 0; i < FRAMES_PER_TURN && r->state <= BF_RECEIVER_DONE; i++) {
        enum bf_err err;
        if (r->state == BF_RECEIVER_PLANNING || bf_channel_next(&r->channel, &frame))
            return;
        err = on_frame(r, &frame);
        if (err == BF_AGAIN) {
            r->held = 1;
            return;
        }
        r->moved = 1;
        bf_channel_done(&r->channel);
    }
}

// ---- Turns -------------------------------------------------------------------------------------

static enum bf_err poll_store(struct bf_receiver *r)
{
    const struct bf_store *store = r->session ? &r->session->opened.store : NULL;
    enum bf_err err = BF_OK;
    if (store && r->state >= BF_RECEIVER_RECEIVING && r->state <= BF_RECEIVER_NEEDING)
        err = store->ops->poll(store->impl);
    return err ? bf_receiver_fault_from_store(r, err) : BF_OK;
}

static void work(struct bf_receiver *r)
{
    if (poll_store(r))
        return;
    switch (r->state) {
    case BF_RECEIVER_PLANNING:
        send_plan(r);
        break;
    case BF_RECEIVER_RECEIVING:
        bf_receiver_report_durable(r);
        bf_receiver_report_pace(r);
        bf_receiver_answer_base(r);
        break;
    case BF_RECEIVER_SEALING:
        bf_receiver_seal_step(r);
        break;
    case BF_RECEIVER_NEEDING:
        bf_receiver_need_step(r);
        break;
    default:
        break;
    }
}

// The host may end the connection at any time: revoked, superseded, stopping.
static void ask_leave(struct bf_receiver *r)
{
    struct bf_fault fault = {0};
    enum bf_err err = r->host->allowed ? r->host->allowed(r->host->impl, &fault) : BF_OK;
    if (err)
        bf_receiver_fault_from_host(r, err, &fault);
}

// The connection itself came to its end, one way or another.
static void connection_over(struct bf_receiver *r)
{
    BF_ASSERT(r->state != BF_RECEIVER_OVER);
    if (r->state == BF_RECEIVER_DONE) {
        r->outcome = BF_OK; // the answer was sent; that BYE did not come changes nothing
    } else if (r->state != BF_RECEIVER_FAILING) {
        bf_channel_fail(&r->channel, BF_ERR_CLOSED, BF_SIDE_NETWORK, "wait: the source tries again",
                        "the source closed the connection before the end");
        r->fault = r->channel.fault;
        r->outcome = r->channel.failed;
    }
    r->state = BF_RECEIVER_OVER;
}

static void check_end(struct bf_receiver *r)
{
    if (r->state == BF_RECEIVER_OVER)
        return;
    if (r->channel.failed || r->channel.ended)
        connection_over(r);
    else if (r->state == BF_RECEIVER_FAILING &&
             (bf_channel_drained(&r->channel) || r->now_us >= r->ends_us))
        r->state = BF_RECEIVER_OVER;
    else if (r->state == BF_RECEIVER_DONE && r->now_us >= r->ends_us)
        connection_over(r);
}

enum bf_err bf_receiver_step(struct bf_receiver *r, uint64_t now_us, int *idle)
{
    *idle = 1;
    if (r->state == BF_RECEIVER_OVER)
        return r->outcome;
    BF_ASSERT(now_us >= r->now_us);
    BF_ASSERT(r->state < BF_RECEIVER_PLANNING || r->state >= BF_RECEIVER_DONE ||
              (r->session && r->disk));
    r->pace_us[r->wait] += now_us - r->now_us;
    r->now_us = now_us;
    r->held = 0;
    r->moved = (uint8_t)bf_channel_poll(&r->channel, now_us);
    if (!r->channel.failed && r->state < BF_RECEIVER_FAILING)
        ask_leave(r);
    if (!r->channel.failed && r->state < BF_RECEIVER_FAILING)
        work(r);
    if (!r->channel.failed)
        frames(r);
    // A malformed frame is said to its sender, like everything else it does wrong.
    if (r->channel.failed == BF_ERR_PROTOCOL && r->state < BF_RECEIVER_FAILING) {
        r->channel.failed = BF_OK;
        bf_receiver_fail(r, &r->channel.fault);
    }
    check_end(r);
    r->wait = r->moved  ? BF_RECEIVER_WORKS
              : r->held ? BF_RECEIVER_WAITS_STORE
                        : BF_RECEIVER_WAITS_PEER;
    *idle = !r->moved;
    BF_ASSERT(r->state != BF_RECEIVER_OVER || r->outcome != BF_AGAIN);
    return r->state == BF_RECEIVER_OVER ? r->outcome : BF_AGAIN;
}
