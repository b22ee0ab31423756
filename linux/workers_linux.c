// SPDX-License-Identifier: Apache-2.0
// The workers of hosted programs: threads, one per processor that the process may use beside the
// first, which rest in a futex (futex(2)). The kernel's guard page below each stack ends a program
// whose worker leaves it.
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/platform.h"

enum { STACK_BYTES = 4 * BF_WORKER_STACK }; // the C library keeps thread-local data there, too

struct worker {
    pthread_t thread;
    bf_worker *entry;
    void *context;
    uint32_t index;
};
static struct worker workers[BF_WORKERS_MAX];
static uint32_t started;
static _Atomic uint32_t resting;

uint32_t bf_platform_workers(void)
{
    cpu_set_t set;
    int count;
    if (sched_getaffinity(0, sizeof set, &set))
        return 0;
    count = CPU_COUNT(&set) - 1;
    return count > BF_WORKERS_MAX ? BF_WORKERS_MAX : (uint32_t)count;
}

static void *begin(void *argument)
{
    const struct worker *w = argument;
    w->entry(w->context, w->index);
    return NULL;
}

static int start_one(const pthread_attr_t *attributes, bf_worker *entry, void *context)
{
    struct worker *w = &workers[started];
    BF_ASSERT(started < BF_WORKERS_MAX);
    *w = (struct worker){.entry = entry, .context = context, .index = started};
    if (pthread_create(&w->thread, attributes, begin, w))
        return 0;
    started++;
    return 1;
}

uint32_t bf_platform_workers_start(uint32_t count, bf_worker *entry, void *context)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (started || pthread_attr_init(&attributes))
        return 0;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    // Signals are the program's own.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < count && started < BF_WORKERS_MAX && start_one(&attributes, entry, context))
        ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

void bf_platform_worker_wait(uint32_t index, uint32_t *word, uint32_t seen)
{
    BF_ASSERT(index < BF_WORKERS_MAX && resting < BF_WORKERS_MAX);
    atomic_fetch_add(&resting, 1);
    // The kernel looks at the word once more, so no change is missed in between.
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&resting, 1);
}

void bf_platform_workers_wake(uint32_t *word, int late)
{
    (void)late; // a thread that rests costs nothing, so all are there
    if (atomic_load(&resting))
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

int bf_platform_workers_sound(void)
{
    return 1;
}

enum bf_err bf_platform_workers_stop(uint32_t *word, uint64_t timeout_us)
{
    struct timespec end;
    uint64_t ns;
    clock_gettime(CLOCK_REALTIME, &end);
    ns = (uint64_t)end.tv_nsec + timeout_us % 1000000 * 1000;
    end.tv_sec += (time_t)(timeout_us / 1000000 + ns / 1000000000);
    end.tv_nsec = (long)(ns % 1000000000);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    for (; started; started--)
        if (pthread_timedjoin_np(workers[started - 1].thread, NULL, &end))
            return BF_ERR_TIMEOUT;
    return BF_OK;
}
