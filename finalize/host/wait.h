// SPDX-License-Identifier: Apache-2.0
// Looking after the children of a run while it waits for them: one that hangs (linux/child_state.h)
// or is no longer wanted is not waited for.
#ifndef BF_FINALIZE_HOST_WAIT_H
#define BF_FINALIZE_HOST_WAIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "finalize/host/run.h"
#include "linux/child_state.h"

struct bf_run_watch {
    struct bf_child_watch child;
    const struct bf_run_stop *stop; // NULL: it cannot be stopped
    bool hung;
};

void bf_run_watch_begin(struct bf_run_watch *w, pid_t pid, const struct bf_run_stop *stop);
// To be called at least once a second. False: do not wait any longer. `watch` is the struct above.
bool bf_run_watch_goes_on(void *watch);
// Waits for the child's end, at most that long, and kills it when it does not come. True when it
// ended by itself with exit status 0. One that stays after SIGKILL is left behind.
bool bf_run_watch_reap(struct bf_run_watch *w, long long deadline);

#endif
