// SPDX-License-Identifier: Apache-2.0
// Names of phases, and the rate over the last few seconds.
#include "migrate/progress.h"

#include <string.h>

#include "migrate/rate.h"

enum { SAMPLE_EVERY_US = 500000 };

const char *bf_phase_name(enum bf_phase phase)
{
    static const char *const names[] = {"connecting", "waiting", "copying", "verifying",
                                        "repairing",  "done",    "failed"};
    return (unsigned)phase < sizeof names / sizeof names[0] ? names[phase] : "unknown";
}

void bf_rate_reset(struct bf_rate *rate)
{
    memset(rate, 0, sizeof *rate);
}

void bf_rate_update(struct bf_rate *rate, uint64_t now_us, uint64_t value)
{
    uint32_t last = (rate->next + BF_RATE_SAMPLES - 1) % BF_RATE_SAMPLES;
    if (rate->count && value < rate->value[last])
        bf_rate_reset(rate);
    if (rate->count && now_us - rate->time[last] < SAMPLE_EVERY_US)
        return;
    rate->time[rate->next] = now_us;
    rate->value[rate->next] = value;
    rate->next = (rate->next + 1) % BF_RATE_SAMPLES;
    if (rate->count < BF_RATE_SAMPLES)
        rate->count++;
}

uint64_t bf_rate_per_second(const struct bf_rate *rate)
{
    uint32_t last = (rate->next + BF_RATE_SAMPLES - 1) % BF_RATE_SAMPLES;
    uint32_t first = (rate->next + BF_RATE_SAMPLES - rate->count) % BF_RATE_SAMPLES;
    if (rate->count < 2)
        return 0;
    uint64_t ms = (rate->time[last] - rate->time[first]) / 1000;
    uint64_t amount = rate->value[last] - rate->value[first];
    // Kibibytes per millisecond first where the product would wrap.
    return !ms ? 0 : amount < UINT64_MAX / 1000 ? amount * 1000 / ms : amount / ms * 1000;
}
