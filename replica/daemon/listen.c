// SPDX-License-Identifier: Apache-2.0
// Listening and accepting, see listen.h.
#include "replica/daemon/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "net/proto/proto.h"
#include "replica/daemon/address.h"

enum { BACKLOG = 1024, TLS_HEADER = 5, TLS_HANDSHAKE = 22, TLS_MAJOR = 3 };

static enum bf_err parse(const char *where, struct addrinfo **out, struct bf_fault *fault)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    char host[128];
    const char *colon = strrchr(where, ':');
    size_t len = colon ? (size_t)(colon - where) : 0;
    int bracketed = len >= 2 && where[0] == '[' && where[len - 1] == ']';
    size_t skip = (size_t)bracketed;
    if (colon && len - 2 * skip < sizeof host && len > 0 &&
        (bracketed || !memchr(where, ':', len))) {
        memcpy(host, where + skip, len - 2 * skip);
        host[len - 2 * skip] = 0;
        if (strspn(colon + 1, "0123456789") == strlen(colon + 1) && colon[1] &&
            strtoul(colon + 1, NULL, 10) <= UINT16_MAX &&
            getaddrinfo(host, colon + 1, &hints, out) == 0)
            return BF_OK;
    }
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                        "give ADDR:PORT with a numeric address, as in 0.0.0.0:7667 or [::]:7667",
                        "cannot listen on \"%s\"", where);
}

static int open_socket(const struct addrinfo *a)
{
    int on = 1, off = 0;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static enum bf_err listen_on(const char *where, const char *option, int *fd, struct bf_fault *fault)
{
    struct addrinfo *list = NULL;
    enum bf_err err = parse(where, &list, fault);
    if (err)
        return err;
    *fd = open_socket(list);
    int code = errno;
    freeaddrinfo(list);
    if (*fd >= 0)
        return BF_OK;
    bf_fault_set(fault, code == EADDRINUSE ? BF_ERR_BUSY : BF_ERR_NETWORK, BF_SIDE_SERVER, "",
                 "cannot listen on %s: %s", where, strerror(code));
    bf_fault_todo(fault, "choose another address or port with %s", option);
    errno = code;
    return fault->code;
}

enum bf_err bf_listen(const char *where, const char *option, int *fd, char *text, size_t size,
                      struct bf_fault *fault)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    char fallback[32], standard[32];
    bf_snprintf(standard, sizeof standard, "[::]:%d", BF_PROTO_PORT);
    bf_snprintf(fallback, sizeof fallback, "0.0.0.0:%d", BF_PROTO_PORT);
    enum bf_err err = listen_on(where ? where : standard, option, fd, fault);
    if (err && !where && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        err = listen_on(fallback, option, fd, fault);
    if (err)
        return err;
    memset(&own, 0, sizeof own);
    getsockname(*fd, (struct sockaddr *)&own, &len);
    bf_address_text(&own, text, size);
    return BF_OK;
}

int bf_listen_accept(int fd, struct sockaddr_storage *from)
{
    socklen_t len = sizeof *from;
    memset(from, 0, sizeof *from);
    return accept4(fd, (struct sockaddr *)from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

// The socket is readable from now on when it has this many bytes, or has ended.
static void wait_for_bytes(int fd, int count)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &count, sizeof count);
}

enum bf_err bf_listen_hello(int fd, size_t most)
{
    uint8_t h[TLS_HEADER];
    int there = 0;
    ssize_t got = recv(fd, h, sizeof h, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        return BF_ERR_CLOSED;
    if (got > 0 && (h[0] != TLS_HANDSHAKE || (got > 1 && h[1] != TLS_MAJOR)))
        return BF_ERR_PROTOCOL;
    if (got < TLS_HEADER) {
        wait_for_bytes(fd, TLS_HEADER);
        return BF_AGAIN;
    }
    size_t whole = TLS_HEADER + (size_t)bf_be16(h + 3);
    if (whole == TLS_HEADER || whole > most)
        return BF_ERR_PROTOCOL;
    int ready = ioctl(fd, FIONREAD, &there) == 0 && there >= (int)whole;
    wait_for_bytes(fd, ready ? 1 : (int)whole);
    return ready ? BF_OK : BF_AGAIN;
}

void bf_notify(const char *what)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if (len == 0 || len >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = 0; // the abstract namespace
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (sendto(fd, what, strlen(what), MSG_NOSIGNAL, (struct sockaddr *)&to, size) < 0)
        perror("bootferryd: the service manager could not be notified");
    close(fd);
}
