// SPDX-License-Identifier: Apache-2.0
// Strangers at a server's port, so many a second, of one kind:
//   silent  connect and say nothing        close  connect and go
//   half    the beginning of a ClientHello stall  a ClientHello, and no answer to the server's part
//   full    a handshake without certificate, and silence
//   word    the same, and a first byte
// All but close stay until the server ends them. They come from one loopback address, or each from
// another one: of 127.0.0.0/8, or with an IPv6 server from another /64 of 2001:db8::/32.
//
//     flood ADDRESS PORT KIND RATE one|many [NOTE COUNT]
//
// NOTE is a file that is made when COUNT connections were established, which the server may have
// ended since. It ends on SIGTERM and says what became of them.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_MAX_ = 4096, HELLO_MAX = 2048, HALF = 100, EVENTS = 256, TURN_MS = 3 };
enum kind { SILENT, CLOSE, HALF_HELLO, STALL, FULL, WORD, KINDS };
static const char *const NAMES[KINDS] = {"silent", "close", "half", "stall", "full", "word"};

struct peer {
    int fd; // -1: free
    int connected, said;
    SSL *ssl;
};

static struct {
    struct sockaddr_storage server;
    socklen_t server_len;
    enum kind kind;
    int many, epoll;
    SSL_CTX *context;
    uint8_t hello[HELLO_MAX];
    size_t hello_len;
    struct peer peer[OPEN_MAX_];
    unsigned long opened, established, shaken, ended, failed;
} flood;

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// ---- One of them -------------------------------------------------------------------------------

static void finish(struct peer *p)
{
    SSL_free(p->ssl);
    close(p->fd);
    *p = (struct peer){.fd = -1};
}

// Another address for each, without an order.
static void bind_somewhere(int fd)
{
    uint32_t scattered = (uint32_t)flood.opened * 2654435761u;
    int on = 1;
    if (flood.server.ss_family == AF_INET6) {
        struct sockaddr_in6 a = {.sin6_family = AF_INET6};
        uint8_t *b = a.sin6_addr.s6_addr;
        memcpy(b, (const uint8_t[]){0x20, 1, 0x0d, 0xb8}, 4);
        memcpy(b + 4, &scattered, 4);
        b[15] = 1;
        setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&a, sizeof a))
            flood.failed++;
    } else {
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(0x7f000000 | (scattered >> 8 | 0x10000))};
        if (bind(fd, (struct sockaddr *)&a, sizeof a))
            flood.failed++;
    }
}

static void open_one(void)
{
    struct peer *p = flood.peer;
    while (p < flood.peer + OPEN_MAX_ && p->fd >= 0)
        p++;
    int fd = socket(flood.server.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    flood.opened++;
    if (p == flood.peer + OPEN_MAX_ || fd < 0) {
        flood.failed++;
        if (fd >= 0)
            close(fd);
        return;
    }
    if (flood.many)
        bind_somewhere(fd);
    if (connect(fd, (struct sockaddr *)&flood.server, flood.server_len) && errno != EINPROGRESS) {
        flood.failed++;
        close(fd);
        return;
    }
    struct epoll_event e = {.events = EPOLLOUT, .data.ptr = p};
    *p = (struct peer){.fd = fd};
    epoll_ctl(flood.epoll, EPOLL_CTL_ADD, fd, &e);
}

static void listen_only(struct peer *p)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = p};
    epoll_ctl(flood.epoll, EPOLL_CTL_MOD, p->fd, &e);
}

static void shake(struct peer *p)
{
    if (!p->ssl) {
        p->ssl = SSL_new(flood.context);
        SSL_set_fd(p->ssl, p->fd);
    }
    if (p->said)
        return;
    if (SSL_connect(p->ssl) != 1)
        return;
    p->said = 1;
    flood.shaken++;
    if (flood.kind == WORD)
        SSL_write(p->ssl, "B", 1);
}

static void speak(struct peer *p)
{
    size_t len = flood.kind == HALF_HELLO ? HALF : flood.hello_len;
    p->said = 1;
    if (send(p->fd, flood.hello, len, MSG_NOSIGNAL) != (ssize_t)len)
        flood.failed++;
}

static void has_connected(struct peer *p)
{
    int code = 0;
    socklen_t len = sizeof code;
    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &code, &len);
    if (code || flood.kind == CLOSE) {
        flood.failed += code != 0;
        flood.established += code == 0;
        finish(p);
        return;
    }
    p->connected = 1;
    flood.established++;
    listen_only(p);
    if (flood.kind == FULL || flood.kind == WORD)
        shake(p);
    else if (flood.kind != SILENT)
        speak(p);
}

// What the server says is of no interest, only that it has hung up.
static void has_news(struct peer *p)
{
    uint8_t bytes[4096];
    if (flood.kind == FULL || flood.kind == WORD)
        shake(p);
    ssize_t got = p->said || flood.kind == SILENT ? recv(p->fd, bytes, sizeof bytes, 0) : 1;
    int gone = recv(p->fd, bytes, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    if (gone || got == 0 || (got < 0 && errno != EAGAIN)) {
        flood.ended++;
        finish(p);
    }
}

// ---- All of them -------------------------------------------------------------------------------

// A ClientHello, as OpenSSL would send it.
static void make_hello(void)
{
    SSL *ssl = SSL_new(flood.context);
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_connect(ssl);
    int len = BIO_read(out, flood.hello, sizeof flood.hello);
    flood.hello_len = len > 0 ? (size_t)len : 0;
    SSL_free(ssl);
}

static int set_up(char **argv)
{
    struct sockaddr_in *v4 = (void *)&flood.server;
    struct sockaddr_in6 *v6 = (void *)&flood.server;
    struct rlimit files;
    int port = atoi(argv[2]);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (inet_pton(AF_INET6, argv[1], &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        flood.server_len = sizeof *v6;
    } else if (inet_pton(AF_INET, argv[1], &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        flood.server_len = sizeof *v4;
    }
    while (flood.kind < KINDS && strcmp(argv[3], NAMES[flood.kind]) != 0)
        flood.kind++;
    flood.many = strcmp(argv[5], "many") == 0;
    flood.context = SSL_CTX_new(TLS_client_method());
    flood.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < OPEN_MAX_; i++)
        flood.peer[i].fd = -1;
    make_hello();
    return flood.server_len && flood.kind < KINDS && flood.hello_len > HALF;
}

static void turn(void)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(flood.epoll, events, EVENTS, TURN_MS);
    for (int i = 0; i < count; i++) {
        struct peer *p = events[i].data.ptr;
        if (p->fd < 0)
            continue;
        if (p->connected)
            has_news(p);
        else
            has_connected(p);
    }
}

int main(int argc, char **argv)
{
    if ((argc != 6 && argc != 8) || !set_up(argv)) {
        fprintf(stderr, "usage: flood ADDRESS PORT KIND RATE one|many [NOTE COUNT]\n");
        return 2;
    }
    double rate = atof(argv[4]), began = now();
    unsigned long wanted = argc == 8 ? strtoul(argv[7], NULL, 10) : 0;
    signal(SIGTERM, on_signal);
    signal(SIGPIPE, SIG_IGN);
    while (!stop_asked) {
        double due = (now() - began) * rate;
        for (int i = 0; i < 64 && (double)flood.opened < due; i++)
            open_one();
        turn();
        if (wanted && flood.established >= wanted) {
            close(open(argv[6], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
            wanted = 0;
        }
    }
    printf("opened %lu established %lu shaken %lu ended %lu failed %lu seconds %.1f\n",
           flood.opened, flood.established, flood.shaken, flood.ended, flood.failed, now() - began);
    return 0;
}
