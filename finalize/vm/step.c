// SPDX-License-Identifier: Apache-2.0
// Announces steps to the supervisor over a pipe and remembers how long they took.
#include "finalize/vm/step.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "finalize/vm/frame.h"

#define STEPS_MAX 32
#define BEAT_MS   1000

static struct {
    int fd;
    size_t count;
    struct {
        char name[BF_STEP_NAME];
        long long begin;
    } step[STEPS_MAX];
} steps = {.fd = -1};

void bf_steps_to(int fd)
{
    steps.fd = fd;
}

void bf_step(const char *name, int seconds)
{
    struct bf_step_message m = {.seconds = seconds};
    snprintf(m.name, sizeof m.name, "%s", name);
    if (steps.count < STEPS_MAX) {
        memcpy(steps.step[steps.count].name, m.name, sizeof m.name);
        steps.step[steps.count++].begin = bf_now_ms();
    }
    // A pipe takes so small a message whole; without a supervisor there is no deadline to keep.
    if (steps.fd >= 0 && write(steps.fd, &m, sizeof m) != (ssize_t)sizeof m)
        steps.fd = -1;
}

// Only what is to be read after a deadline passed, so the newest of each second is enough; a step
// that hangs over one file was told of it, unless it began within that second.
void bf_step_file(const char *step, const char *file)
{
    static long long last;
    long long now = bf_now_ms();
    struct bf_step_message m = {.seconds = 0};
    if (steps.fd < 0 || (now - last < BEAT_MS && strcmp(file, "") != 0))
        return;
    last = file[0] ? now : now - BEAT_MS;
    snprintf(m.file, sizeof m.file, "%s%s%s", step, file[0] ? ", " : "", file);
    if (write(steps.fd, &m, sizeof m) != (ssize_t)sizeof m)
        steps.fd = -1;
}

json_t *bf_steps_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < steps.count; i++) {
        long long end = i + 1 < steps.count ? steps.step[i + 1].begin : bf_now_ms();
        json_array_append_new(list, json_pack("{s:s,s:I}", "name", steps.step[i].name, "ms",
                                              (json_int_t)(end - steps.step[i].begin)));
    }
    return list;
}
