// SPDX-License-Identifier: Apache-2.0
// The IP stack over long and bad paths, on a virtual clock with a simulated host at the other end,
// so that a seed replays a run exactly: that every byte arrives, and that the rate does not
// collapse. How it compares with Linux is measured by tests/bench/links.sh.
#include "base/bytes.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/ip/cubic.h"
#include "net/ip/pmtu.h"
#include "net/ip/stack.h"
#include "tests/net/path.h"
#include "tests/net/tcp_sink.h"
#include "tests/platform_sim.h"
#include "tests/unit/test.h"

uint32_t bf_lwip_complaints(void);

enum { FLOWS = 8, TURN_US = 500, SECOND = 1000000 };

static const struct path_model LONG = {
    .delay_us = 50000, .bytes_per_second = 5000000, .queue_bytes = 500000};

static struct path *path;
static struct sink sink;
static struct bf_config config;
static struct bf_stream stream[FLOWS];
static uint64_t written[FLOWS];
static uint32_t flows;
static struct bf_mem_usage before;
static struct path_counts last; // of the last run

// ---- The network -------------------------------------------------------------------------------

static enum bf_err end_send(void *impl, const void *frame, size_t len)
{
    path_put(path, 0, frame, len, bf_platform_now_us());
    return BF_OK;
}

static enum bf_err end_receive(void *impl, void *buffer, size_t size, size_t *len)
{
    static uint8_t frame[PATH_FRAME_MAX];
    *len = path_take(path, 0, frame, bf_platform_now_us());
    if (!*len || *len > size)
        return BF_AGAIN;
    memcpy(buffer, frame, *len);
    return BF_OK;
}

static void nothing(void *impl)
{
}

static int up(void *impl)
{
    return 1;
}

static const struct bf_nic_ops nic_ops = {.driver = "path",
                                          .send = end_send,
                                          .receive = end_receive,
                                          .poll = nothing,
                                          .link = up,
                                          .close = nothing};
static struct bf_nic nic = {.ops = &nic_ops, .mac = {0x52, 0x54, 0, 9, 0, 2}, .mtu = 1500};

static void answer(void *user, const uint8_t *frame, size_t len)
{
    path_put(path, 1, frame, len, bf_platform_now_us());
}

static void begin(const struct path_model *model, uint32_t count, uint64_t seed)
{
    struct bf_nic *nics = &nic;
    struct bf_fault fault;
    char reason[128];
    static int started;
    if (!started)
        sim_platform_reset(seed); // once: lwIP's timers must not see the clock go back
    started = 1;
    bf_mem_usage(&before);
    path = path_new(model, seed);
    memset(&sink, 0, sizeof sink);
    sink.send = answer;
    memset(written, 0, sizeof written);
    flows = count;
    bf_config_defaults(&config);
    CHECK_EQ(
        bf_config_set(&config, "address", "10.9.0.2/24", BF_ORIGIN_FILE, reason, sizeof reason),
        BF_OK);
    config.connections = (uint8_t)count;
    CHECK_EQ(bf_ip_start(&nics, 1, &config, &fault), BF_OK);
    for (uint32_t i = 0; i < flows; i++) {
        struct bf_dialer d = bf_ip_dialer();
        CHECK_EQ(d.dial(d.impl, &bf_peer_server, "10.9.0.1", 7667, &stream[i], &fault), BF_OK);
    }
}

static void write_some(uint32_t i)
{
    size_t len, done;
    do {
        const uint8_t *bytes = sink_pattern(written[i], &len);
        if (stream[i].ops->write(stream[i].impl, bytes, len, &done) != BF_OK)
            return;
        written[i] += done;
    } while (done == len);
}

static void turn(int write)
{
    uint8_t frame[PATH_FRAME_MAX];
    size_t len;
    uint64_t now = bf_platform_now_us();
    while ((len = path_take(path, 1, frame, now)))
        sink_frame(&sink, frame, len, now);
    sink_turn(&sink, now);
    bf_ip_poll();
    for (uint32_t i = 0; i < flows; i++) {
        if (write)
            write_some(i);
        stream[i].ops->poll(stream[i].impl);
    }
    sim_clock_advance(TURN_US);
}

static void end(void)
{
    struct bf_mem_usage after;
    for (uint32_t i = 0; i < flows; i++)
        stream[i].ops->close(stream[i].impl);
    bf_ip_stop();
    path_free(path);
    bf_mem_usage(&after);
    CHECK_EQ(bf_lwip_complaints(), 0);
    CHECK(after.in_use <= before.in_use + 8192);
}

// Sends for so long; then what is under way has to arrive to the last byte. Returns bytes a second.
static uint64_t run(uint32_t seconds)
{
    uint64_t until = bf_platform_now_us() + (uint64_t)seconds * SECOND, total = 0;
    while (bf_platform_now_us() < until)
        turn(1);
    uint64_t rate = sink_bytes(&sink) / seconds;
    for (uint32_t i = 0; i < flows; i++)
        total += written[i];
    for (int i = 0; i < 400000 && sink_bytes(&sink) < total; i++)
        turn(0);
    CHECK_EQ(sink_bytes(&sink), total);
    for (int i = 0; i < SINK_CONNECTIONS; i++)
        CHECK_EQ(sink.connection[i].wrong, 0);
    struct path_counts c = last = path_counts(path);
    printf("# %u connections, %" PRIu64 " bytes a second; %" PRIu64 " packets, %" PRIu64
           " lost, %" PRIu64 " held back, %" PRIu64 " dropped, %" PRIu64 " too large\n",
           flows, rate, c.packets, c.lost, c.held, c.full, c.too_large);
    return rate;
}

static uint64_t rate_over(const struct path_model *model, uint32_t count, uint32_t seconds)
{
    begin(model, count, 5);
    uint64_t rate = run(seconds);
    end();
    return rate;
}

// ---- Paths -------------------------------------------------------------------------------------

// The bounds are what no working recovery falls below, not what is reached: most of the path, or,
// with random loss, half of sqrt(3/2) segments per round trip and square root of the loss (Mathis).
static void test_long(void)
{
    for (uint32_t count = 1; count <= 4; count += 3) {
        CHECK(rate_over(&LONG, count, 10) > 3000000);
        CHECK(last.full < last.packets / 40); // it gives way where there is no room
    }
}

static void test_loss(void)
{
    struct path_model m = LONG;
    m.loss_ppm = 10000;
    uint64_t one = rate_over(&m, 1, 30), four = rate_over(&m, 4, 30);
    CHECK(one > 88000);
    CHECK(four > 3 * 88000);
}

static void test_much_loss(void)
{
    struct path_model m = LONG;
    m.loss_ppm = 100000;
    CHECK(rate_over(&m, 2, 30) > 10000);
}

static void test_reordering(void)
{
    struct path_model m = LONG;
    m.hold_ppm = 20000;
    m.hold_us = 10000;
    m.double_ppm = 5000;
    CHECK(rate_over(&m, 1, 15) > 3000000);
    begin(&m, 1, 5);
    run(15);
    struct path_counts c = path_counts(path);
    // what was only overtaken is not sent again
    CHECK(sink.connection[0].repeated < c.packets / 100 + c.packets / 200);
    end();
}

static void test_small_path_mtu(void)
{
    struct path_model m = LONG;
    m.mtu = 1280;
    CHECK(rate_over(&m, 1, 10) > 3000000);
    CHECK(rate_over(&m, 4, 10) > 3000000);
}

static void test_black_hole(void)
{
    struct path_model m = LONG;
    m.mtu = 1280;
    m.black_hole = 1;
    CHECK(rate_over(&m, 1, 20) > 1500000);
}

static void test_all_at_once(void)
{
    struct path_model m = LONG;
    m.loss_ppm = 10000;
    m.hold_ppm = 20000;
    m.hold_us = 10000;
    m.double_ppm = 5000;
    m.mtu = 1280;
    CHECK(rate_over(&m, 4, 30) > 3 * 75000);
}

static void test_many_seeds(void)
{
    struct path_model m = {.delay_us = 5000, .bytes_per_second = 2000000, .queue_bytes = 20000};
    for (uint64_t seed = 100; seed < 112; seed++) {
        m.loss_ppm = (uint32_t)(seed % 4) * 20000;
        m.hold_ppm = (uint32_t)(seed % 3) * 50000;
        m.hold_us = seed % 5 * 4000;
        m.mtu = seed & 1 ? 1280 : 0;
        begin(&m, 1 + (uint32_t)(seed % 3), seed);
        run(3);
        end();
    }
}

static void test_without_selective_acknowledgements(void)
{
    struct path_model m = {.delay_us = 5000, .bytes_per_second = 2000000, .queue_bytes = 100000};
    m.loss_ppm = 5000;
    begin(&m, 1, 5);
    sink.no_sack = 1;
    CHECK(run(10) > 200000);
    end();
}

// Whatever it says, everything arrives in the end, and nothing breaks.
static void test_a_peer_that_lies(void)
{
    struct path_model m = {.delay_us = 2000, .bytes_per_second = 2000000, .queue_bytes = 100000};
    m.loss_ppm = 30000;
    for (int lies = 5; lies < 200; lies *= 5) {
        begin(&m, 1, 5);
        sink.lies = lies;
        run(1);
        end();
    }
}

static void test_link_that_goes_away(void)
{
    begin(&LONG, 1, 5);
    for (int i = 0; i < 4 * SECOND / TURN_US; i++)
        turn(1);
    struct path *kept = path, *nowhere = path_new(&(struct path_model){.loss_ppm = 1000000}, 1);
    path = nowhere;
    for (int i = 0; i < 4 * SECOND / TURN_US; i++)
        turn(1);
    path = kept;
    path_free(nowhere);
    CHECK(run(15) > 2000000);
    end();
}

// ---- The window --------------------------------------------------------------------------------

static void test_cubic_comes_back_to_where_it_was(void)
{
    struct bf_cubic c;
    bf_cubic_init(&c, 1000, 10000000);
    CHECK_EQ(c.window, 10000);
    c.window = 1000000;
    bf_cubic_lost(&c, 0);
    CHECK_EQ(c.window, 700000);
    uint64_t now = 1000000;
    // K = cbrt(300 segments / 0.4) = 9.1 s; round trips of 100 ms
    for (; now < 1000000 + 9100000; now += 100000)
        bf_cubic_acked(&c, c.window, 100000, now);
    CHECK(c.window > 980000 && c.window < 1020000);
    for (; now < 1000000 + 18000000; now += 100000)
        bf_cubic_acked(&c, c.window, 100000, now);
    CHECK(c.window > 1200000);
}

static void test_cubic_is_never_slower_than_reno(void)
{
    struct bf_cubic c;
    bf_cubic_init(&c, 1000, 10000000);
    c.window = 12000;
    bf_cubic_lost(&c, 0);
    uint64_t now = 1000000;
    for (int i = 0; i < 20; i++, now += 20000)
        bf_cubic_acked(&c, c.window, 20000, now);
    CHECK(c.window >= 8400 + 20 * 9000 / 17 - 1000); // 9/17 of a segment per round trip
}

static void round_of(struct bf_cubic *c, uint32_t rtt_us)
{
    for (int i = 0; i < 20; i++)
        bf_cubic_rtt(c, rtt_us + (i == 10 ? 0 : 6000), i == 0); // the shortest counts
}

static void test_slow_start_ends_when_the_delay_grows(void)
{
    struct bf_cubic c;
    bf_cubic_init(&c, 1000, 10000000);
    round_of(&c, 100000);
    round_of(&c, 111000); // not enough
    CHECK_EQ(c.careful_rounds, 0);
    round_of(&c, 126000);
    CHECK_EQ(c.careful_rounds, 5);
    bf_cubic_acked(&c, 4000, 100000, 1000000);
    CHECK_EQ(c.window, 11000);
    round_of(&c, 123000); // it was an accident
    CHECK_EQ(c.careful_rounds, 0);
    round_of(&c, 140000);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(c.threshold, 10000000);
        round_of(&c, 141000);
    }
    CHECK_EQ(c.threshold, c.window);
}

static void test_timeouts_and_bounds(void)
{
    struct bf_cubic c;
    bf_cubic_init(&c, 1000, 50000);
    for (int i = 0; i < 100; i++)
        bf_cubic_acked(&c, 10000, 1000, 1000);
    CHECK_EQ(c.window, 50000);
    for (int i = 0; i < 20; i++)
        bf_cubic_lost(&c, 1);
    CHECK_EQ(c.window, 1000);
    CHECK_EQ(c.threshold, 2000);
    bf_cubic_acked(&c, 4000000000u, UINT32_MAX, UINT64_MAX / 2);
    CHECK(c.window <= 50000);
    bf_cubic_acked(&c, 4000000000u, UINT32_MAX, UINT64_MAX / 2);
    bf_cubic_acked(&c, 4000000000u, UINT32_MAX, UINT64_MAX);
    CHECK(c.window <= 50000);
}

// ---- What routers say --------------------------------------------------------------------------

static void put_icmp4(uint8_t *p, uint16_t mtu)
{
    memset(p, 0, 56);
    p[0] = 0x45;
    p[9] = 1;
    p[20] = 3;
    p[21] = 4;
    bf_put_be16(p + 26, mtu);
    p[28] = 0x45;
    p[37] = 6;
    p[40] = 10; // from 10.0.0.2 to 192.0.0.0
    p[43] = 2;
    p[44] = 192;
    memcpy(p + 48, "\x12\x34\x1d\xf3\0\0\1\2", 8);
}

static void test_messages_of_routers(void)
{
    uint8_t p[56];
    struct bf_pmtu_news n;
    put_icmp4(p, 1280);
    CHECK_EQ(bf_pmtu_parse(p, sizeof p, &n), 1);
    CHECK_EQ(n.family, 4);
    CHECK_EQ(n.mtu, 1280);
    CHECK_EQ(n.local[0], 10);
    CHECK_EQ(n.remote[0], 192);
    CHECK_EQ(n.local_port, 0x1234);
    CHECK_EQ(n.remote_port, 7667);
    CHECK_EQ(n.seq, 0x102);
    put_icmp4(p, 68);
    CHECK(bf_pmtu_parse(p, sizeof p, &n) && n.mtu == BF_PMTU_LEAST4);
    for (size_t len = 0; len < sizeof p; len++)
        CHECK_EQ(bf_pmtu_parse(p, len, &n), 0);
    static const struct {
        uint8_t at, value;
    } wrong[] = {{0, 0x44},  {0, 0x4f},  {9, 6},   {20, 8}, {21, 3},
                 {28, 0x65}, {28, 0x44}, {37, 17}, {7, 1}};
    for (size_t i = 0; i < BF_COUNT(wrong); i++) {
        put_icmp4(p, 1280);
        p[wrong[i].at] = wrong[i].value;
        CHECK_EQ(bf_pmtu_parse(p, sizeof p, &n), 0);
    }
}

static void test_marking_keeps_the_checksum(void)
{
    for (uint32_t id = 0; id < 65536; id += 7) {
        uint8_t f[60] = {0}, *ip = f + 14;
        uint32_t sum = 0;
        f[12] = 8;
        ip[0] = 0x45;
        bf_put_be16(ip + 4, (uint16_t)id);
        ip[9] = 6;
        for (int i = 0; i < 20; i += 2)
            sum += bf_be16(ip + i);
        sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
        bf_put_be16(ip + 10, (uint16_t)sum);
        bf_pmtu_mark(f, sizeof f);
        CHECK_EQ(ip[6], 0x40);
        sum = 0;
        for (int i = 0; i < 20; i += 2)
            sum += bf_be16(ip + i);
        sum = (sum & 0xffff) + (sum >> 16);
        CHECK_EQ(sum, 0xffff);
        bf_pmtu_mark(f, sizeof f);
        CHECK_EQ(ip[6], 0x40);
    }
}

TEST_MAIN(TEST(test_long), TEST(test_loss), TEST(test_much_loss), TEST(test_reordering),
          TEST(test_small_path_mtu), TEST(test_black_hole), TEST(test_all_at_once),
          TEST(test_many_seeds), TEST(test_without_selective_acknowledgements),
          TEST(test_a_peer_that_lies), TEST(test_link_that_goes_away),
          TEST(test_cubic_comes_back_to_where_it_was), TEST(test_cubic_is_never_slower_than_reno),
          TEST(test_slow_start_ends_when_the_delay_grows), TEST(test_timeouts_and_bounds),
          TEST(test_messages_of_routers), TEST(test_marking_keeps_the_checksum))
