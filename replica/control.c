// SPDX-License-Identifier: Apache-2.0
// The asking side of the control socket, see control.h. Waits ten seconds for an answer at most.
#include "replica/control.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "replica/waits.h"

static int connect_to(const struct bf_state *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = BF_WAIT_ANSWER_MS / 1000};
    char path[BF_SOCKET_PATH_MAX];
    if (bf_state_socket(state, BF_CONTROL_SOCKET, path))
        return -1;
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

enum bf_err bf_control_ask(const struct bf_state *state, const char *request, json_t **answer)
{
    size_t len;
    int fd = connect_to(state);
    if (fd < 0)
        return BF_ERR_NOT_FOUND;
    char *text = NULL;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request) &&
        send(fd, "\n", 1, MSG_NOSIGNAL) == 1)
        text = read_answer(fd, &len);
    close(fd);
    *answer = text ? json_loadb(text, len, 0, NULL) : NULL;
    free(text);
    return *answer ? BF_OK : BF_ERR_NOT_FOUND;
}

void bf_control_nudge(const struct bf_state *state)
{
    json_t *answer;
    if (bf_control_ask(state, BF_CONTROL_NUDGE, &answer) == BF_OK)
        json_decref(answer);
}
