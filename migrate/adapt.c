// SPDX-License-Identifier: Apache-2.0
// The compression ladder, see migrate/adapt.h.
#include "migrate/adapt.h"

#include <string.h>

enum {
    WINDOW_US = 250000,
    REST_MAX = 64, // windows, 16 s
    SKIP_MAX = 31, // batches, 31 MiB
};

enum { NONE, LZ4, ZSTD_1, ZSTD_3, RUNGS };
// Bytes per second that a rung can do on one core of a present processor (docs/performance.md); a
// slower processor shows itself by being waited for.
static const uint32_t speed[RUNGS] = {UINT32_MAX, 450000000, 250000000, 150000000};

static const struct bf_adapt_choice rungs[RUNGS] = {
    {BF_CODEC_NONE, 0}, {BF_CODEC_LZ4, 0}, {BF_CODEC_ZSTD, 1}, {BF_CODEC_ZSTD, 3}};

void bf_adapt_init(struct bf_adapt *a, uint8_t mode, uint64_t caps)
{
    static const uint8_t low[] = {NONE, NONE, LZ4, ZSTD_1};
    static const uint8_t high[] = {ZSTD_3, NONE, LZ4, ZSTD_3};
    memset(a, 0, sizeof *a);
    a->lowest = mode < 4 ? low[mode] : NONE;
    a->highest = mode < 4 ? high[mode] : NONE;
    if (a->highest > LZ4 && !(caps & BF_CAP_ZSTD))
        a->highest = LZ4;
    if (a->highest == LZ4 && !(caps & BF_CAP_LZ4))
        a->highest = NONE;
    if (a->lowest > a->highest)
        a->lowest = a->highest;
    a->rung = LZ4;
    if (a->rung < a->lowest || !(caps & BF_CAP_LZ4))
        a->rung = a->lowest;
    if (a->rung > a->highest)
        a->rung = a->highest;
    a->rest = 1;
}

static void climb(struct bf_adapt *a, int8_t direction)
{
    if (direction > 0 ? a->rung >= a->highest : a->rung <= a->lowest)
        return;
    if (a->direction && a->direction != direction && a->rest < REST_MAX)
        a->rest *= 2;
    else if (a->direction == direction)
        a->rest = 1;
    a->direction = direction;
    a->resting = a->rest;
    a->rung = (uint8_t)(a->rung + direction);
}

static int is_worth_climbing(const struct bf_adapt *a)
{
    return a->rung + 1 < RUNGS && a->window_raw * 1000000 / a->window_us < speed[a->rung + 1];
}

void bf_adapt_tick(struct bf_adapt *a, uint64_t passed_us, enum bf_waiting what)
{
    if (passed_us > WINDOW_US)
        passed_us = WINDOW_US;
    a->window_us += passed_us;
    if (what == BF_WAIT_LINK)
        a->link_us += passed_us;
    else if (what == BF_WAIT_PROCESSOR)
        a->processor_us += passed_us;
    if (a->window_us < WINDOW_US)
        return;
    if (a->resting)
        a->resting--;
    else if (a->link_us > a->window_us / 2 && is_worth_climbing(a))
        climb(a, 1);
    else if (a->processor_us > a->window_us / 10 * 9)
        climb(a, -1);
    a->window_us = a->link_us = a->processor_us = a->window_raw = 0;
}

void bf_adapt_framed(struct bf_adapt *a, uint32_t raw)
{
    a->window_raw += raw;
}

struct bf_adapt_choice bf_adapt_choose(struct bf_adapt *a)
{
    if (a->skipped < a->skip) {
        a->skipped++;
        return rungs[NONE];
    }
    a->skipped = 0;
    return rungs[a->rung];
}

void bf_adapt_result(struct bf_adapt *a, uint32_t raw, uint32_t packed)
{
    if (packed && packed < raw)
        a->skip = 0;
    else
        a->skip = a->skip * 2 + 1 > SKIP_MAX ? SKIP_MAX : a->skip * 2 + 1;
}
