// SPDX-License-Identifier: Apache-2.0
// The end of the daemon. A thread of its own takes SIGTERM and SIGINT, so that they are heard
// whatever the main thread waits for, and makes sure that the process ends in time: after
// BF_WAIT_END_MS it is gone, in order or not. Nothing that was acknowledged depends on order, and
// the children end with the threads that started them.
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "replica/daemon/daemon.h"
#include "replica/state/waits.h"

static int asked = -1; // eventfd

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

__attribute__((noreturn)) static void leave(const char *why)
{
    bf_log(BF_LOG_ERROR, "%s; ending anyway; nothing that was acknowledged is lost", why);
    _exit(EXIT_FAILURE);
}

static void *wait_for_signal(void *unused)
{
    sigset_t set;
    int number;

    (void)unused;
    stop_signals(&set);
    while (sigwait(&set, &number) != 0)
        ;
    eventfd_write(asked, 1);
    poll(NULL, 0, BF_WAIT_END_MS);
    leave("the main thread does not end");
}

enum bf_err bf_stop_begin(struct bf_daemon *d)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t set;
    int failed;

    BF_ASSERT(asked < 0 && !d->conns);
    signal(SIGPIPE, SIG_IGN);
    stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL); // for all threads that come
    asked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    failed = asked < 0 || pthread_create(&thread, &attr, wait_for_signal, NULL) != 0;
    pthread_attr_destroy(&attr);
    d->stopping = asked;
    return failed ? BF_ERR_NO_MEMORY : BF_OK;
}

// ---- Connections -------------------------------------------------------------------------------

static struct bf_conn *one_that_lives(const struct bf_daemon *d)
{
    for (struct bf_conn *c = d->conns; c; c = c->next)
        if (!c->ended)
            return c;
    return NULL;
}

void bf_stop_connections(struct bf_daemon *d)
{
    struct bf_conn *c;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += BF_WAIT_STOP_MS / 1000;
    pthread_mutex_lock(&d->lock);
    for (c = d->conns; c; c = c->next)
        bf_conn_end(c, BF_VERDICT_STOPPING);
    while ((c = one_that_lives(d)) && pthread_cond_timedwait(&d->released, &d->lock, &until) == 0)
        ;
    if (c) {
        bf_log(BF_LOG_ERROR, "the connection of %s from %s does not end",
               c->peer.machine[0] ? c->peer.machine : "an unknown client", c->from);
        leave("threads hang");
    }
    pthread_mutex_unlock(&d->lock);
    bf_conn_reap(d);
    BF_ASSERT(!d->conns && !d->conn_count && !d->session_count && !d->lane_count);
}
