// SPDX-License-Identifier: Apache-2.0
// Functions that lwIP calls where its configuration says so; defined in net/lwip_port.c.
#ifndef BF_NET_LWIP_HOOKS_H
#define BF_NET_LWIP_HOOKS_H

#include <stdint.h>

#include <lwip/ip6_addr.h>

uint32_t bf_lwip_random(void);
const ip6_addr_t *bf_lwip_gateway6(void);

#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) bf_lwip_random()
#define LWIP_HOOK_ND6_GET_GW(netif, destination)                  bf_lwip_gateway6()

#endif
