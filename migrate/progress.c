// SPDX-License-Identifier: Apache-2.0
// Names of phases, where a look at the disks is, the rate over the last few seconds, and how long
// the rest will take.
#include "migrate/progress.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "image/usage/usage.h"
#include "migrate/rate.h"

enum {
    SAMPLE_EVERY_US = 500000,
    SHARE = 1024,           // of a byte of disk: what it takes on the wire
    SHARE_MOST = 2 * SHARE, // more is only seen at the very beginning
};

const char *bf_phase_name(enum bf_phase phase)
{
    static const char *const names[] = {"connecting", "waiting", "copying", "verifying",
                                        "repairing",  "done",    "failed"};
    return (unsigned)phase < BF_COUNT(names) ? names[phase] : "unknown";
}

void bf_looking_set(struct bf_looking *looking, const struct bf_usage_look *look)
{
    looking->disk = look->disk;
    looking->bytes = look->bytes;
    bf_snprintf(looking->place, sizeof looking->place, "%s", look->place);
    bf_snprintf(looking->step, sizeof looking->step, "%s", look->step);
}

void bf_looking_text(char *out, size_t size, const struct bf_looking *looking)
{
    char bytes[16];
    bf_human_bytes(bytes, sizeof bytes, looking->bytes);
    bf_snprintf(out, size, "looking at disk %u, %s%s%s, %s", looking->disk, looking->place,
                looking->place[0] ? ": " : "", looking->step, bytes);
}

static void reset(struct bf_rate *rate)
{
    memset(rate, 0, sizeof *rate);
}

void bf_rate_update(struct bf_rate *rate, uint64_t now_us, uint64_t value)
{
    uint32_t last = (rate->next + BF_RATE_SAMPLES - 1) % BF_RATE_SAMPLES;
    BF_ASSERT(rate->next < BF_RATE_SAMPLES && rate->count <= BF_RATE_SAMPLES);
    BF_ASSERT(!rate->count || now_us >= rate->time[last]);
    if (rate->count && value < rate->value[last])
        reset(rate);
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
    BF_ASSERT(rate->value[last] >= rate->value[first]);
    uint64_t ms = (rate->time[last] - rate->time[first]) / 1000;
    uint64_t amount = rate->value[last] - rate->value[first];
    // Kibibytes per millisecond first where the product would wrap.
    return !ms ? 0 : amount < UINT64_MAX / 1000 ? amount * 1000 / ms : amount / ms * 1000;
}

static uint64_t seconds_of(uint64_t bytes, uint64_t rate)
{
    return rate ? bytes / rate + (bytes % rate != 0) : UINT64_MAX;
}

// What is left, at the most that the wire can do.
static uint64_t seconds_of_wire(const struct bf_outlook *p)
{
    uint64_t share = p->wire < UINT64_MAX / SHARE && p->done ? p->wire * SHARE / p->done : SHARE;
    if (share > SHARE_MOST)
        share = SHARE_MOST;
    BF_ASSERT(p->wire_most && p->done); // else the wire says nothing
    return seconds_of(p->left / SHARE * share + p->left % SHARE * share / SHARE, p->wire_most);
}

uint64_t bf_eta_seconds(const struct bf_outlook *p)
{
    uint64_t by_rate = seconds_of(p->left, p->rate), by_wire;
    if (!p->wire_most || !p->done)
        return by_rate;
    by_wire = seconds_of_wire(p);
    if (p->wire_rate >= p->wire_most - p->wire_most / 4)
        return by_wire;
    return by_rate > by_wire ? by_rate : by_wire;
}
