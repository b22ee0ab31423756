// SPDX-License-Identifier: Apache-2.0
// Requests in flight: who has the data, and what whoever waits is told, through every state.
#include "drivers/pending.h"

#include "tests/platform_sim.h"
#include "tests/sim_pci.h"
#include "tests/unit/test.h"

enum { SLOTS = 3, BYTES = 4096, TIMEOUT_US = 1000 };

static uint8_t memory[SLOTS][BYTES];
static struct sim_pci bus;
static struct bf_pci_ops ops; // the bus's, of which a test may replace one
static struct bf_pending pending;
static struct bf_block_request request[SLOTS];

static void start(void)
{
    sim_platform_reset(1);
    sim_pci_init(&bus, 0x1af4, 0x1042, 0);
    ops = *bus.pci.ops;
    bus.pci.ops = &ops;
    memset(request, 0, sizeof request);
    bf_pending_init(&pending, &bus.pci, SLOTS);
}

static uint32_t take(uint32_t i)
{
    uint32_t index;
    CHECK(bf_pending_find(&pending, &index));
    bf_pending_take(&pending, index, &request[i], BYTES);
    CHECK_EQ(bf_pending_map(&pending, index, memory[i]), BF_OK);
    return index;
}

static uint32_t send(uint32_t i)
{
    uint32_t index = take(i);
    bf_pending_out(&pending, index, TIMEOUT_US);
    return index;
}

static void test_a_request_is_taken_sent_and_done(void)
{
    start();
    CHECK(bf_pending_is_idle(&pending));
    CHECK_EQ(take(0), 0);
    CHECK(!bf_pending_is_idle(&pending));
    CHECK_EQ(pending.slot[0].state, BF_PENDING_HELD);
    CHECK(pending.slot[0].data.host == memory[0] && pending.slot[0].bytes == BYTES);
    CHECK_EQ(sim_pci_open_ranges(&bus), 1);
    bf_pending_out(&pending, 0, TIMEOUT_US);
    CHECK_EQ(pending.slot[0].state, BF_PENDING_OUT);
    CHECK(!request[0].done);
    bf_pending_release(&pending, 0, BF_OK);
    CHECK_EQ(pending.slot[0].state, BF_PENDING_FREE);
    CHECK(request[0].done && !request[0].kept && request[0].status == BF_OK);
    CHECK(bf_pending_is_idle(&pending));
    CHECK_EQ(sim_pci_open_ranges(&bus), 0);
}

static void test_slots_are_taken_from_the_first_and_come_back(void)
{
    uint32_t index;
    start();
    for (uint32_t i = 0; i < SLOTS; i++)
        CHECK_EQ(send(i), i);
    CHECK(!bf_pending_find(&pending, &index));
    CHECK_EQ(index, SLOTS);
    bf_pending_release(&pending, 1, BF_ERR_IO);
    CHECK(bf_pending_find(&pending, &index));
    CHECK_EQ(index, 1);
    CHECK(request[1].done && request[1].status == BF_ERR_IO);
    CHECK(!request[0].done && !request[2].done);
}

static void test_an_error_of_the_bus_ends_the_request(void)
{
    struct sim_pci_range *last = &bus.range[SIM_PCI_RANGES - 1];
    start();
    for (struct sim_pci_range *r = bus.range; r <= last; r++)
        r->live = 1;
    bf_pending_take(&pending, 0, &request[0], BYTES);
    CHECK_EQ(bf_pending_map(&pending, 0, memory[0]), BF_ERR_NO_MEMORY);
    CHECK_EQ(pending.slot[0].state, BF_PENDING_FREE);
    CHECK(request[0].done && !request[0].kept && request[0].status == BF_ERR_NO_MEMORY);
    last->live = 0;
    CHECK_EQ(take(1), 0);
}

static void test_data_in_memory_of_the_device_is_not_mapped(void)
{
    start();
    bf_pending_take(&pending, 0, &request[0], BYTES);
    CHECK_EQ(sim_pci_open_ranges(&bus), 0);
    bf_pending_out(&pending, 0, TIMEOUT_US);
    bf_pending_release(&pending, 0, BF_OK);
    CHECK(request[0].done && request[0].status == BF_OK);
}

static void test_a_question_leaves_its_outcome_in_the_slot(void)
{
    start();
    bf_pending_take(&pending, 0, NULL, BYTES);
    CHECK_EQ(bf_pending_map(&pending, 0, memory[0]), BF_OK);
    bf_pending_out(&pending, 0, TIMEOUT_US);
    bf_pending_release(&pending, 0, BF_ERR_IO);
    CHECK_EQ(pending.slot[0].status, BF_ERR_IO);
    bf_pending_take(&pending, 0, NULL, BYTES);
    bf_pending_release(&pending, 0, BF_OK);
    CHECK_EQ(pending.slot[0].status, BF_OK);
    CHECK_EQ(sim_pci_open_ranges(&bus), 0);
}

static void test_only_what_is_out_is_late(void)
{
    start();
    take(0);
    CHECK_EQ(send(1), 1);
    sim_clock_advance(TIMEOUT_US - 1);
    CHECK(!bf_pending_is_late(&pending));
    sim_clock_advance(1);
    CHECK(bf_pending_is_late(&pending));
    bf_pending_hold(&pending, 1);
    CHECK(!bf_pending_is_late(&pending));
    bf_pending_out(&pending, 1, TIMEOUT_US); // its time begins anew
    CHECK(!bf_pending_is_late(&pending));
    sim_clock_advance(TIMEOUT_US);
    CHECK(bf_pending_is_late(&pending));
    bf_pending_release(&pending, 1, BF_OK);
    CHECK(!bf_pending_is_late(&pending));
}

static void test_one_that_is_out_may_be_sent_again(void)
{
    start();
    send(0);
    sim_clock_advance(TIMEOUT_US);
    bf_pending_out(&pending, 0, TIMEOUT_US);
    CHECK(!bf_pending_is_late(&pending));
    CHECK_EQ(sim_pci_open_ranges(&bus), 1);
    CHECK(!request[0].done);
}

static void test_a_quiet_device_gives_everything_back(void)
{
    start();
    send(0);
    take(1);
    bf_pending_end(&pending, true, BF_ERR_TIMEOUT);
    for (uint32_t i = 0; i < 2; i++)
        CHECK(request[i].done && !request[i].kept && request[i].status == BF_ERR_TIMEOUT);
    CHECK(!request[2].done);
    CHECK_EQ(sim_pci_open_ranges(&bus), 0);
}

static void test_a_wild_device_keeps_the_data_until_it_is_quiet(void)
{
    uint32_t index;
    start();
    send(0);
    bf_pending_end(&pending, false, BF_ERR_TIMEOUT);
    CHECK(request[0].done && request[0].kept && request[0].status == BF_ERR_TIMEOUT);
    CHECK_EQ(sim_pci_open_ranges(&bus), 1);
    CHECK(!bf_pending_is_idle(&pending));
    CHECK(bf_pending_find(&pending, &index));
    CHECK_EQ(index, 1);
    request[0] = (struct bf_block_request){0}; // whose it is may end: it is not touched again
    bf_pending_end(&pending, true, BF_ERR_CANCELLED);
    CHECK(!request[0].done && !request[0].kept && request[0].status == BF_OK);
    CHECK_EQ(sim_pci_open_ranges(&bus), 0);
    CHECK(bf_pending_find(&pending, &index));
    CHECK_EQ(index, 0);
}

static enum bf_err unmap_and_fail(void *impl, struct bf_dma *dma)
{
    (void)impl;
    ((struct sim_pci_range *)dma->token)->live = 0;
    *dma = (struct bf_dma){0};
    return BF_ERR_MEDIA;
}

static void test_data_that_does_not_come_back_is_a_failed_request(void)
{
    start();
    ops.unmap = unmap_and_fail;
    send(0);
    bf_pending_release(&pending, 0, BF_OK);
    CHECK(request[0].done && request[0].status == BF_ERR_MEDIA);
    CHECK_EQ(pending.slot[0].state, BF_PENDING_FREE);
    send(1);
    bf_pending_release(&pending, 0, BF_ERR_BUSY); // the device's word comes first
    CHECK(request[1].done && request[1].status == BF_ERR_BUSY);
}

static void test_a_refused_request_is_done(void)
{
    start();
    CHECK_EQ(bf_pending_refuse(&request[0], BF_ERR_TIMEOUT), BF_OK);
    CHECK(request[0].done && !request[0].kept && request[0].status == BF_ERR_TIMEOUT);
}

TEST_MAIN(TEST(test_a_request_is_taken_sent_and_done),
          TEST(test_slots_are_taken_from_the_first_and_come_back),
          TEST(test_an_error_of_the_bus_ends_the_request),
          TEST(test_data_in_memory_of_the_device_is_not_mapped),
          TEST(test_a_question_leaves_its_outcome_in_the_slot), TEST(test_only_what_is_out_is_late),
          TEST(test_one_that_is_out_may_be_sent_again),
          TEST(test_a_quiet_device_gives_everything_back),
          TEST(test_a_wild_device_keeps_the_data_until_it_is_quiet),
          TEST(test_data_that_does_not_come_back_is_a_failed_request),
          TEST(test_a_refused_request_is_done))
