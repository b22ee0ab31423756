// SPDX-License-Identifier: Apache-2.0
// TLS 1.3 for the server, by OpenSSL, as streams over non-blocking sockets. A client may come
// without a certificate (to enrol); one that it shows must be from our root, in time, for client
// authentication, and with the role of a machine, or the handshake fails. Whether it is known and
// not revoked says the database: that is for the caller to ask. No resumption, so that no
// connection passes by the checks.
#ifndef BF_REPLICA_DAEMON_TLS_SERVER_H
#define BF_REPLICA_DAEMON_TLS_SERVER_H

#include <stdint.h>

#include "base/err.h"
#include "net/proto/proto.h"
#include "net/stream.h"

struct bf_tls_server;

// Takes root, certificate and key of the state. Open it again after the addresses changed:
// connections keep what they began with.
enum bf_err bf_tls_server_open(struct bf_tls_server **out, const char *state,
                               struct bf_fault *fault);
void bf_tls_server_close(struct bf_tls_server *server); // takes NULL

// Can it do X25519MLKEM768? 0: this OpenSSL takes it in no way, and only the others are left.
int bf_tls_server_has_hybrid(const struct bf_tls_server *server);

// Takes a connected socket over: makes it non-blocking, closes it with the stream, which is OPENING
// until the handshake is complete. BF_ERR_NO_MEMORY leaves the socket to the caller.
enum bf_err bf_tls_server_accept(struct bf_tls_server *server, int fd, struct bf_stream *out);

struct bf_tls_peer {
    uint8_t has_certificate;
    char machine[BF_NAME_MAX];
    uint8_t fingerprint[32];
    char kex[24]; // the key exchange: "X25519MLKEM768", as bf_tls_group (net/tls/tls.h) calls it
};
// Of a stream that is OPEN.
enum bf_err bf_tls_server_peer(const struct bf_stream *stream, struct bf_tls_peer *out);

// It may use memory for speed from now on: the peer's certificate is ours.
void bf_tls_server_trust(const struct bf_stream *stream);

// Whether a stream that is OPEN has something to read. BF_AGAIN: not yet; else it has ended.
enum bf_err bf_tls_server_peek(const struct bf_stream *stream);
// Of a stream that is OPENING: whether it waits for room to write, not for bytes to read.
int bf_tls_server_wants_write(const struct bf_stream *stream);

// What poll(2) should wait for. Reading is asked for only when the last read found nothing, so that
// a stream whose reader is held up does not wake anybody.
short bf_tls_server_events(const struct bf_stream *stream);
int bf_tls_server_fd(const struct bf_stream *stream);

#endif
