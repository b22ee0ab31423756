// SPDX-License-Identifier: Apache-2.0
// The platform contract: what every program must provide, chosen by the linker. Exactly one file
// per program defines these functions (boot/platform_efi.c, linux/platform_linux.c,
// tests/platform_sim.c); base/platform_stub.c fails everywhere and is the porting checklist.
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

#endif
