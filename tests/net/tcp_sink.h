// SPDX-License-Identifier: Apache-2.0
// The other end for simulations of TCP: a host of IPv4 that accepts connections and takes what they
// send, as Linux does it: selective acknowledgements (RFC 2018), also of what came twice (RFC
// 2883), every second segment acknowledged at once, others after 40 ms, out of order at once. It
// checks that each connection brings the bytes of sink_pattern. No time of its own, no memory
// beyond the struct.
#ifndef BF_TESTS_TCP_SINK_H
#define BF_TESTS_TCP_SINK_H

#include <stddef.h>
#include <stdint.h>

enum { SINK_CONNECTIONS = 8, SINK_RANGES = 256 };

struct sink_range {
    uint32_t from, to;
};

struct sink_connection {
    uint16_t port; // of the peer; 0: none
    uint32_t next, first, own;
    struct sink_range range[SINK_RANGES]; // out of order, by position
    uint32_t ranges, latest;              // latest: the position in range[] that changed last
    struct sink_range twice;
    uint64_t due_us; // of a delayed acknowledgement; 0: none
    uint32_t owed;   // segments that were not acknowledged
    uint64_t bytes, wrong, repeated;
    uint8_t peer_mac[6], peer_ip[4];
};

struct sink {
    struct sink_connection connection[SINK_CONNECTIONS];
    void (*send)(void *user, const uint8_t *frame, size_t len);
    void *user;
    int no_sack; // a host that does not know selective acknowledgements
    int lies;    // every so manyth acknowledgement has blocks that are invented
    uint32_t acknowledgements;
};

// What a connection has to bring from this position on: *len bytes of it.
const uint8_t *sink_pattern(uint64_t at, size_t *len);
void sink_frame(struct sink *s, const uint8_t *frame, size_t len, uint64_t now_us);
void sink_turn(struct sink *s, uint64_t now_us); // delayed acknowledgements
uint64_t sink_bytes(const struct sink *s);       // of all, in order

#endif
