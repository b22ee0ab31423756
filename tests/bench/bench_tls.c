// SPDX-License-Identifier: Apache-2.0
// The TLS stream over a Unix socket pair into OpenSSL in another thread: MB/s of wall time and the
// client's CPU time per suite, and that of a handshake. Prints numbers and one line "ok"; nothing
// is judged by time.
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "linux/socket_stream.h"
#include "net/tls/tls.h"
#include "tests/net/pki_maker.h"

enum { BLOCK = 1 << 20, AMOUNT_MIB = 1024, HANDSHAKES = 60 };

struct peer {
    int fd;
    SSL_CTX *ctx;
    uint64_t got;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *drain(void *arg)
{
    static uint8_t block[BLOCK];
    struct peer *s = arg;
    SSL *ssl = SSL_new(s->ctx);
    SSL_set_fd(ssl, s->fd);
    int n = SSL_accept(ssl);
    while (n > 0 && (n = SSL_read(ssl, block, sizeof block)) > 0)
        s->got += (uint64_t)n;
    SSL_free(ssl);
    close(s->fd);
    return NULL;
}

static int measure(const struct test_pair *root, const struct test_pair *server, const char *suite)
{
    static uint8_t root_der[4096], block[BLOCK];
    struct peer peer = {.ctx = SSL_CTX_new(TLS_server_method())};
    struct bf_tls_config c = {.root = root_der, .host = "server.test", .role = BF_TLS_ROLE_SERVER};
    struct bf_stream raw, tls;
    struct bf_fault fault;
    pthread_t thread;
    uint64_t sent = 0;
    int pair[2], size = 4 << 20;
    c.root_len = test_certificate_der(root, root_der, sizeof root_der);
    SSL_CTX_use_certificate(peer.ctx, server->certificate);
    SSL_CTX_use_PrivateKey(peer.ctx, server->key);
    SSL_CTX_set_ciphersuites(peer.ctx, suite);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 0;
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    peer.fd = pair[1];
    pthread_create(&thread, NULL, drain, &peer);
    if (bf_socket_stream(pair[0], &raw) != BF_OK || bf_tls_open(raw, &c, &tls, &fault) != BF_OK)
        return 0;
    while (tls.ops->state(tls.impl) == BF_STREAM_OPENING)
        tls.ops->poll(tls.impl);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    while (sent < (uint64_t)AMOUNT_MIB * BLOCK && tls.ops->state(tls.impl) == BF_STREAM_OPEN) {
        size_t done = 0;
        tls.ops->write(tls.impl, block, sizeof block, &done);
        tls.ops->poll(tls.impl);
        sent += done;
    }
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    while (tls.ops->unsent(tls.impl) > 0 && tls.ops->state(tls.impl) == BF_STREAM_OPEN)
        tls.ops->poll(tls.impl);
    tls.ops->close(tls.impl);
    pthread_join(thread, NULL);
    SSL_CTX_free(peer.ctx);
    printf("TLS stream into OpenSSL, %-30s %6.0f MB/s, %5.2f s of CPU per GB\n", suite,
           (double)sent / wall / 1e6, cpu / ((double)sent / 1e9));
    return peer.got == sent;
}

// The client's CPU time of one handshake, 0 when it failed. It sleeps while the server computes.
static double handshake(const struct bf_tls_config *c, SSL_CTX *ctx)
{
    struct peer peer = {.ctx = ctx};
    struct bf_stream raw, tls;
    struct bf_fault fault;
    pthread_t thread;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 0;
    struct pollfd readable = {.fd = pair[0], .events = POLLIN};
    peer.fd = pair[1];
    pthread_create(&thread, NULL, drain, &peer);
    double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    if (bf_socket_stream(pair[0], &raw) != BF_OK || bf_tls_open(raw, c, &tls, &fault) != BF_OK)
        return 0;
    for (; tls.ops->state(tls.impl) == BF_STREAM_OPENING; poll(&readable, 1, 100))
        tls.ops->poll(tls.impl);
    double spent = seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    int open = tls.ops->state(tls.impl) == BF_STREAM_OPEN;
    tls.ops->close(tls.impl);
    pthread_join(thread, NULL);
    return open ? spent : 0;
}

static int measure_handshakes(const struct test_pair *root, const struct test_pair *server)
{
    static uint8_t root_der[4096];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    struct bf_tls_config c = {.root = root_der, .host = "server.test", .role = BF_TLS_ROLE_SERVER};
    double least = 1e9;
    c.root_len = test_certificate_der(root, root_der, sizeof root_der);
    SSL_CTX_use_certificate(ctx, server->certificate);
    SSL_CTX_use_PrivateKey(ctx, server->key);
    for (int i = 0; i < HANDSHAKES && least > 0; i++) {
        double spent = handshake(&c, ctx);
        least = spent < least ? spent : least;
    }
    SSL_CTX_free(ctx);
    printf("TLS handshake into OpenSSL, %.2f ms of CPU at least\n", least * 1e3);
    return least > 0;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); // the server may be gone when the client says that it is going
    struct test_pair root = test_root("bench"), server = test_server(&root);
    int ok = measure(&root, &server, "TLS_AES_128_GCM_SHA256") &&
             measure(&root, &server, "TLS_AES_256_GCM_SHA384") &&
             measure(&root, &server, "TLS_CHACHA20_POLY1305_SHA256") &&
             measure_handshakes(&root, &server);
    puts(ok ? "ok bench_tls" : "not ok bench_tls");
    return !ok;
}
