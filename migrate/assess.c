// SPDX-License-Identifier: Apache-2.0
// See migrate/assess.h. Disks first, one after another, then the server: a connection that waits
// for half a minute of reading would only be in its way.
#include "migrate/assess.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "image/usage/choice.h"
#include "migrate/channel.h"
#include "migrate/gauge.h"
#include "migrate/unseen.h"

enum {
    DISKS_US = 20000000, // for all disks together
    DISK_US = 10000000,  // for one at most
    DISK_LEAST_US = 1000000,
    LINK_US = 10000000,
    ANSWER_US = 30000000, // of the server, when everything was sent
    WELCOME_US = 10000000,
    PAUSE_US = 5000000,
    FILL_BYTES = 256 * 1024,
    OUT_BYTES = 16384,
    FRAMES_PER_TURN = 16,
};

// Within a connection.
enum link_state { LINK_NONE, LINK_OPENING, LINK_GREETED, LINK_FILLING, LINK_ASKED, LINK_OVER };

struct bf_assess {
    struct bf_assess_config config;
    struct bf_assess_view view;
    struct bf_fault fault;
    enum bf_err outcome;
    uint64_t now_us, begun_us, until_us;
    uint8_t cancelled, looked, moved;

    struct bf_usage *usage;
    struct bf_usage_choice choice;
    struct bf_usage_watch watch;
    struct bf_gauge gauge;
    uint64_t compute_bytes, compute_us;

    struct bf_channel channel;
    enum link_state link;
    struct bf_stream stream;
    uint32_t attempt;
    uint8_t *fill; // zeros: TLS makes noise of them
};

const char *bf_assess_phase_name(enum bf_assess_phase phase)
{
    static const char *const names[] = {"maps", "disks", "connecting", "waiting",
                                        "link", "done",  "failed"};
    return names[phase];
}

const struct bf_assess_view *bf_assess_view(const struct bf_assess *a)
{
    return &a->view;
}

const struct bf_fault *bf_assess_fault(const struct bf_assess *a)
{
    return &a->fault;
}

void bf_assess_cancel(struct bf_assess *a)
{
    a->cancelled = 1;
}

static int watching(void *user, const struct bf_usage_look *look)
{
    struct bf_assess *a = user;
    if (a->config.looking && a->config.looking(a->config.user, look))
        a->cancelled = 1;
    return a->cancelled;
}

// ---- Making ------------------------------------------------------------------------------------

static void list_disks(struct bf_assess *a)
{
    const struct bf_inventory *inv = a->config.inventory;
    struct bf_assessment *found = &a->view.found;
    for (uint16_t i = 0; i < inv->disks; i++) {
        struct bf_assessed_disk *d = &found->disk[found->disks];
        if (!inv->disk[i].planned || !a->config.disks[i])
            continue;
        d->number = i;
        d->bytes = bf_source_bytes(a->config.disks[i]);
        bf_identity_text(d->name, sizeof d->name, &inv->disk[i].identity);
        found->disks++;
    }
    found->unseen = bf_unseen_unknown(inv);
    bf_unseen_list(found->unseen_list, sizeof found->unseen_list, inv);
}

struct bf_assess *bf_assess_new(const struct bf_assess_config *config)
{
    struct bf_assess *a = bf_alloc(sizeof *a);
    if (!a)
        return NULL;
    a->config = *config;
    a->outcome = BF_AGAIN;
    a->watch = (struct bf_usage_watch){watching, a};
    a->choice.whole = config->config->copy_all ? "copy=all" : NULL;
    a->choice.config = config->config;
    a->fill = bf_alloc(FILL_BYTES);
    if (!a->fill || bf_channel_init(&a->channel, BF_SMALL_FRAME, OUT_BYTES, BF_SIDE_SERVER)) {
        bf_free(a->fill);
        bf_free(a);
        return NULL;
    }
    list_disks(a);
    return a;
}

static void drop_stream(struct bf_assess *a)
{
    if (a->link != LINK_NONE)
        a->stream.ops->close(a->stream.impl);
    a->channel.body = NULL;
    a->link = LINK_NONE;
}

void bf_assess_free(struct bf_assess *a)
{
    if (!a)
        return;
    drop_stream(a);
    bf_gauge_end(&a->gauge);
    bf_usage_free(a->usage);
    bf_channel_free(&a->channel);
    bf_free(a->fill);
    bf_free(a);
}

static enum bf_err fail(struct bf_assess *a, const struct bf_fault *fault)
{
    BF_ASSERT(fault->code);
    a->fault = *fault;
    drop_stream(a);
    a->view.phase = BF_ASSESS_FAILED;
    return a->outcome = fault->code;
}

// ---- Disks -------------------------------------------------------------------------------------

static struct bf_source_disk *current(const struct bf_assess *a)
{
    BF_ASSERT(a->view.current < a->view.found.disks);
    return a->config.disks[a->view.found.disk[a->view.current].number];
}

static enum bf_err begin_disk(struct bf_assess *a)
{
    struct bf_fault fault;
    if (!a->looked) {
        a->looked = 1;
        a->usage = bf_usage_open(a->config.disks, a->config.inventory->disks, &a->watch);
        bf_usage_choose(a->usage, &a->choice);
    }
    if (bf_gauge_begin(&a->gauge, current(a), a->usage) == BF_OK)
        return BF_OK;
    bf_fault_set(&fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine at least 512 MiB",
                 "there is not enough memory");
    return fail(a, &fault);
}

// What the time of one disk may be: all have their turn within the time for all.
static uint64_t time_for_one(const struct bf_assess *a)
{
    uint64_t share = DISKS_US / a->view.found.disks;
    if (share > DISK_US)
        return DISK_US;
    return share < DISK_LEAST_US ? DISK_LEAST_US : share;
}

static void end_disk(struct bf_assess *a)
{
    struct bf_assessed_disk *d = &a->view.found.disk[a->view.current];
    const struct bf_gauge *g = &a->gauge;
    BF_ASSERT(g->used <= d->bytes && g->disk);
    d->used = g->used;
    d->rate = bf_gauge_rate(g);
    d->sampled = g->sampled;
    d->packed = g->packed;
    a->compute_bytes += g->sampled;
    a->compute_us += g->compute_us;
    if (g->errors)
        bf_log(BF_LOG_WARNING, "disk %u: %u of the reads that were timed failed", d->number,
               g->errors);
    bf_gauge_end(&a->gauge);
    a->view.current++;
    a->view.phase = BF_ASSESS_MAPS;
    if (a->view.current < a->view.found.disks)
        return;
    a->view.found.compute =
        a->compute_us ? a->compute_bytes * 1000000 / a->compute_us * a->config.processors : 0;
    a->view.phase = BF_ASSESS_CONNECTING;
    a->begun_us = a->now_us;
}

static void read_maps(struct bf_assess *a)
{
    if (!a->gauge.disk && begin_disk(a))
        return;
    a->moved = 1;
    enum bf_err err = bf_gauge_map(&a->gauge);
    a->view.found.disk[a->view.current].used = a->gauge.used;
    if (err == BF_OK)
        a->view.phase = BF_ASSESS_DISKS;
}

static void time_disk(struct bf_assess *a)
{
    int idle;
    enum bf_err err = bf_gauge_time(&a->gauge, a->now_us, time_for_one(a), &idle);
    a->moved |= !idle;
    a->view.found.disk[a->view.current].rate = bf_gauge_rate(&a->gauge);
    if (err == BF_OK)
        end_disk(a);
}

// ---- The server --------------------------------------------------------------------------------

static void attempt_failed(struct bf_assess *a, const struct bf_fault *why)
{
    struct bf_fault fault = *why;
    uint64_t retry = (uint64_t)a->config.config->retry_seconds * 1000000;
    drop_stream(a);
    a->view.last_fault = fault;
    if (!bf_err_is_transient(fault.code) || (retry && a->now_us - a->begun_us >= retry)) {
        fail(a, &fault);
        return;
    }
    bf_log(BF_LOG_WARNING, "%s; trying again", fault.what);
    a->until_us = a->now_us + PAUSE_US;
    a->view.phase = BF_ASSESS_WAITING;
}

static void connect(struct bf_assess *a)
{
    const struct bf_connector *c = &a->config.connector;
    struct bf_fault fault = {0};
    BF_ASSERT(a->link == LINK_NONE);
    a->moved = 1;
    enum bf_err err =
        c->open(c->impl, a->attempt++, &a->stream, a->view.server, sizeof a->view.server, &fault);
    if (err) {
        if (!fault.code)
            bf_fault_set(&fault, err, BF_SIDE_NETWORK, "check the network",
                         "no connection to the server (%s)", bf_err_name(err));
        attempt_failed(a, &fault);
        return;
    }
    bf_channel_attach(&a->channel, a->stream, a->now_us);
    bf_limit_init(&a->channel.limit, a->config.config->limit, a->now_us);
    a->link = LINK_OPENING;
    a->view.phase = BF_ASSESS_LINK;
    memset(&a->view.link, 0, sizeof a->view.link);
}

static void greet(struct bf_assess *a)
{
    const struct bf_connector *c = &a->config.connector;
    struct bf_hello hello = {.version_min = BF_PROTO_VERSION_MIN,
                             .version_max = BF_PROTO_VERSION_MAX,
                             .caps = BF_CAP_ASSESS};
    uint8_t *room = bf_channel_room(&a->channel, BF_SMALL_FRAME);
    if (a->stream.ops->state(a->stream.impl) != BF_STREAM_OPEN || !room)
        return;
    if (c->answered)
        c->answered(c->impl, a->view.server, sizeof a->view.server);
    memcpy(hello.boot, a->config.boot, sizeof hello.boot);
    hello.clock = a->config.clock ? a->config.clock() : 0;
    bf_snprintf(hello.program, sizeof hello.program, "%s", a->config.program);
    bf_channel_put(&a->channel, bf_put_hello(room, BF_SMALL_FRAME, &hello));
    a->link = LINK_GREETED;
    a->until_us = a->now_us + WELCOME_US;
    a->moved = 1;
}

static void on_welcome(struct bf_assess *a, const struct bf_frame *f)
{
    struct bf_welcome w;
    if (a->link != LINK_GREETED || bf_get_welcome(f, &w) || !(w.caps & BF_CAP_ASSESS)) {
        bf_channel_fail(&a->channel, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                        "use the same version of Bootferry on both sides",
                        "the server's answer is not one to an assessment");
        return;
    }
    a->link = LINK_FILLING;
    a->until_us = a->now_us + LINK_US;
}

static void on_assessed(struct bf_assess *a, const struct bf_frame *f)
{
    struct bf_bye bye = {1};
    uint8_t *room = bf_channel_room(&a->channel, 64);
    if (a->link != LINK_ASKED || bf_get_assessed(f, &a->view.link)) {
        bf_channel_fail(&a->channel, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                        "use the same version of Bootferry on both sides",
                        "the server's answer to the assessment cannot be understood");
        return;
    }
    bf_copy_time(&a->view.estimate, &a->view.found, a->view.link.link);
    if (room)
        bf_channel_put(&a->channel, bf_put_bye(room, 64, &bye));
    a->link = LINK_OVER;
    a->until_us = a->now_us + PAUSE_US;
}

static void on_frame(struct bf_assess *a, const struct bf_frame *f)
{
    struct bf_fault fault;
    if (f->type == BF_MSG_WELCOME)
        on_welcome(a, f);
    else if (f->type == BF_MSG_ASSESSED)
        on_assessed(a, f);
    else if (f->type == BF_MSG_FAULT && bf_get_fault(f, &fault) == BF_OK)
        bf_channel_fail(&a->channel, fault.code, fault.side, fault.todo, "%s", fault.what);
    else if (!(f->flags & BF_FRAME_OPTIONAL))
        bf_channel_fail(&a->channel, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                        "use the same version of Bootferry on both sides",
                        "the server broke the protocol of an assessment");
}

static void frames(struct bf_assess *a)
{
    struct bf_frame frame;
    for (int i = 0; i < FRAMES_PER_TURN && !a->channel.failed && a->link > LINK_OPENING; i++) {
        if (bf_channel_next(&a->channel, &frame))
            return;
        on_frame(a, &frame);
        a->moved = 1;
        bf_channel_done(&a->channel);
    }
}

// Keeps the link busy until its time is over, then says what was found.
static void fill(struct bf_assess *a)
{
    BF_ASSERT(a->link == LINK_FILLING);
    if (bf_channel_body_busy(&a->channel))
        return;
    int over = a->now_us >= a->until_us;
    uint8_t *room = bf_channel_room(&a->channel, over ? OUT_BYTES : BF_FRAME_HEADER);
    if (!room)
        return;
    a->moved = 1;
    if (over) {
        bf_channel_put(&a->channel, bf_put_assessment(room, OUT_BYTES, &a->view.found));
        a->link = LINK_ASKED;
        a->until_us = a->now_us + ANSWER_US;
        return;
    }
    bf_channel_put(&a->channel, bf_put_fill_head(room, BF_FRAME_HEADER, FILL_BYTES));
    bf_channel_body(&a->channel, a->fill, FILL_BYTES);
}

// An answer that does not come. Servers that do not know assessments wait for more.
static void check_time(struct bf_assess *a)
{
    if (a->now_us < a->until_us)
        return;
    if (a->link == LINK_GREETED)
        bf_channel_fail(&a->channel, BF_ERR_VERSION, BF_SIDE_SERVER, "update the server",
                        "the server does not answer to an assessment");
    else if (a->link == LINK_ASKED)
        bf_channel_fail(&a->channel, BF_ERR_TIMEOUT, BF_SIDE_SERVER, "look at the server's log",
                        "the server has not taken the assessment in time");
}

static void connected(struct bf_assess *a)
{
    a->moved |= (uint8_t)bf_channel_poll(&a->channel, a->now_us);
    if (!a->channel.failed && a->link == LINK_OPENING)
        greet(a);
    frames(a);
    if (!a->channel.failed && a->link == LINK_FILLING)
        fill(a);
    if (!a->channel.failed && a->link > LINK_OPENING)
        check_time(a);
    if (a->link == LINK_OVER) {
        if (!a->channel.failed && !bf_channel_drained(&a->channel) && a->now_us < a->until_us)
            return;
        drop_stream(a);
        a->view.phase = BF_ASSESS_DONE;
        a->outcome = BF_OK;
        return;
    }
    if (!a->channel.failed && a->channel.ended)
        bf_channel_fail(&a->channel, BF_ERR_CLOSED, BF_SIDE_SERVER, "look at the server's log",
                        "the server closed the connection");
    if (a->channel.failed)
        attempt_failed(a, &a->channel.fault);
}

// ---- Turns -------------------------------------------------------------------------------------

static void work(struct bf_assess *a)
{
    switch (a->view.phase) {
    case BF_ASSESS_MAPS:
        read_maps(a);
        break;
    case BF_ASSESS_DISKS:
        time_disk(a);
        break;
    case BF_ASSESS_WAITING:
        if (a->now_us >= a->until_us)
            a->view.phase = BF_ASSESS_CONNECTING;
        break;
    case BF_ASSESS_CONNECTING:
        connect(a);
        break;
    case BF_ASSESS_LINK:
        connected(a);
        break;
    case BF_ASSESS_DONE:
    case BF_ASSESS_FAILED:
        break;
    }
}

enum bf_err bf_assess_step(struct bf_assess *a, uint64_t now_us, int *idle)
{
    struct bf_fault fault;
    *idle = 1;
    if (a->outcome != BF_AGAIN)
        return a->outcome;
    BF_ASSERT(now_us >= a->now_us);
    a->now_us = now_us;
    a->moved = 0;
    if (!a->view.found.disks) {
        bf_fault_set(&fault, BF_ERR_NOT_FOUND, BF_SIDE_SOURCE,
                     "look at disk=", "there is no disk to assess");
        return fail(a, &fault);
    }
    if (!a->cancelled)
        work(a);
    if (a->cancelled && a->outcome == BF_AGAIN) {
        bf_fault_set(&fault, BF_ERR_CANCELLED, BF_SIDE_SOURCE, "start it again",
                     "it was cancelled");
        return fail(a, &fault);
    }
    *idle = !a->moved;
    return a->outcome;
}

void bf_assess_text(char *out, size_t size, const struct bf_assess_view *v)
{
    const struct bf_assessed_disk *d = &v->found.disk[v->current];
    char used[16], bytes[16];
    switch (v->phase) {
    case BF_ASSESS_MAPS:
        bf_human_bytes(used, sizeof used, d->used);
        bf_human_bytes(bytes, sizeof bytes, d->bytes);
        bf_snprintf(out, size, "looking what is used on disk %u: %s of %s so far", d->number, used,
                    bytes);
        return;
    case BF_ASSESS_DISKS:
        bf_human_bytes(used, sizeof used, d->rate);
        bf_snprintf(out, size, "timing disk %u: %s/s", d->number, used);
        return;
    case BF_ASSESS_CONNECTING:
        bf_snprintf(out, size, "connecting to %s", v->server);
        return;
    case BF_ASSESS_WAITING:
        bf_snprintf(out, size, "%s; trying again", v->last_fault.what);
        return;
    case BF_ASSESS_LINK:
        bf_snprintf(out, size, "timing the link to %s", v->server);
        return;
    case BF_ASSESS_DONE:
    case BF_ASSESS_FAILED:
        break;
    }
    bf_snprintf(out, size, "%s", "");
}
