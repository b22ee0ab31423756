// SPDX-License-Identifier: Apache-2.0
// A guest's way: its first bytes, its handshake, and through the door to the daemon, see door.h.
// The time that this takes is counted, and handshakes begin only while the budget lasts.
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/daemon/daemon.h"
#include "replica/daemon/door_parts.h"
#include "replica/daemon/listen.h"

enum {
    BEGINS_PER_TURN = 32,
    ARRIVALS_MAX = 256,      // that the main thread has not taken yet
    BUDGET_MOST_US = 100000, // of the processor's time that may have been saved up
};

// ---- The budget of processor time --------------------------------------------------------------

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void bf_guest_refill(struct bf_door *door)
{
    uint64_t now = bf_platform_now_us();
    BF_ASSERT(now >= door->budgeted_us);
    door->budget_us += (int64_t)((now - door->budgeted_us) * BF_DOOR_CPU_PERCENT / 100);
    door->budgeted_us = now;
    if (door->budget_us > BUDGET_MOST_US)
        door->budget_us = BUDGET_MOST_US;
}

// ---- The way through the door ------------------------------------------------------------------

// Gives it to the main thread. One without a name has to wait outside when too many do.
static void let_in(struct bf_door *door, struct bf_guest *g, const struct bf_tls_peer *peer)
{
    struct bf_daemon *d = door->daemon;
    struct bf_arrival *a = calloc(1, sizeof *a);
    uint64_t one = 1;
    int room = 0;
    BF_ASSERT(g->phase == (peer->has_certificate ? BF_GUEST_SHAKING : BF_GUEST_NAMELESS));
    pthread_mutex_lock(&d->door_lock);
    BF_ASSERT(!*d->arrivals_end && d->arrival_count <= ARRIVALS_MAX);
    if (a && d->arrival_count < (peer->has_certificate ? ARRIVALS_MAX : ARRIVALS_MAX / 4)) {
        *a = (struct bf_arrival){
            .stream = g->tls, .peer = *peer, .address = g->address, .accepted_us = g->accepted_us};
        memcpy(a->from, g->from, sizeof a->from);
        epoll_ctl(door->epoll, EPOLL_CTL_DEL, g->fd, NULL);
        *d->arrivals_end = a;
        d->arrivals_end = &a->next;
        d->arrival_count++;
        room = 1;
    }
    pthread_mutex_unlock(&d->door_lock);
    if (room) {
        bf_guest_leave(door, g);
    } else {
        free(a);
        door->crowded_out++;
        bf_guest_drop(door, g);
    }
    if (room && write(d->wake, &one, sizeof one) < 0)
        bf_log(BF_LOG_DEBUG, "the main thread is busy");
}

static void shaken(struct bf_door *door, struct bf_guest *g)
{
    struct bf_fault fault;
    struct bf_tls_peer peer;
    BF_ASSERT(g->phase == BF_GUEST_SHAKING);
    if (bf_tls_server_peer(&g->tls, &peer)) {
        bf_fault_set(&fault, BF_ERR_AUTH, BF_SIDE_SOURCE, "boot from a medium of this server",
                     "the client's certificate has no role");
        bf_guest_turn_out(door, g, &fault);
    } else if (peer.has_certificate) {
        let_in(door, g, &peer);
    } else {
        g->phase = BF_GUEST_NAMELESS;
        bf_guest_watch(door, g, EPOLLIN);
    }
}

static void broke_off(struct bf_door *door, struct bf_guest *g)
{
    struct bf_fault fault = *g->tls.ops->fault(g->tls.impl);
    if (!fault.code)
        bf_fault_set(&fault, BF_ERR_CLOSED, BF_SIDE_NETWORK, "connect again",
                     "the client ended the handshake");
    bf_guest_turn_out(door, g, &fault);
}

static void shake(struct bf_door *door, struct bf_guest *g)
{
    const struct bf_stream_ops *ops = g->tls.ops;
    ops->poll(g->tls.impl);
    switch (ops->state(g->tls.impl)) {
    case BF_STREAM_OPENING:
        bf_guest_watch(door, g, bf_tls_server_wants_write(&g->tls) ? EPOLLOUT : EPOLLIN);
        break;
    case BF_STREAM_OPEN:
        shaken(door, g);
        break;
    default:
        broke_off(door, g);
        break;
    }
}

static void begin(struct bf_door *door, struct bf_guest *g)
{
    struct bf_daemon *d = door->daemon;
    while (door->guests_tls >= BF_GUESTS_TLS_MAX && bf_guest_make_room(door, 1))
        ;
    BF_ASSERT(door->guests_tls < BF_GUESTS_TLS_MAX);
    BF_ASSERT(g->phase == BF_GUEST_SILENT && g->has_hello); // it did not make room for itself
    pthread_mutex_lock(&d->door_lock);                      // the context may be replaced
    enum bf_err err = bf_tls_server_accept(d->tls, g->fd, &g->tls);
    pthread_mutex_unlock(&d->door_lock);
    if (err) {
        bf_guest_drop(door, g);
        return;
    }
    g->phase = BF_GUEST_SHAKING;
    door->guests_tls++;
    shake(door, g);
}

// Looks whether a ClientHello is there, without taking it.
static void look(struct bf_door *door, struct bf_guest *g, uint32_t events)
{
    struct bf_fault fault;
    switch (g->has_hello ? BF_OK : bf_listen_hello(g->fd, BF_HELLO_BYTES_MAX)) {
    case BF_OK:
        g->has_hello = 1;
        BF_ASSERT(door->ready_count < BF_DOOR_EVENTS);
        door->ready[door->ready_count++] = g;
        break;
    case BF_AGAIN:
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            bf_guest_drop(door, g); // it looked whether the port is open, or gave up
        break;
    case BF_ERR_CLOSED:
        bf_guest_drop(door, g);
        break;
    default:
        bf_fault_set(&fault, BF_ERR_PROTOCOL, BF_SIDE_NETWORK, "use a Bootferry client only",
                     "no TLS 1.3 handshake: the client does not speak TLS");
        bf_guest_turn_out(door, g, &fault);
        break;
    }
}

// Who has no certificate has said something, or has gone.
static void listen_to(struct bf_door *door, struct bf_guest *g)
{
    struct bf_tls_peer nobody = {0};
    BF_ASSERT(g->phase == BF_GUEST_NAMELESS);
    enum bf_err err = bf_tls_server_peek(&g->tls);
    if (err == BF_OK)
        let_in(door, g, &nobody);
    else if (err != BF_AGAIN)
        bf_guest_drop(door, g);
}

static int is_among(const struct bf_peer_address *a, const struct bf_peer_address *list,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&list[i], a, sizeof *a) == 0)
            return 1;
    return 0;
}

// One of each address comes before a second one of any. Those that do not begin are ready in the
// next turn, too. A guest in the list may have made room for another one.
void bf_guest_begin_some(struct bf_door *door)
{
    struct bf_peer_address had[BF_DOOR_EVENTS];
    uint32_t begun = 0;
    for (int round = 0; round < 2; round++) {
        uint32_t addresses = 0;
        for (uint32_t i = 0; i < door->ready_count && door->budget_us > 0; i++) {
            struct bf_guest *g = door->ready[i];
            int64_t before = cpu_us();
            if (g->phase != BF_GUEST_SILENT || !g->has_hello || begun >= BEGINS_PER_TURN ||
                (round == 0 && is_among(&g->address, had, addresses)))
                continue;
            had[addresses++] = g->address;
            begun++;
            begin(door, g);
            door->budget_us -= cpu_us() - before;
        }
    }
}

void bf_guest_step(struct bf_door *door, struct bf_guest *g, uint32_t events)
{
    int64_t before = cpu_us();
    if (g->phase == BF_GUEST_SILENT)
        look(door, g, events);
    else if (g->phase == BF_GUEST_SHAKING)
        shake(door, g);
    else if (g->phase == BF_GUEST_NAMELESS)
        listen_to(door, g);
    else
        bf_guest_hear_out(door, g);
    door->budget_us -= cpu_us() - before;
}
