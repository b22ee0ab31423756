// SPDX-License-Identifier: Apache-2.0
// OpenSSL over memory BIOs, moved by hand: no sockets, no threads, no time.
#include "tests/net/tls_peer.h"

#include <string.h>

static size_t put(struct peer_pipe *pipe, const void *bytes, size_t len, size_t most)
{
    size_t room = PEER_PIPE - pipe->len;
    if (len > room)
        len = room;
    if (most && len > most)
        len = most;
    memcpy(pipe->bytes + pipe->len, bytes, len);
    pipe->len += len;
    pipe->total += len;
    return len;
}

static size_t get(struct peer_pipe *pipe, void *out, size_t size, size_t most)
{
    size_t len = pipe->len < size ? pipe->len : size;
    if (most && len > most)
        len = most;
    memcpy(out, pipe->bytes, len);
    memmove(pipe->bytes, pipe->bytes + len, pipe->len - len);
    pipe->len -= len;
    return len;
}

void tls_peer_init(struct tls_peer *p, const struct test_pair *server, const struct test_pair *root,
                   int ask)
{
    memset(p, 0, sizeof *p);
    if (server)
        tls_peer_init_with(p, SSL_CTX_new(TLS_server_method()), server, root, ask);
}

void tls_peer_init_with(struct tls_peer *p, SSL_CTX *ctx, const struct test_pair *server,
                        const struct test_pair *root, int ask)
{
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    SSL_CTX_set_min_proto_version(p->ctx, TLS1_3_VERSION);
    SSL_CTX_use_certificate(p->ctx, server->certificate);
    SSL_CTX_use_PrivateKey(p->ctx, server->key);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(p->ctx), root->certificate);
    SSL_CTX_set_verify(
        p->ctx, ask ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER, NULL);
}

static void begin(struct tls_peer *p)
{
    if (p->ssl || !p->ctx)
        return;
    p->ssl = SSL_new(p->ctx);
    p->in = BIO_new(BIO_s_mem());
    p->out = BIO_new(BIO_s_mem());
    SSL_set_bio(p->ssl, p->in, p->out);
    SSL_set_accept_state(p->ssl);
}

void tls_peer_free(struct tls_peer *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
}

static void move(struct tls_peer *p)
{
    uint8_t block[4096];
    size_t len;
    while ((len = get(&p->up, block, sizeof block, 0)) > 0)
        BIO_write(p->in, block, (int)len);
    while (!p->cut && PEER_PIPE - p->down.len >= sizeof block) {
        size_t want = sizeof block;
        if (p->cut_after && p->cut_after - p->down.total < want)
            want = (size_t)(p->cut_after - p->down.total);
        int n = want ? BIO_read(p->out, block, (int)want) : 0;
        if (n > 0)
            put(&p->down, block, (size_t)n, 0);
        if (p->cut_after && p->down.total == p->cut_after)
            p->cut = 1;
        if (n <= 0)
            break;
    }
}

static int note(struct tls_peer *p, int r)
{
    p->result = r > 0 ? SSL_ERROR_NONE : SSL_get_error(p->ssl, r);
    if (p->result == SSL_ERROR_SSL)
        p->closed = 1; // a real server closes after its alert
    return r > 0 ? r : 0;
}

void tls_peer_turn(struct tls_peer *p)
{
    if (!p->ctx)
        return;
    begin(p);
    move(p);
    if (!SSL_is_init_finished(p->ssl) && !p->closed)
        note(p, SSL_do_handshake(p->ssl));
    move(p);
}

int tls_peer_read(struct tls_peer *p, void *out, size_t size)
{
    tls_peer_turn(p);
    if (!SSL_is_init_finished(p->ssl) || p->closed)
        return 0;
    return note(p, SSL_read(p->ssl, out, (int)size));
}

int tls_peer_write(struct tls_peer *p, const void *bytes, size_t len)
{
    tls_peer_turn(p);
    if (!SSL_is_init_finished(p->ssl) || p->closed || BIO_pending(p->out) > 65536)
        return 0;
    return note(p, SSL_write(p->ssl, bytes, (int)len));
}

void tls_peer_shutdown(struct tls_peer *p)
{
    SSL_shutdown(p->ssl);
    move(p);
    p->closed = 1;
}

// ---- The client's end --------------------------------------------------------------------------

static enum bf_err peer_stream_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct tls_peer *p = impl;
    *done = 0;
    if (p->cut)
        return bf_fault_set(&p->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "mend it", "cut");
    *done = put(&p->up, bytes, len, p->most);
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err peer_stream_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct tls_peer *p = impl;
    *done = get(&p->down, bytes, size, p->most);
    if (*done)
        return BF_OK;
    if (p->cut)
        return bf_fault_set(&p->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "mend it", "cut");
    return p->closed && (!p->out || BIO_pending(p->out) == 0) ? BF_ERR_CLOSED : BF_AGAIN;
}

static void peer_stream_poll(void *impl)
{
}

static enum bf_stream_state peer_stream_state(void *impl)
{
    struct tls_peer *p = impl;
    return p->cut && p->down.len == 0 ? BF_STREAM_FAILED : BF_STREAM_OPEN;
}

static size_t peer_stream_unsent(void *impl)
{
    struct tls_peer *p = impl;
    return p->up.len;
}

static const struct bf_fault *peer_stream_fault(void *impl)
{
    struct tls_peer *p = impl;
    return &p->fault;
}

static void peer_stream_close(void *impl)
{
    struct tls_peer *p = impl;
    p->client_closed++;
}

struct bf_stream tls_peer_stream(struct tls_peer *p)
{
    static const struct bf_stream_ops ops = {
        .write = peer_stream_write,
        .read = peer_stream_read,
        .poll = peer_stream_poll,
        .state = peer_stream_state,
        .unsent = peer_stream_unsent,
        .fault = peer_stream_fault,
        .close = peer_stream_close,
    };
    return (struct bf_stream){&ops, p};
}
