// SPDX-License-Identifier: Apache-2.0
// Work that only computes, done by other processors: tasks go into a queue that one producer (the
// loop) fills and any number of workers empty, without locks. The loop may take a task back and do
// it itself; with no workers it does them all, so one processor runs the same code.
//
// A task is the loop's memory. From submit until it is done it belongs to whoever runs it, together
// with everything that it points to; it may neither allocate nor log. Jobs may end in any order.
#ifndef BF_MIGRATE_WORKERS_H
#define BF_MIGRATE_WORKERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/platform.h"

enum { BF_TASKS_MAX = 64 }; // waiting at once, a power of two

enum bf_task_state { BF_TASK_IDLE, BF_TASK_GIVEN, BF_TASK_DONE };

struct bf_task {
    // place: who runs it, 0 for the loop and i + 1 for worker i, for what each has of its own.
    void (*run)(struct bf_task *task, uint32_t place);
    _Atomic uint32_t state;
};

struct bf_workers {
    uint32_t count; // workers; 0: the loop does everything
    uint32_t given; // tasks so far, the loop's count

    // The queue: `tail` is the loop's, whoever moves `head` by one has the task that was there.
    _Alignas(64) _Atomic uint32_t head;
    _Alignas(64) _Atomic uint32_t tail;
    struct bf_task *_Atomic ring[BF_TASKS_MAX];

    _Alignas(64) _Atomic uint32_t done; // tasks so far
    _Alignas(64) uint32_t bell;         // changes with every task and at the end; atomic
    _Atomic uint32_t stop;

    uint32_t head_seen; // by the last bf_workers_poll
    uint64_t behind_us; // since when tasks have been waiting in every turn; 0: they have not
};

// Without workers.
void bf_workers_init(struct bf_workers *w);
// With as many as the machine has, at most `most`; an initialised w. Fewer is no error: count says
// how many.
void bf_workers_start(struct bf_workers *w, uint32_t most);
// Ends them; tasks that nobody has begun are cancelled. BF_ERR_TIMEOUT as
// bf_platform_workers_stop: then w and all tasks must stay.
enum bf_err bf_workers_stop(struct bf_workers *w);

// Gives a task away. It must not be given already, and there must be room: the caller bounds its
// tasks to BF_TASKS_MAX. Returns 0 when there is none.
int bf_workers_give(struct bf_workers *w, struct bf_task *task);
int bf_task_is(const struct bf_task *task, enum bf_task_state state);

// Once per turn: sees to it that tasks which wait are looked at, and that there are enough workers.
// Returns 1 when some wait and nobody has taken any since the last call: every worker is busy, the
// loop may help.
int bf_workers_poll(struct bf_workers *w, uint64_t now_us);
// The loop does the oldest waiting task, and returns it; NULL: there is none.
struct bf_task *bf_workers_help(struct bf_workers *w);
// Jobs that nobody has begun become idle again without being done.
void bf_workers_cancel(struct bf_workers *w);
// No task waits or is being done.
int bf_workers_quiet(const struct bf_workers *w);
// How many tasks have been done or cancelled so far, modulo 2^32.
uint32_t bf_workers_done(const struct bf_workers *w);

// What a worker does with the queue; for platforms without threads, where a test plays the worker.
struct bf_task *bf_workers_take(struct bf_workers *w);
void bf_workers_finish(struct bf_workers *w, struct bf_task *task, uint32_t place);

#endif
