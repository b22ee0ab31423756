// SPDX-License-Identifier: Apache-2.0
// A session, as the receiver asks for it: the newest connection of a machine takes it over, its row
// in the database says whether it goes on, and the store says where. The row outlives connections
// and the daemon, so that a session continues after either was cut.
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/daemon/daemon.h"
#include "replica/daemon/inventory.h"
#include "replica/points/grew.h"
#include "replica/state/waits.h"

// The job as it is now; kept for later if the database does not take it.
static void update_job(struct bf_conn *c)
{
    enum bf_err err = bf_db_job_update(c->db, &c->job, time(NULL));
    if (!err)
        bf_unwritten_forget_job(c->daemon, &c->job);
    else if (err != BF_ERR_NOT_FOUND)
        bf_unwritten_job(c->daemon, &c->job);
}

// ---- Taking the machine ------------------------------------------------------------------------

static struct bf_conn *holder_of(struct bf_daemon *d, const struct bf_conn *other_than)
{
    for (struct bf_conn *c = d->conns; c; c = c->next)
        if (c != other_than && c->holds_machine &&
            strcmp(c->peer.machine, other_than->peer.machine) == 0)
            return c;
    return NULL;
}

// Ends an older connection of the machine. BF_AGAIN until it has let go, which is not waited for in
// here: the source wants signs of life. With the lock held.
static enum bf_err wait_for_machine(struct bf_conn *c, struct bf_fault *fault)
{
    struct bf_conn *older = holder_of(c->daemon, c);
    uint64_t now = bf_platform_now_us();
    BF_ASSERT(!c->holds_machine && c->peer.has_certificate);
    if (!older)
        return BF_OK;
    bf_conn_end(older, BF_VERDICT_SUPERSEDED);
    if (!c->waits_for_machine)
        c->take_over_us = now;
    c->waits_for_machine = 1;
    if (!c->verdict && now - c->take_over_us < (uint64_t)BF_TAKE_OVER_MS * 1000)
        return BF_AGAIN;
    return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_SERVER, "wait, and connect again",
                        "an older connection of %s has not ended yet", c->peer.machine);
}

// With the lock held.
static enum bf_err take_over(struct bf_conn *c, struct bf_fault *fault)
{
    struct bf_daemon *d = c->daemon;
    enum bf_err err = wait_for_machine(c, fault);
    if (err)
        return err;
    c->waits_for_machine = 0;
    if (d->session_count >= d->sessions_max)
        return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_SERVER,
                            "wait, or start bootferryd with more --sessions",
                            "the server already has %u session%s, its limit", d->sessions_max,
                            bf_plural(d->sessions_max));
    BF_ASSERT(!holder_of(d, c) && d->session_count < d->conn_count);
    c->holds_machine = c->has_session = 1;
    d->session_count++;
    bf_live_begin(&c->live, c->peer.machine, c->from, c->peer.kex);
    return BF_OK;
}

// ---- The session -------------------------------------------------------------------------------

static enum bf_err begin_job(struct bf_conn *c)
{
    c->job = (struct bf_job){.phase = BF_JOB_PENDING, .kind = "replication"};
    bf_snprintf(c->job.machine, sizeof c->job.machine, "%s", c->peer.machine);
    enum bf_err err = bf_db_job_add(c->db, &c->job);
    c->row.job = c->job.id;
    return err;
}

// An earlier session of the machine that never came to a point is over once another one begins.
static void end_older_jobs(struct bf_conn *c)
{
    struct bf_job *list = NULL;
    size_t count = 0;
    if (bf_db_job_list(c->db, c->peer.machine, 8, &list, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        if (list[i].phase >= BF_JOB_SUCCEEDED || list[i].id == c->job.id ||
            strcmp(list[i].kind, "replication") != 0)
            continue;
        list[i].phase = BF_JOB_FAILED;
        bf_snprintf(list[i].detail, sizeof list[i].detail,
                    "the machine was started again before its point was complete");
        bf_db_job_update(c->db, &list[i], time(NULL));
    }
    free(list);
}

// The session that the source asks for, if it is one of this machine and of this boot.
static int resume_row(struct bf_conn *c, const struct bf_hello *hello)
{
    static const uint8_t none[16];
    if (memcmp(hello->session, none, sizeof none) == 0 ||
        bf_db_session_get(c->db, hello->session, &c->row) ||
        strcmp(c->row.machine, c->peer.machine) != 0 ||
        memcmp(c->row.boot, hello->boot, sizeof c->row.boot) != 0)
        return 0;
    return bf_db_job_get(c->db, c->row.job, &c->job) == BF_OK;
}

static enum bf_err begin_row(struct bf_conn *c, const struct bf_hello *hello, uint8_t *resumed,
                             struct bf_fault *fault)
{
    BF_ASSERT(c->holds_machine && !c->store && !c->job.id);
    bf_unwritten_write(c->daemon, c->db);
    *resumed = (uint8_t)resume_row(c, hello);
    if (*resumed)
        return BF_OK;
    memset(&c->row, 0, sizeof c->row);
    if (bf_platform_entropy(c->row.id, sizeof c->row.id))
        return bf_fault_set(fault, BF_ERR_NO_ENTROPY, BF_SIDE_SERVER, "try again",
                            "the server has no random numbers");
    memcpy(c->row.boot, hello->boot, sizeof c->row.boot);
    bf_snprintf(c->row.machine, sizeof c->row.machine, "%s", c->peer.machine);
    c->row.started = time(NULL);
    if (bf_db_unreadable_tidy(c->db, c->peer.machine) || bf_db_found_tidy(c->db, c->peer.machine) ||
        begin_job(c) || bf_db_session_put(c->db, &c->row))
        return bf_conn_db_fault(c, fault);
    end_older_jobs(c);
    return BF_OK;
}

static enum bf_err begin_store(struct bf_conn *c, const struct bf_hello *hello,
                               struct bf_session_config *config, struct bf_receiver_session *out,
                               struct bf_fault *fault)
{
    bf_snprintf(config->machine, sizeof config->machine, "%s", c->peer.machine);
    memcpy(config->session, c->row.id, sizeof config->session);
    memcpy(config->boot, hello->boot, sizeof config->boot);
    enum bf_err err = bf_session_store_begin(c->daemon->state, config, &c->store, fault);
    if (!err)
        out->opened.store = bf_session_store_ops(c->store);
    return err;
}

static void plan_from_store(const struct bf_conn *c, struct bf_receiver_session *out)
{
    for (uint16_t i = 0; i < out->opened.disks; i++) {
        struct bf_planned_disk *p = &out->opened.plan[i];
        p->resume_chunk = bf_session_store_resume(c->store, p->disk);
        BF_ASSERT(p->resume_chunk <= bf_geometry_chunks(&p->geometry));
        p->done = (uint8_t)bf_session_store_done(c->store, p->disk);
        p->has_base = (uint8_t)bf_session_store_has_base(c->store, p->disk);
    }
}

// Says in job, status and events that the session has begun.
static void announce(struct bf_conn *c, const struct bf_receiver_session *out,
                     const struct bf_hello *hello)
{
    c->job.phase = BF_JOB_RUNNING;
    c->job.bytes_total = 0;
    BF_ASSERT(c->live.disks == 0 && out->opened.disks > 0); // a connection has one session
    pthread_mutex_lock(&c->daemon->lock);
    memcpy(c->live.session, c->row.id, sizeof c->live.session);
    for (uint16_t i = 0; i < out->opened.disks; i++) {
        const struct bf_planned_disk *p = &out->opened.plan[i];
        c->job.bytes_total += p->geometry.disk_bytes;
        bf_live_disk(&c->live, p->disk, p->geometry.disk_bytes, p->geometry.chunk_size,
                     p->resume_chunk);
    }
    pthread_mutex_unlock(&c->daemon->lock);
    c->resumed_chunks = bf_conn_durable_chunks(c);
    update_job(c);
    bf_conn_event(c, BF_LOG_INFO, "%s from %s by %s, %u disk%s, key exchange %s",
                  out->welcome.resumed ? "session continues" : "session begins", c->from,
                  hello->program, out->opened.disks, bf_plural(out->opened.disks), c->peer.kex);
}

// Up to the store, which is opened by a thread of its own: that may take a while.
static enum bf_err begin_session(struct bf_conn *c, const struct bf_hello *hello,
                                 const struct bf_inventory *inventory,
                                 struct bf_receiver_session *out, struct bf_fault *fault)
{
    struct bf_session_config config = {0};
    enum bf_err err = bf_conn_admit(c->db, &c->peer, fault);
    if (err == BF_ERR_FENCED)
        bf_conn_note_fenced(c, fault);
    if (err)
        return err;
    pthread_mutex_lock(&c->daemon->lock);
    err = take_over(c, fault);
    pthread_mutex_unlock(&c->daemon->lock);
    if (err)
        return err;
    bf_inventory_record(c, inventory);
    err = begin_row(c, hello, &out->welcome.resumed, fault);
    if (!err)
        err = bf_conn_plan_disks(c, inventory, &config, out, fault);
    if (!err)
        err = begin_store(c, hello, &config, out, fault);
    return err;
}

static enum bf_err host_session(void *impl, const struct bf_hello *hello,
                                const struct bf_inventory *inventory,
                                struct bf_receiver_session *out, struct bf_fault *fault)
{
    struct bf_conn *c = impl;
    enum bf_err err = c->store ? BF_OK : begin_session(c, hello, inventory, out, fault);
    if (!err)
        err = bf_session_store_opened(c->store, fault);
    if (err)
        return err;
    BF_ASSERT(c->store && c->holds_machine && c->job.id);
    plan_from_store(c, out);
    memcpy(out->welcome.session, c->row.id, sizeof out->welcome.session);
    out->welcome.clock = time(NULL);
    bf_snprintf(out->welcome.name, sizeof out->welcome.name, "%s", c->peer.machine);
    bf_snprintf(out->welcome.program, sizeof out->welcome.program, "bootferryd " BF_VERSION);
    announce(c, out, hello);
    return BF_OK;
}

static void host_progress(void *impl, uint16_t disk, uint64_t next_chunk, uint64_t raw_bytes,
                          uint64_t wire_bytes)
{
    struct bf_conn *c = impl;
    pthread_mutex_lock(&c->daemon->lock);
    bf_live_progress(&c->live, disk, next_chunk, raw_bytes, wire_bytes, bf_platform_now_us());
    pthread_mutex_unlock(&c->daemon->lock);
}

static void warn_of_unreadable(struct bf_conn *c, const struct bf_point *point)
{
    struct bf_unreadable_row *row = NULL;
    size_t rows = 0;
    uint64_t bytes = 0;
    if (bf_db_unreadable_list(c->db, point->session, &row, &rows))
        return;
    for (size_t i = 0; i < rows; i++)
        bytes += row[i].bytes;
    if (rows)
        bf_conn_event(c, BF_LOG_WARNING,
                      "%llu bytes of the source could not be read and are zero in %s@%u",
                      (unsigned long long)bytes, c->peer.machine, point->number);
    free(row);
}

// The new point is whole; earlier ones that share the damaged place are not.
static void warn_of_damage(struct bf_conn *c)
{
    uint64_t damaged = c->store ? bf_session_store_damaged(c->store) : 0;
    if (damaged)
        bf_conn_event(c, BF_LOG_WARNING,
                      "the store had changed by itself: %llu chunk%s of earlier points no longer "
                      "read as they were written, and were sent again by the source; check "
                      "this server's disk, and the earlier points with bootferry verify %s@POINT",
                      (unsigned long long)damaged, bf_plural(damaged), c->peer.machine);
}

// The point that this session made, once it is sealed.
static void note_point(struct bf_conn *c)
{
    struct bf_point *point = calloc(1, sizeof *point);
    char why[256];
    BF_ASSERT(c->holds_machine && c->store && !bf_db_is_in_transaction(c->db));
    if (point &&
        bf_db_point_of_session(c->db, c->peer.machine, c->row.id, c->row.boot, point) == BF_OK) {
        c->row.point = c->job.point = point->number;
        c->job.phase = BF_JOB_SUCCEEDED;
        bf_snprintf(c->job.detail, sizeof c->job.detail, "made %s@%u", c->peer.machine,
                    point->number);
        c->row.ended = time(NULL);
        bf_db_session_put(c->db, &c->row);
        bf_inventory_keep(c, point->number);
        bf_conn_disks_settled(c);
        bf_conn_forget_hangs(c);
        bf_conn_event(c, BF_LOG_INFO, "recovery point %s@%u is sealed", c->peer.machine,
                      point->number);
        warn_of_unreadable(c, point);
        warn_of_damage(c);
        if (bf_point_grew(c->db, point, why, sizeof why))
            bf_conn_event(c, BF_LOG_INFO, "why the point grew: %s", why);
    }
    free(point);
}

static void host_phase(void *impl, const char *phase)
{
    struct bf_conn *c = impl;
    BF_ASSERT(c->has_session && c->job.id);
    if (strcmp(phase, "sealed") == 0)
        note_point(c);
    pthread_mutex_lock(&c->daemon->lock);
    bf_live_phase(&c->live, phase);
    c->live.point = c->row.point;
    pthread_mutex_unlock(&c->daemon->lock);
    bf_snprintf(c->job.step, sizeof c->job.step, "%s", phase);
    update_job(c);
}

static enum bf_err host_unreadable(void *impl, const struct bf_unreadable *what,
                                   struct bf_fault *fault)
{
    struct bf_conn *c = impl;
    const struct bf_unreadable_row row = {what->disk, what->offset, what->bytes};
    BF_ASSERT(c->store && c->job.id);
    if (c->unreadable_rows >= BF_UNREADABLE_MAX)
        return bf_fault_set(
            fault, BF_ERR_LIMIT, BF_SIDE_SOURCE, "replace the disk, or leave it out with disk=",
            "disk %u has more than %d ranges that cannot be read", what->disk, BF_UNREADABLE_MAX);
    if (bf_db_unreadable_add(c->db, c->row.id, &row, &c->unreadable_rows))
        return bf_conn_db_fault(c, fault);
    return BF_OK;
}

static enum bf_err host_rereading(void *impl, uint16_t disk, uint64_t offset,
                                  struct bf_fault *fault)
{
    struct bf_conn *c = impl;
    if (bf_db_unreadable_forget(c->db, c->row.id, disk, offset) ||
        bf_db_unreadable_count(c->db, c->row.id, &c->unreadable_rows))
        return bf_conn_db_fault(c, fault);
    return BF_OK;
}

static void host_event(void *impl, int level, const char *text)
{
    int known = level >= BF_LOG_ERROR && level <= BF_LOG_DEBUG ? level : BF_LOG_INFO;
    BF_ASSERT(((const struct bf_conn *)impl)->peer.has_certificate); // the log is its machine's
    bf_conn_event(impl, known, "source: %s", text);
}

// ---- The end -----------------------------------------------------------------------------------

// Whether the source comes back by itself, as far as this side can tell.
static int comes_back(struct bf_conn *c, enum bf_err outcome)
{
    if (bf_err_is_transient(outcome))
        return 1;
    return outcome == BF_ERR_IO && c->store && bf_session_store_has_hung(c->store) &&
           bf_conn_note_hang(c) <= BF_HANGS_MAX;
}

// A cut connection or a stopped server leaves the job running: the session continues later. So does
// a storage daemon that hung.
static void close_job(struct bf_conn *c, int waits, enum bf_err outcome,
                      const struct bf_fault *fault)
{
    c->job.bytes_done = c->live.raw;
    c->job.bytes_wire += c->live.wire;
    if (c->job.phase < BF_JOB_SUCCEEDED && outcome) {
        const char *word = waits                            ? "interrupted"
                           : c->job.phase == BF_JOB_PENDING ? "refused"
                                                            : "failed";
        bf_snprintf(c->job.step, sizeof c->job.step, "%s", waits ? "waiting" : word);
        bf_snprintf(c->job.detail, sizeof c->job.detail, "%s", fault->what);
        if (!waits)
            c->job.phase = BF_JOB_FAILED;
        bf_conn_event(c, waits ? BF_LOG_WARNING : BF_LOG_ERROR, "%s: %s; %s", word, fault->what,
                      fault->todo);
    }
    update_job(c);
}

// Those who want the machine look again.
static void wake_waiting(const struct bf_daemon *d)
{
    for (struct bf_conn *c = d->conns; c; c = c->next)
        if (c->waits_for_machine)
            eventfd_write(c->wake, 1);
}

void bf_conn_release(struct bf_conn *c, enum bf_err outcome, const struct bf_fault *fault)
{
    struct bf_daemon *d = c->daemon;
    int waits = comes_back(c, outcome);
    bf_session_store_close(c->store);
    c->store = NULL;
    if (c->has_session)
        malloc_trim(0);
    if (c->db)
        bf_db_wait_until(c->db, bf_platform_now_us() + (uint64_t)BF_WAIT_DB_LOOK_MS * 1000);
    if (c->db && c->job.id)
        close_job(c, waits, outcome, fault);
    else if (c->db && c->has_session && outcome)
        bf_conn_event(c, BF_LOG_ERROR, "refused: %s; %s", fault->what, fault->todo);
    if (c->has_session && outcome)
        bf_unwritten_fault(d, c->peer.machine, fault);
    pthread_mutex_lock(&d->lock);
    BF_ASSERT(!c->holds_machine || (c->has_session && d->session_count > 0));
    if (c->holds_machine)
        d->session_count--;
    c->holds_machine = 0;
    wake_waiting(d);
    pthread_cond_broadcast(&d->released);
    pthread_mutex_unlock(&d->lock);
}

const struct bf_receiver_host bf_conn_host = {
    .session = host_session,
    .enrol = bf_conn_enrol,
    .assess_begin = bf_conn_assess_begin,
    .assess = bf_conn_assess,
    .allowed = bf_conn_allowed,
    .unreadable = host_unreadable,
    .rereading = host_rereading,
    .unseen = bf_conn_unseen,
    .boot_entry = bf_conn_boot_entry,
    .place = bf_conn_place,
    .progress = host_progress,
    .phase = host_phase,
    .event = host_event,
};
