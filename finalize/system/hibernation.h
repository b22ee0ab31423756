// SPDX-License-Identifier: Apache-2.0
// A system that sleeps in its swap area. Resuming it over changed file systems would destroy them.
#ifndef BF_FINALIZE_SYSTEM_HIBERNATION_H
#define BF_FINALIZE_SYSTEM_HIBERNATION_H

#include <stdbool.h>

#include "base/err.h"

// Whether a swap area held an image, by its first page (`fd` open for reading; for writing too if
// `discard`, which takes the image away). The signature is that of Linux's swsusp
// (kernel/power/swap.c): "S1SUSPEND" at the end of the first page, the swap's own kept before it.
// Fails only in discarding: BF_ERR_RANGE for an image of an unknown kind.
enum bf_err bf_swap_image(int fd, bool discard, bool *held, struct bf_fault *fault);

#endif
