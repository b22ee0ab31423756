// SPDX-License-Identifier: Apache-2.0
// Frames over a stream, see migrate/channel.h. A frame larger than what was read ahead is read to
// its exact end, so that large ones are never moved within the buffer; only small leftovers are.
#include "migrate/channel.h"

#include <stdarg.h>
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/mem.h"

enum {
    READ_AHEAD = 65536,     // bytes taken at once when no large frame is under way
    STEP_MOST_US = 1000000, // silence that one turn of the loop can add
    CONTROL_RESERVE = 4096, // room kept for PING and PONG
};

enum bf_err bf_channel_init(struct bf_channel *channel, size_t in_size, size_t out_size,
                            enum bf_side peer)
{
    memset(channel, 0, sizeof *channel);
    channel->peer = bf_side_name(peer);
    channel->peer_side = peer;
    channel->in_size = in_size + READ_AHEAD;
    channel->out_size = out_size + CONTROL_RESERVE;
    channel->in = bf_alloc(channel->in_size);
    channel->out = bf_alloc(channel->out_size);
    if (channel->in && channel->out)
        return BF_OK;
    bf_channel_free(channel);
    return BF_ERR_NO_MEMORY;
}

void bf_channel_free(struct bf_channel *channel)
{
    bf_free(channel->in);
    bf_free(channel->out);
    channel->in = channel->out = NULL;
}

void bf_channel_attach(struct bf_channel *channel, struct bf_stream stream, uint64_t now_us)
{
    channel->stream = stream;
    channel->failed = BF_OK;
    channel->ended = 0;
    channel->in_at = channel->in_len = 0;
    channel->out_len = channel->out_sent = 0;
    channel->body = NULL;
    channel->polled_us = channel->sent_us = now_us;
    channel->silence_us = 0;
    channel->patience_ms = BF_DEAD_MS;
}

enum bf_err bf_channel_fail(struct bf_channel *channel, enum bf_err err, enum bf_side side,
                            const char *todo, const char *format, ...)
{
    char what[sizeof channel->fault.what];
    va_list args;
    BF_ASSERT(err && err != BF_AGAIN);
    if (channel->failed)
        return channel->failed;
    va_start(args, format);
    bf_vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return channel->failed = bf_fault_set(&channel->fault, err, side, todo, "%s", what);
}

static void fail_from_stream(struct bf_channel *channel)
{
    const struct bf_fault *fault = channel->stream.ops->fault(channel->stream.impl);
    if (channel->failed)
        return;
    if (fault && fault->code) {
        channel->fault = *fault;
        channel->failed = fault->code;
        return;
    }
    bf_channel_fail(channel, BF_ERR_NETWORK, BF_SIDE_NETWORK,
                    "check the network between source and server", "the connection to the %s broke",
                    channel->peer);
}

// One write of what is next: bytes before the body, the body, bytes after it.
static int write_some(struct bf_channel *channel)
{
    int in_body = channel->body && channel->out_sent == channel->body_at;
    const uint8_t *from =
        in_body ? channel->body + channel->body_sent : channel->out + channel->out_sent;
    size_t end = channel->body ? channel->body_at : channel->out_len, done = 0;
    size_t len = in_body ? channel->body_len - channel->body_sent : end - channel->out_sent;
    enum bf_err err;
    BF_ASSERT(channel->out_sent <= end && end <= channel->out_len);
    len = bf_limit_allows(&channel->limit, len);
    if (!len)
        return 0;
    err = channel->stream.ops->write(channel->stream.impl, from, len, &done);
    if (err && err != BF_AGAIN) {
        fail_from_stream(channel);
        return 0;
    }
    if (err || !done)
        return 0;
    BF_ASSERT(done <= len);
    channel->bytes_out += done;
    bf_limit_take(&channel->limit, done);
    if (in_body)
        channel->body_sent += done;
    else
        channel->out_sent += done;
    if (channel->body && channel->body_sent == channel->body_len)
        channel->body = NULL;
    if (!channel->body && channel->out_sent == channel->out_len)
        channel->out_sent = channel->out_len = 0;
    return 1;
}

static int send(struct bf_channel *channel, uint64_t now_us)
{
    int moved = 0;
    while (!channel->failed && write_some(channel))
        moved = 1;
    if (moved)
        channel->sent_us = now_us;
    return moved;
}

// Bytes that the frame at the front still lacks; 0 when it is complete, or hopeless.
static size_t missing(const struct bf_channel *channel)
{
    struct bf_frame frame;
    size_t need, have = channel->in_len - channel->in_at;
    BF_ASSERT(channel->in_at <= channel->in_len && channel->in_len <= channel->in_size);
    return bf_frame_parse(channel->in + channel->in_at, have, &frame, &need) == BF_AGAIN
               ? need - have
               : 0;
}

static void make_room(struct bf_channel *channel, size_t len)
{
    if (channel->in_at == channel->in_len)
        channel->in_at = channel->in_len = 0;
    if (len <= channel->in_size - channel->in_len)
        return;
    memmove(channel->in, channel->in + channel->in_at, channel->in_len - channel->in_at);
    channel->in_len -= channel->in_at;
    channel->in_at = 0;
}

static int read_some(struct bf_channel *channel)
{
    size_t want = missing(channel), got = 0;
    enum bf_err err;
    if (!want)
        return 0;
    if (want < READ_AHEAD)
        want = READ_AHEAD;
    make_room(channel, want);
    if (want > channel->in_size - channel->in_len)
        want = channel->in_size - channel->in_len;
    err =
        channel->stream.ops->read(channel->stream.impl, channel->in + channel->in_len, want, &got);
    if (err == BF_ERR_CLOSED) {
        channel->ended = 1;
        return 0;
    }
    if (err && err != BF_AGAIN)
        fail_from_stream(channel);
    if (err || !got)
        return 0;
    BF_ASSERT(got <= want);
    channel->in_len += got;
    channel->bytes_in += got;
    return 1;
}

static int receive(struct bf_channel *channel, uint64_t passed_us)
{
    int moved = 0;
    if (channel->ended || !missing(channel)) {
        channel->silence_us = 0; // not listening
        return 0;
    }
    while (!channel->failed && !channel->ended && read_some(channel))
        moved = 1;
    if (moved)
        channel->silence_us = 0;
    else
        channel->silence_us += passed_us < STEP_MOST_US ? passed_us : STEP_MOST_US;
    if (channel->silence_us > (uint64_t)channel->patience_ms * 1000)
        bf_channel_fail(channel, BF_ERR_TIMEOUT, BF_SIDE_NETWORK,
                        "check the network between source and server",
                        "nothing was heard from the %s for %u seconds", channel->peer,
                        channel->patience_ms / 1000);
    return moved;
}

static void keep_alive(struct bf_channel *channel, uint64_t now_us)
{
    if (channel->out_len != channel->out_sent || channel->body ||
        now_us - channel->sent_us < (uint64_t)BF_HEARTBEAT_MS * 1000)
        return;
    BF_ASSERT(!channel->out_len); // everything has gone out
    bf_channel_put(channel, bf_put_ping(channel->out + channel->out_len,
                                        channel->out_size - channel->out_len, BF_MSG_PING, now_us));
    send(channel, now_us);
}

int bf_channel_poll(struct bf_channel *channel, uint64_t now_us)
{
    uint64_t passed = now_us - channel->polled_us;
    enum bf_stream_state state;
    int moved;
    BF_ASSERT(now_us >= channel->polled_us);
    if (channel->failed)
        return 0;
    channel->polled_us = now_us;
    bf_limit_refill(&channel->limit, now_us);
    channel->stream.ops->poll(channel->stream.impl);
    state = channel->stream.ops->state(channel->stream.impl);
    if (state == BF_STREAM_OPENING)
        return 0;
    moved = state == BF_STREAM_OPEN ? send(channel, now_us) : 0;
    moved |= receive(channel, passed);
    // What the peer had to say before it went is worth more than the failed connection.
    if (state == BF_STREAM_FAILED && !moved && missing(channel))
        fail_from_stream(channel);
    if (state == BF_STREAM_OPEN)
        keep_alive(channel, now_us);
    return moved;
}

// Frames that concern nobody else. Returns 1 when the frame was one.
static int handle_here(struct bf_channel *channel, const struct bf_frame *frame)
{
    uint64_t echo;
    if (frame->type == BF_MSG_PING || frame->type == BF_MSG_PONG) {
        if (bf_get_ping(frame, &echo))
            return 0;
        // An answer is a courtesy: without room the peer hears from us anyway.
        if (frame->type == BF_MSG_PING && channel->out_size - channel->out_len >= 64)
            bf_channel_put(channel,
                           bf_put_ping(channel->out + channel->out_len, 64, BF_MSG_PONG, echo));
        return 1;
    }
    return 0;
}

enum bf_err bf_channel_next(struct bf_channel *channel, struct bf_frame *frame)
{
    size_t need;
    for (;;) {
        enum bf_err err = bf_frame_parse(channel->in + channel->in_at,
                                         channel->in_len - channel->in_at, frame, &need);
        if (err == BF_AGAIN && need > channel->in_size - READ_AHEAD)
            err = BF_ERR_PROTOCOL;
        if (err == BF_ERR_PROTOCOL)
            return bf_channel_fail(channel, err, channel->peer_side,
                                   "use the same version on both sides",
                                   "the %s sent a malformed frame", channel->peer);
        if (err || !handle_here(channel, frame))
            return err;
        bf_channel_done(channel);
    }
}

void bf_channel_done(struct bf_channel *channel)
{
    struct bf_frame frame;
    size_t need = 0;
    if (bf_frame_parse(channel->in + channel->in_at, channel->in_len - channel->in_at, &frame,
                       &need) == BF_OK)
        channel->in_at += need;
}

uint8_t *bf_channel_room(struct bf_channel *channel, size_t len)
{
    size_t used = channel->out_len + CONTROL_RESERVE;
    BF_ASSERT(len <= channel->out_size - CONTROL_RESERVE); // else there never is
    if (used > channel->out_size || len > channel->out_size - used)
        return NULL;
    return channel->out + channel->out_len;
}

void bf_channel_put(struct bf_channel *channel, size_t len)
{
    if (!len)
        bf_channel_fail(channel, BF_ERR_RANGE, BF_SIDE_NONE, "report this as a defect",
                        "a message to the %s could not be written", channel->peer);
    BF_ASSERT(len <= channel->out_size - channel->out_len);
    channel->out_len += len;
}

void bf_channel_body(struct bf_channel *channel, const void *body, size_t len)
{
    BF_ASSERT(!channel->body && len && channel->out_len > channel->out_sent);
    channel->body = body;
    channel->body_len = len;
    channel->body_sent = 0;
    channel->body_at = channel->out_len;
}

int bf_channel_body_busy(const struct bf_channel *channel)
{
    return channel->body != NULL;
}

int bf_channel_drained(const struct bf_channel *channel)
{
    return !channel->body && channel->out_sent == channel->out_len &&
           channel->stream.ops->unsent(channel->stream.impl) == 0;
}
