// SPDX-License-Identifier: Apache-2.0
// The workers of the boot program: none, the boot processor does everything.
#include "base/platform.h"

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

void bf_platform_workers_wake(uint32_t *word)
{
    (void)word;
}

int bf_platform_workers_sound(void)
{
    return 1;
}

enum bf_err bf_platform_workers_stop(uint32_t *word, uint64_t timeout_us)
{
    (void)word;
    (void)timeout_us;
    return BF_OK;
}
