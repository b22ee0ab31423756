// SPDX-License-Identifier: Apache-2.0
// Work that only computes, done by other processors: jobs go into a queue that one producer (the
// loop) fills and any number of workers empty, without locks. The loop may take a job back and do
// it itself; with no workers it does them all, so one processor runs the same code.
//
// A job is the loop's memory. From submit until it is done it belongs to whoever runs it, together
// with everything that it points to; it may neither allocate nor log. Jobs may end in any order.
#ifndef BF_MIGRATE_WORKERS_H
#define BF_MIGRATE_WORKERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/platform.h"

enum { BF_JOBS_MAX = 64 }; // waiting at once, a power of two

enum bf_job_state { BF_JOB_IDLE, BF_JOB_GIVEN, BF_JOB_DONE };

struct bf_job {
    // place: who runs it, 0 for the loop and i + 1 for worker i, for what each has of its own.
    void (*run)(struct bf_job *job, uint32_t place);
    _Atomic uint32_t state;
};

struct bf_workers {
    uint32_t count; // workers; 0: the loop does everything
    uint32_t given; // jobs so far, the loop's count

    // The queue: `tail` is the loop's, whoever moves `head` by one has the job that was there.
    _Alignas(64) _Atomic uint32_t head;
    _Alignas(64) _Atomic uint32_t tail;
    struct bf_job *_Atomic ring[BF_JOBS_MAX];

    _Alignas(64) _Atomic uint32_t done; // jobs so far
    _Alignas(64) uint32_t bell;         // changes with every job and at the end; atomic
    _Atomic uint32_t stop;

    uint32_t head_seen; // by the last bf_workers_poll
    uint64_t behind_us; // since when jobs have been waiting in every turn; 0: they have not
};

// Without workers.
void bf_workers_init(struct bf_workers *w);
// With as many as the machine has, at most `most`; an initialised w. Fewer is no error: count says
// how many.
void bf_workers_start(struct bf_workers *w, uint32_t most);
// Ends them; jobs that nobody has begun are cancelled. BF_ERR_TIMEOUT as
// bf_platform_workers_stop: then w and all jobs must stay.
enum bf_err bf_workers_stop(struct bf_workers *w);

// Gives a job away. It must not be given already, and there must be room: the caller bounds its
// jobs to BF_JOBS_MAX. Returns 0 when there is none.
int bf_workers_give(struct bf_workers *w, struct bf_job *job);
int bf_job_is(const struct bf_job *job, enum bf_job_state state);

// Once per turn: sees to it that jobs which wait are looked at, and that there are enough workers.
// Returns 1 when some wait and nobody has taken any since the last call: every worker is busy, the
// loop may help.
int bf_workers_poll(struct bf_workers *w, uint64_t now_us);
// The loop does the oldest waiting job, and returns it; NULL: there is none.
struct bf_job *bf_workers_help(struct bf_workers *w);
// Jobs that nobody has begun become idle again without being done.
void bf_workers_cancel(struct bf_workers *w);
// No job waits or is being done.
int bf_workers_quiet(const struct bf_workers *w);
// How many jobs have been done or cancelled so far, modulo 2^32.
uint32_t bf_workers_done(const struct bf_workers *w);

// What a worker does with the queue; for platforms without threads, where a test plays the worker.
struct bf_job *bf_workers_take(struct bf_workers *w);
void bf_workers_finish(struct bf_workers *w, struct bf_job *job, uint32_t place);

#endif
