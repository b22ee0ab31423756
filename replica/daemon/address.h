// SPDX-License-Identifier: Apache-2.0
// Where a connection comes from, and which of many connections gives way to a new one.
#ifndef BF_REPLICA_DAEMON_ADDRESS_H
#define BF_REPLICA_DAEMON_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

// What counts as one source: an IPv4 address (as IPv4-mapped IPv6, RFC 4291, 2.5.5.2), or a /64 of
// IPv6, since whoever has one address of a /64 usually has all of them. Compared byte by byte.
struct bf_peer_address {
    uint8_t bytes[16];
};

void bf_address_of(const struct sockaddr_storage *from, struct bf_peer_address *out);
// "192.0.2.1:4711", "[2001:db8::1]:4711".
void bf_address_text(const struct sockaddr_storage *from, char *out, size_t size);

enum { BF_CLAIMS_MAX = 4096, BF_CLAIM_KEEPS = 255 };

// A connection that holds a place. Those of a lower rank give way first; BF_CLAIM_KEEPS never does.
struct bf_claim {
    struct bf_peer_address address;
    uint8_t rank;
    uint64_t since_us;
};

// Which of count (<= BF_CLAIMS_MAX) connections gives way: among those of the lowest rank, the one
// that has waited longest of the address that has most of them. -1 when all of them keep their
// places. seed: unpredictable to peers. The time grows with count, whatever the addresses are.
int bf_claim_victim(const struct bf_claim *claims, uint32_t count, uint64_t seed);

#endif
