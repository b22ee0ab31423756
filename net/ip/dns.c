// SPDX-License-Identifier: Apache-2.0
// Lists of DNS servers by source. lwIP writes those of router advertisements (RFC 8106) by number,
// and takes one away by writing none there.
#include "net/ip/dns.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "net/ip/address.h"
#include "net/ip/lwip_hooks.h"

static struct {
    ip_addr_t server[BF_IP_DNS_SOURCES][BF_IP_DNS_OF_SOURCE]; // any: none
    ip_addr_t answered;                                       // last
    char domain[BF_IP_DNS_SOURCES][BF_DNS_DOMAINS][BF_DNS_NAME];
    uint32_t domains[BF_IP_DNS_SOURCES];
} dns;

void bf_ip_dns_clear(void)
{
    memset(&dns, 0, sizeof dns);
}

void bf_ip_dns_use(enum bf_ip_dns_source source, const struct bf_ip *servers, uint32_t count)
{
    BF_ASSERT(source < BF_IP_DNS_SOURCES);
    memset(dns.server[source], 0, sizeof dns.server[source]);
    for (uint32_t i = 0; i < count && i < BF_IP_DNS_OF_SOURCE; i++)
        dns.server[source][i] = bf_ip_to_lwip(&servers[i]);
}

void bf_ip_dns_search(enum bf_ip_dns_source source, char (*domains)[BF_DNS_NAME], uint32_t count)
{
    BF_ASSERT(source < BF_IP_DNS_SOURCES);
    dns.domains[source] = count < BF_DNS_DOMAINS ? count : BF_DNS_DOMAINS;
    for (uint32_t i = 0; i < dns.domains[source]; i++)
        bf_snprintf(dns.domain[source][i], BF_DNS_NAME, "%s", domains[i]);
}

// Routers name the same domains as DHCPv6 in many networks.
static int is_repeated(int source, const char *domain)
{
    while (source-- > 0)
        for (uint32_t i = 0; i < dns.domains[source]; i++)
            if (strcmp(dns.domain[source][i], domain) == 0)
                return 1;
    return 0;
}

const char *bf_ip_dns_domain(uint32_t number)
{
    for (int source = 0; source < BF_IP_DNS_SOURCES; source++)
        for (uint32_t i = 0; i < dns.domains[source]; i++)
            if (!is_repeated(source, dns.domain[source][i]) && number-- == 0)
                return dns.domain[source][i];
    return NULL;
}

void bf_dns_router_says(uint8_t number, const ip_addr_t *server)
{
    if (number < BF_IP_DNS_OF_SOURCE)
        dns.server[BF_IP_DNS_ROUTER][number] = server ? *server : *IP_ADDR_ANY;
}

const ip_addr_t *bf_dns_router_said(uint8_t number)
{
    return number < BF_IP_DNS_OF_SOURCE ? &dns.server[BF_IP_DNS_ROUTER][number] : IP_ADDR_ANY;
}

void bf_ip_dns_answered(const ip_addr_t *server)
{
    dns.answered = *server;
}

static void add(ip_addr_t *list, uint32_t *count, const ip_addr_t *server)
{
    BF_ASSERT(*count <= BF_IP_DNS_SERVERS);
    if (ip_addr_isany(server) || *count == BF_IP_DNS_SERVERS)
        return;
    for (uint32_t i = 0; i < *count; i++)
        if (ip_addr_eq(&list[i], server))
            return;
    list[(*count)++] = *server;
}

uint32_t bf_ip_dns_servers(ip_addr_t out[BF_IP_DNS_SERVERS])
{
    uint32_t count = 0;
    for (int source = 0; source < BF_IP_DNS_SOURCES; source++) {
        for (int i = 0; i < BF_IP_DNS_OF_SOURCE; i++)
            add(out, &count, &dns.server[source][i]);
        if (source == BF_IP_DNS_CONFIG && count)
            break;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!ip_addr_eq(&out[i], &dns.answered))
            continue;
        memmove(out + 1, out, i * sizeof *out);
        out[0] = dns.answered;
    }
    return count;
}
