// SPDX-License-Identifier: Apache-2.0
// The platform contract: what every program must provide, chosen by the linker. Exactly one file
// per program defines these functions (boot/platform_efi.c, linux/platform_linux.c,
// tests/platform_sim.c), and may leave the workers to a second one beside it;
// base/platform_stub.c fails everywhere and is the porting checklist.
#ifndef BF_BASE_PLATFORM_H
#define BF_BASE_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

// Monotonic time in microseconds since an arbitrary start. Never goes back, never stops.
uint64_t bf_platform_now_us(void);

// Wall clock, seconds since 1970-01-01 UTC. On firmware this is the firmware's claim, unless the
// configuration set it (bf_platform_set_wall).
int64_t bf_platform_wall(void);

// Sets the wall clock of this program (not of the machine) from now on.
void bf_platform_set_wall(int64_t unix_seconds);

// Fills out with unpredictable bytes. BF_ERR_NO_ENTROPY when there is no source for them: the
// caller must then refuse to go on.
enum bf_err bf_platform_entropy(void *out, size_t len);

// Memory, at least 16-byte aligned, or NULL. align is a power of two. May not be called from a
// worker. bf_platform_free takes NULL.
void *bf_platform_alloc(size_t size, size_t align);
void bf_platform_free(void *memory);

// One line without a newline.
void bf_platform_log(enum bf_log_level level, const char *line);

// Nothing to do: rest at most max_us, less if something may have happened. May return at once.
void bf_platform_idle(uint32_t max_us);

// ---- Workers -----------------------------------------------------------------------------------
// Other processors (or threads) beside the one that runs the program, each with a stack of its own.
// They compute: a worker allocates nothing, logs nothing, and calls nothing of the platform but
// bf_platform_worker_wait. What it shares with the program goes through atomics. All other
// functions here are the program's. migrate/workers.h is what the engine sees of it.

enum { BF_WORKERS_MAX = 8, BF_WORKER_STACK = 65536 };

// The whole life of a worker; it returns when the context tells it to.
typedef void bf_worker(void *context, uint32_t index);

// How many workers this machine can have, 0 to BF_WORKERS_MAX.
uint32_t bf_platform_workers(void);

// Prepares count workers that run entry(context, index), with index from 0. A platform on which a
// processor that rests is not free may start one only when it is needed. Once at a time. Returns
// how many there are.
uint32_t bf_platform_workers_start(uint32_t count, bf_worker *entry, void *context);

// In a worker: rests until *word is something else than seen. May return early.
void bf_platform_worker_wait(uint32_t index, uint32_t *word, uint32_t seen);

// *word has changed: one worker that rests is to look at it. late: what it stands for has been
// waiting for some time, so one more worker is worth what it costs. Cheap otherwise.
void bf_platform_workers_wake(uint32_t *word, int late);

// 0 when a worker has left its stack: what it wrote over is not known, so the run must fail.
int bf_platform_workers_sound(void);

// Wakes all, waits until each has returned from its entry (or never began it), and gives the
// processors back as they were. BF_ERR_TIMEOUT: one did not come back; its stack and everything
// that it uses must stay where it is, and control must not go back to the firmware.
enum bf_err bf_platform_workers_stop(uint32_t *word, uint64_t timeout_us);

#endif
