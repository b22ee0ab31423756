// SPDX-License-Identifier: Apache-2.0
// The answering side of the control socket: one request at a time, by the main thread. Only the
// owner of the state can connect (mode 0600), and nobody can hold the daemon up for long.
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/platform.h"
#include "replica/state/ask.h"
#include "replica/daemon/daemon.h"
#include "replica/daemon/reports.h"
#include "replica/state/reason.h"
#include "replica/state/waits.h"

enum { REQUEST_MAX = 64 };

static enum bf_err open_fault(struct bf_fault *fault, int fd)
{
    int code = errno;
    if (fd >= 0)
        close(fd);
    return bf_fault_set(
        fault, bf_reason_errno(code), BF_SIDE_SERVER,
        bf_reason_todo(bf_reason_errno(code), "check the permissions of the state's folder"),
        "cannot open the control socket: %s", strerror(code));
}

enum bf_err bf_control_open(struct bf_daemon *d, int *out, struct bf_fault *fault)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char path[BF_SOCKET_PATH_MAX];
    if (bf_state_socket(d->state, BF_CONTROL_SOCKET, path))
        return open_fault(fault, -1);
    unlink(path); // of a daemon that was killed: the state's lock is ours
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return open_fault(fault, fd);
    mode_t before = umask(0177);
    int failed = bind(fd, (struct sockaddr *)&to, sizeof to) < 0 || listen(fd, 16) < 0;
    umask(before);
    if (failed)
        return open_fault(fault, fd);
    *out = fd;
    return BF_OK;
}

void bf_control_close(struct bf_daemon *d, int fd)
{
    char path[BF_SOCKET_PATH_MAX];
    if (fd < 0)
        return;
    close(fd);
    if (bf_state_socket(d->state, BF_CONTROL_SOCKET, path) == BF_OK)
        unlink(path);
}

static json_t *status_json(struct bf_daemon *d)
{
    struct bf_mem_usage memory;
    json_t *sessions = json_array();
    uint64_t now = bf_platform_now_us();
    bf_mem_usage(&memory);
    pthread_mutex_lock(&d->lock);
    for (struct bf_conn *c = d->conns; c; c = c->next)
        if (c->holds_machine)
            json_array_append_new(sessions, bf_live_json(&c->live, now));
    BF_ASSERT(d->session_count == json_array_size(sessions));
    BF_ASSERT(d->session_count <= d->sessions_max && d->session_count <= d->conn_count);
    const char *reports = bf_reports_where(d->reports);
    json_t *json =
        json_pack("{s:s, s:b, s:i, s:i, s:I, s:s?, s:o, s:o}", "version", BF_VERSION, "hybrid",
                  bf_tls_server_has_hybrid(d->tls), "connections", (int)d->conn_count,
                  "sessions_max", (int)d->sessions_max, "memory", (json_int_t)memory.in_use,
                  "reports", reports, "sessions", sessions, "unwritten", bf_unwritten_json(d));
    pthread_mutex_unlock(&d->lock);
    return json;
}

// The request, one line; 0 when none came in time. Each recv has its limit too.
static int read_request(int fd, char request[REQUEST_MAX])
{
    uint64_t until = bf_platform_now_us() + BF_WAIT_CONTROL_MS * 1000;
    size_t len = 0;
    while (bf_platform_now_us() < until && len < REQUEST_MAX - 1 && !memchr(request, '\n', len)) {
        ssize_t got = recv(fd, request + len, REQUEST_MAX - 1 - len, 0);
        if (got <= 0)
            return 0;
        len += (size_t)got;
    }
    BF_ASSERT(len < REQUEST_MAX);
    request[len] = 0;
    request[strcspn(request, "\n")] = 0;
    return 1;
}

static void answer(int fd, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    size_t len = text ? strlen(text) : 0, sent = 0;
    uint64_t until = bf_platform_now_us() + BF_WAIT_CONTROL_MS * 1000;
    while (sent < len && bf_platform_now_us() < until) {
        ssize_t put = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
        if (put <= 0)
            break;
        sent += (size_t)put;
    }
    free(text);
    json_decref(json);
}

int bf_control_serve(struct bf_daemon *d, int fd)
{
    struct timeval patience = {.tv_usec = BF_WAIT_CONTROL_MS * 1000};
    char request[REQUEST_MAX];
    int nudged = 0;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0)
        return 0;
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (read_request(peer, request)) {
        nudged = strcmp(request, BF_CONTROL_NUDGE) == 0;
        if (nudged || strcmp(request, BF_CONTROL_STATUS) == 0)
            answer(peer, status_json(d));
        else
            answer(peer, json_pack("{s:s}", "error", "unknown request"));
    }
    close(peer);
    return nudged;
}
