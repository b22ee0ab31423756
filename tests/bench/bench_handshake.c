// SPDX-License-Identifier: Apache-2.0
// What a connection costs before its first byte: our TLS client with a machine's certificate
// against OpenSSL in the same thread, with the key exchange that the server chooses. Processor time
// of both ends, each as a ratio to X25519 of the same run, in which the groups take turns. Prints
// numbers and one line "ok"; nothing is judged by time.
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "net/tls/tls.h"
#include "replica/pki/kex.h"
#include "tests/net/pki_maker.h"
#include "tests/net/tls_peer.h"

enum { ROUNDS = 400, TURNS = 1000, DER = 4096 };

static struct group {
    const char *name;
    const char *offers; // what the server knows; NULL: what the replica server does
    double client, server;
} groups[] = {{"X25519", "X25519", 0, 0},
              {"P-256", "P-256", 0, 0}, // after a HelloRetryRequest
              {BF_KEX_HYBRID_NAME, NULL, 0, 0}};
enum { GROUPS = BF_COUNT(groups) };

static struct test_pair root, server, machine;
static uint8_t root_der[DER], certificate_der[DER], key_der[DER];
static struct bf_tls_config config = {.root = root_der,
                                      .host = "server.test",
                                      .role = BF_TLS_ROLE_SERVER,
                                      .certificate = certificate_der,
                                      .key = key_der};

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static SSL_CTX *context(const struct group *g)
{
    int hybrid;
    SSL_CTX *c = g->offers ? SSL_CTX_new(TLS_server_method()) : bf_kex_context(&hybrid);
    if (c && g->offers)
        SSL_CTX_set1_groups_list(c, g->offers);
    return c;
}

// One handshake; 0 when it did not come to the group that it is about.
static int shake(struct group *g)
{
    static struct tls_peer peer;
    struct bf_stream tls;
    struct bf_fault fault;
    tls_peer_init_with(&peer, context(g), &server, &root, 1);
    double begun = cpu_seconds(), now;
    if (bf_tls_open(tls_peer_stream(&peer), &config, &tls, &fault) != BF_OK)
        return 0;
    for (int i = 0; i < TURNS && tls.ops->state(tls.impl) == BF_STREAM_OPENING; i++) {
        tls.ops->poll(tls.impl);
        now = cpu_seconds();
        g->client += now - begun;
        tls_peer_turn(&peer);
        begun = cpu_seconds();
        g->server += begun - now;
    }
    tls_peer_turn(&peer); // the client's last message
    g->server += cpu_seconds() - begun;
    int ok = tls.ops->state(tls.impl) == BF_STREAM_OPEN && SSL_is_init_finished(peer.ssl) &&
             strcmp(bf_tls_group(&tls), g->name) == 0;
    tls.ops->close(tls.impl);
    tls_peer_free(&peer);
    return ok;
}

int main(void)
{
    int ok = 1;
    root = test_root("bench");
    server = test_server(&root);
    machine = test_machine(&root, "web1");
    config.root_len = test_certificate_der(&root, root_der, DER);
    config.certificate_len = test_certificate_der(&machine, certificate_der, DER);
    config.key_len = test_key_der(&machine, key_der, DER);
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < GROUPS; k++)
            ok &= shake(&groups[k]);
    for (int k = 0; k < GROUPS; k++)
        printf("TLS handshake, %-15s client %5.2f ms of CPU (%4.0f/s, %4.2f of X25519), "
               "server %5.2f ms (%4.2f of X25519)\n",
               groups[k].name, groups[k].client / ROUNDS * 1e3, ROUNDS / groups[k].client,
               groups[k].client / groups[0].client, groups[k].server / ROUNDS * 1e3,
               groups[k].server / groups[0].server);
    puts(ok ? "ok bench_handshake" : "not ok bench_handshake");
    return !ok;
}
