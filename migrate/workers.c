// SPDX-License-Identifier: Apache-2.0
// The queue of tasks, see migrate/workers.h. head and tail only grow and are compared modulo 2^32,
// so a place of the ring is read by a worker and taken with one compare-and-exchange: while head
// stands still the loop does not write there, and when it has moved, the exchange fails.
#include "migrate/workers.h"

#include <string.h>

#include "base/assert.h"

enum { STOP_US = 5000000, LATE_US = 50000 };

_Static_assert((BF_TASKS_MAX & (BF_TASKS_MAX - 1)) == 0, "the ring wraps with the counters");

void bf_workers_init(struct bf_workers *w)
{
    memset(w, 0, sizeof *w);
}

// ---- The queue ---------------------------------------------------------------------------------

static uint32_t waiting(const struct bf_workers *w)
{
    return atomic_load_explicit(&w->tail, memory_order_relaxed) -
           atomic_load_explicit(&w->head, memory_order_acquire);
}

int bf_workers_give(struct bf_workers *w, struct bf_task *task)
{
    uint32_t tail = atomic_load_explicit(&w->tail, memory_order_relaxed);
    BF_ASSERT(task->run && !bf_task_is(task, BF_TASK_GIVEN));
    BF_ASSERT(waiting(w) <= BF_TASKS_MAX);
    if (waiting(w) == BF_TASKS_MAX)
        return 0;
    w->given++;
    atomic_store_explicit(&task->state, BF_TASK_GIVEN, memory_order_relaxed);
    atomic_store_explicit(&w->ring[tail % BF_TASKS_MAX], task, memory_order_relaxed);
    atomic_store_explicit(&w->tail, tail + 1, memory_order_release);
    if (w->count) {
        __atomic_add_fetch(&w->bell, 1, __ATOMIC_SEQ_CST);
        bf_platform_workers_wake(&w->bell, 0);
    }
    return 1;
}

struct bf_task *bf_workers_take(struct bf_workers *w)
{
    uint32_t head = atomic_load_explicit(&w->head, memory_order_relaxed);
    struct bf_task *task;
    do {
        if (head == atomic_load_explicit(&w->tail, memory_order_acquire))
            return NULL;
        task = atomic_load_explicit(&w->ring[head % BF_TASKS_MAX], memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&w->head, &head, head + 1, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return task;
}

static void leave(struct bf_workers *w, struct bf_task *task, enum bf_task_state state)
{
    BF_ASSERT(bf_task_is(task, BF_TASK_GIVEN)); // nobody else has left it
    atomic_store_explicit(&task->state, state, memory_order_release);
    atomic_fetch_add_explicit(&w->done, 1, memory_order_release);
}

void bf_workers_finish(struct bf_workers *w, struct bf_task *task, uint32_t place)
{
    task->run(task, place);
    leave(w, task, BF_TASK_DONE);
}

int bf_task_is(const struct bf_task *task, enum bf_task_state state)
{
    return atomic_load_explicit(&task->state, memory_order_acquire) == (uint32_t)state;
}

struct bf_task *bf_workers_help(struct bf_workers *w)
{
    struct bf_task *task = bf_workers_take(w);
    if (task)
        bf_workers_finish(w, task, 0);
    return task;
}

void bf_workers_cancel(struct bf_workers *w)
{
    struct bf_task *task;
    while ((task = bf_workers_take(w)))
        leave(w, task, BF_TASK_IDLE);
}

uint32_t bf_workers_done(const struct bf_workers *w)
{
    return atomic_load_explicit(&w->done, memory_order_acquire);
}

int bf_workers_quiet(const struct bf_workers *w)
{
    BF_ASSERT(w->given - bf_workers_done(w) <= BF_TASKS_MAX + BF_WORKERS_MAX + 1);
    return bf_workers_done(w) == w->given;
}

int bf_workers_poll(struct bf_workers *w, uint64_t now_us)
{
    uint32_t head = atomic_load_explicit(&w->head, memory_order_relaxed);
    int busy = w->behind_us && head == w->head_seen, late;
    w->head_seen = head;
    if (!waiting(w)) {
        w->behind_us = 0;
        return 0;
    }
    if (!w->behind_us)
        w->behind_us = now_us;
    late = now_us - w->behind_us >= LATE_US;
    if (w->count)
        bf_platform_workers_wake(&w->bell, late);
    if (late)
        w->behind_us = now_us;
    return busy;
}

// ---- The workers -------------------------------------------------------------------------------

static void work(void *context, uint32_t index)
{
    struct bf_workers *w = context;
    for (;;) {
        uint32_t bell = __atomic_load_n(&w->bell, __ATOMIC_SEQ_CST);
        struct bf_task *task;
        if (atomic_load_explicit(&w->stop, memory_order_acquire))
            return;
        task = bf_workers_take(w);
        if (task)
            bf_workers_finish(w, task, index + 1);
        else
            bf_platform_worker_wait(index, &w->bell, bell);
    }
}

void bf_workers_start(struct bf_workers *w, uint32_t most)
{
    uint32_t count = bf_platform_workers();
    BF_ASSERT(!w->count && !w->stop);
    if (count > most)
        count = most;
    w->count = count ? bf_platform_workers_start(count, work, w) : 0;
}

enum bf_err bf_workers_stop(struct bf_workers *w)
{
    enum bf_err err = BF_OK;
    bf_workers_cancel(w);
    if (!w->count)
        return err;
    atomic_store_explicit(&w->stop, 1, memory_order_release);
    __atomic_add_fetch(&w->bell, 1, __ATOMIC_SEQ_CST);
    err = bf_platform_workers_stop(&w->bell, STOP_US);
    BF_ASSERT(err || bf_workers_quiet(w));
    if (!err)
        w->count = 0;
    return err;
}
