// SPDX-License-Identifier: Apache-2.0
// Rounds over the configured servers. A stream of the connector goes through these stages for each
// server: DIALLING, HANDSHAKE, then either READY, or, while there is no certificate, ENROLLING over
// that connection and DIALLING again with what came of it. A stage that fails or is late closes
// what was opened and goes to the next server; at the end of the round the stream has FAILED. With
// connections= above 1 the stream is lane 0 of a bundle, and further lanes go to the server that
// answered: rounds of one server.
#include "net/connector.h"

#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/proto/bundle.h"
#include "net/tls/enrol.h"
#include "net/http/proxy.h"
#include "net/tls/tls.h"

enum {
    HANDSHAKE_US = 15 * 1000 * 1000, // the dialer has deadlines of its own
    ENROL_US = 20 * 1000 * 1000,
};

enum stage { DIALLING, HANDSHAKE, ENROLLING, READY, FAILED };

struct bf_server_connector {
    const struct bf_config *config;
    struct bf_dialer dialer;
    struct bf_proxy proxy;       // over which the dialer goes when there is one
    struct bf_identity identity; // obtained by enrolment
    uint32_t last_good;          // server that was verified last
    const char *kex;             // how its latest connection agreed on keys
};

struct attempt {
    struct bf_server_connector *owner;
    enum stage stage;
    uint32_t server, tried; // index of the server; how many were tried in this round
    uint32_t servers;       // of the round
    uint64_t deadline;
    struct bf_stream stream; // TCP while DIALLING, then TLS; ops NULL: none
    struct bf_enroller *enroller;
    struct bf_fault fault;
    int fault_is_final; // an administrator must act: kept over what comes after
    int is_further;     // a further lane
};

static int enrolled(const struct bf_server_connector *c)
{
    return c->config->certificate.len > 0 || c->identity.certificate_len > 0;
}

static void hang_up(struct attempt *a)
{
    bf_enroller_free(a->enroller);
    a->enroller = NULL;
    if (a->stream.ops)
        a->stream.ops->close(a->stream.impl);
    a->stream.ops = NULL;
}

static void tls_config(const struct bf_server_connector *c, const char *host,
                       struct bf_tls_config *out)
{
    memset(out, 0, sizeof *out);
    out->root = c->config->root.bytes;
    out->root_len = c->config->root.len;
    out->host = host;
    out->role = BF_TLS_ROLE_SERVER;
    out->hybrid_only = c->config->kex == BF_KEX_HYBRID;
    if (c->config->certificate.len > 0) {
        out->certificate = c->config->certificate.bytes;
        out->certificate_len = c->config->certificate.len;
        out->key = c->config->key.bytes;
        out->key_len = c->config->key.len;
    } else if (c->identity.certificate_len > 0) {
        out->certificate = c->identity.certificate;
        out->certificate_len = c->identity.certificate_len;
        out->key = c->identity.key;
        out->key_len = c->identity.key_len;
    }
}

static enum bf_err dial(struct attempt *a, struct bf_fault *fault)
{
    struct bf_server_connector *c = a->owner;
    const struct bf_config_server *server = &c->config->server[a->server];
    a->stage = DIALLING;
    return c->dialer.dial(c->dialer.impl, &bf_peer_server, server->host, server->port, &a->stream,
                          fault);
}

static enum bf_err begin_tls(struct attempt *a, struct bf_fault *fault)
{
    const struct bf_server_connector *c = a->owner;
    struct bf_tls_config tls;
    tls_config(c, c->config->server[a->server].host, &tls);
    a->stage = HANDSHAKE;
    a->deadline = bf_platform_now_us() + HANDSHAKE_US;
    return bf_tls_open(a->stream, &tls, &a->stream, fault);
}

// Keeps the fault that the stream will end with and logs the one that nobody else will tell: the
// first that an administrator must act on is kept, else the last.
static void remember(struct attempt *a, const struct bf_fault *fault)
{
    const struct bf_fault *dropped = a->fault_is_final ? fault : &a->fault;
    if (dropped->code != BF_OK)
        bf_log(BF_LOG_WARNING, "connecting: %s (%s)", dropped->what, dropped->todo);
    if (a->fault_is_final)
        return;
    a->fault = *fault;
    a->fault_is_final = !bf_err_is_transient(fault->code);
}

// Goes on with the next server, as often as dialling fails at once, or ends the round.
static void next_server(struct attempt *a, const struct bf_fault *why)
{
    struct bf_fault fault = *why;
    for (;;) {
        hang_up(a);
        remember(a, &fault);
        if (++a->tried >= a->servers)
            break;
        a->server = (a->server + 1) % a->owner->config->servers;
        if (dial(a, &fault) == BF_OK)
            return;
    }
    a->stage = FAILED;
    if (!a->is_further && a->owner->dialer.nobody)
        a->owner->dialer.nobody(a->owner->dialer.impl);
}

static void too_late(struct attempt *a, const char *during)
{
    const struct bf_config_server *server = &a->owner->config->server[a->server];
    struct bf_fault fault;
    bf_fault_set(&fault, BF_ERR_TIMEOUT, BF_SIDE_SERVER,
                 "check the server's log and its load; if nothing is wrong there, look for a "
                 "firewall in between",
                 "%s port %u does not continue with the %s", server->host, (unsigned)server->port,
                 during);
    next_server(a, &fault);
}

static void opened(struct attempt *a)
{
    struct bf_server_connector *c = a->owner;
    struct bf_fault fault;
    c->last_good = a->server;
    c->kex = bf_tls_group(&a->stream);
    if (enrolled(c)) {
        a->stage = READY;
        return;
    }
    a->enroller = bf_enroller_new(a->stream, c->config->name, c->config->enrol_key,
                                  c->config->root.bytes, c->config->root.len);
    if (!a->enroller) {
        bf_fault_set(&fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                     "no memory for the enrolment");
        next_server(a, &fault);
        return;
    }
    a->stage = ENROLLING;
    a->deadline = bf_platform_now_us() + ENROL_US;
}

static void enrol(struct attempt *a)
{
    struct bf_fault fault;
    enum bf_err err = bf_enroller_step(a->enroller, &fault);
    if (err == BF_AGAIN) {
        if (bf_platform_now_us() >= a->deadline)
            too_late(a, "enrolment");
        return;
    }
    if (err == BF_OK) {
        a->owner->identity = *bf_enroller_identity(a->enroller);
        bf_log(BF_LOG_INFO, "enrolled as %s", a->owner->config->name);
        hang_up(a);
        err = dial(a, &fault);
    }
    if (err != BF_OK)
        next_server(a, &fault);
}

// ---- The stream --------------------------------------------------------------------------------

static void connected(struct attempt *a)
{
    struct bf_fault fault;
    if (a->stage == HANDSHAKE)
        opened(a);
    else if (begin_tls(a, &fault) != BF_OK)
        next_server(a, &fault);
}

static void attempt_poll(void *impl)
{
    struct attempt *a = impl;
    if (a->stage == ENROLLING)
        enrol(a);
    else if (a->stage != FAILED)
        a->stream.ops->poll(a->stream.impl);
    if (a->stage != DIALLING && a->stage != HANDSHAKE)
        return;
    switch (a->stream.ops->state(a->stream.impl)) {
    case BF_STREAM_OPENING:
        if (a->stage == HANDSHAKE && bf_platform_now_us() >= a->deadline)
            too_late(a, "TLS handshake");
        break;
    case BF_STREAM_FAILED: {
        struct bf_fault why = *a->stream.ops->fault(a->stream.impl);
        next_server(a, &why);
        break;
    }
    default:
        connected(a);
    }
}

static enum bf_err attempt_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct attempt *a = impl;
    *done = 0;
    if (a->stage == READY)
        return a->stream.ops->write(a->stream.impl, bytes, len, done);
    return a->stage == FAILED ? a->fault.code : BF_AGAIN;
}

static enum bf_err attempt_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct attempt *a = impl;
    *done = 0;
    if (a->stage == READY)
        return a->stream.ops->read(a->stream.impl, bytes, size, done);
    return a->stage == FAILED ? a->fault.code : BF_AGAIN;
}

static enum bf_stream_state attempt_state(void *impl)
{
    struct attempt *a = impl;
    if (a->stage == READY)
        return a->stream.ops->state(a->stream.impl);
    return a->stage == FAILED ? BF_STREAM_FAILED : BF_STREAM_OPENING;
}

static size_t attempt_unsent(void *impl)
{
    struct attempt *a = impl;
    return a->stage == READY ? a->stream.ops->unsent(a->stream.impl) : 0;
}

static const struct bf_fault *attempt_fault(void *impl)
{
    struct attempt *a = impl;
    return a->stage == READY ? a->stream.ops->fault(a->stream.impl) : &a->fault;
}

static void attempt_close(void *impl)
{
    struct attempt *a = impl;
    hang_up(a);
    bf_free(a);
}

static const struct bf_stream_ops attempt_ops = {
    .write = attempt_write,
    .read = attempt_read,
    .poll = attempt_poll,
    .state = attempt_state,
    .unsent = attempt_unsent,
    .fault = attempt_fault,
    .close = attempt_close,
};

// "10.0.0.5:7667, [::1]:7667": count servers in the order of a round, from the last good one on.
static void describe(const struct bf_server_connector *c, uint32_t count, char *to, size_t size)
{
    size_t at = 0;
    if (size > 0)
        to[0] = 0;
    for (uint32_t i = 0; i < count && at < size; i++) {
        const struct bf_config_server *s =
            &c->config->server[(c->last_good + i) % c->config->servers];
        char place[sizeof s->host + sizeof "[]:65535"];
        bf_place_text(place, sizeof place, s->host, s->port);
        at += (size_t)bf_snprintf(to + at, size - at, "%s%s", i ? ", " : "", place);
    }
    if (c->config->proxy.port && at < size)
        bf_snprintf(to + at, size - at, " through %s port %u", c->config->proxy.host,
                    (unsigned)c->config->proxy.port);
}

static void connector_answered(void *impl, char *to, size_t to_size)
{
    describe(impl, 1, to, to_size);
}

static const char *connector_kex(void *impl)
{
    const struct bf_server_connector *c = impl;
    return c->kex ? c->kex : "";
}

// A round over so many servers, from the last good one on.
static struct attempt *begin_round(struct bf_server_connector *c, uint32_t servers,
                                   struct bf_stream *out, struct bf_fault *fault)
{
    struct attempt *a = bf_alloc(sizeof *a);
    if (!a) {
        bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                     "no memory for a connection");
        return NULL;
    }
    a->owner = c;
    a->server = c->last_good;
    a->servers = servers;
    *out = (struct bf_stream){&attempt_ops, a};
    return a;
}

static enum bf_err open_further(void *impl, struct bf_stream *out, struct bf_fault *fault)
{
    struct attempt *a = begin_round(impl, 1, out, fault);
    if (!a)
        return fault->code;
    a->is_further = 1;
    enum bf_err err = dial(a, fault);
    if (err != BF_OK)
        bf_free(a);
    return err;
}

static enum bf_err connector_open(void *impl, uint32_t number, struct bf_stream *out, char *to,
                                  size_t to_size, struct bf_fault *fault)
{
    struct bf_server_connector *c = impl;
    struct bf_stream first;
    if (c->config->servers == 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "set server=", "no server is configured");
    struct attempt *a = begin_round(c, c->config->servers, &first, fault);
    if (!a)
        return fault->code;
    describe(c, c->config->servers, to, to_size);
    if (c->config->connections <= 1) {
        *out = first;
    } else if (bf_bundle_open(first, c->config->connections,
                              (struct bf_lane_maker){open_further, c}, out, fault) != BF_OK) {
        bf_free(a);
        return fault->code;
    }
    if (dial(a, fault) != BF_OK) {
        struct bf_fault why = *fault;
        next_server(a, &why);
    }
    return BF_OK;
}

struct bf_server_connector *bf_server_connector_new(const struct bf_config *config,
                                                    struct bf_dialer dialer)
{
    struct bf_server_connector *c = bf_alloc(sizeof *c);
    if (!c)
        return NULL;
    c->config = config;
    c->proxy = (struct bf_proxy){&config->proxy, dialer};
    c->dialer = config->proxy.port ? bf_proxy_dialer(&c->proxy) : dialer;
    return c;
}

struct bf_connector bf_server_connector(struct bf_server_connector *c)
{
    return (struct bf_connector){connector_open, c, connector_answered, connector_kex};
}

void bf_server_connector_free(struct bf_server_connector *c)
{
    if (!c)
        return;
    bf_wipe(c, sizeof *c);
    bf_free(c);
}
