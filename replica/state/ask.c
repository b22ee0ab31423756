// SPDX-License-Identifier: Apache-2.0
// The asking side of the control socket, see control.h. An answer is waited for as
// BF_WAIT_ANSWER_MS says.
#include "replica/state/ask.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/state/waits.h"

static int connect_to(const struct bf_state *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    uint32_t ms = BF_WAIT_ANSWER_MS - BF_WAIT_SAY_MS; // what is left when that has passed
    struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    char path[BF_SOCKET_PATH_MAX];
    if (bf_state_socket(state, BF_CONTROL_SOCKET, path))
        return -1;
    BF_ASSERT(strlen(path) < sizeof to.sun_path);
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static char *read_answer(int fd, size_t *len)
{
    char *text = malloc(BF_CONTROL_ANSWER_MAX);
    ssize_t got = 1;
    *len = 0;
    while (text && *len < BF_CONTROL_ANSWER_MAX && got > 0) {
        got = recv(fd, text + *len, BF_CONTROL_ANSWER_MAX - *len, 0);
        if (got > 0)
            *len += (size_t)got;
    }
    return text;
}

// Who listens: the kernel keeps its number with the socket, also of a process that is stopped.
static int listener(int fd)
{
    struct ucred who = {0};
    socklen_t size = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? who.pid : 0;
}

// Whoever asked sees what takes so long.
static void say_what_is_waited_for(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    char name[BF_CONTROL_NAME];
    if (poll(&p, 1, BF_WAIT_SAY_MS) == 0)
        fprintf(stderr, "Waiting for %s to answer ...\n", bf_control_name(listener(fd), name));
}

static json_t *talk(int fd, const char *request)
{
    size_t len = 0;
    char *text = NULL;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request) &&
        send(fd, "\n", 1, MSG_NOSIGNAL) == 1) {
        say_what_is_waited_for(fd);
        text = read_answer(fd, &len);
    }
    json_t *answer = text ? json_loadb(text, len, 0, NULL) : NULL;
    free(text);
    return answer;
}

enum bf_err bf_control_query(const struct bf_state *state, const char *request, json_t **answer,
                             int *process)
{
    int number = 0, fd = connect_to(state);
    BF_ASSERT(!strchr(request, '\n')); // the end of it
    *answer = NULL;
    if (fd >= 0) {
        number = listener(fd);
        *answer = talk(fd, request);
        close(fd);
    }
    if (process)
        *process = number;
    if (*answer)
        return BF_OK;
    return bf_state_is_served(state) ? BF_ERR_TIMEOUT : BF_ERR_NOT_FOUND;
}

enum bf_err bf_control_nudge(const struct bf_state *state, int *process)
{
    json_t *answer;
    enum bf_err err = bf_control_query(state, BF_CONTROL_NUDGE, &answer, process);
    json_decref(answer);
    return err;
}

const char *bf_control_name(int process, char out[BF_CONTROL_NAME])
{
    bf_snprintf(out, BF_CONTROL_NAME, process > 0 ? "bootferryd (process %d)" : "bootferryd",
                process);
    return out;
}
