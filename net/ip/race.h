// SPDX-License-Identifier: Apache-2.0
// Several addresses of one peer: connections to them begin a quarter of a second after each
// other, or when the one before has failed, the families in turn (RFC 8305); the first that opens
// is used and the others are closed. For the files of the IP stack.
#ifndef BF_NET_IP_RACE_H
#define BF_NET_IP_RACE_H

#include <stdint.h>

#include <lwip/ip_addr.h>

#include "base/err.h"
#include "net/ip/dial.h"
#include "net/stream.h"

enum { BF_RACERS = 16, BF_RACERS_RUNNING = 8 };

enum bf_racer_state { BF_RACER_WAITS, BF_RACER_RUNS, BF_RACER_FAILED };

struct bf_racer {
    ip_addr_t address;
    enum bf_racer_state state;
    struct bf_stream tcp; // while it runs
    uint64_t deadline;
};

// Zeros are a race without addresses. Name, view and peer stay the caller's.
struct bf_race {
    const struct bf_ip_view *view;
    const struct bf_peer *peer;
    const char *host; // NULL: the address was given as such
    uint16_t port;
    uint8_t count, failed, last_family;
    uint64_t next_due;
    struct bf_racer racer[BF_RACERS];
    struct bf_fault fault;
};

// Takes part from now on; nothing when it does already, or when there are enough. `first`: tried
// before all others that wait.
void bf_race_add(struct bf_race *race, const ip_addr_t *address, int first);

// Starts, receives, judges. BF_OK: *out is an open connection to *winner. BF_AGAIN while one runs
// or is to be started. BF_ERR_NOT_FOUND: all have failed, or those that have not are of a family
// that this machine has no address of.
enum bf_err bf_race_poll(struct bf_race *race, struct bf_stream *out, ip_addr_t *winner);

// After BF_ERR_NOT_FOUND: what the first one failed for.
enum bf_err bf_race_fault(const struct bf_race *race, struct bf_fault *fault);

// Closes what runs. Any number of times.
void bf_race_close(struct bf_race *race);

#endif
