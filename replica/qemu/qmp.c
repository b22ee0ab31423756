// SPDX-License-Identifier: Apache-2.0
// The QMP client, see qmp.h.
#include "replica/qemu/qmp.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/qemu/lines.h"
#include "replica/state/reason.h"
#include "replica/state/waits.h"

struct bf_qmp {
    struct bf_lines lines;
    json_int_t id; // of the last command
    char title[96];
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

// The next object, which the caller releases.
static enum bf_err receive(struct bf_qmp *q, json_t **out)
{
    const char *line;
    size_t len;
    enum bf_err err = bf_lines_next(&q->lines, &line, &len);

    *out = err ? NULL : json_loadb(line, len, 0, NULL);
    return err ? err : json_is_object(*out) ? BF_OK : BF_ERR_PROTOCOL;
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
        err = bf_lines_send(&q->lines, text, strlen(text));
    if (text && !err)
        err = bf_lines_send(&q->lines, "\n", 1);
    free(text);
    json_decref(whole);
    return err;
}

enum bf_err bf_qmp_execute(struct bf_qmp *q, const char *command, json_t *arguments,
                           json_t **result, struct bf_fault *fault)
{
    json_t *answer = NULL, *error;
    enum bf_err err;

    BF_ASSERT(q->lines.fd >= 0);
    if (result)
        *result = NULL;
    bf_lines_within(&q->lines, BF_WAIT_QMP_MS);
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

static enum bf_err greet(struct bf_qmp *q)
{
    json_t *greeting = NULL;
    enum bf_err err = receive(q, &greeting);

    if (!err && !json_object_get(greeting, "QMP"))
        err = BF_ERR_PROTOCOL;
    json_decref(greeting);
    return err;
}

static struct bf_qmp *allocate(const char *title, uint32_t ms, struct bf_fault *fault)
{
    struct bf_qmp *q = calloc(1, sizeof *q);

    if (!q) {
        bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                     "no memory to talk to QEMU");
        return NULL;
    }
    bf_lines_begin(&q->lines, -1, BF_QMP_LINE_MAX);
    bf_lines_within(&q->lines, ms);
    bf_snprintf(q->title, sizeof q->title, "%s", title);
    return q;
}

static enum bf_err begin(struct bf_qmp *q, enum bf_err err, struct bf_qmp **out,
                         struct bf_fault *fault)
{
    if (!err)
        err = greet(q);
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

enum bf_err bf_qmp_open(int dir, const char *name, const char *title, uint32_t ms,
                        struct bf_qmp **out, struct bf_fault *fault)
{
    struct bf_qmp *q = allocate(title, ms, fault);

    *out = NULL;
    return q ? begin(q, bf_lines_reach(&q->lines, dir, name), out, fault) : fault->code;
}

enum bf_err bf_qmp_over(int fd, const char *title, uint32_t ms, struct bf_qmp **out,
                        struct bf_fault *fault)
{
    struct bf_qmp *q = allocate(title, ms, fault);

    *out = NULL;
    if (!q) {
        close(fd);
        return fault->code;
    }
    q->lines.fd = fd;
    return begin(q, BF_OK, out, fault);
}

void bf_qmp_close(struct bf_qmp *qmp)
{
    if (!qmp)
        return;
    bf_lines_end(&qmp->lines);
    free(qmp);
}
