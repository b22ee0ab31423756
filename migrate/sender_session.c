// SPDX-License-Identifier: Apache-2.0
// The sender's conversation: greeting, plans, and what the server says while disks are copied. The
// server is believed about its own store and about nothing else: its plans must fit our disks.
#include <string.h>

#include "base/fmt.h"
#include "migrate/sender_parts.h"

enum { FAREWELL_US = 5000000, FRAMES_PER_TURN = 64 };

void bf_sender_greet(struct bf_sender *s)
{
    struct bf_hello hello = {.version_min = BF_PROTO_VERSION_MIN,
                             .version_max = BF_PROTO_VERSION_MAX,
                             .caps = BF_CAP_LZ4 | BF_CAP_ZSTD};
    size_t most = 128 * 1024;
    uint8_t *room;
    memcpy(hello.boot, s->config.boot, sizeof hello.boot);
    memcpy(hello.session, s->session, sizeof hello.session);
    hello.clock = s->config.clock ? s->config.clock() : 0;
    bf_snprintf(hello.program, sizeof hello.program, "%s",
                s->config.program ? s->config.program : "");
    room = bf_link_room(&s->link, BF_SMALL_FRAME);
    if (room)
        bf_link_put(&s->link, bf_put_hello(room, BF_SMALL_FRAME, &hello));
    room = bf_link_room(&s->link, most);
    if (room)
        bf_link_put(&s->link, bf_put_inventory(room, most, s->config.inventory));
    bf_sender_tell_unseen(s);
    s->plans = 0;
    s->greeted_bytes = s->link.bytes_out;
    s->needs = s->need_at = s->needs_complete = 0;
    bf_sender_base_forget(s);
    s->asleep_told = 0;
    s->busy_ms = BF_DEAD_MS;
    memset(&s->welcome, 0, sizeof s->welcome);
    s->state = BF_SENDER_WELCOME;
    s->moved = 1;
}

static int find_disk(const struct bf_sender *s, uint16_t number)
{
    for (uint16_t i = 0; i < s->plans; i++)
        if (s->disk[i].plan.disk == number)
            return i;
    return -1;
}

// ---- Opening -----------------------------------------------------------------------------------

static void on_welcome(struct bf_sender *s, const struct bf_frame *f)
{
    static const uint8_t none[16];
    struct bf_welcome w;
    int same;
    if (bf_get_welcome(f, &w) || s->welcome.version) {
        bf_sender_bad_frame(s, "WELCOME");
        return;
    }
    same = memcmp(w.session, s->session, sizeof w.session) == 0;
    if (w.resumed && (!same || memcmp(s->session, none, sizeof none) == 0)) {
        bf_sender_bad_frame(s, "it resumed a session that is not ours");
        return;
    }
    s->welcome = w;
    s->feed.left_out &= w.resumed;
    s->caps = w.caps & (BF_CAP_LZ4 | BF_CAP_ZSTD);
    memcpy(s->session, w.session, sizeof s->session);
    bf_snprintf(s->progress.machine, sizeof s->progress.machine, "%s", w.name);
}

static const char *plan_is_unsound(const struct bf_sender *s, const struct bf_plan *p)
{
    const struct bf_inventory *inv = s->config.inventory;
    if (p->disks != s->disks || s->plans >= s->disks)
        return "another number of disks than were planned";
    if (s->plans && p->disk <= s->disk[s->plans - 1].plan.disk)
        return "disks out of order";
    if (p->inventory_disk >= inv->disks || !inv->disk[p->inventory_disk].planned ||
        !s->config.disks[p->inventory_disk])
        return "a disk that is not planned";
    if (p->geometry.disk_bytes != bf_source_bytes(s->config.disks[p->inventory_disk]) ||
        p->geometry.block_size != s->config.disks[p->inventory_disk]->geometry.block_size)
        return "a disk of another size";
    for (uint16_t i = 0; i < s->plans; i++)
        if (s->disk[i].plan.inventory_disk == p->inventory_disk)
            return "a disk twice";
    if (p->resume_chunk && !s->welcome.resumed)
        return "a point of resumption in a new session";
    return NULL;
}

static void on_plan(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_plan p;
    struct bf_sender_disk *d;
    const char *unsound;
    if (!s->welcome.version || bf_get_plan(f, &p)) {
        bf_sender_bad_frame(s, "PLAN");
        return;
    }
    unsound = plan_is_unsound(s, &p);
    if (unsound) {
        struct bf_fault fault;
        bf_fault_set(&fault, BF_ERR_MISMATCH, BF_SIDE_SERVER, "look at the server's log",
                     "the server's plan does not fit this machine: %s", unsound);
        bf_sender_give_up(s, &fault);
        return;
    }
    d = &s->disk[s->plans++];
    if (d->plan.inventory_disk != p.inventory_disk) {
        d->done = 0;
        d->furthest = 0;
    }
    d->plan = p;
    d->told = 0;
    d->source = s->config.disks[p.inventory_disk];
    d->progress = &s->progress.disk[p.inventory_disk];
    if (s->plans == s->disks && s->config.refusal)
        bf_sender_give_up(s, s->config.refusal);
    else if (s->plans == s->disks)
        bf_sender_begin_copy(s);
}

// ---- Later -------------------------------------------------------------------------------------

static void on_base(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_base_run run;
    if (bf_get_base(f, &run) || !bf_sender_base_run(s, &run))
        bf_sender_bad_frame(s, "BASE");
}

static void on_durable(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_checkpoint m;
    int index;
    if (bf_get_checkpoint(f, &m) || (index = find_disk(s, m.disk)) < 0 ||
        m.next_chunk > bf_geometry_chunks(&s->disk[index].plan.geometry)) {
        bf_sender_bad_frame(s, "DURABLE");
        return;
    }
    bf_sender_durable(s, (uint16_t)index, m.next_chunk);
}

static void on_need(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_need m;
    int index;
    uint64_t chunks;
    if (bf_get_need(f, &m) || s->needs_complete || s->needs == BF_NEED_MAX ||
        (index = find_disk(s, m.disk)) < 0) {
        bf_sender_bad_frame(s, "NEED");
        return;
    }
    chunks = bf_geometry_chunks(&s->disk[index].plan.geometry);
    if (m.first > chunks || m.count > chunks - m.first) {
        bf_sender_bad_frame(s, "NEED beyond the end of the disk");
        return;
    }
    m.disk = (uint16_t)index;
    s->need[s->needs++] = m;
    if (m.more)
        return;
    s->needs_complete = 1;
    s->state = BF_SENDER_REPAIR;
    s->progress.phase = BF_PHASE_REPAIRING;
}

static void on_verifying(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_verifying m;
    int index;
    if (bf_get_verifying(f, &m) || (index = find_disk(s, m.disk)) < 0) {
        bf_sender_bad_frame(s, "VERIFYING");
        return;
    }
    for (int i = 0; i < index; i++)
        s->disk[i].progress->verified = s->disk[i].progress->bytes;
    s->disk[index].progress->verified =
        m.done < s->disk[index].progress->bytes ? m.done : s->disk[index].progress->bytes;
}

static void on_pace(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_pace m;
    if (bf_get_pace(f, &m))
        bf_sender_bad_frame(s, "PACE");
    else
        bf_adapt_peer(&s->adapt, m.waited);
}

static void on_committed(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_bye bye = {1};
    struct bf_committed m;
    uint8_t *room = bf_link_room(&s->link, 64);
    if (bf_get_committed(f, &m) || !bf_digest_equal(&m.point_root, &s->point_root)) {
        bf_sender_bad_frame(s, "COMMITTED");
        return;
    }
    for (uint16_t i = 0; i < s->disks; i++)
        s->disk[i].progress->verified = s->disk[i].progress->durable = s->disk[i].progress->bytes;
    s->progress.point = m.point;
    s->progress.point_root = m.point_root;
    s->progress.committed_us = s->now_us;
    if (room)
        bf_link_put(&s->link, bf_put_bye(room, 64, &bye));
    s->outcome = BF_OK;
    s->state = BF_SENDER_FAREWELL;
    s->ends_us = s->now_us + FAREWELL_US;
}

static void on_fault(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_fault fault;
    if (bf_get_fault(f, &fault)) {
        bf_sender_bad_frame(s, "FAULT");
        return;
    }
    // What is stored does not fit what was read: only another complete reading can end in a point.
    if (fault.code == BF_ERR_CORRUPT)
        memset(s->session, 0, sizeof s->session);
    bf_link_fail(&s->link, fault.code, fault.side, fault.todo, "%s", fault.what);
}

static void on_bye(struct bf_sender *s, const struct bf_frame *f)
{
    struct bf_bye bye;
    if (bf_get_bye(f, &bye))
        bf_sender_bad_frame(s, "BYE");
    else
        bf_link_fail(&s->link, BF_ERR_CLOSED, BF_SIDE_SERVER, "look at the server's log",
                     "the server said good-bye before the end");
}

typedef void handler(struct bf_sender *s, const struct bf_frame *f);

// Which frame is allowed in which state, and who deals with it. What answers BASE_WANT, CHECKPOINT
// and ranges may be late: the copy goes on meanwhile, with the next disk or with COMMIT.
static const struct {
    uint16_t type;
    uint8_t from, to; // states, both included
    handler *handle;
} table[] = {
    {BF_MSG_WELCOME, BF_SENDER_WELCOME, BF_SENDER_WELCOME, on_welcome},
    {BF_MSG_PLAN, BF_SENDER_WELCOME, BF_SENDER_WELCOME, on_plan},
    {BF_MSG_BASE, BF_SENDER_COPY, BF_SENDER_REPAIR, on_base},
    {BF_MSG_DURABLE, BF_SENDER_COPY, BF_SENDER_REPAIR, on_durable},
    {BF_MSG_NEED, BF_SENDER_COMMIT, BF_SENDER_COMMIT, on_need},
    {BF_MSG_PACE, BF_SENDER_COPY, BF_SENDER_REPAIR, on_pace},
    {BF_MSG_VERIFYING, BF_SENDER_COMMIT, BF_SENDER_COMMIT, on_verifying},
    {BF_MSG_COMMITTED, BF_SENDER_COMMIT, BF_SENDER_COMMIT, on_committed},
    {BF_MSG_FAULT, BF_SENDER_WELCOME, BF_SENDER_REPAIR, on_fault},
    {BF_MSG_BYE, BF_SENDER_WELCOME, BF_SENDER_REPAIR, on_bye},
};

static void on_frame(struct bf_sender *s, const struct bf_frame *f)
{
    int known = 0;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].type != f->type)
            continue;
        known = 1;
        if ((unsigned)s->state >= table[i].from && (unsigned)s->state <= table[i].to) {
            table[i].handle(s, f);
            return;
        }
    }
    if (known || !(f->flags & BF_FRAME_OPTIONAL))
        bf_sender_bad_frame(s, known ? "a message out of place" : "an unknown message");
}

void bf_sender_frames(struct bf_sender *s)
{
    struct bf_frame frame;
    for (int i = 0; i < FRAMES_PER_TURN && s->state < BF_SENDER_FAREWELL; i++) {
        if (s->link.failed || bf_link_next(&s->link, &frame))
            return;
        on_frame(s, &frame);
        s->moved = 1;
        bf_link_done(&s->link);
    }
}
