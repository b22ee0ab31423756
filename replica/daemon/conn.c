// SPDX-License-Identifier: Apache-2.0
// One connection, from the door to its end: admission, then the receiver, turn by turn, or the
// hand-over to the session's first connection. The thread waits in poll(2) for its sockets, the
// store and its own eventfd, and never longer than a second.
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/daemon/daemon.h"
#include "replica/state/wait.h"
#include "replica/state/waits.h"

enum { STACK_BYTES = 1 << 20, FAULT_FRAME_MAX = 1024 };

static uint64_t age_ms(const struct bf_conn *c)
{
    return (bf_platform_now_us() - c->accepted_us) / 1000;
}

// ---- Admission ---------------------------------------------------------------------------------

// Says no, and why, to a peer that the receiver will never see.
static void refuse(struct bf_conn *c, const struct bf_fault *fault)
{
    const struct bf_stream_ops *ops = c->stream.ops;
    uint8_t frame[FAULT_FRAME_MAX];
    BF_ASSERT(ops && fault->code);
    size_t len = bf_put_fault(frame, sizeof frame, fault), sent = 0, done;
    uint64_t until = bf_platform_now_us() + BF_WAIT_REFUSED_MS * 1000;
    while (ops->state(c->stream.impl) == BF_STREAM_OPEN && !c->verdict &&
           bf_platform_now_us() < until) {
        if (sent < len && ops->write(c->stream.impl, frame + sent, len - sent, &done) == BF_OK)
            sent += done;
        ops->poll(c->stream.impl);
        if (sent == len && ops->unsent(c->stream.impl) == 0)
            return;
        bf_conn_wait(c, BF_WAIT_TURN_MS / 10);
    }
}

static enum bf_err admit(struct bf_conn *c, struct bf_fault *fault)
{
    if (!c->peer.has_certificate)
        return BF_OK;
    enum bf_err err = bf_conn_admit(c->db, &c->peer, fault);
    if (err == BF_ERR_FENCED)
        bf_conn_note_fenced(c, fault);
    if (err)
        refuse(c, fault);
    return err;
}

// ---- The turns ---------------------------------------------------------------------------------

// A connection that takes its time, in spite of a limit. BF_AGAIN: it may go on.
static enum bf_err check_limits(const struct bf_conn *c, uint64_t *stopping_us,
                                struct bf_fault *fault)
{
    uint64_t now = bf_platform_now_us();
    if (!c->has_session && age_ms(c) >= (c->assesses ? BF_ASSESS_MS : BF_STRANGER_MS))
        return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SOURCE, "connect again",
                            c->assesses ? "the assessment did not end in time"
                                        : "no session was opened in time");
    if (c->verdict != BF_VERDICT_STOPPING)
        return BF_AGAIN;
    if (!*stopping_us)
        *stopping_us = now;
    if (now - *stopping_us < (uint64_t)BF_WAIT_STOPPING_MS * 1000)
        return BF_AGAIN;
    return bf_conn_allowed((void *)c, fault); // the peer does not take what it is told
}

// One turn: what the database is waited for in it leaves time for a sign of life.
static enum bf_err turn(struct bf_conn *c, struct bf_receiver *r, int *idle)
{
    uint64_t now = bf_platform_now_us();
    BF_ASSERT(!bf_db_is_in_transaction(c->db)); // none lasts longer than a turn
    bf_lanes_take(c);
    bf_db_wait_until(c->db, now + (uint64_t)BF_WAIT_TURN_MOST_MS * 1000);
    return bf_receiver_step(r, now, idle);
}

static enum bf_err serve(struct bf_conn *c, struct bf_fault *fault)
{
    struct bf_receiver_host host = bf_conn_host;
    struct bf_preface preface;
    uint64_t stopping_us = 0;
    enum bf_err err = BF_AGAIN;
    BF_ASSERT(c->stream.ops && c->db && !c->has_session);
    host.impl = c;
    struct bf_receiver *r =
        bf_receiver_new(c->stream, &host, c->peer.has_certificate, bf_platform_now_us());
    if (!r)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                            "no memory for a connection");
    while (err == BF_AGAIN && bf_bundle_kind(&c->stream, &preface) != BF_BUNDLE_FURTHER) {
        int idle;
        err = turn(c, r, &idle);
        if (err != BF_AGAIN && err != BF_OK)
            *fault = *bf_receiver_fault(r);
        else if (err == BF_AGAIN)
            err = check_limits(c, &stopping_us, fault);
        if (err == BF_AGAIN && idle)
            bf_conn_wait(c, BF_WAIT_TURN_MS);
    }
    bf_receiver_free(r);
    if (err == BF_AGAIN) {
        err = bf_lanes_hand_over(c, fault);
        if (err)
            refuse(c, fault);
    }
    return err;
}

// What concerns a session was said by its events.
static void log_end(const struct bf_conn *c, enum bf_err err, const struct bf_fault *fault)
{
    const char *who = c->peer.has_certificate ? c->peer.machine : "an unknown client";
    if (err && !c->has_session && (c->peer.has_certificate || bf_conn_may_log(c->daemon)))
        bf_log(BF_LOG_WARNING, "%s from %s: %s [%s, %s]; %s", who, c->from, fault->what,
               bf_err_name(err), bf_side_name(fault->side), fault->todo);
}

static void end(struct bf_conn *c)
{
    struct bf_daemon *d = c->daemon;
    uint64_t one = 1;
    BF_ASSERT(!c->ended && !c->store && !c->holds_machine);
    bf_lanes_end(c);
    if (c->stream.ops)
        c->stream.ops->close(c->stream.impl);
    bf_db_close(c->db);
    pthread_mutex_lock(&d->lock);
    c->ended = 1;
    pthread_cond_broadcast(&d->released);
    pthread_mutex_unlock(&d->lock);
    if (write(d->wake, &one, sizeof one) < 0)
        bf_log(BF_LOG_DEBUG, "the main thread is busy");
}

static void *conn_main(void *arg)
{
    struct bf_conn *c = arg;
    struct bf_fault fault = {0};
    bf_wait_cancel_by(c->daemon->stopping);
    enum bf_err err = bf_state_open_db(c->daemon->state, &c->db, &fault);
    if (!err)
        bf_db_for_session(c->db);
    if (!err)
        err = admit(c, &fault);
    if (!err)
        err = serve(c, &fault);
    BF_ASSERT(err != BF_AGAIN && (!err || fault.code));
    bf_conn_release(c, err, &fault);
    log_end(c, err, &fault);
    end(c);
    return NULL;
}

// ---- For the main thread -----------------------------------------------------------------------

// Who of the enrolling gives way, when there are enough of them. With the lock held.
static void make_room(struct bf_daemon *d)
{
    struct bf_claim claim[BF_CONNECTIONS_MAX];
    struct bf_conn *who[BF_CONNECTIONS_MAX];
    uint32_t count = 0;
    for (struct bf_conn *c = d->conns; c && count < BF_CONNECTIONS_MAX; c = c->next) {
        if (c->peer.has_certificate || c->ended || c->verdict)
            continue;
        claim[count] = (struct bf_claim){.address = c->address,
                                         .rank = c->keeps_place ? BF_CLAIM_KEEPS : 0,
                                         .since_us = c->accepted_us};
        who[count++] = c;
    }
    int victim = count >= BF_ENROLLING_MAX ? bf_claim_victim(claim, count, d->seed) : -1;
    if (victim >= 0)
        bf_conn_end(who[victim], BF_VERDICT_CROWDED);
}

// A machine that opens connections and no session, or somebody who has its medium, displaces
// itself. With the lock held.
static void make_room_of_its_own(struct bf_daemon *d, const char *machine)
{
    struct bf_conn *oldest = NULL; // conns has the newest first
    uint32_t count = 0;
    for (struct bf_conn *c = d->conns; c; c = c->next) {
        if (!c->peer.has_certificate || c->has_session || c->ended || c->verdict ||
            strcmp(c->peer.machine, machine) != 0)
            continue;
        oldest = c;
        count++;
    }
    BF_ASSERT((count == 0) == (oldest == NULL));
    if (count >= BF_OPENING_MAX)
        bf_conn_end(oldest, BF_VERDICT_CROWDED);
}

static void free_conn(struct bf_conn *c)
{
    BF_ASSERT(!c->store && !c->holds_machine && !c->lane_count && !c->joining_count);
    if (c->wake >= 0)
        close(c->wake);
    free(c->inventory);
    free(c);
}

static enum bf_err start_thread(struct bf_conn *c)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    int failed = pthread_create(&c->thread, &attr, conn_main, c);
    pthread_attr_destroy(&attr);
    return failed ? BF_ERR_NO_MEMORY : BF_OK;
}

// With the lock held. Connections that have their verdict are about to go, but still have threads,
// so the enrolling are counted with them: a flood of them is turned away at the door.
static int has_place(struct bf_daemon *d, const struct bf_tls_peer *peer)
{
    uint32_t enrolling = 0;
    for (struct bf_conn *c = d->conns; c; c = c->next)
        enrolling += !c->peer.has_certificate;
    BF_ASSERT(enrolling <= d->conn_count);
    return d->conn_count + d->lane_count < BF_CONNECTIONS_MAX &&
           (peer->has_certificate || enrolling < 2 * BF_ENROLLING_MAX);
}

static struct bf_conn *new_conn(struct bf_daemon *d, struct bf_arrival *a)
{
    struct bf_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->daemon = d;
    c->accepted_us = a->accepted_us;
    c->address = a->address;
    c->peer = a->peer;
    c->keeps_place = a->peer.has_certificate;
    bf_snprintf(c->from, sizeof c->from, "%s", a->from);
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (a->peer.has_certificate)
        bf_tls_server_trust(&a->stream);
    if (c->wake < 0 || bf_bundle_accept(a->stream, &c->stream)) {
        free_conn(c);
        return NULL;
    }
    return c;
}

static enum bf_err admit_conn(struct bf_daemon *d, struct bf_conn *c)
{
    enum bf_err err = BF_ERR_LIMIT;
    pthread_mutex_lock(&d->lock);
    if (has_place(d, &c->peer)) {
        if (c->peer.has_certificate)
            make_room_of_its_own(d, c->peer.machine);
        else
            make_room(d);
        err = start_thread(c);
    }
    if (!err) {
        c->next = d->conns;
        d->conns = c;
        d->conn_count++;
    }
    BF_ASSERT(d->conn_count + d->lane_count <= BF_CONNECTIONS_MAX);
    pthread_mutex_unlock(&d->lock);
    return err;
}

enum bf_err bf_conn_start(struct bf_daemon *d, struct bf_arrival *a)
{
    struct bf_conn *c = new_conn(d, a);
    enum bf_err err = c ? admit_conn(d, c) : BF_ERR_NO_MEMORY;
    if (!c)
        a->stream.ops->close(a->stream.impl);
    else if (err) {
        c->stream.ops->close(c->stream.impl);
        free_conn(c);
    }
    free(a);
    return err;
}

void bf_conn_reap(struct bf_daemon *d)
{
    struct bf_conn *through = NULL;
    pthread_mutex_lock(&d->lock);
    for (struct bf_conn **at = &d->conns; *at;) {
        struct bf_conn *c = *at;
        if (!c->ended) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = through;
        through = c;
        BF_ASSERT(d->conn_count > 0);
        d->conn_count--;
    }
    BF_ASSERT((d->conn_count == 0) == (d->conns == NULL));
    pthread_mutex_unlock(&d->lock);
    while (through) {
        struct bf_conn *c = through;
        through = c->next;
        pthread_join(c->thread, NULL);
        free_conn(c);
    }
}

// Only this thread adds and removes connections. The others wait for the lock, so it is not held
// while the database is read.
void bf_conn_check(struct bf_daemon *d)
{
    struct bf_fault fault;
    struct bf_tls_peer peer;
    bf_db_wait_until(bf_state_db(d->state),
                     bf_platform_now_us() + (uint64_t)BF_WAIT_DB_LOOK_MS * 1000);
    for (struct bf_conn *c = d->conns; c; c = c->next) {
        pthread_mutex_lock(&d->lock);
        int concerned = c->has_session && !c->ended && !c->verdict;
        if (concerned)
            peer = c->peer;
        pthread_mutex_unlock(&d->lock);
        enum bf_err err = concerned ? bf_conn_admit(bf_state_db(d->state), &peer, &fault) : BF_OK;
        if (err != BF_ERR_AUTH && err != BF_ERR_FENCED)
            continue;
        pthread_mutex_lock(&d->lock);
        bf_conn_end(c, err == BF_ERR_AUTH ? BF_VERDICT_REVOKED : BF_VERDICT_FENCED);
        pthread_mutex_unlock(&d->lock);
    }
}
