// SPDX-License-Identifier: Apache-2.0
// One connection, from the accepted socket to its end: handshake with a deadline, admission, then
// the receiver, turn by turn, or the hand-over to the session's first connection. The thread waits
// in poll(2) for its sockets, the store and its own eventfd, and never longer than a second.
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/daemon.h"

enum {
    TURN_MS = 1000,
    FAREWELL_MS = 2000,
    STACK_BYTES = 1 << 20,
    FAULT_FRAME_MAX = 1024,
    STRANGER_LINES = 20
};

static uint64_t age_ms(const struct bf_conn *c)
{
    return (bf_platform_now_us() - c->accepted_us) / 1000;
}

// The sockets of all its lanes. While the reader is held up by something else, nobody waits for
// them to be readable.
static nfds_t add_sockets(const struct bf_conn *c, struct pollfd *fds)
{
    nfds_t count = 0;
    for (uint32_t i = 0; i < BF_LANES_MAX; i++) {
        const struct bf_stream *lane = bf_bundle_lane(&c->stream, i);
        short events = lane ? bf_tls_server_events(lane) : 0;
        if (!bf_bundle_starved(&c->stream))
            events &= ~POLLIN;
        if (events)
            fds[count++] = (struct pollfd){.fd = bf_tls_server_fd(lane), .events = events};
    }
    return count;
}

void bf_conn_wait(struct bf_conn *c, int timeout_ms)
{
    struct pollfd fds[2 + BF_LANES_MAX] = {{.fd = c->wake, .events = POLLIN}};
    nfds_t count = 1 + add_sockets(c, fds + 1);
    uint64_t ignored;
    if (c->store)
        fds[count++] = (struct pollfd){.fd = bf_session_store_fd(c->store), .events = POLLIN};
    poll(fds, count, timeout_ms);
    if (fds[0].revents && read(c->wake, &ignored, sizeof ignored) < 0)
        return;
}

// ---- Admission ---------------------------------------------------------------------------------

static enum bf_err handshake(struct bf_conn *c, struct bf_fault *fault)
{
    const struct bf_stream_ops *ops = c->stream.ops;
    for (;;) {
        ops->poll(c->stream.impl);
        enum bf_stream_state state = ops->state(c->stream.impl);
        if (state == BF_STREAM_OPEN)
            return BF_OK;
        if (state != BF_STREAM_OPENING) {
            *fault = *ops->fault(c->stream.impl);
            return fault->code ? fault->code : BF_ERR_CLOSED;
        }
        if (c->verdict || age_ms(c) >= BF_HANDSHAKE_MS)
            return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_NETWORK, "connect again",
                                "the handshake was not completed in time");
        bf_conn_wait(c, TURN_MS);
    }
}

// Says no, and why, to a peer that the receiver will never see.
static void refuse(struct bf_conn *c, const struct bf_fault *fault)
{
    const struct bf_stream_ops *ops = c->stream.ops;
    uint8_t frame[FAULT_FRAME_MAX];
    size_t len = bf_put_fault(frame, sizeof frame, fault), sent = 0, done;
    uint64_t until = bf_platform_now_us() + FAREWELL_MS * 1000;
    while (ops->state(c->stream.impl) == BF_STREAM_OPEN && bf_platform_now_us() < until) {
        if (sent < len && ops->write(c->stream.impl, frame + sent, len - sent, &done) == BF_OK)
            sent += done;
        ops->poll(c->stream.impl);
        if (sent == len && ops->unsent(c->stream.impl) == 0)
            return;
        bf_conn_wait(c, TURN_MS / 10);
    }
}

static enum bf_err admit(struct bf_conn *c, struct bf_fault *fault)
{
    enum bf_err err = handshake(c, fault);
    if (err)
        return err;
    if (bf_tls_server_peer(bf_bundle_lane(&c->stream, 0), &c->peer))
        return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_SOURCE, "boot from a medium of this server",
                            "the client's certificate has no role");
    if (!c->peer.has_certificate)
        return BF_OK;
    err = bf_conn_admit(c->db, &c->peer, fault);
    if (err)
        refuse(c, fault);
    return err;
}

// ---- The turns ---------------------------------------------------------------------------------

static enum bf_err serve(struct bf_conn *c, struct bf_fault *fault)
{
    struct bf_receiver_host host = bf_conn_host;
    struct bf_preface preface;
    enum bf_err err = BF_AGAIN;
    host.impl = c;
    struct bf_receiver *r =
        bf_receiver_new(c->stream, &host, c->peer.has_certificate, bf_platform_now_us());
    if (!r)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                            "no memory for a connection");
    while (err == BF_AGAIN && bf_bundle_kind(&c->stream, &preface) != BF_BUNDLE_FURTHER) {
        int idle;
        bf_lanes_take(c);
        err = bf_receiver_step(r, bf_platform_now_us(), &idle);
        if (err == BF_AGAIN && !c->has_session && age_ms(c) >= BF_STRANGER_MS)
            err = bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SOURCE, "connect again",
                               "no session was opened in time");
        else if (err == BF_AGAIN && idle)
            bf_conn_wait(c, TURN_MS);
        else if (err != BF_AGAIN && err != BF_OK)
            *fault = *bf_receiver_fault(r);
    }
    bf_receiver_free(r);
    if (err == BF_AGAIN) {
        err = bf_lanes_hand_over(c, fault);
        if (err)
            refuse(c, fault);
    }
    return err;
}

int bf_conn_may_log(struct bf_daemon *d)
{
    uint64_t now = bf_platform_now_us();
    int may;
    pthread_mutex_lock(&d->lock);
    if (now - d->minute_us >= 60000000) {
        if (d->minute_lines > STRANGER_LINES)
            bf_log(BF_LOG_WARNING, "%u more lines about strangers were left out",
                   d->minute_lines - STRANGER_LINES);
        d->minute_us = now;
        d->minute_lines = 0;
    }
    may = ++d->minute_lines <= STRANGER_LINES;
    pthread_mutex_unlock(&d->lock);
    return may;
}

// What concerns a session was said by its events.
static void log_end(const struct bf_conn *c, enum bf_err err, const struct bf_fault *fault)
{
    const char *who = c->peer.has_certificate ? c->peer.machine : "a stranger";
    if (err && !c->has_session && (c->peer.has_certificate || bf_conn_may_log(c->daemon)))
        bf_log(BF_LOG_WARNING, "%s from %s: %s [%s, %s]; %s", who, c->from, fault->what,
               bf_err_name(err), bf_side_name(fault->side), fault->todo);
}

static void end(struct bf_conn *c)
{
    struct bf_daemon *d = c->daemon;
    uint64_t one = 1;
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
    enum bf_err err = bf_state_open_db(c->daemon->state, &c->db, &fault);
    if (!err)
        err = admit(c, &fault);
    if (!err)
        err = serve(c, &fault);
    bf_conn_release(c, err, &fault);
    log_end(c, err, &fault);
    end(c);
    return NULL;
}

// ---- For the main thread -----------------------------------------------------------------------

void bf_conn_end(struct bf_conn *c, enum bf_verdict verdict)
{
    int none = BF_VERDICT_NONE;
    uint64_t one = 1;
    if (atomic_compare_exchange_strong(&c->verdict, &none, verdict) &&
        write(c->wake, &one, sizeof one) < 0)
        bf_log(BF_LOG_DEBUG, "%s: is awake", c->from);
}

// The oldest connection that has not said who it is makes room for a new one: somebody who opens
// connections and says nothing keeps nobody out.
static void make_room(struct bf_daemon *d)
{
    struct bf_conn *oldest = NULL;
    if (d->stranger_count < BF_STRANGERS_MAX)
        return;
    for (struct bf_conn *c = d->conns; c; c = c->next)
        if (!c->has_session && !c->ended && !c->verdict)
            oldest = c;
    if (oldest)
        bf_conn_end(oldest, BF_VERDICT_CROWDED);
}

static void free_conn(struct bf_conn *c)
{
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

static int has_place(struct bf_daemon *d)
{
    pthread_mutex_lock(&d->lock);
    int has = d->conn_count + d->lane_count < BF_CONNECTIONS_MAX;
    pthread_mutex_unlock(&d->lock);
    return has;
}

enum bf_err bf_conn_start(struct bf_daemon *d, int fd, const char *from)
{
    struct bf_conn *c = has_place(d) ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        close(fd);
        return BF_ERR_LIMIT;
    }
    struct bf_stream tls;
    c->daemon = d;
    c->accepted_us = bf_platform_now_us();
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bf_snprintf(c->from, sizeof c->from, "%s", from);
    if (c->wake < 0 || bf_tls_server_accept(d->tls, fd, &tls)) {
        close(fd);
        free_conn(c);
        return BF_ERR_NO_MEMORY;
    }
    if (bf_bundle_accept(tls, &c->stream)) {
        tls.ops->close(tls.impl);
        free_conn(c);
        return BF_ERR_NO_MEMORY;
    }
    pthread_mutex_lock(&d->lock);
    make_room(d);
    enum bf_err err = start_thread(c);
    if (!err) {
        c->next = d->conns;
        d->conns = c;
        d->conn_count++;
        d->stranger_count++;
    }
    pthread_mutex_unlock(&d->lock);
    if (err) {
        c->stream.ops->close(c->stream.impl);
        free_conn(c);
    }
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
        d->conn_count--;
        if (!c->has_session)
            d->stranger_count--;
    }
    pthread_mutex_unlock(&d->lock);
    while (through) {
        struct bf_conn *c = through;
        through = c->next;
        pthread_join(c->thread, NULL);
        free_conn(c);
    }
}

void bf_conn_check(struct bf_daemon *d)
{
    struct bf_fault fault;
    pthread_mutex_lock(&d->lock);
    for (struct bf_conn *c = d->conns; c; c = c->next)
        if (c->has_session && !c->ended && !c->verdict &&
            bf_conn_admit(bf_state_db(d->state), &c->peer, &fault) == BF_ERR_AUTH)
            bf_conn_end(c, BF_VERDICT_REVOKED);
    pthread_mutex_unlock(&d->lock);
}
