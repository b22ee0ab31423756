// SPDX-License-Identifier: Apache-2.0
// See qga.h. Answers are told apart by guest-sync-delimited (since QEMU 1.1): the byte 0xFF, which
// no JSON has, stands before its answer, and what came before that is nobody's. The same byte makes
// the agent forget half a command of an earlier client; it complains about it in a line of its own.
#include "replica/qemu/qga.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "base/platform.h"
#include "replica/qemu/lines.h"
#include "replica/state/waits.h"

static const unsigned char sentinel = 0xff;

static bool is_synced(const char *line, size_t len, json_int_t id)
{
    const char *at = len ? memrchr(line, sentinel, len) : NULL;
    json_t *answer, *number;
    bool synced;

    if (!at)
        return false;
    answer = json_loadb(at + 1, len - (size_t)(at + 1 - line), 0, NULL);
    number = json_object_get(answer, "return");
    synced = json_is_integer(number) && json_integer_value(number) == id;
    json_decref(answer);
    return synced;
}

static enum bf_err synchronize(struct bf_lines *l)
{
    json_int_t id = (json_int_t)(bf_platform_now_us() & 0x3fffffff);
    const char *line;
    size_t len;
    char text[96];
    enum bf_err err;

    bf_snprintf(text, sizeof text,
                "%c{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%lld}}\n", sentinel,
                (long long)id);
    err = bf_lines_send(l, text, strlen(text));
    do
        err = err ? err : bf_lines_next(l, &line, &len);
    while (!err && !is_synced(line, len, id));
    return err;
}

static enum bf_err execute(struct bf_lines *l, const char *command, char **answer)
{
    const char *line;
    size_t len;
    enum bf_err err = bf_lines_send(l, command, strlen(command));

    if (!err)
        err = bf_lines_send(l, "\n", 1);
    if (!err)
        err = bf_lines_next(l, &line, &len);
    if (err)
        return err;
    *answer = malloc(len + 1);
    if (!*answer)
        return BF_ERR_NO_MEMORY;
    memcpy(*answer, line, len);
    (*answer)[len] = 0;
    return BF_OK;
}

enum bf_err bf_qga_ask(int dir, const char *name, const char *command, char **answer,
                       struct bf_fault *fault)
{
    struct bf_lines l;
    enum bf_err err;

    *answer = NULL;
    bf_lines_begin(&l, -1, BF_QGA_LINE_MAX);
    bf_lines_within(&l, BF_WAIT_AGENT_MS);
    err = bf_lines_reach(&l, dir, name);
    if (!err)
        err = synchronize(&l);
    if (!err)
        err = execute(&l, command, answer);
    bf_lines_end(&l);
    if (err)
        bf_fault_set(fault, err, BF_SIDE_SOURCE,
                     "start qemu-guest-agent in the machine, if it is installed there",
                     "no guest agent answers in the new machine");
    return err;
}
