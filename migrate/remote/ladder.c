// SPDX-License-Identifier: Apache-2.0
// The compression ladder, see migrate/remote/ladder.h.
#include "migrate/remote/ladder.h"

#include <string.h>

#include "base/assert.h"

enum {
    WINDOW_US = 250000,
    WINDOW_LEAST_US = 50000, // a window is over earlier when much went through
    WINDOW_RAW = 16 << 20,
    REST_MOST_US = 16000000,
    KNOWN_US = 16000000,    // for how long what was seen on a rung counts
    PEER_US = 2000000,      // for how long the peer's word does
    PEER_BEHIND = 250,      // per mille: it waits for us less than that
    FAILED_LEAST = 2 << 20, // bytes in a row that do not shrink, before any is not tried
    SKIP_MOST = 31 << 20,
};

enum { NONE, LZ4, ZSTD_1, ZSTD_3 };
// Bytes per second that a rung can do on one core of a present processor (docs/performance.md); a
// slower processor shows itself by being waited for.
static const uint32_t speed[BF_LADDER_RUNGS] = {UINT32_MAX, 450000000, 250000000, 150000000};

static const struct bf_ladder_choice rungs[BF_LADDER_RUNGS] = {
    {BF_CODEC_NONE, 0}, {BF_CODEC_LZ4, 0}, {BF_CODEC_ZSTD, 1}, {BF_CODEC_ZSTD, 3}};

void bf_ladder_init(struct bf_ladder *a, uint8_t mode, uint64_t caps)
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
    BF_ASSERT(a->lowest <= a->rung && a->rung <= a->highest);
    a->rest_us = WINDOW_US;
    a->processors = 1;
    a->fresh = 1; // while both ends are still starting, waiting means little
}

void bf_ladder_processors(struct bf_ladder *a, uint32_t count)
{
    a->processors = count ? count : 1;
}

static uint64_t rate_of(const struct bf_ladder *a)
{
    BF_ASSERT(a->window_us);
    return a->window_raw * 1000000 / a->window_us;
}

static int is_known(const struct bf_ladder *a, int rung)
{
    return a->seen[rung].rate && a->clock_us - a->seen[rung].at_us < KNOWN_US;
}

// What goes through on the present rung: in this window, or a moment ago.
static uint64_t worth_of(const struct bf_ladder *a)
{
    uint64_t rate = rate_of(a);
    return is_known(a, a->rung) && a->seen[a->rung].rate > rate ? a->seen[a->rung].rate : rate;
}

// Whether a rung was seen a moment ago to let less through than the present one does, in per cent.
static int is_known_below(const struct bf_ladder *a, int rung, uint64_t percent)
{
    return is_known(a, rung) && a->seen[rung].rate * 100 < worth_of(a) * percent;
}

// One rung up or down, when that promises more.
static void step(struct bf_ladder *a, int direction)
{
    int to = a->rung + direction;
    BF_ASSERT(direction == 1 || direction == -1);
    if (to < a->lowest || to > a->highest)
        return;
    if (is_known_below(a, to, direction > 0 ? 102 : 98))
        return;
    if (direction > 0 && !is_known(a, to) && rate_of(a) >= (uint64_t)speed[to] * a->processors)
        return;
    if (a->direction && a->direction != direction)
        a->rest_us = a->rest_us * 2 < REST_MOST_US ? a->rest_us * 2 : REST_MOST_US;
    else if (a->direction == direction)
        a->rest_us = WINDOW_US;
    a->direction = (int8_t)direction;
    a->rested_us = a->clock_us;
    a->rung = (uint8_t)to;
    a->fresh = 1;
}

static int is_peer_behind(const struct bf_ladder *a)
{
    return a->peer_us && a->clock_us - a->peer_us < PEER_US && a->peer_waited < PEER_BEHIND;
}

// A window may be slow for reasons that nobody sees here (another program had the processor), so a
// rung's worth goes down slowly.
static void remember(struct bf_ladder *a)
{
    uint64_t rate = rate_of(a), before = a->seen[a->rung].rate / 8 * 7;
    a->seen[a->rung].rate = rate > before ? rate : before;
    a->seen[a->rung].at_us = a->clock_us;
}

static int is_known_better(const struct bf_ladder *a, int rung)
{
    return rung >= a->lowest && rung <= a->highest && is_known(a, rung) &&
           a->seen[rung].rate * 100 > worth_of(a) * 105;
}

// Down while a processor is waited for, up while the link is; but back to where more went through a
// moment ago, whatever is waited for here.
static void choose_step(struct bf_ladder *a, int direction)
{
    if (is_known_better(a, a->rung - direction))
        direction = -direction;
    step(a, direction);
}

static void judge_window(struct bf_ladder *a)
{
    int link = a->link_us > a->window_us / 2, processor = a->processor_us > a->window_us / 10 * 9;
    if (a->window_raw && !a->fresh && a->link_us + a->processor_us > a->window_us / 10 * 8)
        remember(a);
    if (!a->fresh && a->clock_us - a->rested_us >= a->rest_us) {
        if (processor || (link && is_peer_behind(a)))
            choose_step(a, -1);
        else if (link)
            choose_step(a, 1);
    } else {
        a->fresh = 0;
    }
    a->window_us = a->link_us = a->processor_us = a->window_raw = 0;
}

void bf_ladder_tick(struct bf_ladder *a, uint64_t passed_us, enum bf_waiting what)
{
    if (passed_us > WINDOW_US)
        passed_us = WINDOW_US;
    a->clock_us += passed_us;
    a->window_us += passed_us;
    if (what == BF_WAIT_LINK)
        a->link_us += passed_us;
    else if (what == BF_WAIT_PROCESSOR)
        a->processor_us += passed_us;
    if (a->window_us >= WINDOW_US ||
        (a->window_us >= WINDOW_LEAST_US && a->window_raw >= WINDOW_RAW))
        judge_window(a);
}

void bf_ladder_peer(struct bf_ladder *a, uint32_t waited)
{
    a->peer_waited = waited;
    a->peer_us = a->clock_us ? a->clock_us : 1;
}

void bf_ladder_framed(struct bf_ladder *a, uint32_t raw)
{
    a->window_raw += raw;
    a->skip -= a->skip < raw ? a->skip : raw;
}

struct bf_ladder_choice bf_ladder_choose(struct bf_ladder *a)
{
    BF_ASSERT(a->rung >= a->lowest && a->rung <= a->highest);
    return rungs[a->skip ? NONE : a->rung];
}

// What is in small pieces between others is always tried: a later run has few bytes and time for
// them.
void bf_ladder_result(struct bf_ladder *a, uint32_t raw, uint32_t packed)
{
    if (packed && packed < raw) {
        a->failed = 0;
        return;
    }
    a->failed = a->failed < SKIP_MOST ? a->failed + raw : a->failed;
    if (a->failed > FAILED_LEAST)
        a->skip = a->failed < SKIP_MOST ? a->failed : SKIP_MOST;
}
