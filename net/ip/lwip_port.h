// SPDX-License-Identifier: Apache-2.0
// lwIP over struct bf_nic: one interface, its frames, timers and link state. For the files of the
// IP stack only.
#ifndef BF_NET_IP_LWIP_PORT_H
#define BF_NET_IP_LWIP_PORT_H

#include <stddef.h>
#include <stdint.h>

#include <lwip/netif.h>

#include "base/err.h"
#include "net/nic.h"

// What is done elsewhere when something happens here.
struct bf_lwip_watch {
    void (*packet)(const uint8_t *packet, size_t len); // one has come in, before lwIP looks at it
    void (*link_back)(void);                           // the link was lost and is back
};

// Once per start: lwIP itself, and the pool of received frames for this payload size. It takes less
// when there is little memory. *watch must stay until the end. BF_ERR_NO_MEMORY, BF_ERR_NO_ENTROPY.
enum bf_err bf_lwip_open(uint16_t largest_mtu, const struct bf_lwip_watch *watch);
void bf_lwip_close(void); // nothing may be attached

// The interface. Its addresses are the caller's business. Frames have the tag of vlan unless that
// is 0; packets are at most mtu bytes, for which frames of the NIC have room. hostname must stay.
enum bf_err bf_lwip_attach(struct bf_nic *nic, uint16_t vlan, uint16_t mtu, const char *hostname);
// DHCP names a smaller MTU, for connections from now on; 0: that of the attachment. IPv6 follows it
// down to its own least one.
void bf_lwip_limit_mtu(uint16_t most);
void bf_lwip_detach(void); // connections over it are aborted

struct netif *bf_lwip_netif(void); // NULL when none is attached

// Receives what is there (bounded), follows the link, runs timers. Number of frames received.
uint32_t bf_lwip_poll(void);

// The largest receive window that the pool of frames can back.
uint32_t bf_lwip_window(void);

// For tests: how often lwIP's assertions failed, always 0 in a healthy program.
uint32_t bf_lwip_complaints(void);

#endif
