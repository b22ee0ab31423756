// SPDX-License-Identifier: Apache-2.0
// The IP stack: which NIC, which addresses. Addresses are configured when a NIC is taken into use;
// link loss and return are followed by net/ip/lwip_port.c, and lwIP asks DHCP and the routers again
// by itself.
#include "net/ip/stack.h"

#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/ip6_addr.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "net/ip/address.h"
#include "net/ip/dhcp.h"
#include "net/ip/dhcp6.h"
#include "net/ip/dial.h"
#include "net/ip/dns.h"
#include "net/ip/pmtu.h"
#include "net/ip/routes.h"
#include "net/ip/tcp.h"
#include "net/ip/vlan.h"
#include "net/ip/wait.h"
#include "net/ip/lwip_port.h"

enum {
    ROUNDS_KEPT = 3,            // in vain, with a NIC over which a server has answered
    TURN_US = 30 * 1000 * 1000, // of a NIC among several, until it has an address
    OTHERS_US = 500 * 1000,     // how often the links of the other NICs are refreshed
    IMPLIED6 = 64,              // the length of the prefix that lwIP gives a static IPv6 address
    MTU_LEAST = 1280,           // IPv6's; what says less is not believed
    MTU_MOST = BF_CONFIG_MTU_MOST,
};

static struct {
    const struct bf_config *config;
    struct bf_nic *nics[BF_IP_NICS_MAX];
    uint32_t count, current;
    uint32_t rounds; // in vain with the current one
    uint8_t answered;
    uint8_t started;
    int8_t static6; // lwIP's number of the static IPv6 address, -1 without one
    uint64_t others_due;
    uint64_t absent_us; // since when servers are dialled in vain; 0: they are not
} stack;

static struct bf_nic *nic(void)
{
    BF_ASSERT(stack.current < stack.count);
    return stack.nics[stack.current];
}

static int link_of(const struct bf_nic *n)
{
    return n->ops->link(n->impl);
}

// What has come in concerns the connections, or names a router that has DHCPv6.
static void see_packet(const uint8_t *packet, size_t len)
{
    struct bf_pmtu_news news;
    if (bf_pmtu_parse(packet, len, &news))
        bf_tcp_path_mtu(&news);
    bf_ip_dhcp6_packet(packet, len);
}

static const struct bf_lwip_watch watch = {see_packet, bf_ip_dhcp6_link_back};

// ---- Addresses ---------------------------------------------------------------------------------

static void configure_ipv4(struct netif *netif)
{
    const struct bf_config *c = stack.config;
    if (c->address.family == 4) {
        ip_addr_t address = bf_ip_to_lwip(&c->address);
        ip4_addr_t mask = {lwip_htonl(c->prefix ? UINT32_MAX << (32 - c->prefix) : 0)};
        netif_set_addr(netif, ip_2_ip4(&address), &mask, NULL);
    } else if (c->dhcp && dhcp_start(netif) != ERR_OK) {
        bf_log(BF_LOG_ERROR, "network: DHCP could not be started");
    }
}

static void configure_ipv6(struct netif *netif)
{
    const struct bf_config *c = stack.config;
    netif_create_ip6_linklocal_address(netif, 1);
    netif_set_ip6_autoconfig_enabled(netif, 1);
    BF_ASSERT(stack.static6 < 0);
    bf_ip_dhcp6_begin(netif, c->address.family != 6);
    if (c->address.family != 6)
        return;
    ip_addr_t address = bf_ip_to_lwip(&c->address);
    int8_t index = -1;
    if (netif_add_ip6_address(netif, ip_2_ip6(&address), &index) != ERR_OK || index < 0) {
        bf_log(BF_LOG_ERROR, "network: the static IPv6 address could not be set");
        return;
    }
    stack.static6 = index;
    if (c->prefix == IMPLIED6)
        return;
    // A static one would have lwIP take its /64 for the link; so the routes decide.
    netif_ip6_addr_set_valid_life(netif, index, IP6_ADDR_LIFE_INFINITE);
    netif_ip6_addr_set_pref_life(netif, index, IP6_ADDR_LIFE_INFINITE);
}

// The largest packet of a NIC. What its driver does not carry cannot be had by configuration.
static uint16_t payload(const struct bf_nic *n)
{
    const struct bf_config *c = stack.config;
    uint16_t mtu = bf_vlan_mtu(n, c->vlan, c->mtu);
    if (mtu < c->mtu)
        bf_log(BF_LOG_WARNING, "network: %s carries packets of %u bytes only; ignoring mtu=%u",
               n->name, (unsigned)mtu, (unsigned)c->mtu);
    return mtu;
}

static enum bf_err take_nic(uint32_t index)
{
    const struct bf_config *c = stack.config;
    BF_ASSERT(index < stack.count && !bf_lwip_netif());
    stack.current = index;
    stack.rounds = 0;
    stack.answered = 0;
    stack.static6 = -1;
    bf_ip_dns_clear(); // those of the NIC before
    bf_ip_dns_use(BF_IP_DNS_CONFIG, c->dns, c->dns_count);
    enum bf_err err =
        bf_lwip_attach(nic(), c->vlan, payload(nic()), c->name[0] ? c->name : "bootferry");
    if (err != BF_OK)
        return err;
    bf_ip_routes_begin(c);
    configure_ipv4(bf_lwip_netif());
    if (bf_lwip_netif()->mtu >= BF_CONFIG_MTU_IPV6)
        configure_ipv6(bf_lwip_netif());
    return BF_OK;
}

static void leave_nic(void)
{
    struct netif *netif = bf_lwip_netif();
    if (!netif)
        return;
    bf_tcp_abort_all();
    bf_ip_dhcp6_end();
    dhcp_release_and_stop(netif);
    dhcp_cleanup(netif);
    bf_lwip_detach();
    bf_ip_routes_end();
}

// ---- Choosing a NIC ----------------------------------------------------------------------------

static enum bf_err no_such_nic(struct bf_nic *const *nics, uint32_t count,
                               const struct bf_config *config, struct bf_fault *fault)
{
    char list[128] = "none";
    size_t at = 0;
    if (count == 0)
        return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SOURCE,
                            "use a NIC that this machine's firmware supports, or enable its "
                            "network boot option",
                            "this machine shows no network interface");
    for (uint32_t i = 0; i < count && at + 20 < sizeof list; i++) {
        const uint8_t *m = nics[i]->mac;
        at += (size_t)bf_snprintf(list + at, sizeof list - at, "%s%02x:%02x:%02x:%02x:%02x:%02x",
                                  i ? ", " : "", m[0], m[1], m[2], m[3], m[4], m[5]);
    }
    const uint8_t *m = config->nic;
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG,
                        "set nic= to one of them, or leave it out",
                        "no NIC has the address %02x:%02x:%02x:%02x:%02x:%02x; there are: %s", m[0],
                        m[1], m[2], m[3], m[4], m[5], list);
}

static uint16_t bounded_mtu(const struct bf_nic *n)
{
    return n->mtu < MTU_LEAST ? MTU_LEAST : n->mtu > MTU_MOST ? MTU_MOST : n->mtu;
}

enum bf_err bf_ip_start(struct bf_nic *const *nics, uint32_t count, const struct bf_config *config,
                        struct bf_fault *fault)
{
    uint16_t mtu = MTU_LEAST;
    bf_ip_stop();
    BF_ASSERT(!stack.started && !bf_lwip_netif());
    memset(&stack, 0, sizeof stack);
    stack.config = config;
    for (uint32_t i = 0; i < count && stack.count < BF_IP_NICS_MAX; i++) {
        if (config->has_nic && memcmp(nics[i]->mac, config->nic, sizeof config->nic) != 0)
            continue;
        mtu = bounded_mtu(nics[i]) > mtu ? bounded_mtu(nics[i]) : mtu;
        stack.nics[stack.count++] = nics[i];
    }
    if (stack.count == 0)
        return no_such_nic(nics, count, config, fault);
    uint32_t first = 0;
    for (uint32_t i = stack.count; i-- > 0;)
        if (link_of(stack.nics[i]) != 0)
            first = i;
    bf_tcp_share(config->connections);
    enum bf_err err = bf_lwip_open(mtu, &watch);
    if (err == BF_OK)
        err = take_nic(first);
    if (err != BF_OK) {
        bf_lwip_close();
        return bf_fault_set(fault, err, BF_SIDE_SOURCE,
                            "give the machine more memory, and a source of random numbers",
                            "the network cannot be started: %s", bf_err_name(err));
    }
    stack.started = 1;
    return BF_OK;
}

// The next NIC after the current one that has a link.
static uint32_t other_nic(void)
{
    for (uint32_t i = 1; i < stack.count; i++) {
        uint32_t index = (stack.current + i) % stack.count;
        if (link_of(stack.nics[index]) != 0)
            return index;
    }
    return stack.current;
}

static void go_on_to_other(const char *why)
{
    uint32_t next = other_nic();
    BF_ASSERT(stack.started && next < stack.count);
    stack.rounds = 0;
    if (next == stack.current)
        return;
    bf_log(BF_LOG_INFO, "network: %s %s, trying %s", why, nic()->name, stack.nics[next]->name);
    leave_nic();
    if (take_nic(next) != BF_OK)
        bf_log(BF_LOG_ERROR, "network: %s could not be started", nic()->name);
}

static void nobody_answered(void *impl)
{
    if (stack.started && ++stack.rounds >= (stack.answered ? ROUNDS_KEPT : 1))
        go_on_to_other("no server answers over");
}

// ---- Dialling ----------------------------------------------------------------------------------

static int view_link(void)
{
    struct netif *netif = bf_lwip_netif();
    return netif ? link_of(nic()) : 0;
}

static int global6(const struct netif *netif, int i)
{
    return ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
           !ip6_addr_istentative(netif_ip6_addr_state(netif, i)) &&
           !ip6_addr_islinklocal(netif_ip6_addr(netif, i));
}

static enum bf_err view_broken(struct bf_fault *fault)
{
    const uint8_t *m = nic()->mac;
    if (!nic()->failed)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SOURCE,
                        "restart the machine, try driver=firmware, or use another NIC",
                        "the NIC %02x:%02x:%02x:%02x:%02x:%02x (%s, %s) no longer works, "
                        "and no other NIC has a link",
                        m[0], m[1], m[2], m[3], m[4], m[5], nic()->ops->driver, nic()->name);
}

// With several NICs, each gets its part of the time. Their links are up at the same time, so what a
// switch port needs has passed when the first one's turn comes again.
static uint64_t view_wait_us(uint64_t most)
{
    uint64_t patience = (uint64_t)stack.config->retry_seconds * 1000000, share, left;
    uint64_t absent = bf_platform_now_us() - stack.absent_us;
    uint32_t links = 0;
    for (uint32_t i = 0; i < stack.count; i++)
        links += link_of(stack.nics[i]) != 0;
    if (links > 1 && most > TURN_US)
        most = TURN_US;
    if (!patience)
        return most;
    share = patience / (links ? links : 1);
    left = absent < patience ? patience - absent : 0;
    most = most < share ? most : share;
    return most < left ? most : left;
}

static int has_address(uint8_t family)
{
    const struct netif *netif = bf_lwip_netif();
    if (!netif || !netif_is_link_up(netif))
        return 0;
    if (family == 4)
        return !ip4_addr_isany(netif_ip4_addr(netif));
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (global6(netif, i))
            return 1;
    return 0;
}

// From the link-local address only what is on the link can be reached.
static int view_ready(const ip_addr_t *to)
{
    const struct netif *netif = bf_lwip_netif();
    if (!to)
        return has_address(4) || has_address(6);
    if (IP_IS_V4(to) || !ip6_addr_islinklocal(ip_2_ip6(to)))
        return has_address(IP_IS_V4(to) ? 4 : 6);
    return netif && netif_is_link_up(netif) && ip6_addr_isvalid(netif_ip6_addr_state(netif, 0)) &&
           !ip6_addr_istentative(netif_ip6_addr_state(netif, 0));
}

static int view_pending(void)
{
    const struct netif *netif = bf_lwip_netif();
    return stack.config->dhcp && netif && !dhcp_supplied_address(netif);
}

static void view_answered(void)
{
    stack.answered = 1;
    stack.rounds = 0;
    stack.absent_us = 0;
}

static enum bf_err view_no_address(const struct bf_peer *peer, struct bf_fault *fault)
{
    if (stack.config->address.family) {
        bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_CONFIG, "",
                     "the configured address cannot reach this %s, and no router offers another",
                     peer->word);
        return bf_fault_todo(fault, "give an address of the same family as the %s's", peer->word);
    }
    char six[160], vlan[24] = "";
    bf_ip_dhcp6_explain(six, sizeof six);
    if (stack.config->vlan)
        bf_snprintf(vlan, sizeof vlan, " with vlan=%u", (unsigned)stack.config->vlan);
    return bf_fault_set(
        fault, BF_ERR_TIMEOUT, BF_SIDE_NETWORK,
        "check the cabling, VLAN and DHCP server, or set address= and gateway=; set retry= higher "
        "if the switch port takes longer",
        "no DHCP server answers on %s%s, and %s", nic()->name, vlan, six);
}

static const struct bf_ip_view view = {
    .link = view_link,
    .broken = view_broken,
    .wait_us = view_wait_us,
    .ready = view_ready,
    .pending = view_pending,
    .answered = view_answered,
    .no_address = view_no_address,
};

static enum bf_err dial(void *impl, const struct bf_peer *peer, const char *host, uint16_t port,
                        struct bf_stream *out, struct bf_fault *fault)
{
    if (!stack.started)
        return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_SOURCE, "start the network first",
                            "the network is not started");
    if (!stack.absent_us)
        stack.absent_us = bf_platform_now_us();
    return bf_ip_dial(&view, peer, host, port, out, fault);
}

struct bf_dialer bf_ip_dialer(void)
{
    return (struct bf_dialer){dial, nobody_answered, NULL};
}

// ---- The loop and the screen -------------------------------------------------------------------

uint32_t bf_ip_poll(void)
{
    uint64_t now = bf_platform_now_us();
    if (!stack.started)
        return 0;
    for (uint32_t i = 0; now >= stack.others_due && i < stack.count; i++)
        if (i != stack.current)
            stack.nics[i]->ops->poll(stack.nics[i]->impl); // their links may be asked for
    if (now >= stack.others_due)
        stack.others_due = now + OTHERS_US;
    if (nic()->failed)
        go_on_to_other("nothing can be sent over");
    uint32_t frames = bf_lwip_poll();
    struct netif *netif = bf_lwip_netif();
    if (netif)
        bf_dhcp_keep(netif);
    bf_ip_dhcp6_poll();
    if (netif && netif_is_link_up(netif))
        bf_ip_wait_poll(netif, view_ready(NULL), nic()->name);
    return frames;
}

// RFC 5952, 4.3: lower case.
static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'F')
            *text = (char)(*text - 'A' + 'a');
}

static void status6(const struct netif *netif, struct bf_ip_status *out)
{
    char text[IP6ADDR_STRLEN_MAX];
    for (int i = LWIP_IPV6_NUM_ADDRESSES - 1; i >= 0; i--) {
        if (!global6(netif, i))
            continue;
        ip6addr_ntoa_r(netif_ip6_addr(netif, i), text, sizeof text);
        lower(text);
        uint32_t prefix = bf_ip_dhcp6_leased(i) ? 128
                          : i == stack.static6  ? stack.config->prefix
                                                : 64;
        bf_snprintf(out->address6, sizeof out->address6, "%s/%u", text, (unsigned)prefix);
    }
}

static void status4(const struct netif *netif, struct bf_ip_status *out)
{
    char text[IP4ADDR_STRLEN_MAX];
    ip4addr_ntoa_r(netif_ip4_addr(netif), text, sizeof text);
    bf_snprintf(out->address, sizeof out->address, "%s/%u", text, (unsigned)bf_ip_routes_prefix());
    out->dhcp = (uint8_t)dhcp_supplied_address(netif);
}

void bf_ip_status(struct bf_ip_status *out)
{
    const struct netif *netif = bf_lwip_netif();
    ip_addr_t dns[BF_IP_DNS_SERVERS];
    memset(out, 0, sizeof *out);
    if (!stack.started || !netif)
        return;
    out->nic = nic();
    out->link = (int8_t)link_of(nic());
    out->vlan = stack.config->vlan;
    out->mtu = netif->mtu;
    out->phase = BF_IP_CONFIGURING;
    if (out->link == 0)
        out->phase = BF_IP_NO_LINK;
    else if (view_ready(NULL))
        out->phase = BF_IP_READY;
    if (!ip4_addr_isany(netif_ip4_addr(netif)))
        status4(netif, out);
    status6(netif, out);
    bf_ip_routes_router(out->gateway, sizeof out->gateway);
    if (bf_ip_dns_servers(dns) > 0)
        ipaddr_ntoa_r(&dns[0], out->dns, sizeof out->dns);
    lower(out->dns);
}

void bf_ip_stop(void)
{
    if (!stack.started)
        return;
    leave_nic();
    bf_lwip_close();
    stack.started = 0;
}
