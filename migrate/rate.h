// SPDX-License-Identifier: Apache-2.0
// A rate over the last few seconds, from samples half a second apart, and how long the rest will
// take.
#ifndef BF_MIGRATE_RATE_H
#define BF_MIGRATE_RATE_H

#include <stdint.h>

enum { BF_RATE_SAMPLES = 12 };

struct bf_rate { // all zero: none yet
    uint64_t time[BF_RATE_SAMPLES], value[BF_RATE_SAMPLES];
    uint32_t next, count;
};

// A value that goes back (a copy that continues from an earlier point) begins the samples again.
void bf_rate_update(struct bf_rate *rate, uint64_t now_us, uint64_t value);
// 0 until there are two samples.
uint64_t bf_rate_per_second(const struct bf_rate *rate);

// How a copy goes, for the time that is left.
struct bf_outlook {
    uint64_t left;      // bytes of disk
    uint64_t rate;      // bytes of disk per second, lately
    uint64_t done;      // bytes of disk so far
    uint64_t wire;      // bytes on the wire for them
    uint64_t wire_rate; // bytes on the wire per second, lately
    uint64_t wire_most; // that there can be: a limit, or the most that was seen; 0: not known
};
// Seconds, UINT64_MAX when that cannot be told. At the present rate; but where the wire is as fast
// as it can be, what is left takes as much of it as what is done, whether zeros or data are passed
// at the moment, and it never takes less.
uint64_t bf_eta_seconds(const struct bf_outlook *pace);

#endif
