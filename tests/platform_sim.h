// SPDX-License-Identifier: Apache-2.0
// The simulated platform: a clock that moves only when told to, deterministic entropy, and the log
// kept in memory. Link tests/platform_sim.c into a test to have it instead of the hosted platform.
#ifndef BF_TESTS_PLATFORM_SIM_H
#define BF_TESTS_PLATFORM_SIM_H

#include <stddef.h>
#include <stdint.h>

// Starts over: clock at 1 s, wall clock at 2026-01-01, entropy from seed, empty log.
void sim_platform_reset(uint64_t seed);
void sim_clock_advance(uint64_t us);
// The next number of a generator that bf_platform_entropy also draws from.
uint64_t sim_random(void);
// The next count calls of bf_platform_entropy fail.
void sim_entropy_fail(unsigned count);
// The next allocation after skip further ones fails; UINT64_MAX: none does.
void sim_alloc_fail(uint64_t skip);
// Everything logged since the reset, lines ended by newlines (the oldest are dropped).
const char *sim_log(void);

// Virtual workers, 0 after a reset: each takes a job now and then and has done it some time within
// `longest_us`, so that jobs end in any order, the same for a seed.
void sim_workers(uint32_t count, uint64_t longest_us);
void sim_workers_turn(void);
// The first job of them all is never done; a worker has left its stack.
void sim_workers_stick(void);
void sim_workers_overrun(void);

// Lines also go to standard output.
void sim_log_show(int on);

#endif
