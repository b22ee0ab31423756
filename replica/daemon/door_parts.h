// SPDX-License-Identifier: Apache-2.0
// The door's inside, shared by replica/door*.c: its guests, and what can happen to one. Only the
// door's thread touches any of it.
#ifndef BF_REPLICA_DAEMON_DOOR_PARTS_H
#define BF_REPLICA_DAEMON_DOOR_PARTS_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"
#include "net/stream.h"
#include "replica/daemon/address.h"
#include "replica/daemon/door.h"

enum { BF_DOOR_EVENTS = 256 }; // that are looked at in one turn

enum bf_guest_phase {
    BF_GUEST_FREE, // a place that nobody has
    BF_GUEST_SILENT,
    BF_GUEST_SHAKING,
    BF_GUEST_NAMELESS,
    BF_GUEST_PARTING, // turned out: it may read why, and close
};

struct bf_guest {
    enum bf_guest_phase phase;
    uint32_t generation; // of the place, changes with each guest
    int fd;              // the stream's, once there is one
    uint8_t has_hello;   // SILENT: may begin
    uint32_t heard;      // PARTING: bytes
    uint32_t events;     // that epoll waits for, 0 before it knows the socket
    struct bf_peer_address address;
    uint64_t accepted_us; // PARTING: since when
    struct bf_stream tls; // of SHAKING and NAMELESS
    char from[64];
};

struct bf_door {
    struct bf_daemon *daemon;
    pthread_t thread;
    int epoll, listening, stop; // stop: an eventfd
    uint32_t guests_max, guests, guests_tls;
    uint64_t budgeted_us;                   // when the budget was filled up last
    int64_t budget_us;                      // of processor time, for handshakes to begin
    uint64_t crowded_out, minute_us;        // since the minute began
    struct bf_guest *ready[BF_DOOR_EVENTS]; // whose handshakes may begin in this turn
    uint32_t ready_count;
    struct bf_guest guest[BF_GUESTS_MAX];
    struct bf_claim claim[BF_GUESTS_MAX];
};

// ---- door_guests.c: places ---------------------------------------------------------------------

struct bf_guest *bf_guest_free_place(struct bf_door *door);
// Has epoll wait for these events, and for the peer's end. A guest is known there by its place and
// generation, since a place may be taken anew before an event of its last guest is looked at.
void bf_guest_watch(struct bf_door *door, struct bf_guest *g, uint32_t events);
// The place is free again; the stream or socket is somebody else's.
void bf_guest_leave(struct bf_door *door, struct bf_guest *g);
// The same, and they are closed.
void bf_guest_drop(struct bf_door *door, struct bf_guest *g);
// Drops it for a reason that is logged; after a handshake it may read the alert first: PARTING.
void bf_guest_turn_out(struct bf_door *door, struct bf_guest *g, const struct bf_fault *fault);
// Something came from a PARTING guest.
void bf_guest_hear_out(struct bf_door *door, struct bf_guest *g);
// Frees a place, one with TLS state if tls_only. 0 when nobody has one.
int bf_guest_make_room(struct bf_door *door, int tls_only);
// Turns out whose deadline has passed.
void bf_guest_look_at_clock(struct bf_door *door);

// ---- door_handshake.c: from the first bytes to the daemon --------------------------------------

// The budget grows with time.
void bf_guest_refill(struct bf_door *door);
// Something happened to this guest. One that may begin is put into the list.
void bf_guest_step(struct bf_door *door, struct bf_guest *g, uint32_t events);
// Begins handshakes of the list, as the budget allows.
void bf_guest_begin_some(struct bf_door *door);

#endif
