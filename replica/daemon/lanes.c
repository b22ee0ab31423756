// SPDX-License-Identifier: Apache-2.0
// Several connections of one session (net/proto/bundle.h). A further lane is accepted like any
// other connection, with a thread of its own for TLS and the look into the database; when its
// preface has come, this thread hands the stream over to that of lane 0 and ends. It waits a while
// for lane 0, which may be behind it on the network. Both must show the same certificate, so what
// ends lane 0 (a revocation, a newer connection) is right for all lanes.
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/daemon/daemon.h"

static void wake(const struct bf_conn *c)
{
    uint64_t one = 1;
    if (write(c->wake, &one, sizeof one) < 0)
        bf_log(BF_LOG_DEBUG, "%s: is awake", c->from);
}

static int belong_together(const struct bf_conn *first, const struct bf_conn *further)
{
    return first != further && first->has_bundle && !first->verdict &&
           memcmp(first->preface.bundle, further->preface.bundle, sizeof first->preface.bundle) ==
               0 &&
           memcmp(first->peer.fingerprint, further->peer.fingerprint,
                  sizeof first->peer.fingerprint) == 0;
}

// ---- The thread of lane 0 ----------------------------------------------------------------------

// Says that there is a bundle now, to lanes that were faster.
static void announce(struct bf_conn *c, const struct bf_preface *preface)
{
    struct bf_daemon *d = c->daemon;
    pthread_mutex_lock(&d->lock);
    BF_ASSERT(!c->has_bundle && !c->waits_to_join);
    c->preface = *preface;
    c->has_bundle = 1;
    for (struct bf_conn *other = d->conns; other; other = other->next)
        if (other->waits_to_join && belong_together(c, other))
            wake(other);
    pthread_mutex_unlock(&d->lock);
}

// The next lane that was handed over; 0 when there is none.
static int take_one(struct bf_conn *c, struct bf_joining *out)
{
    pthread_mutex_lock(&c->daemon->lock);
    int any = c->joining_count > 0;
    BF_ASSERT(c->joining_count <= c->lane_count);
    if (any)
        *out = c->joining[--c->joining_count];
    pthread_mutex_unlock(&c->daemon->lock);
    return any;
}

static void drop_lane(struct bf_conn *c, struct bf_joining *j)
{
    j->stream.ops->close(j->stream.impl);
    pthread_mutex_lock(&c->daemon->lock);
    BF_ASSERT(c->lane_count > 0 && c->daemon->lane_count > 0);
    c->lane_count--;
    c->daemon->lane_count--;
    pthread_mutex_unlock(&c->daemon->lock);
}

void bf_lanes_take(struct bf_conn *c)
{
    struct bf_preface preface;
    struct bf_joining j;
    if (!c->has_bundle && c->peer.has_certificate &&
        bf_bundle_kind(&c->stream, &preface) == BF_BUNDLE_FIRST)
        announce(c, &preface);
    while (c->joining_count > 0 && take_one(c, &j)) {
        enum bf_err err = bf_bundle_join(&c->stream, j.lane, j.stream);
        if (err) {
            bf_log(BF_LOG_WARNING, "%s from %s: its connection %u was refused (%s)",
                   c->peer.machine, c->from, j.lane + 1u, bf_err_name(err));
            drop_lane(c, &j);
        } else {
            bf_log(BF_LOG_DEBUG, "%s from %s: connection %u joined", c->peer.machine, c->from,
                   j.lane + 1u);
        }
    }
}

void bf_lanes_end(struct bf_conn *c)
{
    struct bf_daemon *d = c->daemon;
    struct bf_joining j;
    pthread_mutex_lock(&d->lock);
    c->has_bundle = 0; // nobody joins any more
    pthread_mutex_unlock(&d->lock);
    while (take_one(c, &j))
        drop_lane(c, &j);
    pthread_mutex_lock(&d->lock);
    BF_ASSERT(!c->joining_count && d->lane_count >= c->lane_count);
    d->lane_count -= c->lane_count;
    c->lane_count = 0;
    pthread_mutex_unlock(&d->lock);
}

// ---- The thread of a further lane --------------------------------------------------------------

static struct bf_conn *first_of(const struct bf_conn *c)
{
    for (struct bf_conn *first = c->daemon->conns; first; first = first->next)
        if (belong_together(first, c))
            return first;
    return NULL;
}

// With the lock held.
static enum bf_err give(struct bf_conn *first, struct bf_conn *c, struct bf_fault *fault)
{
    struct bf_daemon *d = c->daemon;
    BF_ASSERT(first != c && first->has_bundle && c->stream.ops);
    if (first->lane_count >= BF_LANES_MAX - 1 ||
        d->conn_count + d->lane_count >= BF_CONNECTIONS_MAX)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_SERVER,
                            "lower connections=", "the server takes no more connections");
    first->joining[first->joining_count].lane = c->preface.lane;
    first->joining[first->joining_count].stream = bf_bundle_detach(&c->stream);
    first->joining_count++;
    first->lane_count++;
    d->lane_count++;
    BF_ASSERT(first->joining_count <= first->lane_count && !c->stream.ops);
    wake(first);
    return BF_OK;
}

enum bf_err bf_lanes_hand_over(struct bf_conn *c, struct bf_fault *fault)
{
    struct bf_daemon *d = c->daemon;
    struct bf_conn *first;
    enum bf_err err;
    uint64_t now, until = bf_platform_now_us() + BF_ORPHAN_MS * 1000;
    BF_ASSERT(!c->has_session && !c->has_bundle);
    if (!c->peer.has_certificate)
        return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_SOURCE, "use a Bootferry client only",
                            "a connection without a certificate tried to join another one");
    pthread_mutex_lock(&d->lock);
    bf_bundle_kind(&c->stream, &c->preface);
    c->waits_to_join = 1;
    while (!(first = first_of(c)) && !c->verdict && (now = bf_platform_now_us()) < until) {
        pthread_mutex_unlock(&d->lock);
        bf_conn_wait(c, (int)((until - now) / 1000) + 1);
        pthread_mutex_lock(&d->lock);
    }
    c->waits_to_join = 0;
    err = first ? give(first, c, fault)
                : bf_fault_set(fault, BF_ERR_CLOSED, BF_SIDE_SOURCE, "connect again",
                               "the connection that this one belongs to is gone");
    pthread_mutex_unlock(&d->lock);
    return err;
}
