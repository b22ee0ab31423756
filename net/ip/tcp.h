// SPDX-License-Identifier: Apache-2.0
// A TCP connection of lwIP as a stream. For the files of the IP stack.
#ifndef BF_NET_IP_TCP_H
#define BF_NET_IP_TCP_H

#include <stdint.h>

#include <lwip/ip_addr.h>

#include "base/err.h"
#include "net/dialer.h"
#include "net/ip/pmtu.h"
#include "net/stream.h"

// Begins to connect; peer and to are for messages, and *to ("10.0.0.5 port 7667") is copied. No
// deadline of its own: the dialer has one.
enum bf_err bf_tcp_connect(const ip_addr_t *address, uint16_t port, const struct bf_peer *peer,
                           const char *to, struct bf_stream *out, struct bf_fault *fault);

// How many connections there will be at a time between which data and memory are divided. For those
// that are made from now on.
void bf_tcp_share(uint32_t connections);

// A router has said that a segment was too large for the path. Believed about what is under way.
void bf_tcp_path_mtu(const struct bf_pmtu_news *news);

// Aborts every connection, also those that were closed and still deliver their last bytes.
void bf_tcp_abort_all(void);

#endif
