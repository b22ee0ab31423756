// SPDX-License-Identifier: Apache-2.0
// Bounded frames over a descriptor that may be non-blocking; see frame.h.
#include "finalize/vm/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEAD    8
#define LOOK_MS 500

long long bf_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, const struct bf_frame_wait *wait)
{
    for (;;) {
        long long left = wait->deadline_ms - bf_now_ms();
        struct pollfd p = {.fd = fd, .events = events};
        if (left <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        int n = poll(&p, 1, left > LOOK_MS ? LOOK_MS : (int)left);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -1;
        if (wait->go_on && !wait->go_on(wait->user)) {
            errno = ECANCELED;
            return -1;
        }
    }
}

static int send_all(int fd, const char *data, size_t len, const struct bf_frame_wait *wait)
{
    while (len > 0) {
        if (wait_for(fd, POLLOUT, wait) < 0)
            return -1;
        ssize_t n = write(fd, data, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int receive_all(int fd, char *data, size_t len, const struct bf_frame_wait *wait)
{
    while (len > 0) {
        if (wait_for(fd, POLLIN, wait) < 0)
            return -1;
        ssize_t n = read(fd, data, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n == 0)
            errno = EPIPE;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int bf_frame_send_while(int fd, const char *data, size_t len, const struct bf_frame_wait *wait)
{
    unsigned char head[HEAD] = {'B', 'F', 'F', '1'};
    if (len > UINT32_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    for (int i = 0; i < 4; i++)
        head[4 + i] = (unsigned char)(len >> (8 * i));
    if (send_all(fd, (const char *)head, HEAD, wait) < 0)
        return -1;
    return send_all(fd, data, len, wait);
}

int bf_frame_send(int fd, const char *data, size_t len, long long deadline_ms)
{
    const struct bf_frame_wait wait = {.deadline_ms = deadline_ms};
    return bf_frame_send_while(fd, data, len, &wait);
}

char *bf_frame_receive_while(int fd, size_t max, size_t *len, const struct bf_frame_wait *wait)
{
    unsigned char head[HEAD];
    if (receive_all(fd, (char *)head, HEAD, wait) < 0)
        return NULL;
    size_t n = head[4] | (size_t)head[5] << 8 | (size_t)head[6] << 16 | (size_t)head[7] << 24;
    if (memcmp(head, "BFF1", 4) != 0 || n > max) {
        errno = n > max ? EMSGSIZE : EPROTO;
        return NULL;
    }
    char *data = malloc(n + 1);
    if (!data)
        return NULL;
    if (receive_all(fd, data, n, wait) < 0) {
        int saved = errno;
        free(data);
        errno = saved;
        return NULL;
    }
    data[n] = 0;
    *len = n;
    return data;
}

char *bf_frame_receive(int fd, size_t max, size_t *len, long long deadline_ms)
{
    const struct bf_frame_wait wait = {.deadline_ms = deadline_ms};
    return bf_frame_receive_while(fd, max, len, &wait);
}
