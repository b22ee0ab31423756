// SPDX-License-Identifier: Apache-2.0
// TLS 1.3 by mbedTLS as a stream. Three stages: plain text is gathered until a record is full or
// poll comes; a record is made only while the output has room for a whole one, so mbedTLS never has
// to be asked twice; cipher text goes straight to the stream below, and what that does not take
// waits in the output buffer.
//
// When the stream below can no longer be written, reading goes on: the last thing that a server
// says (an alert, a fault of the protocol) is often the reason. RFC 8446.
#include "net/tls/tls.h"

#include <string.h>

#include <mbedtls/net_sockets.h>
#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "net/tls/gcm_engine.h"
#include "net/tls/mbedtls_port.h"
#include "net/tls/pki_crt.h"
#include "net/tls/fault.h"

enum {
    PAYLOAD = 16383,          // what mbedTLS puts into one record of TLS 1.3
    RECORD_MAX = 16384 + 256, // RFC 8446, 5.2, and the header
    OUTPUT = 128 * 1024,
    HANDSHAKE_STEPS = 64, // messages per poll
};

struct tls {
    struct bf_stream lower;
    enum bf_stream_state state;
    struct bf_fault fault;
    struct bf_tls_verdict verdict;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt root, own;
    mbedtls_pk_context key;
    char host[256], role[64];
    uint64_t records_out;
    int hybrid_only;
    int deaf;        // the stream below takes no more
    int lower_wrong; // the stream below failed while reading; its fault is the reason
    size_t plain_len;
    size_t out_at, out_end; // cipher text that waits
    uint8_t plain[PAYLOAD];
    uint8_t out[OUTPUT];
};

static enum bf_err fail(struct tls *t)
{
    BF_ASSERT(t->fault.code);
    t->state = BF_STREAM_FAILED;
    return t->fault.code;
}

// ---- The stream below --------------------------------------------------------------------------

// Writes to the stream below as much as it takes; more than that only by the output buffer.
static size_t push(struct tls *t, const uint8_t *bytes, size_t len)
{
    size_t total = 0;
    while (total < len && !t->deaf) {
        size_t done = 0;
        enum bf_err err = t->lower.ops->write(t->lower.impl, bytes + total, len - total, &done);
        if (err == BF_AGAIN || (err == BF_OK && done == 0))
            break;
        BF_ASSERT(err || done <= len - total);
        if (err != BF_OK)
            t->deaf = 1;
        else
            total += done;
    }
    return total;
}

static void drain(struct tls *t)
{
    BF_ASSERT(t->out_at <= t->out_end && t->out_end <= OUTPUT);
    t->out_at += push(t, t->out + t->out_at, t->out_end - t->out_at);
    if (t->out_at == t->out_end || t->deaf)
        t->out_at = t->out_end = 0;
}

// A new record is made only when those before it were taken: what waits here would only be late,
// and a stream that shares its data with others could not have it sent by one that is faster.
static int ready(struct tls *t)
{
    if (t->out_at != t->out_end)
        drain(t);
    return t->out_at == t->out_end;
}

static size_t room(const struct tls *t)
{
    BF_ASSERT(t->out_at <= t->out_end && t->out_end <= OUTPUT);
    return OUTPUT - (t->out_end - t->out_at);
}

static int send_below(void *impl, const unsigned char *bytes, size_t len)
{
    struct tls *t = impl;
    size_t took = 0;
    if (len > room(t))
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    if (t->out_at == t->out_end)
        took = push(t, bytes, len);
    if (t->deaf)
        return (int)len; // nobody will see it; the reason comes by reading
    if (len - took > OUTPUT - t->out_end) {
        memmove(t->out, t->out + t->out_at, t->out_end - t->out_at);
        t->out_end -= t->out_at;
        t->out_at = 0;
    }
    BF_ASSERT(len - took <= OUTPUT - t->out_end);
    memcpy(t->out + t->out_end, bytes + took, len - took);
    t->out_end += len - took;
    return (int)len;
}

static int receive_below(void *impl, unsigned char *bytes, size_t size)
{
    struct tls *t = impl;
    size_t done = 0;
    enum bf_err err = t->lower.ops->read(t->lower.impl, bytes, size, &done);
    BF_ASSERT(err || done <= size);
    if (err == BF_OK && done > 0)
        return (int)done;
    if (err == BF_OK || err == BF_AGAIN)
        return MBEDTLS_ERR_SSL_WANT_READ;
    if (err == BF_ERR_CLOSED)
        return 0;
    t->lower_wrong = 1;
    return MBEDTLS_ERR_NET_RECV_FAILED;
}

static enum bf_err fail_below(struct tls *t)
{
    const struct bf_fault *why = t->lower.ops->fault(t->lower.impl);
    BF_ASSERT(t->lower_wrong);
    if (why && why->code != BF_OK)
        t->fault = *why;
    else
        bf_tls_code_fault(&t->fault, MBEDTLS_ERR_SSL_CONN_EOF, t->state == BF_STREAM_OPENING,
                          t->host);
    return fail(t);
}

// ---- Judging the server ------------------------------------------------------------------------

static int judge(void *impl, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct tls *t = impl;
    BF_ASSERT(t->state == BF_STREAM_OPENING); // nothing is sent or delivered before
    if (*flags & MBEDTLS_X509_BADCERT_EXPIRED)
        t->verdict.bound = bf_pki_seconds(&crt->valid_to);
    if (*flags & MBEDTLS_X509_BADCERT_FUTURE)
        t->verdict.bound = bf_pki_seconds(&crt->valid_from);
    if (depth == 0 &&
        (!bf_pki_has_role(crt, t->role) ||
         !bf_pki_is_for(crt, MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)))) {
        t->verdict.wrong_role = 1;
        *flags |= MBEDTLS_X509_BADCERT_OTHER;
    }
    t->verdict.flags |= *flags;
    return 0;
}

// The server's answer to a list of groups in which it knows none.
static int is_without_group(const struct tls *t, uint8_t alert)
{
    return t->hybrid_only && alert == MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE &&
           t->ssl.MBEDTLS_PRIVATE(kex_group) == 0;
}

// Turns a code of mbedTLS into the state and the fault.
static enum bf_err fail_code(struct tls *t, int code)
{
    // the only place where mbedTLS leaves the alert's number
    uint8_t alert =
        code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE ? t->ssl.MBEDTLS_PRIVATE(in_msg)[1] : 0;
    BF_ASSERT(code && code != MBEDTLS_ERR_SSL_WANT_READ && code != MBEDTLS_ERR_SSL_WANT_WRITE);
    BF_ASSERT(t->state == BF_STREAM_OPENING || t->state == BF_STREAM_OPEN);
    if (t->lower_wrong)
        return fail_below(t);
    if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
        bf_tls_verify_fault(&t->fault, &t->verdict, t->host, t->role);
    else if (is_without_group(t, alert))
        bf_tls_hybrid_fault(&t->fault, t->host);
    else if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        bf_tls_alert_fault(&t->fault, alert, t->host);
    else
        bf_tls_code_fault(&t->fault, code, t->state == BF_STREAM_OPENING, t->host);
    drain(t); // our own alert tells the server's log
    return fail(t);
}

static void shake_hands(struct tls *t)
{
    enum bf_stream_state below = t->lower.ops->state(t->lower.impl);
    BF_ASSERT(t->state == BF_STREAM_OPENING && !t->records_out && !t->plain_len);
    if (below == BF_STREAM_OPENING)
        return;
    for (int i = 0; i < HANDSHAKE_STEPS; i++) {
        int r = mbedtls_ssl_handshake_step(&t->ssl);
        if (r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE)
            return;
        if (r != 0) {
            fail_code(t, r);
            return;
        }
        if (mbedtls_ssl_is_handshake_over(&t->ssl)) {
            t->state = BF_STREAM_OPEN;
            return;
        }
    }
}

// ---- The stream --------------------------------------------------------------------------------

// One record; the output has room for it. 0, or the code that ended the stream.
static int seal(struct tls *t, const uint8_t *bytes, size_t len)
{
    BF_ASSERT(t->state == BF_STREAM_OPEN && len && len <= PAYLOAD);
    BF_ASSERT(room(t) >= RECORD_MAX); // mbedTLS need not be asked again
    if (++t->records_out > BF_TLS_RECORDS_MAX) {
        bf_fault_set(&t->fault, BF_ERR_NETWORK, BF_SIDE_NONE, "nothing: the source reconnects",
                     "the connection has used up its key");
        fail(t);
        return -1;
    }
    int r = mbedtls_ssl_write(&t->ssl, bytes, len);
    if (r == (int)len)
        return 0;
    fail_code(t, r < 0 ? r : MBEDTLS_ERR_SSL_INTERNAL_ERROR);
    return -1;
}

static void seal_plain(struct tls *t)
{
    BF_ASSERT(t->plain_len <= PAYLOAD);
    if (t->plain_len == 0 || room(t) < RECORD_MAX || t->deaf)
        return;
    size_t len = t->plain_len;
    t->plain_len = 0;
    seal(t, t->plain, len);
}

static enum bf_err tls_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct tls *t = impl;
    const uint8_t *at = bytes;
    *done = 0;
    if (t->state == BF_STREAM_FAILED)
        return t->fault.code;
    if (t->state == BF_STREAM_ENDED)
        return BF_ERR_CLOSED;
    if (t->state == BF_STREAM_OPENING || t->deaf)
        return BF_AGAIN;
    while (*done < len && t->state == BF_STREAM_OPEN && !t->deaf) {
        size_t left = len - *done, part = PAYLOAD - t->plain_len;
        if (part > left)
            part = left;
        if (part == PAYLOAD && ready(t)) {
            seal(t, at + *done, part); // a full record needs no copy
        } else if (part > 0) {
            memcpy(t->plain + t->plain_len, at + *done, part);
            t->plain_len += part;
        } else if (ready(t)) {
            seal_plain(t);
        } else {
            break;
        }
        *done += part;
    }
    if (t->state == BF_STREAM_FAILED)
        return t->fault.code;
    return *done > 0 || len == 0 ? BF_OK : BF_AGAIN;
}

static enum bf_err tls_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct tls *t = impl;
    *done = 0;
    if (t->state == BF_STREAM_FAILED)
        return t->fault.code;
    if (t->state == BF_STREAM_ENDED)
        return BF_ERR_CLOSED;
    if (t->state == BF_STREAM_OPENING || size == 0)
        return BF_AGAIN;
    int r = mbedtls_ssl_read(&t->ssl, bytes, size);
    if (r > 0) {
        BF_ASSERT((size_t)r <= size);
        *done = (size_t)r;
        return BF_OK;
    }
    if (r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE)
        return BF_AGAIN;
    if (r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        t->state = BF_STREAM_ENDED;
        return BF_ERR_CLOSED;
    }
    // an end without close_notify may be an attacker's: it is not orderly
    return fail_code(t, r == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : r);
}

static void tls_poll(void *impl)
{
    struct tls *t = impl;
    t->lower.ops->poll(t->lower.impl);
    if (t->state == BF_STREAM_OPENING)
        shake_hands(t);
    if (t->state == BF_STREAM_OPEN)
        seal_plain(t);
    drain(t);
}

static enum bf_stream_state tls_state(void *impl)
{
    struct tls *t = impl;
    return t->state;
}

static size_t tls_unsent(void *impl)
{
    struct tls *t = impl;
    BF_ASSERT(t->out_at <= t->out_end);
    return t->plain_len + (t->out_end - t->out_at) + t->lower.ops->unsent(t->lower.impl);
}

static const struct bf_fault *tls_fault(void *impl)
{
    struct tls *t = impl;
    return &t->fault;
}

static void release(struct tls *t)
{
    mbedtls_ssl_free(&t->ssl);
    mbedtls_ssl_config_free(&t->conf);
    mbedtls_pk_free(&t->key); // wipes the private key
    mbedtls_x509_crt_free(&t->own);
    mbedtls_x509_crt_free(&t->root);
    bf_wipe(t, sizeof *t);
    bf_free(t);
}

static void tls_close(void *impl)
{
    struct tls *t = impl;
    if (t->state == BF_STREAM_OPEN) {
        seal_plain(t);
        if (t->state == BF_STREAM_OPEN && room(t) >= RECORD_MAX)
            mbedtls_ssl_close_notify(&t->ssl);
    }
    drain(t);
    t->lower.ops->close(t->lower.impl);
    release(t);
}

static const struct bf_stream_ops tls_ops = {
    .write = tls_write,
    .read = tls_read,
    .poll = tls_poll,
    .state = tls_state,
    .unsent = tls_unsent,
    .fault = tls_fault,
    .close = tls_close,
};

// ---- Setting up --------------------------------------------------------------------------------

// AES-GCM first where it is accelerated; else the cipher that is fast and safe in plain C.
static const int suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                             MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, 0};
static const int suites_plain[] = {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                   MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                   MBEDTLS_TLS1_3_AES_256_GCM_SHA384, 0};
// Shares are sent for the first two; the others cost a server that wants them a round trip.
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519MLKEM768, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
static const uint16_t groups_hybrid[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519MLKEM768,
                                         MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

static enum bf_err read_identity(struct tls *t, const struct bf_tls_config *c,
                                 struct bf_fault *fault)
{
    static const char *const todo = "make the media again with `bootferry media`";
    if (mbedtls_x509_crt_parse_der(&t->root, c->root, c->root_len) != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, todo,
                            "the pinned root certificate (root=) cannot be read");
    if (!c->certificate)
        return BF_OK;
    if (mbedtls_x509_crt_parse_der(&t->own, c->certificate, c->certificate_len) != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, todo,
                            "this machine's certificate (certificate=) cannot be read");
    if (mbedtls_pk_parse_key(&t->key, c->key, c->key_len, NULL, 0, bf_crypto_random, NULL) != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, todo,
                            "this machine's private key (key=) cannot be read");
    if (mbedtls_pk_check_pair(&t->own.pk, &t->key, bf_crypto_random, NULL) != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, todo,
                            "this machine's private key (key=) does not belong to its certificate");
    return BF_OK;
}

static int configure(struct tls *t, const struct bf_tls_config *c)
{
    int r = mbedtls_ssl_config_defaults(&t->conf, MBEDTLS_SSL_IS_CLIENT,
                                        MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (r != 0)
        return r;
    mbedtls_ssl_conf_min_tls_version(&t->conf, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_max_tls_version(&t->conf, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_ciphersuites(&t->conf, bf_gcm_in_use() ? suites : suites_plain);
    mbedtls_ssl_conf_groups(&t->conf, c->hybrid_only ? groups_hybrid : groups);
    mbedtls_ssl_conf_cert_profile(&t->conf, &mbedtls_x509_crt_profile_suiteb);
    mbedtls_ssl_conf_authmode(&t->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_rng(&t->conf, bf_crypto_random, NULL);
    mbedtls_ssl_conf_ca_chain(&t->conf, &t->root, NULL);
    mbedtls_ssl_conf_verify(&t->conf, judge, t);
    if (c->certificate)
        r = mbedtls_ssl_conf_own_cert(&t->conf, &t->own, &t->key);
    if (r == 0)
        r = mbedtls_ssl_setup(&t->ssl, &t->conf);
    if (r == 0)
        r = mbedtls_ssl_set_hostname(&t->ssl, t->host);
    mbedtls_ssl_set_bio(&t->ssl, t, send_below, receive_below, NULL);
    return r;
}

enum bf_err bf_tls_open(struct bf_stream lower, const struct bf_tls_config *config,
                        struct bf_stream *out, struct bf_fault *fault)
{
    enum bf_err err = bf_crypto_start();
    if (err != BF_OK)
        return bf_fault_set(fault, err, BF_SIDE_SOURCE,
                            "use a machine whose firmware or processor has a random number "
                            "generator",
                            "there is no source of random numbers for TLS");
    struct tls *t = bf_alloc(sizeof *t);
    if (!t)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                            "no memory for a TLS connection");
    t->lower = lower;
    t->state = BF_STREAM_OPENING;
    bf_snprintf(t->host, sizeof t->host, "%s", config->host);
    bf_snprintf(t->role, sizeof t->role, "%s", config->role);
    t->hybrid_only = config->hybrid_only;
    mbedtls_ssl_init(&t->ssl);
    mbedtls_ssl_config_init(&t->conf);
    mbedtls_x509_crt_init(&t->root);
    mbedtls_x509_crt_init(&t->own);
    mbedtls_pk_init(&t->key);
    err = read_identity(t, config, fault);
    if (err == BF_OK) {
        int r = configure(t, config);
        if (r != 0)
            err = bf_tls_code_fault(fault, r, 1, t->host);
    }
    if (err != BF_OK) {
        release(t);
        return err;
    }
    *out = (struct bf_stream){&tls_ops, t};
    return BF_OK;
}

const char *bf_tls_group(const struct bf_stream *stream)
{
    static const struct {
        uint16_t id;
        const char *name;
    } names[] = {{MBEDTLS_SSL_IANA_TLS_GROUP_X25519MLKEM768, "X25519MLKEM768"},
                 {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, "X25519"},
                 {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, "P-256"},
                 {MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, "P-384"}};
    const struct tls *t = stream->impl;
    if (stream->ops != &tls_ops || t->state != BF_STREAM_OPEN)
        return "";
    for (uint32_t i = 0; i < BF_COUNT(names); i++)
        if (names[i].id == t->ssl.MBEDTLS_PRIVATE(kex_group))
            return names[i].name;
    return "";
}

void bf_tls_describe(const struct bf_stream *stream, char *out, size_t size)
{
    const struct tls *t = stream->impl;
    if (size > 0)
        out[0] = 0;
    if (stream->ops == &tls_ops && t->state == BF_STREAM_OPEN)
        bf_snprintf(out, size, "%s %s %s", mbedtls_ssl_get_version(&t->ssl),
                    mbedtls_ssl_get_ciphersuite(&t->ssl), bf_tls_group(stream));
}
