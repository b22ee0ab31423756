// SPDX-License-Identifier: Apache-2.0
// What a line of any configuration file says of a machine's old network: its addresses, its MAC
// addresses, its name servers, and disks by names that depend on the hardware.
#ifndef BF_FINALIZE_NETWORK_MENTION_H
#define BF_FINALIZE_NETWORK_MENTION_H

#include "finalize/network/net.h"

enum bf_mention_kind {
    BF_MENTION_NONE,
    BF_MENTION_DISK,    // /dev/sda3, /dev/disk/by-path/...
    BF_MENTION_NEAR,    // another address of a network that the machine leaves
    BF_MENTION_DNS,     // a name server that it had
    BF_MENTION_MAC,     // a MAC address that it had
    BF_MENTION_ADDRESS, // an address that it had
};

struct bf_mention {
    enum bf_mention_kind kind;
    char text[64]; // as the line has it
};

// The weightiest mention of a line; BF_MENTION_NONE when it has none.
struct bf_mention bf_mention_in(const char *line, size_t len, const struct bf_old *old);

// Whether a PEM certificate in the text (any of several) names one of the old addresses as one of
// its own (subjectAltName, iPAddress: RFC 5280, 4.2.1.6); it goes into `address`.
bool bf_mention_certificate(const char *text, size_t len, const struct bf_old *old,
                            char address[INET6_ADDRSTRLEN]);

#endif
