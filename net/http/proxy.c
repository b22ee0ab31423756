// SPDX-License-Identifier: Apache-2.0
// A stream through a proxy: DIALLING the proxy, ASKING for the tunnel, WAITING for the answer, then
// OPEN: everything is passed on, first what came behind the head of the answer. A fault of the
// connection to the proxy is the network's, not the server's.
#include "net/http/proxy.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/http/proxy_answer.h"

enum {
    CHUNK = 512,
    REQUEST_MOST = 1536,
    CREDENTIALS = 2 * BF_CONFIG_PROXY_WORD,
};

static const char PROXY_TODO[] = "check the proxy, its log, and its address in proxy=";

enum stage { DIALLING, ASKING, WAITING, TUNNEL, FAILED };

struct tunnel {
    const struct bf_proxy *proxy;
    enum stage stage;
    uint64_t deadline;
    struct bf_stream stream; // ops NULL: none
    char host[256];
    uint16_t port;
    char request[REQUEST_MOST];
    size_t request_len, sent;
    struct bf_proxy_answer answer;
    uint8_t chunk[CHUNK];
    size_t chunk_at, chunk_len; // what came behind the answer
    int spoken;                 // the server did, in TLS
    struct bf_fault fault;
};

// ---- The request -------------------------------------------------------------------------------

static size_t put_credentials(const struct bf_config_proxy *p, char *out, size_t size)
{
    char plain[CREDENTIALS];
    size_t len = (size_t)bf_snprintf(plain, sizeof plain, "%s:%s", p->user, p->password);
    BF_ASSERT(len < sizeof plain);
    size_t done = bf_base64_encode((const uint8_t *)plain, len, out, size);
    bf_wipe(plain, sizeof plain);
    return done;
}

size_t bf_proxy_request(const struct bf_config_proxy *config, const char *host, uint16_t port,
                        char *out, size_t size)
{
    char to[300], basic[CREDENTIALS * 4 / 3 + 8] = "";
    bf_place_text(to, sizeof to, host, port);
    if (config->has_user)
        put_credentials(config, basic, sizeof basic);
    size_t len = (size_t)bf_snprintf(out, size, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n", to,
                                     to, config->has_user ? "Proxy-Authorization: Basic " : "",
                                     basic, config->has_user ? "\r\n" : "");
    bf_wipe(basic, sizeof basic);
    return len < size ? len : 0;
}

// ---- Faults ------------------------------------------------------------------------------------

static void hang_up(struct tunnel *t)
{
    if (t->stream.ops)
        t->stream.ops->close(t->stream.impl);
    t->stream.ops = NULL;
    bf_wipe(t->request, sizeof t->request);
}

static void fail(struct tunnel *t)
{
    BF_ASSERT(t->fault.code && t->stage != FAILED);
    hang_up(t);
    t->stage = FAILED;
}

// A fault of the connection to the proxy. One that answered and then hangs up may be no proxy at
// all.
static void seen_from_here(struct bf_fault *fault, int answered)
{
    struct bf_fault why = *fault;
    bf_fault_set(fault, why.code, why.side,
                 answered && why.side == BF_SIDE_NETWORK ? PROXY_TODO : why.todo, "the proxy: %s",
                 why.what);
}

static void connection_failed(struct tunnel *t)
{
    const struct bf_config_proxy *p = t->proxy->config;
    BF_ASSERT(t->stage < TUNNEL);
    t->fault = *t->stream.ops->fault(t->stream.impl);
    if (t->fault.code == BF_OK)
        bf_fault_set(&t->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, PROXY_TODO,
                     "the proxy %s port %u closed the connection without an answer", p->host,
                     (unsigned)p->port);
    else
        seen_from_here(&t->fault, t->stage != DIALLING);
    fail(t);
}

static void wants_authentication(struct tunnel *t)
{
    const struct bf_config_proxy *p = t->proxy->config;
    const char *scheme = t->answer.challenge;
    if (scheme[0] && strcmp(scheme, "Basic") != 0)
        bf_fault_set(&t->fault, BF_ERR_UNSUPPORTED, BF_SIDE_NETWORK,
                     "allow Basic authentication at the proxy, or exempt this machine",
                     "the proxy %s wants authentication by %s, and only Basic is supported",
                     p->host, scheme);
    else
        bf_fault_set(&t->fault, BF_ERR_AUTH, BF_SIDE_CONFIG,
                     p->has_user ? "check the user and password in proxy=; write % as %25"
                                 : "give them as proxy=http://USER:PASSWORD@HOST:PORT",
                     "the proxy %s %s (%u %s)", p->host,
                     p->has_user ? "does not accept the user and password of proxy="
                                 : "wants a user and password",
                     (unsigned)t->answer.status, t->answer.reason);
}

static void refused(struct tunnel *t)
{
    unsigned status = t->answer.status;
    enum bf_err code = BF_ERR_UNSUPPORTED;
    const char *does = "does not open a tunnel";
    const char *todo = "check the address in proxy=, and that the proxy supports CONNECT";
    BF_ASSERT(t->stage == WAITING && status >= 300);
    if (status == 403) {
        code = BF_ERR_DENIED;
        does = "does not allow connections";
        todo = "allow CONNECT to this host and port in the proxy's rules";
    } else if (status == 500 || status == 502 || status == 503 || status == 504) {
        code = BF_ERR_NETWORK;
        does = "cannot connect";
        todo = "see whether the server is up, and whether the proxy resolves its name and reaches "
               "it";
    }
    if (status == 407 || status == 401) // tinyproxy 1.11 says 401 to a wrong password
        wants_authentication(t);
    else
        bf_fault_set(&t->fault, code, BF_SIDE_NETWORK, todo,
                     "the proxy %s %s to %s port %u (%u %s)", t->proxy->config->host, does, t->host,
                     (unsigned)t->port, status, t->answer.reason);
    fail(t);
}

// What talks is no proxy, or talks in a tunnel and is no server.
static void foreign(struct tunnel *t)
{
    int tunnel = t->stage == TUNNEL;
    BF_ASSERT(tunnel || t->stage == WAITING);
    bf_fault_set(&t->fault, BF_ERR_PROTOCOL, BF_SIDE_NETWORK,
                 tunnel ? "check the addresses in proxy= and server="
                        : "check the address in proxy=",
                 tunnel ? "what comes through the proxy %s port %u is not TLS"
                        : "what answers at %s port %u is not an HTTP proxy",
                 t->proxy->config->host, (unsigned)t->proxy->config->port);
    fail(t);
}

static void too_late(struct tunnel *t)
{
    bf_fault_set(&t->fault, BF_ERR_TIMEOUT, BF_SIDE_NETWORK,
                 "see whether the server is up and the proxy reaches it",
                 "the proxy %s port %u has not answered the request for %s port %u",
                 t->proxy->config->host, (unsigned)t->proxy->config->port, t->host,
                 (unsigned)t->port);
    fail(t);
}

// ---- The steps ---------------------------------------------------------------------------------

static void ask(struct tunnel *t)
{
    size_t done = 0;
    BF_ASSERT(t->stage == ASKING && t->request_len);
    while (t->sent < t->request_len &&
           t->stream.ops->write(t->stream.impl, t->request + t->sent, t->request_len - t->sent,
                                &done) == BF_OK)
        t->sent += done;
    BF_ASSERT(t->sent <= t->request_len);
    if (t->sent < t->request_len)
        return; // a failure shows in its state
    bf_wipe(t->request, sizeof t->request);
    t->stage = WAITING;
}

static void listen(struct tunnel *t)
{
    size_t got, used;
    while (t->stage == WAITING &&
           t->stream.ops->read(t->stream.impl, t->chunk, sizeof t->chunk, &got) == BF_OK) {
        enum bf_err err = bf_proxy_answer_take(&t->answer, t->chunk, got, &used);
        BF_ASSERT(got <= sizeof t->chunk && used <= got);
        if (err == BF_AGAIN)
            continue;
        t->chunk_at = used;
        t->chunk_len = got;
        if (err != BF_OK)
            foreign(t);
        else if (t->answer.status < 300)
            t->stage = TUNNEL;
        else
            refused(t);
    }
}

static void step(struct tunnel *t)
{
    enum bf_stream_state state = t->stream.ops->state(t->stream.impl);
    BF_ASSERT(t->stage < TUNNEL && !t->chunk_len);
    if (t->stage == DIALLING && state == BF_STREAM_OPEN) {
        t->stage = ASKING;
        t->deadline = bf_platform_now_us() + BF_PROXY_ANSWER_US;
    }
    if (t->stage == ASKING)
        ask(t);
    if (t->stage == WAITING)
        listen(t);
    if (t->stage == TUNNEL || t->stage == FAILED)
        return;
    if (state == BF_STREAM_FAILED || state == BF_STREAM_ENDED)
        connection_failed(t);
    else if (t->stage != DIALLING && bf_platform_now_us() >= t->deadline)
        too_late(t);
}

// ---- The stream --------------------------------------------------------------------------------

static void tunnel_poll(void *impl)
{
    struct tunnel *t = impl;
    if (t->stage == FAILED)
        return;
    t->stream.ops->poll(t->stream.impl);
    if (t->stage != TUNNEL)
        step(t);
}

static enum bf_err tunnel_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct tunnel *t = impl;
    *done = 0;
    if (t->stage == TUNNEL)
        return t->stream.ops->write(t->stream.impl, bytes, len, done);
    return t->stage == FAILED ? t->fault.code : BF_AGAIN;
}

// Records begin with their type, 20 to 23 (RFC 8446, 5.1); a portal's page does not.
static int is_tls(uint8_t first)
{
    return first >= 20 && first <= 23;
}

static enum bf_err tunnel_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct tunnel *t = impl;
    size_t left = t->chunk_len - t->chunk_at;
    BF_ASSERT(t->chunk_at <= t->chunk_len && t->chunk_len <= sizeof t->chunk);
    *done = 0;
    if (t->stage != TUNNEL)
        return t->stage == FAILED ? t->fault.code : BF_AGAIN;
    if (left) {
        *done = left < size ? left : size;
        memcpy(bytes, t->chunk + t->chunk_at, *done);
        t->chunk_at += *done;
    } else {
        enum bf_err err = t->stream.ops->read(t->stream.impl, bytes, size, done);
        if (err != BF_OK)
            return err;
    }
    if (*done && !t->spoken && !is_tls(*(uint8_t *)bytes)) {
        foreign(t);
        return t->fault.code;
    }
    t->spoken |= *done > 0;
    return BF_OK;
}

static enum bf_stream_state tunnel_state(void *impl)
{
    struct tunnel *t = impl;
    if (t->stage == TUNNEL)
        return t->chunk_at < t->chunk_len ? BF_STREAM_OPEN : t->stream.ops->state(t->stream.impl);
    return t->stage == FAILED ? BF_STREAM_FAILED : BF_STREAM_OPENING;
}

static size_t tunnel_unsent(void *impl)
{
    struct tunnel *t = impl;
    return t->stage == TUNNEL ? t->stream.ops->unsent(t->stream.impl) : 0;
}

static const struct bf_fault *tunnel_fault(void *impl)
{
    struct tunnel *t = impl;
    return t->stage == TUNNEL ? t->stream.ops->fault(t->stream.impl) : &t->fault;
}

static void tunnel_close(void *impl)
{
    struct tunnel *t = impl;
    hang_up(t);
    bf_free(t);
}

static const struct bf_stream_ops tunnel_ops = {
    .write = tunnel_write,
    .read = tunnel_read,
    .poll = tunnel_poll,
    .state = tunnel_state,
    .unsent = tunnel_unsent,
    .fault = tunnel_fault,
    .close = tunnel_close,
};

// ---- The dialer --------------------------------------------------------------------------------

static enum bf_err dial(void *impl, const struct bf_peer *peer, const char *host, uint16_t port,
                        struct bf_stream *out, struct bf_fault *fault)
{
    const struct bf_proxy *proxy = impl;
    struct tunnel *t = bf_alloc(sizeof *t);
    if (!t)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                            "no memory for a connection");
    t->proxy = proxy;
    t->port = port;
    bf_snprintf(t->host, sizeof t->host, "%s", host);
    t->request_len = bf_proxy_request(proxy->config, host, port, t->request, sizeof t->request);
    enum bf_err err = proxy->to.dial(proxy->to.impl, &bf_peer_proxy, proxy->config->host,
                                     proxy->config->port, &t->stream, fault);
    if (err != BF_OK) {
        bf_wipe(t->request, sizeof t->request);
        bf_free(t);
        seen_from_here(fault, 0);
        return err;
    }
    *out = (struct bf_stream){&tunnel_ops, t};
    return BF_OK;
}

static void nobody(void *impl)
{
    const struct bf_proxy *proxy = impl;
    if (proxy->to.nobody)
        proxy->to.nobody(proxy->to.impl);
}

struct bf_dialer bf_proxy_dialer(struct bf_proxy *proxy)
{
    return (struct bf_dialer){dial, nobody, proxy};
}
