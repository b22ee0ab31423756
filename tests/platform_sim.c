// SPDX-License-Identifier: Apache-2.0
// The platform of the simulation: nothing here depends on the machine, so a seed replays a run
// exactly. Entropy is splitmix64, good enough to look random and easy to repeat.
#include "tests/platform_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "migrate/workers.h"

enum { LOG_BYTES = 65536 };

static uint64_t now_us = 1000000, generator;
static int64_t wall_at_zero = 1767225600; // 2026-01-01T00:00:00Z
static unsigned entropy_failures;
static uint64_t alloc_failure = UINT64_MAX;
static char log_text[LOG_BYTES];
static size_t log_len;
static int log_shown;

static struct {
    uint32_t count;
    uint64_t longest_us;
    struct bf_workers *workers; // NULL: not started
    struct {
        struct bf_task *task;
        uint64_t due_us;
    } each[BF_WORKERS_MAX];
    int stick, overrun;
} virtual;
static struct bf_task *stuck; // keeps what it holds reachable: it was given up, not lost

void sim_platform_reset(uint64_t seed)
{
    now_us = 1000000;
    wall_at_zero = 1767225600;
    generator = seed;
    entropy_failures = 0;
    alloc_failure = UINT64_MAX;
    log_len = 0;
    log_text[0] = 0;
    memset(&virtual, 0, sizeof virtual);
}

void sim_clock_advance(uint64_t us)
{
    now_us += us;
}

uint64_t sim_random(void)
{
    uint64_t z = generator += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void sim_entropy_fail(unsigned count)
{
    entropy_failures = count;
}

void sim_alloc_fail(uint64_t skip)
{
    alloc_failure = skip;
}

const char *sim_log(void)
{
    return log_text;
}

void sim_log_show(int on)
{
    log_shown = on;
}

uint64_t bf_platform_now_us(void)
{
    return now_us;
}

int64_t bf_platform_wall(void)
{
    return wall_at_zero + (int64_t)(now_us / 1000000);
}

void bf_platform_set_wall(int64_t unix_seconds)
{
    wall_at_zero = unix_seconds - (int64_t)(now_us / 1000000);
}

enum bf_err bf_platform_entropy(void *out, size_t len)
{
    uint8_t *bytes = out;
    if (entropy_failures) {
        entropy_failures--;
        return BF_ERR_NO_ENTROPY;
    }
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)sim_random();
    return BF_OK;
}

void *bf_platform_alloc(size_t size, size_t align)
{
    void *memory = NULL;
    if (alloc_failure != UINT64_MAX && alloc_failure-- == 0)
        return NULL;
    if (align < sizeof(void *))
        align = sizeof(void *);
    return posix_memalign(&memory, align, size) == 0 ? memory : NULL;
}

void bf_platform_free(void *memory)
{
    free(memory);
}

void bf_platform_log(enum bf_log_level level, const char *line)
{
    size_t len = strlen(line) + 1;
    (void)level;
    if (log_shown)
        printf("# %s\n", line);
    if (log_len + len >= LOG_BYTES) {
        memmove(log_text, log_text + LOG_BYTES / 2, log_len - LOG_BYTES / 2 + 1);
        log_len -= LOG_BYTES / 2;
    }
    memcpy(log_text + log_len, line, len);
    log_len += len;
    log_text[log_len - 1] = '\n';
    log_text[log_len] = 0;
}

void bf_platform_idle(uint32_t max_us)
{
    now_us += max_us ? max_us : 1;
    sim_workers_turn();
}

// ---- Workers -----------------------------------------------------------------------------------

void sim_workers(uint32_t count, uint64_t longest_us)
{
    virtual.count = count;
    virtual.longest_us = longest_us;
}

void sim_workers_stick(void)
{
    virtual.stick = 1;
}

void sim_workers_overrun(void)
{
    virtual.overrun = 1;
}

static void end_job(uint32_t i)
{
    struct bf_task *task = virtual.each[i].task;
    virtual.each[i].task = NULL;
    bf_workers_finish(virtual.workers, task, i + 1);
}

void sim_workers_turn(void)
{
    if (!virtual.workers)
        return;
    for (uint32_t i = 0; i < virtual.count; i++) {
        if (virtual.each[i].task) {
            if (now_us >= virtual.each[i].due_us)
                end_job(i);
        } else if (sim_random() % 4) {
            virtual.each[i].task = bf_workers_take(virtual.workers);
            virtual.each[i].due_us = now_us + sim_random() % (virtual.longest_us + 1);
            if (virtual.each[i].task && virtual.stick == 1) {
                virtual.each[i].due_us = UINT64_MAX;
                virtual.stick = 2;
                stuck = virtual.each[i].task;
            }
        }
    }
}

uint32_t bf_platform_workers(void)
{
    return virtual.count;
}

// What the entry would do is done in turns; its context is known to be the engine's queue.
uint32_t bf_platform_workers_start(uint32_t count, bf_worker *entry, void *context)
{
    (void)entry;
    virtual.workers = context;
    return count;
}

void bf_platform_worker_wait(uint32_t index, uint32_t *word, uint32_t seen)
{
    (void)index;
    (void)word;
    (void)seen;
}

void bf_platform_workers_wake(uint32_t *word, int late)
{
    (void)word;
    (void)late;
}

int bf_platform_workers_sound(void)
{
    return !virtual.overrun;
}

enum bf_err bf_platform_workers_stop(uint32_t *word, uint64_t timeout_us)
{
    (void)word;
    (void)timeout_us;
    for (uint32_t i = 0; i < virtual.count; i++) {
        if (stuck && virtual.each[i].task == stuck)
            return BF_ERR_TIMEOUT;
        if (virtual.each[i].task)
            end_job(i);
    }
    virtual.workers = NULL;
    return BF_OK;
}
