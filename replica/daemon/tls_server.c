// SPDX-License-Identifier: Apache-2.0
// The server's TLS, see tls_server.h. What is written goes through a buffer of one record, so that
// OpenSSL's rule of repeating a write with the same bytes stays in here. Until a connection is
// trusted its buffers exist only while there is something in them.
#include "replica/daemon/tls_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "net/tls/tls.h"
#include "replica/pki/kex.h"
#include "replica/pki/x509.h"

enum { RECORD = 16384, READ_BUFFER = 131072, CHAIN_MAX = 10240, PATH_SIZE = 4096 };

struct bf_tls_server {
    SSL_CTX *context;
    int hybrid;
};

struct connection {
    SSL *ssl;
    int fd;
    enum bf_stream_state state;
    uint8_t starved; // the last read found nothing
    struct bf_fault fault;
    size_t pending, sent; // of out
    uint8_t *out;         // RECORD bytes, from the first write on
};

// ---- The context -------------------------------------------------------------------------------

// The role is judged with the chain, so that a certificate of another kind ends the handshake.
static int judge(int ok, X509_STORE_CTX *context)
{
    char role[sizeof BF_TLS_ROLE_MACHINE + BF_NAME_MAX];
    size_t prefix = sizeof BF_TLS_ROLE_MACHINE - 1;
    if (!ok || X509_STORE_CTX_get_error_depth(context) > 0)
        return ok;
    X509 *x = X509_STORE_CTX_get_current_cert(context);
    if (bf_x509_role(x, role, sizeof role) && strncmp(role, BF_TLS_ROLE_MACHINE, prefix) == 0 &&
        bf_machine_name_ok(role + prefix))
        return 1;
    X509_STORE_CTX_set_error(context, X509_V_ERR_INVALID_PURPOSE);
    return 0;
}

static int configure(SSL_CTX *c, const char *state)
{
    char root[PATH_SIZE], certificate[PATH_SIZE], key[PATH_SIZE];
    bf_snprintf(root, sizeof root, "%s/pki/root.pem", state);
    bf_snprintf(certificate, sizeof certificate, "%s/pki/server.pem", state);
    bf_snprintf(key, sizeof key, "%s/pki/server.key", state);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, judge);
    SSL_CTX_set_verify_depth(c, 0); // the root signs machines itself
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(c, CHAIN_MAX); // one certificate of BF_CERTIFICATE_MAX, and its frame
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(root);
    if (names)
        SSL_CTX_set_client_CA_list(c, names);
    return names && SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                       "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
           SSL_CTX_set_num_tickets(c, 0) == 1 && SSL_CTX_load_verify_file(c, root) == 1 &&
           SSL_CTX_use_certificate_file(c, certificate, SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_check_private_key(c) == 1;
}

enum bf_err bf_tls_server_open(struct bf_tls_server **out, const char *state,
                               struct bf_fault *fault)
{
    struct bf_tls_server *server = calloc(1, sizeof *server);
    if (server)
        server->context = bf_kex_context(&server->hybrid);
    if (server && server->context && configure(server->context, state)) {
        *out = server;
        return BF_OK;
    }
    const char *reason = bf_openssl_reason();
    bf_tls_server_close(server);
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_SERVER,
                        "check that the files in pki/ can be read", "cannot set up TLS: %s",
                        reason);
}

int bf_tls_server_has_hybrid(const struct bf_tls_server *server)
{
    return server->hybrid;
}

void bf_tls_server_close(struct bf_tls_server *server)
{
    if (!server)
        return;
    SSL_CTX_free(server->context);
    free(server);
}

// ---- Failures ----------------------------------------------------------------------------------

static void fail(struct connection *c, enum bf_err code, enum bf_side side, const char *todo,
                 const char *what)
{
    if (c->state == BF_STREAM_FAILED)
        return;
    BF_ASSERT(code && !c->fault.code); // the first reason stays
    bf_fault_set(&c->fault, code, side, todo, "%s", what);
    c->state = BF_STREAM_FAILED;
}

// What a failed handshake means to the operator.
static void fail_handshake(struct connection *c)
{
    char reason[160];
    long verdict = SSL_get_verify_result(c->ssl);
    unsigned long code = ERR_peek_error();
    if (verdict != X509_V_OK) {
        bf_snprintf(reason, sizeof reason, "the client's certificate was not accepted: %s",
                    X509_verify_cert_error_string(verdict));
        fail(c, BF_ERR_AUTH, BF_SIDE_CONFIG, "make a medium with bootferry media", reason);
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET) {
        bf_snprintf(reason, sizeof reason, "the client ended the handshake: %s",
                    SSL_alert_desc_string_long(ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET));
        fail(c, BF_ERR_AUTH, BF_SIDE_SOURCE,
             "look at the source's screen: it does not trust this server", reason);
    } else {
        const char *text = ERR_reason_error_string(code);
        bf_snprintf(reason, sizeof reason, "no TLS 1.3 handshake: %s",
                    text ? text : "the client disconnected");
        fail(c, BF_ERR_PROTOCOL, BF_SIDE_NETWORK, "use a Bootferry client only", reason);
    }
}

// After an operation that returned ret <= 0. BF_AGAIN when it only has to wait.
static enum bf_err after(struct connection *c, int ret)
{
    BF_ASSERT(ret <= 0 && c->state != BF_STREAM_FAILED);
    switch (SSL_get_error(c->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return BF_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        c->state = BF_STREAM_ENDED;
        return BF_ERR_CLOSED;
    default:
        if (c->state == BF_STREAM_OPENING)
            fail_handshake(c);
        else
            fail(c, BF_ERR_NETWORK, BF_SIDE_NETWORK, "wait: the source tries again",
                 "the connection broke");
        ERR_clear_error();
        return c->fault.code;
    }
}

// ---- The stream --------------------------------------------------------------------------------

static void flush(struct connection *c)
{
    BF_ASSERT(c->sent <= c->pending && c->pending <= RECORD);
    while (c->state == BF_STREAM_OPEN && c->sent < c->pending) {
        ERR_clear_error();
        int done = SSL_write(c->ssl, c->out + c->sent, (int)(c->pending - c->sent));
        if (done <= 0) {
            after(c, done);
            return;
        }
        c->sent += (size_t)done;
    }
    c->sent = c->pending = 0;
}

static enum bf_err stream_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct connection *c = impl;
    *done = 0;
    flush(c);
    if (c->state == BF_STREAM_FAILED)
        return c->fault.code;
    if (c->state != BF_STREAM_OPEN || c->pending)
        return BF_AGAIN;
    if (!c->out && !(c->out = malloc(RECORD))) {
        fail(c, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
             "no memory for a connection");
        return c->fault.code;
    }
    BF_ASSERT(!c->pending && !c->sent);
    *done = c->pending = len < RECORD ? len : RECORD;
    memcpy(c->out, bytes, c->pending);
    flush(c);
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err stream_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct connection *c = impl;
    *done = 0;
    if (c->state == BF_STREAM_FAILED)
        return c->fault.code;
    if (c->state == BF_STREAM_ENDED)
        return BF_ERR_CLOSED;
    if (c->state == BF_STREAM_OPENING)
        return BF_AGAIN;
    ERR_clear_error();
    int ret = SSL_read(c->ssl, bytes, size < INT32_MAX ? (int)size : INT32_MAX);
    c->starved = ret <= 0;
    if (ret <= 0)
        return after(c, ret);
    *done = (size_t)ret;
    return BF_OK;
}

static void stream_poll(void *impl)
{
    struct connection *c = impl;
    if (c->state == BF_STREAM_OPENING) {
        ERR_clear_error();
        int ret = SSL_do_handshake(c->ssl);
        if (ret == 1)
            c->state = BF_STREAM_OPEN;
        else
            after(c, ret);
    }
    flush(c);
}

static enum bf_stream_state stream_state(void *impl)
{
    return ((struct connection *)impl)->state;
}

static size_t stream_unsent(void *impl)
{
    struct connection *c = impl;
    return c->pending - c->sent;
}

static const struct bf_fault *stream_fault(void *impl)
{
    return &((struct connection *)impl)->fault;
}

static void stream_close(void *impl)
{
    struct connection *c = impl;
    if (c->state == BF_STREAM_OPEN || c->state == BF_STREAM_ENDED)
        SSL_shutdown(c->ssl);
    ERR_clear_error();
    SSL_free(c->ssl);
    close(c->fd);
    free(c->out);
    free(c);
}

static const struct bf_stream_ops stream_ops = {
    .write = stream_write,
    .read = stream_read,
    .poll = stream_poll,
    .state = stream_state,
    .unsent = stream_unsent,
    .fault = stream_fault,
    .close = stream_close,
};

enum bf_err bf_tls_server_accept(struct bf_tls_server *server, int fd, struct bf_stream *out)
{
    int on = 1;
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return BF_ERR_NO_MEMORY;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->fd = fd;
    c->state = BF_STREAM_OPENING;
    c->ssl = SSL_new(server->context);
    if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1) {
        SSL_free(c->ssl);
        free(c);
        return BF_ERR_NO_MEMORY;
    }
    SSL_set_accept_state(c->ssl);
    *out = (struct bf_stream){.ops = &stream_ops, .impl = c};
    return BF_OK;
}

// In the words of bf_tls_group (net/tls/tls.h).
static const char *group_of(const struct connection *c)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {{"x25519", "X25519"}, {"secp256r1", "P-256"}, {"secp384r1", "P-384"}};
    const char *name = SSL_group_to_name(c->ssl, (int)SSL_get_negotiated_group(c->ssl));
    for (size_t i = 0; name && i < BF_COUNT(names); i++)
        if (OPENSSL_strcasecmp(name, names[i].theirs) == 0)
            return names[i].ours;
    return name ? name : "";
}

enum bf_err bf_tls_server_peer(const struct bf_stream *stream, struct bf_tls_peer *out)
{
    const struct connection *c = stream->impl;
    char role[sizeof BF_TLS_ROLE_MACHINE + BF_NAME_MAX];
    unsigned int len = sizeof out->fingerprint;
    BF_ASSERT(c->state == BF_STREAM_OPEN); // only a whole handshake proves anything
    memset(out, 0, sizeof *out);
    bf_snprintf(out->kex, sizeof out->kex, "%s", group_of(c));
    X509 *x = SSL_get0_peer_certificate(c->ssl);
    if (!x)
        return BF_OK;
    if (SSL_get_verify_result(c->ssl) != X509_V_OK || !bf_x509_role(x, role, sizeof role) ||
        X509_digest(x, EVP_sha256(), out->fingerprint, &len) != 1)
        return BF_ERR_AUTH;
    bf_snprintf(out->machine, sizeof out->machine, "%s", role + sizeof BF_TLS_ROLE_MACHINE - 1);
    out->has_certificate = 1;
    return BF_OK;
}

void bf_tls_server_trust(const struct bf_stream *stream)
{
    const struct connection *c = stream->impl;
    SSL_set_read_ahead(c->ssl, 1);
    SSL_set_default_read_buffer_len(c->ssl, READ_BUFFER);
}

enum bf_err bf_tls_server_peek(const struct bf_stream *stream)
{
    struct connection *c = stream->impl;
    uint8_t byte;
    ERR_clear_error();
    int ret = SSL_peek(c->ssl, &byte, sizeof byte);
    return ret > 0 ? BF_OK : after(c, ret);
}

int bf_tls_server_wants_write(const struct bf_stream *stream)
{
    return SSL_want_write(((const struct connection *)stream->impl)->ssl);
}

short bf_tls_server_events(const struct bf_stream *stream)
{
    const struct connection *c = stream->impl;
    short events = 0;
    if (c->state == BF_STREAM_OPENING)
        return SSL_want_write(c->ssl) ? POLLOUT : POLLIN;
    if (c->starved)
        events |= POLLIN;
    if (c->pending > c->sent)
        events |= POLLOUT;
    return events;
}

int bf_tls_server_fd(const struct bf_stream *stream)
{
    return ((const struct connection *)stream->impl)->fd;
}
