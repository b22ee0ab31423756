// SPDX-License-Identifier: Apache-2.0
// Functions that lwIP calls where its configuration says so; defined in net/lwip_port.c and, what
// concerns a connection, in net/ip_tcp.c.
#ifndef BF_NET_LWIP_HOOKS_H
#define BF_NET_LWIP_HOOKS_H

#include <stdint.h>

#include <lwip/ip6_addr.h>

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

uint32_t bf_lwip_random(void);
const ip6_addr_t *bf_lwip_gateway6(void);

// A segment of a connection has come in, or goes out.
void bf_tcp_received(struct tcp_pcb *pcb, const struct tcp_hdr *header, uint16_t options_len,
                     uint16_t first_len, const uint8_t *rest);
uint32_t *bf_tcp_sending(const struct pbuf *p, const struct tcp_hdr *header,
                         const struct tcp_pcb *pcb, uint32_t *options);

// A packet has come in; 1 when it was eaten.
int bf_lwip_packet(struct pbuf *p);

#define LWIP_HOOK_IP4_INPUT(p, netif) bf_lwip_packet(p)
#define LWIP_HOOK_IP6_INPUT(p, netif) bf_lwip_packet(p)
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, len, first_len, rest, p)                           \
    (bf_tcp_received(pcb, header, len, first_len, rest), ERR_OK)
#define LWIP_HOOK_TCP_OUT_ADD_TCPOPTS(p, header, pcb, options)                                     \
    bf_tcp_sending(p, header, pcb, options)
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) bf_lwip_random()
#define LWIP_HOOK_ND6_GET_GW(netif, destination)                  bf_lwip_gateway6()

#endif
