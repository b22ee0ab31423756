// SPDX-License-Identifier: Apache-2.0
// The time between a link and the first answer. A switch port that takes part in spanning tree
// (IEEE 802.1D-2004, 17.14: twice a forward delay of 15 s, after up to 20 s) has a link and passes
// nothing on; the first attempts of DHCP and of router discovery are lost there, and their pauses
// grow. For the IP stack.
#ifndef BF_NET_IP_WAIT_H
#define BF_NET_IP_WAIT_H

#include <lwip/netif.h>

// The wait begins: a NIC is taken into use, or its link has come back.
void bf_ip_wait_begin(void);

// A frame has come in. Only those that a switch does not make itself count as a sign of life.
void bf_ip_wait_frame(const uint8_t *frame, size_t len);

// In every turn while the link is up: DHCP asks at least every 4 s, routers are asked every 8 s
// until one is known, and when nothing has answered for 8 s that is logged, once. has_address: one
// that reaches beyond the link.
void bf_ip_wait_poll(struct netif *netif, int has_address, const char *nic);

#endif
