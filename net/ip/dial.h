// SPDX-License-Identifier: Apache-2.0
// Dialling over the IP stack: waits for an address, resolves, and lets the addresses race. For the
// files of the IP stack.
#ifndef BF_NET_IP_DIAL_H
#define BF_NET_IP_DIAL_H

#include <stdint.h>

#include <lwip/ip_addr.h>

#include "base/err.h"
#include "net/dialer.h"
#include "net/stream.h"

// What dialling needs to know of the stack that it belongs to.
struct bf_ip_view {
    int (*link)(void); // 1, 0, -1
    // BF_OK, or why the NIC will never do anything again: the dial ends at once.
    enum bf_err (*broken)(struct bf_fault *fault);
    // How long a link or an address may be waited for: `most`, or less when retry= ends before.
    uint64_t (*wait_us)(uint64_t most);
    // There is an address of our own from which this one can be reached; NULL: any that reaches
    // beyond the link.
    int (*ready)(const ip_addr_t *to);
    int (*pending)(void);   // DHCP has not answered yet
    void (*answered)(void); // a server has accepted a connection
    // Why there is no address yet, for the operator.
    enum bf_err (*no_address)(const struct bf_peer *peer, struct bf_fault *fault);
};

enum bf_err bf_ip_dial(const struct bf_ip_view *view, const struct bf_peer *peer, const char *host,
                       uint16_t port, struct bf_stream *out, struct bf_fault *fault);

#endif
