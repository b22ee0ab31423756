// SPDX-License-Identifier: Apache-2.0
// Sockets as streams over loopback, with ports that the kernel chooses.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "linux/socket_stream.h"
#include "tests/unit/test.h"

static struct bf_stream stream;
static struct bf_fault fault;
static int accepted = -1;

static int listen_here(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(bind(s, (struct sockaddr *)&a, sizeof a), 0);
    CHECK_EQ(listen(s, 4), 0);
    CHECK_EQ(getsockname(s, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return s;
}

// Waits on the stream's own descriptor, as a program would.
static void settle(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    time_t until = t.tv_sec + TEST_PATIENCE_S;
    while (stream.ops->state(stream.impl) == BF_STREAM_OPENING && t.tv_sec < until) {
        struct pollfd p = {.events = 0};
        p.fd = bf_socket_stream_fd(&stream, &p.events);
        poll(&p, p.fd >= 0, 1000);
        stream.ops->poll(stream.impl);
        clock_gettime(CLOCK_MONOTONIC, &t);
    }
}

static void connect_to(const char *host)
{
    struct bf_dialer d = bf_socket_dialer(1);
    uint16_t port;
    int listener = listen_here(&port);
    CHECK_EQ(d.dial(d.impl, &bf_peer_server, host, port, &stream, &fault), BF_OK);
    settle();
    CHECK_EQ(stream.ops->state(stream.impl), BF_STREAM_OPEN);
    accepted = accept(listener, NULL, NULL);
    CHECK(accepted >= 0);
    close(listener);
}

static void end(void)
{
    stream.ops->close(stream.impl);
    if (accepted >= 0)
        close(accepted);
    accepted = -1;
}

static enum bf_err read_soon(char *out, size_t size, size_t *done)
{
    struct pollfd p = {.events = 0};
    p.fd = bf_socket_stream_fd(&stream, &p.events);
    CHECK(p.events & POLLIN);
    poll(&p, 1, TEST_PATIENCE_S * 1000);
    return stream.ops->read(stream.impl, out, size, done);
}

static void test_connects_by_address_and_name(void)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < 2; i++) {
        char got[16];
        size_t done;
        connect_to(hosts[i]); // localhost may be ::1 first, where nobody listens
        CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_AGAIN);
        CHECK_EQ(stream.ops->write(stream.impl, "ping", 4, &done), BF_OK);
        CHECK_EQ(done, 4);
        CHECK_EQ(recv(accepted, got, sizeof got, 0), 4);
        CHECK_EQ(send(accepted, "pong!", 5, 0), 5);
        CHECK_EQ(read_soon(got, sizeof got, &done), BF_OK);
        CHECK_EQ(done, 5);
        end();
    }
}

static void test_orderly_end(void)
{
    char got[16];
    size_t done;
    connect_to("127.0.0.1");
    CHECK_EQ(send(accepted, "bye", 3, 0), 3);
    shutdown(accepted, SHUT_WR);
    CHECK_EQ(read_soon(got, sizeof got, &done), BF_OK);
    CHECK_EQ(done, 3);
    CHECK_EQ(read_soon(got, sizeof got, &done), BF_ERR_CLOSED);
    CHECK_EQ(stream.ops->state(stream.impl), BF_STREAM_ENDED);
    CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_ERR_CLOSED);
    end();
}

static void test_full_socket_is_not_a_failure(void)
{
    static char block[65536];
    size_t done, total = 0;
    enum bf_err err;
    short events;
    connect_to("127.0.0.1");
    while ((err = stream.ops->write(stream.impl, block, sizeof block, &done)) == BF_OK &&
           total < (size_t)1 << 30)
        total += done;
    CHECK_EQ(err, BF_AGAIN);
    CHECK(stream.ops->unsent(stream.impl) > 0);
    bf_socket_stream_fd(&stream, &events);
    CHECK_EQ(events, POLLIN | POLLOUT);
    for (size_t got = 0; got < total;) {
        ssize_t n = recv(accepted, block, sizeof block, 0);
        CHECK(n > 0);
        got += (size_t)n;
    }
    CHECK_EQ(stream.ops->write(stream.impl, "x", 1, &done), BF_OK);
    bf_socket_stream_fd(&stream, &events);
    CHECK_EQ(events, POLLIN);
    end();
}

static void test_last_words_survive_a_reset(void)
{
    struct linger now = {1, 0};
    char got[64];
    size_t done;
    enum bf_err err;
    connect_to("127.0.0.1");
    CHECK_EQ(stream.ops->write(stream.impl, "x", 1, &done), BF_OK);
    CHECK_EQ(send(accepted, "no space", 8, 0), 8);
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(accepted);
    accepted = -1;
    do // until the reset is noticed
        err = stream.ops->write(stream.impl, "y", 1, &done);
    while (err == BF_OK);
    CHECK_EQ(err, BF_ERR_NETWORK);
    CHECK_EQ(stream.ops->fault(stream.impl)->code, BF_ERR_NETWORK);
    CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_OK);
    CHECK_EQ(done, 8);
    CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_ERR_NETWORK);
    end();
}

static const struct bf_fault *failed_dial(const struct bf_peer *peer, const char *host,
                                          uint16_t port)
{
    struct bf_dialer d = bf_socket_dialer(1);
    CHECK_EQ(d.dial(d.impl, peer, host, port, &stream, &fault), BF_OK);
    settle();
    CHECK_EQ(stream.ops->state(stream.impl), BF_STREAM_FAILED);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    printf("# %s -> %s\n", f->what, f->todo);
    return f;
}

static void test_refused(void)
{
    uint16_t port;
    close(listen_here(&port));
    const struct bf_fault *f = failed_dial(&bf_peer_server, "127.0.0.1", port);
    CHECK_EQ(f->code, BF_ERR_NETWORK);
    CHECK_EQ(f->side, BF_SIDE_SERVER);
    CHECK(strstr(f->what, "refused"));
    CHECK_STR(f->todo, "see whether bootferryd runs there and listens on that port");
    end();
}

static void test_a_proxy_is_no_server(void)
{
    uint16_t port;
    close(listen_here(&port));
    const struct bf_fault *f = failed_dial(&bf_peer_proxy, "127.0.0.1", port);
    CHECK_EQ(f->side, BF_SIDE_NETWORK);
    CHECK_STR(f->todo, "see whether a proxy runs there and listens on that port");
    end();
    f = failed_dial(&bf_peer_proxy, "fe80::1", 3128);
    CHECK_STR(f->todo, "give another address of the proxy in proxy=");
    end();
}

static void test_name_that_cannot_be(void)
{
    struct bf_dialer d = bf_socket_dialer(1);
    CHECK_EQ(d.dial(d.impl, &bf_peer_server, "no..such..name", 7667, &stream, &fault),
             BF_ERR_NETWORK);
    CHECK_EQ(fault.side, BF_SIDE_CONFIG);
    CHECK(strstr(fault.what, "no..such..name"));
}

// Without a zone the kernel does not know the NIC (RFC 4007, 6).
static void test_link_local(void)
{
    const struct bf_fault *f = failed_dial(&bf_peer_server, "fe80::1", 7667);
    CHECK_STR(f->what, "fe80::1 port 7667 is a link-local address, which bootferry-push cannot "
                       "use");
    CHECK_EQ(f->side, BF_SIDE_CONFIG);
    CHECK(strstr(f->todo, "server="));
    stream.ops->close(stream.impl);
}

static void test_wraps_a_connected_pair(void)
{
    char got[8];
    size_t done;
    int pair[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_EQ(bf_socket_stream(pair[0], &stream), BF_OK);
    CHECK_EQ(stream.ops->state(stream.impl), BF_STREAM_OPEN);
    CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_AGAIN); // not blocking
    CHECK_EQ(send(pair[1], "abc", 3, 0), 3);
    CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_OK);
    CHECK_EQ(done, 3);
    stream.ops->close(stream.impl);
    CHECK_EQ(recv(pair[1], got, sizeof got, 0), 0); // closed with the stream
    close(pair[1]);
}

TEST_MAIN(TEST(test_connects_by_address_and_name), TEST(test_orderly_end),
          TEST(test_full_socket_is_not_a_failure), TEST(test_last_words_survive_a_reset),
          TEST(test_refused), TEST(test_a_proxy_is_no_server), TEST(test_name_that_cannot_be),
          TEST(test_link_local), TEST(test_wraps_a_connected_pair))
