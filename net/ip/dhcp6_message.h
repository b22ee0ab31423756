// SPDX-License-Identifier: Apache-2.0
// Messages of DHCPv6 (RFC 8415) between a client and a server: one identity association for a
// single non-temporary address (IA_NA), DNS servers and domains (RFC 3646). Numbers in network
// order. No state; see net/ip/dhcp6_client.h.
#ifndef BF_NET_IP_DHCP6_MESSAGE_H
#define BF_NET_IP_DHCP6_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/ip/dns_message.h"

enum {
    BF_DHCP6_DUID_MOST = 130,                                      // 11.1: 128 bytes and the type
    BF_DHCP6_MESSAGE_MOST = 4 + (4 + BF_DHCP6_DUID_MOST) * 2 + 80, // of a client
    BF_DHCP6_DNS = 4,
};

enum bf_dhcp6_type { // 7.3
    BF_DHCP6_SOLICIT = 1,
    BF_DHCP6_ADVERTISE = 2,
    BF_DHCP6_REQUEST = 3,
    BF_DHCP6_CONFIRM = 4,
    BF_DHCP6_RENEW = 5,
    BF_DHCP6_REBIND = 6,
    BF_DHCP6_REPLY = 7,
    BF_DHCP6_RELEASE = 8,
    BF_DHCP6_DECLINE = 9,
    BF_DHCP6_INFORMATION_REQUEST = 11,
};

enum bf_dhcp6_status { // 21.13
    BF_DHCP6_SUCCESS = 0,
    BF_DHCP6_UNSPEC_FAIL = 1,
    BF_DHCP6_NO_ADDRS_AVAIL = 2,
    BF_DHCP6_NO_BINDING = 3,
    BF_DHCP6_NOT_ON_LINK = 4,
};

struct bf_dhcp6_duid {
    uint8_t len; // 0: none
    uint8_t bytes[BF_DHCP6_DUID_MOST];
};

struct bf_dhcp6_request {
    enum bf_dhcp6_type type;
    uint32_t transaction;               // 24 bits
    uint32_t elapsed_cs;                // hundredths of a second since the exchange began
    const struct bf_dhcp6_duid *client; // left out of an information request when empty
    const struct bf_dhcp6_duid *server; // NULL: any
    uint32_t iaid;
    const uint8_t *address; // NULL: none yet
};

// The message, at most BF_DHCP6_MESSAGE_MOST bytes; its length.
size_t bf_dhcp6_put(const struct bf_dhcp6_request *r, uint8_t out[BF_DHCP6_MESSAGE_MOST]);

// What a server says. Lifetimes in seconds, UINT32_MAX: for ever.
struct bf_dhcp6_answer {
    uint8_t type; // ADVERTISE or REPLY
    uint8_t preference;
    uint8_t has_ia, has_address;
    uint32_t transaction;
    struct bf_dhcp6_duid server;
    uint16_t status; // of the message, else of the association, else of the address
    char text[64];   // that came with it: printable
    uint8_t address[16];
    uint32_t preferred, valid, t1, t2;
    uint32_t dns_count, domains;
    uint8_t dns[BF_DHCP6_DNS][16];
    char domain[BF_DNS_DOMAINS][BF_DNS_NAME];
};

// Reads an answer to this client's identity and association. BF_ERR_CORRUPT: malformed, or not one
// for this client. Unknown options are passed over (16); of several addresses the first that may be
// used is taken.
enum bf_err bf_dhcp6_parse(const uint8_t *message, size_t len, const struct bf_dhcp6_duid *client,
                           uint32_t iaid, struct bf_dhcp6_answer *out);

const char *bf_dhcp6_status_name(uint16_t status);

#endif
