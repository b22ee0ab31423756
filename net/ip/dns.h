// SPDX-License-Identifier: Apache-2.0
// Which DNS servers and domains there are, from where. For the files of the IP stack.
#ifndef BF_NET_IP_DNS_H
#define BF_NET_IP_DNS_H

#include <stdint.h>

#include <lwip/ip_addr.h>

#include "net/ip/dns_message.h"

// In the order in which they are used; with servers in the configuration, only those.
enum bf_ip_dns_source {
    BF_IP_DNS_CONFIG,
    BF_IP_DNS_DHCP,
    BF_IP_DNS_DHCP6,
    BF_IP_DNS_ROUTER,
    BF_IP_DNS_SOURCES,
};

enum { BF_IP_DNS_SERVERS = 6, BF_IP_DNS_OF_SOURCE = 4 };

void bf_ip_dns_clear(void); // all sources, and what was learned about servers
// The servers, and the domains to search, of one source; they replace what it said before.
void bf_ip_dns_use(enum bf_ip_dns_source source, const struct bf_ip *servers, uint32_t count);
void bf_ip_dns_search(enum bf_ip_dns_source source, char (*domains)[BF_DNS_NAME], uint32_t count);

// The servers to ask, without duplicates: first the one that has named an address last. How many.
uint32_t bf_ip_dns_servers(ip_addr_t out[BF_IP_DNS_SERVERS]);
void bf_ip_dns_answered(const ip_addr_t *server);

// The domain to search, NULL behind the last one.
const char *bf_ip_dns_domain(uint32_t number);

#endif
