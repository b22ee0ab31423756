// SPDX-License-Identifier: Apache-2.0
// What a DHCP server says beyond what lwIP reads: routes, DNS servers, domains. For the files of
// the IP stack. lwIP's hooks gather the options of one message; what is in force is up to whoever
// is told that the address is valid (net/ip/routes.c).
#ifndef BF_NET_IP_DHCP_H
#define BF_NET_IP_DHCP_H

#include <stdint.h>

#include "net/ip/dns_message.h"
#include "net/ip/route_table.h"

enum { BF_DHCP_DNS = 4 };

// The lease, from the last message of the server.
struct bf_dhcp_extras {
    int has_routes; // option 121 was there: option 3 is ignored (RFC 3442)
    struct bf_routes routes;
    uint16_t mtu; // option 26, 0: none
    uint32_t dns_count, domains;
    struct bf_ip dns[BF_DHCP_DNS];            // option 6
    char domain[BF_DNS_DOMAINS][BF_DNS_NAME]; // option 119, else 15
};

// A lease does not end here. Its end would cut a migration of hours off because a DHCP server does
// not answer for a while; so it is asked for once a minute, by broadcast, until a server gives it
// again or says no. bf_dhcp_endless when an address has come by DHCP, bf_dhcp_keep in every turn.
struct netif;
void bf_dhcp_endless(struct netif *netif);
void bf_dhcp_keep(struct netif *netif);

// Reads what was gathered. What is malformed is logged and left out.
void bf_dhcp_read(struct bf_dhcp_extras *out);

#endif
