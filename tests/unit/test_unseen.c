// SPDX-License-Identifier: Apache-2.0
// What no disk came from: which classes of controllers may have disks, which of them stop a run
// under each unseen=, that the list loses nothing silently, and what a person reads.
#include "base/bytes.h"
#include "migrate/disk_plan.h"
#include "migrate/unseen.h"
#include "tests/unit/test.h"

static struct bf_inventory inventory;
static struct bf_config config;
static struct bf_fault fault;

static void begin(void)
{
    memset(&inventory, 0, sizeof inventory);
    bf_config_defaults(&config);
    strcpy(config.name, "web-1");
}

static struct bf_unseen controller(uint32_t class_code, int asked)
{
    struct bf_unseen u = {.kind = BF_UNSEEN_CONTROLLER, .asked = (uint8_t)asked, .vendor = 0x1000};
    const char *name = bf_unseen_class(0x1000, 0, class_code);
    u.device = (uint16_t)(class_code >> 8);
    for (int i = 0; i < 3; i++)
        u.class_code[i] = (uint8_t)(class_code >> (16 - 8 * i));
    snprintf(u.what, sizeof u.what, "%s", name ? name : "nothing");
    snprintf(u.slot, sizeof u.slot, "0000:00:05.0");
    snprintf(u.why, sizeof u.why, "%s", asked ? "no disk on it" : "no driver serves it");
    return u;
}

static struct bf_unseen unit(uint32_t class_code, int partly)
{
    struct bf_unseen u = controller(class_code, partly);
    u.kind = BF_UNSEEN_UNIT;
    u.vendor = u.device = 0;
    snprintf(u.what, sizeof u.what, "NVMe namespace 2");
    snprintf(u.why, sizeof u.why, "another command set");
    return u;
}

static void classes(void)
{
    static const struct {
        uint32_t code;
        const char *name;
    } cases[] = {
        {0x010000, "SCSI controller"},
        {0x010400, "RAID controller"},
        {0x010700, "SAS controller"},
        {0x010601, "SATA controller"},
        {0x010802, "NVMe controller"},
        {0x010185, "IDE controller"},
        {0x018000, "storage controller"},
        {0x080501, "SD controller"},
        {0x0c0330, "USB controller"},
        {0x0c0400, "Fibre Channel controller"},
        {0x0c0340, NULL}, // USB4
        {0x0c03fe, NULL}, // a device, not a host
        {0x020000, NULL},
        {0x080600, NULL},
        {0x000100, NULL},
        {0xffffff, NULL},
        {0, NULL},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        const char *name = bf_unseen_class(0x1000, 0, cases[i].code);
        if (!name != !cases[i].name || (name && strcmp(name, cases[i].name) != 0))
            FAIL("class %06x is a %s", cases[i].code, name ? name : "(nothing)");
    }
}

// A folder of the host that calls itself mass storage.
static void no_disk_behind(void)
{
    CHECK(!bf_unseen_class(0x1af4, 0x105a, 0x018000));
    CHECK(bf_unseen_class(0x1af4, 0x1042, 0x010000));
}

static enum bf_err with(enum bf_unseen_policy policy, struct bf_unseen entry)
{
    begin();
    config.unseen = policy;
    bf_unseen_add(&inventory, &entry);
    return bf_unseen_check(&config, &inventory, &fault);
}

// What nobody could ask stops, by class; what was asked never does.
static void decision(void)
{
    static const struct {
        uint32_t code;
        int stops; // with unseen=auto
    } cases[] = {{0x010000, 1}, {0x010101, 0}, {0x010200, 0}, {0x010400, 1},
                 {0x010601, 1}, {0x010700, 1}, {0x010802, 1}, {0x018000, 1},
                 {0x080501, 0}, {0x0c0330, 0}, {0x0c0400, 1}};
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        uint32_t code = cases[i].code;
        CHECK_EQ(with(BF_UNSEEN_AUTO, controller(code, 0)) != BF_OK, cases[i].stops);
        CHECK_EQ(with(BF_UNSEEN_STOP, controller(code, 0)), BF_ERR_UNSUPPORTED);
        CHECK_EQ(with(BF_UNSEEN_WARN, controller(code, 0)), BF_OK);
        CHECK_EQ(with(BF_UNSEEN_AUTO, controller(code, 1)), BF_OK);
        CHECK_EQ(with(BF_UNSEEN_STOP, controller(code, 1)), BF_OK);
    }
    CHECK_EQ(with(BF_UNSEEN_AUTO, unit(0x010802, 0)), BF_ERR_UNSUPPORTED);
    CHECK_EQ(with(BF_UNSEEN_AUTO, unit(0, 0)), BF_ERR_UNSUPPORTED);
    CHECK_EQ(with(BF_UNSEEN_AUTO, unit(0x010802, 1)), BF_OK); // read in part: it is among the disks
    CHECK_EQ(with(BF_UNSEEN_STOP, unit(0x010802, 1)), BF_ERR_UNSUPPORTED);
    CHECK_EQ(with(BF_UNSEEN_AUTO, unit(0x0c0330, 0)), BF_OK); // by USB it may be anything
    CHECK_EQ(with(BF_UNSEEN_STOP, unit(0x0c0330, 0)), BF_ERR_UNSUPPORTED);
    CHECK_EQ(with(BF_UNSEEN_WARN, unit(0, 0)), BF_OK);
    begin();
    CHECK_EQ(bf_unseen_check(&config, &inventory, &fault), BF_OK);
}

static void words(void)
{
    CHECK_EQ(with(BF_UNSEEN_AUTO, controller(0x010400, 0)), BF_ERR_UNSUPPORTED);
    CHECK_EQ(fault.side, BF_SIDE_SOURCE);
    CHECK_STR(fault.what, "no driver serves the RAID controller 1000:0104 at 0000:00:05.0, so its "
                          "disks, if it has any, would be missing");
    CHECK(strstr(fault.todo, "`bootferry media web-1 ... --set unseen=warn`"));
    struct bf_unseen more = controller(0x010700, 0), asked = controller(0x010700, 1);
    bf_unseen_add(&inventory, &asked);
    bf_unseen_add(&inventory, &more);
    CHECK_EQ(bf_unseen_check(&config, &inventory, &fault), BF_ERR_UNSUPPORTED);
    CHECK(strstr(fault.what, "RAID controller 1000:0104 at 0000:00:05.0"));
    CHECK(strstr(fault.what, "; and 1 more"));
    CHECK_EQ(with(BF_UNSEEN_AUTO, unit(0, 0)), BF_ERR_UNSUPPORTED);
    CHECK_STR(fault.what, "NVMe namespace 2 at 0000:00:05.0 cannot be read: another command set");
    memset(config.name, 'n', sizeof config.name - 1);
    with(BF_UNSEEN_AUTO, controller(0x0c0400, 0));
    CHECK(strstr(fault.todo, "unseen=warn`")); // the end of the longest one is not cut off
}

// The unknown come first, and where there is no room, the others go first.
static void list(void)
{
    struct bf_unseen asked = controller(0x0c0330, 1), unknown = controller(0x010400, 0);
    char text[192];
    begin();
    bf_unseen_list(text, sizeof text, &inventory);
    CHECK_STR(text, "");
    for (int i = 0; i < 3; i++) {
        bf_unseen_add(&inventory, &asked);
        bf_unseen_add(&inventory, &unknown);
    }
    CHECK_EQ(inventory.unseens, 6);
    CHECK_EQ(bf_unseen_unknown(&inventory), 3);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(inventory.unseen[i].asked, i >= 3);
    bf_unseen_list(text, sizeof text, &inventory);
    CHECK_STR(text, "RAID controller 1000:0104 at 0000:00:05.0, RAID controller 1000:0104 at "
                    "0000:00:05.0, RAID controller 1000:0104 at 0000:00:05.0");
    bf_unseen_list(text, 64, &inventory);
    CHECK_STR(text, "RAID controller 1000:0104 at 0000:00:05.0, and 2 more");
    bf_unseen_list(text, 24, &inventory);
    CHECK_STR(text, "3 of them");
    for (int i = 0; i < 200; i++)
        bf_unseen_add(&inventory, i % 2 ? &asked : &unknown);
    CHECK_EQ(inventory.unseens, BF_UNSEEN_MAX);
    CHECK_EQ(bf_unseen_unknown(&inventory), BF_UNSEEN_MAX);
    CHECK_STR(inventory.unseen[BF_UNSEEN_MAX - 1].what, "further controllers or disks");
}

// Nothing to migrate: it speaks of what cannot be seen, and not of the boot medium.
static void nothing_to_migrate(void)
{
    struct bf_unseen raid = controller(0x010400, 0);
    begin();
    inventory.disks = 2;
    strcpy(inventory.disk[0].why, BF_BOOT_MEDIUM);
    strcpy(inventory.disk[1].why, BF_OPTICAL_DRIVE);
    CHECK_EQ(bf_disk_plan_apply(&config, &inventory, &fault), BF_ERR_NOT_FOUND);
    CHECK_STR(fault.what, "no disk was found");
    bf_unseen_add(&inventory, &raid);
    CHECK_EQ(bf_disk_plan_apply(&config, &inventory, &fault), BF_ERR_NOT_FOUND);
    CHECK_STR(fault.what, "no disk was found; no driver serves: RAID "
                          "controller 1000:0104 at 0000:00:05.0");
    strcpy(inventory.disk[1].why, "removable; name it with disk= to migrate it");
    CHECK_EQ(bf_disk_plan_apply(&config, &inventory, &fault), BF_ERR_NOT_FOUND);
    CHECK(strstr(fault.what, "this machine's only disk may not be migrated; "));
}

TEST_MAIN(TEST(classes), TEST(no_disk_behind), TEST(decision), TEST(words), TEST(list),
          TEST(nothing_to_migrate))
