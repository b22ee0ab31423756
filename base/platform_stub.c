// SPDX-License-Identifier: Apache-2.0
// The porting checklist: every function of the platform contract, failing. It is compiled, so that
// it stays complete, and is linked into nothing. A new platform begins as a copy of this file.
#include "base/platform.h"

uint64_t bf_platform_now_us(void)
{
    return 0;
}

int64_t bf_platform_wall(void)
{
    return 0;
}

void bf_platform_set_wall(int64_t unix_seconds)
{
    (void)unix_seconds;
}

enum bf_err bf_platform_entropy(void *out, size_t len)
{
    (void)out;
    (void)len;
    return BF_ERR_NO_ENTROPY;
}

void *bf_platform_alloc(size_t size, size_t align)
{
    (void)size;
    (void)align;
    return NULL;
}

void bf_platform_free(void *memory)
{
    (void)memory;
}

void bf_platform_log(enum bf_log_level level, const char *line)
{
    (void)level;
    (void)line;
}

void bf_platform_idle(uint32_t max_us)
{
    (void)max_us;
}

uint32_t bf_platform_workers(void)
{
    return 0;
}

uint32_t bf_platform_workers_start(uint32_t count, bf_worker *entry, void *context)
{
    (void)count;
    (void)entry;
    (void)context;
    return 0;
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
    return 0;
}

enum bf_err bf_platform_workers_stop(uint32_t *word, uint64_t timeout_us)
{
    (void)word;
    (void)timeout_us;
    return BF_ERR_UNSUPPORTED;
}
