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

#include "base/bytes.h"
#include "finalize/core/fault.h"

#define HEAD    8
#define LOOK_MS 500

long long bf_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum bf_err wait_for(int fd, short events, const struct bf_frame_wait *wait,
                            struct bf_fault *fault)
{
    for (;;) {
        long long left = wait->deadline_ms - bf_now_ms();
        struct pollfd p = {.fd = fd, .events = events};
        if (left <= 0)
            return bf_fault_errno(fault, ETIMEDOUT);
        int n = poll(&p, 1, left > LOOK_MS ? LOOK_MS : (int)left);
        if (n > 0)
            return BF_OK;
        if (n < 0 && errno != EINTR)
            return bf_fault_errno(fault, errno);
        if (wait->go_on && !wait->go_on(wait->user))
            return bf_fault_errno(fault, ECANCELED);
    }
}

static enum bf_err send_all(int fd, const char *data, size_t len, const struct bf_frame_wait *wait,
                            struct bf_fault *fault)
{
    while (len > 0) {
        enum bf_err err = wait_for(fd, POLLOUT, wait, fault);
        if (err)
            return err;
        ssize_t n = write(fd, data, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return bf_fault_errno(fault, errno);
        data += n;
        len -= (size_t)n;
    }
    return BF_OK;
}

static enum bf_err receive_all(int fd, char *data, size_t len, const struct bf_frame_wait *wait,
                               struct bf_fault *fault)
{
    while (len > 0) {
        enum bf_err err = wait_for(fd, POLLIN, wait, fault);
        if (err)
            return err;
        ssize_t n = read(fd, data, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return bf_fault_errno(fault, n == 0 ? EPIPE : errno);
        data += n;
        len -= (size_t)n;
    }
    return BF_OK;
}

enum bf_err bf_frame_send_while(int fd, const char *data, size_t len,
                                const struct bf_frame_wait *wait, struct bf_fault *fault)
{
    unsigned char head[HEAD] = {'B', 'F', 'F', '1'};
    if (len > UINT32_MAX)
        return bf_fault_errno(fault, EMSGSIZE);
    bf_put_le32(head + 4, (uint32_t)len);
    enum bf_err err = send_all(fd, (const char *)head, HEAD, wait, fault);
    return err ? err : send_all(fd, data, len, wait, fault);
}

enum bf_err bf_frame_send(int fd, const char *data, size_t len, long long deadline_ms)
{
    const struct bf_frame_wait wait = {.deadline_ms = deadline_ms};
    return bf_frame_send_while(fd, data, len, &wait, NULL);
}

char *bf_frame_receive_while(int fd, size_t max, size_t *len, const struct bf_frame_wait *wait,
                             struct bf_fault *fault)
{
    unsigned char head[HEAD];
    if (receive_all(fd, (char *)head, HEAD, wait, fault))
        return NULL;
    size_t n = bf_le32(head + 4);
    if (memcmp(head, "BFF1", 4) != 0 || n > max) {
        bf_fault_errno(fault, n > max ? EMSGSIZE : EPROTO);
        return NULL;
    }
    char *data = malloc(n + 1);
    if (!data)
        bf_fault_errno(fault, ENOMEM);
    if (!data || receive_all(fd, data, n, wait, fault)) {
        free(data);
        return NULL;
    }
    data[n] = 0;
    *len = n;
    return data;
}

char *bf_frame_receive(int fd, size_t max, size_t *len, long long deadline_ms)
{
    const struct bf_frame_wait wait = {.deadline_ms = deadline_ms};
    return bf_frame_receive_while(fd, max, len, &wait, NULL);
}
