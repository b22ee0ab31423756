// SPDX-License-Identifier: Apache-2.0
// Listening and accepting, see listen.h.
#include "replica/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fmt.h"
#include "net/proto.h"

enum { BACKLOG = 128 };

static void address_text(const struct sockaddr_storage *a, char *out, size_t size)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)a;
        const uint8_t *bytes = v6->sin6_addr.s6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, bytes + 12, ip, sizeof ip);
            bf_snprintf(out, size, "%s:%u", ip, ntohs(v6->sin6_port));
            return;
        }
        inet_ntop(AF_INET6, bytes, ip, sizeof ip);
        bf_snprintf(out, size, "[%s]:%u", ip, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const void *)a;
        inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof ip);
        bf_snprintf(out, size, "%s:%u", ip, ntohs(v4->sin_port));
    }
}

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

static enum bf_err listen_on(const char *where, int *fd, struct bf_fault *fault)
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
    errno = code;
    return bf_fault_set(fault, code == EADDRINUSE ? BF_ERR_BUSY : BF_ERR_NETWORK, BF_SIDE_SERVER,
                        "choose another address or port with --listen", "cannot listen on %s: %s",
                        where, strerror(code));
}

enum bf_err bf_listen(const char *where, int *fd, char *text, size_t size, struct bf_fault *fault)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    char fallback[32], standard[32];
    bf_snprintf(standard, sizeof standard, "[::]:%d", BF_PROTO_PORT);
    bf_snprintf(fallback, sizeof fallback, "0.0.0.0:%d", BF_PROTO_PORT);
    enum bf_err err = listen_on(where ? where : standard, fd, fault);
    if (err && !where && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        err = listen_on(fallback, fd, fault);
    if (err)
        return err;
    memset(&own, 0, sizeof own);
    getsockname(*fd, (struct sockaddr *)&own, &len);
    address_text(&own, text, size);
    return BF_OK;
}

int bf_listen_accept(int fd, char *from, size_t size)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    memset(&peer, 0, sizeof peer);
    int got = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (got >= 0)
        address_text(&peer, from, size);
    return got;
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
        perror("bootferryd: the service manager was not told");
    close(fd);
}
