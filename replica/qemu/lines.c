// SPDX-License-Identifier: Apache-2.0
// See lines.h.
#include "replica/qemu/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/state/reason.h"
#include "replica/state/waits.h"

enum { FIRST_BYTES = 16384 };

void bf_lines_begin(struct bf_lines *l, int fd, size_t most)
{
    *l = (struct bf_lines){.fd = fd, .most = most};
}

void bf_lines_end(struct bf_lines *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    free(l->buffer);
    l->buffer = NULL;
}

void bf_lines_within(struct bf_lines *l, uint32_t ms)
{
    l->until_us = bf_platform_now_us() + (uint64_t)ms * 1000;
}

static enum bf_err wait_for(const struct bf_lines *l, short events)
{
    struct pollfd p = {.fd = l->fd, .events = events};
    uint64_t now = bf_platform_now_us();
    int got;

    if (now >= l->until_us)
        return BF_ERR_TIMEOUT;
    got = poll(&p, 1, (int)((l->until_us - now) / 1000 + 1));
    return got > 0 ? BF_OK : got == 0 ? BF_ERR_TIMEOUT : errno == EINTR ? BF_OK : BF_ERR_IO;
}

enum bf_err bf_lines_send(struct bf_lines *l, const char *text, size_t len)
{
    enum bf_err err = BF_OK;

    BF_ASSERT(l->fd >= 0);
    while (len > 0 && !err) {
        ssize_t n = send(l->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            text += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN || errno == EINTR) {
            err = wait_for(l, POLLOUT);
        } else {
            err = BF_ERR_CLOSED;
        }
    }
    return err;
}

static enum bf_err make_room(struct bf_lines *l)
{
    size_t size = l->size ? l->size * 2 : FIRST_BYTES;
    char *grown;

    BF_ASSERT(l->filled <= l->size && l->size <= l->most);
    if (l->filled < l->size)
        return BF_OK;
    if (size > l->most)
        return BF_ERR_LIMIT;
    grown = realloc(l->buffer, size);
    if (!grown)
        return BF_ERR_NO_MEMORY;
    l->buffer = grown;
    l->size = size;
    return BF_OK;
}

static enum bf_err receive_more(struct bf_lines *l)
{
    enum bf_err err = make_room(l);
    ssize_t n;

    BF_ASSERT(l->filled <= l->size);
    if (!err)
        err = wait_for(l, POLLIN);
    if (err)
        return err;
    n = recv(l->fd, l->buffer + l->filled, l->size - l->filled, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return BF_OK;
    if (n <= 0)
        return BF_ERR_CLOSED;
    l->filled += (size_t)n;
    return BF_OK;
}

static void drop_given(struct bf_lines *l)
{
    BF_ASSERT(l->given <= l->filled);
    if (l->given)
        memmove(l->buffer, l->buffer + l->given, l->filled - l->given);
    l->filled -= l->given;
    l->given = 0;
}

enum bf_err bf_lines_next(struct bf_lines *l, const char **line, size_t *len)
{
    char *end;

    drop_given(l);
    BF_ASSERT(l->seen <= l->filled);
    while (!(end = l->filled > l->seen ? memchr(l->buffer + l->seen, '\n', l->filled - l->seen)
                                       : NULL)) {
        enum bf_err err;
        l->seen = l->filled;
        err = receive_more(l);
        if (err)
            return err;
    }
    *line = l->buffer;
    *len = (size_t)(end - l->buffer);
    l->given = *len + 1;
    l->seen = 0;
    return BF_OK;
}

// A queue that is full is that of a server with another client: it is tried again until the
// deadline.
static enum bf_err connect_to(struct bf_lines *l, const struct sockaddr_un *address)
{
    for (;;) {
        if (connect(l->fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return BF_OK;
        if (errno == ENOENT || errno == ECONNREFUSED)
            return BF_ERR_NOT_FOUND;
        if (errno != EAGAIN && errno != EINTR)
            return bf_reason_errno(errno);
        if (bf_platform_now_us() >= l->until_us)
            return BF_ERR_TIMEOUT;
        poll(NULL, 0, BF_WAIT_QMP_LOOK_MS);
    }
}

enum bf_err bf_lines_reach(struct bf_lines *l, int dir, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    // The path of the folder may be longer than a socket's may be; its descriptor has a short one.
    if (bf_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, name) >=
        (int)sizeof address.sun_path)
        return BF_ERR_RANGE;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return l->fd < 0 ? BF_ERR_LIMIT : connect_to(l, &address);
}
