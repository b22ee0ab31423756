// SPDX-License-Identifier: Apache-2.0
// The sending end: the copy pipeline (migrate/copy/copy.h) over a replica server
// (migrate/remote/remote.h), the attempts to reach it, and the end. A connection that fails is
// followed by another, with growing pauses, as long as the failure is one that time may cure; the
// session and what is durable in it stay.
#include "migrate/sender.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "migrate/copy/copy.h"
#include "migrate/rate.h"
#include "migrate/remote/remote.h"
#include "migrate/workers.h"

enum {
    MEMORY_DEFAULT = 9 * 1024 * 1024,
    MEMORY_WORKER = 3584 * 1024, // more for each: what it reads from, writes to and works with
    PAUSE_FIRST_US = 500000,
    PAUSE_MOST_US = 10000000,
    OPENING_US = 600000000, // the connector has deadlines of its own; this one is for its defects
    FAREWELL_US = 5000000,
    STABLE_BYTES = 16 * 1024 * 1024, // after which a connection counts as a good one
    CAUTION_MAX = 5,
    SETBACKS_MAX = 3,
    READINGS_MORE = 2,
};

enum sender_state {
    SENDER_CONNECT,  // asks the connector for a stream
    SENDER_OPENING,  // the stream is on its way
    SENDER_GREETED,  // the server's plan is awaited
    SENDER_COPY,     // the pipeline works, up to the point
    SENDER_FAREWELL, // BYE or FAULT is on its way out
    SENDER_WAIT,     // until the next attempt
    SENDER_OVER,
};

struct bf_sender {
    struct bf_sender_config config;
    enum sender_state state;
    enum bf_err outcome;
    struct bf_fault fault;
    struct bf_progress progress;
    struct bf_rate rate, wire_rate; // of the position on the disks, and of the bytes sent
    struct bf_copy *copy;
    struct bf_remote *remote;
    struct bf_workers none;
    uint64_t now_us;
    uint8_t moved, cancelled, has_stream;
    uint8_t welcomed; // on this connection

    struct bf_stream stream;
    uint32_t attempt;
    uint32_t failures;  // since something became durable: back-off
    uint32_t caution;   // connections lost young: frames are halved so often
    uint32_t setbacks;  // failures among them that time alone does not cure
    uint32_t readings;  // complete ones begun again because what was stored did not fit
    uint32_t durables;  // of this connection, seen so far
    uint64_t absent_us; // since when no server has welcomed us
    uint64_t wait_until_us, ends_us;

    enum bf_waiting waiting; // for what the last turn ended in waiting
    uint64_t ticked_us;
};

// ---- Making ------------------------------------------------------------------------------------

// A look at the disks takes long: the connection stays alive, and whoever runs the sender does the
// rest.
static int meanwhile(void *user, uint64_t now_us)
{
    struct bf_sender *s = user;
    s->now_us = now_us;
    if (s->has_stream)
        bf_remote_stay_alive(s->remote, now_us);
    if (s->config.meanwhile)
        s->config.meanwhile(s->config.user);
    return s->cancelled;
}

static const char *plan_is_unsound(void *user, const struct bf_store_opened *opened, uint16_t i)
{
    const struct bf_sender *s = user;
    return bf_copy_plan_is_unsound(s->copy, opened, i);
}

static struct bf_copy *make_copy(struct bf_sender *s, struct bf_workers *workers)
{
    struct bf_copy_config config = {
        .inventory = s->config.inventory,
        .disks = s->config.disks,
        .workers = workers,
        .copy_all = s->config.copy_all,
        .copy_all_why = s->config.copy_all_why ? s->config.copy_all_why : "copy=all",
        .places = s->config.places,
        .map_errors = s->config.map_errors,
        .clock = s->config.clock,
        .meanwhile = meanwhile,
        .user = s,
        .progress = &s->progress,
    };
    return bf_copy_new(&config);
}

static struct bf_remote *make_remote(struct bf_sender *s, struct bf_workers *workers)
{
    struct bf_remote_config config = {
        .inventory = s->config.inventory,
        .workers = workers,
        .compression = s->config.compression,
        .limit = s->config.limit,
        .clock = s->config.clock,
        .program = s->config.program,
        .unsound = plan_is_unsound,
        .user = s,
    };
    memcpy(config.boot, s->config.boot, sizeof config.boot);
    return bf_remote_new(&config, s->now_us);
}

static int allocate(struct bf_sender *s)
{
    struct bf_workers *workers = s->config.workers ? s->config.workers : &s->none;
    uint32_t memory = s->config.buffer_bytes ? s->config.buffer_bytes : MEMORY_DEFAULT;
    struct bf_mem_usage before, after;
    bf_workers_init(&s->none);
    bf_mem_usage(&before);
    s->copy = make_copy(s, workers);
    s->remote = make_remote(s, workers);
    if (!s->copy || !s->remote)
        return 0;
    memory += workers->count * MEMORY_WORKER;
    bf_mem_usage(&after);
    // The rest of the allowance is for reading.
    uint64_t used = after.in_use - before.in_use;
    return bf_copy_read_with(s->copy, used < memory ? memory - (uint32_t)used : 0) == BF_OK;
}

struct bf_sender *bf_sender_new(const struct bf_sender_config *config, uint64_t now_us)
{
    struct bf_sender *s = bf_alloc_aligned(sizeof *s, _Alignof(struct bf_sender));
    if (!s)
        return NULL;
    s->config = *config;
    s->now_us = s->absent_us = s->ticked_us = now_us;
    s->progress.eta_seconds = UINT64_MAX;
    s->progress.started_us = now_us;
    if (allocate(s)) {
        s->progress.limit = bf_remote_channel(s->remote)->limit.rate;
        return s;
    }
    bf_sender_free(s);
    return NULL;
}

static void drop_stream(struct bf_sender *s)
{
    if (s->has_stream) {
        bf_remote_detach(s->remote);
        s->stream.ops->close(s->stream.impl);
    }
    s->has_stream = 0;
}

void bf_sender_free(struct bf_sender *s)
{
    if (!s)
        return;
    drop_stream(s);
    // What a worker does not let go of stays where it is, like what a device does not.
    if (!bf_copy_free(s->copy))
        return;
    bf_remote_free(s->remote);
    bf_free(s);
}

const struct bf_progress *bf_sender_progress(const struct bf_sender *s)
{
    return &s->progress;
}

const struct bf_fault *bf_sender_fault(const struct bf_sender *s)
{
    return &s->fault;
}

void bf_sender_cancel(struct bf_sender *s)
{
    s->cancelled = 1;
}

// ---- Ending ------------------------------------------------------------------------------------

static void over(struct bf_sender *s)
{
    BF_ASSERT(s->state != SENDER_OVER);
    drop_stream(s);
    bf_copy_stop(s->copy);
    s->state = SENDER_OVER;
    s->progress.phase = s->outcome ? BF_PHASE_FAILED : BF_PHASE_DONE;
}

static void say_farewell(struct bf_sender *s)
{
    BF_ASSERT(s->has_stream && s->state > SENDER_OPENING && s->state < SENDER_FAREWELL);
    s->state = SENDER_FAREWELL;
    s->ends_us = s->now_us + FAREWELL_US;
}

// Ends for good: tells the server, when it can, and fails with the fault.
static void give_up(struct bf_sender *s, const struct bf_fault *fault)
{
    int greeted = s->has_stream && s->state > SENDER_OPENING && s->state < SENDER_WAIT;
    BF_ASSERT(fault->code && s->state != SENDER_FAREWELL);
    s->fault = *fault;
    s->outcome = fault->code;
    bf_copy_stop(s->copy);
    // A frame whose body is only half sent comes first; the data itself is ours until then.
    if (greeted && bf_remote_give_up(s->remote, &s->fault))
        say_farewell(s);
    else
        over(s);
}

static uint64_t pause_us(struct bf_sender *s)
{
    uint64_t pause = PAUSE_MOST_US;
    uint32_t noise = 0;
    if (s->failures < 5)
        pause = (uint64_t)PAUSE_FIRST_US << s->failures;
    if (pause > PAUSE_MOST_US)
        pause = PAUSE_MOST_US;
    // A quarter of it is chance, so that many sources do not come back together.
    if (bf_platform_entropy(&noise, sizeof noise))
        noise = 0;
    return pause - pause / 4 + noise % (pause / 4 + 1);
}

static int may_pass(struct bf_sender *s, enum bf_err code)
{
    if (bf_err_is_transient(code))
        return 1;
    switch (code) {
    case BF_ERR_CORRUPT: // everything is read again, which is not done without end
        return s->readings++ < READINGS_MORE;
    case BF_ERR_PROTOCOL: // bytes changed under way, as long as it does not happen always
    case BF_ERR_IO:
    case BF_ERR_NO_MEMORY:
    case BF_ERR_LIMIT:
        return s->setbacks++ < SETBACKS_MAX;
    default:
        return 0;
    }
}

static void attempt_failed(struct bf_sender *s, const struct bf_fault *fault)
{
    struct bf_fault kept = *fault;
    uint64_t limit;
    BF_ASSERT(fault->code && s->state < SENDER_FAREWELL);
    if (s->welcomed) {
        s->absent_us = s->now_us;
        s->caution = s->caution < CAUTION_MAX ? s->caution + 1 : CAUTION_MAX;
    }
    s->welcomed = 0;
    limit = s->config.retry_us ? s->absent_us + s->config.retry_us : UINT64_MAX;
    drop_stream(s);
    bf_copy_stop(s->copy);
    s->progress.last_fault = kept;
    if (!may_pass(s, kept.code) || s->now_us >= limit) {
        s->fault = kept;
        s->outcome = kept.code;
        over(s);
        return;
    }
    bf_log(BF_LOG_WARNING, "%s; trying again", kept.what);
    s->wait_until_us = s->now_us + pause_us(s);
    if (s->wait_until_us > limit)
        s->wait_until_us = limit; // for the last attempt
    s->failures++;
    s->state = SENDER_WAIT;
    s->progress.phase = BF_PHASE_WAITING;
}

// Leaves the session and makes a new one, in which everything is read again.
static void begin_anew(struct bf_sender *s)
{
    BF_ASSERT(s->state == SENDER_COPY && s->welcomed);
    drop_stream(s);
    bf_copy_stop(s->copy);
    bf_remote_forget_session(s->remote);
    s->absent_us = s->wait_until_us = s->now_us;
    s->welcomed = 0;
    s->moved = 1;
    s->state = SENDER_WAIT;
    s->progress.phase = BF_PHASE_WAITING;
}

// ---- States ------------------------------------------------------------------------------------

static void connect(struct bf_sender *s)
{
    struct bf_connector *c = &s->config.connector;
    struct bf_fault fault = {0};
    enum bf_err err;
    BF_ASSERT(!s->has_stream && !s->welcomed);
    s->progress.phase = BF_PHASE_CONNECTING;
    err = c->open(c->impl, s->attempt++, &s->stream, s->progress.server, sizeof s->progress.server,
                  &fault);
    if (err) {
        if (!fault.code)
            bf_fault_set(&fault, err, BF_SIDE_NETWORK, "check the network",
                         "no connection to the server (%s)", bf_err_name(err));
        attempt_failed(s, &fault);
        return;
    }
    s->has_stream = 1;
    bf_remote_attach(s->remote, s->stream, s->caution, s->now_us);
    s->state = SENDER_OPENING;
    s->ends_us = s->now_us + OPENING_US;
    s->moved = 1;
}

static void opening(struct bf_sender *s)
{
    const struct bf_connector *c = &s->config.connector;
    if (s->stream.ops->state(s->stream.impl) == BF_STREAM_OPEN) {
        if (c->answered)
            c->answered(c->impl, s->progress.server, sizeof s->progress.server);
        if (c->kex)
            bf_snprintf(s->progress.kex, sizeof s->progress.kex, "%s", c->kex(c->impl));
        bf_remote_greet(s->remote);
        s->state = SENDER_GREETED;
        s->moved = 1;
    } else if (s->now_us >= s->ends_us)
        bf_channel_fail(bf_remote_channel(s->remote), BF_ERR_TIMEOUT, BF_SIDE_NETWORK,
                        "check the network", "the connection to the server was never complete");
}

// The server's answer came, or part of it.
static void greeted(struct bf_sender *s)
{
    const struct bf_store_opened *opened = bf_remote_opened(s->remote);
    BF_ASSERT(s->state == SENDER_GREETED && !s->welcomed);
    if (bf_remote_machine(s->remote)[0])
        bf_snprintf(s->progress.machine, sizeof s->progress.machine, "%s",
                    bf_remote_machine(s->remote));
    if (bf_remote_unfit(s->remote)->code) {
        give_up(s, bf_remote_unfit(s->remote));
    } else if (opened && s->config.refusal) {
        give_up(s, s->config.refusal);
    } else if (opened) {
        bf_copy_begin(s->copy, opened, s->now_us);
        s->waiting = BF_WAIT_DISK;
        s->ticked_us = s->now_us;
        s->progress.connections++;
        s->welcomed = 1;
        s->durables = 0;
        s->state = SENDER_COPY;
    }
}

// What the time until the next turn goes into. A turn that did something is followed by another one
// at once, so that time is a processor's, even when a frame is on its way out. Where it is
// the loop's own, and sending more made it worse, compression goes back (migrate/remote/ladder.h).
static enum bf_waiting awaited(const struct bf_sender *s)
{
    if (s->moved)
        return BF_WAIT_PROCESSOR;
    if (bf_remote_is_sending(s->remote))
        return BF_WAIT_LINK;
    return bf_workers_quiet(s->config.workers ? s->config.workers : &s->none) ? BF_WAIT_DISK
                                                                              : BF_WAIT_PROCESSOR;
}

// More became durable: the failures until now were no hindrance, and neither is this connection.
static void note_durable(struct bf_sender *s)
{
    BF_ASSERT(bf_copy_durables(s->copy) >= s->durables);
    if (bf_copy_got_on(s->copy))
        s->failures = s->setbacks = 0;
    if (bf_copy_durables(s->copy) != s->durables && bf_remote_sent_here(s->remote) > STABLE_BYTES)
        s->caution = 0;
    s->durables = bf_copy_durables(s->copy);
}

static void copying(struct bf_sender *s)
{
    enum bf_err err;
    if (bf_copy_is_reading(s->copy)) {
        bf_remote_spent(s->remote, s->now_us - s->ticked_us, s->waiting);
        s->ticked_us = s->now_us;
    }
    err = bf_copy_step(s->copy, s->now_us);
    s->moved |= (uint8_t)bf_copy_moved(s->copy);
    note_durable(s);
    if (err == BF_OK) {
        s->outcome = BF_OK;
        say_farewell(s);
    } else if (err != BF_AGAIN && !bf_remote_channel(s->remote)->failed) {
        give_up(s, bf_copy_fault(s->copy));
    } else if (bf_copy_wants_anew(s->copy)) {
        begin_anew(s);
    }
    s->waiting = awaited(s);
}

static void farewell(struct bf_sender *s)
{
    const struct bf_channel *channel = bf_remote_channel(s->remote);
    if (channel->failed || channel->ended || bf_channel_drained(channel) || s->now_us >= s->ends_us)
        over(s);
}

static void waiting(struct bf_sender *s)
{
    if (s->now_us >= s->wait_until_us && bf_copy_drain(s->copy))
        s->state = SENDER_CONNECT;
}

static void connected_states(struct bf_sender *s)
{
    struct bf_channel *channel = bf_remote_channel(s->remote);
    s->moved |= (uint8_t)bf_remote_poll(s->remote, s->now_us);
    s->progress.sent_bytes = bf_remote_sent(s->remote);
    if (s->state == SENDER_FAREWELL) {
        farewell(s);
        return;
    }
    if (!channel->failed && s->state == SENDER_GREETED)
        greeted(s);
    else if (!channel->failed && s->state == SENDER_OPENING)
        opening(s);
    if (!channel->failed && s->state == SENDER_COPY)
        copying(s);
    if (!s->has_stream || s->state == SENDER_FAREWELL)
        return;
    if (!channel->failed && channel->ended)
        bf_channel_fail(channel, BF_ERR_CLOSED, BF_SIDE_SERVER, "look at the server's log",
                        "the server closed the connection");
    if (channel->failed)
        attempt_failed(s, &channel->fault);
}

static uint64_t time_left(const struct bf_sender *s, uint64_t position)
{
    const struct bf_progress *p = &s->progress;
    struct bf_outlook pace = {.left = p->bytes_total - position,
                              .rate = p->rate,
                              .done = position,
                              .wire = p->sent_bytes,
                              .wire_rate = bf_rate_per_second(&s->wire_rate),
                              // TLS, TCP and IP take their part (migrate/limit.h).
                              .wire_most = p->limit - p->limit / 33};
    return bf_eta_seconds(&pace);
}

static void update_progress(struct bf_sender *s)
{
    struct bf_progress *p = &s->progress;
    uint64_t position = 0;
    for (uint16_t i = 0; i < p->disks; i++)
        position += p->disk[i].position;
    BF_ASSERT(position <= p->bytes_total);
    p->bytes_position = position;
    bf_rate_update(&s->rate, s->now_us, position);
    p->rate = bf_rate_per_second(&s->rate);
    bf_rate_update(&s->wire_rate, s->now_us, p->sent_bytes);
    p->eta_seconds = time_left(s, position);
    p->unreadable_bytes = 0;
    for (uint16_t i = 0; i < p->disks; i++)
        p->unreadable_bytes += p->disk[i].unreadable;
}

static void cancel(struct bf_sender *s)
{
    struct bf_fault fault;
    s->cancelled = 0;
    bf_fault_set(&fault, BF_ERR_CANCELLED, BF_SIDE_SOURCE, "start it again", "it was cancelled");
    if (s->state != SENDER_FAREWELL)
        give_up(s, &fault);
}

enum bf_err bf_sender_step(struct bf_sender *s, uint64_t now_us, int *idle)
{
    *idle = 1;
    if (s->state == SENDER_OVER)
        return s->outcome;
    BF_ASSERT(now_us >= s->now_us);
    BF_ASSERT(s->has_stream == (s->state >= SENDER_OPENING && s->state <= SENDER_FAREWELL));
    s->now_us = now_us;
    s->moved = 0;
    s->progress.looking.step[0] = 0;
    if (s->cancelled)
        cancel(s);
    // Reads of a connection that is gone are still to be collected.
    bf_copy_drain(s->copy);
    if (s->state == SENDER_WAIT)
        waiting(s);
    if (s->state == SENDER_CONNECT)
        connect(s);
    else if (s->has_stream)
        connected_states(s);
    update_progress(s);
    BF_ASSERT(s->state != SENDER_OVER || s->outcome != BF_AGAIN);
    *idle = !s->moved && s->state != SENDER_OVER;
    return s->state == SENDER_OVER ? s->outcome : BF_AGAIN;
}
