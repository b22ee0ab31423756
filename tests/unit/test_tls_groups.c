// SPDX-License-Identifier: Apache-2.0
// The key exchange: the TLS client against the context that the replica server uses, and against
// OpenSSL servers that know less. Which group is chosen, in how many round trips, and what becomes
// of shares that are wrong: those are made by changing the hello messages, which are plain text, on
// their way. RFC 8446, 4.1.3, 4.1.4, 4.2.8; RFC 10024.
#include <openssl/ssl.h>

#include "base/bytes.h"
#include "net/tls/mlkem.h"
#include "net/tls/tls.h"
#include "replica/pki/kex.h"
#include "tests/net/pki_maker.h"
#include "tests/net/tls_peer.h"
#include "tests/unit/test.h"

enum {
    TURNS = 20000,
    DER = 4096,
    HYBRID = 0x11ec,
    X25519 = 0x001d,
    P256 = 0x0017,
    CLIENT_SHARE = BF_MLKEM_PUBLIC + 32,
    SERVER_SHARE = BF_MLKEM_CIPHERTEXT + 32,
    ILLEGAL_PARAMETER = 47,
    HANDSHAKE_FAILURE = 40,
};

static struct test_pair root, server, machine;
static struct tls_peer peer;
static struct bf_stream tls;
static struct bf_fault fault;
static uint8_t root_der[DER], certificate_der[DER], key_der[DER];
static int hellos; // messages ClientHello that the server has seen

static void count_hellos(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl,
                         void *arg)
{
    if (!sent && type == SSL3_RT_HANDSHAKE && len > 0 && *(const uint8_t *)bytes == 1)
        hellos++;
}

static struct bf_tls_config setup(int hybrid_only)
{
    if (!root.certificate) {
        root = test_root("Bootferry test root");
        server = test_server(&root);
        machine = test_machine(&root, "web1");
    }
    struct bf_tls_config c = {.host = "server.test",
                              .role = BF_TLS_ROLE_SERVER,
                              .root = root_der,
                              .certificate = certificate_der,
                              .key = key_der,
                              .hybrid_only = (uint8_t)hybrid_only};
    c.root_len = test_certificate_der(&root, root_der, DER);
    c.certificate_len = test_certificate_der(&machine, certificate_der, DER);
    c.key_len = test_key_der(&machine, key_der, DER);
    hellos = 0;
    return c;
}

// groups NULL: the replica server's own context; else an OpenSSL server with these groups.
static void start(const struct bf_tls_config *c, const char *groups)
{
    int hybrid = 1;
    SSL_CTX *context = groups ? SSL_CTX_new(TLS_server_method()) : bf_kex_context(&hybrid);
    CHECK(context && hybrid);
    if (groups)
        CHECK(SSL_CTX_set1_groups_list(context, groups) == 1);
    SSL_CTX_set_msg_callback(context, count_hellos);
    tls_peer_init_with(&peer, context, &server, &root, 1);
    CHECK_EQ(bf_tls_open(tls_peer_stream(&peer), c, &tls, &fault), BF_OK);
}

static enum bf_stream_state go_on(void)
{
    for (int i = 0; i < TURNS && tls.ops->state(tls.impl) == BF_STREAM_OPENING; i++) {
        tls.ops->poll(tls.impl);
        tls_peer_turn(&peer);
    }
    return tls.ops->state(tls.impl);
}

static void finish(void)
{
    tls.ops->close(tls.impl);
    tls_peer_free(&peer);
}

static void expect_group(int hybrid_only, const char *groups, const char *wanted, int wanted_hellos)
{
    char text[96], got[8] = "";
    size_t done;
    struct bf_tls_config c = setup(hybrid_only);
    start(&c, groups);
    CHECK_EQ(go_on(), BF_STREAM_OPEN);
    CHECK_STR(bf_tls_group(&tls), wanted);
    bf_tls_describe(&tls, text, sizeof text);
    CHECK(strstr(text, wanted));
    CHECK_EQ(hellos, wanted_hellos);
    CHECK_EQ(tls.ops->write(tls.impl, "hello", 5, &done), BF_OK);
    tls.ops->poll(tls.impl);
    CHECK_EQ(tls_peer_read(&peer, got, sizeof got), 5);
    CHECK_STR(got, "hello");
    finish();
}

// ---- What is chosen ----------------------------------------------------------------------------

static void test_hybrid_with_our_server(void)
{
    expect_group(0, NULL, "X25519MLKEM768", 1);
}

static void test_older_server_needs_no_second_round_trip(void)
{
    expect_group(0, "X25519", "X25519", 1);
    expect_group(0, "P-256:X25519", "X25519", 1);
}

static void test_server_without_our_shares_asks_again(void)
{
    expect_group(0, "P-256", "P-256", 2);
    expect_group(0, "P-384", "P-384", 2);
    expect_group(0, "P-384:P-256", "P-384", 2);
}

static void test_hybrid_only_with_our_server(void)
{
    expect_group(1, NULL, "X25519MLKEM768", 1);
}

static void test_hybrid_only_refuses_what_has_no_hybrid(void)
{
    static const char *const groups[] = {"X25519", "P-256", "X25519:P-256:P-384"};
    for (int i = 0; i < 3; i++) {
        struct bf_tls_config c = setup(1);
        start(&c, groups[i]);
        CHECK_EQ(go_on(), BF_STREAM_FAILED);
        const struct bf_fault *f = tls.ops->fault(tls.impl);
        CHECK_EQ(f->code, BF_ERR_AUTH);
        CHECK_EQ(f->side, BF_SIDE_SERVER);
        CHECK(strstr(f->what, "server.test has no hybrid key exchange (X25519MLKEM768)"));
        CHECK(strstr(f->todo, "kex=auto") && strstr(f->todo, "quantum computers"));
        CHECK_STR(bf_tls_group(&tls), "");
        finish();
    }
}

// ---- The first message on its way --------------------------------------------------------------

// The key_share extension of the hello in the pipe's first record: a client's or a server's.
static uint8_t *key_share(struct peer_pipe *pipe)
{
    uint8_t *at = pipe->bytes + 5 + 4 + 2 + 32, *end = pipe->bytes + 5 + bf_be16(pipe->bytes + 3);
    int is_client = pipe->bytes[5] == 1;
    CHECK(pipe->len > 60 && pipe->bytes[0] == SSL3_RT_HANDSHAKE && end - pipe->bytes > 60);
    at += 1 + at[0];                           // session
    at += is_client ? 2 + bf_be16(at) : 2;     // suites
    at += (is_client ? 1 + at[0] : 1) + 2;     // compression, length of the extensions
    while (at < end && bf_be16(at) != 51)
        at += 4 + bf_be16(at + 2);
    CHECK(at < end);
    return at;
}

static void client_says_hello(const struct bf_tls_config *c, const char *groups)
{
    start(c, groups);
    tls.ops->poll(tls.impl);
}

static void server_says_hello(const struct bf_tls_config *c, const char *groups)
{
    client_says_hello(c, groups);
    tls_peer_turn(&peer);
}

static void test_hello_offers_hybrid_and_x25519_with_one_key(void)
{
    struct bf_tls_config c = setup(0);
    client_says_hello(&c, NULL);
    uint8_t *at = key_share(&peer.up) + 4;
    CHECK_EQ(bf_be16(at), 4 + CLIENT_SHARE + 4 + 32);
    at += 2;
    CHECK_EQ(bf_be16(at), HYBRID);
    CHECK_EQ(bf_be16(at + 2), CLIENT_SHARE);
    CHECK_EQ(bf_mlkem_is_valid(at + 4), 1);
    uint8_t *second = at + 4 + CLIENT_SHARE;
    CHECK_EQ(bf_be16(second), X25519);
    CHECK_EQ(bf_be16(second + 2), 32);
    CHECK_MEM(second + 4, second - 32, 32); // RFC 9954, 3.2
    finish();
}

static void test_hello_of_hybrid_only_has_nothing_else(void)
{
    struct bf_tls_config c = setup(1);
    client_says_hello(&c, NULL);
    uint8_t *at = key_share(&peer.up) + 4;
    CHECK_EQ(bf_be16(at), 4 + CLIENT_SHARE);
    CHECK_EQ(bf_be16(at + 2), HYBRID);
    CHECK_EQ(go_on(), BF_STREAM_OPEN);
    finish();
}

static void test_each_connection_has_keys_of_its_own(void)
{
    static uint8_t first[CLIENT_SHARE];
    struct bf_tls_config c = setup(0);
    client_says_hello(&c, NULL);
    memcpy(first, key_share(&peer.up) + 10, sizeof first);
    finish();
    client_says_hello(&c, NULL);
    CHECK(memcmp(first, key_share(&peer.up) + 10, BF_MLKEM_PUBLIC) != 0);
    CHECK(memcmp(first + BF_MLKEM_PUBLIC, key_share(&peer.up) + 10 + BF_MLKEM_PUBLIC, 32) != 0);
    finish();
}

// With a link of MTU 1280 and IPv6 a segment has 1220 bytes: the hello needs two, and may come in
// any pieces.
static void test_hello_in_pieces(void)
{
    static const size_t most[] = {1, 7, 1220, 1208};
    for (int i = 0; i < 4; i++) {
        struct bf_tls_config c = setup(0);
        start(&c, NULL);
        peer.most = most[i];
        CHECK_EQ(go_on(), BF_STREAM_OPEN);
        CHECK_STR(bf_tls_group(&tls), "X25519MLKEM768");
        CHECK(peer.up.total > 1220);
        CHECK_EQ(hellos, 1);
        finish();
    }
}

// ---- Wrong shares of the server ----------------------------------------------------------------

// The alert that the client sends about what lies in its pipe now, in plain text; 0 without one.
static uint8_t alert_of_client(void)
{
    peer.up.len = 0;
    tls.ops->poll(tls.impl);
    CHECK_EQ(tls.ops->state(tls.impl), BF_STREAM_FAILED);
    CHECK_STR(bf_tls_group(&tls), "");
    if (peer.up.len < 7 || peer.up.bytes[0] != SSL3_RT_ALERT)
        return 0;
    CHECK_EQ(peer.up.bytes[5], 2);
    return peer.up.bytes[6];
}

static void test_server_chooses_what_was_not_offered(void)
{
    static const uint16_t wrong[] = {P256, 0x001e, 0x4588, 0};
    for (int i = 0; wrong[i]; i++) {
        struct bf_tls_config c = setup(0);
        server_says_hello(&c, NULL);
        bf_put_be16(key_share(&peer.down) + 4, wrong[i]);
        CHECK_EQ(alert_of_client(), HANDSHAKE_FAILURE);
        finish();
    }
    // X25519 alone, to a client that allows the hybrid group only
    struct bf_tls_config c = setup(1);
    server_says_hello(&c, NULL);
    bf_put_be16(key_share(&peer.down) + 4, X25519);
    CHECK_EQ(alert_of_client(), HANDSHAKE_FAILURE);
    finish();
}

// Resizes the share of the server to len, its bytes cut or repeated.
static void resize(int len)
{
    struct peer_pipe *pipe = &peer.down;
    uint8_t *ext = key_share(pipe), *data = ext + 8, *end = data + SERVER_SHARE;
    int more = len - SERVER_SHARE;
    CHECK_EQ(bf_be16(ext + 6), SERVER_SHARE);
    memmove(end + more, end, pipe->len - (size_t)(end - pipe->bytes));
    pipe->len = (size_t)((int)pipe->len + more);
    uint8_t *extensions = pipe->bytes + 5 + 4 + 2 + 32 + 1 + pipe->bytes[5 + 4 + 2 + 32] + 3;
    uint8_t *lengths[] = {pipe->bytes + 3, pipe->bytes + 7, extensions, ext + 2, ext + 6};
    for (int i = 0; i < 5; i++)
        bf_put_be16(lengths[i], (uint32_t)((int)bf_be16(lengths[i]) + more));
}

static void test_server_share_of_another_length(void)
{
    static const int lens[] = {0, 1, 32, BF_MLKEM_CIPHERTEXT, SERVER_SHARE - 1, SERVER_SHARE + 1,
                               CLIENT_SHARE};
    for (int i = 0; i < 7; i++) {
        struct bf_tls_config c = setup(0);
        server_says_hello(&c, NULL);
        resize(lens[i]);
        CHECK_EQ(alert_of_client(), ILLEGAL_PARAMETER);
        finish();
    }
}

// The length within the extension says something else than the extension's own.
static void test_server_share_with_two_lengths(void)
{
    for (int i = -1; i <= 1; i += 2) {
        struct bf_tls_config c = setup(0);
        server_says_hello(&c, NULL);
        bf_put_be16(key_share(&peer.down) + 6, (uint32_t)(SERVER_SHARE + i));
        CHECK_EQ(alert_of_client(), ILLEGAL_PARAMETER);
        finish();
    }
}

// RFC 7748, 6.1: points of small order lead to a secret of zeros.
static void test_server_share_without_a_secret(void)
{
    for (uint8_t first = 0; first <= 1; first++) {
        for (int hybrid = 0; hybrid <= 1; hybrid++) {
            struct bf_tls_config c = setup(0);
            server_says_hello(&c, hybrid ? NULL : "X25519");
            uint8_t *point = key_share(&peer.down) + 8 + (hybrid ? BF_MLKEM_CIPHERTEXT : 0);
            memset(point, 0, 32);
            point[0] = first;
            CHECK_EQ(alert_of_client(), ILLEGAL_PARAMETER);
            finish();
        }
    }
}

// Implicit rejection: the secrets differ, so nothing that follows can be read.
static void test_server_share_with_another_ciphertext(void)
{
    struct bf_tls_config c = setup(0);
    server_says_hello(&c, NULL);
    key_share(&peer.down)[8 + 500] ^= 1;
    CHECK_EQ(go_on(), BF_STREAM_FAILED);
    CHECK(tls.ops->fault(tls.impl)->what[0]);
    finish();
}

// RFC 8446, 4.1.4: a group that was in the list, and not one whose share was sent.
static void test_server_asks_again_for_a_wrong_group(void)
{
    static const uint16_t wrong[] = {HYBRID, X25519, 0x001e, 0x0019, 0x0101, 0};
    for (int i = 0; wrong[i]; i++) {
        struct bf_tls_config c = setup(0);
        server_says_hello(&c, "P-256");
        uint8_t *ext = key_share(&peer.down);
        CHECK_EQ(bf_be16(ext + 2), 2);
        bf_put_be16(ext + 4, wrong[i]);
        CHECK_EQ(alert_of_client(), ILLEGAL_PARAMETER);
        finish();
    }
}

// ---- Wrong shares of the client ----------------------------------------------------------------

static void expect_alert_of_server(uint8_t alert)
{
    tls_peer_turn(&peer);
    CHECK_EQ(peer.closed, 1);
    CHECK(peer.down.len >= 7);
    CHECK_EQ(peer.down.bytes[0], SSL3_RT_ALERT);
    CHECK_EQ(peer.down.bytes[6], alert);
    CHECK_EQ(go_on(), BF_STREAM_FAILED);
    finish();
}

static void test_our_server_refuses_a_key_that_is_not_reduced(void)
{
    struct bf_tls_config c = setup(0);
    client_says_hello(&c, NULL);
    memset(key_share(&peer.up) + 10 + 300, 0xff, 3);
    expect_alert_of_server(ILLEGAL_PARAMETER);
}

static void test_our_server_refuses_a_point_without_a_secret(void)
{
    struct bf_tls_config c = setup(0);
    client_says_hello(&c, NULL);
    memset(key_share(&peer.up) + 10 + BF_MLKEM_PUBLIC, 0, 32);
    expect_alert_of_server(ILLEGAL_PARAMETER);
}

// One byte goes over from the hybrid share to the other one.
static void test_our_server_refuses_another_length(void)
{
    struct bf_tls_config c = setup(0);
    client_says_hello(&c, NULL);
    uint8_t *share = key_share(&peer.up) + 6, *second = share + 4 + CLIENT_SHARE;
    bf_put_be16(share + 2, CLIENT_SHARE - 1);
    memmove(second - 1, second, 4);
    bf_put_be16(second + 1, 33);
    expect_alert_of_server(ILLEGAL_PARAMETER);
}

TEST_MAIN(TEST(test_hybrid_with_our_server), TEST(test_older_server_needs_no_second_round_trip),
          TEST(test_server_without_our_shares_asks_again), TEST(test_hybrid_only_with_our_server),
          TEST(test_hybrid_only_refuses_what_has_no_hybrid),
          TEST(test_hello_offers_hybrid_and_x25519_with_one_key),
          TEST(test_hello_of_hybrid_only_has_nothing_else),
          TEST(test_each_connection_has_keys_of_its_own), TEST(test_hello_in_pieces),
          TEST(test_server_chooses_what_was_not_offered),
          TEST(test_server_share_of_another_length), TEST(test_server_share_with_two_lengths),
          TEST(test_server_share_without_a_secret),
          TEST(test_server_share_with_another_ciphertext),
          TEST(test_server_asks_again_for_a_wrong_group),
          TEST(test_our_server_refuses_a_key_that_is_not_reduced),
          TEST(test_our_server_refuses_a_point_without_a_secret),
          TEST(test_our_server_refuses_another_length))
