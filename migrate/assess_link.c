// SPDX-License-Identifier: Apache-2.0
// The connection of an assessment: greets without an inventory, keeps the link busy for a while,
// says what was found, and hears how fast the bytes came (docs/protocol.md).
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "migrate/assess_parts.h"

enum {
    LINK_US = 10000000,
    WELCOME_US = 10000000,
    ANSWER_US = 30000000,  // of the server, when everything was sent
    FAREWELL_US = 5000000, // for the last BYE to leave
    FRAMES_PER_TURN = 16,
};

enum bf_err bf_assess_connect(struct bf_assess *a, struct bf_fault *fault)
{
    const struct bf_connector *c = &a->config.connector;
    BF_ASSERT(a->link == BF_TALK_NONE);
    enum bf_err err =
        c->open(c->impl, a->attempt++, &a->stream, a->view.server, sizeof a->view.server, fault);
    if (err && !fault->code)
        bf_fault_set(fault, err, BF_SIDE_NETWORK, "check the network",
                     "no connection to the server (%s)", bf_err_name(err));
    if (err)
        return err;
    bf_channel_attach(&a->channel, a->stream, a->now_us);
    bf_limit_init(&a->channel.limit, a->config.config->limit, a->now_us);
    a->link = BF_TALK_OPENING;
    memset(&a->view.link, 0, sizeof a->view.link);
    return BF_OK;
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
    a->link = BF_TALK_GREETED;
    a->until_us = a->now_us + WELCOME_US;
    a->moved = 1;
}

static void on_welcome(struct bf_assess *a, const struct bf_frame *f)
{
    struct bf_welcome w;
    if (a->link != BF_TALK_GREETED || bf_get_welcome(f, &w) || !(w.caps & BF_CAP_ASSESS)) {
        bf_channel_fail(&a->channel, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                        "use the same version of Bootferry on both sides",
                        "the server's answer is not one to an assessment");
        return;
    }
    a->link = BF_TALK_FILLING;
    a->until_us = a->now_us + LINK_US;
}

static void on_assessed(struct bf_assess *a, const struct bf_frame *f)
{
    struct bf_bye bye = {1};
    uint8_t *room = bf_channel_room(&a->channel, 64);
    if (a->link != BF_TALK_ASKED || bf_get_assessed(f, &a->view.link)) {
        bf_channel_fail(&a->channel, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                        "use the same version of Bootferry on both sides",
                        "the server's answer to the assessment cannot be understood");
        return;
    }
    bf_copy_time(&a->view.estimate, &a->view.found, a->view.link.link);
    if (room)
        bf_channel_put(&a->channel, bf_put_bye(room, 64, &bye));
    a->link = BF_TALK_OVER;
    a->until_us = a->now_us + FAREWELL_US;
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
    for (int i = 0; i < FRAMES_PER_TURN && !a->channel.failed && a->link > BF_TALK_OPENING; i++) {
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
    BF_ASSERT(a->link == BF_TALK_FILLING);
    if (bf_channel_body_busy(&a->channel))
        return;
    int over = a->now_us >= a->until_us;
    uint8_t *room = bf_channel_room(&a->channel, over ? BF_ASSESS_OUT_BYTES : BF_FRAME_HEADER);
    if (!room)
        return;
    a->moved = 1;
    if (over) {
        bf_channel_put(&a->channel, bf_put_assessment(room, BF_ASSESS_OUT_BYTES, &a->view.found));
        a->link = BF_TALK_ASKED;
        a->until_us = a->now_us + ANSWER_US;
        return;
    }
    bf_channel_put(&a->channel, bf_put_fill_head(room, BF_FRAME_HEADER, BF_ASSESS_FILL_BYTES));
    bf_channel_body(&a->channel, a->fill, BF_ASSESS_FILL_BYTES);
}

// An answer that does not come. Servers that do not know assessments wait for more.
static void check_time(struct bf_assess *a)
{
    if (a->now_us < a->until_us)
        return;
    if (a->link == BF_TALK_GREETED)
        bf_channel_fail(&a->channel, BF_ERR_VERSION, BF_SIDE_SERVER, "update the server",
                        "the server does not answer to an assessment");
    else if (a->link == BF_TALK_ASKED)
        bf_channel_fail(&a->channel, BF_ERR_TIMEOUT, BF_SIDE_SERVER, "look at the server's log",
                        "the server has not taken the assessment in time");
}

enum bf_err bf_assess_talk(struct bf_assess *a)
{
    BF_ASSERT(a->link != BF_TALK_NONE);
    a->moved |= (uint8_t)bf_channel_poll(&a->channel, a->now_us);
    if (!a->channel.failed && a->link == BF_TALK_OPENING)
        greet(a);
    frames(a);
    if (!a->channel.failed && a->link == BF_TALK_FILLING)
        fill(a);
    if (!a->channel.failed && a->link > BF_TALK_OPENING)
        check_time(a);
    if (a->link == BF_TALK_OVER)
        return a->channel.failed || bf_channel_drained(&a->channel) || a->now_us >= a->until_us
                   ? BF_OK
                   : BF_AGAIN;
    if (!a->channel.failed && a->channel.ended)
        bf_channel_fail(&a->channel, BF_ERR_CLOSED, BF_SIDE_SERVER, "look at the server's log",
                        "the server closed the connection");
    return a->channel.failed ? a->channel.failed : BF_AGAIN;
}

void bf_assess_hang_up(struct bf_assess *a)
{
    if (a->link != BF_TALK_NONE)
        a->stream.ops->close(a->stream.impl);
    a->channel.body = NULL;
    a->link = BF_TALK_NONE;
}
