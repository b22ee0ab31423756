// SPDX-License-Identifier: Apache-2.0
// The AHCI driver against a model of a controller with two disks, well-behaved and otherwise.
#include "drivers/ahci.h"

#include "base/bytes.h"
#include "drivers/ata.h"
#include "migrate/copy/feed.h"
#include "tests/platform_sim.h"
#include "tests/sim_ahci.h"
#include "tests/unit/test.h"

enum { BYTES = 8 << 20, MIB = 1 << 20, SECOND = 1000000 };

static const uint64_t UNIT_0 = BF_UNIT_SATA | 0xffff, UNIT_1 = BF_UNIT_SATA | 1 << 16 | 0xffff;

static uint8_t content[BYTES];
static _Alignas(4096) uint8_t memory[9][MIB];
static struct sim_ahci model;
static struct sim_ahci_port *first = &model.port[0], *second = &model.port[1];
static void *controller;
static struct bf_source_disk disk, other;

static void prepare(void)
{
    sim_platform_reset(13);
    for (size_t i = 0; i < BYTES; i += 8) {
        uint64_t v = sim_random();
        memcpy(content + i, &v, 8);
    }
    memset(memory, 0, sizeof memory);
    memset(&disk, 0, sizeof disk);
    memset(&other, 0, sizeof other);
    controller = NULL;
    sim_ahci_init(&model, content, BYTES);
}

static void open_both(void)
{
    CHECK_EQ(bf_ahci.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_ahci.disk(controller, UNIT_0, &disk), BF_OK);
    CHECK_EQ(bf_ahci.disk(controller, UNIT_1, &other), BF_OK);
}

static void start(void)
{
    prepare();
    open_both();
}

// Closing leaves nothing open to the controller, whatever happened before.
static void stop(void)
{
    bf_source_close(&disk);
    bf_source_close(&other);
    bf_ahci.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.pci), 0);
    CHECK_EQ(model.pci.stray, 0);
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

// As often as the loop turns in a moment.
static void turn(void)
{
    for (int i = 0; i < 50; i++) {
        bf_source_poll(&disk);
        bf_source_poll(&other);
        sim_clock_advance(1000);
    }
}

static void test_serves_by_class(void)
{
    struct bf_pci_id id = {.vendor = 0x8086, .device = 0x2922, .class_code = 0x010601};
    CHECK(bf_ahci.serves(&id));
    id.class_code = 0x01018a; // IDE
    CHECK(!bf_ahci.serves(&id));
}

static void test_reads_every_byte_of_both_disks(void)
{
    start();
    CHECK_EQ(disk.geometry.block_size, 512);
    CHECK_EQ(disk.geometry.blocks, BYTES / 512);
    CHECK_EQ(disk.geometry.depth, 4);
    CHECK_EQ(other.geometry.block_size, 4096);
    CHECK_EQ(other.geometry.blocks, BYTES / 4096);
    CHECK_STR(disk.identity.serial, "disk-0");
    CHECK_STR(disk.identity.model, "Model of a disk");
    CHECK_STR(disk.identity.wwn, "naa.5000500150025003");
    CHECK_EQ(model.ghc & 2, 0); // no interrupts
    CHECK_EQ(first->ie, 0);
    for (uint32_t i = 0; i < BYTES / MIB; i++) {
        struct bf_block_request a, b;
        submit(&disk, &a, 0, (uint64_t)i * 2048, 2048);
        submit(&other, &b, 1, (uint64_t)i * 256, 256);
        bf_source_poll(&disk);
        bf_source_poll(&other);
        CHECK(a.done && a.status == BF_OK && holds(0, (uint64_t)i * MIB, MIB));
        CHECK(b.done && b.status == BF_OK && holds(1, (uint64_t)i * MIB, MIB));
    }
    CHECK_EQ(first->queued_reads, first->reads);
    CHECK_EQ(second->queued_reads, 0);
    CHECK_EQ(first->comresets + second->comresets + model.resets, 0); // links stayed up
    stop();
    CHECK_EQ(first->cmd & 0xc011, 0);
}

static void test_queued_in_any_order(void)
{
    struct bf_block_request r[5] = {{0}};
    start();
    first->hold = 1;
    for (uint32_t i = 0; i < 4; i++)
        submit(&disk, &r[i], i, 100 * i, 100);
    CHECK_EQ(first->most_out, 4);
    r[4] = (struct bf_block_request){.block = 0, .count = 1, .data = memory[4]};
    CHECK_EQ(bf_source_submit(&disk, &r[4]), BF_AGAIN);
    sim_ahci_complete(&model, 0, 2);
    sim_ahci_complete(&model, 0, 0);
    bf_source_poll(&disk);
    CHECK(r[0].done && !r[1].done && r[2].done && !r[3].done);
    CHECK_EQ(bf_source_submit(&disk, &r[4]), BF_OK);
    while (first->held_count)
        sim_ahci_complete(&model, 0, first->held_count - 1);
    bf_source_poll(&disk);
    for (uint32_t i = 0; i < 4; i++)
        CHECK(r[i].done && r[i].status == BF_OK && holds(i, 100ull * 512 * i, 51200));
    CHECK(r[4].done);
    stop();
}

// A disk that does not queue, or a controller, or one that queues a few.
static void test_depths(void)
{
    struct bf_block_request r[4];
    start();
    second->hold = 1;
    for (uint32_t i = 0; i < 4; i++)
        submit(&other, &r[i], i, 10 * i, 10);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_EQ(second->held_count, 1);
        sim_ahci_complete(&model, 1, 0);
        bf_source_poll(&other);
        CHECK(r[i].done && r[i].status == BF_OK && holds(i, 10ull * 4096 * i, 40960));
    }
    CHECK_EQ(second->most_out, 1);
    stop();
    prepare();
    model.cap &= ~0x40000000u;
    open_both();
    submit(&disk, &r[0], 0, 8, 8);
    bf_source_poll(&disk);
    CHECK(r[0].done && r[0].status == BF_OK && holds(0, 4096, 4096));
    CHECK_EQ(first->queued_reads, 0);
    stop();
    prepare();
    first->depth = 2;
    model.cap = (model.cap & ~0x1f00u) | 2u << 8; // three slots
    open_both();
    CHECK_EQ(disk.geometry.depth, 2);
    CHECK_EQ(other.geometry.depth, 3);
    stop();
}

// One of several queued reads hits a bad block: it fails, the others are right, nothing is reset.
static void test_a_failed_read_fails_alone(void)
{
    struct bf_block_request r[4];
    start();
    first->bad_block = 213;
    first->hold = 1;
    for (uint32_t i = 0; i < 4; i++)
        submit(&disk, &r[i], i, 100 * i, 100);
    sim_ahci_complete(&model, 0, 3);
    sim_ahci_complete(&model, 0, 2);
    first->hold = 0;
    turn();
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(r[i].done);
        CHECK_EQ(r[i].status, i == 2 ? BF_ERR_IO : BF_OK);
        CHECK(i == 2 || holds(i, 100ull * 512 * i, 51200));
    }
    CHECK_EQ(first->logs, 1);
    CHECK_EQ(first->comresets, 0);
    submit(&disk, &r[0], 0, 214, 8);
    bf_source_poll(&disk);
    CHECK(r[0].done && r[0].status == BF_OK && holds(0, 214 * 512, 4096));
    CHECK_EQ(first->queued_reads, first->reads);
    stop();
}

static void test_a_log_that_does_not_tell(void)
{
    static const enum sim_ahci_log logs[] = {SIM_AHCI_LOG_ABSENT, SIM_AHCI_LOG_DAMAGED,
                                             SIM_AHCI_LOG_LIES};
    for (size_t k = 0; k < BF_COUNT(logs); k++) {
        struct bf_block_request r[4];
        start();
        first->bad_block = 213;
        first->log = logs[k];
        first->hold = 1;
        for (uint32_t i = 0; i < 4; i++)
            submit(&disk, &r[i], i, 100 * i, 100);
        sim_ahci_complete(&model, 0, 2);
        first->hold = 0;
        turn();
        for (uint32_t i = 0; i < 4; i++) {
            CHECK(r[i].done);
            CHECK_EQ(r[i].status, i == 2 ? BF_ERR_IO : BF_OK);
            CHECK(i == 2 || holds(i, 100ull * 512 * i, 51200));
        }
        CHECK_EQ(first->comresets, 1);
        // That was not the one reset of a port that does not answer.
        first->bad_block = UINT64_MAX;
        first->fault = SIM_AHCI_LOST;
        first->faults = 1;
        submit(&disk, &r[0], 0, 8, 8);
        sim_clock_advance(BF_AHCI_TIMEOUT_US + 1000);
        turn();
        CHECK_EQ(first->comresets, 2);
        CHECK(r[0].done && r[0].status == BF_OK && holds(0, 4096, 4096));
        stop();
    }
}

// What fails on the way to the disk says nothing about the blocks, queued or not.
static void test_a_failed_link(void)
{
    static const enum sim_ahci_fault faults[] = {SIM_AHCI_LINK, SIM_AHCI_CRC, SIM_AHCI_ERROR};
    for (uint32_t i = 0; i < 6; i++) {
        struct bf_block_request r;
        struct sim_ahci_port *port = i % 2 ? first : second;
        start();
        port = i % 2 ? first : second;
        port->fault = faults[i / 2];
        port->faults = 1;
        submit(i % 2 ? &disk : &other, &r, 0, 10, 10);
        for (int k = 0; k < 30 && !r.done; k++)
            turn();
        CHECK(r.done);
        CHECK_EQ(r.status, faults[i / 2] == SIM_AHCI_ERROR ? BF_ERR_IO : BF_ERR_BUSY);
        submit(i % 2 ? &disk : &other, &r, 0, 10, 10);
        for (int k = 0; k < 30 && !r.done; k++)
            turn();
        CHECK(r.done && r.status == BF_OK);
        stop();
    }
}

static void test_a_failed_read_that_was_not_queued(void)
{
    static const enum sim_ahci_fault faults[] = {SIM_AHCI_ERROR, SIM_AHCI_SHORT};
    struct bf_block_request r[3];
    start();
    second->bad_block = 13;
    for (uint32_t i = 0; i < 3; i++)
        submit(&other, &r[i], i, 10 * i, 10);
    turn();
    CHECK(r[0].done && r[0].status == BF_OK && holds(0, 0, 40960));
    CHECK(r[1].done && r[1].status == BF_ERR_IO);
    CHECK(r[2].done && r[2].status == BF_OK && holds(2, 20 * 4096, 40960));
    second->bad_block = UINT64_MAX;
    for (size_t i = 0; i < 2; i++) {
        second->fault = faults[i];
        second->faults = 1;
        submit(&other, &r[0], 0, 8, 8);
        turn();
        CHECK(r[0].done && r[0].status == BF_ERR_IO);
    }
    submit(&other, &r[0], 0, 8, 8);
    turn();
    CHECK(r[0].done && r[0].status == BF_OK && holds(0, 8 * 4096, 8 * 4096));
    CHECK_EQ(second->comresets + second->logs, 0);
    stop();
}

static void test_an_error_that_takes_a_reset(void)
{
    for (int kind = 0; kind < 2; kind++) {
        struct bf_block_request r;
        start();
        first->fault = kind ? SIM_AHCI_STRAY : SIM_AHCI_GOOD;
        first->engine_stuck = !kind;
        first->bad_block = kind ? UINT64_MAX : 10;
        first->faults = 1;
        submit(&disk, &r, 0, 8, 8);
        bf_source_poll(&disk);
        first->bad_block = UINT64_MAX;
        sim_clock_advance(SECOND);
        for (int i = 0; i < 20; i++) {
            turn();
            sim_clock_advance(SECOND / 10);
        }
        CHECK_EQ(first->comresets, 1);
        CHECK(r.done && r.status == BF_OK && holds(0, 4096, 4096));
        first->engine_stuck = 0;
        stop();
    }
}

static void test_a_lost_completion_resets_once(void)
{
    struct bf_block_request r, b;
    start();
    first->fault = SIM_AHCI_LOST;
    first->faults = 1;
    submit(&disk, &r, 0, 8, 8);
    sim_clock_advance(BF_AHCI_TIMEOUT_US - SECOND);
    turn();
    CHECK(!r.done);
    CHECK_EQ(first->comresets, 0);
    sim_clock_advance(SECOND);
    submit(&other, &b, 1, 8, 8);
    turn();
    CHECK(b.done && b.status == BF_OK); // the other port is not held up
    CHECK_EQ(first->comresets, 1);
    CHECK_EQ(second->comresets, 0);
    CHECK(r.done && r.status == BF_OK && holds(0, 4096, 4096));
    stop();
}

static void test_the_second_time_it_fails(void)
{
    struct bf_block_request r, later, b;
    start();
    first->fault = SIM_AHCI_LOST;
    first->faults = 1000;
    submit(&disk, &r, 0, 8, 8);
    for (int i = 0; i < 3; i++) {
        sim_clock_advance(BF_AHCI_TIMEOUT_US + 1000);
        turn();
    }
    CHECK(r.done);
    CHECK_EQ(r.status, BF_ERR_TIMEOUT);
    CHECK(strstr(sim_log(), "giving up on it"));
    submit(&disk, &later, 1, 8, 8);
    CHECK(later.done && later.status == BF_ERR_TIMEOUT);
    submit(&other, &b, 1, 8, 8);
    turn();
    CHECK(b.done && b.status == BF_OK && holds(1, 8 * 4096, 8 * 4096));
    stop();
}

// After the reset it must be the same disk.
static void test_an_exchanged_disk(void)
{
    struct bf_block_request r;
    start();
    first->fault = SIM_AHCI_LOST;
    first->faults = 1;
    submit(&disk, &r, 0, 8, 8);
    memcpy(first->serial, "disk-X", 7);
    sim_clock_advance(BF_AHCI_TIMEOUT_US + 1000);
    for (int i = 0; i < 4; i++)
        turn();
    CHECK(r.done && r.status == BF_ERR_TIMEOUT);
    stop();
}

static void test_a_reset_that_does_not_help(void)
{
    for (int kind = 0; kind < 2; kind++) {
        struct bf_block_request r;
        start();
        first->fault = SIM_AHCI_LOST;
        first->faults = 1000;
        first->no_link = kind == 0;
        first->no_answer = kind == 1;
        submit(&disk, &r, 0, 8, 8);
        sim_clock_advance(BF_AHCI_TIMEOUT_US + 1000);
        for (int i = 0; i < 30 && !r.done; i++) {
            turn();
            sim_clock_advance(SECOND);
        }
        CHECK(r.done && r.status == BF_ERR_TIMEOUT);
        stop();
    }
}

// What the sender makes of that: the run ends and says whose fault it is.
static void test_the_run_ends_with_a_reason(void)
{
    static struct bf_feed feed;
    struct bf_geometry g = {.disk_bytes = BYTES, .block_size = 512, .chunk_size = 65536};
    enum bf_err err = BF_OK;
    int moved = 0;
    start();
    first->bad_block = 4711;
    CHECK_EQ(bf_feed_init(&feed, 8 << 20), BF_OK);
    bf_feed_start(&feed, &disk, NULL, &g, 0, bf_geometry_chunks(&g));
    for (int i = 0; !err && i < 5000; i++) {
        err = bf_feed_poll(&feed, &moved);
        sim_clock_advance(1000);
    }
    CHECK_EQ(err, BF_ERR_IO);
    CHECK_EQ(feed.fault.side, BF_SIDE_SOURCE);
    CHECK(strstr(feed.fault.what, "cannot be read at byte 2412032"));
    bf_feed_free(&feed);
    stop();
}

// It does not stop, so its way to memory is cut, and then the data is ours again.
static void test_a_port_that_does_not_stop(void)
{
    struct bf_block_request r;
    start();
    first->fault = SIM_AHCI_LOST;
    first->faults = 1;
    first->receiver_stuck = 1;
    submit(&disk, &r, 0, 8, 8);
    sim_clock_advance(BF_AHCI_TIMEOUT_US + 1000);
    for (int i = 0; i < 20; i++)
        turn();
    CHECK(!model.pci.master);
    CHECK(r.done && r.status == BF_ERR_TIMEOUT);
    stop();
}

// Not even that works: the data stays the port's, and what is asked later fails at once.
static void test_a_port_that_keeps_its_memory(void)
{
    struct bf_block_request r, later;
    start();
    first->fault = SIM_AHCI_LOST;
    first->faults = 1;
    first->receiver_stuck = 1;
    model.pci.master_stuck = 1;
    submit(&disk, &r, 0, 8, 8);
    sim_clock_advance(BF_AHCI_TIMEOUT_US + 1000);
    for (int i = 0; i < 20; i++)
        turn();
    CHECK(r.done && r.kept && r.status == BF_ERR_TIMEOUT);
    submit(&disk, &later, 1, 8, 8);
    CHECK(later.done && later.status == BF_ERR_TIMEOUT);
    CHECK(strstr(sim_log(), "not used again"));
    first->receiver_stuck = 0;
    stop();
}

// Pulled out: registers read as all ones.
static void test_pulled_out(void)
{
    struct bf_block_request r;
    start();
    first->hold = 1;
    submit(&disk, &r, 0, 8, 8);
    model.pci.gone = 1;
    turn();
    CHECK(r.done && r.status == BF_ERR_TIMEOUT);
    stop();
}

static void test_closing_with_requests_out(void)
{
    struct bf_block_request a, b;
    start();
    first->hold = 1;
    submit(&disk, &a, 0, 8, 8);
    bf_source_close(&disk);
    CHECK(a.done && a.status == BF_ERR_CANCELLED);
    CHECK_EQ(first->comresets, 1); // which ends what the disk was asked
    submit(&other, &b, 1, 8, 8);
    bf_source_poll(&other);
    CHECK(b.done && b.status == BF_OK);
    stop();
}

static void left(uint64_t unit, enum bf_err expected)
{
    CHECK_EQ(bf_ahci.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_ahci.disk(controller, unit, &disk), expected);
    CHECK(disk.ops == NULL);
    stop();
}

static void test_what_is_left_to_the_firmware(void)
{
    prepare();
    first->signature = 0xeb140101; // a CD
    left(UNIT_0, BF_ERR_NOT_FOUND);
    prepare();
    first->signature = 0xc33c0101; // an enclosure
    left(UNIT_0, BF_ERR_NOT_FOUND);
    prepare();
    first->signature = 0x96690101; // a port multiplier
    left(UNIT_0, BF_ERR_UNSUPPORTED);
    prepare();
    left(BF_UNIT_SATA | 3, BF_ERR_UNSUPPORTED); // behind one
    prepare();
    first->small = 1;
    left(UNIT_0, BF_ERR_UNSUPPORTED);
    prepare();
    first->block_size = 520;
    left(UNIT_0, BF_ERR_UNSUPPORTED);
    prepare();
    first->present = 0;
    left(UNIT_0, BF_ERR_TIMEOUT);
    prepare();
    left(0, BF_ERR_NOT_FOUND);
    prepare();
    left(BF_UNIT_SATA | 2 << 16 | 0xffff, BF_ERR_NOT_FOUND);
    prepare();
    left(BF_UNIT_SCSI | 0xffff, BF_ERR_NOT_FOUND);
}

static void test_handoff(void)
{
    prepare();
    model.cap2 = 1;
    model.bohc = 1;
    open_both();
    CHECK_EQ(model.bohc & 3, 2);
    stop();
    CHECK_EQ(model.bohc & 3, 1); // given back
    prepare();
    model.cap2 = 1;
    model.bohc = 1;
    model.bios_keeps = 1;
    CHECK_EQ(bf_ahci.open(&model.pci.pci, &controller), BF_ERR_BUSY);
    CHECK_EQ(model.bohc & 3, 1);
    CHECK(controller == NULL);
}

static void test_addresses_of_32_bits(void)
{
    struct bf_block_request r;
    prepare();
    model.cap &= ~0x80000000u;
    open_both();
    CHECK(first->clb <= UINT32_MAX && first->fb <= UINT32_MAX);
    submit(&disk, &r, 0, 8, 8);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 4096, 4096));
    stop();
    start();
    CHECK(first->clb > UINT32_MAX);
    stop();
}

// Ports that the firmware left at work are stopped before anything else, if need be by a reset of
// the controller.
static void test_ports_at_work(void)
{
    prepare();
    second->cmd |= 0x8001;
    CHECK_EQ(bf_ahci.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ((first->cmd | second->cmd) & 0xc011, 0);
    CHECK_EQ(model.resets, 0);
    stop();
    prepare();
    second->cmd |= 0x8001;
    second->engine_stuck = 1;
    CHECK_EQ(bf_ahci.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(model.resets, 1);
    CHECK(model.ghc & 0x80000000u);
    second->engine_stuck = 0;
    CHECK_EQ(bf_ahci.disk(controller, UNIT_0, &disk), BF_OK);
    stop();
}

static void test_half_opened(void)
{
    prepare();
    model.pci.alloc_fails = 1;
    left(UNIT_0, BF_ERR_NO_MEMORY);
    prepare();
    first->no_answer = 1;
    left(UNIT_0, BF_ERR_TIMEOUT);
    bf_ahci.close(NULL);
    prepare();
    model.pci.gone = 1;
    CHECK_EQ(bf_ahci.open(&model.pci.pci, &controller), BF_ERR_IO);
}

static void test_identify_data(void)
{
    uint8_t data[512];
    struct bf_ata_disk d;
    uint32_t tag;
    prepare();
    sim_ahci_identify(second, data);
    CHECK_EQ(bf_ata_parse(data, sizeof data, &d), BF_OK);
    CHECK_EQ(d.block_size, 4096);
    CHECK_EQ(d.depth, 0);
    CHECK_EQ(bf_ata_parse(data, 511, &d), BF_ERR_CORRUPT);
    data[200] ^= 1;
    CHECK_EQ(bf_ata_parse(data, sizeof data, &d), BF_ERR_CORRUPT);
    data[510] = 0; // no checksum claimed
    CHECK_EQ(bf_ata_parse(data, sizeof data, &d), BF_OK);
    data[206] = 1; // more blocks than a command can address
    CHECK_EQ(bf_ata_parse(data, sizeof data, &d), BF_ERR_CORRUPT);
    data[206] = 0;
    memset(data + 2 * 117, 0xff, 4);
    CHECK_EQ(bf_ata_parse(data, sizeof data, &d), BF_OK);
    CHECK_EQ(d.block_size, 0);
    memset(data, 0xff, sizeof data);
    data[510] = 0;
    CHECK_EQ(bf_ata_parse(data, sizeof data, &d), BF_ERR_UNSUPPORTED);
    memset(data, 0, sizeof data);
    CHECK_EQ(bf_ata_parse(data, sizeof data, &d), BF_ERR_UNSUPPORTED);
    data[0] = 5;
    data[511] = 251;
    CHECK_EQ(bf_ata_failed_tag(data, sizeof data, &tag), BF_OK);
    CHECK_EQ(tag, 5);
    data[0] = 0x85; // of a command that was not queued
    data[511] = 0x7b;
    CHECK_EQ(bf_ata_failed_tag(data, sizeof data, &tag), BF_ERR_PROTOCOL);
}

// ---- What it says of itself --------------------------------------------------------------------

static void test_locks_and_hidden_blocks_are_noticed(void)
{
    prepare();
    first->tcg = 0x1b; // a shadow
    first->native = first->blocks + 100;
    second->locked = 1;
    second->native = second->blocks;
    second->ama = 1;
    open_both();
    CHECK_EQ(disk.notes, BF_DISK_SHADOWED | BF_DISK_HIDDEN);
    CHECK_EQ(other.notes, BF_DISK_LOCKED);
    stop();
    prepare();
    second->native = 1ull << 40;
    second->ama = 1;
    open_both();
    CHECK_EQ(disk.notes, 0);
    CHECK_EQ(other.notes, BF_DISK_HIDDEN);
    stop();
}

// A disk that claims to know a question and refuses it is read all the same.
static void test_a_refused_question_costs_nothing(void)
{
    struct bf_block_request r;
    prepare();
    first->tcg_lies = 1;
    second->tcg_lies = 1;
    open_both();
    CHECK_EQ(first->discoveries + second->discoveries, 2);
    CHECK_EQ(disk.notes + other.notes, 0);
    CHECK_EQ(first->comresets + second->comresets, 0);
    submit(&disk, &r, 0, 100, 2048);
    turn();
    CHECK(r.done && r.status == BF_OK && holds(0, 51200, MIB));
    submit(&other, &r, 0, 5, 200);
    turn();
    CHECK(r.done && r.status == BF_OK && holds(0, 20480, 819200));
    stop();
}

// ---- What there is -----------------------------------------------------------------------------

static struct bf_unit units[64];

static uint32_t look_for_units(enum bf_err expected)
{
    uint32_t count = 0;
    memset(units, 0, sizeof units);
    CHECK_EQ(bf_ahci.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_ahci.units(controller, units, 64, &count), expected);
    bf_ahci.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.pci), 0);
    CHECK_EQ(model.pci.stray, 0);
    return count;
}

static void test_finds_the_disks_on_all_ports(void)
{
    prepare();
    CHECK_EQ(look_for_units(BF_OK), 2);
    CHECK(units[0].number == UNIT_0 && units[1].number == UNIT_1 && !units[0].why);
    first->signature = 0xeb140101; // a CD
    CHECK_EQ(look_for_units(BF_OK), 1);
    CHECK_EQ(units[0].number, UNIT_1);
    second->present = 0;
    CHECK_EQ(look_for_units(BF_OK), 0);
}

static void test_powers_up_what_the_firmware_did_not(void)
{
    prepare();
    first->needs_power = 1;
    first->cmd = 0;
    CHECK_EQ(look_for_units(BF_OK), 2);
    CHECK_EQ(bf_ahci.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_ahci.disk(controller, UNIT_0, &disk), BF_OK);
    CHECK_EQ(bf_ahci.disk(controller, UNIT_1, &other), BF_OK);
    stop();
}

static void test_names_what_is_behind_a_port_multiplier(void)
{
    prepare();
    first->signature = 0x96690101;
    first->multiplier_ports = 5;
    first->multiplier_links = 0x8013; // the last one has no port
    CHECK_EQ(look_for_units(BF_OK), 4);
    CHECK_EQ(units[0].number, BF_UNIT_SATA | 0);
    CHECK_EQ(units[2].number, BF_UNIT_SATA | 4);
    CHECK_STR(units[2].why, "behind a port multiplier");
    CHECK(units[3].number == UNIT_1 && !units[3].why);
    first->no_answer = 1;
    CHECK_EQ(look_for_units(BF_ERR_TIMEOUT), 2);
    CHECK_STR(units[0].why, "a port multiplier that does not report what it has");
}

TEST_MAIN(TEST(test_serves_by_class), TEST(test_reads_every_byte_of_both_disks),
          TEST(test_queued_in_any_order), TEST(test_depths), TEST(test_a_failed_read_fails_alone),
          TEST(test_a_log_that_does_not_tell), TEST(test_a_failed_read_that_was_not_queued),
          TEST(test_a_failed_link), TEST(test_an_error_that_takes_a_reset),
          TEST(test_a_lost_completion_resets_once), TEST(test_the_second_time_it_fails),
          TEST(test_an_exchanged_disk), TEST(test_a_reset_that_does_not_help),
          TEST(test_the_run_ends_with_a_reason), TEST(test_a_port_that_does_not_stop),
          TEST(test_a_port_that_keeps_its_memory), TEST(test_pulled_out),
          TEST(test_closing_with_requests_out), TEST(test_what_is_left_to_the_firmware),
          TEST(test_handoff), TEST(test_addresses_of_32_bits), TEST(test_ports_at_work),
          TEST(test_half_opened), TEST(test_identify_data),
          TEST(test_locks_and_hidden_blocks_are_noticed),
          TEST(test_a_refused_question_costs_nothing), TEST(test_finds_the_disks_on_all_ports),
          TEST(test_powers_up_what_the_firmware_did_not),
          TEST(test_names_what_is_behind_a_port_multiplier))
