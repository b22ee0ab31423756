// SPDX-License-Identifier: Apache-2.0
// What the new machine is made of: inventories and plans, and what comes of them.
#include "replica/targets/machine.h"

#include "finalize/target/plan_parse.h"
#include "tests/unit/test.h"

static struct bf_tgt_machine m;
static struct bf_fault fault;
static struct bf_plan plan;
static struct bf_point point;

// A point of two disks.
static void make_point(void)
{
    memset(&point, 0, sizeof point);
    strcpy(point.machine, "web-1");
    point.number = 3;
    point.disks = 2;
    for (int i = 0; i < 2; i++) {
        point.disk[i].disk = (uint16_t)(i * 2);
        point.disk[i].bytes = 1u << 30;
        point.disk[i].identity.block_size = 512;
        snprintf(point.disk[i].identity.serial, BF_SERIAL_MAX, "WD-%d", i);
        snprintf(point.disk[i].identity.wwn, BF_WWN_MAX, "naa.5000c5000000000%d", i);
        snprintf(point.disk[i].identity.model, BF_MODEL_MAX, "WDC");
    }
}

#define HAD                                                                                        \
    "{\"firmware\": \"uefi\", \"secure_boot\": 0, \"processors\": 4, \"memory\": 4294967296,"      \
    "\"vendor\": \"Dell, Inc.\", \"product\": \"R640\", \"serial\": \"ABC\","                      \
    "\"uuid\": \"4c4c4544-0042-3010-8034-b5c04f4e3732\","                                          \
    "\"nics\": [{\"mac\": \"52:54:00:aa:bb:01\", \"name\": \"eno1\"},"                             \
    "{\"mac\": \"52:54:00:AA:BB:02\", \"name\": \"eno2\"}]}"
#define KIND(kind) "{\"version\": 1, \"target\": {\"kind\": \"" kind "\"}"
#define PLAN       KIND("qemu-virtio")

static enum bf_err fill(const char *inventory, const char *planned, int64_t test)
{
    json_t *had = inventory ? json_loads(inventory, 0, NULL) : NULL;
    struct bf_tgt_source source = {&point, had, &plan, test};
    enum bf_err err = bf_plan_parse(planned, strlen(planned), &plan, &fault);

    if (err)
        printf("# the test's plan: %s\n", fault.what);
    else
        err = bf_tgt_machine_fill(&source, &m, &fault);
    json_decref(had);
    return err;
}

static void test_as_the_source(void)
{
    make_point();
    CHECK_EQ(fill(HAD, PLAN "}", 0), BF_OK);
    CHECK_STR(m.name, "web-1");
    CHECK_EQ(m.processors, 4);
    CHECK_EQ(m.memory_mib, 4096);
    CHECK_STR(m.type, "q35");
    CHECK(m.uefi);
    CHECK(!m.secure_boot);
    CHECK(!m.isolated);
    CHECK_STR(m.disk_bus, "virtio-blk");
    CHECK_STR(m.nic_model, "virtio-net");
    CHECK_STR(m.vendor, "Dell, Inc.");
    CHECK_STR(m.uuid, "4c4c4544-0042-3010-8034-b5c04f4e3732");
    CHECK_EQ(m.disks, 2);
    CHECK_EQ(m.disk[1].number, 2);
    CHECK_STR(m.disk[1].serial, "WD-1");
    CHECK_STR(m.disk[1].wwn, "naa.5000c50000000001");
    CHECK_EQ(m.nics, 2);
    CHECK_STR(m.nic[1].mac, "52:54:00:aa:bb:02");
    CHECK_EQ(m.nic[0].addresses, 0);
    CHECK_STR(m.nic[0].network, "");
    CHECK_EQ(m.notes, 0);
}

static void test_as_the_plan(void)
{
    make_point();
    CHECK_EQ(fill(HAD,
                  "{\"version\": 1, \"target\": {\"kind\": \"kvm\", \"firmware\": \"bios\"},"
                  "\"machine\": {\"processors\": 2, \"memory\": 512, \"type\": \"pc\","
                  "\"disk_bus\": \"ahci\", \"nic_model\": \"e1000e\", \"identity\": \"new\","
                  "\"autostart\": true, \"networks\": {\"*\": \"none\", \"1\": \"bridge:br0\"}}}",
                  0),
             BF_OK);
    CHECK_EQ(m.processors, 2);
    CHECK_EQ(m.memory_mib, 512);
    CHECK_STR(m.type, "pc");
    CHECK(!m.uefi);
    CHECK_STR(m.disk_bus, "ahci");
    CHECK_STR(m.nic_model, "e1000e");
    CHECK_STR(m.vendor, "");
    CHECK_STR(m.uuid, "");
    CHECK(m.autostart);
    CHECK_STR(m.nic[0].network, "none");
    CHECK_STR(m.nic[1].network, "bridge:br0");
}

static void test_nics_of_the_plan(void)
{
    make_point();
    CHECK_EQ(fill(HAD,
                  PLAN ", \"nics\": ["
                       "{\"match\": {\"name\": \"eno2\"}, \"mac\": \"52:54:00:00:00:99\","
                       "\"addresses\": [\"192.0.2.5/24\", \"2001:db8::5/64\"],"
                       "\"gateway\": [\"192.0.2.1\", \"fe80::1\"]},"
                       "{\"match\": {\"address\": \"10.0.0.1\"}, \"dhcp\": true}]}",
                  7),
             BF_OK);
    CHECK_STR(m.name, "web-1-test-7");
    CHECK(m.isolated);
    CHECK_STR(m.nic[1].mac, "52:54:00:00:00:99");
    CHECK_EQ(m.nic[1].addresses, 2);
    CHECK_STR(m.nic[1].address[1], "2001:db8::5/64");
    CHECK_STR(m.nic[1].gateway4, "192.0.2.1");
    CHECK_STR(m.nic[1].gateway6, "fe80::1");
    CHECK_STR(m.nic[0].mac, "52:54:00:aa:bb:01"); // the only one that is left
    CHECK(m.nic[0].dhcp);
    CHECK_EQ(m.notes, 0);
}

static void test_an_entry_of_no_nic_is_told(void)
{
    make_point();
    CHECK_EQ(fill(HAD,
                  PLAN ", \"nics\": [{\"match\": {\"name\": \"bond0\"},"
                       "\"addresses\": [\"192.0.2.5/24\"]}]}",
                  0),
             BF_OK);
    CHECK_EQ(m.nic[0].addresses + m.nic[1].addresses, 0);
    CHECK_EQ(m.notes, 1);
    CHECK(strstr(m.note[0], "bond0"));
}

static void test_without_an_inventory(void)
{
    make_point();
    CHECK_EQ(fill(NULL, PLAN "}", 0), BF_ERR_CONFIG);
    CHECK(strstr(fault.todo, "\"firmware\""));
    CHECK_EQ(fill(NULL,
                  "{\"version\": 1, \"target\": {\"kind\": \"generic\", \"firmware\": \"uefi\"},"
                  "\"nics\": [{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"dhcp\": true}]}",
                  0),
             BF_OK);
    CHECK_EQ(m.processors, 1);
    CHECK_EQ(m.memory_mib, 2048);
    CHECK_EQ(m.nics, 1);
    CHECK_STR(m.nic[0].mac, "52:54:00:00:00:01");
    CHECK(m.nic[0].dhcp);
    CHECK_EQ(m.notes, 3);
}

static void test_memory_is_enough_and_whole(void)
{
    static const struct {
        const char *had;
        uint64_t mib;
    } rows[] = {
        {"{\"firmware\": \"bios\", \"memory\": 1}", 256},
        {"{\"firmware\": \"bios\", \"memory\": 268435457}", 384},
        {"{\"firmware\": \"bios\", \"memory\": 2084569088}", 2048}, // a Linux with 2 GiB says this
        {"{\"firmware\": \"bios\", \"memory\": -5}", 2048},
        {"{\"firmware\": \"bios\", \"memory\": \"much\"}", 2048},
    };

    make_point();
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        CHECK_EQ(fill(rows[i].had, PLAN "}", 0), BF_OK);
        CHECK_EQ(m.memory_mib, rows[i].mib);
    }
}

static void test_disk_buses_of_kinds(void)
{
    static const struct {
        const char *plan, *bus;
    } rows[] = {
        {KIND("qemu-virtio") "}", "virtio-blk"},
        {KIND("kvm") "}", "virtio-blk"},
        {KIND("generic") "}", "virtio-blk"},
        {KIND("gcp") "}", "virtio-scsi"},
        {KIND("vmware") "}", "nvme"},
        {KIND("metal") "}", "nvme"},
        {KIND("kvm") ", \"machine\": {\"disk_bus\": \"nvme\"}}", "nvme"},
        {KIND("hyperv") "}", NULL},
        {KIND("qemu-virtio") ", \"machine\": {\"disk_bus\": \"ahci\"}}", NULL},
        {KIND("gcp") ", \"machine\": {\"disk_bus\": \"virtio-blk\"}}", NULL},
    };

    make_point();
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        enum bf_err err = fill(HAD, rows[i].plan, 0);
        CHECK_EQ(err, rows[i].bus ? BF_OK : BF_ERR_CONFIG);
        if (rows[i].bus)
            CHECK_STR(m.disk_bus, rows[i].bus);
        else
            CHECK(fault.todo[0]);
    }
}

static void test_blocks_of_4096(void)
{
    make_point();
    point.disk[1].identity.block_size = 4096;
    CHECK_EQ(fill(HAD, KIND("kvm") "}", 0), BF_OK);
    CHECK_EQ(m.disk[1].block_size, 4096);
    CHECK_EQ(fill(HAD, KIND("kvm") ", \"machine\": {\"disk_bus\": \"ahci\"}}", 0), BF_ERR_CONFIG);
    point.disk[1].identity.block_size = 520;
    CHECK_EQ(fill(HAD, KIND("kvm") "}", 0), BF_ERR_UNSUPPORTED);
}

static void test_secure_boot(void)
{
    static const char had[] = "{\"firmware\": \"uefi\", \"secure_boot\": 1, \"processors\": 1,"
                              "\"memory\": 1073741824, \"nics\": [{\"mac\": "
                              "\"52:54:00:aa:bb:01\"}]}";

    make_point();
    CHECK_EQ(fill(had, PLAN "}", 0), BF_OK);
    CHECK(!m.secure_boot);
    CHECK_EQ(m.notes, 1);
    CHECK_EQ(fill(had,
                  "{\"version\": 1, \"target\": {\"kind\": \"kvm\", \"secure_boot\": true},"
                  "\"machine\": {\"type\": \"pc\"}}",
                  0),
             BF_ERR_CONFIG);
    CHECK_EQ(
        fill(had, "{\"version\": 1, \"target\": {\"kind\": \"kvm\", \"secure_boot\": true}}", 0),
        BF_OK);
    CHECK(m.secure_boot);
}

// The inventory comes from a source.
static void test_hostile_inventories(void)
{
    static const char *const odd[] = {
        "{\"firmware\": \"uefi\", \"processors\": 99999, \"vendor\": \"\\u0001x\\n\"}",
        "{\"firmware\": \"uefi\", \"uuid\": \"x\"}",
        "{\"firmware\": \"uefi\", \"nics\": {}, \"vendor\": 5, \"memory\": 9e99}",
        "{\"firmware\": \"uefi\", \"uuid\": \"4c4c4544-0042-3010-8034-b5c04f4e37320\"}",
    };
    char many[4096] = "{\"firmware\": \"uefi\", \"nics\": [";

    make_point();
    for (size_t i = 0; i < BF_COUNT(odd); i++) {
        CHECK_EQ(fill(odd[i], PLAN "}", 0), BF_OK);
        CHECK(m.processors >= 1 && m.processors <= 255);
        CHECK(!strpbrk(m.vendor, "\n\1"));
        CHECK_STR(m.uuid, "");
    }
    for (int i = 0; i < 33; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many),
                 "%s{\"mac\": \"52:54:00:00:00:%02x\"}", i ? "," : "", i);
    strcat(many, "]}");
    CHECK_EQ(fill(many, PLAN "}", 0), BF_ERR_LIMIT);
    CHECK_EQ(fill("{\"firmware\": \"uefi\", \"nics\": [{\"mac\": \"00,id=x\"}]}", PLAN "}", 0),
             BF_ERR_CONFIG);
}

static void test_no_address_twice(void)
{
    make_point();
    CHECK_EQ(fill(HAD,
                  PLAN ", \"nics\": [{\"match\": {\"name\": \"eno1\"},"
                       "\"mac\": \"52:54:00:aa:bb:02\"}]}",
                  0),
             BF_ERR_CONFIG);
    CHECK(strstr(fault.what, "52:54:00:aa:bb:02"));
}

static void test_too_many_disks_and_long_names(void)
{
    make_point();
    point.disks = BF_TGT_DISKS + 1;
    CHECK_EQ(fill(HAD, PLAN "}", 0), BF_ERR_LIMIT);
    make_point();
    memset(point.machine, 'x', BF_NAME_MAX - 1);
    point.machine[BF_NAME_MAX - 1] = 0;
    CHECK_EQ(fill(HAD, PLAN "}", 0), BF_OK);
    CHECK_EQ(fill(HAD, PLAN "}", 1), BF_ERR_LIMIT);
}

TEST_MAIN(TEST(test_as_the_source), TEST(test_as_the_plan), TEST(test_nics_of_the_plan),
          TEST(test_an_entry_of_no_nic_is_told), TEST(test_without_an_inventory),
          TEST(test_memory_is_enough_and_whole), TEST(test_disk_buses_of_kinds),
          TEST(test_blocks_of_4096), TEST(test_secure_boot), TEST(test_hostile_inventories),
          TEST(test_no_address_twice), TEST(test_too_many_disks_and_long_names))
