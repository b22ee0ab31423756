// SPDX-License-Identifier: Apache-2.0
// A system that sleeps in its swap area. Resuming it over changed file systems would destroy them.
#ifndef BF_FINALIZE_SYSTEM_HIBERNATION_H
#define BF_FINALIZE_SYSTEM_HIBERNATION_H

#include <stdbool.h>

// Checks a swap area's first page (`fd` open for reading; for writing too if `discard`). 1: it held
// an image (now discarded, if asked), 0: it did not, -1 with errno. The signature is that of
// Linux's swsusp (kernel/power/swap.c): "S1SUSPEND" at the end of the first page, the swap's own
// kept before it.
int bf_swap_image(int fd, bool discard);

#endif
