// SPDX-License-Identifier: Apache-2.0
// See wait.h. A VM says nothing for as long as its work takes, so silence alone is no fault:
// the deadline of the run is the limit of that. But a QEMU of which no thread runs or waits for a
// disk brings nothing forward.
#include "finalize/host/wait.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "finalize/vm/frame.h"
#include "finalize/core/waits.h"

#define LOOK_MS 20

void bf_run_watch_begin(struct bf_run_watch *w, pid_t pid, const struct bf_run_stop *stop)
{
    *w = (struct bf_run_watch){.stop = stop};
    bf_child_watch_begin(&w->child, pid, (uint64_t)bf_now_ms() * 1000);
}

bool bf_run_watch_goes_on(void *watch)
{
    struct bf_run_watch *w = watch;
    if (w->stop && w->stop->asked)
        return false;
    w->hung |= bf_child_look(&w->child, (uint64_t)bf_now_ms() * 1000) == BF_CHILD_HANGS;
    return !w->hung;
}

enum end { STILL_THERE, GONE, GONE_IN_ORDER };

static enum end wait_end(struct bf_run_watch *w, long long deadline, bool look)
{
    int status;
    pid_t got;
    while ((got = waitpid(w->child.pid, &status, WNOHANG)) == 0) {
        if (bf_now_ms() >= deadline || (look && !bf_run_watch_goes_on(w)))
            return STILL_THERE;
        poll(NULL, 0, LOOK_MS);
    }
    bool in_order = got == w->child.pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return in_order ? GONE_IN_ORDER : GONE;
}

bool bf_run_watch_reap(struct bf_run_watch *w, long long deadline)
{
    enum end end = wait_end(w, deadline, true);
    if (end != STILL_THERE)
        return end == GONE_IN_ORDER;
    kill(w->child.pid, SIGKILL);
    wait_end(w, bf_now_ms() + BF_RUN_GONE_MS, false);
    return false;
}
