// SPDX-License-Identifier: Apache-2.0
// See wait.h.
#include "replica/state/wait.h"

#include <signal.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/platform.h"

static _Thread_local int cancel_fd = -1;
static _Thread_local bool (*cancel_goes_on)(void *user);
static _Thread_local void *cancel_user;

void bf_wait_cancel_by(int fd)
{
    cancel_fd = fd;
}

void bf_wait_cancel_when_not(bool (*goes_on)(void *user), void *user)
{
    cancel_goes_on = goes_on;
    cancel_user = user;
}

int bf_wait_is_cancelled(void)
{
    struct pollfd p = {.fd = cancel_fd, .events = POLLIN};

    return (cancel_goes_on && !cancel_goes_on(cancel_user)) ||
           (cancel_fd >= 0 && poll(&p, 1, 0) > 0);
}

void bf_wait_begin(struct bf_wait *w, int pid, const char *name)
{
    bf_child_watch_begin(&w->child, pid, bf_platform_now_us());
    w->name = name;
    w->also_name = NULL;
    w->hung = NULL;
}

static void log_hang(const struct bf_wait *w, enum bf_child_verdict verdict)
{
    const char *how = verdict == BF_CHILD_HANGS ? "no sign of life" : "nothing was completed";
    int seconds = (verdict == BF_CHILD_HANGS ? BF_CHILD_SILENT_MS : BF_CHILD_STUCK_MS) / 1000;

    if (w->also_name)
        bf_log(BF_LOG_ERROR,
               "%s (process %d), or %s (process %d), which waits for it, hangs: %s for %d s; "
               "the latter was killed",
               w->also_name, w->child.also, w->name, w->child.pid, how, seconds);
    else
        bf_log(BF_LOG_ERROR, "%s (process %d) hangs: %s for %d s; it was killed", w->name,
               w->child.pid, how, seconds);
}

static enum bf_err judge(struct bf_wait *w)
{
    enum bf_child_verdict verdict = bf_child_look(&w->child, bf_platform_now_us());

    if (verdict == BF_CHILD_WORKS)
        return BF_OK;
    BF_ASSERT(w->child.pid > 0); // the others of kill(2) are groups, and everybody
    if (w->hung)
        *w->hung = 1;
    kill(w->child.pid, SIGKILL);
    log_hang(w, verdict);
    return BF_ERR_TIMEOUT;
}

enum bf_err bf_wait_for(struct bf_wait *w, struct pollfd *fds, nfds_t count)
{
    struct pollfd all[BF_WAIT_FDS_MAX + 1];

    BF_ASSERT(count <= BF_WAIT_FDS_MAX);
    memcpy(all, fds, count * sizeof *fds);
    all[count] = (struct pollfd){.fd = cancel_fd, .events = POLLIN};
    for (nfds_t i = 0; i <= count; i++)
        all[i].revents = 0;
    if (poll(all, count + 1, BF_CHILD_LOOK_MS) < 0)
        for (nfds_t i = 0; i <= count; i++) // interrupted
            all[i].revents = 0;
    memcpy(fds, all, count * sizeof *fds);
    return all[count].revents || bf_wait_is_cancelled() ? BF_ERR_CANCELLED : judge(w);
}
