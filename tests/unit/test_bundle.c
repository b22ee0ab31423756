// SPDX-License-Identifier: Apache-2.0
// One stream over several simulated connections: order, turns, late and missing lanes, lanes that
// die, ends, what a hostile source may write, and connections of sources that know no bundles.
#include "base/mem.h"
#include "base/platform.h"
#include "net/proto/bundle.h"
#include "net/proto/proto.h"
#include "tests/platform_sim.h"
#include "tests/sim_link.h"
#include "tests/unit/test.h"

enum { LINKS = 16, TURNS = 400000, BLOCK = 40000 };

static struct sim_link_model model;
static struct sim_link *wire[LINKS];
static struct bf_stream served[LINKS]; // the server's end of each, until it joined
static uint32_t links, refused_from;   // links from this number on are closed by the server
static uint32_t makes_fail_from;       // and from this one on cannot be made
static int server_silent;              // takes no further lane, and closes none
static struct bf_stream source, server;
static struct bf_mem_usage before;
static struct bf_fault fault;

// ---- The two ends ------------------------------------------------------------------------------

static uint32_t new_link(void)
{
    if (links == LINKS)
        FAIL("too many connections");
    wire[links] = sim_link_new(&model);
    CHECK_EQ(bf_bundle_accept(sim_link_stream(wire[links], SIM_SERVER), &served[links]), BF_OK);
    return links++;
}

static enum bf_err make(void *impl, struct bf_stream *out, struct bf_fault *why)
{
    if (links >= makes_fail_from)
        return bf_fault_set(why, BF_ERR_NETWORK, BF_SIDE_NETWORK, "wait", "no more");
    *out = sim_link_stream(wire[new_link()], SIM_CLIENT);
    return BF_OK;
}

static void begin(uint32_t lanes, uint64_t seed)
{
    sim_platform_reset(seed);
    bf_mem_usage(&before);
    memset(&model, 0, sizeof model);
    model.latency_us = 1000;
    model.buffer = 60000;
    model.bytes_per_second = 20000000;
    links = 0;
    server_silent = 0;
    refused_from = makes_fail_from = LINKS;
    memset(served, 0, sizeof served);
    if (!lanes)
        return;
    new_link();
    server = served[0];
    CHECK_EQ(bf_bundle_open(sim_link_stream(wire[0], SIM_CLIENT), lanes,
                            (struct bf_lane_maker){make, NULL}, &source, &fault),
             BF_OK);
}

static void end(void)
{
    struct bf_mem_usage after;
    if (source.ops)
        source.ops->close(source.impl);
    source.ops = NULL;
    for (uint32_t i = 0; i < links; i++)
        if (served[i].ops)
            served[i].ops->close(served[i].impl);
    for (uint32_t i = 0; i < links; i++)
        sim_link_free(wire[i]);
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, before.in_use);
}

// What the daemon does with further connections.
static void serve_further(void)
{
    struct bf_preface first = {{0}, 0}, p;
    for (uint32_t i = 1; i < links; i++) {
        if (!served[i].ops || server_silent)
            continue;
        served[i].ops->poll(served[i].impl);
        if (bf_bundle_kind(&served[i], &p) != BF_BUNDLE_FURTHER ||
            bf_bundle_kind(&server, &first) != BF_BUNDLE_FIRST)
            continue;
        CHECK_MEM(p.bundle, first.bundle, sizeof p.bundle);
        if (i >= refused_from) {
            served[i].ops->close(served[i].impl);
        } else {
            struct bf_stream lane = bf_bundle_detach(&served[i]);
            CHECK_EQ(bf_bundle_join(&server, p.lane, lane), BF_OK);
        }
        served[i].ops = NULL;
    }
}

static void turn(void)
{
    source.ops->poll(source.impl);
    server.ops->poll(server.impl);
    serve_further();
    sim_clock_advance(200);
}

// ---- Data --------------------------------------------------------------------------------------

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 11);
}

static uint64_t write_some(uint64_t sent, uint64_t amount, size_t most)
{
    static uint8_t block[BLOCK];
    size_t len = most < amount - sent ? most : (size_t)(amount - sent), done = 0;
    for (size_t i = 0; i < len; i++)
        block[i] = pattern(sent + i);
    enum bf_err err = source.ops->write(source.impl, block, len, &done);
    CHECK(err == BF_OK || err == BF_AGAIN);
    return done;
}

static uint64_t read_some(uint64_t got, size_t most)
{
    static uint8_t block[BLOCK];
    size_t done = 0;
    enum bf_err err = server.ops->read(server.impl, block, most, &done);
    CHECK(err == BF_OK || err == BF_AGAIN);
    CHECK(done <= most);
    for (size_t i = 0; i < done; i++)
        CHECK_EQ(block[i], pattern(got + i));
    return done;
}

static void transfer_random(uint64_t amount)
{
    uint64_t sent = 0, got = 0;
    for (uint32_t t = 0; got < amount; t++) {
        if (t == TURNS)
            FAIL("%" PRIu64 " of %" PRIu64 " came", got, amount);
        if (sim_random() % 3)
            sent += write_some(sent, amount, 1 + sim_random() % BLOCK);
        turn();
        for (uint64_t n = 1; n && sim_random() % 4;)
            got += n = read_some(got, 1 + sim_random() % BLOCK);
    }
    CHECK_EQ(sent, amount);
}

static void test_order_over_any_number_of_lanes(void)
{
    for (uint32_t lanes = 1; lanes <= BF_LANES_MAX; lanes++) {
        begin(lanes, lanes);
        model.fragment = 1;
        transfer_random(3000000);
        CHECK_EQ(bf_bundle_lanes(&source), lanes);
        CHECK_EQ(links, lanes);
        end();
    }
}

static void test_lanes_of_different_speed(void)
{
    begin(4, 7);
    static const uint64_t rates[] = {900000, 300000, 2000000, 500000};
    static const uint64_t latencies[] = {1000, 90000, 10, 30000};
    uint64_t sent = 0, got = 0;
    for (uint32_t t = 0; got < 12000000; t++) {
        // the next one to be made gets its own
        model.bytes_per_second = rates[links % 4];
        model.latency_us = latencies[links % 4];
        if (t == TURNS)
            FAIL("%" PRIu64 " came", got);
        sent += write_some(sent, 12000000, BLOCK);
        turn();
        for (uint64_t n; (n = read_some(got, BLOCK));)
            got += n;
    }
    for (uint32_t i = 0; i < 4; i++)
        CHECK(sim_link_bytes(wire[i]) > 60000);
    // a slow lane does not hold up a fast one for long
    CHECK(sim_link_bytes(wire[0]) > 2 * sim_link_bytes(wire[1]));
    end();
}

static void test_no_more_lanes_than_are_needed(void)
{
    begin(4, 1);
    uint64_t got = 0;
    for (uint64_t sent = 0; sent < 200000; sent += 1000) {
        CHECK_EQ(write_some(sent, sent + 1000, 1000), 1000);
        for (int i = 0; i < 20; i++)
            turn();
        for (uint64_t n; (n = read_some(got, BLOCK));)
            got += n;
    }
    CHECK_EQ(got, 200000);
    CHECK_EQ(links, 1);
    end();
}

static void test_small_pieces_share_a_segment(void)
{
    begin(1, 1);
    for (int i = 0; i < 20; i++)
        turn();
    uint64_t base = sim_link_bytes(wire[0]);
    for (uint64_t i = 0; i < 100; i++)
        CHECK_EQ(write_some(i, 100, 1), 1);
    uint64_t got = 0;
    for (int i = 0; i < 100; i++) {
        turn();
        got += read_some(got, BLOCK);
    }
    CHECK_EQ(got, 100);
    CHECK_EQ(source.ops->unsent(source.impl), 0);
    CHECK_EQ(sim_link_bytes(wire[0]) - base, BF_SEGMENT_HEADER + 100);
    end();
}

static void test_both_ways_and_the_ends(void)
{
    uint8_t byte[8];
    size_t done;
    begin(3, 5);
    transfer_random(800000);
    CHECK_EQ(bf_bundle_lanes(&source), 3);
    CHECK_EQ(server.ops->write(server.impl, "answer", 6, &done), BF_OK);
    for (int i = 0; i < 50; i++)
        turn();
    CHECK_EQ(source.ops->read(source.impl, byte, sizeof byte, &done), BF_OK);
    CHECK_EQ(done, 6);
    // the last words, and the end of all lanes behind them
    write_some(800000, 830000, 30000);
    for (int i = 0; source.ops->unsent(source.impl) && i < 1000; i++)
        turn();
    source.ops->close(source.impl);
    source.ops = NULL;
    uint64_t got = 800000;
    for (int i = 0; i < 1000 && got < 830000; i++)
        got += read_some(got, BLOCK);
    CHECK_EQ(got, 830000);
    CHECK_EQ(server.ops->read(server.impl, byte, sizeof byte, &done), BF_ERR_CLOSED);
    end();
}

// ---- Lanes that are not to be had, or die ------------------------------------------------------

static void test_refused_lanes_are_done_without(void)
{
    begin(4, 3);
    refused_from = 2;
    transfer_random(1000000);
    CHECK_EQ(bf_bundle_lanes(&source), 2);
    CHECK_EQ(links, 3); // it is not tried again and again
    CHECK(strstr(sim_log(), "connection 3 of 4 cannot be opened"));
    end();
    begin(4, 3);
    makes_fail_from = 1;
    transfer_random(1000000);
    CHECK_EQ(bf_bundle_lanes(&source), 1);
    CHECK(strstr(sim_log(), "connection 2 of 4 cannot be opened (no more)"));
    end();
}

static void test_silent_server_of_a_lane(void)
{
    begin(2, 3);
    server_silent = 1;
    transfer_random(1000000);
    CHECK_EQ(links, 2);
    sim_clock_advance(30000000);
    turn();
    CHECK(strstr(sim_log(), "connection 2 of 2 cannot be opened (the server does not answer)"));
    CHECK_EQ(source.ops->state(source.impl), BF_STREAM_OPEN);
    end();
}

static void test_a_lane_that_dies_fails_both_ends(void)
{
    uint8_t bytes[100];
    size_t done;
    begin(4, 9);
    transfer_random(1000000);
    CHECK_EQ(bf_bundle_lanes(&source), 4);
    sim_link_reset(wire[2]);
    for (int i = 0; i < 20000 && source.ops->state(source.impl) == BF_STREAM_OPEN; i++)
        turn();
    CHECK_EQ(source.ops->state(source.impl), BF_STREAM_FAILED);
    CHECK_STR(source.ops->fault(source.impl)->what, "connection reset");
    CHECK_EQ(server.ops->state(server.impl), BF_STREAM_FAILED);
    CHECK_EQ(server.ops->read(server.impl, bytes, sizeof bytes, &done), BF_ERR_NETWORK);
    CHECK_EQ(server.ops->fault(server.impl)->code, BF_ERR_NETWORK);
    end();
}

// An orderly end is the server's doing, and no fault of the network.
static void test_a_lane_that_the_server_closes(void)
{
    begin(2, 9);
    transfer_random(1000000);
    struct bf_stream lane = sim_link_stream(wire[1], SIM_SERVER);
    lane.ops->close(lane.impl);
    for (int i = 0; i < 20000 && source.ops->state(source.impl) == BF_STREAM_OPEN; i++)
        turn();
    CHECK_EQ(source.ops->state(source.impl), BF_STREAM_FAILED);
    CHECK_EQ(source.ops->fault(source.impl)->side, BF_SIDE_SERVER);
    CHECK_STR(source.ops->fault(source.impl)->what, "the server closed one of the connections");
    end();
}

static void test_last_words_of_the_server_are_heard(void)
{
    uint8_t bytes[100];
    size_t done = 0;
    begin(2, 9);
    transfer_random(1000000);
    model.latency_us = 0;
    CHECK_EQ(server.ops->write(server.impl, "because", 7, &done), BF_OK);
    sim_link_reset(wire[1]); // is seen at once, the words on lane 0 come later
    source.ops->poll(source.impl);
    CHECK_EQ(source.ops->state(source.impl), BF_STREAM_OPEN);
    CHECK_EQ(source.ops->write(source.impl, "x", 1, &done), BF_AGAIN);
    for (int i = 0; i < 10; i++)
        turn();
    CHECK_EQ(source.ops->read(source.impl, bytes, sizeof bytes, &done), BF_OK);
    CHECK_EQ(done, 7);
    for (int i = 0; i < 11000; i++)
        turn();
    CHECK_EQ(source.ops->state(source.impl), BF_STREAM_FAILED);
    end();
}

static void test_lane_0_dies(void)
{
    begin(2, 9);
    transfer_random(1000000);
    sim_link_reset(wire[0]);
    turn();
    CHECK_EQ(source.ops->state(source.impl), BF_STREAM_FAILED);
    CHECK_EQ(server.ops->state(server.impl), BF_STREAM_FAILED);
    end();
}

// ---- The server and what it is told ------------------------------------------------------------

static struct bf_stream client(uint32_t i)
{
    return sim_link_stream(wire[i], SIM_CLIENT);
}

static void tell(uint32_t i, const void *bytes, size_t len)
{
    size_t done;
    struct bf_stream s = client(i);
    CHECK_EQ(s.ops->write(s.impl, bytes, len, &done), BF_OK);
    CHECK_EQ(done, len);
}

static void tell_preface(uint32_t i, uint8_t lane)
{
    uint8_t bytes[BF_PREFACE_SIZE];
    struct bf_preface p = {.bundle = "fifteen letters", .lane = lane};
    bf_preface_put(bytes, &p);
    tell(i, bytes, sizeof bytes);
    sim_clock_advance(2000);
    served[i].ops->poll(served[i].impl);
}

// A server with so many lanes whose source is played by the test.
static void begin_server(uint32_t lanes)
{
    begin(0, 4);
    model.latency_us = model.bytes_per_second = 0;
    for (uint32_t i = 0; i < lanes; i++) {
        struct bf_preface p;
        new_link();
        tell_preface(i, (uint8_t)i);
        CHECK_EQ(bf_bundle_kind(&served[i], &p), i ? BF_BUNDLE_FURTHER : BF_BUNDLE_FIRST);
        CHECK_EQ(p.lane, i);
        if (i)
            CHECK_EQ(bf_bundle_join(&served[0], p.lane, bf_bundle_detach(&served[i])), BF_OK);
    }
    server = served[0];
}

static void tell_segment(uint32_t i, uint64_t offset, uint32_t len, size_t really)
{
    static uint8_t bytes[BF_SEGMENT_HEADER + 70000];
    bf_segment_put(bytes, &(struct bf_bundle_segment){offset, len});
    for (size_t at = 0; at < really; at++)
        bytes[BF_SEGMENT_HEADER + at] = pattern(offset + at);
    tell(i, bytes, BF_SEGMENT_HEADER + really);
}

static uint64_t read_all(uint64_t got)
{
    for (uint64_t n; (n = read_some(got, BLOCK));)
        got += n;
    return got;
}

static void test_segments_out_of_order(void)
{
    begin_server(3);
    tell_segment(2, 30, 10, 10);
    CHECK_EQ(read_all(0), 0);
    CHECK_EQ(bf_bundle_starved(&server), 1);
    tell_segment(1, 10, 20, 20);
    tell_segment(0, 0, 10, 4);
    CHECK_EQ(read_some(0, 3), 3);
    CHECK_EQ(bf_bundle_starved(&server), 0);
    CHECK_EQ(read_all(3), 4);
    struct bf_stream s = client(0);
    size_t done;
    uint8_t rest[6] = {pattern(4), pattern(5), pattern(6), pattern(7), pattern(8), pattern(9)};
    CHECK_EQ(s.ops->write(s.impl, rest, 6, &done), BF_OK);
    CHECK_EQ(read_all(4), 40);
    end();
}

struct wrong {
    uint32_t lane;
    uint64_t offset;
    uint32_t len, really;
};

static void expect_refusal(const struct wrong *w, uint32_t count)
{
    uint8_t bytes[1000];
    size_t done;
    enum bf_err err = BF_OK;
    begin_server(2);
    tell_segment(0, 0, 100, 100);
    for (uint32_t i = 0; i < count; i++)
        tell_segment(w[i].lane, w[i].offset, w[i].len, w[i].really);
    while (err == BF_OK)
        err = server.ops->read(server.impl, bytes, sizeof bytes, &done);
    CHECK_EQ(err, BF_ERR_PROTOCOL);
    CHECK_EQ(server.ops->state(server.impl), BF_STREAM_FAILED);
    CHECK_EQ(server.ops->fault(server.impl)->side, BF_SIDE_SOURCE);
    CHECK_EQ(server.ops->read(server.impl, bytes, sizeof bytes, &done), BF_ERR_PROTOCOL);
    end();
}

static void test_hostile_segments(void)
{
    expect_refusal(&(struct wrong){0, 50, 10, 10}, 1);                  // goes back
    expect_refusal(&(struct wrong){0, 100, 0, 0}, 1);                   // says nothing
    expect_refusal(&(struct wrong){0, 100, BF_SEGMENT_MAX + 1, 10}, 1); // too long
    expect_refusal(&(struct wrong){0, 100, UINT32_MAX, 10}, 1);
    expect_refusal(&(struct wrong){0, UINT64_MAX, 1, 1}, 1); // no place behind it
    struct wrong overlap[] = {{0, 100, 50, 50}, {1, 120, 10, 10}};
    expect_refusal(overlap, 2);
    struct wrong twice[] = {{0, 100, 50, 50}, {1, 100, 50, 50}};
    expect_refusal(twice, 2);
}

// Nothing is delivered behind a gap: that is silence to whoever reads.
static void test_gap(void)
{
    begin_server(2);
    tell_segment(0, 0, 100, 100);
    tell_segment(0, 200, 100, 100);
    tell_segment(1, 300, 100, 100);
    CHECK_EQ(read_all(0), 100);
    CHECK_EQ(bf_bundle_starved(&server), 1);
    CHECK_EQ(server.ops->state(server.impl), BF_STREAM_OPEN);
    end();
}

static void test_end_within_a_segment(void)
{
    uint8_t bytes[100];
    size_t done;
    for (size_t really = 0; really < 2; really++) {
        begin_server(2);
        tell_segment(1, 0, 2, really);
        struct bf_stream s = client(1);
        s.ops->close(s.impl);
        if (really)
            CHECK_EQ(read_some(0, 1), 1);
        CHECK_EQ(server.ops->read(server.impl, bytes, sizeof bytes, &done), BF_ERR_PROTOCOL);
        end();
    }
}

static void test_an_ended_lane_is_no_end(void)
{
    uint8_t bytes[100];
    size_t done;
    begin_server(2);
    struct bf_stream s = client(0);
    s.ops->close(s.impl);
    CHECK_EQ(read_all(0), 0);
    CHECK(!bf_bundle_lane(&server, 0) && bf_bundle_lane(&server, 1));
    tell_segment(1, 0, 50, 50);
    CHECK_EQ(read_all(0), 50);
    s = client(1);
    s.ops->close(s.impl);
    CHECK_EQ(server.ops->read(server.impl, bytes, sizeof bytes, &done), BF_ERR_CLOSED);
    // who comes now is too late
    new_link();
    struct bf_stream late = sim_link_stream(wire[2], SIM_SERVER);
    CHECK_EQ(bf_bundle_join(&server, 2, late), BF_ERR_CLOSED);
    end();
}

static void test_the_same_lane_twice(void)
{
    begin_server(3);
    new_link();
    tell_preface(3, 2);
    struct bf_stream again = bf_bundle_detach(&served[3]);
    CHECK_EQ(bf_bundle_join(&server, 2, again), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_bundle_join(&server, BF_LANES_MAX, again), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_bundle_join(&server, 0, again), BF_ERR_PROTOCOL);
    tell_segment(2, 0, 50, 50); // nothing has changed
    CHECK_EQ(read_all(0), 50);
    end();
}

static void test_malformed_prefaces(void)
{
    static const size_t places[] = {24, 25, 31};
    struct bf_preface p;
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[BF_PREFACE_SIZE], byte;
        size_t done;
        begin_server(0);
        new_link();
        bf_preface_put(bytes, &(struct bf_preface){.lane = 1});
        bytes[places[i]] = BF_LANES_MAX;
        tell(0, bytes, sizeof bytes);
        CHECK_EQ(served[0].ops->read(served[0].impl, &byte, 1, &done), BF_ERR_PROTOCOL);
        CHECK_EQ(bf_bundle_kind(&served[0], &p), BF_BUNDLE_UNDECIDED);
        end();
    }
}

static void test_sources_without_bundles(void)
{
    uint8_t frame[64], got[64];
    size_t len = bf_put_ping(frame, sizeof frame, BF_MSG_PING, 77);
    struct bf_preface p;
    for (size_t step = 1; step <= len; step++) {
        size_t have = 0, done = 0;
        begin_server(0);
        new_link();
        for (size_t at = 0; at < len; at += step) {
            tell(0, frame + at, step < len - at ? step : len - at);
            served[0].ops->poll(served[0].impl);
            while (served[0].ops->read(served[0].impl, got + have, 3, &done) == BF_OK)
                have += done;
        }
        CHECK_EQ(have, len);
        CHECK_MEM(got, frame, len);
        CHECK_EQ(bf_bundle_kind(&served[0], &p), BF_BUNDLE_PLAIN);
        CHECK_EQ(served[0].ops->write(served[0].impl, "pong", 4, &done), BF_OK);
        end();
    }
}

static void test_short_connections_without_bundles(void)
{
    uint8_t got[64];
    size_t done;
    begin_server(0);
    new_link();
    struct bf_stream s = client(0);
    tell(0, "abc", 3);
    s.ops->close(s.impl);
    CHECK_EQ(served[0].ops->read(served[0].impl, got, sizeof got, &done), BF_OK);
    CHECK_EQ(done, 3);
    CHECK_EQ(served[0].ops->read(served[0].impl, got, sizeof got, &done), BF_ERR_CLOSED);
    end();
}

TEST_MAIN(TEST(test_order_over_any_number_of_lanes), TEST(test_lanes_of_different_speed),
          TEST(test_no_more_lanes_than_are_needed), TEST(test_small_pieces_share_a_segment),
          TEST(test_both_ways_and_the_ends), TEST(test_refused_lanes_are_done_without),
          TEST(test_silent_server_of_a_lane), TEST(test_a_lane_that_dies_fails_both_ends),
          TEST(test_a_lane_that_the_server_closes), TEST(test_last_words_of_the_server_are_heard),
          TEST(test_lane_0_dies), TEST(test_segments_out_of_order), TEST(test_hostile_segments),
          TEST(test_gap), TEST(test_end_within_a_segment), TEST(test_an_ended_lane_is_no_end),
          TEST(test_the_same_lane_twice), TEST(test_malformed_prefaces),
          TEST(test_sources_without_bundles), TEST(test_short_connections_without_bundles))
