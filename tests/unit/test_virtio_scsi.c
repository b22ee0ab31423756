// SPDX-License-Identifier: Apache-2.0
// The virtio SCSI driver against a model of the host, well-behaved and otherwise.
#include "drivers/virtio_scsi.h"

#include "base/bytes.h"
#include "migrate/copy/feed.h"
#include "tests/platform_sim.h"
#include "tests/sim_virtio_scsi.h"
#include "tests/unit/test.h"

enum { BYTES = 8 << 20, MIB = 1 << 20 };

static const uint64_t UNIT_0 = BF_UNIT_SCSI, UNIT_1 = BF_UNIT_SCSI | 3 << 16 | 300;

static uint8_t content[BYTES];
static _Alignas(4096) uint8_t memory[9][MIB];
static struct sim_vscsi model;
static void *controller;
static struct bf_source_disk disk, other;

static void prepare(void)
{
    sim_platform_reset(11);
    for (size_t i = 0; i < BYTES; i += 8) {
        uint64_t v = sim_random();
        memcpy(content + i, &v, 8);
    }
    memset(memory, 0, sizeof memory);
    memset(&disk, 0, sizeof disk);
    memset(&other, 0, sizeof other);
    controller = NULL;
    sim_vscsi_init(&model, content, BYTES);
}

static void open_both(void)
{
    CHECK_EQ(bf_virtio_scsi.open(&model.virtio.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_0, &disk), BF_OK);
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_1, &other), BF_OK);
}

static void start(void)
{
    prepare();
    open_both();
    model.virtio.resets = 0;
}

// Closing leaves nothing open to the device, whatever happened before.
static void stop(void)
{
    bf_source_close(&disk);
    bf_source_close(&other);
    bf_virtio_scsi.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    CHECK_EQ(model.virtio.pci.stray, 0);
}

static void submit(struct bf_source_disk *to, struct bf_block_request *r, uint32_t i,
                   uint64_t block, uint32_t count)
{
    *r = (struct bf_block_request){.block = block, .count = count, .data = memory[i]};
    CHECK_EQ(bf_source_submit(to, r), BF_OK);
}

static bool holds(uint32_t i, uint64_t offset, size_t len)
{
    return memcmp(memory[i], content + offset, len) == 0;
}

static void advance_and_poll(uint64_t us)
{
    sim_clock_advance(us);
    bf_source_poll(&disk);
}

// For a reset of the unit and then of the device, neither of which comes.
static void give_it_time(void)
{
    for (int i = 0; i < 4; i++)
        advance_and_poll(BF_VIRTIO_SCSI_RESET_US + 1000);
}

static void test_serves_both_ids(void)
{
    struct bf_pci_id id = {.vendor = 0x1af4, .device = 0x1004};
    CHECK(bf_virtio_scsi.serves(&id));
    id.device = 0x1048;
    CHECK(bf_virtio_scsi.serves(&id));
    id.device = 0x1001;
    CHECK(!bf_virtio_scsi.serves(&id));
    id = (struct bf_pci_id){.vendor = 0x8086, .device = 0x1004};
    CHECK(!bf_virtio_scsi.serves(&id));
}

static void test_reads_every_byte_of_both_units(void)
{
    struct bf_block_request r;
    start();
    CHECK_EQ(disk.geometry.block_size, 512);
    CHECK_EQ(disk.geometry.blocks, BYTES / 512);
    CHECK_EQ(disk.geometry.max_blocks, MIB / 512);
    CHECK_EQ(other.geometry.block_size, 4096);
    CHECK_EQ(other.geometry.blocks, BYTES / 4096);
    CHECK_EQ(other.geometry.max_blocks, 128); // page B0
    CHECK_STR(disk.identity.serial, "unit-0");
    CHECK_STR(other.identity.serial, "unit-3");
    CHECK_STR(disk.identity.model, "MAKER A disk");
    CHECK_STR(disk.identity.wwn, "naa.5001405000000000");
    CHECK_STR(other.identity.wwn, "naa.5001405000000003");
    for (uint32_t i = 0; i < BYTES / MIB; i++) {
        submit(&disk, &r, 0, (uint64_t)i * 2048, 2048);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_OK && holds(0, (uint64_t)i * MIB, MIB));
    }
    for (uint32_t i = 0; i < BYTES / 4096; i += 128) {
        submit(&other, &r, 1, i, 128);
        bf_source_poll(&other);
        CHECK(r.done && r.status == BF_OK && holds(1, (uint64_t)i * 4096, 128 * 4096));
    }
    CHECK_EQ(model.long_reads, 0);
    stop();
}

static void test_limits_of_the_host(void)
{
    struct bf_block_request r[5];
    prepare();
    model.max_sectors = 64;
    model.cmd_per_lun = 2;
    sim_vscsi_plug(&model);
    open_both();
    CHECK_EQ(disk.geometry.max_blocks, 64);
    CHECK_EQ(other.geometry.max_blocks, 8);
    CHECK_EQ(disk.geometry.depth, 2);
    model.hold = 1;
    submit(&disk, &r[0], 0, 0, 64);
    submit(&disk, &r[1], 1, 64, 64);
    r[2] = (struct bf_block_request){.block = 0, .count = 1, .data = memory[2]};
    CHECK_EQ(bf_source_submit(&disk, &r[2]), BF_AGAIN); // the other unit has its own
    submit(&other, &r[3], 3, 0, 8);
    sim_vscsi_complete(&model, 0);
    bf_source_poll(&disk);
    CHECK(r[0].done);
    CHECK_EQ(bf_source_submit(&disk, &r[2]), BF_OK);
    while (model.held_count)
        sim_vscsi_complete(&model, 0);
    bf_source_poll(&disk);
    CHECK(r[1].done && r[2].done && r[3].done);
    stop();
}

// A disk of more blocks than READ CAPACITY (10) can tell, read beyond them.
static void test_a_large_disk(void)
{
    struct bf_block_request r;
    prepare();
    model.unit[0].claims = (1ull << 33) + 16384;
    open_both();
    CHECK_EQ(disk.geometry.blocks, (1ull << 33) + 16384);
    submit(&disk, &r, 0, 1ull << 33, 8);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 0, 4096));
    CHECK_EQ(model.long_reads, 1);
    submit(&disk, &r, 0, 8, 8);
    bf_source_poll(&disk);
    CHECK_EQ(model.long_reads, 1);
    CHECK(r.done && holds(0, 4096, 4096));
    stop();
}

static void test_what_the_firmware_knows_stays(void)
{
    prepare();
    strcpy(disk.identity.serial, "from-firmware");
    open_both();
    CHECK_STR(disk.identity.serial, "from-firmware");
    CHECK_STR(disk.identity.wwn, "naa.5001405000000000");
    stop();
}

// Units are told apart by both numbers, and a path that names none opens none.
static void test_units(void)
{
    static const uint64_t none[] = {0,
                                    1,
                                    BF_UNIT_SCSI | 300,
                                    BF_UNIT_SCSI | 3 << 16,
                                    BF_UNIT_SCSI | 3 << 16 | 299,
                                    BF_UNIT_SCSI | 256 << 16,
                                    BF_UNIT_SCSI | 0x4000,
                                    3 << 16 | 300};
    prepare();
    CHECK_EQ(bf_virtio_scsi.open(&model.virtio.pci.pci, &controller), BF_OK);
    for (size_t i = 0; i < BF_COUNT(none); i++)
        CHECK(bf_virtio_scsi.disk(controller, none[i], &disk) != BF_OK);
    CHECK(disk.ops == NULL);
    stop();
}

static void test_what_is_no_disk(void)
{
    prepare();
    model.unit[0].type = 5; // a CD
    model.unit[1].protection = 3;
    CHECK_EQ(bf_virtio_scsi.open(&model.virtio.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_0, &disk), BF_ERR_UNSUPPORTED);
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_1, &disk), BF_ERR_UNSUPPORTED);
    model.unit[0].type = 0x20; // a qualifier: not connected
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_0, &disk), BF_ERR_UNSUPPORTED);
    model.unit[1].protection = 1; // type 1 protection lets plain reads through
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_1, &disk), BF_OK);
    stop();
}

static void test_a_unit_without_pages(void)
{
    prepare();
    model.unit[0].mute_pages = 1;
    open_both();
    CHECK_STR(disk.identity.serial, "");
    CHECK_STR(disk.identity.model, "MAKER A disk");
    CHECK_EQ(disk.geometry.max_blocks, MIB / 512);
    stop();
}

// After a reset of the bus every unit first says so.
static void test_unit_attention(void)
{
    struct bf_block_request r;
    prepare();
    model.unit[0].attentions = 1;
    model.unit[1].attentions = 3;
    open_both();
    model.unit[0].attentions = 2;
    submit(&disk, &r, 0, 8, 8);
    for (int i = 0; i < 2; i++) {
        advance_and_poll(5000);
        CHECK(!r.done); // it rests
        advance_and_poll(6000);
    }
    advance_and_poll(11000);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
    CHECK_EQ(model.unit[0].attentions, 0);
    stop();
}

// A unit that is not ready is waited for, for a time.
static void test_not_ready(void)
{
    struct bf_block_request r;
    start();
    sim_vscsi_set_sense(&model, 2, 4);
    model.faults = 100000;
    submit(&disk, &r, 0, 8, 8);
    for (int i = 0; i < 50; i++)
        advance_and_poll(100000);
    CHECK(!r.done);
    model.faults = 0;
    for (int i = 0; i < 3; i++)
        advance_and_poll(100000);
    CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
    model.faults = 100000;
    submit(&disk, &r, 0, 8, 8);
    for (int i = 0; i < 250 && !r.done; i++)
        advance_and_poll(100000);
    CHECK(r.done && r.status == BF_ERR_BUSY); // not a word about the blocks
    CHECK_EQ(model.virtio.resets, 0);
    CHECK_EQ(model.unit_resets, 0);
    stop();
}

// QEMU calls an unreadable block an aborted command: that is asked again a few times and not for
// long, since the feed asks for many parts until it has found the block.
static void test_an_aborted_command(void)
{
    struct bf_block_request r;
    start();
    sim_vscsi_set_sense(&model, 0xb, 0);
    model.faults = 3;
    submit(&disk, &r, 0, 8, 8);
    for (int i = 0; i < 8; i++)
        advance_and_poll(11000);
    CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
    model.faults = 1000;
    submit(&disk, &r, 0, 8, 8);
    for (int i = 0; i < 15; i++)
        advance_and_poll(11000);
    CHECK(r.done && r.status == BF_ERR_IO);
    stop();
}

static void test_completions_in_any_order_and_a_full_queue(void)
{
    struct bf_block_request r[9] = {{0}};
    start();
    model.hold = 1;
    for (uint32_t i = 0; i < 8; i++)
        submit(i % 2 ? &other : &disk, &r[i], i, 10 * i, 10);
    r[8] = (struct bf_block_request){.block = 0, .count = 1, .data = memory[8]};
    CHECK_EQ(bf_source_submit(&disk, &r[8]), BF_AGAIN);
    CHECK_EQ(bf_source_submit(&other, &r[8]), BF_AGAIN);
    sim_vscsi_complete(&model, 4);
    sim_vscsi_complete(&model, 1);
    bf_source_poll(&disk);
    bf_source_poll(&other);
    for (uint32_t i = 0; i < 8; i++)
        CHECK_EQ(r[i].done, i == 4 || i == 1);
    while (model.held_count)
        sim_vscsi_complete(&model, model.held_count - 1);
    bf_source_poll(&disk);
    bf_source_poll(&other);
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t size = i % 2 ? 4096 : 512;
        CHECK(r[i].done && r[i].status == BF_OK && holds(i, 10ull * i * size, 10 * size));
    }
    stop();
}

static void fails_alone(enum sim_vscsi_fault fault, enum bf_err status)
{
    struct bf_block_request r;
    model.fault = fault;
    model.faults = 1;
    submit(&disk, &r, 0, 8, 8);
    bf_source_poll(&disk);
    CHECK(r.done);
    CHECK_EQ(r.status, status);
    submit(&disk, &r, 0, 8, 8);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
}

// One bad answer of each kind: the request fails, the unit works on.
static void test_a_failed_request_fails_alone(void)
{
    static const struct {
        uint8_t response;
        enum bf_err status;
    } responses[] = {{1, BF_ERR_IO},     {3, BF_ERR_MEDIA}, {7, BF_ERR_IO}, {8, BF_ERR_IO},
                     {12, BF_ERR_MEDIA}, {9, BF_ERR_IO},    {77, BF_ERR_IO}};
    start();
    fails_alone(SIM_VSCSI_SHORT, BF_ERR_IO);
    fails_alone(SIM_VSCSI_RESIDUAL, BF_ERR_IO);
    fails_alone(SIM_VSCSI_NO_RESPONSE, BF_ERR_IO);
    for (size_t i = 0; i < BF_COUNT(responses); i++) {
        model.response = responses[i].response;
        fails_alone(SIM_VSCSI_RESPONSE, responses[i].status);
    }
    sim_vscsi_set_sense(&model, 3, 0x11); // unrecovered read error
    fails_alone(SIM_VSCSI_STATUS, BF_ERR_IO);
    sim_vscsi_set_sense(&model, 2, 0x3a); // no medium
    fails_alone(SIM_VSCSI_STATUS, BF_ERR_MEDIA);
    sim_vscsi_set_sense(&model, 1, 0x17); // recovered: all was read
    fails_alone(SIM_VSCSI_STATUS, BF_OK);
    model.sense_len = UINT32_MAX;
    fails_alone(SIM_VSCSI_STATUS, BF_OK);
    CHECK_EQ(model.virtio.resets, 0);
    stop();
}

static void test_answers_that_are_asked_again(void)
{
    static const uint8_t responses[] = {2, 4, 5, 6};
    start();
    for (size_t i = 0; i < sizeof responses; i++) {
        struct bf_block_request r;
        model.fault = SIM_VSCSI_RESPONSE;
        model.response = responses[i];
        model.faults = 1;
        submit(&disk, &r, 0, 8, 8);
        bf_source_poll(&disk);
        CHECK(!r.done);
        advance_and_poll(11000);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
    }
    stop();
}

// Answers that make no sense: one reset, everything is asked again, and the data is right.
static void test_nonsense_resets_once(void)
{
    static const enum sim_vscsi_fault faults[] = {SIM_VSCSI_WRONG_ID, SIM_VSCSI_MIDDLE_ID,
                                                  SIM_VSCSI_HUGE_ID, SIM_VSCSI_LONG,
                                                  SIM_VSCSI_TWICE};
    for (size_t i = 0; i < BF_COUNT(faults); i++) {
        struct bf_block_request r[4];
        start();
        model.hold = 1;
        for (uint32_t used = 0; used < 4; used++) // every id has been out before
            submit(&disk, &r[used], used, 0, 8);
        while (model.held_count)
            sim_vscsi_complete(&model, 0);
        bf_source_poll(&disk);
        submit(&disk, &r[0], 0, 8, 8);
        submit(&other, &r[1], 1, 64, 8);
        model.fault = faults[i];
        model.faults = 1;
        sim_vscsi_complete(&model, 0);
        if (faults[i] == SIM_VSCSI_TWICE) // of both, so that no more came than were out
            sim_vscsi_complete(&model, 0);
        model.hold = 0;
        bf_source_poll(&disk);
        CHECK_EQ(model.virtio.resets, 1);
        CHECK_EQ(model.unit_resets, 0);
        bf_source_poll(&disk);
        bf_source_poll(&other);
        CHECK(r[0].done && r[0].status == BF_OK && holds(0, 8 * 512, 4096));
        CHECK(r[1].done && r[1].status == BF_OK && holds(1, 64 * 4096, 8 * 4096));
        stop();
    }
}

// A late request: its unit is reset, and what comes back is asked again.
static void test_a_late_request_resets_its_unit(void)
{
    struct bf_block_request r, b;
    start();
    model.fault = SIM_VSCSI_STUCK;
    model.faults = 1;
    submit(&disk, &r, 0, 8, 8);
    advance_and_poll(BF_VIRTIO_SCSI_TIMEOUT_US - 1000);
    CHECK(!r.done);
    CHECK_EQ(model.unit_resets, 0);
    submit(&other, &b, 1, 8, 8);
    advance_and_poll(2000);
    bf_source_poll(&other);
    CHECK(b.done && b.status == BF_OK); // the other unit is not held up
    CHECK_EQ(model.unit_resets, 1);
    bf_source_poll(&disk);
    CHECK(!r.done);
    advance_and_poll(11000);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
    CHECK_EQ(model.virtio.resets, 0);
    stop();
}

static void test_a_reset_unit_that_does_not_return_it(void)
{
    for (int deaf = 0; deaf < 3; deaf++) {
        struct bf_block_request r;
        start();
        model.fault = SIM_VSCSI_LOST;
        model.faults = 1;
        model.deaf_control = deaf == 1;
        model.tmf_response = deaf == 2 ? 11 : 0; // function rejected
        submit(&disk, &r, 0, 8, 8);
        advance_and_poll(BF_VIRTIO_SCSI_TIMEOUT_US + 1000);
        bf_source_poll(&disk);
        CHECK_EQ(model.virtio.resets, deaf == 1 ? 0 : 1);
        if (deaf == 1)
            advance_and_poll(BF_VIRTIO_SCSI_RESET_US + 1000);
        CHECK_EQ(model.virtio.resets, 1);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
        stop();
    }
}

static void test_in_the_end_it_fails(void)
{
    struct bf_block_request r, b, later;
    start();
    model.fault = SIM_VSCSI_LOST;
    model.faults = 1000;
    submit(&disk, &r, 0, 8, 8);
    submit(&other, &b, 1, 8, 8);
    for (int i = 0; i < 6; i++)
        advance_and_poll(BF_VIRTIO_SCSI_TIMEOUT_US + 1000);
    CHECK(r.done && b.done);
    CHECK_EQ(r.status, BF_ERR_TIMEOUT);
    CHECK_EQ(b.status, BF_ERR_TIMEOUT);
    CHECK_EQ(model.unit_resets, 1);
    CHECK_EQ(model.virtio.resets, 2); // one to recover, one to be rid of it
    CHECK(strstr(sim_log(), "giving up on it"));
    submit(&disk, &later, 2, 8, 8);
    CHECK(later.done && later.status == BF_ERR_TIMEOUT);
    stop();
}

// What the sender makes of that: the run ends and says whose fault it is.
static void run_feed(enum bf_err expected, const char *what)
{
    static struct bf_feed feed;
    struct bf_geometry g = {.disk_bytes = BYTES, .block_size = 512, .chunk_size = 65536};
    enum bf_err err = BF_OK;
    int moved = 0;
    CHECK_EQ(bf_feed_init(&feed, 8 << 20), BF_OK);
    bf_feed_start(&feed, &disk, NULL, &g, 0, bf_geometry_chunks(&g));
    for (int i = 0; !err && i < 200; i++) {
        err = bf_feed_poll(&feed, &moved);
        sim_clock_advance(BF_VIRTIO_SCSI_TIMEOUT_US + 1000);
    }
    CHECK_EQ(err, expected);
    CHECK_EQ(feed.fault.side, BF_SIDE_SOURCE);
    if (!strstr(feed.fault.what, what))
        FAIL("the fault is \"%s\"", feed.fault.what);
    bf_feed_free(&feed);
}

static void test_the_run_ends_with_a_reason(void)
{
    start();
    model.fault = SIM_VSCSI_LOST;
    model.faults = 1000;
    run_feed(BF_ERR_IO, "no longer answers");
    stop();
    start();
    sim_vscsi_set_sense(&model, 3, 0x11);
    model.faults = 100000;
    run_feed(BF_ERR_IO, "nothing but errors"); // of any block: that is the disk
    stop();
    start();
    model.unit[0].present = 0; // taken away
    run_feed(BF_ERR_MEDIA, "removed");
    stop();
}

// The reset is not confirmed, so its way to memory is cut, and then the data is ours again.
static void test_a_reset_that_never_ends(void)
{
    struct bf_block_request r;
    start();
    model.deaf = 1;
    model.virtio.reset_stuck = 1;
    submit(&disk, &r, 0, 8, 8);
    advance_and_poll(BF_VIRTIO_SCSI_TIMEOUT_US + 1000);
    CHECK(!r.done);
    give_it_time();
    CHECK(!model.virtio.pci.master);
    CHECK(r.done && r.status == BF_ERR_TIMEOUT);
    stop();
}

// Not even that works: the data stays the device's, and what is asked later fails at once.
static void test_a_device_that_keeps_its_memory(void)
{
    struct bf_block_request r, later;
    start();
    model.deaf = 1;
    model.virtio.reset_stuck = 1;
    model.virtio.pci.master_stuck = 1;
    submit(&disk, &r, 0, 8, 8);
    advance_and_poll(BF_VIRTIO_SCSI_TIMEOUT_US + 1000);
    give_it_time();
    CHECK(r.done && r.kept && r.status == BF_ERR_TIMEOUT);
    submit(&disk, &later, 1, 8, 8);
    CHECK(later.done && later.status == BF_ERR_TIMEOUT);
    CHECK(strstr(sim_log(), "not used again"));
    model.virtio.pci.master_stuck = 0;
    bf_virtio_scsi.close(NULL);
    bf_source_close(&disk);
    bf_source_close(&other);
    bf_virtio_scsi.close(controller);
}

// Pulled out: registers read as all ones, nothing is completed any more.
static void test_pulled_out(void)
{
    struct bf_block_request r;
    start();
    submit(&disk, &r, 0, 8, 8);
    bf_source_poll(&disk);
    model.virtio.pci.gone = 1;
    submit(&disk, &r, 0, 8, 8);
    advance_and_poll(BF_VIRTIO_SCSI_TIMEOUT_US + 1000);
    give_it_time();
    CHECK(r.done && r.status == BF_ERR_TIMEOUT);
    stop();
}

static void test_closing_with_requests_out(void)
{
    struct bf_block_request a, b;
    start();
    model.hold = 1;
    submit(&disk, &a, 0, 8, 8);
    bf_source_close(&disk);
    CHECK(a.done && a.status == BF_ERR_CANCELLED);
    CHECK_EQ(model.virtio.resets, 1);
    submit(&other, &b, 1, 8, 8); // was stopped with it
    CHECK(b.done && b.status == BF_ERR_TIMEOUT);
    stop();
    start(); // one that rests is not waited for
    sim_vscsi_set_sense(&model, 2, 4);
    model.faults = 1;
    submit(&disk, &a, 0, 8, 8);
    bf_source_poll(&disk);
    CHECK(!a.done);
    bf_source_close(&disk);
    CHECK(a.done && a.status == BF_ERR_CANCELLED);
    CHECK_EQ(model.virtio.resets, 0);
    submit(&other, &b, 1, 8, 8);
    bf_source_poll(&other);
    CHECK(b.done && b.status == BF_OK && holds(1, 8 * 4096, 8 * 4096));
    stop();
}

static void test_what_is_left_to_the_firmware(void)
{
    struct bf_pci *pci = &model.virtio.pci.pci;
    prepare();
    model.virtio.legacy = 1;
    sim_vscsi_plug(&model);
    CHECK_EQ(bf_virtio_scsi.open(pci, &controller), BF_ERR_UNSUPPORTED);
    CHECK_EQ(model.virtio.resets, 0);
    prepare();
    model.virtio.features &= ~(1ull << 32);
    CHECK_EQ(bf_virtio_scsi.open(pci, &controller), BF_ERR_UNSUPPORTED);
    prepare();
    model.virtio.queue_max = 16;
    CHECK_EQ(bf_virtio_scsi.open(pci, &controller), BF_ERR_UNSUPPORTED);
    prepare();
    model.virtio.queues = 2;
    CHECK_EQ(bf_virtio_scsi.open(pci, &controller), BF_ERR_UNSUPPORTED);
    prepare();
    model.sense_size = 18;
    sim_vscsi_plug(&model);
    CHECK_EQ(bf_virtio_scsi.open(pci, &controller), BF_ERR_UNSUPPORTED);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    prepare();
    model.virtio.reset_stuck = 1;
    model.virtio.status = 4;
    CHECK_EQ(bf_virtio_scsi.open(pci, &controller), BF_ERR_TIMEOUT);
    CHECK(controller == NULL);
}

static void test_half_opened(void)
{
    for (uint32_t fail = 1; fail <= 3; fail++) {
        prepare();
        model.virtio.pci.alloc_fails = fail;
        CHECK_EQ(bf_virtio_scsi.open(&model.virtio.pci.pci, &controller), BF_ERR_NO_MEMORY);
        CHECK(controller == NULL);
        CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    }
    prepare(); // a host that never answers a question
    CHECK_EQ(bf_virtio_scsi.open(&model.virtio.pci.pci, &controller), BF_OK);
    model.deaf = 1;
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_0, &disk), BF_ERR_TIMEOUT);
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_1, &disk), BF_ERR_TIMEOUT);
    stop();
}

static void test_a_reservation_is_noticed(void)
{
    prepare();
    model.unit[0].reserved = 5;    // write exclusive, registrants only
    model.unit[1].reserved = 0xff; // it does not know the command
    open_both();
    CHECK_EQ(disk.notes, BF_DISK_RESERVED);
    CHECK_EQ(other.notes, 0);
    stop();
    prepare();
    open_both();
    CHECK_EQ(disk.notes, 0);
    stop();
}

// ---- Which units there are ---------------------------------------------------------------------

static struct bf_unit units[20000];

static uint32_t look_for_units(enum bf_err expected, uint32_t room)
{
    uint32_t count = 0;
    memset(units, 0, sizeof units);
    sim_vscsi_plug(&model);
    CHECK_EQ(bf_virtio_scsi.open(&model.virtio.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_virtio_scsi.units(controller, units, room, &count), expected);
    bf_virtio_scsi.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
    CHECK_EQ(model.virtio.pci.stray, 0);
    return count;
}

static void test_finds_units_of_all_targets(void)
{
    prepare();
    model.unit[2] = model.unit[0];
    model.unit[2].target = 255;
    model.unit[2].lun = 16383;
    CHECK_EQ(look_for_units(BF_OK, 100), 3);
    CHECK(units[0].number == UNIT_0 && !units[0].why);
    CHECK(units[1].number == UNIT_1 && !units[1].why);
    CHECK_EQ(units[2].number, BF_UNIT_SCSI | 255 << 16 | 16383);
    model.max_target = 254;
    CHECK_EQ(look_for_units(BF_OK, 100), 2);
}

// As many at once as there are commands, since most targets are not there.
static void test_targets_are_asked_together(void)
{
    prepare();
    model.together = 8;
    CHECK_EQ(look_for_units(BF_OK, 100), 2);
    CHECK_EQ(model.most_out, 8);
}

static void test_finds_thousands_of_units(void)
{
    prepare();
    model.many = 16384;
    CHECK_EQ(look_for_units(BF_OK, 20000), 16386);
    CHECK_EQ(units[16385].number, BF_UNIT_SCSI | SIM_VSCSI_MANY << 16 | 16383);
    CHECK_EQ(look_for_units(BF_OK, 64), 16386);
    CHECK(units[63].number && !units[64].number);
}

static void test_only_disks_are_units(void)
{
    prepare();
    model.unit[0].type = 5;    // a CD drive
    model.unit[1].type = 0x14; // a zoned disk
    model.unit[2] = model.unit[0];
    model.unit[2].lun = 1;
    model.unit[2].type = 0x20; // a disk that is not connected
    CHECK_EQ(look_for_units(BF_OK, 100), 1);
    CHECK_STR(units[0].why, "a host-managed zoned disk");
}

static void test_a_target_that_does_not_list_its_units(void)
{
    prepare();
    model.refuse_luns = 1;
    CHECK_EQ(look_for_units(BF_OK, 100), 1);
    CHECK_EQ(units[0].number, UNIT_0);
}

static void test_numbers_in_every_form(void)
{
    static const uint8_t list[][8] = {
        {0xd2, 0x00, 0x01, 0x2c},       // 300, extended
        {0x41, 0x2c},                   // 300 again, flat
        {0x00, 0x07},                   // 7, which is not there
        {0xd2, 0x01, 0x00, 0x00},       // 65536
        {0x01, 0x05},                   // of another bus
        {0x00, 0x00, 0x00, 0x01},       // a second level
        {0xc1, 0x01},                   // the unit that lists units
        {0x40, 0x00, 0, 0, 0, 0, 0, 1}, // rubbish behind
    };
    prepare();
    model.unit[0].present = 0;
    model.luns = list[0];
    model.luns_bytes = sizeof list;
    CHECK_EQ(look_for_units(BF_OK, 100), 5);
    CHECK(units[0].number == UNIT_1 && !units[0].why);
    CHECK_EQ(units[1].number, BF_UNIT_SCSI | 3 << 16 | 0xffff);
    CHECK_STR(units[4].why, "its number is too large for this transport");
    model.luns_claimed = 0xfffffff8u;
    CHECK_EQ(look_for_units(BF_ERR_LIMIT, 100), 5);
}

static void test_a_host_that_never_answers(void)
{
    uint32_t count = 0;
    prepare();
    CHECK_EQ(bf_virtio_scsi.open(&model.virtio.pci.pci, &controller), BF_OK);
    model.deaf = 1;
    CHECK_EQ(bf_virtio_scsi.units(controller, units, 100, &count), BF_ERR_TIMEOUT);
    CHECK_EQ(bf_virtio_scsi.disk(controller, UNIT_0, &disk), BF_ERR_TIMEOUT);
    bf_virtio_scsi.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.virtio.pci), 0);
}

TEST_MAIN(TEST(test_serves_both_ids), TEST(test_reads_every_byte_of_both_units),
          TEST(test_limits_of_the_host), TEST(test_a_large_disk),
          TEST(test_what_the_firmware_knows_stays), TEST(test_units), TEST(test_what_is_no_disk),
          TEST(test_a_unit_without_pages), TEST(test_unit_attention), TEST(test_not_ready),
          TEST(test_an_aborted_command), TEST(test_completions_in_any_order_and_a_full_queue),
          TEST(test_a_failed_request_fails_alone), TEST(test_answers_that_are_asked_again),
          TEST(test_nonsense_resets_once), TEST(test_a_late_request_resets_its_unit),
          TEST(test_a_reset_unit_that_does_not_return_it), TEST(test_in_the_end_it_fails),
          TEST(test_the_run_ends_with_a_reason), TEST(test_a_reset_that_never_ends),
          TEST(test_a_device_that_keeps_its_memory), TEST(test_pulled_out),
          TEST(test_closing_with_requests_out), TEST(test_what_is_left_to_the_firmware),
          TEST(test_half_opened), TEST(test_a_reservation_is_noticed),
          TEST(test_finds_units_of_all_targets), TEST(test_targets_are_asked_together),
          TEST(test_finds_thousands_of_units), TEST(test_only_disks_are_units),
          TEST(test_a_target_that_does_not_list_its_units), TEST(test_numbers_in_every_form),
          TEST(test_a_host_that_never_answers))
