// SPDX-License-Identifier: Apache-2.0
// What the database did not take, see daemon_unwritten.h. A copy is written without the lock; the
// place keeps what it has until that has worked, so that the status never misses it.
#include "replica/daemon/unwritten.h"

#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/daemon/daemon.h"
#include "replica/state/waits.h"

// ---- Keeping -----------------------------------------------------------------------------------

// NULL: nothing is kept. With the lock.
static struct bf_unwritten *find(struct bf_daemon *d, const char *machine)
{
    for (uint32_t i = 0; i < BF_UNWRITTEN_MAX; i++)
        if (strcmp(d->unwritten[i].machine, machine) == 0)
            return &d->unwritten[i];
    return NULL;
}

// The machine's place, or a new one. Free places have order 0. With the lock.
static struct bf_unwritten *place_of(struct bf_daemon *d, const char *machine)
{
    struct bf_unwritten *u = find(d, machine);
    if (!u) {
        u = &d->unwritten[0];
        for (uint32_t i = 1; i < BF_UNWRITTEN_MAX; i++)
            if (d->unwritten[i].order < u->order)
                u = &d->unwritten[i];
        memset(u, 0, sizeof *u);
        bf_snprintf(u->machine, sizeof u->machine, "%s", machine);
    }
    u->order = ++d->unwritten_order;
    return u;
}

void bf_unwritten_event(struct bf_daemon *d, const struct bf_event_row *event)
{
    BF_ASSERT(event->time && event->machine[0]); // or the place would be a free one
    pthread_mutex_lock(&d->lock);
    struct bf_unwritten *u = place_of(d, event->machine);
    if (!u->event.time || event->level <= u->event.level)
        u->event = *event;
    pthread_mutex_unlock(&d->lock);
}

void bf_unwritten_job(struct bf_daemon *d, const struct bf_job *job)
{
    BF_ASSERT(job->id && job->machine[0]);
    pthread_mutex_lock(&d->lock);
    place_of(d, job->machine)->job = *job;
    pthread_mutex_unlock(&d->lock);
}

void bf_unwritten_forget_job(struct bf_daemon *d, const struct bf_job *job)
{
    pthread_mutex_lock(&d->lock);
    struct bf_unwritten *u = find(d, job->machine);
    if (u && u->job.id == job->id)
        memset(&u->job, 0, sizeof u->job);
    if (u && !u->job.id && !u->event.time)
        memset(u, 0, sizeof *u);
    pthread_mutex_unlock(&d->lock);
}

void bf_unwritten_fault(struct bf_daemon *d, const char *machine, const struct bf_fault *fault)
{
    pthread_mutex_lock(&d->lock);
    struct bf_unwritten *u = find(d, machine);
    if (u)
        u->fault = *fault;
    pthread_mutex_unlock(&d->lock);
}

// ---- Writing -----------------------------------------------------------------------------------

// The one that changed longest ago; 0: there is none that no other thread writes.
static int take(struct bf_daemon *d, struct bf_unwritten *copy)
{
    struct bf_unwritten *first = NULL;
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < BF_UNWRITTEN_MAX; i++) {
        struct bf_unwritten *u = &d->unwritten[i];
        if (u->machine[0] && !u->writing && (!first || u->order < first->order))
            first = u;
    }
    if (first) {
        first->writing = 1;
        *copy = *first;
    }
    pthread_mutex_unlock(&d->lock);
    return first != NULL;
}

// What was written is gone from the copy, so that it is not written twice.
static enum bf_err write_copy(struct bf_db *db, struct bf_unwritten *u)
{
    BF_ASSERT(!bf_db_is_in_transaction(db) && u->writing);
    enum bf_err err = u->event.time ? bf_db_event_add(db, &u->event) : BF_OK;
    if (err)
        return err;
    u->event.time = 0;
    if (u->job.id)
        err = bf_db_job_update(db, &u->job, time(NULL));
    return err == BF_ERR_NOT_FOUND ? BF_OK : err;
}

static void give_back(struct bf_daemon *d, const struct bf_unwritten *copy, enum bf_err err)
{
    pthread_mutex_lock(&d->lock);
    struct bf_unwritten *u = find(d, copy->machine);
    if (u && u->order == copy->order && !err) {
        memset(u, 0, sizeof *u);
    } else if (u) {
        u->writing = 0;
        if (u->order == copy->order)
            u->event.time = copy->event.time;
    }
    pthread_mutex_unlock(&d->lock);
}

void bf_unwritten_write(struct bf_daemon *d, struct bf_db *db)
{
    struct bf_unwritten copy;
    enum bf_err err = bf_db_is_in_transaction(db) ? BF_ERR_BUSY : BF_OK;
    while (!err && take(d, &copy)) {
        err = write_copy(db, &copy);
        give_back(d, &copy, err);
    }
}

int bf_unwritten_any(struct bf_daemon *d)
{
    int any = 0;
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < BF_UNWRITTEN_MAX; i++)
        any |= d->unwritten[i].machine[0];
    pthread_mutex_unlock(&d->lock);
    return any != 0;
}

void bf_unwritten_tick(struct bf_daemon *d)
{
    struct bf_db *db = bf_state_db(d->state);
    uint64_t now = bf_platform_now_us();
    if (now < d->unwritten_next_us || !bf_unwritten_any(d))
        return;
    d->unwritten_next_us = now + (uint64_t)BF_WAIT_UNWRITTEN_MS * 1000;
    bf_db_wait_until(db, now);
    bf_unwritten_write(d, db);
}

// ---- Telling -----------------------------------------------------------------------------------

static json_t *one_json(const struct bf_unwritten *u)
{
    json_t *json = json_pack("{s:s}", "machine", u->machine);
    if (u->event.time)
        json_object_set_new(json, "event",
                            json_pack("{s:I, s:i, s:s}", "time", (json_int_t)u->event.time, "level",
                                      u->event.level, "text", u->event.text));
    if (u->fault.code)
        json_object_set_new(json, "fault",
                            json_pack("{s:s, s:s, s:s, s:s}", "code", bf_err_name(u->fault.code),
                                      "side", bf_side_name(u->fault.side), "what", u->fault.what,
                                      "todo", u->fault.todo));
    if (u->job.id)
        json_object_set_new(json, "job",
                            json_pack("{s:I, s:i, s:I, s:s, s:s}", "id", (json_int_t)u->job.id,
                                      "phase", (int)u->job.phase, "since",
                                      (json_int_t)u->job.since[u->job.phase], "step", u->job.step,
                                      "detail", u->job.detail));
    return json;
}

json_t *bf_unwritten_json(const struct bf_daemon *d)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < BF_UNWRITTEN_MAX; i++)
        if (d->unwritten[i].machine[0])
            json_array_append_new(array, one_json(&d->unwritten[i]));
    return array;
}
