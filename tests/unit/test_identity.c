// SPDX-License-Identifier: Apache-2.0
// Disk identity: the rule of matching, selectors, GUIDs, bytes on the wire; and what disks answer
// when they are asked who they are; and the choice of disks by disk=.
#include "base/bytes.h"
#include "drivers/identify.h"
#include "drivers/tcg.h"
#include "image/block.h"
#include "image/identity.h"
#include "migrate/disk_plan.h"
#include "tests/unit/test.h"

static const struct bf_disk_identity base = {.bytes = 1 << 30,
                                             .block_size = 512,
                                             .wwn = "naa.5000c50012345678",
                                             .serial = "S1",
                                             .model = "M1",
                                             .has_gpt = 1,
                                             .gpt_guid = {1, 2, 3},
                                             .path = "PciRoot(0x0)/Pci(0x1,0x1)"};

static enum bf_identity_match compare(const struct bf_disk_identity *b, const char *because)
{
    char reason[128];
    enum bf_identity_match match = bf_identity_compare(&base, b, reason, sizeof reason);
    if (!strstr(reason, because))
        FAIL("the reason is \"%s\", not \"%s\"", reason, because);
    CHECK_EQ(bf_identity_compare(b, &base, NULL, 0), match); // the rule is symmetric
    return match;
}

static void rule(void)
{
    struct bf_disk_identity b = base;
    CHECK_EQ(compare(&b, "WWN"), BF_ID_SAME);
    b.bytes++;
    CHECK_EQ(compare(&b, "sizes"), BF_ID_DIFFERENT);
    b = base;
    b.block_size = 4096;
    CHECK_EQ(compare(&b, "block sizes"), BF_ID_DIFFERENT);
    b = base;
    b.wwn[5] = '6'; // the WWN decides although all else is equal
    CHECK_EQ(compare(&b, "WWN"), BF_ID_DIFFERENT);
    b = base;
    b.wwn[0] = 0;
    strcpy(b.path, "elsewhere");
    b.gpt_guid[0]++;
    CHECK_EQ(compare(&b, "serial"), BF_ID_SAME);
    strcpy(b.model, "M2");
    CHECK_EQ(compare(&b, "models"), BF_ID_DIFFERENT);
    b.model[0] = 0;
    CHECK_EQ(compare(&b, "serial"), BF_ID_SAME);
    strcpy(b.serial, "S2");
    CHECK_EQ(compare(&b, "serial"), BF_ID_DIFFERENT);
    b.serial[0] = 0;
    CHECK_EQ(compare(&b, "GUIDs differ"), BF_ID_DIFFERENT);
    b.gpt_guid[0]--;
    CHECK_EQ(compare(&b, "paths differ"), BF_ID_SAME_MOVED);
    strcpy(b.path, base.path);
    CHECK_EQ(compare(&b, "GUIDs are equal"), BF_ID_SAME);
    b.has_gpt = 0;
    CHECK_EQ(compare(&b, "paths are equal"), BF_ID_SAME);
    strcpy(b.path, "elsewhere");
    CHECK_EQ(compare(&b, "no common attribute"), BF_ID_DIFFERENT);
    b.path[0] = 0;
    CHECK_EQ(compare(&b, "no attribute in common"), BF_ID_DIFFERENT);
}

// U-Boot numbers what it finds: such a path is no attribute.
static void numbers(void)
{
    static const char root[] = "/VenHw(e61d73b9-a384-4acc-aeab-82e828f3628b)";
    struct bf_disk_identity a = {.bytes = 1 << 30, .block_size = 512}, b;
    char reason[128];
    snprintf(a.path, sizeof a.path, "%s/VenHw(63293792-adf5-9325-b99f-4e0e455c1b1e,00)", root);
    CHECK(bf_path_is_numbers(a.path));
    CHECK(bf_path_is_numbers("VenHw(E61D73B9-A384-4ACC-AEAB-82E828F3628B)/SD(0)"));
    CHECK(bf_path_is_numbers("01041400b9731de684a3cc4aaeab82e828f3628b7fff0400"));
    CHECK(!bf_path_is_numbers(base.path));
    CHECK(!bf_path_is_numbers("VenHw(9B17E5A2-0891-42DD-B653-80B5C22809BA,AA)/Scsi(0x0,0x0)"));
    CHECK(!bf_path_is_numbers(""));
    b = a;
    CHECK_EQ(bf_identity_compare(&a, &b, reason, sizeof reason), BF_ID_DIFFERENT);
    CHECK(strstr(reason, "the paths name no place"));
    strcpy(a.path, root);
    CHECK(!bf_selector_fits("path:/VenHw(e61d73b9-a384-4acc-aeab-82e828f3628b)", &a));
    a.has_gpt = b.has_gpt = 1; // a path that says nothing does not say that it moved either
    snprintf(b.path, sizeof b.path, "%s/VenHw(63293792-adf5-9325-b99f-4e0e455c1b1e,01)", root);
    CHECK_EQ(bf_identity_compare(&a, &b, NULL, 0), BF_ID_SAME);
    strcpy(b.path, base.path);
    CHECK_EQ(bf_identity_compare(&a, &b, NULL, 0), BF_ID_SAME);
}

static void selectors(void)
{
    static const struct {
        const char *selector;
        int fits; // -1: refused
    } cases[] = {
        {"S1", 1},
        {"s1", 0},
        {"serial:S1", 1},
        {"serial:S1,size:1G", 1},
        {"serial:S1,size:2G", 0},
        {"size:1024M", 1},
        {"size:1073741824", 1},
        {"NAA.5000C50012345678", 1},
        {"wwn:S1", 0},
        {"gpt:00030201-0000-0000-0000-000000000000", 1},
        {"00030201-0000-0000-0000-000000000000", 1},
        {"gpt:00030202-0000-0000-0000-000000000000", 0},
        {"gpt:xyz", -1},
        {"path:PciRoot(0x0)/Pci(0x1,0x1)", 1},
        {"path:PciRoot(0x0)/Pci(0x1,0x1),serial:S1", 1},
        {"path:PciRoot(0x0)/Pci(0x1,0x2)", 0},
        {"", -1},
        {"serial:", -1},
        {"S1,", -1},
        {",S1", -1},
        {"size:", -1},
        {"size:1Q", -1},
        {"vendor:x", -1},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        char reason[96];
        int checked = bf_selector_check(cases[i].selector, reason, sizeof reason) == BF_OK;
        int fits = bf_selector_fits(cases[i].selector, &base);
        if (checked != (cases[i].fits >= 0) || fits != (cases[i].fits > 0))
            FAIL("\"%s\": checked %d, fits %d", cases[i].selector, checked, fits);
    }
    struct bf_disk_identity unknown = {.bytes = 1 << 30, .block_size = 512};
    CHECK(!bf_selector_fits("path:x", &unknown));
    CHECK(bf_selector_fits("size:1G", &unknown));
}

static void wire(void)
{
    uint8_t bytes[1024];
    struct bf_disk_identity back;
    struct bf_writer w;
    struct bf_reader r;
    bf_writer_init(&w, bytes, sizeof bytes);
    bf_identity_put(&w, &base);
    CHECK(bf_writer_ok(&w));
    bf_reader_init(&r, bytes, bf_writer_len(&w));
    bf_identity_get(&r, &back);
    CHECK(bf_reader_done(&r));
    CHECK_MEM(&back, &base, sizeof base);
    bf_reader_init(&r, bytes, bf_writer_len(&w) - 1);
    bf_identity_get(&r, &back);
    CHECK(!bf_reader_ok(&r));
    bytes[8] = 3; // a block size of 515
    bf_reader_init(&r, bytes, bf_writer_len(&w));
    bf_identity_get(&r, &back);
    CHECK(!bf_reader_ok(&r));
}

static void text(void)
{
    struct bf_disk_identity id = base;
    char line[128];
    bf_identity_text(line, sizeof line, &id);
    CHECK_STR(line, "M1, S1, 1.0 GiB");
    id.serial[0] = id.wwn[0] = id.model[0] = 0;
    bf_identity_text(line, sizeof line, &id);
    CHECK_STR(line, "00030201-0000-0000-0000-000000000000, 1.0 GiB");
}

// ---- What disks answer -------------------------------------------------------------------------

static void put_ata_text(uint8_t *data, size_t word, size_t words, const char *value)
{
    for (size_t i = 0; i < 2 * words; i++)
        data[2 * word + (i ^ 1)] = (uint8_t)(i < strlen(value) ? value[i] : ' ');
}

static void ata(void)
{
    struct bf_disk_identity id = {0};
    uint8_t data[512] = {0};
    static const uint8_t wwn[8] = {0x00, 0x50, 0x00, 0xc5, 0x34, 0x12, 0x78, 0x56};
    put_ata_text(data, 10, 10, "    WD-1234");
    put_ata_text(data, 27, 20, "WDC WD40");
    memcpy(data + 216, wwn, sizeof wwn);
    bf_identify_ata(data, 511, &id);
    CHECK_STR(id.serial, "");
    bf_identify_ata(data, 512, &id);
    CHECK_STR(id.serial, "WD-1234");
    CHECK_STR(id.model, "WDC WD40");
    CHECK_STR(id.wwn, ""); // word 87 does not say that there is one
    data[175] = 0x41;
    bf_identify_ata(data, 512, &id);
    CHECK_STR(id.wwn, "naa.5000c50012345678");
    memset(&id, 0, sizeof id);
    data[21] = 7;
    bf_identify_ata(data, 512, &id);
    CHECK_STR(id.serial, ""); // a control character: not used at all
}

static void scsi(void)
{
    struct bf_disk_identity id = {0};
    uint8_t inquiry[36] = {0};
    static const uint8_t serial[] = {0, 0x80, 0, 6, ' ', 'A', 'B', 'C', ' ', ' '};
    static const uint8_t devices[] = {
        0, 0x83, 0, 40, 2,    1, 0,    4, 'Q',  'E',  'M',  'U',   // T10, ASCII
        1, 0x13, 0, 8,  9,    9, 9,    9, 9,    9,    9,    9,     // NAA of the port
        1, 2,    0, 8,  1,    2, 3,    4, 5,    6,    7,    8,     // EUI-64
        1, 3,    0, 8,  0x50, 0, 0xc5, 0, 0x12, 0x34, 0x56, 0x78}; // NAA of the unit
    memcpy(inquiry + 8, "QEMU    QEMU HARDDISK   ", 24);
    bf_identify_inquiry(inquiry, 31, &id);
    CHECK_STR(id.model, "");
    bf_identify_inquiry(inquiry, sizeof inquiry, &id);
    CHECK_STR(id.model, "QEMU QEMU HARDDISK");
    bf_identify_vpd_serial(devices, sizeof devices, &id);
    CHECK_STR(id.serial, "");
    bf_identify_vpd_serial(serial, sizeof serial, &id);
    CHECK_STR(id.serial, "ABC");
    struct bf_disk_identity cut = {0};
    bf_identify_vpd_devices(devices, sizeof devices - 1, &cut);
    CHECK_STR(cut.wwn, "eui.0102030405060708");
    bf_identify_vpd_devices(devices, sizeof devices, &id);
    CHECK_STR(id.wwn, "eui.0102030405060708"); // the page's length leaves the last one out
    uint8_t whole[sizeof devices];
    memcpy(whole, devices, sizeof devices);
    whole[3] = sizeof devices - 4;
    memset(&id, 0, sizeof id);
    bf_identify_vpd_devices(whole, sizeof whole, &id);
    CHECK_STR(id.wwn, "naa.5000c50012345678");
}

static void nvme(void)
{
    struct bf_disk_identity id = {0};
    static uint8_t data[4096];
    memcpy(data + 4, "nvme-serial         model of it", 31);
    bf_identify_nvme_controller(data, sizeof data, &id);
    CHECK_STR(id.serial, "nvme-serial");
    CHECK_STR(id.model, "model of it");
    memset(data, 0, sizeof data);
    bf_identify_nvme_namespace(data, sizeof data, &id);
    CHECK_STR(id.wwn, "");
    memcpy(data + 120, "\x00\x25\x38\x01\x02\x03\x04\x05", 8);
    bf_identify_nvme_namespace(data, 127, &id);
    CHECK_STR(id.wwn, "");
    bf_identify_nvme_namespace(data, sizeof data, &id);
    CHECK_STR(id.wwn, "eui.0025380102030405");
    memset(id.wwn, 0, sizeof id.wwn);
    data[104] = 0xee;
    bf_identify_nvme_namespace(data, sizeof data, &id);
    CHECK_STR(id.wwn, "eui.ee000000000000000000000000000000");
}

// ---- disk= -------------------------------------------------------------------------------------

static struct bf_inventory inventory;
static struct bf_config config;
static struct bf_fault fault;

static void four_disks(void)
{
    memset(&inventory, 0, sizeof inventory);
    inventory.disks = 4;
    for (int i = 0; i < 4; i++) {
        inventory.disk[i].identity = (struct bf_disk_identity){.bytes = 1 << 30, .block_size = 512};
        snprintf(inventory.disk[i].identity.serial, BF_SERIAL_MAX, "S%d", i);
    }
    strcpy(inventory.disk[2].why, "removable; name it with disk= to migrate it");
    strcpy(inventory.disk[3].why, "Bootferry was started from it");
}

static enum bf_err apply(const char *a, const char *b)
{
    four_disks();
    bf_config_defaults(&config);
    if (a)
        strcpy(config.disk[config.disks++], a);
    if (b)
        strcpy(config.disk[config.disks++], b);
    return bf_disk_plan_apply(&config, &inventory, &fault);
}

static uint32_t planned(void)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < inventory.disks; i++) {
        mask |= (uint32_t)inventory.disk[i].planned << i;
        CHECK_EQ(inventory.disk[i].planned, inventory.disk[i].why[0] == 0); // one or the other
    }
    return mask;
}

static uint32_t named(void)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < inventory.disks; i++)
        mask |= (uint32_t)inventory.disk[i].named << i;
    return mask;
}

static void plan(void)
{
    CHECK_EQ(apply(NULL, NULL), BF_OK);
    CHECK_EQ(planned(), 3);
    CHECK_EQ(named(), 0);
    CHECK_EQ(apply("all", NULL), BF_OK);
    CHECK_EQ(planned(), 3);
    CHECK_EQ(named(), 3);
    CHECK_EQ(apply("serial:S1", NULL), BF_OK);
    CHECK_EQ(planned(), 2);
    CHECK_EQ(named(), 2);
    CHECK_STR(inventory.disk[0].why, "not named by disk=");
    CHECK_EQ(apply("S2", "S0"), BF_OK);
    CHECK_EQ(planned(), 5);
    CHECK_EQ(apply("S3", NULL), BF_ERR_MISMATCH);
    CHECK(strstr(fault.what, "started from it"));
    CHECK_EQ(apply("S9", NULL), BF_ERR_MISMATCH);
    CHECK(strstr(fault.what, "matches 0 of"));
    CHECK_EQ(apply("size:1G", NULL), BF_ERR_MISMATCH);
    CHECK(strstr(fault.what, "matches 3 of this machine's 3 disks")); // the boot medium is none
    CHECK_EQ(apply("gpt:1", NULL), BF_ERR_CONFIG);
    four_disks();
    strcpy(inventory.disk[1].identity.serial, "S0");
    strcpy(inventory.disk[1].why, BF_SECOND_WAY);
    bf_config_defaults(&config);
    strcpy(config.disk[config.disks++], "S0");
    CHECK_EQ(bf_disk_plan_apply(&config, &inventory, &fault), BF_OK);
    CHECK_EQ(planned(), 1);
    four_disks();
    inventory.disks = 0;
    bf_config_defaults(&config);
    CHECK_EQ(bf_disk_plan_apply(&config, &inventory, &fault), BF_ERR_NOT_FOUND);
}

// Two of one controller that have no name of their own.
static void nvme_without_a_name(void)
{
    struct bf_disk_identity one = {.bytes = 1 << 20, .block_size = 512}, two, before;
    memcpy(one.serial, "NVM", 4);
    before = two = one;
    bf_identify_nvme_number(1, &one);
    bf_identify_nvme_number(2, &two);
    CHECK_STR(one.wwn, "nvme.NVM-1");
    CHECK_EQ(bf_identity_compare(&one, &two, NULL, 0), BF_ID_DIFFERENT);
    // One that was known before it was named is the same.
    CHECK_EQ(bf_identity_compare(&before, &one, NULL, 0), BF_ID_SAME);
    memcpy(two.wwn, "eui.1", 6);
    bf_identify_nvme_number(2, &two);
    CHECK_STR(two.wwn, "eui.1");
    memset(before.serial, 0, sizeof before.serial);
    bf_identify_nvme_number(1, &before);
    CHECK_STR(before.wwn, "");
    memset(before.serial, 'x', sizeof before.serial - 1);
    bf_identify_nvme_number(UINT32_MAX, &before);
    CHECK_STR(before.wwn, "");
}

// Level 0 Discovery, as Opal drives answer it.
static void tcg(void)
{
    uint8_t data[512] = {0, 0, 0, 72};
    memcpy(data + 48, "\0\1\x10\4\1\0\0\0", 8); // TPer
    memcpy(data + 56, "\0\2\x10\x0c\x1b", 5);   // locking: supported, enabled, MBR
    CHECK_EQ(bf_tcg_notes(data, sizeof data), BF_DISK_SHADOWED);
    data[60] = 0x3f; // locked, the shadow was left
    CHECK_EQ(bf_tcg_notes(data, sizeof data), BF_DISK_LOCKED);
    data[60] = 0x0b;
    CHECK_EQ(bf_tcg_notes(data, sizeof data), 0);
    data[60] = 0x1f;
    data[3] = 51; // ends before the locking feature
    CHECK_EQ(bf_tcg_notes(data, sizeof data), 0);
    data[3] = 60; // ends within it
    CHECK_EQ(bf_tcg_notes(data, sizeof data), 0);
    memset(data, 0xff, 4);
    CHECK_EQ(bf_tcg_notes(data, sizeof data), BF_DISK_LOCKED | BF_DISK_SHADOWED);
    CHECK_EQ(bf_tcg_notes(data, 60), 0);
    CHECK_EQ(bf_tcg_notes(data, 47), 0);
}

TEST_MAIN(TEST(numbers), TEST(rule), TEST(selectors), TEST(wire), TEST(text), TEST(ata), TEST(scsi),
          TEST(nvme), TEST(nvme_without_a_name), TEST(tcg), TEST(plan))
