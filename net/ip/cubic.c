// SPDX-License-Identifier: Apache-2.0
// CUBIC, see net/ip/cubic.h. The constants are those of RFC 9438: C = 0.4 segments per second
// cubed, a reduction to 0.7, and for the Reno-friendly window 3 (1 - 0.7) / (1 + 0.7) = 9/17.
#include "net/ip/cubic.h"

#include <string.h>

#include "base/assert.h"

enum {
    FIRST_SEGMENTS = 10, // RFC 6928
    LEAST_SEGMENTS = 2,
    LONGEST_MS = 100000, // beyond which the cubic only grows steeper
    FRACTION = 1024,
    ROUND_SAMPLES = 8,
    RISE_LEAST_US = 4000,
    RISE_MOST_US = 16000,
    CAREFUL_ROUNDS = 5,
    CAREFUL_GROWTH = 4, // a fourth of that of slow start
};

static uint32_t bounded(const struct bf_cubic *c, uint64_t window)
{
    uint64_t least = LEAST_SEGMENTS * (uint64_t)c->mss;
    BF_ASSERT(c->mss && least <= c->most);
    return (uint32_t)(window < least ? least : window > c->most ? c->most : window);
}

void bf_cubic_init(struct bf_cubic *c, uint32_t mss, uint32_t most)
{
    memset(c, 0, sizeof *c);
    c->mss = mss;
    c->most = most;
    c->window = bounded(c, FIRST_SEGMENTS * (uint64_t)mss);
    c->threshold = most;
    c->round_min_us = c->before_min_us = UINT32_MAX;
}

static uint32_t cube_root(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = 1 << 20; bit; bit >>= 1)
        if ((root + bit) * (root + bit) * (root + bit) <= value)
            root += bit;
    return (uint32_t)root;
}

static void begin_epoch(struct bf_cubic *c, uint64_t now_us)
{
    c->epoch_us = now_us;
    c->from = c->window;
    c->friendly = (uint64_t)c->window * FRACTION;
    if (c->last_max < c->window)
        c->last_max = c->window;
    BF_ASSERT(c->last_max >= c->window);
    // K = cbrt((W_max - cwnd) / C), in milliseconds; the window is counted in segments
    c->k_ms = cube_root((uint64_t)(c->last_max - c->window) * 2500000000u / c->mss);
}

// W_cubic so many milliseconds after the epoch began.
static uint64_t cubic_at(const struct bf_cubic *c, uint64_t ms)
{
    uint64_t distance = ms < c->k_ms ? c->k_ms - ms : ms - c->k_ms;
    if (distance > LONGEST_MS)
        distance = LONGEST_MS;
    // 0.4 mss (distance / 1000)^3
    uint64_t change = distance * distance * distance / 2500 * c->mss / 1000000;
    if (ms >= c->k_ms)
        return c->last_max + change;
    return change < c->last_max ? c->last_max - change : 0;
}

void bf_cubic_acked(struct bf_cubic *c, uint32_t bytes, uint32_t rtt_us, uint64_t now_us)
{
    if (c->window < c->threshold) {
        uint32_t more = c->careful_rounds ? bytes / CAREFUL_GROWTH : bytes;
        c->window = bounded(c, (uint64_t)c->window + more);
        return;
    }
    if (!c->epoch_us)
        begin_epoch(c, now_us);
    BF_ASSERT(c->window && c->window <= c->most && now_us >= c->epoch_us);
    uint64_t target = cubic_at(c, (now_us - c->epoch_us + rtt_us) / 1000), window = c->window;
    if (target > window + window / 2)
        target = window + window / 2;
    if (target > window)
        window += (target - window) * bytes / window;
    uint64_t gain = (uint64_t)c->mss * FRACTION * bytes / c->window;
    c->friendly += c->friendly < (uint64_t)c->last_max * FRACTION ? gain * 9 / 17 : gain;
    if (c->friendly / FRACTION > window)
        window = c->friendly / FRACTION;
    c->window = bounded(c, window);
}

// Slow start becomes careful when the delay grows, ends when that has lasted for some rounds, and
// goes on as before when the delay was an accident (RFC 9406).
static void judge_delay(struct bf_cubic *c)
{
    uint32_t rise = c->before_min_us / 8;
    rise = rise < RISE_LEAST_US ? RISE_LEAST_US : rise > RISE_MOST_US ? RISE_MOST_US : rise;
    if (c->careful_rounds) {
        if (c->round_min_us < c->careful_min_us)
            c->careful_rounds = 0;
    } else if (c->before_min_us != UINT32_MAX && c->round_min_us >= c->before_min_us + rise) {
        c->careful_rounds = CAREFUL_ROUNDS;
        c->careful_min_us = c->round_min_us;
    }
}

void bf_cubic_rtt(struct bf_cubic *c, uint32_t rtt_us, int round)
{
    if (round) {
        c->before_min_us = c->round_min_us;
        c->round_min_us = UINT32_MAX;
        c->samples = 0;
        if (c->careful_rounds && --c->careful_rounds == 0 && c->window < c->threshold)
            c->threshold = c->window;
    }
    if (rtt_us < c->round_min_us)
        c->round_min_us = rtt_us;
    if (++c->samples >= ROUND_SAMPLES && c->window < c->threshold)
        judge_delay(c);
}

void bf_cubic_lost(struct bf_cubic *c, int timeout)
{
    // Fast convergence: who loses before the old maximum leaves room to newcomers.
    c->last_max = c->window < c->last_max ? (uint32_t)((uint64_t)c->window * 17 / 20) : c->window;
    c->threshold = bounded(c, (uint64_t)c->window * 7 / 10);
    c->window = timeout ? c->mss : c->threshold;
    c->careful_rounds = 0;
    c->epoch_us = 0;
}
