// SPDX-License-Identifier: Apache-2.0
// What the server says: the plan, and what it answers while disks are copied and sealed.
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "migrate/remote/parts.h"

enum { FRAMES_PER_TURN = 64 };

// ---- Opening -----------------------------------------------------------------------------------

static void on_welcome(struct bf_remote *r, const struct bf_frame *f)
{
    static const uint8_t none[16];
    struct bf_welcome w;
    int same;
    if (bf_get_welcome(f, &w) || r->welcome.version) {
        bf_remote_bad_frame(r, "WELCOME");
        return;
    }
    same = memcmp(w.session, r->session, sizeof w.session) == 0;
    if (w.resumed && (!same || memcmp(r->session, none, sizeof none) == 0)) {
        bf_remote_bad_frame(r, "it resumed a session that is not ours");
        return;
    }
    r->welcome = w;
    r->caps = w.caps & (BF_CAP_LZ4 | BF_CAP_ZSTD);
    memcpy(r->session, w.session, sizeof r->session);
}

// Most data in a frame. One that takes longer than a connection lives would never arrive, so
// connections that are lost one after another make frames shorter. A limit keeps them to a second,
// which is what a checkpoint, an answer or a good-bye has to wait.
static uint32_t frame_bytes(const struct bf_remote *r)
{
    uint32_t bytes = BF_DATA_MAX >> r->caution;
    uint64_t limit = r->channel.limit.rate;
    return limit && limit < bytes ? (uint32_t)limit : bytes;
}

static void open_store(struct bf_remote *r)
{
    BF_ASSERT(r->state == BF_REMOTE_GREETED && r->opened.disks);
    BF_ASSERT(!r->range.count && !r->lent); // nothing of the connection before
    r->opened.store = (struct bf_store){&bf_remote_ops, r};
    r->opened.write_bytes = frame_bytes(r);
    bf_ladder_init(&r->ladder, r->config.compression, r->caps);
    bf_ladder_processors(&r->ladder, r->workers->count + 1);
    r->state = BF_REMOTE_OPEN;
}

static void on_plan(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_planned_disk *p = &r->opened.plan[r->opened.disks];
    const char *unsound;
    if (!r->welcome.version || r->opened.disks == BF_PROTO_DISKS_MAX || bf_get_plan(f, p)) {
        bf_remote_bad_frame(r, "PLAN");
        return;
    }
    r->opened.resumed = r->welcome.resumed;
    r->opened.can =
        BF_STORE_BASE | BF_STORE_POINTS | BF_STORE_CLEAR | BF_STORE_RESUME | BF_STORE_VERIFY;
    unsound = r->config.unsound(r->config.user, &r->opened, r->opened.disks);
    if (unsound) {
        bf_fault_set(&r->unfit, BF_ERR_MISMATCH, BF_SIDE_SERVER, "look at the server's log",
                     "the server's plan does not fit this machine: %s", unsound);
        return;
    }
    r->durable[r->opened.disks++] = p->resume_chunk;
    if (r->opened.disks == p->disks)
        open_store(r);
}

// ---- Later -------------------------------------------------------------------------------------

static void on_base(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_base_run run;
    if (bf_get_base(f, &run) || !bf_remote_base_run(r, &run))
        bf_remote_bad_frame(r, "BASE");
}

static void on_durable(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_checkpoint m;
    int index;
    if (bf_get_checkpoint(f, &m) || (index = bf_store_index(&r->opened, m.disk)) < 0 ||
        m.next_chunk > bf_geometry_chunks(&r->opened.plan[index].geometry)) {
        bf_remote_bad_frame(r, "DURABLE");
        return;
    }
    r->durable[index] = m.next_chunk;
}

static void on_need(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_need m;
    int index;
    uint64_t chunks;
    if (bf_get_need(f, &m) || r->needs == BF_NEED_MAX ||
        (index = bf_store_index(&r->opened, m.disk)) < 0) {
        bf_remote_bad_frame(r, "NEED");
        return;
    }
    chunks = bf_geometry_chunks(&r->opened.plan[index].geometry);
    if (m.first > chunks || m.count > chunks - m.first) {
        bf_remote_bad_frame(r, "NEED beyond the end of the disk");
        return;
    }
    BF_ASSERT(!r->need_at); // nobody takes them before the last has come
    r->need[r->needs++] = m;
    if (!m.more)
        r->state = BF_REMOTE_REPAIRING;
}

static void on_verifying(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_verifying m;
    if (bf_get_verifying(f, &m) || bf_store_index(&r->opened, m.disk) < 0)
        bf_remote_bad_frame(r, "VERIFYING");
    else
        r->verifying = m;
}

static void on_pace(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_pace m;
    if (bf_get_pace(f, &m))
        bf_remote_bad_frame(r, "PACE");
    else
        bf_ladder_peer(&r->ladder, m.waited);
}

static void on_committed(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_bye bye = {1};
    struct bf_committed m;
    uint8_t *room = bf_channel_room(&r->channel, 64);
    if (bf_get_committed(f, &m) || !bf_digest_equal(&m.point_root, &r->point_root)) {
        bf_remote_bad_frame(r, "COMMITTED");
        return;
    }
    r->committed = m;
    if (room)
        bf_channel_put(&r->channel, bf_put_bye(room, 64, &bye));
    r->state = BF_REMOTE_SEALED;
}

static void on_fault(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_fault fault;
    if (bf_get_fault(f, &fault)) {
        bf_remote_bad_frame(r, "FAULT");
        return;
    }
    // What is stored does not fit what was read: only another complete reading can end in a point.
    if (fault.code == BF_ERR_CORRUPT)
        bf_remote_forget_session(r);
    bf_channel_fail(&r->channel, fault.code, fault.side, fault.todo, "%s", fault.what);
}

static void on_bye(struct bf_remote *r, const struct bf_frame *f)
{
    struct bf_bye bye;
    if (bf_get_bye(f, &bye))
        bf_remote_bad_frame(r, "BYE");
    else
        bf_channel_fail(&r->channel, BF_ERR_CLOSED, BF_SIDE_SERVER, "look at the server's log",
                        "the server ended the session too early");
}

typedef void handler(struct bf_remote *r, const struct bf_frame *f);

// Which frame is allowed in which state, and who deals with it. What answers BASE_WANT, CHECKPOINT
// and ranges may be late: the copy goes on meanwhile, with the next disk or with COMMIT.
static const struct {
    uint16_t type;
    uint8_t from, to; // states, both included
    handler *handle;
} table[] = {
    {BF_MSG_WELCOME, BF_REMOTE_GREETED, BF_REMOTE_GREETED, on_welcome},
    {BF_MSG_PLAN, BF_REMOTE_GREETED, BF_REMOTE_GREETED, on_plan},
    {BF_MSG_BASE, BF_REMOTE_OPEN, BF_REMOTE_REPAIRING, on_base},
    {BF_MSG_DURABLE, BF_REMOTE_OPEN, BF_REMOTE_REPAIRING, on_durable},
    {BF_MSG_NEED, BF_REMOTE_SEALING, BF_REMOTE_SEALING, on_need},
    {BF_MSG_PACE, BF_REMOTE_OPEN, BF_REMOTE_REPAIRING, on_pace},
    {BF_MSG_VERIFYING, BF_REMOTE_SEALING, BF_REMOTE_SEALING, on_verifying},
    {BF_MSG_COMMITTED, BF_REMOTE_SEALING, BF_REMOTE_SEALING, on_committed},
    {BF_MSG_FAULT, BF_REMOTE_GREETED, BF_REMOTE_REPAIRING, on_fault},
    {BF_MSG_BYE, BF_REMOTE_GREETED, BF_REMOTE_REPAIRING, on_bye},
};

static void on_frame(struct bf_remote *r, const struct bf_frame *f)
{
    int known = 0;
    for (size_t i = 0; i < BF_COUNT(table); i++) {
        if (table[i].type != f->type)
            continue;
        known = 1;
        if ((unsigned)r->state >= table[i].from && (unsigned)r->state <= table[i].to) {
            table[i].handle(r, f);
            return;
        }
    }
    if (known || !(f->flags & BF_FRAME_OPTIONAL))
        bf_remote_bad_frame(r, known ? "a message out of place" : "an unknown message");
}

void bf_remote_frames(struct bf_remote *r)
{
    struct bf_frame frame;
    for (int i = 0; i < FRAMES_PER_TURN && r->state < BF_REMOTE_SEALED && !r->unfit.code; i++) {
        if (r->channel.failed || bf_channel_next(&r->channel, &frame))
            return;
        on_frame(r, &frame);
        r->moved = 1;
        bf_channel_done(&r->channel);
    }
}
