// SPDX-License-Identifier: Apache-2.0
// The routes in force. lwIP has one network and one gateway; here it is told that nothing but its
// own address is on the link, so that it asks for the next hop of every packet. IPv4: the network
// of the address, gateway= when there is one, DHCP's classless routes (RFC 3442) or its router.
// IPv6: the exact network of a static address and gateway=; what they do not cover is left to lwIP
// and the routers. A router need not be in any network: it is looked for on the link. For the files
// of the IP stack.
#ifndef BF_NET_IP_ROUTES_H
#define BF_NET_IP_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include <lwip/ip_addr.h>

#include "base/config.h"
#include "base/err.h"
#include "net/dialer.h"

// Forgets all routes and follows what is configured and what the netif in use gets from now on.
// *config is kept. Once the netif is gone, bf_ip_routes_end.
void bf_ip_routes_begin(const struct bf_config *config);
void bf_ip_routes_end(void);

// The length of the IPv4 network's prefix, and the default router as text ("" without one): that of
// IPv4, else that of IPv6.
uint32_t bf_ip_routes_prefix(void);
void bf_ip_routes_router(char *out, size_t size);

// BF_OK when a route leads there, else why none does; `peer` and `to` are for the message. With
// IPv6 a router may still announce itself, so it is always BF_OK.
enum bf_err bf_ip_routes_check(const ip_addr_t *address, const struct bf_peer *peer, const char *to,
                               struct bf_fault *fault);

#endif
