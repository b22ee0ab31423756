// SPDX-License-Identifier: Apache-2.0
// Parts of the engine by themselves: compression there and back, the compression ladder, the rate,
// and the reading stage.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/platform.h"
#include "migrate/remote/ladder.h"
#include "migrate/compress.h"
#include "migrate/copy/feed.h"
#include "migrate/progress.h"
#include "migrate/rate.h"
#include "tests/platform_sim.h"
#include "tests/sim_disk.h"
#include "tests/unit/test.h"

// ---- Compression -------------------------------------------------------------------------------

static uint8_t raw[BF_DATA_MAX], packed[BF_DATA_MAX], back[BF_DATA_MAX + 16];

static void make_text(size_t len)
{
    sim_platform_reset(9);
    for (size_t i = 0; i < len; i++)
        raw[i] = (uint8_t)("some words in many an order "[(i + sim_random() % 3) % 28]);
}

static void test_compression_there_and_back(void)
{
    static const size_t lens[] = {BF_DATA_MAX, 65536, 40000, 513, 64};
    struct bf_compressor *c = bf_compressor_new();
    struct bf_decompressor *d = bf_decompressor_new();
    make_text(sizeof raw);
    for (int codec = BF_CODEC_LZ4; codec <= BF_CODEC_ZSTD; codec++)
        for (int level = 1; level <= 3; level++)
            for (size_t i = 0; i < BF_COUNT(lens); i++) {
                size_t n =
                    bf_compress(c, (enum bf_codec)codec, level, packed, lens[i], raw, lens[i]);
                if (lens[i] > 1000)
                    CHECK(n > 0 && n < lens[i]);
                if (!n)
                    continue;
                memset(back, 0xee, sizeof back);
                CHECK_EQ(bf_decompress(d, (enum bf_codec)codec, back, lens[i], packed, n), BF_OK);
                CHECK(memcmp(back, raw, lens[i]) == 0);
                CHECK_EQ(back[lens[i]], 0xee);
                // A wrong length, either way, is corruption and not a shorter or longer result.
                CHECK_EQ(bf_decompress(d, (enum bf_codec)codec, back, lens[i] - 1, packed, n),
                         BF_ERR_CORRUPT);
                if (lens[i] < BF_DATA_MAX)
                    CHECK_EQ(bf_decompress(d, (enum bf_codec)codec, back, lens[i] + 1, packed, n),
                             BF_ERR_CORRUPT);
            }
    bf_compressor_free(c);
    bf_decompressor_free(d);
}

// The match finders that third_party/patches/zstd-01-levels-1-to-3.patch leaves in.
static int has_match_finder(const ZSTD_compressionParameters *p)
{
    uint32_t length = p->minMatch;
    if (p->strategy == ZSTD_dfast)
        return length == 4 || length == 5;
    if (p->strategy != ZSTD_fast)
        return 0;
    return p->windowLog < 19 ? length >= 4 && length <= 6 : length == 6 || length == 7;
}

static void test_levels_lead_to_match_finders_that_are_there(void)
{
    for (int level = 1; level <= 3; level++)
        for (uint32_t len = 1; len <= BF_DATA_MAX; len++) {
            ZSTD_compressionParameters p = ZSTD_getCParams(level, len, 0);
            CHECK(has_match_finder(&p));
        }
}

static void test_compression_that_does_not_pay(void)
{
    struct bf_compressor *c = bf_compressor_new();
    sim_platform_reset(9);
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)sim_random();
    for (int codec = BF_CODEC_NONE; codec <= BF_CODEC_ZSTD; codec++) {
        memset(packed, 0xee, sizeof packed);
        CHECK_EQ(bf_compress(c, (enum bf_codec)codec, 1, packed, 60000, raw, 65536), 0);
        for (size_t i = 60000; i < 65536; i++)
            CHECK_EQ(packed[i], 0xee);
    }
    bf_compressor_free(c);
}

static void test_compressors_take_one_allocation(void)
{
    struct bf_mem_usage before, after;
    make_text(sizeof raw);
    bf_mem_usage(&before);
    struct bf_compressor *c = bf_compressor_new();
    struct bf_decompressor *d = bf_decompressor_new();
    bf_mem_usage(&after);
    CHECK(after.in_use - before.in_use < 3 << 20);
    bf_mem_set_limit(after.in_use);
    CHECK(bf_compress(c, BF_CODEC_ZSTD, 3, packed, sizeof packed, raw, sizeof raw) > 0);
    bf_mem_set_limit(0);
    bf_compressor_free(c);
    bf_decompressor_free(d);
    sim_alloc_fail(0);
    CHECK(bf_compressor_new() == NULL);
    sim_alloc_fail(0);
    CHECK(bf_decompressor_new() == NULL);
}

// ---- The ladder --------------------------------------------------------------------------------

static struct bf_ladder_choice after_seconds(struct bf_ladder *a, enum bf_waiting what, int seconds)
{
    for (int i = 0; i < seconds * 100; i++)
        bf_ladder_tick(a, 10000, what);
    return bf_ladder_choose(a);
}

static void test_ladder_follows_what_is_awaited(void)
{
    struct bf_ladder a;
    bf_ladder_init(&a, 0, BF_CAP_LZ4 | BF_CAP_ZSTD);
    CHECK_EQ(bf_ladder_choose(&a).codec, BF_CODEC_LZ4);
    CHECK_EQ(after_seconds(&a, BF_WAIT_LINK, 5).codec, BF_CODEC_ZSTD);
    CHECK_EQ(bf_ladder_choose(&a).level, 3);
    CHECK_EQ(after_seconds(&a, BF_WAIT_DISK, 60).level, 3); // neither is the bottleneck
    CHECK_EQ(after_seconds(&a, BF_WAIT_PROCESSOR, 30).codec, BF_CODEC_NONE);
}

// Bytes per second that go through while the link seems to be awaited, and where that leads.
static struct bf_ladder_choice at_rate(uint32_t rate)
{
    struct bf_ladder a;
    bf_ladder_init(&a, 0, BF_CAP_LZ4 | BF_CAP_ZSTD);
    for (int i = 0; i < 1000; i++) {
        bf_ladder_framed(&a, rate / 100);
        bf_ladder_tick(&a, 10000, BF_WAIT_LINK);
    }
    return bf_ladder_choose(&a);
}

static void test_ladder_is_not_climbed_on_a_fast_link(void)
{
    CHECK_EQ(at_rate(400000000).codec, BF_CODEC_LZ4);
    CHECK_EQ(at_rate(200000000).codec, BF_CODEC_ZSTD);
    CHECK_EQ(at_rate(200000000).level, 1);
    CHECK_EQ(at_rate(100000000).level, 3);
}

static void test_ladder_keeps_to_mode_and_capabilities(void)
{
    struct bf_ladder a;
    bf_ladder_init(&a, 1, BF_CAP_LZ4 | BF_CAP_ZSTD);
    CHECK_EQ(after_seconds(&a, BF_WAIT_LINK, 30).codec, BF_CODEC_NONE);
    bf_ladder_init(&a, 2, BF_CAP_LZ4 | BF_CAP_ZSTD);
    CHECK_EQ(after_seconds(&a, BF_WAIT_LINK, 30).codec, BF_CODEC_LZ4);
    CHECK_EQ(after_seconds(&a, BF_WAIT_PROCESSOR, 30).codec, BF_CODEC_LZ4);
    bf_ladder_init(&a, 3, BF_CAP_LZ4 | BF_CAP_ZSTD);
    CHECK_EQ(after_seconds(&a, BF_WAIT_PROCESSOR, 30).codec, BF_CODEC_ZSTD);
    bf_ladder_init(&a, 0, BF_CAP_LZ4);
    CHECK_EQ(after_seconds(&a, BF_WAIT_LINK, 30).codec, BF_CODEC_LZ4);
    bf_ladder_init(&a, 0, 0);
    CHECK_EQ(after_seconds(&a, BF_WAIT_LINK, 30).codec, BF_CODEC_NONE);
    bf_ladder_init(&a, 3, 0);
    CHECK_EQ(after_seconds(&a, BF_WAIT_LINK, 30).codec, BF_CODEC_NONE);
}

static void test_ladder_rests_when_it_goes_back_and_forth(void)
{
    struct bf_ladder a;
    int changes = 0;
    enum bf_codec last = BF_CODEC_LZ4;
    bf_ladder_init(&a, 0, BF_CAP_LZ4);
    for (int i = 0; i < 4000;
         i++) { // 1000 s; LZ4 makes it wait for the processor, none for the link
        enum bf_codec now = bf_ladder_choose(&a).codec;
        changes += now != last;
        last = now;
        bf_ladder_tick(&a, 250000, now == BF_CODEC_NONE ? BF_WAIT_LINK : BF_WAIT_PROCESSOR);
    }
    CHECK(changes > 10 && changes < 100);
}

static void test_what_does_not_shrink_is_left_alone(void)
{
    struct bf_ladder a;
    int tried = 0;
    bf_ladder_init(&a, 2, BF_CAP_LZ4);
    for (int i = 0; i < 1000; i++) {
        if (bf_ladder_choose(&a).codec == BF_CODEC_LZ4) {
            tried++;
            bf_ladder_result(&a, 1 << 20, 0);
        }
        bf_ladder_framed(&a, 1 << 20);
    }
    CHECK(tried > 20 && tried < 50);
    while (bf_ladder_choose(&a).codec == BF_CODEC_NONE)
        bf_ladder_framed(&a, 1 << 20);
    bf_ladder_result(&a, 1 << 20, 500);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(bf_ladder_choose(&a).codec, BF_CODEC_LZ4);
        bf_ladder_framed(&a, 1 << 20);
    }
}

// Single chunks that do not shrink keep nobody from trying their neighbours.
static void test_what_shrinks_among_other_data_is_tried(void)
{
    struct bf_ladder a;
    bf_ladder_init(&a, 2, BF_CAP_LZ4);
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(bf_ladder_choose(&a).codec, BF_CODEC_LZ4);
        bf_ladder_result(&a, 65536, i % 10 ? 0 : 20000);
        bf_ladder_framed(&a, 65536);
    }
}

// ---- Rate --------------------------------------------------------------------------------------

static void test_rate(void)
{
    struct bf_rate r = {0};
    CHECK_EQ(bf_rate_per_second(&r), 0);
    for (uint64_t t = 0; t <= 20000; t += 10)
        bf_rate_update(&r, t * 1000, t * 5000); // 5 MB/s
    CHECK_EQ(bf_rate_per_second(&r), 5000000);
    for (uint64_t t = 20010; t <= 40000; t += 10)
        bf_rate_update(&r, t * 1000, 100000000 + (t - 20000) * 1000); // slower: only that counts
    CHECK_EQ(bf_rate_per_second(&r), 1000000);
    bf_rate_update(&r, 41000000, 5); // it went back
    CHECK_EQ(bf_rate_per_second(&r), 0);
    CHECK_STR(bf_phase_name(BF_PHASE_VERIFYING), "verifying");
    CHECK_STR(bf_phase_name((enum bf_phase)77), "unknown");
}

// ---- Reading -----------------------------------------------------------------------------------

static uint8_t data[3 << 20];
static struct sim_disk disk;
static struct bf_feed feed;

static void read_span(uint64_t first, uint64_t end, const struct bf_geometry *g)
{
    uint64_t next = first;
    bf_feed_start(&feed, &disk.source, NULL, g, first, end);
    while (!bf_feed_empty(&feed)) {
        struct bf_slot *slot;
        int moved = 0;
        CHECK_EQ(bf_feed_poll(&feed, &moved), BF_OK);
        while ((slot = bf_feed_ready(&feed, 0))) {
            CHECK_EQ(slot->first, next);
            CHECK(memcmp(slot->data, data + slot->first * g->chunk_size, slot->bytes) == 0);
            next += slot->count;
            bf_feed_pop(&feed);
        }
        sim_clock_advance(100);
    }
    CHECK_EQ(next, end);
    bf_feed_stop(&feed);
    CHECK(bf_feed_quiet(&feed));
}

static void test_feed_reads_any_span_of_any_disk(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_disk_model m = {.bad_block = UINT64_MAX};
        struct bf_geometry g;
        uint64_t first, end;
        sim_platform_reset(seed);
        for (size_t i = 0; i < sizeof data; i += 8)
            data[i] = (uint8_t)sim_random();
        m.block_size = 512u << sim_random() % 4;
        m.bytes = (1 + sim_random() % (sizeof data / m.block_size)) * m.block_size;
        m.max_blocks = 1 + (uint32_t)(sim_random() % 3000);
        m.preferred_blocks = 1 + (uint32_t)(sim_random() % m.max_blocks);
        m.alignment = 1u << sim_random() % 13;
        m.depth = 1 + (uint16_t)(sim_random() % 40);
        m.read_us = sim_random() % 1000;
        m.bad_block = sim_random() % (m.bytes / m.block_size);
        m.bad_times = (uint32_t)(sim_random() % 4);
        sim_disk_init(&disk, &m, data);
        g = (struct bf_geometry){m.bytes, m.block_size, 32768u << sim_random() % 6};
        end = bf_geometry_chunks(&g);
        first = sim_random() % end;
        CHECK_EQ(bf_feed_init(&feed, (uint32_t)(sim_random() % (12 << 20))), BF_OK);
        read_span(first, end, &g);
        read_span(0, first, &g);
        bf_feed_free(&feed);
    }
}

static void test_feed_keeps_memory_that_a_device_holds(void)
{
    struct sim_disk_model m = {.bytes = sizeof data,
                               .block_size = 512,
                               .max_blocks = 256,
                               .preferred_blocks = 256,
                               .alignment = 1,
                               .depth = 4,
                               .read_us = UINT64_C(1) << 40,
                               .bad_block = UINT64_MAX};
    struct bf_geometry g = {sizeof data, 512, 65536};
    struct bf_mem_usage before, after;
    int moved;
    sim_platform_reset(1);
    sim_disk_init(&disk, &m, data);
    bf_mem_usage(&before);
    CHECK_EQ(bf_feed_init(&feed, 0), BF_OK);
    bf_feed_start(&feed, &disk.source, NULL, &g, 0, 48);
    CHECK_EQ(bf_feed_poll(&feed, &moved), BF_OK);
    bf_feed_stop(&feed);
    CHECK(!bf_feed_quiet(&feed));
    void *memory = feed.memory, *slots = feed.slot;
    bf_feed_free(&feed); // gives up after its deadline, and the memory with it
    bf_mem_usage(&after);
    CHECK(after.in_use > before.in_use);
    // The device answers after all, into memory that is still there.
    sim_clock_advance(UINT64_C(1) << 40);
    bf_source_poll(&disk.source);
    CHECK(disk.source.in_flight == NULL);
    bf_free(memory);
    bf_free(slots);
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, before.in_use);
}

TEST_MAIN(TEST(test_compression_there_and_back), TEST(test_compression_that_does_not_pay),
          TEST(test_levels_lead_to_match_finders_that_are_there),
          TEST(test_compressors_take_one_allocation), TEST(test_ladder_follows_what_is_awaited),
          TEST(test_ladder_is_not_climbed_on_a_fast_link),
          TEST(test_ladder_keeps_to_mode_and_capabilities),
          TEST(test_ladder_rests_when_it_goes_back_and_forth),
          TEST(test_what_does_not_shrink_is_left_alone),
          TEST(test_what_shrinks_among_other_data_is_tried), TEST(test_rate),
          TEST(test_feed_reads_any_span_of_any_disk),
          TEST(test_feed_keeps_memory_that_a_device_holds))
