// SPDX-License-Identifier: Apache-2.0
// lwIP's interface says when an address is valid, also when a lease is renewed; then the table is
// made anew and lwIP's own mask and gateway are taken away. The dhcp structure says whether the
// address is DHCP's.
#include "net/ip/routes.h"

#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/netif.h>
#include <lwip/priv/nd6_priv.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "net/ip/address.h"
#include "net/ip/dhcp.h"
#include "net/ip/dns.h"
#include "net/ip/lwip_hooks.h"
#include "net/ip/lwip_port.h"

enum { LINK_LOCAL_PREFIX = 16 };
static const uint32_t LINK_LOCAL =
    0xa9fe0000; // 169.254/16, never behind a router (RFC 3927, 2.6.2)

static struct {
    const struct bf_config *config;
    struct bf_dhcp_extras dhcp;
    struct bf_routes table, before; // in force, and what was logged last
    uint32_t address, dhcp_server, dhcp_router;
    uint8_t prefix, by_dhcp;
    ip4_addr_t hop;
    ip6_addr_t router6;
    netif_ext_callback_t callback;
} routes;

static uint32_t configured_router(void)
{
    ip_addr_t gateway = bf_ip_to_lwip(&routes.config->gateway);
    return routes.config->gateway.family == 4 ? lwip_ntohl(ip_2_ip4(&gateway)->addr) : 0;
}

static const char *text4(uint32_t address, char out[IP4ADDR_STRLEN_MAX])
{
    ip4_addr_t a = {lwip_htonl(address)};
    return ip4addr_ntoa_r(&a, out, IP4ADDR_STRLEN_MAX);
}

// ---- What is said about it ---------------------------------------------------------------------

static void log_route(const struct bf_route *r)
{
    char to[IP4ADDR_STRLEN_MAX], over[IP4ADDR_STRLEN_MAX];
    bf_log(BF_LOG_INFO, "network: DHCP gives the route %s/%u %s%s", text4(r->network, to),
           (unsigned)r->prefix, r->router ? "via " : "on the link",
           r->router ? text4(r->router, over) : "");
}

// Only what is news, since every renewal comes here.
static void log_lease(void)
{
    char ours[IP4ADDR_STRLEN_MAX], theirs[IP4ADDR_STRLEN_MAX];
    uint32_t router = configured_router();
    if (memcmp(&routes.table, &routes.before, sizeof routes.table) == 0)
        return;
    routes.before = routes.table;
    for (uint32_t i = 0; routes.dhcp.has_routes && i < routes.dhcp.routes.count; i++)
        log_route(&routes.dhcp.routes.route[i]);
    if (routes.table.ignored || routes.dhcp.routes.ignored)
        bf_log(BF_LOG_WARNING, "network: DHCP gives more than %u routes; ignoring the others",
               BF_ROUTES_MAX);
    if (router && routes.dhcp_router && router != routes.dhcp_router)
        bf_log(BF_LOG_INFO, "network: gateway=%s is used, not the router %s from DHCP",
               text4(router, ours), text4(routes.dhcp_router, theirs));
    if (routes.config->dns_count && routes.dhcp.dns_count)
        bf_log(BF_LOG_INFO, "network: dns= is used, not the DNS servers from DHCP");
}

// ---- The table ---------------------------------------------------------------------------------

static void take_dhcp(struct netif *netif)
{
    const struct dhcp *dhcp = netif_dhcp_data(netif);
    const struct bf_routes *given = &routes.dhcp.routes;
    BF_ASSERT(dhcp); // the address is of its lease
    bf_dhcp_endless(netif);
    bf_dhcp_read(&routes.dhcp);
    if (!routes.config->mtu)
        bf_lwip_limit_mtu(routes.dhcp.mtu);
    bf_ip_dns_use(BF_IP_DNS_DHCP, routes.dhcp.dns, routes.dhcp.dns_count);
    bf_ip_dns_search(BF_IP_DNS_DHCP, routes.dhcp.domain, routes.dhcp.domains);
    routes.dhcp_server = lwip_ntohl(ip_2_ip4(&dhcp->server_ip_addr)->addr);
    routes.dhcp_router = lwip_ntohl(netif_ip4_gw(netif)->addr);
    if (routes.dhcp.has_routes)
        routes.dhcp_router = 0;
    for (uint32_t i = 0; routes.dhcp.has_routes && i < given->count; i++) {
        uint32_t router = given->route[i].router;
        if (given->route[i].prefix == 0)
            routes.dhcp_router = router;
        bf_routes_add(&routes.table, given->route[i].network, given->route[i].prefix,
                      router == routes.address ? 0 : router);
    }
    if (routes.dhcp_router && !routes.dhcp.has_routes)
        bf_routes_add(&routes.table, 0, 0, routes.dhcp_router);
}

static void apply(struct netif *netif)
{
    ip4_addr_t all = {UINT32_MAX}, none = {0};
    uint32_t mask = lwip_ntohl(netif_ip4_netmask(netif)->addr);
    memset(&routes.table, 0, sizeof routes.table);
    routes.address = lwip_ntohl(netif_ip4_addr(netif)->addr);
    routes.by_dhcp = dhcp_supplied_address(netif);
    for (routes.prefix = 0; mask & 0x80000000u; mask <<= 1)
        routes.prefix++;
    BF_ASSERT(routes.config && routes.prefix <= 32);
    bf_routes_add(&routes.table, routes.address, routes.prefix, 0);
    bf_routes_add(&routes.table, LINK_LOCAL, LINK_LOCAL_PREFIX, 0);
    if (configured_router())
        bf_routes_add(&routes.table, 0, 0, configured_router());
    if (routes.by_dhcp)
        take_dhcp(netif);
    log_lease();
    netif_set_netmask(netif, &all);
    netif_set_gw(netif, &none);
}

static void on_change(struct netif *netif, netif_nsc_reason_t reason,
                      const netif_ext_callback_args_t *args)
{
    if (reason & LWIP_NSC_IPV4_ADDR_VALID)
        apply(netif);
    else if (ip4_addr_isany(netif_ip4_addr(netif)))
        routes.table.count = 0;
}

void bf_ip_routes_begin(const struct bf_config *config)
{
    bf_ip_routes_end();
    BF_ASSERT(!routes.config && !routes.table.count);
    routes.config = config;
    if (config->gateway.family == 6) {
        ip_addr_t gateway = bf_ip_to_lwip(&config->gateway);
        routes.router6 = *ip_2_ip6(&gateway);
    }
    netif_add_ext_callback(&routes.callback, on_change);
}

void bf_ip_routes_end(void)
{
    if (routes.config)
        netif_remove_ext_callback(&routes.callback);
    memset(&routes, 0, sizeof routes);
}

// ---- What lwIP asks ----------------------------------------------------------------------------

const ip4_addr_t *bf_route_next_hop(const ip4_addr_t *to)
{
    const struct bf_route *r = bf_routes_find(&routes.table, lwip_ntohl(to->addr));
    if (!r)
        return NULL;
    routes.hop.addr = r->router ? lwip_htonl(r->router) : to->addr;
    return &routes.hop;
}

const ip6_addr_t *bf_route_next_hop6(const ip6_addr_t *to)
{
    const struct bf_config *c = routes.config;
    struct bf_ip address = {.family = 6};
    if (!c)
        return NULL;
    memcpy(address.bytes, to->addr, sizeof address.bytes);
    if (c->address.family == 6 && bf_ip_same_net(&address, &c->address, c->prefix))
        return to;
    return ip6_addr_isany(&routes.router6) ? NULL : &routes.router6;
}

// ---- What the stack asks -----------------------------------------------------------------------

uint32_t bf_ip_routes_prefix(void)
{
    return routes.prefix;
}

// gateway=, else the first one that advertises itself: only default routers are in the list.
static void router6(char *out, size_t size)
{
    ip_addr_t router = IPADDR6_INIT(0, 0, 0, 0);
    ip6_addr_copy(*ip_2_ip6(&router), routes.router6);
    for (uint32_t i = 0; ip_addr_isany(&router) && i < LWIP_ND6_NUM_ROUTERS; i++)
        if (default_router_list[i].neighbor_entry)
            ip6_addr_copy(*ip_2_ip6(&router),
                          default_router_list[i].neighbor_entry->next_hop_address);
    if (!ip_addr_isany(&router))
        bf_ip_lwip_text(out, size, &router);
}

void bf_ip_routes_router(char *out, size_t size)
{
    char text[IP4ADDR_STRLEN_MAX];
    bf_snprintf(out, size, "%s", "");
    router6(out, size);
    for (uint32_t i = 0; i < routes.table.count; i++)
        if (routes.table.route[i].prefix == 0 && routes.table.route[i].router)
            bf_snprintf(out, size, "%s", text4(routes.table.route[i].router, text));
}

enum bf_err bf_ip_routes_check(const ip_addr_t *address, const struct bf_peer *peer, const char *to,
                               struct bf_fault *fault)
{
    char own[IP4ADDR_STRLEN_MAX], server[IP4ADDR_STRLEN_MAX];
    unsigned prefix = routes.prefix;
    if (!IP_IS_V4(address) || bf_route_next_hop(ip_2_ip4(address)))
        return BF_OK;
    text4(routes.address, own);
    if (!routes.by_dhcp) {
        bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_CONFIG, "",
                     "with address=%s/%u and without gateway= no route leads to %s", own, prefix,
                     to);
        return bf_fault_todo(fault,
                             "set gateway=, or give address= the prefix length of the %s's network",
                             peer->word);
    }
    return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_NETWORK,
                        "let the DHCP server give a router (option 3 or 121), or set gateway=",
                        "this machine has %s/%u, and the DHCP server %s gave %s; no route leads to "
                        "%s",
                        own, prefix, text4(routes.dhcp_server, server),
                        routes.dhcp.has_routes ? "routes to other networks only" : "no router", to);
}
