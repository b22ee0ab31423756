// SPDX-License-Identifier: Apache-2.0
// The sending end: its states, its attempts and its end. A connection that fails is followed by
// another, with growing pauses, as long as the failure is one that time may cure; the session and
// what is durable in it stay.
#include "migrate/sender.h"

#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "migrate/sender_parts.h"

enum {
    IN_BYTES = BF_FRAME_HEADER + 64 + BF_BASE_ENTRIES_MAX * 32,
    OUT_BYTES = 256 * 1024,
    MEMORY_DEFAULT = 9 * 1024 * 1024,
    MEMORY_WORKER = 3584 * 1024, // more for each: what it reads from, writes to and works with
    PAUSE_FIRST_US = 500000,
    PAUSE_MOST_US = 10000000,
    OPENING_US = 600000000, // the connector has deadlines of its own; this one is for its defects
    FAREWELL_US = 5000000,
    CAUTION_MAX = 5,
    SETBACKS_MAX = 3,
    READINGS_MORE = 2,
};

// ---- Making ------------------------------------------------------------------------------------

static void count_disks(struct bf_sender *s)
{
    const struct bf_inventory *inv = s->config.inventory;
    s->progress.disks = inv->disks;
    for (uint16_t i = 0; i < inv->disks; i++) {
        struct bf_progress_disk *p = &s->progress.disk[i];
        p->bytes = inv->disk[i].identity.bytes;
        p->planned = inv->disk[i].planned;
        if (!p->planned)
            continue;
        s->disks++;
        s->progress.bytes_total += p->bytes;
    }
}

static int allocate(struct bf_sender *s)
{
    uint32_t workers = s->config.workers ? s->config.workers->count : 0;
    uint32_t memory = s->config.buffer_bytes ? s->config.buffer_bytes : MEMORY_DEFAULT;
    struct bf_mem_usage before, after;
    bf_mem_usage(&before);
    s->disk = bf_alloc((s->disks ? s->disks : 1) * sizeof *s->disk);
    s->mark = bf_alloc(BF_MARKS * sizeof *s->mark);
    s->base_state = bf_alloc(BF_BASE_WINDOW);
    s->base_digest = bf_alloc(BF_BASE_WINDOW * sizeof *s->base_digest);
    if (!s->disk || !s->mark || !s->base_state || !s->base_digest || !bf_sender_work_init(s) ||
        bf_link_init(&s->link, IN_BYTES, OUT_BYTES, BF_SIDE_SERVER))
        return 0;
    memory += workers * MEMORY_WORKER;
    bf_mem_usage(&after);
    // The rest of the allowance is for reading.
    uint64_t used = after.in_use - before.in_use;
    if (bf_feed_init(&s->feed, used < memory ? memory - (uint32_t)used : 0))
        return 0;
    s->feed.ahead = workers;
    return 1;
}

struct bf_sender *bf_sender_new(const struct bf_sender_config *config, uint64_t now_us)
{
    struct bf_sender *s = bf_alloc_aligned(sizeof *s, _Alignof(struct bf_sender));
    if (!s)
        return NULL;
    s->config = *config;
    if (!s->config.copy_all_why)
        s->config.copy_all_why = "copy=all";
    s->now_us = s->absent_us = s->ticked_us = now_us;
    s->current = s->usage_of = BF_NO_DISK;
    s->progress.eta_seconds = UINT64_MAX;
    s->progress.started_us = now_us;
    count_disks(s);
    if (allocate(s)) {
        bf_limit_init(&s->link.limit, config->limit, now_us);
        s->progress.limit = s->link.limit.rate;
        s->feed.map_errors = config->map_errors;
        return s;
    }
    bf_sender_free(s);
    return NULL;
}

static void drop_stream(struct bf_sender *s)
{
    if (s->has_stream)
        s->link.stream.ops->close(s->link.stream.impl);
    s->has_stream = 0;
}

void bf_sender_free(struct bf_sender *s)
{
    if (!s)
        return;
    drop_stream(s);
    bf_usage_free(s->usage);
    bf_link_free(&s->link);
    bf_free(s->disk);
    bf_free(s->mark);
    bf_free(s->base_state);
    bf_free(s->base_digest);
    // What a worker does not let go of stays where it is, like what a device does not.
    if (!bf_sender_work_free(s)) {
        bf_feed_stop(&s->feed);
        return;
    }
    bf_feed_free(&s->feed);
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
    drop_stream(s);
    bf_sender_stop_span(s);
    s->state = BF_SENDER_OVER;
    s->progress.phase = s->outcome ? BF_PHASE_FAILED : BF_PHASE_DONE;
}

void bf_sender_give_up(struct bf_sender *s, const struct bf_fault *fault)
{
    uint8_t *room = NULL;
    s->fault = *fault;
    s->outcome = fault->code;
    bf_sender_stop_span(s);
    // A frame whose body is only half sent comes first; the data itself is ours until then.
    if (s->has_stream && !s->link.failed && s->state > BF_SENDER_OPENING)
        room = bf_link_room(&s->link, BF_SMALL_FRAME);
    if (!room) {
        over(s);
        return;
    }
    bf_link_put(&s->link, bf_put_fault(room, BF_SMALL_FRAME, fault));
    s->state = BF_SENDER_FAREWELL;
    s->ends_us = s->now_us + FAREWELL_US;
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
    if (s->welcomed) {
        s->absent_us = s->now_us;
        s->caution = s->caution < CAUTION_MAX ? s->caution + 1 : CAUTION_MAX;
    }
    s->welcomed = 0;
    limit = s->config.retry_us ? s->absent_us + s->config.retry_us : UINT64_MAX;
    drop_stream(s);
    bf_sender_stop_span(s);
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
    s->state = BF_SENDER_WAIT;
    s->progress.phase = BF_PHASE_WAITING;
}

void bf_sender_begin_again(struct bf_sender *s)
{
    drop_stream(s);
    bf_sender_stop_span(s);
    memset(s->session, 0, sizeof s->session);
    s->absent_us = s->wait_until_us = s->now_us;
    s->welcomed = 0;
    s->moved = 1;
    s->state = BF_SENDER_WAIT;
    s->progress.phase = BF_PHASE_WAITING;
}

void bf_sender_bad_frame(struct bf_sender *s, const char *what)
{
    bf_link_fail(&s->link, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                 "use the same version of Bootferry on both sides",
                 "the server broke the protocol: %s", what);
}

void bf_sender_stop_span(struct bf_sender *s)
{
    bf_feed_stop(&s->feed);
    bf_sender_work_stop(s);
    s->current = BF_NO_DISK;
    s->range.count = 0;
}

// ---- States ------------------------------------------------------------------------------------

static void connect(struct bf_sender *s)
{
    struct bf_connector *c = &s->config.connector;
    struct bf_fault fault = {0};
    struct bf_stream stream;
    enum bf_err err;
    s->progress.phase = BF_PHASE_CONNECTING;
    err = c->open(c->impl, s->attempt++, &stream, s->progress.server, sizeof s->progress.server,
                  &fault);
    if (err) {
        if (!fault.code)
            bf_fault_set(&fault, err, BF_SIDE_NETWORK, "look at the network",
                         "no connection to the server (%s)", bf_err_name(err));
        attempt_failed(s, &fault);
        return;
    }
    s->has_stream = 1;
    bf_link_attach(&s->link, stream, s->now_us);
    s->state = BF_SENDER_OPENING;
    s->ends_us = s->now_us + OPENING_US;
    s->moved = 1;
}

static void opening(struct bf_sender *s)
{
    const struct bf_stream *stream = &s->link.stream;
    if (stream->ops->state(stream->impl) == BF_STREAM_OPEN) {
        if (s->config.connector.answered)
            s->config.connector.answered(s->config.connector.impl, s->progress.server,
                                         sizeof s->progress.server);
        if (s->config.connector.kex)
            bf_snprintf(s->progress.kex, sizeof s->progress.kex, "%s",
                        s->config.connector.kex(s->config.connector.impl));
        bf_sender_greet(s);
    } else if (s->now_us >= s->ends_us)
        bf_link_fail(&s->link, BF_ERR_TIMEOUT, BF_SIDE_NETWORK, "look at the network",
                     "the connection to the server was never complete");
}

static void farewell(struct bf_sender *s)
{
    if (s->link.failed || s->link.ended || bf_link_drained(&s->link) || s->now_us >= s->ends_us)
        over(s);
}

static void waiting(struct bf_sender *s)
{
    if (s->now_us >= s->wait_until_us && bf_feed_quiet(&s->feed))
        s->state = BF_SENDER_CONNECT;
}

static void connected_states(struct bf_sender *s)
{
    s->moved |= (uint8_t)bf_link_poll(&s->link, s->now_us);
    s->progress.sent_bytes = s->link.bytes_out;
    if (s->state == BF_SENDER_FAREWELL) {
        farewell(s);
        return;
    }
    if (!s->link.failed && s->state > BF_SENDER_OPENING)
        bf_sender_frames(s);
    if (s->state == BF_SENDER_FAREWELL)
        return;
    if (!s->link.failed && s->state == BF_SENDER_OPENING)
        opening(s);
    else if (!s->link.failed && (s->state == BF_SENDER_COPY || s->state == BF_SENDER_REPAIR))
        bf_sender_copy_step(s);
    if (!s->link.failed && s->link.ended)
        bf_link_fail(&s->link, BF_ERR_CLOSED, BF_SIDE_SERVER, "look at the server's log",
                     "the server closed the connection");
    if (s->link.failed && s->state != BF_SENDER_FAREWELL)
        attempt_failed(s, &s->link.fault);
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
    p->bytes_position = position;
    bf_rate_update(&s->rate, s->now_us, position);
    p->rate = bf_rate_per_second(&s->rate);
    bf_rate_update(&s->wire_rate, s->now_us, p->sent_bytes);
    p->eta_seconds = time_left(s, position);
    p->read_bytes = s->feed.bytes_read;
    p->unreadable_bytes = 0;
    for (uint16_t i = 0; i < p->disks; i++)
        p->unreadable_bytes += p->disk[i].unreadable;
}

static void cancel(struct bf_sender *s)
{
    struct bf_fault fault;
    s->cancelled = 0;
    bf_fault_set(&fault, BF_ERR_CANCELLED, BF_SIDE_SOURCE, "start it again", "it was cancelled");
    if (s->state != BF_SENDER_FAREWELL)
        bf_sender_give_up(s, &fault);
}

enum bf_err bf_sender_step(struct bf_sender *s, uint64_t now_us, int *idle)
{
    int moved = 0;
    *idle = 1;
    if (s->state == BF_SENDER_OVER)
        return s->outcome;
    s->now_us = now_us;
    s->moved = 0;
    s->progress.looking.step[0] = 0;
    if (s->cancelled)
        cancel(s);
    // Reads of a connection that is gone are still to be collected.
    if (!bf_feed_quiet(&s->feed))
        bf_feed_poll(&s->feed, &moved);
    if (s->state == BF_SENDER_WAIT)
        waiting(s);
    if (s->state == BF_SENDER_CONNECT)
        connect(s);
    else if (s->has_stream)
        connected_states(s);
    update_progress(s);
    *idle = !s->moved && s->state != BF_SENDER_OVER;
    return s->state == BF_SENDER_OVER ? s->outcome : BF_AGAIN;
}
