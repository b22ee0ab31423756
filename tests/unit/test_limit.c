// SPDX-License-Identifier: Apache-2.0
// The limit on what is sent: the token bucket by itself, and whole migrations on the virtual clock,
// in which every byte given to the stream is counted by its tenth of a second.
#include "base/bytes.h"
#include "base/platform.h"
#include "migrate/limit.h"
#include "migrate/rate.h"
#include "replica/daemon/status.h"
#include "tests/platform_sim.h"
#include "tests/sim_world.h"
#include "tests/unit/test.h"

enum { TENTH_US = 100000, TENTHS = 6000, WINDOW = 100 };

// ---- The bucket --------------------------------------------------------------------------------

// What a hungry sender is given within this time when it asks at such intervals.
static uint64_t given(struct bf_limit *l, uint64_t *now_us, uint64_t for_us, uint64_t every_us)
{
    uint64_t piece = l->rate / 8 < 16384 ? l->rate / 8 : 16384, sum = 0, end = *now_us + for_us;
    while (*now_us < end) {
        *now_us += every_us;
        bf_limit_refill(l, *now_us);
        size_t len = bf_limit_allows(l, 1 << 20);
        CHECK_EQ(len == 1 << 20 ? 0 : len % piece, 0); // no small writes
        bf_limit_take(l, len);
        sum += len;
    }
    return sum;
}

static void test_bucket_gives_the_rate(void)
{
    static const uint64_t rates[] = {16384, 100003, 1 << 20, 50 << 20};
    static const uint64_t intervals[] = {1, 7, 1000, 9999};
    for (int i = 0; i < 16; i++) {
        struct bf_limit l;
        uint64_t rate = rates[i / 4], now_us = 1000000000 + (uint64_t)i;
        bf_limit_init(&l, rate, now_us);
        given(&l, &now_us, 1000000, intervals[i % 4]); // the full bucket
        uint64_t wire = given(&l, &now_us, 10000000, intervals[i % 4]) * 33 / 32;
        // A piece may fall to either side of the ends.
        CHECK(wire <= rate * 10 + rate / 8 && wire >= rate * 10 - rate / 8);
    }
}

static void test_bucket_saves_up_little(void)
{
    struct bf_limit l;
    bf_limit_init(&l, 33000, 5);
    CHECK_EQ(bf_limit_allows(&l, 100), 100);
    bf_limit_refill(&l, UINT64_MAX / 2);          // after any time it has 8000 bytes
    CHECK_EQ(bf_limit_allows(&l, 1 << 20), 4125); // in whole pieces
    CHECK_EQ(bf_limit_allows(&l, 8000), 8000);    // unless all fits
    bf_limit_take(&l, 8000);
    CHECK_EQ(bf_limit_allows(&l, 1), 0);
}

static void test_bounds_of_the_rate(void)
{
    struct bf_limit l;
    bf_limit_init(&l, 1, 5);
    CHECK_EQ(l.rate, 16384);
    bf_limit_init(&l, UINT64_MAX, 5);
    CHECK_EQ(l.rate, (uint64_t)1 << 40);
    bf_limit_take(&l, 1u << 30);
    bf_limit_refill(&l, UINT64_MAX);
    CHECK_EQ(bf_limit_allows(&l, UINT32_MAX), UINT32_MAX);
    bf_limit_init(&l, 0, 5);
    bf_limit_take(&l, 1 << 30);
    CHECK_EQ(bf_limit_allows(&l, 1 << 30), 1 << 30);
}

// ---- Migrations --------------------------------------------------------------------------------

static struct sim_world w;
static uint64_t tenth[TENTHS], from_us, last_us, longest_pause_us;

static void count(void *user, enum sim_end to, uint8_t *bytes, size_t len)
{
    uint64_t now = bf_platform_now_us(), at = (now - from_us) / TENTH_US;
    if (to != SIM_SERVER)
        return;
    CHECK(at < TENTHS);
    tenth[at] += len;
    if (now - last_us > longest_pause_us)
        longest_pause_us = now - last_us;
    last_us = now;
}

static void begin(uint64_t seed, uint64_t limit, uint64_t bytes)
{
    sim_platform_reset(seed);
    sim_world_init(&w);
    memset(tenth, 0, sizeof tenth);
    from_us = last_us = bf_platform_now_us();
    longest_pause_us = 0;
    w.link_model.mutate = count;
    w.limit = limit;
    w.compression = 1;
    w.disk_model[0].bytes = bytes;
    w.disk_model[0].max_blocks = w.disk_model[0].preferred_blocks = 2048; // frames of a MiB
    sim_world_fill(&w);
}

static void run(void)
{
    enum bf_err err = sim_world_run(&w);
    if (err)
        FAIL("%s; %s; sender: %s", bf_err_name(err), w.what, w.sender_fault.what);
    CHECK_EQ(w.progress.limit, w.limit);
}

// Bytes in ten seconds from this tenth on.
static uint64_t ten_seconds(uint64_t at)
{
    uint64_t sum = 0;
    for (uint64_t i = at; i < at + WINDOW && i < TENTHS; i++)
        sum += tenth[i];
    return sum;
}

static void check_never_more(void)
{
    for (uint64_t at = 0; at < TENTHS; at++)
        if (ten_seconds(at) > w.limit * 10 / 100 * 105)
            FAIL("%" PRIu64 " bytes in ten seconds from %" PRIu64 " tenths", ten_seconds(at), at);
}

// While copying went on; returns how many windows that were.
static uint64_t check_never_less(void)
{
    uint64_t end = (w.progress.copied_us - from_us) / TENTH_US, at;
    for (at = 0; at + WINDOW < end; at++)
        if (ten_seconds(at) < w.limit * 10 / 100 * 95)
            FAIL("%" PRIu64 " bytes in ten seconds from %" PRIu64 " tenths", ten_seconds(at), at);
    return at;
}

// ---- The time that is left ---------------------------------------------------------------------

enum { SECONDS = TENTHS / 10 };
static uint64_t told[SECONDS]; // by the second
static struct bf_live live;
static int64_t told_at_server[SECONDS];

static void note_eta(void *user, enum sim_end to, uint8_t *bytes, size_t len)
{
    uint64_t now = bf_platform_now_us();
    const struct bf_progress *p = bf_sender_progress(w.sender);
    struct bf_live_totals totals;
    count(user, to, bytes, len);
    if (to != SIM_SERVER || p->phase != BF_PHASE_COPYING)
        return;
    // What the daemon is told in acknowledgements; one chunk is one byte here.
    bf_live_progress(&live, 0, p->bytes_position, p->bytes_position - live.raw,
                     p->sent_bytes - live.wire, now);
    bf_live_totals(&live, now, &totals);
    told[(now - from_us) / 1000000] = p->eta_seconds;
    told_at_server[(now - from_us) / 1000000] = totals.eta;
}

static void check_told(const char *who, uint64_t second, uint64_t seconds_left, uint64_t eta)
{
    if (eta > seconds_left + seconds_left / 3 + 5 || eta + seconds_left / 3 + 5 < seconds_left)
        FAIL("%s, second %" PRIu64 ": %" PRIu64 " s told, %" PRIu64 " s left", who, second, eta,
             seconds_left);
}

// Data and zeros in turn: zeros take no time, and their speed says nothing about the rest.
static void test_time_left_follows_the_limit(void)
{
    enum { STRETCH = 4 << 20, STRETCHES = 16 };
    begin(150, 400000, STRETCHES * STRETCH);
    for (uint32_t i = 0; i < STRETCHES * STRETCH; i++)
        w.data[0][i] = (uint8_t)(i / STRETCH % 2 ? 0 : sim_random() | 1);
    memset(&live, 0, sizeof live);
    bf_live_disk(&live, 0, STRETCHES * STRETCH, 1, 0);
    memset(told, 0, sizeof told);
    w.link_model.mutate = note_eta;
    run();
    uint64_t end = (w.progress.copied_us - from_us) / 1000000, judged = 0;
    CHECK(end > 60);
    for (uint64_t second = end / 4; second < end - 1; second++) {
        if (!told[second])
            continue;
        check_told("the sender", second, end - second, told[second]);
        check_told("the server", second, end - second, (uint64_t)told_at_server[second]);
        judged++;
    }
    CHECK(judged > end / 2);
    sim_world_free(&w);
}

static void test_time_left_by_itself(void)
{
    struct bf_outlook pace = {.left = 1000000};
    CHECK_EQ(bf_eta_seconds(&pace), UINT64_MAX);
    pace.rate = 1000;
    CHECK_EQ(bf_eta_seconds(&pace), 1000);
    pace.done = pace.wire = 500000; // without a limit the wire says nothing
    CHECK_EQ(bf_eta_seconds(&pace), 1000);
    pace.wire_most = 500; // no sooner than the wire can
    CHECK_EQ(bf_eta_seconds(&pace), 2000);
    pace.rate = 0; // a pause between two pieces
    CHECK_EQ(bf_eta_seconds(&pace), UINT64_MAX);
    pace.wire_rate = 490;
    CHECK_EQ(bf_eta_seconds(&pace), 2000);
    pace.wire /= 2; // half of it was zeros
    CHECK_EQ(bf_eta_seconds(&pace), 1000);
    pace.rate = 10; // the wire is the bottleneck: its rate counts
    CHECK_EQ(bf_eta_seconds(&pace), 1000);
    pace.wire_rate = 100; // it is not
    CHECK_EQ(bf_eta_seconds(&pace), 100000);
    pace = (struct bf_outlook){UINT64_MAX, 1, 1, UINT64_MAX, 1, 1};
    CHECK(bf_eta_seconds(&pace) >= 1);
}

static void test_several_rates(void)
{
    static const uint64_t rates[] = {16384, 65536, 300001, 1 << 20};
    for (uint64_t i = 0; i < BF_COUNT(rates); i++) {
        begin(100 + i, rates[i], rates[i] * 40 / 65536 * 65536);
        run();
        CHECK_EQ(w.connections, 1);
        check_never_more();
        CHECK(check_never_less() > 80);    // zeros take no time
        CHECK(longest_pause_us <= 500000); // the server always hears from us
        sim_world_free(&w);
    }
}

static void test_limit_above_the_link(void)
{
    begin(110, (uint64_t)1 << 40, 4 << 20);
    w.link_model.bytes_per_second = 200000;
    run();
    CHECK_EQ(w.connections, 1);
    sim_world_free(&w);
}

// The bucket is the sender's: another connection does not begin with another one.
static void test_cut_connections(void)
{
    begin(120, 1 << 20, 32 << 20);
    for (uint64_t i = 0; i < 8; i++)
        w.event[w.events++] = (struct sim_event){.kind = SIM_CUT, .at_bytes = (i + 1) * 1500000};
    run();
    CHECK_EQ(w.connections, 9);
    check_never_more();
    sim_world_free(&w);
}

static void test_none(void)
{
    begin(130, 0, 8 << 20);
    run();
    CHECK(ten_seconds(0) > 3 << 20);
    CHECK(w.progress.committed_us - from_us < 5000000);
    sim_world_free(&w);
}

// The good-bye waits for what is left of a frame: at most about a second of the limit.
static void test_cancel_is_told(void)
{
    begin(140, 65536, 8 << 20);
    for (uint32_t i = 0; i < 8 << 20; i++)
        w.data[0][i] = (uint8_t)(sim_random() | 1); // in frames as long as may be
    w.event[w.events++] = (struct sim_event){.kind = SIM_CANCEL, .at_bytes = 200000};
    CHECK_EQ(sim_world_run(&w), BF_ERR_CANCELLED);
    CHECK_EQ(w.receiver_fault.code, BF_ERR_CANCELLED);
    check_never_more();
    sim_world_free(&w);
}

TEST_MAIN(TEST(test_bucket_gives_the_rate), TEST(test_bucket_saves_up_little),
          TEST(test_bounds_of_the_rate), TEST(test_several_rates), TEST(test_limit_above_the_link),
          TEST(test_cut_connections), TEST(test_none), TEST(test_time_left_by_itself),
          TEST(test_time_left_follows_the_limit), TEST(test_cancel_is_told))
