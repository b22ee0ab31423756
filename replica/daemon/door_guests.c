// SPDX-License-Identifier: Apache-2.0
// The door's places: who has one, who has to leave it, and how, see door_parts.h.
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/daemon/daemon.h"
#include "replica/daemon/door_parts.h"

enum { PARTING_BYTES_MAX = 262144, MINUTE_US = 60000000 };

void bf_guest_watch(struct bf_door *door, struct bf_guest *g, uint32_t events)
{
    struct epoll_event e = {.events = events | EPOLLRDHUP,
                            .data.u64 =
                                (uint64_t)g->generation << 32 | (uint32_t)(g - door->guest)};
    BF_ASSERT(g->phase != BF_GUEST_FREE && g->fd >= 0);
    if (events == g->events)
        return;
    epoll_ctl(door->epoll, g->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, g->fd, &e);
    g->events = events;
}

static int has_tls(const struct bf_guest *g)
{
    return g->phase == BF_GUEST_SHAKING || g->phase == BF_GUEST_NAMELESS;
}

void bf_guest_leave(struct bf_door *door, struct bf_guest *g)
{
    BF_ASSERT(g->phase != BF_GUEST_FREE && door->guests > 0);
    BF_ASSERT(!has_tls(g) || door->guests_tls > 0);
    door->guests--;
    door->guests_tls -= has_tls(g) != 0;
    *g = (struct bf_guest){.phase = BF_GUEST_FREE, .generation = g->generation + 1};
}

void bf_guest_drop(struct bf_door *door, struct bf_guest *g)
{
    if (has_tls(g))
        g->tls.ops->close(g->tls.impl);
    else
        close(g->fd);
    bf_guest_leave(door, g);
}

// It shall still be able to read the alert that says why its handshake failed. A socket that is
// closed before all that came was read is reset, and the peer throws away what it has not read yet
// (RFC 1122, 4.2.2.13): so the socket stays, without TLS, until the peer has closed its side.
static void part(struct bf_door *door, struct bf_guest *g)
{
    int fd = g->phase == BF_GUEST_SHAKING ? fcntl(g->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0) {
        bf_guest_drop(door, g);
        return;
    }
    epoll_ctl(door->epoll, EPOLL_CTL_DEL, g->fd, NULL); // the description outlives the descriptor
    g->tls.ops->close(g->tls.impl);
    door->guests_tls--;
    g->phase = BF_GUEST_PARTING;
    g->fd = fd;
    g->events = 0;
    g->accepted_us = bf_platform_now_us();
    shutdown(fd, SHUT_WR);
    bf_guest_watch(door, g, EPOLLIN);
}

void bf_guest_hear_out(struct bf_door *door, struct bf_guest *g)
{
    uint8_t ignored[4096];
    BF_ASSERT(g->phase == BF_GUEST_PARTING);
    ssize_t got = recv(g->fd, ignored, sizeof ignored, MSG_DONTWAIT);
    g->heard += got > 0 ? (uint32_t)got : 0;
    if (got == 0 || (got < 0 && errno != EAGAIN) || g->heard > PARTING_BYTES_MAX)
        bf_guest_drop(door, g);
}

void bf_guest_turn_out(struct bf_door *door, struct bf_guest *g, const struct bf_fault *fault)
{
    BF_ASSERT(g->phase != BF_GUEST_FREE && g->phase != BF_GUEST_PARTING && fault->code);
    if (bf_conn_may_log(door->daemon))
        bf_log(BF_LOG_WARNING, "an unknown client from %s: %s [%s, %s]; %s", g->from, fault->what,
               bf_err_name(fault->code), bf_side_name(fault->side), fault->todo);
    part(door, g);
}

static void overdue(struct bf_door *door, struct bf_guest *g)
{
    struct bf_fault fault;
    bf_fault_set(&fault, BF_ERR_TIMEOUT, BF_SIDE_NETWORK, "connect again",
                 g->phase == BF_GUEST_NAMELESS
                     ? "it has no certificate, and did not ask for one in time"
                     : "the handshake was not completed in time");
    bf_guest_turn_out(door, g, &fault);
}

// Those that have something to lose give way last: whoever is silent before whoever has no name,
// and both before a handshake, from which a certificate may yet come.
static uint8_t rank(const struct bf_guest *g, int tls_only)
{
    switch (g->phase) {
    case BF_GUEST_SILENT:
    case BF_GUEST_PARTING:
        return tls_only ? BF_CLAIM_KEEPS : 0;
    case BF_GUEST_NAMELESS:
        return 1;
    case BF_GUEST_SHAKING:
        return 2;
    case BF_GUEST_FREE:
        break;
    }
    return BF_CLAIM_KEEPS;
}

int bf_guest_make_room(struct bf_door *door, int tls_only)
{
    for (uint32_t i = 0; i < door->guests_max; i++)
        door->claim[i] = (struct bf_claim){.address = door->guest[i].address,
                                           .rank = rank(&door->guest[i], tls_only),
                                           .since_us = door->guest[i].accepted_us};
    int victim = bf_claim_victim(door->claim, door->guests_max, door->daemon->seed);
    if (victim < 0)
        return 0;
    BF_ASSERT(!tls_only || has_tls(&door->guest[victim]));
    door->crowded_out++;
    bf_guest_drop(door, &door->guest[victim]);
    return 1;
}

struct bf_guest *bf_guest_free_place(struct bf_door *door)
{
    for (uint32_t i = 0; i < door->guests_max; i++)
        if (door->guest[i].phase == BF_GUEST_FREE)
            return &door->guest[i];
    BF_ASSERT(door->guests == door->guests_max);
    return NULL;
}

void bf_guest_look_at_clock(struct bf_door *door)
{
    static const uint64_t limit_ms[] = {[BF_GUEST_SILENT] = BF_HELLO_MS,
                                        [BF_GUEST_SHAKING] = BF_HANDSHAKE_MS,
                                        [BF_GUEST_NAMELESS] = BF_NAMELESS_MS,
                                        [BF_GUEST_PARTING] = BF_PARTING_MS};
    uint64_t now = bf_platform_now_us();
    for (uint32_t i = 0; i < door->guests_max; i++) {
        struct bf_guest *g = &door->guest[i];
        if (g->phase == BF_GUEST_FREE || now - g->accepted_us < limit_ms[g->phase] * 1000)
            continue;
        if (g->phase == BF_GUEST_PARTING)
            bf_guest_drop(door, g);
        else
            overdue(door, g);
    }
    if (door->crowded_out && now - door->minute_us >= MINUTE_US) {
        bf_log(BF_LOG_WARNING,
               "%llu connection%s without a certificate dropped in favour of newer ones",
               (unsigned long long)door->crowded_out, bf_plural(door->crowded_out));
        door->crowded_out = 0;
        door->minute_us = now;
    }
}
