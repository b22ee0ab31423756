// SPDX-License-Identifier: Apache-2.0
// A small network in a namespace of its own: one or two TAP devices whose other side is this
// kernel's TCP/IP, with DHCP and DNS servers and a router that the test itself plays, in one loop
// with the IP stack under test. Faults of the wire are a layer over the NIC.
#ifndef BF_TESTS_LAN_H
#define BF_TESTS_LAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/nic.h"

enum { LAN_NICS = 2, LAN_DNS = 2 };

// A NIC with faults. Percentages are of frames, drawn from a fixed seed.
struct lan_nic {
    struct bf_nic nic;   // what the stack gets
    struct bf_nic inner; // the TAP device
    int link;
    int blocked;                   // a link over which nothing passes
    unsigned solicits;             // for routers, that were sent
    int lose_tx, lose_rx, swap_rx; // percent
    int refuse_every;              // every so many frames the transmit queue is "full"
    uint32_t ring;                 // receive ring: more frames than this per poll are lost; 0: all
    uint32_t in_turn, sent, sent_syns;
    uint8_t last_to[16]; // where the last TCP segment went that was addressed to somebody's MAC
    uint16_t vlan;       // the wire has frames with this tag; the kernel sees them without. 0: none
    uint16_t foreign;    // and what comes from there has this one instead
    unsigned untagged, longest; // frames without the wire's tag; bytes of the longest one sent
    uint8_t held[16384];
    size_t held_len;
};

// What a DNS server answers: adds to the message, whose question ends at `end`, by lan_dns_add and
// lan_dns_code. Returns the length, 0 to say nothing.
typedef size_t lan_names(int server, const char *name, uint16_t type, uint8_t *message, size_t end);

struct lan {
    struct lan_nic nic[LAN_NICS];
    int dhcp, dns[LAN_DNS]; // sockets, -1 when not served; DNS at 10.9.0.1 and 10.9.0.2
    int answer_dhcp;        // 0: it stays silent
    unsigned discovers, requests, releases, questions, asked[LAN_DNS];
    char hostname[64];  // that the client told
    uint8_t wanted[32]; // the list of options that it wants
    int option_dns;     // DHCP offers a DNS server
    int option_router;  // and names a router
    uint8_t mask[4];
    uint8_t lease;        // seconds, 0: an hour
    const uint8_t *extra; // further options of DHCP
    size_t extra_len;
    lan_names *names; // NULL: server.test has an A record, six.test an AAAA record, both.test both
};

// A record of the question's name; code: of the answer (RFC 1035, 4.1.1).
size_t lan_dns_add(uint8_t *message, size_t end, uint16_t type, const char *address);
size_t lan_dns_code(uint8_t *message, size_t end, uint8_t code);

// Makes the namespace once and brings tap0 (10.9.0.1/24, 10.9.0.2, fd09::1/64) and tap1
// (10.9.1.1/24) up. 10.55.0.1 is an address of that kernel, too, behind 10.9.0.1.
// NULL, or the reason why it cannot be done here.
const char *lan_open(struct lan *lan, uint16_t mtu);
void lan_close(struct lan *lan); // any number of times; also what is all zeros

// True when the last TCP segment for this address went to the MAC of tap0's kernel.
bool lan_forwarded(const struct lan *lan, const char *address);

// The kernel's link-local address on tap0, once it has one.
bool lan_link_local(char *out, size_t size);

// Serves what has come in, without waiting; moves the simulated clock with the real one.
void lan_turn(struct lan *lan);

// Moves the simulated clock ahead of the real one.
void lan_skip(uint64_t us);

// Sends a router advertisement on tap0: prefix fd09::/64, a DNS server at fd09::1, and the domain
// lab.test. False: not yet, the kernel has no address there to send it from.
bool lan_advertise(struct lan *lan);

// The real clock, of which the simulated one may be ahead.
double lan_real_seconds(void);

// For a test (tests/unit/test.h) whose turn() moves everything on: turns until the condition holds,
// and fails when that takes too long.
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        double wait_until = lan_real_seconds() + TEST_PATIENCE_S;                                  \
        bool wait_over = false;                                                                    \
        while (!(wait_over = (condition)) && lan_real_seconds() < wait_until)                      \
            turn();                                                                                \
        if (!wait_over)                                                                            \
            FAIL("waited in vain for: %s", #condition);                                            \
    } while (0)

#endif
