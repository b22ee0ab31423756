// SPDX-License-Identifier: Apache-2.0
// Routes of IPv4: a destination, and the router that leads there or that it is on the link itself.
// The longest prefix decides. Read from DHCP's classless static routes (RFC 3442).
#ifndef BF_NET_IP_ROUTE_TABLE_H
#define BF_NET_IP_ROUTE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { BF_ROUTES_MAX = 64 };

// Addresses are numbers, 10.0.0.1 is 0x0a000001.
struct bf_route {
    uint32_t network; // without bits behind the prefix
    uint32_t router;  // 0: on the link
    uint8_t prefix;   // its length
};

struct bf_routes {
    uint32_t count;
    uint32_t ignored; // had no room
    struct bf_route route[BF_ROUTES_MAX];
};

// The first of several routes to one destination stays. Bits of the network behind the prefix (at
// most 32) are cleared.
void bf_routes_add(struct bf_routes *routes, uint32_t network, uint8_t prefix, uint32_t router);

// The value of option 121 (RFC 3442), all its parts put together. BF_ERR_PROTOCOL, and no routes,
// when it is empty or not well formed.
enum bf_err bf_routes_parse(const uint8_t *bytes, size_t len, struct bf_routes *out);

// The route with the longest prefix that contains the address, or NULL.
const struct bf_route *bf_routes_find(const struct bf_routes *routes, uint32_t to);

#endif
