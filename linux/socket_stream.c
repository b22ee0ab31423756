// SPDX-License-Identifier: Apache-2.0
// Sockets as streams. A dialled stream holds the list of addresses that the resolver gave and tries
// them in turn, ten seconds each. Writes that the kernel does not take are the caller's to repeat:
// nothing is buffered here.
#include "linux/socket_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/platform.h"

enum {
    CONNECT_US = 10 * 1000 * 1000,
    BACKLOG = 64 * 1024, // of output that waits although nothing is under way
};

struct sock {
    int fd; // -1: none
    enum bf_stream_state state;
    struct bf_fault fault;
    const struct bf_peer *peer;
    struct addrinfo *addresses, *trying;
    uint64_t deadline;
    int blocked;    // the kernel took less than it was given
    int shares;     // its data with other streams
    int link_local; // the address tried last is, and does not say on which NIC
    char to[320];
};

static enum bf_err fail(struct sock *s, int error)
{
    const char *word = s->peer->word;
    BF_ASSERT(error > 0 && s->state != BF_STREAM_FAILED); // the first reason stays
    s->state = BF_STREAM_FAILED;
    if (error == ECONNREFUSED) {
        bf_fault_set(&s->fault, BF_ERR_NETWORK, s->peer->side, "", "%s refused the connection",
                     s->to);
        return bf_fault_todo(&s->fault, "see whether %s runs there and listens on that port",
                             s->peer->program);
    }
    if (error == ETIMEDOUT) {
        bf_fault_set(&s->fault, BF_ERR_TIMEOUT, BF_SIDE_NETWORK, "", "%s does not answer", s->to);
        return bf_fault_todo(
            &s->fault, "see whether the %s is up, and whether a firewall drops the connection",
            word);
    }
    if (error == EINVAL && s->link_local) { // retried, since another server may still come up
        bf_fault_set(&s->fault, BF_ERR_NETWORK, BF_SIDE_CONFIG, "",
                     "%s is a link-local address, which bootferry-push cannot use", s->to);
        return bf_fault_todo(&s->fault, "give another address of the %s in %s=", word, word);
    }
    bf_fault_set(&s->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "", "%s: %s", s->to, strerror(error));
    return bf_fault_todo(&s->fault, "see whether the %s is up and the network to it works", word);
}

static int would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// ---- Connecting --------------------------------------------------------------------------------

static void hang_up(struct sock *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static void opened(struct sock *s)
{
    int on = 1;
    BF_ASSERT(s->fd >= 0 && s->state == BF_STREAM_OPENING);
    // fails on Unix sockets, which do not delay anyway
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->state = BF_STREAM_OPEN;
}

static int is_link_local(const struct addrinfo *a)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)a->ai_addr;
    return a->ai_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) &&
           !six->sin6_scope_id;
}

// Begins with s->trying or one behind it; error is the reason when none is left.
static void begin(struct sock *s, int error)
{
    BF_ASSERT(s->fd < 0 && s->state == BF_STREAM_OPENING);
    for (; s->trying; s->trying = s->trying->ai_next) {
        const struct addrinfo *a = s->trying;
        s->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
        s->deadline = bf_platform_now_us() + CONNECT_US;
        s->link_local = is_link_local(a);
        if (s->fd >= 0 && connect(s->fd, a->ai_addr, a->ai_addrlen) == 0) {
            opened(s);
            return;
        }
        error = errno;
        if (s->fd >= 0 && error == EINPROGRESS)
            return;
        hang_up(s);
    }
    fail(s, error);
}

static void check_connect(struct sock *s)
{
    struct pollfd p = {s->fd, POLLOUT, 0};
    int error = 0;
    socklen_t len = sizeof error;
    BF_ASSERT(s->fd >= 0 && s->trying);
    if (poll(&p, 1, 0) == 0) {
        if (bf_platform_now_us() < s->deadline)
            return;
        error = ETIMEDOUT;
    } else if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    if (error == 0) {
        opened(s);
        return;
    }
    hang_up(s);
    s->trying = s->trying->ai_next;
    begin(s, error);
}

// ---- The stream --------------------------------------------------------------------------------

// How much more output there may be: as much again as is under way, and a little.
static size_t room(const struct sock *s, size_t len)
{
    int queued = 0, waits = 0;
    if (!s->shares || ioctl(s->fd, SIOCOUTQ, &queued) != 0 ||
        ioctl(s->fd, SIOCOUTQNSD, &waits) != 0 || waits < 0 || queued < waits)
        return len;
    size_t most = (size_t)(queued - waits) + BACKLOG;
    if ((size_t)waits >= most)
        return 0;
    return most - (size_t)waits < len ? most - (size_t)waits : len;
}

static enum bf_err sock_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct sock *s = impl;
    *done = 0;
    if (s->state == BF_STREAM_FAILED)
        return s->fault.code;
    if (s->state == BF_STREAM_OPENING)
        return BF_AGAIN;
    size_t most = room(s, len);
    if (most == 0 && len > 0)
        return BF_AGAIN;
    BF_ASSERT(s->fd >= 0 && most <= len);
    ssize_t sent = send(s->fd, bytes, most, MSG_NOSIGNAL);
    s->blocked = sent < 0 || (size_t)sent < len;
    if (sent < 0)
        return would_block(errno) ? BF_AGAIN : fail(s, errno);
    *done = (size_t)sent;
    return BF_OK;
}

static enum bf_err sock_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct sock *s = impl;
    *done = 0;
    if (s->state == BF_STREAM_ENDED)
        return BF_ERR_CLOSED;
    if (s->state == BF_STREAM_OPENING)
        return BF_AGAIN;
    if (s->fd < 0)
        return s->fault.code;
    // also after a failed write: what had arrived before is often the reason
    ssize_t got = recv(s->fd, bytes, size, 0);
    if (got > 0) {
        *done = (size_t)got;
        return BF_OK;
    }
    if (got < 0 && s->state == BF_STREAM_OPEN)
        return would_block(errno) ? BF_AGAIN : fail(s, errno);
    if (s->state == BF_STREAM_FAILED)
        return s->fault.code;
    s->state = BF_STREAM_ENDED;
    return BF_ERR_CLOSED;
}

static void sock_poll(void *impl)
{
    struct sock *s = impl;
    if (s->state == BF_STREAM_OPENING)
        check_connect(s);
}

static enum bf_stream_state sock_state(void *impl)
{
    const struct sock *s = impl;
    return s->state;
}

static size_t sock_unsent(void *impl)
{
    const struct sock *s = impl;
    int queued = 0;
    if (s->state != BF_STREAM_OPEN || ioctl(s->fd, SIOCOUTQ, &queued) != 0 || queued < 0)
        return 0;
    return (size_t)queued;
}

static const struct bf_fault *sock_fault(void *impl)
{
    const struct sock *s = impl;
    return &s->fault;
}

static void sock_close(void *impl)
{
    struct sock *s = impl;
    hang_up(s);
    if (s->addresses)
        freeaddrinfo(s->addresses);
    bf_free(s);
}

static const struct bf_stream_ops sock_ops = {
    .write = sock_write,
    .read = sock_read,
    .poll = sock_poll,
    .state = sock_state,
    .unsent = sock_unsent,
    .fault = sock_fault,
    .close = sock_close,
};

int bf_socket_stream_fd(const struct bf_stream *stream, short *events)
{
    const struct sock *s = stream->impl;
    if (stream->ops != &sock_ops)
        return -1;
    *events = s->state == BF_STREAM_OPENING ? POLLOUT : POLLIN;
    if (s->state == BF_STREAM_OPEN && s->blocked)
        *events |= POLLOUT;
    return s->fd;
}

enum bf_err bf_socket_stream(int fd, struct bf_stream *out)
{
    struct sock *s = bf_alloc(sizeof *s);
    if (!s)
        return BF_ERR_NO_MEMORY;
    s->fd = fd;
    s->peer = &bf_peer_server;
    snprintf(s->to, sizeof s->to, "the peer");
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    opened(s);
    *out = (struct bf_stream){&sock_ops, s};
    return BF_OK;
}

static enum bf_err dial(void *impl, const struct bf_peer *peer, const char *host, uint16_t port,
                        struct bf_stream *out, struct bf_fault *fault)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    char service[8];
    struct sock *s = bf_alloc(sizeof *s);
    if (!s)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                            "no memory for a connection");
    snprintf(service, sizeof service, "%u", (unsigned)port);
    snprintf(s->to, sizeof s->to, "%.255s port %u", host, (unsigned)port);
    s->fd = -1;
    s->peer = peer;
    s->shares = (uintptr_t)impl > 1;
    int r = getaddrinfo(host, service, &hints, &s->addresses);
    if (r == EAI_ADDRFAMILY || r == EAI_NONAME) { // loopback alone does not count as configured
        hints.ai_flags &= ~AI_ADDRCONFIG;
        r = getaddrinfo(host, service, &hints, &s->addresses);
    }
    if (r != 0) {
        bf_free(s);
        return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_CONFIG,
                            "check the name and this machine's DNS, or use an address",
                            "%s cannot be resolved: %s", host, gai_strerror(r));
    }
    s->state = BF_STREAM_OPENING;
    s->trying = s->addresses;
    begin(s, EHOSTUNREACH);
    *out = (struct bf_stream){&sock_ops, s};
    return BF_OK;
}

struct bf_dialer bf_socket_dialer(uint32_t connections)
{
    return (struct bf_dialer){dial, NULL, (void *)(uintptr_t)connections};
}
