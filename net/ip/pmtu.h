// SPDX-License-Identifier: Apache-2.0
// What routers say about the path's MTU: ICMP "fragmentation needed" (RFC 792, 1191) and ICMPv6
// "packet too big" (RFC 4443, 8201), which lwIP does not bring to its TCP. For the files of the IP
// stack.
#ifndef BF_NET_IP_PMTU_H
#define BF_NET_IP_PMTU_H

#include <stddef.h>
#include <stdint.h>

enum { BF_PMTU_LEAST4 = 576, BF_PMTU_LEAST6 = 1280 };

// What it says about a segment of TCP that this machine sent. Bytes of addresses in network order.
struct bf_pmtu_news {
    uint8_t family;
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t seq; // of the segment
    uint16_t mtu; // at least that which every path of the family has
};
// A packet from its IP header on. 1 when it is such a message about TCP.
int bf_pmtu_parse(const uint8_t *packet, size_t len, struct bf_pmtu_news *out);

// Sets "do not fragment" in a frame that carries TCP over IPv4, so that routers say so.
void bf_pmtu_mark(uint8_t *frame, size_t len);

#endif
