// SPDX-License-Identifier: Apache-2.0
// A small network in a namespace of its own: one or two TAP devices whose other side is this
// kernel's TCP/IP, with DHCP and DNS servers and a router that the test itself plays, in one loop
// with the IP stack under test. Faults of the wire are a layer over the NIC.
#ifndef BF_TESTS_LAN_H
#define BF_TESTS_LAN_H

#include <stddef.h>
#include <stdint.h>

#include "net/nic.h"

enum { LAN_NICS = 2 };

// A NIC with faults. Percentages are of frames, drawn from a fixed seed.
struct lan_nic {
    struct bf_nic nic;   // what the stack gets
    struct bf_nic inner; // the TAP device
    int link;
    int lose_tx, lose_rx, swap_rx; // percent
    int refuse_every;              // every so many frames the transmit queue is "full"
    uint32_t ring;                 // receive ring: more frames than this per poll are lost; 0: all
    uint32_t in_turn, sent;
    uint8_t held[16384];
    size_t held_len;
};

struct lan {
    struct lan_nic nic[LAN_NICS];
    int dhcp, dns;   // sockets, -1 when not served
    int answer_dhcp; // 0: it stays silent
    unsigned discovers, requests, releases, questions;
    char hostname[64]; // that the client told
    int option_dns;    // DHCP offers a DNS server
};

// Makes the namespace once and brings tap0 (10.9.0.1/24, fd09::1/64) and tap1 (10.9.1.1/24) up.
// NULL, or the reason why it cannot be done here.
const char *lan_open(struct lan *lan, uint16_t mtu);
void lan_close(struct lan *lan); // any number of times; also what is all zeros

// Serves what has come in, without waiting; moves the simulated clock with the real one.
void lan_turn(struct lan *lan);

// Moves the simulated clock ahead of the real one.
void lan_skip(uint64_t us);

// Sends a router advertisement on tap0: prefix fd09::/64, a DNS server at fd09::1.
void lan_advertise(struct lan *lan);

#endif
