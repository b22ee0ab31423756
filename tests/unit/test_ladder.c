// SPDX-License-Identifier: Apache-2.0
// The compression ladder on a virtual clock, in a model of the whole path: a sender's processor
// that does so much per rung, two buffers with a link between them, a receiver's processor, and a
// store behind a queue. In every regime the choice must reach most of what the best single rung
// reaches.
#include "migrate/remote/ladder.h"
#include "tests/unit/test.h"

enum { TICK_US = 1000, BUFFER = 4 << 20, QUEUE = 32 << 20, PACE_TICKS = 100 };

// Megabytes per second.
struct path {
    double sender[BF_LADDER_RUNGS]; // data compressed, digested and encrypted, by rung
    double ratio[BF_LADDER_RUNGS];  // data per byte on the wire
    double link, receiver, store;
    uint32_t processors;
    int silent; // a server that knows no PACE
};

static const double ratios[BF_LADDER_RUNGS] = {1, 2, 2.6, 2.8};

struct flow {
    double out, in,
        queued;      // bytes: sender's buffer, receiver's buffer (wire), store's queue (data)
    double ratio;    // of what is in the buffers
    double stored;   // data
    uint32_t waited; // ticks in which the receiver had no bytes
};

static double least(double a, double b)
{
    return a < b ? a : b;
}

// One tick with this much data offered by the sender; returns what the sender could do.
static double tick(struct flow *f, const struct path *p, double offered)
{
    double per_tick = 1e6 * TICK_US / 1e6;
    double room = (BUFFER - f->out) * f->ratio, done = least(offered, room), moved, taken;
    f->out += done / f->ratio;
    moved = least(p->link * per_tick, least(f->out, BUFFER - f->in));
    f->out -= moved;
    f->in += moved;
    taken = least(p->receiver * per_tick, least(f->in * f->ratio, QUEUE - f->queued));
    f->waited += f->in * f->ratio < p->receiver * per_tick * 0.5;
    f->in -= taken / f->ratio;
    f->queued += taken;
    moved = least(p->store * per_tick, f->queued);
    f->queued -= moved;
    f->stored += moved;
    return done;
}

static int rung_of(struct bf_ladder_choice choice)
{
    return choice.codec == BF_CODEC_NONE  ? 0
           : choice.codec == BF_CODEC_LZ4 ? 1
           : choice.level + 1 > 3         ? 3
                                          : 2;
}

// What goes through in the last twenty of thirty seconds, MB/s; rung < 0: adaptive.
static double run(const struct path *p, int rung, int *last)
{
    struct flow f = {.ratio = 1};
    struct bf_ladder a;
    double before = 0;
    bf_ladder_init(&a, 0, BF_CAP_LZ4 | BF_CAP_ZSTD);
    bf_ladder_processors(&a, p->processors ? p->processors : 1);
    for (int t = 0; t < 30000; t++) {
        int now = rung < 0 ? rung_of(bf_ladder_choose(&a)) : rung;
        double offered = p->sender[now] * TICK_US, done;
        f.ratio = p->ratio[now];
        done = tick(&f, p, offered);
        bf_ladder_framed(&a, (uint32_t)done);
        bf_ladder_tick(&a, TICK_US, done < offered / 2 ? BF_WAIT_LINK : BF_WAIT_PROCESSOR);
        if (t % PACE_TICKS == PACE_TICKS - 1) {
            if (!p->silent)
                bf_ladder_peer(&a, f.waited * 1000 / PACE_TICKS);
            f.waited = 0;
        }
        if (t == 10000)
            before = f.stored;
        if (last)
            *last = now;
    }
    return (f.stored - before) / 20e6;
}

static void check_path(const struct path *p, int from, int to)
{
    double best = 0, ours;
    int last = 0;
    for (int i = 0; i < BF_LADDER_RUNGS; i++) {
        double one = run(p, i, NULL);
        best = one > best ? one : best;
    }
    ours = run(p, -1, &last);
    printf("# best %.0f MB/s, ours %.0f MB/s, at the end on rung %d\n", best, ours, last);
    CHECK(ours > best * 0.85);
    CHECK(last >= from && last <= to);
}

static struct path path(double link, double receiver, double store)
{
    struct path p = {
        .sender = {2000, 600, 300, 170}, .link = link, .receiver = receiver, .store = store};
    memcpy(p.ratio, ratios, sizeof ratios);
    return p;
}

static void test_fast_link(void)
{
    struct path p = path(2000, 1500, 1500);
    check_path(&p, 0, 0);
}

static void test_fast_link_slow_store(void)
{
    struct path p = path(2000, 1500, 120);
    check_path(&p, 0, 0);
}

static void test_fast_link_slow_receiver(void)
{
    struct path p = path(2000, 200, 1500);
    check_path(&p, 0, 0);
}

static void test_store_a_little_faster_than_the_link(void)
{
    struct path p = path(118, 1500, 150); // without compression the link would be what is awaited
    check_path(&p, 0, 1);
}

// A loop that cannot encrypt as much as its workers compress: less compression is tried, and left.
static void test_slow_loop(void)
{
    struct path p = path(2000, 1500, 1500);
    p.sender[0] = 500;
    p.sender[1] = 900;
    check_path(&p, 1, 1);
}

static void test_gigabit(void)
{
    struct path p = path(118, 1500, 1500);
    check_path(&p, 1, 2);
}

static void test_gigabit_fast_processors(void)
{
    struct path p = path(118, 1500, 1500);
    for (int i = 1; i < BF_LADDER_RUNGS; i++)
        p.sender[i] *= 4;
    p.processors = 4;
    check_path(&p, 2, 3);
}

static void test_slow_link(void)
{
    struct path p = path(5, 1500, 1500);
    check_path(&p, 3, 3);
    p.silent = 1;
    check_path(&p, 3, 3);
}

static void test_slow_processor(void)
{
    struct path p = path(118, 1500, 1500);
    memcpy(p.sender, (double[]){250, 60, 25, 15}, sizeof p.sender);
    check_path(&p, 0, 0);
    p.link = 3;
    check_path(&p, 2, 3);
}

static void test_silent_peer_on_a_fast_link(void)
{
    struct path p = path(2000, 1500, 500);
    p.silent = 1;
    check_path(&p, 0, 1); // nothing that is slower than what goes through
}

TEST_MAIN(TEST(test_fast_link), TEST(test_fast_link_slow_store), TEST(test_fast_link_slow_receiver),
          TEST(test_store_a_little_faster_than_the_link), TEST(test_slow_loop), TEST(test_gigabit),
          TEST(test_gigabit_fast_processors), TEST(test_slow_link), TEST(test_slow_processor),
          TEST(test_silent_peer_on_a_fast_link))
