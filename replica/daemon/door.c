// SPDX-License-Identifier: Apache-2.0
// The door's thread, see door.h: an epoll loop over the listening socket and all guests. The time
// for a guest's next step is its deadline at the latest; deadlines are looked at a few times a
// second. TCP_DEFER_ACCEPT is not used: it would keep the silent in the kernel's queue of half-open
// connections, which knows neither our deadlines nor whose turn it is.
#include "replica/daemon/door.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/platform.h"
#include "replica/daemon/daemon.h"
#include "replica/daemon/door_parts.h"
#include "replica/daemon/listen.h"

enum {
    TICK_MS = 250,
    ACCEPTS_PER_TURN = 64,
    BUDGET_PAUSE_MS = 5,  // when it was used up
    FILES_RESERVED = 768, // file descriptors for everything else
    GUESTS_LEAST = 64,
};

// In epoll's data, where guests have place and generation.
#define NOBODY  UINT64_MAX
#define LISTENS (UINT64_MAX - 1)

// ---- The port ----------------------------------------------------------------------------------

// Whether to try again at once. Without descriptors the connection stays in the kernel's queue, and
// another one has to end first.
static int accept_failed(struct bf_door *door)
{
    int lacks = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (!lacks)
        return errno == ECONNABORTED || errno == EINTR;
    if (bf_guest_make_room(door, 0))
        return 1;
    poll(NULL, 0, TICK_MS);
    return 0;
}

static int accept_one(struct bf_door *door)
{
    struct sockaddr_storage from;
    while (door->guests >= door->guests_max && bf_guest_make_room(door, 0))
        ;
    struct bf_guest *g = bf_guest_free_place(door);
    if (!g)
        return 0;
    int fd = bf_listen_accept(door->listening, &from);
    if (fd < 0)
        return accept_failed(door);
    *g = (struct bf_guest){.phase = BF_GUEST_SILENT,
                           .generation = g->generation,
                           .fd = fd,
                           .accepted_us = bf_platform_now_us()};
    bf_address_of(&from, &g->address);
    bf_address_text(&from, g->from, sizeof g->from);
    door->guests++;
    BF_ASSERT(door->guests <= door->guests_max);
    bf_guest_watch(door, g, EPOLLIN);
    return 1;
}

// One turn over what has happened. 0 when the thread shall end.
static int turn(struct bf_door *door)
{
    struct epoll_event events[BF_DOOR_EVENTS];
    int count = epoll_wait(door->epoll, events, BF_DOOR_EVENTS, door->guests ? TICK_MS : -1);
    bf_guest_refill(door);
    door->ready_count = 0;
    for (int i = 0; i < count; i++) {
        uint64_t who = events[i].data.u64;
        struct bf_guest *g = &door->guest[(uint32_t)who % BF_GUESTS_MAX];
        if (who == NOBODY)
            return 0;
        if (who == LISTENS)
            for (int n = 0; n < ACCEPTS_PER_TURN && accept_one(door); n++)
                ;
        else if (g->phase != BF_GUEST_FREE && g->generation == (uint32_t)(who >> 32))
            bf_guest_step(door, g, events[i].events);
    }
    BF_ASSERT(door->guests_tls <= door->guests && door->guests_tls <= BF_GUESTS_TLS_MAX);
    bf_guest_begin_some(door);
    if (door->budget_us <= 0) // who may begin is still there, so epoll would not wait
        poll(NULL, 0, BUDGET_PAUSE_MS);
    return 1;
}

static void *door_main(void *arg)
{
    struct bf_door *door = arg;
    uint64_t looked = 0;
    pthread_setname_np(pthread_self(), "door");
    while (turn(door)) {
        uint64_t now = bf_platform_now_us();
        if (now - looked >= TICK_MS * 1000) {
            bf_guest_look_at_clock(door);
            looked = now;
        }
    }
    for (uint32_t i = 0; i < door->guests_max; i++)
        if (door->guest[i].phase != BF_GUEST_FREE)
            bf_guest_drop(door, &door->guest[i]);
    BF_ASSERT(door->guests == 0 && door->guests_tls == 0);
    return NULL;
}

// ---- For the main thread -----------------------------------------------------------------------

// As many file descriptors as may be had; guests have what the rest of the daemon leaves.
static uint32_t places(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return GUESTS_LEAST;
    rlim_t want = BF_GUESTS_MAX + FILES_RESERVED + BF_CONNECTIONS_MAX * 4;
    if (files.rlim_cur < want) {
        files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur < FILES_RESERVED + GUESTS_LEAST)
        return GUESTS_LEAST;
    rlim_t left = files.rlim_cur - FILES_RESERVED;
    return left < BF_GUESTS_MAX ? (uint32_t)left : BF_GUESTS_MAX;
}

static int add(struct bf_door *door, int fd, uint64_t who)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = who};
    return epoll_ctl(door->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

enum bf_err bf_door_open(struct bf_daemon *d, int listening, struct bf_door **out)
{
    struct bf_door *door = calloc(1, sizeof *door);
    if (!door)
        return BF_ERR_NO_MEMORY;
    door->daemon = d;
    door->listening = listening;
    door->guests_max = places();
    BF_ASSERT(door->guests_max >= GUESTS_LEAST && door->guests_max <= BF_GUESTS_MAX);
    door->budgeted_us = door->minute_us = bf_platform_now_us();
    door->epoll = epoll_create1(EPOLL_CLOEXEC);
    door->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (door->epoll >= 0 && door->stop >= 0 && add(door, door->stop, NOBODY) &&
        add(door, listening, LISTENS) &&
        pthread_create(&door->thread, NULL, door_main, door) == 0) {
        *out = door;
        return BF_OK;
    }
    if (door->epoll >= 0)
        close(door->epoll);
    if (door->stop >= 0)
        close(door->stop);
    free(door);
    return BF_ERR_NO_MEMORY;
}

void bf_door_close(struct bf_door *door)
{
    uint64_t one = 1;
    if (!door)
        return;
    if (write(door->stop, &one, sizeof one) == sizeof one)
        pthread_join(door->thread, NULL);
    close(door->epoll);
    close(door->stop);
    free(door);
}

struct bf_arrival *bf_door_arrivals(struct bf_daemon *d)
{
    pthread_mutex_lock(&d->door_lock);
    struct bf_arrival *list = d->arrivals;
    BF_ASSERT((list == NULL) == (d->arrival_count == 0));
    d->arrivals = NULL;
    d->arrivals_end = &d->arrivals;
    d->arrival_count = 0;
    pthread_mutex_unlock(&d->door_lock);
    return list;
}
