// SPDX-License-Identifier: Apache-2.0
// The virtio-blk driver against a model of the device, well-behaved and otherwise.
#include "drivers/virtio_blk.h"

#include "base/bytes.h"
#include "migrate/copy/feed.h"
#include "base/mem.h"
#include "base/platform.h"
#include "tests/platform_sim.h"
#include "tests/sim_virtio_blk.h"
#include "tests/unit/test.h"

enum { BYTES = 8 << 20, MIB = 1 << 20 };

static uint8_t content[BYTES];
static _Alignas(4096) uint8_t memory[6][MIB];
static struct sim_vblk model;
static void *controller;
static struct bf_source_disk disk;

static void prepare(void)
{
    sim_platform_reset(5);
    for (size_t i = 0; i < BYTES; i += 8) {
        uint64_t v = sim_random();
        memcpy(content + i, &v, 8);
    }
    memset(memory, 0, sizeof memory);
    memset(&disk, 0, sizeof disk);
    controller = NULL;
    sim_vblk_init(&model, content, BYTES);
}

static void start(void)
{
    CHECK_EQ(bf_virtio_blk.open(&model.virtio.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_virtio_blk.disk(controller, 0, &disk), BF_OK);
}

// Closing leaves nothing open to the device, whatever happened before.
static void stop(void)
{
    bf_source_close(&disk);
    bf_virtio_blk.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    CHECK_EQ(model.virtio.pci.stray, 0);
}

static void submit(struct bf_block_request *r, uint32_t i, uint64_t block, uint32_t count)
{
    *r = (struct bf_block_request){.block = block, .count = count, .data = memory[i]};
    CHECK_EQ(bf_source_submit(&disk, r), BF_OK);
}

// Time for all steps of a reset that go on at once. Nothing waits: the clock stands still.
static void settle(void)
{
    uint64_t before = bf_platform_now_us();
    for (int i = 0; i < 8; i++)
        bf_source_poll(&disk);
    CHECK_EQ(bf_platform_now_us(), before);
}

static bool holds(uint32_t i, uint64_t offset, size_t len)
{
    return memcmp(memory[i], content + offset, len) == 0;
}

static void test_serves_both_ids(void)
{
    struct bf_pci_id id = {.vendor = 0x1af4, .device = 0x1001};
    CHECK(bf_virtio_blk.serves(&id));
    id.device = 0x1042;
    CHECK(bf_virtio_blk.serves(&id));
    id.device = 0x1041;
    CHECK(!bf_virtio_blk.serves(&id));
    id = (struct bf_pci_id){.vendor = 0x8086, .device = 0x1001};
    CHECK(!bf_virtio_blk.serves(&id));
}

static void test_reads_every_byte(void)
{
    uint8_t odd[5000];
    prepare();
    start();
    CHECK_EQ(disk.geometry.block_size, 512);
    CHECK_EQ(disk.geometry.blocks, BYTES / 512);
    CHECK(!disk.geometry.blocking);
    CHECK_STR(disk.identity.serial, "web-1");
    for (uint32_t i = 0; i < BYTES / MIB; i++) {
        struct bf_block_request r;
        submit(&r, 0, (uint64_t)i * 2048, 2048);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_OK && holds(0, (uint64_t)i * MIB, MIB));
    }
    CHECK_EQ(bf_source_read(&disk, BYTES - 4999, odd, 4999, 1000), BF_OK);
    CHECK(memcmp(odd, content + BYTES - 4999, 4999) == 0);
    stop();
}

static void test_blocks_of_4096_and_small_segments(void)
{
    struct bf_block_request r;
    prepare();
    model.block_size = 4096;
    model.size_max = 65536;
    sim_vblk_plug(&model);
    start();
    CHECK_EQ(disk.geometry.block_size, 4096);
    CHECK_EQ(disk.geometry.blocks, BYTES / 4096);
    CHECK_EQ(disk.geometry.max_blocks, 16);
    submit(&r, 0, 77, 16);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 77 * 4096, 65536));
    stop();
}

static void test_what_the_firmware_knows_stays(void)
{
    prepare();
    strcpy(disk.identity.serial, "from-firmware");
    start();
    CHECK_STR(disk.identity.serial, "from-firmware");
    stop();
}

static void test_twenty_characters_without_an_end(void)
{
    prepare();
    memcpy(model.serial, "12345678901234567890", 20);
    start();
    CHECK_STR(disk.identity.serial, "12345678901234567890");
    stop();
}

static void test_completions_in_any_order_and_a_full_queue(void)
{
    struct bf_block_request r[5] = {{0}};
    prepare();
    start();
    model.hold = 1;
    for (uint32_t i = 0; i < 4; i++)
        submit(&r[i], i, 100 * i, 100);
    r[4] = (struct bf_block_request){.block = 0, .count = 1, .data = memory[4]};
    CHECK_EQ(bf_source_submit(&disk, &r[4]), BF_AGAIN);
    sim_vblk_complete(&model, 2);
    sim_vblk_complete(&model, 0);
    bf_source_poll(&disk);
    CHECK(r[0].done && !r[1].done && r[2].done && !r[3].done);
    CHECK(holds(2, 200 * 512, 51200));
    CHECK_EQ(bf_source_submit(&disk, &r[4]), BF_OK);
    while (model.held_count)
        sim_vblk_complete(&model, model.held_count - 1);
    bf_source_poll(&disk);
    for (uint32_t i = 0; i < 4; i++)
        CHECK(r[i].done && r[i].status == BF_OK && holds(i, 100 * 512 * i, 51200));
    CHECK(r[4].done);
    stop();
}

// Devices whose count of written bytes is not to be relied upon are read all the same, and what
// they really do wrong is seen.
static void test_devices_that_count_wrong(void)
{
    for (uint8_t count = SIM_VBLK_COUNTS_ALL; count <= SIM_VBLK_COUNTS_NOTHING; count++) {
        struct bf_block_request r;
        prepare();
        model.counts_wrong = count;
        start();
        submit(&r, 0, 8, 8);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
        model.fault = SIM_VBLK_ERROR;
        model.faults = 1;
        submit(&r, 0, 8, 8);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_ERR_IO);
        CHECK_EQ(model.virtio.resets, 1); // that of the start
        stop();
    }
}

// One bad answer of each kind: the request fails, the device works on.
static void test_a_failed_request_fails_alone(void)
{
    static const enum sim_vblk_fault faults[] = {SIM_VBLK_ERROR, SIM_VBLK_SHORT,
                                                 SIM_VBLK_NO_STATUS};
    for (size_t i = 0; i < BF_COUNT(faults); i++) {
        struct bf_block_request r;
        prepare();
        start();
        model.fault = faults[i];
        model.faults = 1;
        submit(&r, 0, 8, 8);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_ERR_IO);
        CHECK_EQ(model.virtio.resets, 1); // that of the start
        submit(&r, 0, 8, 8);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
        stop();
    }
}

// Answers that make no sense: one reset, everything is asked again, and the data is right.
static void test_nonsense_resets_once(void)
{
    static const enum sim_vblk_fault faults[] = {SIM_VBLK_WRONG_ID, SIM_VBLK_MIDDLE_ID,
                                                 SIM_VBLK_HUGE_ID, SIM_VBLK_LONG,
                                                 SIM_VBLK_INDEX_JUMP};
    for (size_t i = 0; i < BF_COUNT(faults); i++) {
        struct bf_block_request r[4];
        prepare();
        start();
        model.hold = 1;
        for (uint32_t used = 0; used < 4; used++) // every id has been out before
            submit(&r[used], used, 0, 8);
        while (model.held_count)
            sim_vblk_complete(&model, 0);
        bf_source_poll(&disk);
        submit(&r[0], 0, 8, 8);
        submit(&r[1], 1, 64, 8);
        model.fault = faults[i];
        model.faults = 1;
        sim_vblk_complete(&model, 0);
        model.hold = 0;
        bf_source_poll(&disk);
        CHECK_EQ(model.virtio.resets, 2);
        bf_source_poll(&disk);
        CHECK(r[0].done && r[0].status == BF_OK && holds(0, 8 * 512, 4096));
        CHECK(r[1].done && r[1].status == BF_OK && holds(1, 64 * 512, 4096));
        stop();
    }
}

static void test_a_completion_that_comes_twice(void)
{
    struct bf_block_request r;
    prepare();
    start();
    model.fault = SIM_VBLK_TWICE;
    model.faults = 1;
    submit(&r, 0, 8, 8);
    bf_source_poll(&disk); // two came where one was out: neither is believed
    CHECK_EQ(model.virtio.resets, 2);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
    stop();
}

static void test_a_lost_completion_resets_once(void)
{
    struct bf_block_request r;
    prepare();
    start();
    model.fault = SIM_VBLK_LOST;
    model.faults = 1;
    submit(&r, 0, 8, 8);
    bf_source_poll(&disk);
    CHECK(!r.done);
    sim_clock_advance(BF_VIRTIO_BLK_TIMEOUT_US - 1000);
    bf_source_poll(&disk);
    CHECK(!r.done);
    CHECK_EQ(model.virtio.resets, 1);
    sim_clock_advance(2000);
    bf_source_poll(&disk);
    CHECK_EQ(model.virtio.resets, 2);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
    stop();
}

static void test_the_second_time_it_fails(void)
{
    struct bf_block_request r, later;
    prepare();
    start();
    model.fault = SIM_VBLK_LOST;
    model.faults = 1000;
    submit(&r, 0, 8, 8);
    for (int i = 0; i < 3; i++) {
        sim_clock_advance(BF_VIRTIO_BLK_TIMEOUT_US + 1000);
        settle();
    }
    CHECK(r.done);
    CHECK_EQ(r.status, BF_ERR_TIMEOUT);
    CHECK(strstr(sim_log(), "giving up on it"));
    submit(&later, 1, 8, 8);
    CHECK(later.done && later.status == BF_ERR_TIMEOUT);
    stop();
}

// What the sender makes of that: the run ends and says whose fault it is.
static void test_the_run_ends_with_a_reason(void)
{
    static struct bf_feed feed;
    struct bf_geometry g = {.disk_bytes = BYTES, .block_size = 512, .chunk_size = 65536};
    enum bf_err err = BF_OK;
    int moved = 0;
    prepare();
    start();
    model.fault = SIM_VBLK_LOST;
    model.faults = 1000;
    CHECK_EQ(bf_feed_init(&feed, 8 << 20), BF_OK);
    bf_feed_start(&feed, &disk, NULL, &g, 0, bf_geometry_chunks(&g));
    for (int i = 0; !err && i < 10; i++) {
        err = bf_feed_poll(&feed, &moved);
        sim_clock_advance(BF_VIRTIO_BLK_TIMEOUT_US + 1000);
    }
    CHECK_EQ(err, BF_ERR_IO);
    CHECK_EQ(feed.fault.side, BF_SIDE_SOURCE);
    CHECK(strstr(feed.fault.what, "no longer answers"));
    bf_feed_free(&feed);
    stop();
}

// While a reset is under way a request is not taken, and not refused either.
static void other_waits(void)
{
    struct bf_block_request r = {.block = 0, .count = 1, .data = memory[5]};
    CHECK_EQ(bf_source_submit(&disk, &r), BF_AGAIN);
}

// The reset is not confirmed, so its way to memory is cut, and then the data is ours again.
static void test_a_reset_that_never_ends(void)
{
    struct bf_block_request r;
    prepare();
    start();
    model.fault = SIM_VBLK_LOST;
    model.faults = 1;
    model.virtio.reset_stuck = 1;
    submit(&r, 0, 8, 8);
    sim_clock_advance(BF_VIRTIO_BLK_TIMEOUT_US + 1000);
    settle();
    CHECK(!r.done);
    other_waits();
    sim_clock_advance(3000000);
    settle();
    CHECK(!model.virtio.pci.master);
    CHECK(r.done && r.status == BF_ERR_TIMEOUT);
    CHECK(!r.kept);
    CHECK(model.virtio.pci.pci.cut && !model.virtio.pci.pci.wild);
    stop();
}

// Not even that works: the read ends, but its data stays the device's, and what is asked later
// fails at once.
static void test_a_device_that_keeps_its_memory(void)
{
    struct bf_block_request r, later;
    prepare();
    start();
    model.hold = 1;
    model.virtio.reset_stuck = 1;
    model.virtio.pci.master_stuck = 1;
    submit(&r, 0, 8, 8);
    sim_clock_advance(BF_VIRTIO_BLK_TIMEOUT_US + 1000);
    settle();
    sim_clock_advance(3000000);
    settle();
    CHECK(r.done && r.kept && r.status == BF_ERR_TIMEOUT);
    submit(&later, 1, 8, 8);
    CHECK(later.done && later.status == BF_ERR_TIMEOUT);
    CHECK(strstr(sim_log(), "not used again"));
    model.virtio.reset_stuck = 0;
    stop();
}

// The end of a program whose disk does not let go: it comes to an end, and what the device may
// still write to is not freed. The model writes there afterwards, which the sanitizer would see.
static void test_what_a_device_keeps_is_not_freed(void)
{
    static struct bf_feed feed;
    struct bf_geometry g = {.disk_bytes = BYTES, .block_size = 512, .chunk_size = 65536};
    uint8_t *data;
    enum bf_err err = BF_OK;
    int moved = 0;
    prepare();
    start();
    model.hold = 1;
    model.virtio.reset_stuck = 1;
    model.virtio.pci.master_stuck = 1;
    CHECK_EQ(bf_feed_init(&feed, 8 << 20), BF_OK);
    bf_feed_start(&feed, &disk, NULL, &g, 0, bf_geometry_chunks(&g));
    for (int i = 0; !err && i < 10; i++) {
        err = bf_feed_poll(&feed, &moved);
        sim_clock_advance(BF_VIRTIO_BLK_TIMEOUT_US + 1000);
    }
    CHECK_EQ(err, BF_ERR_IO);
    CHECK(strstr(feed.fault.what, "no longer answers"));
    data = feed.memory;
    bf_feed_free(&feed);
    bf_source_close(&disk);
    bf_virtio_blk.close(controller);
    CHECK(model.virtio.pci.pci.wild);
    CHECK(strstr(sim_log(), "not used again"));
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 6); // ring, commands, four requests
    while (model.held_count)
        sim_vblk_complete(&model, 0);
    CHECK(memcmp(data, content, 4096) == 0);
    // The test's own end: the device comes to its senses.
    model.virtio.reset_stuck = 0;
    bf_free(data);
    stop();
}

static void test_closing_with_requests_out(void)
{
    struct bf_block_request r;
    prepare();
    start();
    model.hold = 1;
    submit(&r, 0, 8, 8);
    bf_source_close(&disk);
    CHECK(r.done && r.status == BF_ERR_CANCELLED);
    stop();
}

static void test_what_is_left_to_the_firmware(void)
{
    prepare();
    model.virtio.legacy = 1;
    sim_vblk_plug(&model);
    CHECK_EQ(bf_virtio_blk.open(&model.virtio.pci.pci, &controller), BF_ERR_UNSUPPORTED);
    CHECK_EQ(model.virtio.resets, 0);
    prepare();
    model.virtio.features &= ~(1ull << 32);
    CHECK_EQ(bf_virtio_blk.open(&model.virtio.pci.pci, &controller), BF_ERR_UNSUPPORTED);
    prepare();
    model.virtio.queue_max = 8;
    CHECK_EQ(bf_virtio_blk.open(&model.virtio.pci.pci, &controller), BF_ERR_UNSUPPORTED);
    prepare();
    model.block_size = 520;
    sim_vblk_plug(&model);
    CHECK_EQ(bf_virtio_blk.open(&model.virtio.pci.pci, &controller), BF_ERR_UNSUPPORTED);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    prepare();
    model.virtio.reset_stuck = 1;
    model.virtio.status = 4;
    CHECK_EQ(bf_virtio_blk.open(&model.virtio.pci.pci, &controller), BF_ERR_TIMEOUT);
    CHECK(controller == NULL);
}

static void test_half_opened(void)
{
    for (uint32_t fail = 1; fail <= 2; fail++) {
        prepare();
        model.virtio.pci.alloc_fails = fail;
        CHECK_EQ(bf_virtio_blk.open(&model.virtio.pci.pci, &controller), BF_ERR_NO_MEMORY);
        CHECK(controller == NULL);
        CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    }
    prepare();
    CHECK_EQ(bf_virtio_blk.open(&model.virtio.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_virtio_blk.disk(controller, 1, &disk), BF_ERR_NOT_FOUND);
    bf_virtio_blk.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    bf_virtio_blk.close(NULL);
}

static void test_capabilities_in_a_circle(void)
{
    prepare();
    model.virtio.pci.config[0x49] = 0x84; // the last one leads back to the first
    CHECK_EQ(bf_pci_capability(&model.virtio.pci.pci, 0x11, 0), 0);
    start(); // what it needs is there all the same
    stop();
}

TEST_MAIN(TEST(test_serves_both_ids), TEST(test_reads_every_byte),
          TEST(test_blocks_of_4096_and_small_segments), TEST(test_what_the_firmware_knows_stays),
          TEST(test_twenty_characters_without_an_end),
          TEST(test_completions_in_any_order_and_a_full_queue), TEST(test_devices_that_count_wrong),
          TEST(test_a_failed_request_fails_alone), TEST(test_nonsense_resets_once),
          TEST(test_a_completion_that_comes_twice), TEST(test_a_lost_completion_resets_once),
          TEST(test_the_second_time_it_fails), TEST(test_the_run_ends_with_a_reason),
          TEST(test_a_reset_that_never_ends), TEST(test_a_device_that_keeps_its_memory),
          TEST(test_what_a_device_keeps_is_not_freed), TEST(test_closing_with_requests_out),
          TEST(test_what_is_left_to_the_firmware), TEST(test_half_opened),
          TEST(test_capabilities_in_a_circle))
