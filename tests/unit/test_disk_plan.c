// SPDX-License-Identifier: Apache-2.0
// Which disk is which: recognised by attributes, refused with disk, attribute and advice when the
// set is another one, and never guessed.
#include "replica/daemon_plan.h"
#include "tests/unit/test.h"

static struct bf_inventory inventory;
static struct bf_replica_disk known[3];
static struct bf_point point;
static struct bf_disk_plan plan;
static struct bf_fault fault;

static struct bf_disk_identity identity(uint64_t bytes, const char *serial, const char *path)
{
    struct bf_disk_identity id = {.bytes = bytes, .block_size = 512};
    snprintf(id.serial, sizeof id.serial, "%s", serial);
    snprintf(id.path, sizeof id.path, "%s", path);
    return id;
}

// A replica of disks 0 (serial A) and 2 (serial C), which its latest point consists of.
static void setup(void)
{
    memset(&inventory, 0, sizeof inventory);
    memset(&point, 0, sizeof point);
    known[0] = (struct bf_replica_disk){.number = 0, .identity = identity(1 << 20, "A", "p0")};
    known[1] = (struct bf_replica_disk){.number = 2, .identity = identity(2 << 20, "C", "p2")};
    point.number = 1;
    point.disks = 2;
    point.disk[1].disk = 2;
}

static void has(uint64_t bytes, const char *serial, const char *path, int planned)
{
    struct bf_inventory_disk *d = &inventory.disk[inventory.disks++];
    d->identity = identity(bytes, serial, path);
    d->planned = (uint8_t)planned;
}

static enum bf_err make(size_t count, const struct bf_point *binding)
{
    memset(&fault, 0, sizeof fault);
    return bf_disk_plan_make(&inventory, known, count, binding, &plan, &fault);
}

static void refused(enum bf_err err, const char *words)
{
    CHECK_EQ(make(2, &point), err);
    if (!strstr(fault.what, words))
        FAIL("\"%s\" does not say \"%s\"", fault.what, words);
    CHECK(fault.todo[0]);
}

static void test_a_new_machine(void)
{
    setup();
    has(1 << 20, "A", "p0", 1);
    has(4 << 20, "B", "p1", 0);
    has(2 << 20, "C", "p2", 1);
    CHECK_EQ(make(0, NULL), BF_OK);
    CHECK_EQ(plan.disks, 2);
    CHECK_EQ(plan.disk[1].inventory, 2);
    CHECK_EQ(plan.disk[0].known, BF_PLAN_NEW);
}

static void test_the_same_disks_in_another_order(void)
{
    setup();
    has(2 << 20, "C", "p9", 1);
    has(1 << 20, "A", "p0", 1);
    CHECK_EQ(make(2, &point), BF_OK);
    CHECK_EQ(plan.disk[0].known, 1);
    CHECK_EQ(plan.disk[1].known, 0);
}

static void test_a_resized_disk(void)
{
    setup();
    has(3 << 20, "A", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    refused(BF_ERR_MISMATCH, "size");
}

static void test_an_exchanged_disk(void)
{
    setup();
    has(1 << 20, "X", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    refused(BF_ERR_MISMATCH, "serial");
}

static void test_a_further_disk(void)
{
    setup();
    has(1 << 20, "A", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    has(4 << 20, "D", "p3", 1);
    refused(BF_ERR_MISMATCH, "D");
}

static void test_a_missing_disk(void)
{
    setup();
    has(1 << 20, "A", "p0", 1);
    refused(BF_ERR_MISMATCH, "disk 2 of this replica");
    CHECK(strstr(fault.what, "not attached"));
}

static void test_a_disk_that_was_left_out(void)
{
    setup();
    has(1 << 20, "A", "p0", 1);
    has(2 << 20, "C", "p2", 0);
    refused(BF_ERR_MISMATCH, "left out");
}

static void test_two_that_look_alike(void)
{
    setup();
    has(1 << 20, "A", "p0", 1);
    has(1 << 20, "A", "p1", 1);
    refused(BF_ERR_MISMATCH, "cannot be told");
}

static void test_without_a_point_disks_may_change(void)
{
    setup();
    has(2 << 20, "C", "p2", 1);
    has(4 << 20, "D", "p3", 1);
    CHECK_EQ(make(2, NULL), BF_OK);
    CHECK_EQ(plan.disk[0].known, 1);
    CHECK_EQ(plan.disk[1].known, BF_PLAN_NEW);
}

// Disk C was seen once and is not part of the point: it is not one of the replica's disks.
static void test_a_disk_of_an_attempt_that_failed(void)
{
    setup();
    point.disks = 1;
    has(1 << 20, "A", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    refused(BF_ERR_MISMATCH, "C");
}

static void test_nothing_planned(void)
{
    setup();
    has(1 << 20, "A", "p0", 0);
    CHECK_EQ(make(0, NULL), BF_ERR_NOT_FOUND);
}

static void test_what_was_learnt_is_kept(void)
{
    struct bf_disk_identity id = identity(1 << 20, "A", "p0"), seen = identity(1 << 20, "", "p7");
    seen.has_gpt = 1;
    seen.gpt_guid[0] = 9;
    bf_disk_identity_merge(&id, &seen);
    CHECK_STR(id.serial, "A");
    CHECK_STR(id.path, "p7");
    CHECK_EQ(id.gpt_guid[0], 9);
}

TEST_MAIN(TEST(test_a_new_machine), TEST(test_the_same_disks_in_another_order),
          TEST(test_a_resized_disk), TEST(test_an_exchanged_disk), TEST(test_a_further_disk),
          TEST(test_a_missing_disk), TEST(test_a_disk_that_was_left_out),
          TEST(test_two_that_look_alike), TEST(test_without_a_point_disks_may_change),
          TEST(test_a_disk_of_an_attempt_that_failed), TEST(test_nothing_planned),
          TEST(test_what_was_learnt_is_kept))
