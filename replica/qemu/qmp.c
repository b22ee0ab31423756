// SPDX-License-Identifier: Apache-2.0
// The QMP client, see qmp.h. Blocking with a deadline: the socket never waits by itself, poll(2)
// does.
#include "replica/qemu/qmp.h"

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

struct bf_qmp {
    int fd;
    json_int_t id;     // of the last command
    uint64_t until_us; // when the answer has to be there
    char title[96];
    char *buffer;
    size_t filled, size;
    size_t seen; // bytes of it that hold no end of a line
};

static const char see_log[] = "look at its qemu.log in the job's folder, and at the system log";

static enum bf_err lost(const struct bf_qmp *q, enum bf_err code, struct bf_fault *fault)
{
    const char *what = code == BF_ERR_TIMEOUT    ? "gives no answer"
                       : code == BF_ERR_PROTOCOL ? "gave an answer that is no QMP"
                       : code == BF_ERR_LIMIT    ? "gave an answer that is too long"
                       : code == BF_ERR_CLOSED   ? "has closed its control connection"
                                                 : "cannot be reached";
    return bf_fault_set(fault, code, BF_SIDE_SERVER, see_log, "QEMU of %s %s", q->title, what);
}

// ---- Bytes -------------------------------------------------------------------------------------

static enum bf_err wait_for(const struct bf_qmp *q, short events)
{
    struct pollfd p = {.fd = q->fd, .events = events};
    uint64_t now = bf_platform_now_us();
    int got;

    if (now >= q->until_us)
        return BF_ERR_TIMEOUT;
    got = poll(&p, 1, (int)((q->until_us - now) / 1000 + 1));
    return got > 0 ? BF_OK : got == 0 ? BF_ERR_TIMEOUT : errno == EINTR ? BF_OK : BF_ERR_IO;
}

static enum bf_err send_all(struct bf_qmp *q, const char *text, size_t len)
{
    enum bf_err err = BF_OK;

    while (len > 0 && !err) {
        ssize_t n = send(q->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            text += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN || errno == EINTR) {
            err = wait_for(q, POLLOUT);
        } else {
            err = BF_ERR_CLOSED;
        }
    }
    return err;
}

static enum bf_err make_room(struct bf_qmp *q)
{
    size_t size = q->size ? q->size * 2 : FIRST_BYTES;
    char *grown;

    if (q->filled < q->size)
        return BF_OK;
    if (size > BF_QMP_LINE_MAX)
        return BF_ERR_LIMIT;
    grown = realloc(q->buffer, size);
    if (!grown)
        return BF_ERR_NO_MEMORY;
    q->buffer = grown;
    q->size = size;
    return BF_OK;
}

static enum bf_err receive_more(struct bf_qmp *q)
{
    enum bf_err err = make_room(q);
    ssize_t n;

    BF_ASSERT(q->filled <= q->size);
    if (!err)
        err = wait_for(q, POLLIN);
    if (err)
        return err;
    n = recv(q->fd, q->buffer + q->filled, q->size - q->filled, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return BF_OK;
    if (n <= 0)
        return BF_ERR_CLOSED;
    q->filled += (size_t)n;
    return BF_OK;
}

// The next object, which the caller releases.
static enum bf_err receive(struct bf_qmp *q, json_t **out)
{
    char *end;
    size_t used;

    *out = NULL;
    while (!(end = q->filled > q->seen ? memchr(q->buffer + q->seen, '\n', q->filled - q->seen)
                                       : NULL)) {
        enum bf_err err;
        q->seen = q->filled;
        err = receive_more(q);
        if (err)
            return err;
    }
    *out = json_loadb(q->buffer, (size_t)(end - q->buffer), 0, NULL);
    used = (size_t)(end - q->buffer) + 1;
    memmove(q->buffer, end + 1, q->filled - used);
    q->filled -= used;
    q->seen = 0;
    return json_is_object(*out) ? BF_OK : BF_ERR_PROTOCOL;
}

// ---- Commands ----------------------------------------------------------------------------------

static enum bf_err refused(const struct bf_qmp *q, const char *command, const json_t *error,
                           struct bf_fault *fault)
{
    const char *text = json_string_value(json_object_get(error, "desc"));
    enum bf_err code = bf_reason_text(text ? text : "", BF_ERR_IO);
    char plain[120];
    size_t n = 0;

    for (; text && text[n] && n + 1 < sizeof plain; n++)
        plain[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
    plain[n] = 0;
    return bf_fault_set(fault, code, BF_SIDE_SERVER, bf_reason_todo(code, see_log),
                        "QEMU of %s refused %s: %s", q->title, command,
                        n ? plain : "it gave no reason");
}

static enum bf_err send_command(struct bf_qmp *q, const char *command, json_t *arguments)
{
    json_t *whole = json_pack("{s:s, s:I}", "execute", command, "id", ++q->id);
    char *text;
    enum bf_err err = BF_ERR_NO_MEMORY;

    if (arguments && json_object_set_new(whole, "arguments", arguments) != 0)
        json_decref(whole), whole = NULL;
    text = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
    if (text)
        err = send_all(q, text, strlen(text));
    if (text && !err)
        err = send_all(q, "\n", 1);
    free(text);
    json_decref(whole);
    return err;
}

enum bf_err bf_qmp_execute(struct bf_qmp *q, const char *command, json_t *arguments,
                           json_t **result, struct bf_fault *fault)
{
    json_t *answer = NULL, *error;
    enum bf_err err;

    BF_ASSERT(q->fd >= 0);
    if (result)
        *result = NULL;
    q->until_us = bf_platform_now_us() + (uint64_t)BF_WAIT_QMP_MS * 1000;
    err = send_command(q, command, arguments);
    while (!err && !answer) {
        err = receive(q, &answer);
        if (!err && json_integer_value(json_object_get(answer, "id")) != q->id) {
            json_decref(answer); // an event, or what an earlier client had asked
            answer = NULL;
        }
    }
    error = json_object_get(answer, "error");
    if (!err && !error && !json_object_get(answer, "return"))
        err = BF_ERR_PROTOCOL;
    if (err)
        err = lost(q, err, fault);
    else if (error)
        err = refused(q, command, error, fault);
    else if (result)
        *result = json_incref(json_object_get(answer, "return"));
    json_decref(answer);
    return err;
}

// ---- Opening -----------------------------------------------------------------------------------

// A queue that is full is QEMU's with another client: it is tried again until the deadline.
static enum bf_err connect_to(struct bf_qmp *q, const struct sockaddr_un *address)
{
    for (;;) {
        if (connect(q->fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return BF_OK;
        if (errno == ENOENT || errno == ECONNREFUSED)
            return BF_ERR_NOT_FOUND;
        if (errno != EAGAIN && errno != EINTR)
            return bf_reason_errno(errno);
        if (bf_platform_now_us() >= q->until_us)
            return BF_ERR_TIMEOUT;
        poll(NULL, 0, BF_WAIT_QMP_LOOK_MS);
    }
}

static enum bf_err greet(struct bf_qmp *q, int dir, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    json_t *greeting = NULL;
    enum bf_err err;

    // The path of the folder may be longer than a socket's may be; its descriptor has a short one.
    if (bf_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, name) >=
        (int)sizeof address.sun_path)
        return BF_ERR_RANGE;
    q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (q->fd < 0)
        return BF_ERR_LIMIT;
    err = connect_to(q, &address);
    if (!err)
        err = receive(q, &greeting);
    if (!err && !json_object_get(greeting, "QMP"))
        err = BF_ERR_PROTOCOL;
    json_decref(greeting);
    return err;
}

enum bf_err bf_qmp_open(int dir, const char *name, const char *title, uint32_t ms,
                        struct bf_qmp **out, struct bf_fault *fault)
{
    struct bf_qmp *q = calloc(1, sizeof *q);
    enum bf_err err;

    *out = NULL;
    if (!q)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to talk to QEMU");
    q->fd = -1;
    bf_snprintf(q->title, sizeof q->title, "%s", title);
    q->until_us = bf_platform_now_us() + (uint64_t)ms * 1000;
    err = greet(q, dir, name);
    if (err)
        err = lost(q, err, fault);
    else
        err = bf_qmp_execute(q, "qmp_capabilities", NULL, NULL, fault);
    if (err)
        bf_qmp_close(q);
    else
        *out = q;
    return err;
}

void bf_qmp_close(struct bf_qmp *qmp)
{
    if (!qmp)
        return;
    if (qmp->fd >= 0)
        close(qmp->fd);
    free(qmp->buffer);
    free(qmp);
}
