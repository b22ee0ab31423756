// SPDX-License-Identifier: Apache-2.0
// The mediator: what it refuses, what it counts, the synchronous read over a bounce buffer, a
// device that does not answer.
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/canary.h"
#include "image/block.h"
#include "tests/platform_sim.h"
#include "tests/sim_disk.h"
#include "tests/unit/test.h"

static uint8_t data[64 * 4096];
static struct sim_disk disk;

static struct sim_disk_model a_model(void)
{
    return (struct sim_disk_model){.bytes = sizeof data,
                                   .block_size = 4096,
                                   .max_blocks = 5,
                                   .preferred_blocks = 4,
                                   .alignment = 512,
                                   .depth = 2,
                                   .read_us = 900,
                                   .bad_block = UINT64_MAX};
}

static void begin(const struct sim_disk_model *model)
{
    sim_platform_reset(3);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31 + i / 4096);
    sim_disk_init(&disk, model, data);
}

// What a driver says of zeros, whatever it is.
static uint64_t told;
static int told_zeros;

static int tell(void *impl, uint64_t block, uint64_t *blocks)
{
    CHECK(block < 64);
    *blocks = told;
    return told_zeros;
}

static void test_zeros_stay_within_the_disk(void)
{
    struct bf_block_ops ops;
    uint64_t blocks;
    struct sim_disk_model m = a_model();
    begin(&m);
    CHECK_EQ(bf_source_zeros(&disk.source, 10, &blocks), 0); // it cannot tell
    CHECK_EQ(blocks, 54);
    ops = *disk.source.ops;
    ops.zeros = tell;
    disk.source.ops = &ops;
    told_zeros = 1;
    told = 7;
    CHECK_EQ(bf_source_zeros(&disk.source, 10, &blocks), 1);
    CHECK_EQ(blocks, 7);
    told = UINT64_MAX;
    CHECK_EQ(bf_source_zeros(&disk.source, 10, &blocks), 1);
    CHECK_EQ(blocks, 54);
    told = 0;
    CHECK_EQ(bf_source_zeros(&disk.source, 10, &blocks), 0);
    CHECK_EQ(blocks, 1);
    CHECK_EQ(bf_source_zeros(&disk.source, 64, &blocks), 0); // behind the end
    CHECK_EQ(blocks, 1);
    disk.source.ops = NULL;
}

static void test_geometry_that_drivers_claim(void)
{
    static const struct bf_block_geometry good = {.block_size = 512,
                                                  .blocks = 1,
                                                  .alignment = 1,
                                                  .max_blocks = 1,
                                                  .preferred_blocks = 1,
                                                  .depth = 1};
    struct bf_block_geometry g = good;
    CHECK_EQ(bf_block_geometry_check(&g), BF_OK);
#define REFUSE(field, value)                                                                       \
    g = good;                                                                                      \
    g.field = value;                                                                               \
    CHECK_EQ(bf_block_geometry_check(&g), BF_ERR_UNSUPPORTED)
    REFUSE(block_size, 0);
    REFUSE(block_size, 520);
    REFUSE(block_size, 131072);
    REFUSE(blocks, 0);
    REFUSE(blocks, UINT64_MAX / 512);
    REFUSE(alignment, 0);
    REFUSE(alignment, 3);
    REFUSE(alignment, 8192);
    REFUSE(max_blocks, 0);
    REFUSE(preferred_blocks, 2);
    REFUSE(depth, 0);
}

static void test_requests_are_judged(void)
{
    struct sim_disk_model model = a_model();
    static _Alignas(4096) uint8_t buffer[8 * 4096];
    struct bf_block_request r = {.count = 1, .data = buffer};
    begin(&model);
    r.block = 64;
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_ERR_RANGE);
    r.block = UINT64_MAX;
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_ERR_RANGE);
    r.block = 63;
    r.count = 2;
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_ERR_RANGE);
    r.block = 0;
    r.count = 6;
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_ERR_RANGE);
    r.count = 0;
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_ERR_RANGE);
    r.count = 1;
    r.data = buffer + 1;
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_ERR_RANGE);
    CHECK_EQ(disk.source.requests, 0);
}

static void test_queue_and_counters(void)
{
    struct sim_disk_model model = a_model();
    static _Alignas(4096) uint8_t buffer[3][4096];
    struct bf_block_request r[3] = {{.block = 1, .count = 1, .data = buffer[0]},
                                    {.block = 2, .count = 1, .data = buffer[1]},
                                    {.block = 3, .count = 1, .data = buffer[2]}};
    model.bad_block = 2;
    model.bad_times = UINT32_MAX;
    begin(&model);
    CHECK_EQ(bf_source_submit(&disk.source, &r[0]), BF_OK);
    CHECK_EQ(bf_source_submit(&disk.source, &r[1]), BF_OK);
    CHECK_EQ(bf_source_submit(&disk.source, &r[2]), BF_AGAIN);
    CHECK(!r[0].done && !r[1].done);
    sim_clock_advance(1000);
    bf_source_poll(&disk.source);
    CHECK(r[0].done && r[1].done && disk.source.in_flight == NULL);
    CHECK_EQ(r[0].status, BF_OK);
    CHECK_EQ(r[1].status, BF_ERR_IO);
    CHECK_MEM(buffer[0], data + 4096, 4096);
    CHECK_EQ(disk.source.requests, 2);
    CHECK_EQ(disk.source.bytes_read, 4096);
    CHECK_EQ(disk.source.errors, 1);
}

// Two disks of one controller: a poll of one finishes what the other has asked, and its caller asks
// again at once.
static void test_finished_by_a_poll_of_the_neighbour(void)
{
    struct sim_disk_model model = a_model();
    static _Alignas(4096) uint8_t buffer[4096];
    struct bf_block_request r = {.block = 1, .count = 1, .data = buffer};
    begin(&model);
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_OK);
    sim_clock_advance(1000);
    disk.source.ops->poll(disk.source.impl); // as the driver does it for the neighbour
    CHECK(r.done);
    r.block = 2;
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_OK);
    CHECK(!r.done);
    sim_clock_advance(1000);
    bf_source_poll(&disk.source);
    CHECK(r.done && disk.source.in_flight == NULL);
    CHECK_MEM(buffer, data + 2 * 4096, 4096);
    CHECK_EQ(disk.source.requests, 2);
    CHECK_EQ(disk.source.bytes_read, 2 * 4096);
}

static void test_blocking_time_is_measured(void)
{
    struct sim_disk_model model = a_model();
    static _Alignas(4096) uint8_t buffer[4096];
    struct bf_block_request r = {.count = 1, .data = buffer};
    model.blocking = 1;
    begin(&model);
    uint64_t before = bf_platform_now_us();
    CHECK_EQ(bf_source_submit(&disk.source, &r), BF_OK);
    CHECK(r.done);
    CHECK_EQ(disk.source.blocked_us, bf_platform_now_us() - before);
}

static void test_synchronous_reads_of_any_range(void)
{
    struct sim_disk_model model = a_model();
    static uint8_t out[sizeof data];
    begin(&model);
    for (int i = 0; i < 200; i++) {
        uint64_t offset = sim_random() % sizeof data, len = sim_random() % (sizeof data - offset);
        CHECK_EQ(bf_source_read(&disk.source, offset, out, len, 1000000), BF_OK);
        CHECK_MEM(out, data + offset, len);
    }
    CHECK_EQ(bf_source_read(&disk.source, sizeof data - 1, out, 2, 1000000), BF_ERR_RANGE);
    CHECK_EQ(bf_source_read(&disk.source, UINT64_MAX, out, 2, 1000000), BF_ERR_RANGE);
    CHECK_EQ(bf_source_read(&disk.source, sizeof data, out, 0, 1000000), BF_OK);
}

// After the deadline the buffer is still the device's: it must not be freed before the device is
// done with it, and not be lost either.
static void test_a_device_that_answers_too_late(void)
{
    struct sim_disk_model model = a_model();
    struct bf_mem_usage before, during, after;
    uint8_t out[100];
    begin(&model);
    disk.model.read_us = UINT64_C(1) << 40;
    bf_mem_usage(&before);
    CHECK_EQ(bf_source_read(&disk.source, 0, out, sizeof out, 5000), BF_ERR_TIMEOUT);
    bf_mem_usage(&during);
    CHECK(during.in_use > before.in_use);
    sim_clock_advance(UINT64_C(1) << 40);
    bf_source_poll(&disk.source);
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, before.in_use);

    CHECK_EQ(bf_source_read(&disk.source, 0, out, sizeof out, 5000), BF_ERR_TIMEOUT);
    bf_source_close(&disk.source);
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, before.in_use);
    bf_source_close(&disk.source);
    bf_source_close(NULL);
}

// Every block tells by itself, however much of the buffer was written.
static void test_blocks_that_were_not_written(void)
{
    static uint8_t buffer[8 * 512];
    for (uint32_t written = 0; written <= 8; written++) {
        bf_canary_set(buffer, 512, 8, 77);
        memset(buffer, 0x5a, written * 512);
        CHECK_EQ(bf_canary_find(buffer, 512, 8, 77), written);
    }
    bf_canary_set(buffer, 512, 8, 77);
    memset(buffer, 0, 3 * 512 - 8); // the transfer ended within block 2
    CHECK_EQ(bf_canary_find(buffer, 512, 8, 77), 2);
    CHECK_EQ(bf_canary_find(buffer, 512, 8, 78), 8);
}

TEST_MAIN(TEST(test_zeros_stay_within_the_disk), TEST(test_geometry_that_drivers_claim),
          TEST(test_requests_are_judged), TEST(test_queue_and_counters),
          TEST(test_finished_by_a_poll_of_the_neighbour), TEST(test_blocking_time_is_measured),
          TEST(test_synchronous_reads_of_any_range),
          TEST(test_a_device_that_answers_too_late), TEST(test_blocks_that_were_not_written))
