// SPDX-License-Identifier: Apache-2.0
// The machine of a network test: the IP stack on the test network of tests/net/lan.h, one stream
// that it dials, and a listener of the kernel on the other side.
#ifndef BF_TESTS_STATION_H
#define BF_TESTS_STATION_H

#include "base/config.h"
#include "net/ip/stack.h"
#include "tests/net/lan.h"

struct station {
    struct lan lan;
    struct bf_config config;
    struct bf_fault fault;
    struct bf_stream stream; // ops NULL: none
    int listener, accepted;  // -1: none
    uint16_t port;           // of the listener
    // Of the first NIC, from the next start on: the tag that its wire wants, and its driver's room.
    uint16_t wire_vlan;
    uint8_t tag_room;
};
extern struct station station;

// A configuration with DHCP; what a failed case left is cleared away.
void station_prepare(void);
// Opens the network and starts the stack over that many of its NICs. NULL, or why it cannot be.
const char *station_start(uint16_t mtu, uint32_t nics);
void station_stop(void);

// One turn of everything. Waits a moment when there was nothing to do.
void station_turn(void);
// Seconds of the simulated clock, a turn after each, until the stream is open or has failed: how
// many there were, at most `most`.
int station_wait(int most);
// Turns while the condition is not met, within the patience of a test. 0: it was not.
int station_until(int (*met)(void));

int station_listen(void); // 0: it cannot be done
enum bf_err station_dial(const char *host, uint16_t port);
void station_hang_up(void);
enum bf_stream_state station_state(void);
// Sends so many bytes from the machine and returns how many of them the kernel got in time.
uint64_t station_send(uint64_t bytes);

#endif
