// SPDX-License-Identifier: Apache-2.0
// The NVMe driver against a model of a controller, well-behaved and otherwise.
#include "drivers/nvme.h"

#include "base/bytes.h"
#include "base/platform.h"
#include "tests/platform_sim.h"
#include "tests/sim_nvme.h"
#include "tests/unit/test.h"

enum { BYTES = 8 << 20, MIB = 1 << 20 };

static uint8_t content[BYTES];
static _Alignas(4096) uint8_t memory[9][MIB];
static struct sim_nvme model;
static void *controller;
static struct bf_source_disk disk, other;

static void prepare(void)
{
    sim_platform_reset(7);
    for (size_t i = 0; i < BYTES; i += 8) {
        uint64_t v = sim_random();
        memcpy(content + i, &v, 8);
    }
    memset(memory, 0, sizeof memory);
    memset(&disk, 0, sizeof disk);
    memset(&other, 0, sizeof other);
    sim_nvme_init(&model, content, BYTES);
}

static void open_both(void)
{
    CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_nvme.disk(controller, 1, &disk), BF_OK);
    CHECK_EQ(bf_nvme.disk(controller, 2, &other), BF_OK);
}

static void start(void)
{
    prepare();
    open_both();
    model.resets = 0;
}

// Closing leaves nothing open to the controller, whatever happened before.
static void stop(void)
{
    bf_source_close(&disk);
    bf_source_close(&other);
    bf_nvme.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.pci), 0);
    CHECK_EQ(model.pci.stray, 0);
}

static void submit(struct bf_source_disk *to, struct bf_block_request *r, uint32_t i,
                   uint64_t block, uint32_t count)
{
    *r = (struct bf_block_request){.block = block, .count = count, .data = memory[i]};
    CHECK_EQ(bf_source_submit(to, r), BF_OK);
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

static void test_reads_every_byte_of_both_namespaces(void)
{
    start();
    CHECK_EQ(model.interrupts_masked, UINT32_MAX);
    CHECK_EQ(disk.geometry.block_size, 512);
    CHECK_EQ(other.geometry.block_size, 4096);
    CHECK_STR(disk.identity.serial, "serial-1");
    CHECK_STR(disk.identity.model, "Model of a disk");
    CHECK_STR(disk.identity.wwn, "eui.0000000000000001");
    CHECK_STR(other.identity.wwn, "eui.0000000000000002");
    for (uint32_t i = 0; i < BYTES / MIB; i++) {
        struct bf_block_request a, b;
        submit(&disk, &a, 0, (uint64_t)i * 2048, 2048);
        submit(&other, &b, 1, (uint64_t)i * 256, 256);
        bf_source_poll(&disk);
        bf_source_poll(&other);
        CHECK(a.done && a.status == BF_OK && holds(0, (uint64_t)i * MIB, MIB));
        CHECK(b.done && b.status == BF_OK && holds(1, (uint64_t)i * MIB, MIB));
    }
    stop();
}

// One page, two, three; a part of a page; the ends of the disk.
static void test_every_form_of_page_list(void)
{
    static const uint32_t counts[] = {1, 8, 9, 16, 17, 24, 25, 2047};
    start();
    for (size_t i = 0; i < BF_COUNT(counts); i++) {
        struct bf_block_request r;
        uint64_t block = BYTES / 512 - counts[i];
        submit(&disk, &r, 0, block, counts[i]);
        bf_source_poll(&disk);
        CHECK(r.done && r.status == BF_OK && holds(0, block * 512, counts[i] * 512));
    }
    stop();
}

static void test_wide_doorbells_and_small_transfers(void)
{
    struct bf_block_request r;
    prepare();
    model.dstrd = 3;
    model.mdts = 4;
    open_both();
    CHECK_EQ(disk.geometry.max_blocks, 65536 / 512);
    submit(&disk, &r, 0, 5, 128);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK && holds(0, 5 * 512, 65536));
    stop();
}

static void test_any_order_and_a_full_queue(void)
{
    struct bf_block_request r[9] = {{0}};
    start();
    model.hold = 1;
    for (uint32_t i = 0; i < 8; i++)
        submit(i % 2 ? &other : &disk, &r[i], i, 8 * i, 8);
    r[8] = (struct bf_block_request){.block = 0, .count = 1, .data = memory[8]};
    CHECK_EQ(bf_source_submit(&disk, &r[8]), BF_AGAIN);
    while (model.held_count)
        sim_nvme_complete(&model, model.held_count / 2);
    bf_source_poll(&disk);
    bf_source_poll(&other);
    for (uint32_t i = 0; i < 8; i++)
        CHECK(r[i].done && r[i].status == BF_OK &&
              holds(i, (i % 2 ? 4096ull : 512ull) * 8 * i, 4096));
    // Many times around both rings.
    model.hold = 0;
    for (uint32_t i = 0; i < 100; i++) {
        submit(&disk, &r[0], 0, i, 1);
        bf_source_poll(&disk);
        CHECK(r[0].done && r[0].status == BF_OK && holds(0, 512ull * i, 512));
    }
    stop();
}

static void test_a_failed_read_fails_alone(void)
{
    struct bf_block_request r;
    start();
    model.fault = SIM_NVME_ERROR;
    model.faults = 1;
    submit(&disk, &r, 0, 8, 8);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_ERR_IO);
    submit(&disk, &r, 0, 8, 8);
    bf_source_poll(&disk);
    CHECK(r.done && r.status == BF_OK);
    CHECK_EQ(model.resets, 0);
    stop();
}

// What a status says about the blocks: nothing when the command was aborted or interrupted, the way
// to the namespace failed, or it is not ready.
static void test_what_a_status_says(void)
{
    static const struct {
        uint16_t status;
        enum bf_err means;
    } cases[] = {{0x281, BF_ERR_IO},   {0x4281, BF_ERR_IO},   {0x286, BF_ERR_IO},
                 {0x080, BF_ERR_IO},   {0x006, BF_ERR_IO},    {0x007, BF_ERR_BUSY},
                 {0x008, BF_ERR_BUSY}, {0x021, BF_ERR_BUSY},  {0x022, BF_ERR_BUSY},
                 {0x082, BF_ERR_BUSY}, {0x4082, BF_ERR_BUSY}, {0x301, BF_ERR_BUSY}};
    struct bf_block_request r;
    start();
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        model.fault = SIM_NVME_STATUS;
        model.status = cases[i].status;
        model.faults = 1;
        submit(&disk, &r, 0, 8, 8);
        bf_source_poll(&disk);
        CHECK(r.done);
        CHECK_EQ(r.status, cases[i].means);
    }
    CHECK_EQ(model.resets, 0);
    stop();
}

// Completions that make no sense: one reset, everything is asked again, and the data is right.
static void test_nonsense_resets_once(void)
{
    static const enum sim_nvme_fault faults[] = {SIM_NVME_WRONG_CID, SIM_NVME_TWICE,
                                                 SIM_NVME_WRONG_QUEUE};
    for (size_t i = 0; i < BF_COUNT(faults); i++) {
        struct bf_block_request a, b;
        start();
        model.hold = 1;
        submit(&disk, &a, 0, 8, 8);
        submit(&other, &b, 1, 8, 8);
        model.fault = faults[i];
        model.faults = 1;
        sim_nvme_complete(&model, 0);
        model.hold = 0;
        bf_source_poll(&disk);
        CHECK_EQ(model.resets, 1);
        settle();
        CHECK(a.done && a.status == BF_OK && holds(0, 8 * 512, 4096));
        CHECK(b.done && b.status == BF_OK && holds(1, 8 * 4096, 32768));
        stop();
    }
}

static void test_a_lost_completion_resets_once(void)
{
    struct bf_block_request r;
    start();
    model.fault = SIM_NVME_LOST;
    model.faults = 1;
    submit(&disk, &r, 0, 8, 8);
    sim_clock_advance(BF_NVME_TIMEOUT_US - 1000);
    bf_source_poll(&disk);
    CHECK(!r.done);
    CHECK_EQ(model.resets, 0);
    sim_clock_advance(2000);
    bf_source_poll(&disk);
    CHECK_EQ(model.resets, 1);
    settle();
    CHECK(r.done && r.status == BF_OK && holds(0, 8 * 512, 4096));
    stop();
}

static void test_the_second_time_it_fails(void)
{
    struct bf_block_request r, later;
    start();
    model.fault = SIM_NVME_LOST;
    model.faults = 1000;
    submit(&disk, &r, 0, 8, 8);
    for (int i = 0; i < 3; i++) {
        sim_clock_advance(BF_NVME_TIMEOUT_US + 1000);
        settle();
    }
    CHECK(r.done);
    CHECK_EQ(r.status, BF_ERR_TIMEOUT);
    submit(&other, &later, 1, 8, 8);
    CHECK(later.done && later.status == BF_ERR_TIMEOUT);
    CHECK(strstr(sim_log(), "giving up on it"));
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
    start();
    model.hold = 1;
    model.ready_stuck = 1;
    submit(&disk, &r, 0, 8, 8);
    sim_clock_advance(BF_NVME_TIMEOUT_US + 1000);
    settle();
    CHECK(!r.done);
    other_waits();
    sim_clock_advance(10000000);
    settle();
    CHECK(!model.pci.master);
    CHECK(r.done && r.status == BF_ERR_TIMEOUT);
    CHECK(!r.kept);
    CHECK(model.pci.pci.cut && !model.pci.pci.wild);
    stop();
}

// Not even that works: the read ends, but its data stays the controller's, and what is asked later
// fails at once.
static void test_a_controller_that_keeps_its_memory(void)
{
    struct bf_block_request r, later;
    start();
    model.hold = 1;
    model.ready_stuck = 1;
    model.pci.master_stuck = 1;
    submit(&disk, &r, 0, 8, 8);
    sim_clock_advance(BF_NVME_TIMEOUT_US + 1000);
    settle();
    sim_clock_advance(10000000);
    settle();
    CHECK(r.done && r.kept && r.status == BF_ERR_TIMEOUT);
    submit(&disk, &later, 1, 8, 8);
    CHECK(later.done && later.status == BF_ERR_TIMEOUT);
    CHECK(strstr(sim_log(), "not used again"));
    model.pci.master_stuck = 0;
    stop();
}

static void test_pulled_out(void)
{
    struct bf_block_request r;
    start();
    model.hold = 1;
    submit(&disk, &r, 0, 8, 8);
    model.pci.gone = 1;
    sim_clock_advance(BF_NVME_TIMEOUT_US + 1000);
    settle();
    CHECK(r.done && r.status == BF_ERR_TIMEOUT);
    stop();
}

static void test_closing_one_with_reads_out(void)
{
    struct bf_block_request a, b;
    start();
    model.hold = 1;
    submit(&disk, &a, 0, 8, 8);
    bf_source_close(&disk);
    CHECK(a.done && a.status == BF_ERR_CANCELLED);
    submit(&other, &b, 1, 0, 1); // it went with the controller
    CHECK(b.done && b.status == BF_ERR_TIMEOUT);
    stop();
}

static void test_what_is_left_to_the_firmware(void)
{
    struct bf_pci_id id = {.class_code = 0x010601};
    CHECK(!bf_nvme.serves(&id));
    id.class_code = 0x010802;
    CHECK(bf_nvme.serves(&id));
    prepare();
    model.space[0].format = 0x20; // a format of a later revision
    model.space[1].shift = 17;
    CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_nvme.disk(controller, 1, &disk), BF_ERR_UNSUPPORTED);
    CHECK_EQ(bf_nvme.disk(controller, 2, &disk), BF_ERR_UNSUPPORTED);
    CHECK_EQ(bf_nvme.disk(controller, 3, &disk), BF_ERR_IO);
    CHECK_EQ(bf_nvme.disk(controller, 0, &disk), BF_ERR_NOT_FOUND);
    bf_nvme.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.pci), 0);
}

static void test_half_opened(void)
{
    for (uint32_t fail = 1; fail <= 4; fail++) {
        prepare();
        model.pci.alloc_fails = fail;
        CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_ERR_NO_MEMORY);
        CHECK(controller == NULL);
        CHECK_EQ(sim_pci_open_ranges(&model.pci), 0);
    }
    prepare();
    model.never_ready = 1;
    CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_ERR_TIMEOUT);
    prepare();
    model.never_ready = model.fatal = 1;
    CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_ERR_IO);
    prepare();
    model.deaf_admin = 1;
    CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_ERR_TIMEOUT);
    CHECK_EQ(sim_pci_open_ranges(&model.pci), 0);
    prepare();
    model.pci.gone = 1;
    CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_ERR_IO);
    bf_nvme.close(NULL);
}

// ---- Metadata ----------------------------------------------------------------------------------

static void check_all_of(struct bf_source_disk *of)
{
    uint32_t size = of->geometry.block_size, most = of->geometry.max_blocks;
    for (uint64_t block = 0; block < of->geometry.blocks; block += most) {
        struct bf_block_request r;
        uint64_t left = of->geometry.blocks - block;
        submit(of, &r, 0, block, left < most ? (uint32_t)left : most);
        bf_source_poll(of);
        CHECK(r.done && r.status == BF_OK && holds(0, block * size, (size_t)r.count * size));
    }
}

static void test_metadata_is_dropped(void)
{
    static const struct sim_nvme_namespace kinds[] = {
        {.metadata = 8},
        {.metadata = 64},
        {.metadata = 8, .extended = 1},
        {.metadata = 16, .extended = 1, .protected = 1},
        {.metadata = 16, .protected = 2},
        {.metadata = 8, .protected = 1},
        {.metadata = 8, .extended = 1, .protected = 3},
    };
    for (size_t i = 0; i < 2 * BF_COUNT(kinds); i++) {
        prepare();
        model.mdts = i % 2 ? 5 : 0;
        for (uint32_t k = 0; k < 2; k++) {
            model.space[k].metadata = kinds[i / 2].metadata;
            model.space[k].extended = kinds[i / 2].extended;
            model.space[k].protected = kinds[i / 2].protected;
        }
        open_both();
        check_all_of(&disk);
        check_all_of(&other);
        stop();
    }
}

// Protection information alone costs nothing: the controller takes it off.
static void test_protection_is_taken_off_by_the_controller(void)
{
    prepare();
    model.space[0].metadata = 8;
    model.space[0].protected = 1;
    open_both();
    CHECK_EQ(disk.geometry.max_blocks, MIB / 512);
    stop();
}

static void test_metadata_survives_a_reset(void)
{
    struct bf_block_request a, b;
    prepare();
    model.space[0].metadata = 8;
    model.space[0].extended = 1;
    open_both();
    model.fault = SIM_NVME_LOST;
    model.faults = 1;
    submit(&disk, &a, 0, 3, 100);
    submit(&disk, &b, 1, 5000, 100);
    sim_clock_advance(BF_NVME_TIMEOUT_US);
    settle();
    CHECK(a.done && a.status == BF_OK && holds(0, 3 * 512, 51200));
    CHECK(b.done && b.status == BF_OK && holds(1, 5000 * 512, 51200));
    stop();
}

// ---- What it says of itself --------------------------------------------------------------------

static void test_locks_and_reservations_are_noticed(void)
{
    prepare();
    model.tcg = 0x1f; // locked, with a shadow
    model.reserved = 3;
    open_both();
    CHECK_EQ(disk.notes, BF_DISK_LOCKED | BF_DISK_SHADOWED | BF_DISK_RESERVED);
    check_all_of(&other);
    stop();
    prepare();
    model.tcg = 0x0b; // not locked
    model.reserved = 0xff;
    open_both();
    CHECK_EQ(disk.notes, 0);
    stop();
}

static void test_a_question_that_is_not_answered(void)
{
    prepare();
    model.reserved = 1;
    model.deaf_reservations = 1;
    CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_nvme.disk(controller, 1, &disk), BF_ERR_TIMEOUT);
    CHECK(!disk.ops);
    bf_nvme.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.pci), 0);
}

// ---- Which namespaces there are ----------------------------------------------------------------

static struct bf_unit units[2000];

static uint32_t look_for_units(enum bf_err expected, uint32_t room)
{
    uint32_t count = 0;
    memset(units, 0, sizeof units);
    CHECK_EQ(bf_nvme.open(&model.pci.pci, &controller), BF_OK);
    CHECK_EQ(bf_nvme.units(controller, units, room, &count), expected);
    bf_nvme.close(controller);
    CHECK_EQ(sim_pci_open_ranges(&model.pci), 0);
    return count;
}

static void test_finds_all_active_namespaces(void)
{
    prepare();
    CHECK_EQ(look_for_units(BF_OK, 2000), 2);
    CHECK_EQ(units[1].number, 2);
    CHECK(!units[1].why && units[1].eui64[7] == 2);
    model.highest = 1025;
    CHECK_EQ(look_for_units(BF_OK, 2000), 1025);
    CHECK(units[1024].number == 1025 && !units[1024].why);
    model.highest = 2048; // the last page is full
    CHECK_EQ(look_for_units(BF_OK, 10), 2048);
    CHECK(units[9].number == 10 && !units[10].number);
}

static void test_says_what_it_cannot_read(void)
{
    prepare();
    model.mute = 1;
    model.space[1].shift = 20;
    CHECK_EQ(look_for_units(BF_OK, 2000), 2);
    CHECK_STR(units[0].why, "the controller does not describe it");
    CHECK_STR(units[1].why, "blocks of an unusual size");
}

static void test_a_list_without_an_end(void)
{
    prepare();
    model.highest = 1 << 20;
    CHECK_EQ(look_for_units(BF_ERR_LIMIT, 2), 65536);
    model.circular = 1;
    CHECK_EQ(look_for_units(BF_ERR_PROTOCOL, 2), 1024);
}

static void test_a_controller_without_a_list(void)
{
    prepare();
    model.old = 1;
    model.space[0].blocks = 0; // not active
    CHECK_EQ(look_for_units(BF_OK, 2000), 1);
    CHECK_EQ(units[0].number, 2);
}

TEST_MAIN(TEST(test_reads_every_byte_of_both_namespaces), TEST(test_every_form_of_page_list),
          TEST(test_wide_doorbells_and_small_transfers), TEST(test_any_order_and_a_full_queue),
          TEST(test_a_failed_read_fails_alone), TEST(test_what_a_status_says),
          TEST(test_nonsense_resets_once), TEST(test_a_lost_completion_resets_once),
          TEST(test_the_second_time_it_fails), TEST(test_a_reset_that_never_ends),
          TEST(test_a_controller_that_keeps_its_memory), TEST(test_pulled_out),
          TEST(test_closing_one_with_reads_out), TEST(test_what_is_left_to_the_firmware),
          TEST(test_half_opened), TEST(test_metadata_is_dropped),
          TEST(test_protection_is_taken_off_by_the_controller),
          TEST(test_metadata_survives_a_reset), TEST(test_locks_and_reservations_are_noticed),
          TEST(test_a_question_that_is_not_answered), TEST(test_finds_all_active_namespaces),
          TEST(test_says_what_it_cannot_read), TEST(test_a_list_without_an_end),
          TEST(test_a_controller_without_a_list))
