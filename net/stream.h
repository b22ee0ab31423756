// SPDX-License-Identifier: Apache-2.0
// A byte stream: TCP over lwIP, a socket, TLS over either, or a simulated link. Non-blocking.
// Ownership: the creator closes it exactly once; close is allowed in every state.
#ifndef BF_NET_STREAM_H
#define BF_NET_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum bf_stream_state {
    BF_STREAM_OPENING, // resolving, connecting or shaking hands
    BF_STREAM_OPEN,
    BF_STREAM_FAILED, // fault() says why; data received before may have been lost
    BF_STREAM_ENDED,  // the peer closed in an orderly way and everything was read
};

struct bf_stream_ops {
    // Takes up to len bytes; *done may be less. BF_AGAIN when nothing could be taken.
    enum bf_err (*write)(void *impl, const void *bytes, size_t len, size_t *done);
    // Up to size bytes. BF_AGAIN when none are there, BF_ERR_CLOSED at the orderly end.
    enum bf_err (*read)(void *impl, void *bytes, size_t size, size_t *done);
    // Moves things on (handshake, buffered output); never waits.
    void (*poll)(void *impl);
    enum bf_stream_state (*state)(void *impl);
    // Bytes accepted by write but not yet acknowledged or handed to the layer below. 0 = drained.
    size_t (*unsent)(void *impl);
    // Why it failed; valid until close.
    const struct bf_fault *(*fault)(void *impl);
    void (*close)(void *impl);
};

struct bf_stream {
    const struct bf_stream_ops *ops;
    void *impl;
};

// Makes streams to the server: every attempt of the engine asks for a new one. The stream is
// OPENING when it is returned and becomes OPEN when the peer is connected and, with TLS, verified.
struct bf_connector {
    // attempt counts from 0; an implementation with several server addresses takes them in turn.
    // *to gets a text for the operator: what is tried ("10.0.0.5:7667, [::1]:7667").
    enum bf_err (*open)(void *impl, uint32_t attempt, struct bf_stream *out, char *to,
                        size_t to_size, struct bf_fault *fault);
    void *impl;
    // Which of them it is, in the same form, once the stream is OPEN. NULL: open has said it.
    void (*answered)(void *impl, char *to, size_t to_size);
    // The key exchange of the stream that became OPEN ("X25519MLKEM768"). NULL: there is none.
    const char *(*kex)(void *impl);
};

#endif
