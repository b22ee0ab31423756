// SPDX-License-Identifier: Apache-2.0
// One connection as both ends see it: frames in, frames out, signs of life. Bounded buffers, no
// waiting: bf_channel_poll moves bytes, everything else works on what is there.
//
// Silence counts only while this end listens and is called: time in which the loop was held up (a
// blocking firmware read, a busy server), or in which the last frame has not been dealt with yet,
// says nothing about the peer. Whoever polls should do so at least once a second.
#ifndef BF_MIGRATE_CHANNEL_H
#define BF_MIGRATE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "migrate/limit.h"
#include "net/proto/proto.h"
#include "net/stream.h"

struct bf_channel {
    struct bf_stream stream;
    enum bf_err failed; // why the connection is over; fault has the words
    struct bf_fault fault;
    uint8_t ended;    // the peer closed in an orderly way and everything was read
    const char *peer; // "server" or "source", for the words
    enum bf_side peer_side;

    uint8_t *in;
    size_t in_size, in_at, in_len;

    uint8_t *out;
    size_t out_size, out_len, out_sent;
    const uint8_t *body; // of a DATA frame, sent after body_at bytes of out
    size_t body_len, body_sent, body_at;

    uint64_t polled_us, sent_us;
    uint64_t silence_us; // since the peer was heard
    uint32_t patience_ms;
    uint64_t bytes_in, bytes_out;
    struct bf_limit limit; // of sending; its owner's, who may set it after bf_channel_init
};

// Allocates the buffers: the largest frame that may come in, and what may wait to go out.
enum bf_err bf_channel_init(struct bf_channel *channel, size_t in_size, size_t out_size,
                            enum bf_side peer);
void bf_channel_free(struct bf_channel *channel); // the stream stays its owner's

// Takes a stream, forgets everything about the one before. The counters go on.
void bf_channel_attach(struct bf_channel *channel, struct bf_stream stream, uint64_t now_us);

// Sends, receives, keeps the peer assured. Returns 1 when bytes moved. Look at failed afterwards.
int bf_channel_poll(struct bf_channel *channel, uint64_t now_us);

// The next complete frame; BF_AGAIN when there is none. It stays valid, and the same, until
// bf_channel_done. PING, PONG and unknown optional frames are dealt with here.
enum bf_err bf_channel_next(struct bf_channel *channel, struct bf_frame *frame);
void bf_channel_done(struct bf_channel *channel);

// Room for a frame of up to len bytes, or NULL for now. bf_channel_put says how long it became; 0
// is a mistake of the caller and fails the channel.
uint8_t *bf_channel_room(struct bf_channel *channel, size_t len);
void bf_channel_put(struct bf_channel *channel, size_t len);
// The body of the DATA frame whose head was put last; stays the caller's and must not change until
// bf_channel_body_busy is 0. One at a time; frames put meanwhile follow it.
void bf_channel_body(struct bf_channel *channel, const void *body, size_t len);
int bf_channel_body_busy(const struct bf_channel *channel);

// Nothing is waiting here or in the stream.
int bf_channel_drained(const struct bf_channel *channel);

// Fails the channel; the first failure stays.
enum bf_err bf_channel_fail(struct bf_channel *channel, enum bf_err err, enum bf_side side,
                            const char *todo, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
