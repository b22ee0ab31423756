// SPDX-License-Identifier: Apache-2.0
// What a router advertisement (RFC 4861, 4.2) says about where addresses come from. lwIP acts on
// prefixes and DNS servers itself, not on domains. For the IP stack.
#ifndef BF_NET_IP_RA_H
#define BF_NET_IP_RA_H

#include <stddef.h>
#include <stdint.h>

struct bf_ra {
    uint8_t managed, other; // M: addresses by DHCPv6; O: other configuration by it
    uint8_t has_prefix;     // one from which machines make addresses (RFC 4862, 5.5.3)
    uint8_t is_router;      // its lifetime is not 0
    uint8_t router[16];
    const uint8_t *domains; // to search (DNSSL, RFC 8106, 5.2), in the packet; NULL: it names none
    size_t domains_len;     // 0: those that it named are no longer valid
};

// A packet from its IP header on. 1 when it is an advertisement that may be believed (6.1.2).
int bf_ra_parse(const uint8_t *packet, size_t len, struct bf_ra *out);

#endif
