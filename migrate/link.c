// SPDX-License-Identifier: Apache-2.0
// Frames over a stream, see migrate/link.h. A frame larger than what was read ahead is read to its
// exact end, so that large ones are never moved within the buffer; only small leftovers are.
#include "migrate/link.h"

#include <stdarg.h>
#include <string.h>

#include "base/fmt.h"
#include "base/mem.h"

enum {
    READ_AHEAD = 65536,     // bytes taken at once when no large frame is under way
    STEP_MOST_US = 1000000, // silence that one turn of the loop can add
    CONTROL_RESERVE = 4096, // room kept for PING and PONG
};

enum bf_err bf_link_init(struct bf_link *link, size_t in_size, size_t out_size, enum bf_side peer)
{
    memset(link, 0, sizeof *link);
    link->peer = bf_side_name(peer);
    link->peer_side = peer;
    link->in_size = in_size + READ_AHEAD;
    link->out_size = out_size + CONTROL_RESERVE;
    link->in = bf_alloc(link->in_size);
    link->out = bf_alloc(link->out_size);
    if (link->in && link->out)
        return BF_OK;
    bf_link_free(link);
    return BF_ERR_NO_MEMORY;
}

void bf_link_free(struct bf_link *link)
{
    bf_free(link->in);
    bf_free(link->out);
    link->in = link->out = NULL;
}

void bf_link_attach(struct bf_link *link, struct bf_stream stream, uint64_t now_us)
{
    link->stream = stream;
    link->failed = BF_OK;
    link->ended = 0;
    link->in_at = link->in_len = 0;
    link->out_len = link->out_sent = 0;
    link->body = NULL;
    link->polled_us = link->sent_us = now_us;
    link->silence_us = 0;
    link->patience_ms = BF_DEAD_MS;
}

enum bf_err bf_link_fail(struct bf_link *link, enum bf_err err, enum bf_side side, const char *todo,
                         const char *format, ...)
{
    char what[sizeof link->fault.what];
    va_list args;
    if (link->failed)
        return link->failed;
    va_start(args, format);
    bf_vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return link->failed = bf_fault_set(&link->fault, err, side, todo, "%s", what);
}

static void fail_from_stream(struct bf_link *link)
{
    const struct bf_fault *fault = link->stream.ops->fault(link->stream.impl);
    if (link->failed)
        return;
    if (fault && fault->code) {
        link->fault = *fault;
        link->failed = fault->code;
        return;
    }
    bf_link_fail(link, BF_ERR_NETWORK, BF_SIDE_NETWORK, "look at the network between the two",
                 "the connection to the %s broke", link->peer);
}

// One write of what is next: bytes before the body, the body, bytes after it.
static int write_some(struct bf_link *link)
{
    int in_body = link->body && link->out_sent == link->body_at;
    const uint8_t *from = in_body ? link->body + link->body_sent : link->out + link->out_sent;
    size_t end = link->body ? link->body_at : link->out_len, done = 0;
    size_t len = in_body ? link->body_len - link->body_sent : end - link->out_sent;
    enum bf_err err;
    len = bf_limit_allows(&link->limit, len);
    if (!len)
        return 0;
    err = link->stream.ops->write(link->stream.impl, from, len, &done);
    if (err && err != BF_AGAIN) {
        fail_from_stream(link);
        return 0;
    }
    if (err || !done)
        return 0;
    link->bytes_out += done;
    bf_limit_take(&link->limit, done);
    if (in_body)
        link->body_sent += done;
    else
        link->out_sent += done;
    if (link->body && link->body_sent == link->body_len)
        link->body = NULL;
    if (!link->body && link->out_sent == link->out_len)
        link->out_sent = link->out_len = 0;
    return 1;
}

static int send(struct bf_link *link, uint64_t now_us)
{
    int moved = 0;
    while (!link->failed && write_some(link))
        moved = 1;
    if (moved)
        link->sent_us = now_us;
    return moved;
}

// Bytes that the frame at the front still lacks; 0 when it is complete, or hopeless.
static size_t missing(const struct bf_link *link)
{
    struct bf_frame frame;
    size_t need, have = link->in_len - link->in_at;
    return bf_frame_parse(link->in + link->in_at, have, &frame, &need) == BF_AGAIN ? need - have
                                                                                   : 0;
}

static void make_room(struct bf_link *link, size_t len)
{
    if (link->in_at == link->in_len)
        link->in_at = link->in_len = 0;
    if (len <= link->in_size - link->in_len)
        return;
    memmove(link->in, link->in + link->in_at, link->in_len - link->in_at);
    link->in_len -= link->in_at;
    link->in_at = 0;
}

static int read_some(struct bf_link *link)
{
    size_t want = missing(link), got = 0;
    enum bf_err err;
    if (!want)
        return 0;
    if (want < READ_AHEAD)
        want = READ_AHEAD;
    make_room(link, want);
    if (want > link->in_size - link->in_len)
        want = link->in_size - link->in_len;
    err = link->stream.ops->read(link->stream.impl, link->in + link->in_len, want, &got);
    if (err == BF_ERR_CLOSED) {
        link->ended = 1;
        return 0;
    }
    if (err && err != BF_AGAIN)
        fail_from_stream(link);
    if (err || !got)
        return 0;
    link->in_len += got;
    link->bytes_in += got;
    return 1;
}

static int receive(struct bf_link *link, uint64_t passed_us)
{
    int moved = 0;
    if (link->ended || !missing(link)) {
        link->silence_us = 0; // not listening
        return 0;
    }
    while (!link->failed && !link->ended && read_some(link))
        moved = 1;
    if (moved)
        link->silence_us = 0;
    else
        link->silence_us += passed_us < STEP_MOST_US ? passed_us : STEP_MOST_US;
    if (link->silence_us > (uint64_t)link->patience_ms * 1000)
        bf_link_fail(link, BF_ERR_TIMEOUT, BF_SIDE_NETWORK, "look at the network between the two",
                     "nothing was heard from the %s for %u seconds", link->peer,
                     link->patience_ms / 1000);
    return moved;
}

static void keep_alive(struct bf_link *link, uint64_t now_us)
{
    if (link->out_len != link->out_sent || link->body ||
        now_us - link->sent_us < (uint64_t)BF_HEARTBEAT_MS * 1000)
        return;
    bf_link_put(link, bf_put_ping(link->out + link->out_len, link->out_size - link->out_len,
                                  BF_MSG_PING, now_us));
    send(link, now_us);
}

int bf_link_poll(struct bf_link *link, uint64_t now_us)
{
    uint64_t passed = now_us - link->polled_us;
    enum bf_stream_state state;
    int moved;
    if (link->failed)
        return 0;
    link->polled_us = now_us;
    bf_limit_refill(&link->limit, now_us);
    link->stream.ops->poll(link->stream.impl);
    state = link->stream.ops->state(link->stream.impl);
    if (state == BF_STREAM_OPENING)
        return 0;
    moved = state == BF_STREAM_OPEN ? send(link, now_us) : 0;
    moved |= receive(link, passed);
    // What the peer had to say before it went is worth more than the failed connection.
    if (state == BF_STREAM_FAILED && !moved && missing(link))
        fail_from_stream(link);
    if (state == BF_STREAM_OPEN)
        keep_alive(link, now_us);
    return moved;
}

// Frames that concern nobody else. Returns 1 when the frame was one.
static int handle_here(struct bf_link *link, const struct bf_frame *frame)
{
    uint64_t echo;
    if (frame->type == BF_MSG_PING || frame->type == BF_MSG_PONG) {
        if (bf_get_ping(frame, &echo))
            return 0;
        // An answer is a courtesy: without room the peer hears from us anyway.
        if (frame->type == BF_MSG_PING && link->out_size - link->out_len >= 64)
            bf_link_put(link, bf_put_ping(link->out + link->out_len, 64, BF_MSG_PONG, echo));
        return 1;
    }
    return 0;
}

enum bf_err bf_link_next(struct bf_link *link, struct bf_frame *frame)
{
    size_t need;
    for (;;) {
        enum bf_err err =
            bf_frame_parse(link->in + link->in_at, link->in_len - link->in_at, frame, &need);
        if (err == BF_AGAIN && need > link->in_size - READ_AHEAD)
            err = BF_ERR_PROTOCOL;
        if (err == BF_ERR_PROTOCOL)
            return bf_link_fail(link, err, link->peer_side, "use the same version on both sides",
                                "the %s sent a malformed frame", link->peer);
        if (err || !handle_here(link, frame))
            return err;
        bf_link_done(link);
    }
}

void bf_link_done(struct bf_link *link)
{
    struct bf_frame frame;
    size_t need = 0;
    if (bf_frame_parse(link->in + link->in_at, link->in_len - link->in_at, &frame, &need) == BF_OK)
        link->in_at += need;
}

uint8_t *bf_link_room(struct bf_link *link, size_t len)
{
    size_t used = link->out_len + CONTROL_RESERVE;
    if (used > link->out_size || len > link->out_size - used)
        return NULL;
    return link->out + link->out_len;
}

void bf_link_put(struct bf_link *link, size_t len)
{
    if (!len)
        bf_link_fail(link, BF_ERR_RANGE, BF_SIDE_NONE, "report this as a defect",
                     "a message to the %s could not be written", link->peer);
    link->out_len += len;
}

void bf_link_body(struct bf_link *link, const void *body, size_t len)
{
    link->body = body;
    link->body_len = len;
    link->body_sent = 0;
    link->body_at = link->out_len;
}

int bf_link_body_busy(const struct bf_link *link)
{
    return link->body != NULL;
}

int bf_link_drained(const struct bf_link *link)
{
    return !link->body && link->out_sent == link->out_len &&
           link->stream.ops->unsent(link->stream.impl) == 0;
}
