// SPDX-License-Identifier: Apache-2.0
// DHCPv6 over lwIP: begins when a router advertisement asks for it, puts the leased address and the
// DNS servers in force, takes the address away when the lease ends. For the IP stack.
#ifndef BF_NET_IP_DHCP6_H
#define BF_NET_IP_DHCP6_H

#include <stddef.h>
#include <stdint.h>

#include <lwip/netif.h>

// For a NIC that is taken into use. addresses 0: only DNS servers are wanted.
void bf_ip_dhcp6_begin(struct netif *netif, int addresses);
// Gives the lease back. Takes a netif that is about to be removed.
void bf_ip_dhcp6_end(void);

// An IPv6 packet that has come in; only router advertisements matter.
void bf_ip_dhcp6_packet(const uint8_t *packet, size_t len);
// The link was lost and is back.
void bf_ip_dhcp6_link_back(void);
void bf_ip_dhcp6_poll(void);

// Whether the netif's address number i is leased: then nothing but itself is on the link by it.
int bf_ip_dhcp6_leased(int i);

// Why there is no IPv6 address, as a clause: "no IPv6 router answers".
void bf_ip_dhcp6_explain(char *out, size_t size);

#endif
