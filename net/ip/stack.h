// SPDX-License-Identifier: Apache-2.0
// The IP stack of the boot program: lwIP over one NIC at a time, chosen from those that there are.
// With nic=MAC it is that one; else each that has a link, in turn, until a server answers over it:
// the first dial goes out over the first NIC, and when nobody answered the connector says so and
// the next round takes the next one. A NIC over which a server has answered is kept for three
// rounds in vain before the others get their turn again; one that has failed is left at once.
//
// IPv4 by DHCP (RFC 2131) or static, IPv6 by SLAAC (RFC 4862) always and static when configured,
// DNS servers from the configuration, else from DHCP and router advertisements (RFC 8106). A link
// that comes back asks DHCP again. One stack per program, as lwIP has global state.
#ifndef BF_NET_IP_STACK_H
#define BF_NET_IP_STACK_H

#include <stdint.h>

#include "base/config.h"
#include "base/err.h"
#include "net/dialer.h"
#include "net/nic.h"

enum { BF_IP_NICS_MAX = 32 };

enum bf_ip_phase {
    BF_IP_DOWN,        // not started
    BF_IP_NO_LINK,     // no cable, or the switch is silent
    BF_IP_CONFIGURING, // waits for DHCP or a router
    BF_IP_READY,       // has an address that can reach more than its own link
};

struct bf_ip_status {
    enum bf_ip_phase phase;
    const struct bf_nic *nic; // in use; NULL when stopped
    int8_t link;              // 1, 0, -1 unknown
    uint16_t vlan, mtu;       // 0: untagged; the largest packet
    uint8_t dhcp;             // the IPv4 address came by DHCP
    char address[24];         // "10.0.2.15/24", empty without one
    char address6[52];        // the best one, "2001:db8::1/64"
    char gateway[48], dns[48];
};

// Takes the NICs (which stay the caller's and must outlive the stack) in their order and begins to
// configure the first. *config is kept, not copied. BF_ERR_NOT_FOUND: there is no NIC, or none has
// the MAC of nic=; the fault lists those that there are.
enum bf_err bf_ip_start(struct bf_nic *const *nics, uint32_t count, const struct bf_config *config,
                        struct bf_fault *fault);

// Receives, sends, runs timers; call it in every turn of the loop. Returns how many frames came in:
// 0 means that there was nothing to do.
uint32_t bf_ip_poll(void);

void bf_ip_status(struct bf_ip_status *out);

// The dialer of the connector. Its streams wait for an address for at most 60 s after the link is
// there, 30 s with several links, and a link for at most 10 s, and for neither longer than retry=
// allows, of which several NICs with a link have a part each; so a dial may be made right after the
// start.
struct bf_dialer bf_ip_dialer(void);

// Aborts what is open (its streams fail and must still be closed), gives the DHCP lease back and
// leaves the NICs alone.
void bf_ip_stop(void);

#endif
