// SPDX-License-Identifier: Apache-2.0
// Functions that lwIP calls where its configuration says so; defined in net/ip/lwip_port.c and,
// what concerns a connection, in net/ip/tcp.c. Routes, DHCP's options and DNS servers have files of
// their own.
#ifndef BF_NET_IP_LWIP_HOOKS_H
#define BF_NET_IP_LWIP_HOOKS_H

#include <stdint.h>

#include <lwip/ip4_addr.h>
#include <lwip/ip6_addr.h>
#include <lwip/ip_addr.h>

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

uint32_t bf_lwip_random(void);

// Where a packet goes next (net/ip/routes.c). NULL: no route, with IPv6 a router that lwIP knows.
const ip4_addr_t *bf_route_next_hop(const ip4_addr_t *to);
const ip6_addr_t *bf_route_next_hop6(const ip6_addr_t *to);

// DHCP (net/ip/dhcp.c): an option of the message that came in last, and the options of one that
// goes out.
enum {
    BF_DHCP_OPTION_DNS = 6,
    BF_DHCP_OPTION_DOMAIN = 15,
    BF_DHCP_OPTION_MTU = 26,
    BF_DHCP_OPTION_SEARCH = 119,
    BF_DHCP_OPTION_ROUTES = 121,
};
void bf_dhcp_option(uint8_t code, uint8_t len, const struct pbuf *p, uint16_t at);
void bf_dhcp_wanted(uint8_t *options, uint16_t len);

// DNS servers of router advertisements (net/ip/dns.c).
void bf_dns_router_says(uint8_t number, const ip_addr_t *server);
const ip_addr_t *bf_dns_router_said(uint8_t number);

// A segment of a connection has come in, or goes out.
void bf_tcp_received(struct tcp_pcb *pcb, const struct tcp_hdr *header, uint16_t options_len,
                     uint16_t first_len, const uint8_t *rest);
uint32_t *bf_tcp_sending(const struct pbuf *p, const struct tcp_hdr *header,
                         const struct tcp_pcb *pcb, uint32_t *options);

// A packet has come in; 1 when it was eaten. How many have.
int bf_lwip_packet(struct pbuf *p);
uint32_t bf_lwip_packets(void);

#define LWIP_HOOK_IP4_INPUT(p, netif) bf_lwip_packet(p)
#define LWIP_HOOK_IP6_INPUT(p, netif) bf_lwip_packet(p)
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, len, first_len, rest, p)                           \
    (bf_tcp_received(pcb, header, len, first_len, rest), ERR_OK)
#define LWIP_HOOK_TCP_OUT_ADD_TCPOPTS(p, header, pcb, options)                                     \
    bf_tcp_sending(p, header, pcb, options)
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) bf_lwip_random()
#define LWIP_HOOK_ETHARP_GET_GW(netif, destination)               bf_route_next_hop(destination)
#define LWIP_HOOK_ND6_GET_GW(netif, destination)                  bf_route_next_hop6(destination)
#define LWIP_HOOK_DHCP_PARSE_OPTION(netif, dhcp, state, msg, type, code, len, p, at)               \
    (LWIP_UNUSED_ARG(msg), bf_dhcp_option(code, len, p, at))
#define LWIP_HOOK_DHCP_APPEND_OPTIONS(netif, dhcp, state, msg, type, len)                          \
    bf_dhcp_wanted((msg)->options, *(len))
#define DHCP_ADD_EXTRA_REQUEST_OPTIONS                                                             \
    , BF_DHCP_OPTION_DNS, BF_DHCP_OPTION_DOMAIN, BF_DHCP_OPTION_MTU, BF_DHCP_OPTION_SEARCH,        \
        BF_DHCP_OPTION_ROUTES
#define dns_setserver bf_dns_router_says
#define dns_getserver bf_dns_router_said

#endif
