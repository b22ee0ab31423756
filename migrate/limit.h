// SPDX-License-Identifier: Apache-2.0
// A limit on what a connection sends: a token bucket in bytes per second. Exact: what it allows
// depends on the time that has passed and not on how often it is asked.
#ifndef BF_MIGRATE_LIMIT_H
#define BF_MIGRATE_LIMIT_H

#include <stddef.h>
#include <stdint.h>

enum { BF_LIMIT_LEAST = 16384 }; // bytes per second
#define BF_LIMIT_MOST ((uint64_t)1 << 40)

// Zeroed: no limit.
struct bf_limit {
    uint64_t rate; // bytes on the wire per second, 0: no limit
    uint64_t at_us;
    uint64_t credit; // millionths of a byte
};

// A rate outside of the two bounds becomes the nearer one; 0 stays 0. The bucket is full.
void bf_limit_init(struct bf_limit *limit, uint64_t rate, uint64_t now_us);
// Adds what the time that has passed is worth. What is not used within a quarter of a second is
// lost, so that no ten seconds have more than 2.5 % too much.
void bf_limit_refill(struct bf_limit *limit, uint64_t now_us);
// How many of len bytes may be sent now: all, or so many that it is worth a write, or 0.
size_t bf_limit_allows(const struct bf_limit *limit, size_t len);
// So many bytes, no more than were allowed, were given to the stream.
void bf_limit_take(struct bf_limit *limit, size_t len);

#endif
