// SPDX-License-Identifier: Apache-2.0
// A rate over the last few seconds, from samples half a second apart.
#ifndef BF_MIGRATE_RATE_H
#define BF_MIGRATE_RATE_H

#include <stdint.h>

enum { BF_RATE_SAMPLES = 12 };

struct bf_rate {
    uint64_t time[BF_RATE_SAMPLES], value[BF_RATE_SAMPLES];
    uint32_t next, count;
};

void bf_rate_reset(struct bf_rate *rate);
// A value that goes back (a copy that continues from an earlier point) begins the samples again.
void bf_rate_update(struct bf_rate *rate, uint64_t now_us, uint64_t value);
// 0 until there are two samples.
uint64_t bf_rate_per_second(const struct bf_rate *rate);

#endif
