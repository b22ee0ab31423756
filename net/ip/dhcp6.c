// SPDX-License-Identifier: Apache-2.0
// The client of net/ip/dhcp6_client.h on lwIP's UDP. The address goes into one of the netif's
// places with the lease's lifetime and no network: lwIP takes only the prefixes of advertisements
// and static addresses for on the link, and a router for everything else.
#include "net/ip/dhcp6.h"

#include <string.h>

#include <lwip/ip6_addr.h>
#include <lwip/udp.h>

#include "base/assert.h"
#include "base/config.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "net/ip/dhcp6_client.h"
#include "net/ip/dns.h"
#include "net/ip/ra.h"
#include "net/ip/lwip_hooks.h"

enum { CLIENT_PORT = 546, SERVER_PORT = 547, ANSWER_MOST = 1500 };

// All zero until bf_ip_dhcp6_begin, so that the boot image has no bytes of it.
static struct {
    struct netif *netif; // NULL: not in use, and nothing else counts
    struct udp_pcb *pcb;
    struct bf_dhcp6_client client;
    struct bf_ra ra;
    uint8_t advertised, addresses;
    int8_t slot; // of the leased address, -1: none
    uint32_t changes;
} dhcp6;

// ---- Messages ----------------------------------------------------------------------------------

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
    uint8_t message[ANSWER_MOST];
    if (port == SERVER_PORT && p->tot_len <= sizeof message &&
        pbuf_copy_partial(p, message, p->tot_len, 0) == p->tot_len)
        bf_dhcp6_client_receive(&dhcp6.client, message, p->tot_len, bf_platform_now_us());
    pbuf_free(p);
}

// To all servers and relays of the link (RFC 8415, 7.1), from the link-local address.
static void send(const uint8_t *message, size_t len)
{
    ip_addr_t to;
    BF_ASSERT(dhcp6.netif && dhcp6.pcb && len <= BF_DHCP6_MESSAGE_MOST);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (!p)
        return;
    memcpy(p->payload, message, len);
    IP_ADDR6(&to, PP_HTONL(0xff020000), 0, 0, PP_HTONL(0x00010002));
    ip6_addr_assign_zone(ip_2_ip6(&to), IP6_MULTICAST, dhcp6.netif);
    udp_sendto_if_src(dhcp6.pcb, p, &to, SERVER_PORT, dhcp6.netif, netif_ip_addr6(dhcp6.netif, 0));
    pbuf_free(p);
}

static void drop(enum bf_dhcp6_type how)
{
    uint8_t message[BF_DHCP6_MESSAGE_MOST];
    size_t len = bf_dhcp6_client_drop(&dhcp6.client, how, bf_platform_now_us(), message);
    if (len > 0)
        send(message, len);
}

// ---- The lease ---------------------------------------------------------------------------------

static void forget_address(void)
{
    if (dhcp6.slot >= 0)
        netif_ip6_addr_set_state(dhcp6.netif, dhcp6.slot, IP6_ADDR_INVALID);
    dhcp6.slot = -1;
}

static void use_address(const struct bf_dhcp6_answer *lease)
{
    ip6_addr_t address;
    uint32_t part[4];
    BF_ASSERT(lease->has_address);
    memcpy(part, lease->address, sizeof part);
    IP6_ADDR(&address, part[0], part[1], part[2], part[3]);
    if (dhcp6.slot >= 0 && !ip6_addr_zoneless_eq(netif_ip6_addr(dhcp6.netif, dhcp6.slot), &address))
        forget_address();
    if (netif_add_ip6_address(dhcp6.netif, &address, &dhcp6.slot) != ERR_OK) {
        bf_log(BF_LOG_ERROR, "network: no room for the address from DHCPv6");
        return;
    }
    netif_ip6_addr_set_valid_life(dhcp6.netif, dhcp6.slot, lease->valid);
    netif_ip6_addr_set_pref_life(dhcp6.netif, dhcp6.slot, lease->preferred);
}

static void use_dns(const struct bf_dhcp6_answer *a)
{
    struct bf_ip servers[BF_DHCP6_DNS];
    BF_ASSERT(a->dns_count <= BF_DHCP6_DNS && a->domains <= BF_DNS_DOMAINS);
    for (uint32_t i = 0; i < a->dns_count; i++) {
        servers[i] = (struct bf_ip){.family = 6};
        memcpy(servers[i].bytes, a->dns[i], sizeof servers[i].bytes);
    }
    bf_ip_dns_use(BF_IP_DNS_DHCP6, servers, a->dns_count);
    bf_ip_dns_search(BF_IP_DNS_DHCP6, dhcp6.client.answer.domain, a->domains);
}

static void follow_client(void)
{
    const struct bf_dhcp6_client *c = &dhcp6.client;
    if (dhcp6.changes == c->changes)
        return;
    dhcp6.changes = c->changes;
    if (c->has_lease)
        use_address(&c->answer);
    else
        forget_address();
    if (c->has_lease || c->state == BF_DHCP6_INFORMED)
        use_dns(&c->answer);
}

// Somebody else has the address (RFC 4862, 5.4.5).
static void watch_for_duplicate(void)
{
    if (dhcp6.slot < 0 || !ip6_addr_isduplicated(netif_ip6_addr_state(dhcp6.netif, dhcp6.slot)))
        return;
    bf_log(BF_LOG_WARNING, "network: another machine has the address that DHCPv6 gave");
    drop(BF_DHCP6_DECLINE);
}

// ---- From outside ------------------------------------------------------------------------------

void bf_ip_dhcp6_begin(struct netif *netif, int addresses)
{
    BF_ASSERT(!dhcp6.netif && !dhcp6.pcb);
    memset(&dhcp6, 0, sizeof dhcp6);
    dhcp6.slot = -1;
    dhcp6.netif = netif;
    dhcp6.addresses = (uint8_t)addresses;
    bf_dhcp6_client_init(&dhcp6.client, netif->hwaddr);
    dhcp6.pcb = udp_new_ip_type(IPADDR_TYPE_V6);
    if (!dhcp6.pcb || udp_bind(dhcp6.pcb, IP6_ADDR_ANY, CLIENT_PORT) != ERR_OK) {
        bf_log(BF_LOG_ERROR, "network: DHCPv6 could not be started");
        bf_ip_dhcp6_end();
        return;
    }
    udp_bind_netif(dhcp6.pcb, netif);
    udp_recv(dhcp6.pcb, on_datagram, NULL);
}

void bf_ip_dhcp6_end(void)
{
    if (!dhcp6.netif)
        return;
    if (dhcp6.pcb) {
        drop(BF_DHCP6_RELEASE);
        udp_remove(dhcp6.pcb);
    }
    dhcp6.netif = NULL;
    dhcp6.pcb = NULL;
    dhcp6.slot = -1;
}

static void search_domains(const struct bf_ra *ra)
{
    char domain[BF_DNS_DOMAINS][BF_DNS_NAME];
    if (ra->domains)
        bf_ip_dns_search(BF_IP_DNS_ROUTER, domain,
                         bf_dns_read_domains(ra->domains, ra->domains_len, domain));
}

void bf_ip_dhcp6_packet(const uint8_t *packet, size_t len)
{
    struct bf_ra ra;
    uint64_t now = bf_platform_now_us();
    if (!dhcp6.netif || !bf_ra_parse(packet, len, &ra))
        return;
    search_domains(&ra);
    ra.domains = NULL;                    // the packet goes
    ra.has_prefix |= dhcp6.ra.has_prefix; // it may come in several messages
    dhcp6.ra = ra;
    dhcp6.advertised = 1;
    if (ra.managed && dhcp6.addresses)
        bf_dhcp6_client_managed(&dhcp6.client, now);
    else if (ra.managed || ra.other)
        bf_dhcp6_client_other(&dhcp6.client, now);
}

void bf_ip_dhcp6_link_back(void)
{
    if (dhcp6.netif)
        bf_dhcp6_client_confirm(&dhcp6.client, bf_platform_now_us());
}

void bf_ip_dhcp6_poll(void)
{
    uint8_t message[BF_DHCP6_MESSAGE_MOST];
    if (!dhcp6.netif || dhcp6.client.state == BF_DHCP6_IDLE ||
        !ip6_addr_isvalid(netif_ip6_addr_state(dhcp6.netif, 0)))
        return;
    size_t len =
        bf_dhcp6_client_poll(&dhcp6.client, bf_platform_now_us(), bf_lwip_random(), message);
    if (len > 0)
        send(message, len);
    follow_client();
    watch_for_duplicate();
}

int bf_ip_dhcp6_leased(int i)
{
    return dhcp6.netif && i == dhcp6.slot;
}

void bf_ip_dhcp6_explain(char *out, size_t size)
{
    const struct bf_dhcp6_client *c = &dhcp6.client;
    char router[48];
    struct bf_ip ip = {.family = 6};
    memcpy(ip.bytes, dhcp6.ra.router, sizeof ip.bytes);
    bf_ip_text(router, sizeof router, &ip);
    if (!dhcp6.netif)
        bf_snprintf(out, size, "IPv6 is not in use");
    else if (!dhcp6.advertised)
        bf_snprintf(out, size, "no IPv6 router answers");
    else if (dhcp6.ra.managed && c->refused)
        bf_snprintf(out, size, "the DHCPv6 server gives no address (%s%s%s)",
                    bf_dhcp6_status_name(c->status), c->text[0] ? ": " : "", c->text);
    else if (dhcp6.ra.managed)
        bf_snprintf(out, size, "the IPv6 router %s refers to DHCPv6, where no server answers",
                    router);
    else
        bf_snprintf(out, size,
                    "the IPv6 router %s announces neither a prefix for addresses nor DHCPv6",
                    router);
}
