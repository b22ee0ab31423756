// SPDX-License-Identifier: Apache-2.0
// What must hold at a place whatever a disk, a peer or a configuration says: preconditions, states,
// indices of rings and queues, who owns a buffer. Never a judgement of input: that is an error.
#ifndef BF_BASE_ASSERT_H
#define BF_BASE_ASSERT_H

#include <stdint.h>

// BF_ASSERT(condition): stops the program where BF_CHECKED is defined, which are the flavours of
// the tests and of the fuzzers. Elsewhere the condition is compiled and never run, and costs
// nothing, so it may have no side effects.
#ifdef BF_CHECKED
#define BF_ASSERT(condition) \
    ((condition) ? (void)0 : bf_assert_failed(#condition, __FILE__, __LINE__))
#else
#define BF_ASSERT(condition) ((void)sizeof((condition) ? 1 : 0))
#endif

// Names the condition and its place on the standard error, and aborts.
_Noreturn void bf_assert_failed(const char *condition, const char *file, uint32_t line);

#endif
