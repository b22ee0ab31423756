// SPDX-License-Identifier: Apache-2.0
// CUBIC (RFC 9438) in whole numbers: how many bytes may be under way. Times in microseconds of any
// clock, windows in bytes. For net/ip/loss.c.
#ifndef BF_NET_IP_CUBIC_H
#define BF_NET_IP_CUBIC_H

#include <stdint.h>

struct bf_cubic {
    uint32_t window, threshold; // cwnd, ssthresh
    uint32_t mss, most;         // the window never exceeds most
    uint32_t last_max;          // W_max
    uint64_t epoch_us;          // when congestion avoidance began; 0: it has not
    uint32_t from;              // window at that time
    uint32_t k_ms;              // until the window is last_max again
    uint64_t friendly;          // W_est, times 1024
    // HyStart: the shortest round-trip times of this round and the one before
    uint32_t round_min_us, before_min_us, samples;
    uint32_t careful_rounds; // left of conservative slow start; 0: it is not careful
    uint32_t careful_min_us; // what made it so
};

void bf_cubic_init(struct bf_cubic *c, uint32_t mss, uint32_t most);
// Bytes were acknowledged while the window was in use.
void bf_cubic_acked(struct bf_cubic *c, uint32_t bytes, uint32_t rtt_us, uint64_t now_us);
// A round-trip time of slow start; round: the first of a new round.
void bf_cubic_rtt(struct bf_cubic *c, uint32_t rtt_us, int round);
// Something was lost: once per window. timeout: nothing came back for so long that all is in doubt.
void bf_cubic_lost(struct bf_cubic *c, int timeout);

#endif
