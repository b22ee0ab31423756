// SPDX-License-Identifier: Apache-2.0
// The TLS client against OpenSSL's server in the same process: who is accepted, who is refused and
// with which words, what a broken peer does, and that every byte arrives with short reads and
// writes.
#include "base/bytes.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/tls/gcm_engine.h"
#include "net/tls/pki.h"
#include "net/tls/tls.h"
#include "net/tls/fault.h"
#include "tests/net/pki_maker.h"
#include "tests/net/tls_peer.h"
#include "tests/unit/test.h"

enum { DAY = 86400, TURNS = 200, DER = 4096 };

static struct test_pair root, other_root, server, machine;
static struct tls_peer peer;
static struct bf_stream tls;
static struct bf_fault fault;
static uint8_t root_der[DER], certificate_der[DER], key_der[DER];

static void setup(void)
{
    if (root.certificate)
        return;
    root = test_root("Bootferry test root");
    other_root = test_root("Another root");
    server = test_server(&root);
    machine = test_machine(&root, "web1");
}

static struct bf_tls_config config_for(const struct test_pair *trust, const struct test_pair *own,
                                       const char *host)
{
    struct bf_tls_config c = {.host = host, .role = BF_TLS_ROLE_SERVER, .root = root_der};
    c.root_len = test_certificate_der(trust, root_der, DER);
    if (own) {
        c.certificate = certificate_der;
        c.certificate_len = test_certificate_der(own, certificate_der, DER);
        c.key = key_der;
        c.key_len = test_key_der(own, key_der, DER);
    }
    return c;
}

// Opens over the peer that was initialised, and turns both until the state is settled.
static enum bf_stream_state handshake(const struct bf_tls_config *c)
{
    CHECK_EQ(bf_tls_open(tls_peer_stream(&peer), c, &tls, &fault), BF_OK);
    for (int i = 0; i < TURNS && tls.ops->state(tls.impl) == BF_STREAM_OPENING; i++) {
        tls.ops->poll(tls.impl);
        tls_peer_turn(&peer);
    }
    return tls.ops->state(tls.impl);
}

static void finish(void)
{
    tls.ops->close(tls.impl);
    CHECK_EQ(peer.client_closed, 1);
    tls_peer_free(&peer);
}

// A handshake with this server certificate must fail with this code, side and words.
static void expect_refusal(const struct test_pair *shown, const char *host, enum bf_err code,
                           enum bf_side side, const char *words)
{
    tls_peer_init(&peer, shown, &root, 0);
    struct bf_tls_config c = config_for(&root, &machine, host);
    CHECK_EQ(handshake(&c), BF_STREAM_FAILED);
    const struct bf_fault *f = tls.ops->fault(tls.impl);
    printf("# %s -> %s\n", f->what, f->todo);
    CHECK_EQ(f->code, code);
    CHECK_EQ(f->side, side);
    CHECK(strstr(f->what, words));
    CHECK(f->todo[0]);
    char byte;
    size_t done;
    CHECK_EQ(tls.ops->read(tls.impl, &byte, 1, &done), code);
    CHECK_EQ(tls.ops->write(tls.impl, "x", 1, &done), code);
    CHECK_EQ(done, 0);
    finish();
}

static void expect_refusal_of(const struct test_profile *p, const char *host, enum bf_err code,
                              enum bf_side side, const char *words)
{
    struct test_pair shown = test_issue(&root, p);
    expect_refusal(&shown, host, code, side, words);
    test_pair_free(&shown);
}

static void test_good_server_by_name_and_address(void)
{
    static const char *const hosts[] = {"server.test", "127.0.0.1", "::1"};
    setup();
    for (size_t i = 0; i < 3; i++) {
        char text[96], got[64] = "";
        size_t done;
        tls_peer_init(&peer, &server, &root, 1);
        struct bf_tls_config c = config_for(&root, &machine, hosts[i]);
        CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
        bf_tls_describe(&tls, text, sizeof text);
        CHECK_STR(text, "TLSv1.3 TLS1-3-AES-128-GCM-SHA256 X25519");
        CHECK_EQ(tls.ops->write(tls.impl, "hello", 5, &done), BF_OK);
        CHECK_EQ(done, 5);
        CHECK_EQ(tls.ops->unsent(tls.impl), 5 + peer.up.len);
        tls.ops->poll(tls.impl);
        CHECK_EQ(tls_peer_read(&peer, got, sizeof got), 5);
        CHECK_STR(got, "hello");
        X509 *shown = SSL_get1_peer_certificate(peer.ssl);
        CHECK(shown && X509_cmp(shown, machine.certificate) == 0);
        X509_free(shown);
        CHECK_EQ(tls_peer_write(&peer, "welcome", 7), 7);
        tls_peer_turn(&peer);
        CHECK_EQ(tls.ops->read(tls.impl, got, sizeof got, &done), BF_OK);
        CHECK_EQ(done, 7);
        finish();
    }
}

static void test_orderly_end(void)
{
    char got[8];
    size_t done;
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    tls_peer_turn(&peer);
    CHECK_EQ(tls_peer_write(&peer, "bye", 3), 3);
    tls_peer_shutdown(&peer);
    CHECK_EQ(tls.ops->read(tls.impl, got, sizeof got, &done), BF_OK);
    CHECK_EQ(done, 3);
    CHECK_EQ(tls.ops->read(tls.impl, got, sizeof got, &done), BF_ERR_CLOSED);
    CHECK_EQ(tls.ops->state(tls.impl), BF_STREAM_ENDED);
    finish();
}

static void test_our_close_is_orderly(void)
{
    char got[8];
    size_t done;
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    CHECK_EQ(tls.ops->write(tls.impl, "last", 4, &done), BF_OK);
    tls.ops->close(tls.impl);
    CHECK_EQ(tls_peer_read(&peer, got, sizeof got), 4);
    CHECK_EQ(tls_peer_read(&peer, got, sizeof got), 0);
    CHECK_EQ(peer.result, SSL_ERROR_ZERO_RETURN);
    tls_peer_free(&peer);
}

static void test_cut_is_not_an_orderly_end(void)
{
    char got[8];
    size_t done;
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    tls_peer_turn(&peer);
    peer.closed = 1; // FIN without close_notify
    CHECK_EQ(tls.ops->read(tls.impl, got, sizeof got, &done), BF_ERR_NETWORK);
    CHECK_EQ(tls.ops->state(tls.impl), BF_STREAM_FAILED);
    CHECK_EQ(tls.ops->fault(tls.impl)->side, BF_SIDE_NETWORK);
    finish();
}

static void test_last_words_are_read_after_a_cut(void)
{
    char got[64];
    size_t done;
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    tls_peer_turn(&peer);
    CHECK_EQ(tls_peer_write(&peer, "no space", 8), 8);
    tls_peer_turn(&peer);
    peer.cut = 1;
    CHECK_EQ(tls.ops->write(tls.impl, "more", 4, &done), BF_OK);
    tls.ops->poll(tls.impl); // cannot be written any more
    CHECK_EQ(tls.ops->state(tls.impl), BF_STREAM_OPEN);
    CHECK_EQ(tls.ops->read(tls.impl, got, sizeof got, &done), BF_OK);
    CHECK_EQ(done, 8);
    CHECK_EQ(tls.ops->read(tls.impl, got, sizeof got, &done), BF_ERR_NETWORK);
    CHECK_STR(tls.ops->fault(tls.impl)->what, "cut"); // what the stream below says
    finish();
}

static void test_unknown_root(void)
{
    setup();
    struct test_pair shown = test_server(&other_root);
    expect_refusal(&shown, "server.test", BF_ERR_AUTH, BF_SIDE_SERVER, "root");
    test_pair_free(&shown);
}

static void test_wrong_name(void)
{
    setup();
    expect_refusal(&server, "elsewhere.test", BF_ERR_AUTH, BF_SIDE_CONFIG, "elsewhere.test");
    expect_refusal(&server, "127.0.0.2", BF_ERR_AUTH, BF_SIDE_CONFIG, "127.0.0.2");
    expect_refusal(&server, "::2", BF_ERR_AUTH, BF_SIDE_CONFIG, "::2");
}

static void test_common_name_is_no_host_name(void)
{
    struct test_profile p = {"server.test", "URI:bootferry:server", "serverAuth", -DAY, DAY, NULL};
    setup();
    expect_refusal_of(&p, "server.test", BF_ERR_AUTH, BF_SIDE_CONFIG, "not for server.test");
}

static void test_expired(void)
{
    struct test_profile p = {
        "x", "URI:bootferry:server,DNS:server.test", "serverAuth", -20 * DAY, -10 * DAY, NULL};
    setup();
    expect_refusal_of(&p, "server.test", BF_ERR_AUTH, BF_SIDE_CONFIG, "expired");
}

static void test_not_yet_valid(void)
{
    struct test_profile p = {
        "x", "URI:bootferry:server,DNS:server.test", "serverAuth", 10 * DAY, 20 * DAY, NULL};
    setup();
    expect_refusal_of(&p, "server.test", BF_ERR_CLOCK, BF_SIDE_SOURCE, "valid from");
}

static void test_set_wall_is_what_counts(void)
{
    struct test_profile p = {
        "x", "URI:bootferry:server,DNS:server.test", "serverAuth", 10 * DAY, 20 * DAY, NULL};
    setup();
    int64_t now = bf_platform_wall();
    struct test_pair shown = test_issue(&root, &p);
    tls_peer_init(&peer, &shown, &root, 0);
    bf_platform_set_wall(now + 15 * DAY);
    struct bf_tls_config c = config_for(&root, NULL, "server.test");
    enum bf_stream_state state = handshake(&c);
    bf_platform_set_wall(now);
    CHECK_EQ(state, BF_STREAM_OPEN);
    finish();
    test_pair_free(&shown);
}

static void test_wrong_role(void)
{
    struct test_profile as_machine = {
        "web1", "URI:bootferry:machine:web1,DNS:server.test", "serverAuth,clientAuth", -DAY, DAY,
        NULL};
    struct test_profile no_role = {"x", "DNS:server.test", "serverAuth", -DAY, DAY, NULL};
    struct test_profile longer = {
        "x", "URI:bootferry:server2,DNS:server.test", "serverAuth", -DAY, DAY, NULL};
    struct test_profile both = {
        "x",          "URI:bootferry:server,URI:bootferry:machine:a,DNS:server.test",
        "serverAuth", -DAY,
        DAY,          NULL};
    setup();
    expect_refusal_of(&both, "server.test", BF_ERR_AUTH, BF_SIDE_SERVER, "role");
    expect_refusal_of(&as_machine, "server.test", BF_ERR_AUTH, BF_SIDE_SERVER, "role");
    expect_refusal_of(&no_role, "server.test", BF_ERR_AUTH, BF_SIDE_SERVER, "role");
    expect_refusal_of(&longer, "server.test", BF_ERR_AUTH, BF_SIDE_SERVER, "role");
    expect_refusal(&machine, "server.test", BF_ERR_AUTH, BF_SIDE_SERVER, "role");
}

static void test_purpose_must_be_explicit(void)
{
    struct test_profile none = {"x", "URI:bootferry:server,DNS:server.test", NULL, -DAY, DAY, NULL};
    struct test_profile client = {
        "x", "URI:bootferry:server,DNS:server.test", "clientAuth", -DAY, DAY, NULL};
    setup();
    expect_refusal_of(&none, "server.test", BF_ERR_AUTH, BF_SIDE_SERVER, "role");
    expect_refusal_of(&client, "server.test", BF_ERR_AUTH, BF_SIDE_SERVER, "role");
}

// The server's alert about our certificate comes when something is read.
static void expect_alert(const struct test_pair *own, enum bf_err code, const char *words)
{
    char byte;
    size_t done;
    enum bf_err err = BF_AGAIN;
    tls_peer_init(&peer, &server, &root, 1);
    struct bf_tls_config c = config_for(&root, own, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    for (int i = 0; i < TURNS && err == BF_AGAIN; i++) {
        tls.ops->poll(tls.impl);
        tls_peer_turn(&peer);
        err = tls.ops->read(tls.impl, &byte, 1, &done);
    }
    const struct bf_fault *f = tls.ops->fault(tls.impl);
    printf("# %s -> %s\n", f->what, f->todo);
    CHECK_EQ(err, code);
    CHECK_EQ(f->code, code);
    CHECK_EQ(f->side, BF_SIDE_CONFIG);
    CHECK(strstr(f->what, words));
    finish();
}

static void test_server_wants_a_certificate(void)
{
    setup();
    expect_alert(NULL, BF_ERR_AUTH, "asks for a certificate");
}

static void test_server_does_not_know_our_root(void)
{
    setup();
    struct test_pair own = test_machine(&other_root, "web1");
    expect_alert(&own, BF_ERR_AUTH, "does not know who signed");
    test_pair_free(&own);
}

static void test_server_finds_us_expired(void)
{
    struct test_profile p = {"web1", "URI:bootferry:machine:web1", "clientAuth", -9 * DAY, -DAY,
                             NULL};
    setup();
    struct test_pair own = test_issue(&root, &p);
    expect_alert(&own, BF_ERR_AUTH, "expired");
    test_pair_free(&own);
}

static int say_revoked(X509_STORE_CTX *ctx, void *unused)
{
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REVOKED);
    return 0;
}

static void test_server_says_revoked(void)
{
    char byte;
    size_t done;
    enum bf_err err = BF_AGAIN;
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    SSL_CTX_set_cert_verify_callback(peer.ctx, say_revoked, NULL);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    for (int i = 0; i < TURNS && err == BF_AGAIN; i++) {
        tls_peer_turn(&peer);
        err = tls.ops->read(tls.impl, &byte, 1, &done);
    }
    CHECK_EQ(err, BF_ERR_AUTH);
    CHECK(strstr(tls.ops->fault(tls.impl)->what, "revoked"));
    finish();
}

static void test_no_certificate_when_none_is_wanted(void)
{
    setup();
    tls_peer_init(&peer, &server, &root, 0);
    struct bf_tls_config c = config_for(&root, NULL, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    tls_peer_turn(&peer);
    CHECK(SSL_is_init_finished(peer.ssl));
    CHECK(SSL_get0_peer_certificate(peer.ssl) == NULL);
    finish();
}

static void test_tls12_only_server(void)
{
    setup();
    tls_peer_init(&peer, &server, &root, 0);
    SSL_CTX_set_min_proto_version(peer.ctx, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(peer.ctx, TLS1_2_VERSION);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_FAILED);
    CHECK_EQ(tls.ops->fault(tls.impl)->code, BF_ERR_PROTOCOL);
    CHECK(strstr(tls.ops->fault(tls.impl)->what, "TLS 1.3"));
    finish();
}

static void test_plain_text_peer(void)
{
    static const char *const greetings[] = {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
                                            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                                            "\0\0\0\0\0\0\0\0\0\0\0\0"};
    setup();
    for (size_t i = 0; i < 3; i++) {
        tls_peer_init(&peer, NULL, NULL, 0);
        size_t len = i == 2 ? 12 : strlen(greetings[i]);
        memcpy(peer.down.bytes, greetings[i], len);
        peer.down.len = len;
        struct bf_tls_config c = config_for(&root, &machine, "server.test");
        CHECK_EQ(handshake(&c), BF_STREAM_FAILED);
        CHECK_EQ(tls.ops->fault(tls.impl)->code, BF_ERR_PROTOCOL);
        CHECK(strstr(tls.ops->fault(tls.impl)->what, "does not speak TLS"));
        finish();
    }
}

static void test_handshake_cut_anywhere(void)
{
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    SSL_CTX_set_num_tickets(peer.ctx, 0);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    uint64_t whole = peer.down.total;
    finish();
    for (uint64_t at = 1; at < whole; at += 1 + at / 9) {
        tls_peer_init(&peer, &server, &root, 1);
        SSL_CTX_set_num_tickets(peer.ctx, 0);
        peer.cut_after = at;
        CHECK_EQ(handshake(&c), BF_STREAM_FAILED);
        CHECK_EQ(tls.ops->fault(tls.impl)->code, BF_ERR_NETWORK);
        finish();
    }
}

static void test_server_ends_during_handshake(void)
{
    setup();
    tls_peer_init(&peer, NULL, NULL, 0);
    peer.closed = 1;
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_FAILED);
    CHECK_EQ(tls.ops->fault(tls.impl)->code, BF_ERR_NETWORK);
    CHECK_EQ(tls.ops->fault(tls.impl)->side, BF_SIDE_SERVER);
    finish();
}

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

// Both directions at once, with pieces of changing sizes.
static void transfer(const char *suite, uint64_t amount, size_t most)
{
    static uint8_t block[70000];
    uint64_t sent = 0, got = 0, sent_back = 0, got_back = 0, turn = 0;
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    SSL_CTX_set_ciphersuites(peer.ctx, suite);
    peer.most = most;
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    while (got < amount || got_back < amount) {
        size_t done, len = 1 + (size_t)(turn * 7919 % sizeof block);
        CHECK(turn++ < 2000000);
        if (len > amount - sent)
            len = (size_t)(amount - sent);
        for (size_t i = 0; i < len; i++)
            block[i] = pattern(sent + i);
        enum bf_err err = len ? tls.ops->write(tls.impl, block, len, &done) : BF_AGAIN;
        CHECK(err == BF_OK || err == BF_AGAIN);
        sent += err == BF_OK ? done : 0;
        tls.ops->poll(tls.impl);
        for (int n; (n = tls_peer_read(&peer, block, sizeof block)) > 0; got += (uint64_t)n)
            for (int i = 0; i < n; i++)
                CHECK_EQ(block[i], pattern(got + (uint64_t)i));
        size_t back = amount - sent_back < 16000 ? (size_t)(amount - sent_back) : 16000;
        for (size_t i = 0; i < back; i++)
            block[i] = pattern(sent_back + i);
        sent_back += back ? (uint64_t)tls_peer_write(&peer, block, back) : 0;
        while ((err = tls.ops->read(tls.impl, block, 1 + turn % 30000, &done)) == BF_OK) {
            for (size_t i = 0; i < done; i++)
                CHECK_EQ(block[i], pattern(got_back + i));
            got_back += done;
        }
        CHECK_EQ(err, BF_AGAIN);
    }
    CHECK_EQ(got, amount);
    CHECK_EQ(tls.ops->unsent(tls.impl), 0);
    finish();
}

static void test_transfers_both_ways(void)
{
    transfer("TLS_AES_128_GCM_SHA256", 6000000, 0);
    transfer("TLS_AES_256_GCM_SHA384", 1000000, 1400);
    transfer("TLS_CHACHA20_POLY1305_SHA256", 1000000, 1400);
    transfer("TLS_AES_128_GCM_SHA256", 60000, 7);
    bf_gcm_use(NULL);
    transfer("TLS_AES_128_GCM_SHA256", 1000000, 5000);
    bf_gcm_use(bf_gcm_engines[0]);
}

// Without an accelerated AES-GCM the client prefers ChaCha20, if the server lets it choose.
static void test_prefers_chacha_without_acceleration(void)
{
    char text[96];
    setup();
    for (int accelerated = 0; accelerated < 2; accelerated++) {
        bf_gcm_use(accelerated ? bf_gcm_engines[0] : NULL);
        tls_peer_init(&peer, &server, &root, 1);
        SSL_CTX_set_options(peer.ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
        struct bf_tls_config c = config_for(&root, &machine, "server.test");
        CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
        bf_tls_describe(&tls, text, sizeof text);
        CHECK(strstr(text, accelerated && bf_gcm_engines[0] ? "GCM" : "CHACHA20"));
        finish();
    }
}

static void test_small_writes_share_records(void)
{
    size_t done;
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    tls_peer_turn(&peer);
    uint64_t before = peer.up.total;
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(tls.ops->write(tls.impl, "0123456789", 10, &done), BF_OK);
    CHECK_EQ(peer.up.total, before);
    tls.ops->poll(tls.impl);
    CHECK_EQ(peer.up.total - before, 10000 + 5 + 1 + 16);
    finish();
}

static void test_output_is_bounded(void)
{
    static uint8_t block[100000];
    size_t done, total = 0;
    setup();
    tls_peer_init(&peer, &server, &root, 1);
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    CHECK_EQ(handshake(&c), BF_STREAM_OPEN);
    tls_peer_turn(&peer);
    enum bf_err err;
    while ((err = tls.ops->write(tls.impl, block, sizeof block, &done)) == BF_OK)
        total += done;
    CHECK_EQ(err, BF_AGAIN);
    CHECK(total > PEER_PIPE && total < PEER_PIPE + 128 * 1024 + 2 * 16384);
    finish();
}

static void test_bad_identities_are_told_at_once(void)
{
    setup();
    tls_peer_init(&peer, NULL, NULL, 0);
    struct test_pair stranger = test_machine(&root, "web2");
    struct bf_tls_config c = config_for(&root, &machine, "server.test");
    c.key_len = test_key_der(&stranger, key_der, DER);
    CHECK_EQ(bf_tls_open(tls_peer_stream(&peer), &c, &tls, &fault), BF_ERR_CONFIG);
    CHECK(strstr(fault.what, "does not belong"));
    c.key_len = 20;
    CHECK_EQ(bf_tls_open(tls_peer_stream(&peer), &c, &tls, &fault), BF_ERR_CONFIG);
    c.certificate_len = 30;
    CHECK_EQ(bf_tls_open(tls_peer_stream(&peer), &c, &tls, &fault), BF_ERR_CONFIG);
    c.root_len = 0;
    CHECK_EQ(bf_tls_open(tls_peer_stream(&peer), &c, &tls, &fault), BF_ERR_CONFIG);
    CHECK(strstr(fault.what, "root"));
    CHECK_EQ(peer.client_closed, 0); // still the caller's
    test_pair_free(&stranger);
}

static void test_no_memory_anywhere(void)
{
    struct bf_mem_usage before, after;
    setup();
    bf_mem_usage(&before);
    for (uint64_t extra = 0; extra < 400000; extra += 20011) {
        tls_peer_init(&peer, &server, &root, 1);
        struct bf_tls_config c = config_for(&root, &machine, "server.test");
        bf_mem_set_limit(before.in_use + extra);
        enum bf_err err = bf_tls_open(tls_peer_stream(&peer), &c, &tls, &fault);
        if (err == BF_OK) {
            for (int i = 0; i < TURNS && tls.ops->state(tls.impl) == BF_STREAM_OPENING; i++) {
                tls.ops->poll(tls.impl);
                tls_peer_turn(&peer);
            }
            tls.ops->close(tls.impl);
        }
        bf_mem_set_limit(0);
        tls_peer_free(&peer);
    }
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, before.in_use); // nothing leaked on any way out
}

static void test_pki_reads_roles_and_dates(void)
{
    struct bf_pki_info info;
    uint8_t der[DER], key[DER], ca[DER];
    setup();
    size_t len = test_certificate_der(&machine, der, DER),
           key_len = test_key_der(&machine, key, DER);
    size_t ca_len = test_certificate_der(&root, ca, DER);
    CHECK_EQ(bf_pki_read(der, len, &info), BF_OK);
    CHECK_STR(info.machine, "web1");
    CHECK_EQ(info.is_server, 0);
    CHECK_EQ(info.client_auth, 1);
    CHECK_EQ(info.server_auth, 0);
    CHECK_EQ(info.not_after - info.not_before, 367 * DAY);
    int64_t now = bf_platform_wall();
    CHECK(info.not_before <= now - 2 * DAY && info.not_before > now - 2 * DAY - 600);
    CHECK_EQ(bf_pki_key_fits(der, len, key, key_len), BF_OK);
    CHECK_EQ(bf_pki_signed_by(der, len, ca, ca_len), BF_OK);
    ca_len = test_certificate_der(&other_root, ca, DER);
    CHECK_EQ(bf_pki_signed_by(der, len, ca, ca_len), BF_ERR_AUTH);
    key_len = test_key_der(&server, key, DER);
    CHECK_EQ(bf_pki_key_fits(der, len, key, key_len), BF_ERR_MISMATCH);
    der[len] = 0;
    CHECK_EQ(bf_pki_read(der, len + 1, &info), BF_ERR_CORRUPT);
    CHECK_EQ(bf_pki_read(der, len - 1, &info), BF_ERR_CORRUPT);
    len = test_certificate_der(&server, der, DER);
    CHECK_EQ(bf_pki_read(der, len, &info), BF_OK);
    CHECK_EQ(info.is_server, 1);
    CHECK_STR(info.machine, "");
}

static void test_pki_refuses_two_roles(void)
{
    static const char *const bad[] = {
        "URI:bootferry:machine:a,URI:bootferry:machine:b",
        "URI:bootferry:machine:a,URI:bootferry:server", "URI:bootferry:machine:../x",
        "URI:bootferry:server,URI:bootferry:later", "URI:bootferry:machine:UP"};
    setup();
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        struct test_profile p = {"x", bad[i], "clientAuth", -DAY, DAY, NULL};
        struct bf_pki_info info;
        uint8_t der[DER];
        struct test_pair pair = test_issue(&root, &p);
        size_t len = test_certificate_der(&pair, der, DER);
        CHECK_EQ(bf_pki_read(der, len, &info), BF_ERR_CORRUPT);
        test_pair_free(&pair);
    }
}

// A number means nothing to whoever stands in front of the machine.
static void check_words(void)
{
    const char *version = strstr(fault.what, "1.3");
    for (const char *c = fault.what; *c; c++)
        CHECK(*c < '0' || *c > '9' || (version && c >= version && c < version + 3));
    CHECK(fault.todo[0]);
}

static void test_words_and_no_numbers(void)
{
    for (int alert = 0; alert < 256; alert++) {
        bf_tls_alert_fault(&fault, (uint8_t)alert, "server.test");
        check_words();
    }
    for (int code = 1; code < 0x8000; code++) {
        bf_tls_code_fault(&fault, -code, 1, "server.test");
        check_words();
    }
    for (int bit = 0; bit < 32; bit++) {
        struct bf_tls_verdict judgement = {.flags = UINT32_C(1) << bit};
        bf_tls_verify_fault(&fault, &judgement, "server.test", "role");
        if (fault.code != BF_ERR_CLOCK && !strstr(fault.what, "expired")) // they have dates
            check_words();
    }
    // A machine that is known cannot be added again.
    bf_tls_alert_fault(&fault, 44, "server.test");
    CHECK(strstr(fault.todo, "machine renew"));
}

TEST_MAIN(TEST(test_good_server_by_name_and_address), TEST(test_orderly_end),
          TEST(test_our_close_is_orderly), TEST(test_cut_is_not_an_orderly_end),
          TEST(test_last_words_are_read_after_a_cut), TEST(test_unknown_root),
          TEST(test_wrong_name), TEST(test_common_name_is_no_host_name), TEST(test_expired),
          TEST(test_not_yet_valid), TEST(test_set_wall_is_what_counts), TEST(test_wrong_role),
          TEST(test_purpose_must_be_explicit), TEST(test_server_wants_a_certificate),
          TEST(test_server_does_not_know_our_root), TEST(test_server_finds_us_expired),
          TEST(test_server_says_revoked), TEST(test_no_certificate_when_none_is_wanted),
          TEST(test_tls12_only_server), TEST(test_plain_text_peer),
          TEST(test_handshake_cut_anywhere), TEST(test_server_ends_during_handshake),
          TEST(test_transfers_both_ways), TEST(test_prefers_chacha_without_acceleration),
          TEST(test_small_writes_share_records), TEST(test_output_is_bounded),
          TEST(test_bad_identities_are_told_at_once), TEST(test_no_memory_anywhere),
          TEST(test_pki_reads_roles_and_dates), TEST(test_pki_refuses_two_roles),
          TEST(test_words_and_no_numbers))
