// SPDX-License-Identifier: Apache-2.0
// An OpenSSL server in the same process, at the other end of a stream in memory whose capacity is
// bounded and whose reads and writes may be short. A test moves it on by tls_peer_turn.
#ifndef BF_TESTS_TLS_PEER_H
#define BF_TESTS_TLS_PEER_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "net/stream.h"
#include "tests/net/pki_maker.h"

enum { PEER_PIPE = 96 * 1024 };

struct peer_pipe {
    uint8_t bytes[PEER_PIPE];
    size_t len;
    uint64_t total; // bytes that went through
};

struct tls_peer {
    SSL_CTX *ctx;
    SSL *ssl; // NULL: a peer that does not speak TLS
    BIO *in, *out;
    int result; // of the last SSL_accept, SSL_read or SSL_write: SSL_get_error's value
    int closed; // it has closed its end
    int cut;    // the connection ends as if a cable was cut
    struct peer_pipe up, down; // client to server, server to client
    size_t most;               // bytes per read or write below, 0: any
    uint64_t cut_after;        // of the server's bytes, then the connection is cut; 0: never
    struct bf_fault fault;
    int client_closed;
};

// The server's side; what is not wanted by a test may be changed in p->ctx before the first turn.
// root is what client certificates must be signed by; ask: a client certificate is required.
void tls_peer_init(struct tls_peer *p, const struct test_pair *server, const struct test_pair *root,
                   int ask);
// The same with a server's context that was made elsewhere, which the peer takes over.
void tls_peer_init_with(struct tls_peer *p, SSL_CTX *ctx, const struct test_pair *server,
                        const struct test_pair *root, int ask);
void tls_peer_free(struct tls_peer *p);

// The client's end.
struct bf_stream tls_peer_stream(struct tls_peer *p);

// Moves bytes and the handshake.
void tls_peer_turn(struct tls_peer *p);
int tls_peer_read(struct tls_peer *p, void *out, size_t size); // bytes, or 0
int tls_peer_write(struct tls_peer *p, const void *bytes, size_t len);
void tls_peer_shutdown(struct tls_peer *p); // close_notify, then the end of the stream

#endif
