// SPDX-License-Identifier: Apache-2.0
// Stops the finalizer's VM of a job that is no longer wanted; see watch.h.
#include "replica/jobs/watch.h"

#include <time.h>
#include <unistd.h>

enum { LOOK_US = 200000 };

static bool is_wanted(struct bf_db *db, const struct bf_job_watch *w)
{
    struct bf_failover f;
    if (w->until && time(NULL) >= w->until)
        return false;
    return bf_db_failover_get(db, w->job, &f) != BF_OK || f.wish == BF_WISH_NONE;
}

static void *look(void *watch)
{
    struct bf_job_watch *w = watch;
    struct bf_fault ignored;
    struct bf_db *db;
    if (bf_state_open_db(w->state, &db, &ignored))
        return NULL;
    while (!atomic_load(&w->over) && is_wanted(db, w))
        usleep(LOOK_US);
    if (!atomic_load(&w->over))
        bf_run_request_stop(w->stop);
    bf_db_close(db);
    return NULL;
}

void bf_job_watch_begin(struct bf_job_watch *w)
{
    atomic_store(&w->over, false);
    w->begun = pthread_create(&w->thread, NULL, look, w) == 0;
}

void bf_job_watch_end(struct bf_job_watch *w)
{
    atomic_store(&w->over, true);
    if (w->begun)
        pthread_join(w->thread, NULL);
}
