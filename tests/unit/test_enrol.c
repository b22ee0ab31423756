// SPDX-License-Identifier: Apache-2.0
// Enrolment and the connector against a server made of OpenSSL in the same process: the request is
// one that OpenSSL accepts, only the right certificate is taken, and servers are tried in turn.
#include <openssl/x509.h>
#include <time.h>

#include "base/platform.h"
#include "net/connector.h"
#include "net/tls/enrol.h"
#include "net/tls/pki.h"
#include "net/proto/proto.h"
#include "net/tls/tls.h"
#include "tests/net/pki_maker.h"
#include "tests/net/tls_peer.h"
#include "tests/platform_sim.h"
#include "tests/unit/test.h"

enum { DAY = 86400, DER = 8192, TURNS = 400, PEERS = 8 };

static struct test_pair root, other_root, server;
static uint8_t root_der[DER];
static size_t root_len;

static void setup(void)
{
    sim_platform_reset(7);
    bf_platform_set_wall(time(NULL));
    if (root.certificate)
        return;
    root = test_root("Bootferry test root");
    other_root = test_root("Another root");
    server = test_server(&root);
    root_len = test_certificate_der(&root, root_der, DER);
}

static void test_request_is_a_good_one(void)
{
    struct bf_identity id = {.key_len = 0};
    uint8_t csr[BF_ENROL_CSR_MAX];
    char name[64];
    size_t len;
    setup();
    CHECK_EQ(bf_enrol_new_key(&id), BF_OK);
    CHECK_EQ(bf_enrol_request(&id, "web1", csr, &len), BF_OK);
    const uint8_t *at = csr;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)len);
    CHECK(request);
    CHECK(at == csr + len);
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    CHECK_EQ(X509_REQ_verify(request, key), 1);
    CHECK_EQ(EVP_PKEY_get_bits(key), 256);
    X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, name,
                              sizeof name);
    CHECK_STR(name, "web1");
    at = id.key;
    EVP_PKEY *private = d2i_AutoPrivateKey(NULL, &at, (long)id.key_len);
    CHECK(private);
    CHECK_EQ(EVP_PKEY_eq(private, key), 1);
    EVP_PKEY_free(private);
    X509_REQ_free(request);
}

static void test_keys_differ_and_need_entropy(void)
{
    struct bf_identity a = {.key_len = 0}, b = {.key_len = 0};
    uint8_t csr[BF_ENROL_CSR_MAX];
    size_t len;
    setup();
    CHECK_EQ(bf_enrol_new_key(&a), BF_OK);
    CHECK_EQ(bf_enrol_new_key(&b), BF_OK);
    CHECK(a.key_len != b.key_len || memcmp(a.key, b.key, a.key_len) != 0);
    CHECK_EQ(bf_enrol_request(&a, "Web 1", csr, &len), BF_ERR_RANGE);
    CHECK_EQ(bf_enrol_request(&a, "web1,O=x", csr, &len), BF_ERR_RANGE);
}

// What the server makes of a request: a certificate for its public key.
struct answer {
    const struct test_pair *signer;
    const char *names, *usage;
    EVP_PKEY *key; // instead of the requested one
};

static size_t issue(const struct answer *how, const uint8_t *csr, size_t csr_len, uint8_t *der)
{
    const uint8_t *at = csr;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)csr_len);
    if (!request)
        return 0;
    struct test_profile p = {"web1",     how->names,
                             how->usage, -2 * DAY,
                             300 * DAY,  how->key ? how->key : X509_REQ_get0_pubkey(request)};
    struct test_pair pair = test_issue(how->signer, &p);
    size_t len = test_certificate_der(&pair, der, DER);
    test_pair_free(&pair);
    X509_REQ_free(request);
    return len;
}

static void expect_judgement(const struct answer *how, enum bf_err code, const char *words)
{
    struct bf_identity id = {.key_len = 0};
    struct bf_fault fault = {0};
    uint8_t csr[BF_ENROL_CSR_MAX], der[DER];
    size_t len;
    CHECK_EQ(bf_enrol_new_key(&id), BF_OK);
    CHECK_EQ(bf_enrol_request(&id, "web1", csr, &len), BF_OK);
    len = issue(how, csr, len, der);
    CHECK(len > 0);
    CHECK_EQ(bf_enrol_accept(&id, "web1", root_der, root_len, der, len, &fault), code);
    CHECK_EQ(id.certificate_len, code == BF_OK ? len : 0);
    if (code != BF_OK)
        CHECK(strstr(fault.what, words));
}

static void test_only_the_right_certificate_is_taken(void)
{
    static const char *const mine = "URI:bootferry:machine:web1";
    setup();
    struct answer good = {&root, mine, "clientAuth", NULL};
    struct answer stranger = {&other_root, mine, "clientAuth", NULL};
    struct answer other_name = {&root, "URI:bootferry:machine:web2", "clientAuth", NULL};
    struct answer a_server = {&root, "URI:bootferry:server", "clientAuth", NULL};
    struct answer no_usage = {&root, mine, "serverAuth", NULL};
    struct answer other_key = {&root, mine, "clientAuth", server.key};
    expect_judgement(&good, BF_OK, "");
    expect_judgement(&stranger, BF_ERR_AUTH, "root");
    expect_judgement(&other_name, BF_ERR_AUTH, "role");
    expect_judgement(&a_server, BF_ERR_AUTH, "role");
    expect_judgement(&no_usage, BF_ERR_AUTH, "client authentication");
    expect_judgement(&other_key, BF_ERR_AUTH, "a different key");
}

// ---- A server behind the connector --------------------------------------------------------------

// Every dial makes a new peer; what it does depends on the host that was dialled.
static struct tls_peer peers[PEERS];
static uint8_t peer_in[PEERS][DER];
static size_t peer_in_len[PEERS];
static int dialled, nobody_calls, served;
static char hosts[PEERS][32];
static struct answer answer;
static const char *refusal; // of the enrolment
static int dials_most;

static enum bf_err fake_dial(void *impl, const struct bf_peer *peer, const char *host,
                             uint16_t port, struct bf_stream *out, struct bf_fault *fault)
{
    CHECK(peer == &bf_peer_server);
    if (strcmp(host, "down.test") == 0 || dialled >= dials_most)
        return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_SERVER, "start it", "%s is down", host);
    CHECK(dialled < PEERS);
    snprintf(hosts[dialled], sizeof hosts[0], "%s", host);
    tls_peer_init(&peers[dialled], strcmp(host, "plain.test") == 0 ? NULL : &server, &root, 0);
    if (strcmp(host, "plain.test") == 0) {
        memcpy(peers[dialled].down.bytes, "220 mail ready\r\n", 16);
        peers[dialled].down.len = 16;
    }
    peer_in_len[dialled] = 0;
    *out = tls_peer_stream(&peers[dialled++]);
    return BF_OK;
}

static void fake_nobody(void *impl)
{
    nobody_calls++;
}

static void answer_enrolment(int i, const struct bf_frame *frame)
{
    static uint8_t der[DER], out[DER + 64];
    struct bf_enrol request;
    size_t len;
    CHECK_EQ(bf_get_enrol(frame, &request), BF_OK);
    CHECK_STR(request.name, "web1");
    CHECK_EQ(request.key[0], 0xab);
    CHECK(SSL_get0_peer_certificate(peers[i].ssl) == NULL);
    if (refusal) {
        struct bf_fault fault;
        bf_fault_set(&fault, BF_ERR_DENIED, BF_SIDE_CONFIG, "make a new image", "%s", refusal);
        len = bf_put_fault(out, sizeof out, &fault);
    } else {
        struct bf_enrolled answered = {der,
                                       (uint32_t)issue(&answer, request.csr, request.csr_len, der)};
        len = bf_put_enrolled(out, sizeof out, &answered);
    }
    CHECK(len > 0);
    CHECK_EQ(tls_peer_write(&peers[i], out, len), len);
    served++;
}

static void turn_peers(void)
{
    for (int i = 0; i < dialled; i++) {
        struct bf_frame frame;
        size_t need;
        if (!peers[i].ctx || peers[i].client_closed)
            continue;
        int n = tls_peer_read(&peers[i], peer_in[i] + peer_in_len[i], DER - peer_in_len[i]);
        peer_in_len[i] += (size_t)n;
        if (n > 0 && bf_frame_parse(peer_in[i], peer_in_len[i], &frame, &need) == BF_OK &&
            frame.type == BF_MSG_ENROL) {
            answer_enrolment(i, &frame);
            peer_in_len[i] = 0;
        }
        tls_peer_turn(&peers[i]);
    }
}

static struct bf_config config;
static struct bf_server_connector *connector;
static struct bf_stream stream;
static char to[128];
static struct bf_fault fault;

static void begin(const char *const *servers, int count, const struct test_pair *own)
{
    setup();
    dialled = nobody_calls = served = 0;
    refusal = NULL;
    dials_most = PEERS;
    answer = (struct answer){&root, "URI:bootferry:machine:web1", "clientAuth", NULL};
    memset(&config, 0, sizeof config);
    for (int i = 0; i < count; i++) {
        snprintf(config.server[i].host, sizeof config.server[i].host, "%s", servers[i]);
        config.server[i].port = 7667;
    }
    config.servers = (uint8_t)count;
    memcpy(config.root.bytes, root_der, root_len);
    config.root.len = (uint32_t)root_len;
    strcpy(config.name, "web1");
    if (own) {
        config.certificate.len =
            (uint32_t)test_certificate_der(own, config.certificate.bytes, BF_CONFIG_DER_MAX);
        config.key.len = (uint32_t)test_key_der(own, config.key.bytes, BF_CONFIG_DER_MAX);
    } else {
        memset(config.enrol_key, 0xab, sizeof config.enrol_key);
        config.has_enrol_key = 1;
    }
    connector = bf_server_connector_new(&config, (struct bf_dialer){fake_dial, fake_nobody, NULL});
    CHECK(connector);
}

static enum bf_stream_state open_once(uint64_t step_us)
{
    struct bf_connector c = bf_server_connector(connector);
    CHECK_EQ(c.open(c.impl, 0, &stream, to, sizeof to, &fault), BF_OK);
    for (int i = 0; i < TURNS && stream.ops->state(stream.impl) == BF_STREAM_OPENING; i++) {
        stream.ops->poll(stream.impl);
        turn_peers();
        sim_clock_advance(step_us);
    }
    return stream.ops->state(stream.impl);
}

static void end(void)
{
    stream.ops->close(stream.impl);
    bf_server_connector_free(connector);
    for (int i = 0; i < dialled; i++) {
        CHECK_EQ(peers[i].client_closed, 1); // each connection exactly once
        tls_peer_free(&peers[i]);
    }
}

static const char *const GOOD[] = {"server.test"};

static void test_connects_with_its_certificate(void)
{
    setup();
    struct test_pair own = test_machine(&root, "web1");
    begin(GOOD, 1, &own);
    CHECK_EQ(open_once(1000), BF_STREAM_OPEN);
    CHECK_STR(to, "server.test:7667");
    CHECK_EQ(dialled, 1);
    turn_peers();
    CHECK(SSL_is_init_finished(peers[0].ssl));
    end();
    test_pair_free(&own);
}

static void test_enrols_then_connects(void)
{
    char got[8];
    size_t done;
    begin(GOOD, 1, NULL);
    CHECK_EQ(open_once(1000), BF_STREAM_OPEN);
    CHECK_EQ(served, 1);
    CHECK_EQ(dialled, 2);
    CHECK_EQ(peers[0].client_closed, 1);
    for (int i = 0; i < 4; i++)
        turn_peers();
    X509 *shown = SSL_get0_peer_certificate(peers[1].ssl);
    CHECK(shown);
    CHECK_EQ(stream.ops->write(stream.impl, "data", 4, &done), BF_OK);
    stream.ops->poll(stream.impl);
    CHECK_EQ(tls_peer_read(&peers[1], got, sizeof got), 4);
    // a later connection uses the same certificate and does not enrol again
    stream.ops->close(stream.impl);
    CHECK_EQ(open_once(1000), BF_STREAM_OPEN);
    CHECK_EQ(served, 1);
    CHECK_EQ(dialled, 3);
    end();
}

static void test_enrolment_refused(void)
{
    begin(GOOD, 1, NULL);
    refusal = "the enrolment key was used up";
    CHECK_EQ(open_once(1000), BF_STREAM_FAILED);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    CHECK_EQ(f->code, BF_ERR_DENIED);
    CHECK_STR(f->what, "the enrolment key was used up");
    CHECK_STR(f->todo, "make a new image");
    CHECK_EQ(nobody_calls, 1);
    end();
}

static void test_enrolment_with_a_wrong_certificate(void)
{
    begin(GOOD, 1, NULL);
    answer.names = "URI:bootferry:machine:db7";
    CHECK_EQ(open_once(1000), BF_STREAM_FAILED);
    CHECK_EQ(stream.ops->fault(stream.impl)->code, BF_ERR_AUTH);
    CHECK_EQ(dialled, 1);
    end();
}

static void test_servers_in_turn(void)
{
    static const char *const some[] = {"down.test", "plain.test", "127.0.0.1"};
    setup();
    struct test_pair own = test_machine(&root, "web1");
    begin(some, 3, &own);
    CHECK_EQ(open_once(1000), BF_STREAM_OPEN);
    CHECK_STR(to, "down.test:7667, plain.test:7667, 127.0.0.1:7667");
    CHECK_STR(hosts[0], "plain.test");
    CHECK_STR(hosts[1], "127.0.0.1");
    CHECK(strstr(sim_log(), "down.test is down"));
    struct bf_connector c = bf_server_connector(connector);
    c.answered(c.impl, to, sizeof to);
    CHECK_STR(to, "127.0.0.1:7667");
    // the next round begins with the one that answered
    stream.ops->close(stream.impl);
    CHECK_EQ(open_once(1000), BF_STREAM_OPEN);
    CHECK_STR(hosts[2], "127.0.0.1");
    CHECK_EQ(nobody_calls, 0);
    end();
    test_pair_free(&own);
}

// Writes more than there is room for while the server takes nothing, so that another connection is
// wanted.
static void crowd(void)
{
    static uint8_t block[65536];
    size_t done;
    for (int i = 0; i < 20; i++) {
        stream.ops->write(stream.impl, block, sizeof block, &done);
        stream.ops->poll(stream.impl);
    }
}

static void test_further_connections_go_to_the_same_server(void)
{
    static const char *const some[] = {"down.test", "server.test"};
    setup();
    struct test_pair own = test_machine(&root, "web1");
    for (dials_most = 1; dials_most <= 2; dials_most++) {
        int most = dials_most;
        begin(some, 2, &own);
        dials_most = most;
        config.connections = 2;
        CHECK_EQ(open_once(1000), BF_STREAM_OPEN);
        crowd();
        CHECK_EQ(dialled, most);
        CHECK_STR(hosts[most - 1], "server.test");
        CHECK_EQ(stream.ops->state(stream.impl), BF_STREAM_OPEN);
        CHECK_EQ(nobody_calls, 0); // the NIC is not to be changed for that
        CHECK(most == 2 || strstr(sim_log(), "connection 2 of 2 cannot be opened"));
        end();
    }
    test_pair_free(&own);
}

static void test_the_fault_that_needs_an_administrator_wins(void)
{
    static const char *const some[] = {"elsewhere.test", "down.test"};
    setup();
    struct test_pair own = test_machine(&root, "web1");
    begin(some, 2, &own);
    CHECK_EQ(open_once(1000), BF_STREAM_FAILED);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    CHECK_EQ(f->code, BF_ERR_AUTH);
    CHECK(strstr(f->what, "elsewhere.test"));
    CHECK_EQ(nobody_calls, 1);
    end();
    test_pair_free(&own);
}

static void test_silent_server_is_left_in_time(void)
{
    setup();
    struct test_pair own = test_machine(&root, "web1");
    begin(GOOD, 1, &own);
    struct bf_connector c = bf_server_connector(connector);
    CHECK_EQ(c.open(c.impl, 0, &stream, to, sizeof to, &fault), BF_OK);
    int seconds = 0;
    for (; seconds < 60 && stream.ops->state(stream.impl) == BF_STREAM_OPENING; seconds++) {
        stream.ops->poll(stream.impl); // the peer is never turned
        sim_clock_advance(1000000);
    }
    CHECK(seconds >= 15 && seconds < 20);
    CHECK_EQ(stream.ops->fault(stream.impl)->code, BF_ERR_TIMEOUT);
    end();
    test_pair_free(&own);
}

static void test_no_entropy_no_connection(void)
{
    struct bf_identity id = {.key_len = 0};
    setup();
    CHECK_EQ(bf_enrol_new_key(&id), BF_OK); // the generator is seeded by now
    sim_entropy_fail(1000);
    enum bf_err err = BF_OK;
    for (int i = 0; i < 20000 && err == BF_OK; i++)
        err = bf_enrol_new_key(&id); // until it wants to be reseeded
    CHECK_EQ(err, BF_ERR_NO_ENTROPY);
    sim_entropy_fail(0);
}

TEST_MAIN(TEST(test_request_is_a_good_one), TEST(test_keys_differ_and_need_entropy),
          TEST(test_only_the_right_certificate_is_taken), TEST(test_connects_with_its_certificate),
          TEST(test_enrols_then_connects), TEST(test_enrolment_refused),
          TEST(test_enrolment_with_a_wrong_certificate), TEST(test_servers_in_turn),
          TEST(test_further_connections_go_to_the_same_server),
          TEST(test_the_fault_that_needs_an_administrator_wins),
          TEST(test_silent_server_is_left_in_time), TEST(test_no_entropy_no_connection))
