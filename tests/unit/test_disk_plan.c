// SPDX-License-Identifier: Apache-2.0
// Which disk is which: recognised by attributes, refused with disk, attribute and advice when the
// set is another one, and never guessed.
#include "replica/daemon/plan.h"
#include "tests/unit/test.h"

static struct bf_inventory inventory;
static struct bf_replica_disk known[3];
static struct bf_point point;
static struct bf_disk_plan plan;
static struct bf_fault fault;
static int accepted, may_accept;

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
    accepted = 0;
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
    struct bf_disk_question question = {"web", &inventory, known, count, binding, accepted};
    memset(&fault, 0, sizeof fault);
    return bf_disk_plan_make(&question, &plan, &may_accept, &fault);
}

static void refused(enum bf_err err, const char *words)
{
    CHECK_EQ(make(2, &point), err);
    if (!strstr(fault.what, words))
        FAIL("\"%s\" does not say \"%s\"", fault.what, words);
    CHECK(fault.todo[0]);
}

// Refused, and the operator may overrule that.
static void refused_until_accepted(const char *words)
{
    refused(BF_ERR_MISMATCH, words);
    CHECK(may_accept);
    CHECK(strstr(fault.todo, "bootferry machine accept web"));
    accepted = 1;
    CHECK_EQ(make(2, &point), BF_OK);
    CHECK(!may_accept);
    accepted = 0;
}

static void named(uint64_t bytes, const char *serial, const char *path)
{
    has(bytes, serial, path, 1);
    inventory.disk[inventory.disks - 1].named = 1;
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

static void test_a_grown_disk(void)
{
    setup();
    has(3 << 20, "A", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    CHECK_EQ(make(2, &point), BF_OK);
    CHECK_EQ(plan.disk[0].known, 0);
    CHECK(plan.disk[0].grown && !plan.disk[1].grown);
}

// At the same place, but nothing says that it is the same one.
static void test_a_larger_disk_without_a_name(void)
{
    setup();
    known[0].identity.serial[0] = 0;
    has(3 << 20, "", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    refused_until_accepted("sizes differ");
    CHECK_EQ(plan.disk[0].known, BF_PLAN_NEW);
}

static void test_a_smaller_disk(void)
{
    setup();
    has(1 << 19, "A", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    refused_until_accepted("smaller than it was");
    CHECK_EQ(plan.disk[0].known, BF_PLAN_NEW);
    CHECK_EQ(plan.disk[1].known, 1);
    inventory.disk[0].named = 1; // to name it is not to accept that
    refused(BF_ERR_MISMATCH, "smaller than it was");
}

static void test_an_exchanged_disk(void)
{
    setup();
    has(1 << 20, "X", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    refused_until_accepted("serial");
    CHECK_EQ(plan.disk[0].known, BF_PLAN_NEW);
    inventory.disk[0].named = 1; // disk A is missing all the same
    refused(BF_ERR_MISMATCH, "disk 0 of this replica");
}

static void test_a_further_disk(void)
{
    setup();
    has(1 << 20, "A", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    has(4 << 20, "D", "p3", 1);
    refused_until_accepted("D");
    CHECK_EQ(plan.disk[2].known, BF_PLAN_NEW);
}

static void test_a_further_disk_that_is_named(void)
{
    setup();
    has(1 << 20, "A", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    named(4 << 20, "D", "p3");
    CHECK_EQ(make(2, &point), BF_OK);
    CHECK_EQ(plan.disks, 3);
    CHECK_EQ(plan.disk[2].known, BF_PLAN_NEW);
}

static void test_a_missing_disk(void)
{
    setup();
    has(1 << 20, "A", "p0", 1);
    refused(BF_ERR_MISMATCH, "disk 2 of this replica");
    CHECK(strstr(fault.what, "not attached"));
    refused_until_accepted("disk 2");
    CHECK_EQ(plan.disks, 1);
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
    CHECK(!may_accept);
    accepted = 1; // nobody can accept a guess
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
    inventory.disk[1].named = 1; // once it is asked for, it goes on where that attempt ended
    CHECK_EQ(make(2, &point), BF_OK);
    CHECK_EQ(plan.disk[1].known, 1);
}

static void test_a_set_is_its_disks(void)
{
    struct bf_digest first, second;
    setup();
    has(1 << 20, "A", "p0", 1);
    has(2 << 20, "C", "p2", 1);
    has(4 << 20, "D", "p3", 0);
    bf_disk_set_digest(&inventory, &first);
    setup();
    has(2 << 20, "C", "p2", 1);
    has(1 << 20, "A", "p0", 1);
    bf_disk_set_digest(&inventory, &second);
    CHECK(bf_digest_equal(&first, &second));
    inventory.disk[0].identity.serial[0] = 'X';
    bf_disk_set_digest(&inventory, &second);
    CHECK(!bf_digest_equal(&first, &second));
}

// The same three disks as the program's own drivers show them, and as the firmware does: of a
// virtio disk the firmware has no serial number, of an NVMe disk it may know the EUI-64 alone, and
// it may name the place in other words.
static void test_a_set_is_the_same_by_another_driver(void)
{
    struct bf_disk_identity native[3] = {identity(1 << 20, "A", "Pci(0x3,0x0)"),
                                         identity(2 << 20, "C", "NVMe(0x1)"),
                                         identity(4 << 20, "", "Sata(0x1)")};
    strcpy(native[1].wwn, "eui.5254000123456789");
    strcpy(native[1].model, "QEMU NVMe Ctrl");
    native[2].has_gpt = 1;
    native[2].gpt_guid[0] = 7;
    setup();
    has(4 << 20, "S4X9", "PciRoot(0x0)/Sata(0x1)", 1); // another path: its GPT says who it is
    inventory.disk[0].identity.has_gpt = 1;
    inventory.disk[0].identity.gpt_guid[0] = 7;
    has(1 << 20, "", "Pci(0x3,0x0)", 1); // no serial number: the same place
    has(2 << 20, "", "NVMe(0x1)/elsewhere", 1);
    strcpy(inventory.disk[2].identity.wwn, "eui.5254000123456789");
    has(16 << 20, "CD", "Cd", 0);
    CHECK(bf_disk_set_same(native, 3, &inventory));
    CHECK(!bf_disk_set_same(native, 2, &inventory)); // none besides
    inventory.disk[1].planned = 0;
    CHECK(!bf_disk_set_same(native, 3, &inventory)); // each
    inventory.disk[1].planned = 1;
    strcpy(inventory.disk[1].identity.serial, "B"); // another serial number in its place
    CHECK(!bf_disk_set_same(native, 3, &inventory));
    strcpy(inventory.disk[1].identity.serial, "A");
    CHECK(bf_disk_set_same(native, 3, &inventory));
    inventory.disk[0].identity.gpt_guid[0] = 8;
    CHECK(!bf_disk_set_same(native, 3, &inventory));
    inventory.disk[0].identity.gpt_guid[0] = 7;
    inventory.disk[2].identity.bytes <<= 1;
    CHECK(!bf_disk_set_same(native, 3, &inventory));
}

// Two that cannot be told apart are not guessed at.
static void test_a_set_with_twins(void)
{
    struct bf_disk_identity twins[2] = {identity(1 << 20, "A", "p0"), identity(1 << 20, "A", "p1")};
    setup();
    has(1 << 20, "A", "p0", 1);
    has(1 << 20, "A", "p1", 1);
    CHECK(!bf_disk_set_same(twins, 2, &inventory));
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
          TEST(test_a_grown_disk), TEST(test_a_larger_disk_without_a_name),
          TEST(test_a_smaller_disk), TEST(test_an_exchanged_disk), TEST(test_a_further_disk),
          TEST(test_a_further_disk_that_is_named), TEST(test_a_set_is_its_disks),
          TEST(test_a_set_is_the_same_by_another_driver), TEST(test_a_set_with_twins),
          TEST(test_a_missing_disk), TEST(test_a_disk_that_was_left_out),
          TEST(test_two_that_look_alike), TEST(test_without_a_point_disks_may_change),
          TEST(test_a_disk_of_an_attempt_that_failed), TEST(test_nothing_planned),
          TEST(test_what_was_learnt_is_kept))
