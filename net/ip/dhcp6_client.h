// SPDX-License-Identifier: Apache-2.0
// The client of DHCPv6 (RFC 8415, 18.2) as a state machine without a clock, a socket or memory of
// its own: it says what to send and when, and keeps the lease. Times in microseconds of any clock.
//
//     IDLE -> SOLICIT -> REQUEST -> BOUND -> RENEW -> REBIND -> (the lease ends) SOLICIT
//       |                             ^---- CONFIRM when the link was lost in between
//       +---> INFORM -> INFORMED      where only other configuration is to be had
//
// Differences from the RFC: Solicit, Request and Information-request are sent at least every 8 s
// (it has up to an hour), since somebody waits for this machine; Decline and Release are sent once.
#ifndef BF_NET_IP_DHCP6_CLIENT_H
#define BF_NET_IP_DHCP6_CLIENT_H

#include "net/ip/dhcp6_message.h"

enum bf_dhcp6_state {
    BF_DHCP6_IDLE,
    BF_DHCP6_SOLICITING,
    BF_DHCP6_REQUESTING,
    BF_DHCP6_BOUND,
    BF_DHCP6_CONFIRMING,
    BF_DHCP6_RENEWING,
    BF_DHCP6_REBINDING,
    BF_DHCP6_INFORMING,
    BF_DHCP6_INFORMED,
    BF_DHCP6_STATES
};

// A state that there is only with a lease.
static inline int bf_dhcp6_needs_lease(enum bf_dhcp6_state state)
{
    return state >= BF_DHCP6_BOUND && state <= BF_DHCP6_REBINDING;
}

struct bf_dhcp6_client {
    enum bf_dhcp6_state state;
    struct bf_dhcp6_duid id;
    uint32_t iaid, transaction, tries;
    uint64_t began_us, next_us, pause_us; // of the exchange; when something is to be sent
    uint64_t t1_us, t2_us, valid_us;      // of the lease; UINT64_MAX: never
    uint8_t has_lease, has_offer;
    uint8_t refused; // a server has answered, and with nothing of use: see answer.status
    struct bf_dhcp6_answer offer;  // the best ADVERTISE
    struct bf_dhcp6_answer answer; // the last REPLY of use: the lease, DNS servers, domains
    uint16_t status;               // of the last refusal
    char text[64];
    uint32_t changes; // counted whenever the lease or the configuration is another one
};

// The DUID is made of the MAC (DUID-LL, 11.4), and so is the association's number.
void bf_dhcp6_client_init(struct bf_dhcp6_client *c, const uint8_t mac[6]);
// A router says that addresses come by DHCPv6 (its M flag), or only other configuration (O).
void bf_dhcp6_client_managed(struct bf_dhcp6_client *c, uint64_t now_us);
void bf_dhcp6_client_other(struct bf_dhcp6_client *c, uint64_t now_us);
// The link was lost and is back: is the address still right here?
void bf_dhcp6_client_confirm(struct bf_dhcp6_client *c, uint64_t now_us);

// Moves on; the length of a message to be sent now to all servers, 0: none. random: 32 bits of it.
size_t bf_dhcp6_client_poll(struct bf_dhcp6_client *c, uint64_t now_us, uint32_t random,
                            uint8_t out[BF_DHCP6_MESSAGE_MOST]);
void bf_dhcp6_client_receive(struct bf_dhcp6_client *c, const uint8_t *message, size_t len,
                             uint64_t now_us);

// The lease is given back, or its address is in use elsewhere: the message that says so, 0: there
// is no lease. After DECLINE it begins anew, after RELEASE it is idle.
size_t bf_dhcp6_client_drop(struct bf_dhcp6_client *c, enum bf_dhcp6_type how, uint64_t now_us,
                            uint8_t out[BF_DHCP6_MESSAGE_MOST]);

#endif
