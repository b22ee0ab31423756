// SPDX-License-Identifier: Apache-2.0
// The plan's parser: what it accepts and means, and that everything else is refused with its place.
#include "finalize/target/plan_parse.h"

#include "base/bytes.h"
#include "tests/unit/test.h"

static struct bf_plan plan;
static struct bf_fault fault;

static bool parse(const char *json)
{
    return bf_plan_parse(json, strlen(json), &plan, &fault) == BF_OK;
}

#define HEAD "{\"version\": 1, \"target\": {\"kind\": \"qemu-virtio\"}"

static void test_smallest_plan(void)
{
    CHECK(parse(HEAD "}"));
    CHECK_STR(plan.target, "qemu-virtio");
    CHECK_EQ(plan.nics, 0);
    CHECK(!plan.discard_hibernation);
    CHECK(plan.efi_fallback);
    CHECK_EQ(plan.serial_console, BF_KEEP);
    CHECK(!plan.keep_agents);
    CHECK(!plan.new_identity);
}

static void test_everything(void)
{
    CHECK(parse("{\"version\": 1, \"target\": {\"kind\": \"generic\", \"firmware\": \"bios\"},"
                "\"hostname\": \"web.example.org\", \"root\": \"UUID=12-34\","
                "\"nics\": [{\"match\": {\"mac\": \"52:54:00:AB:00:01\", \"name\": \"ens3\"},"
                "\"mac\": \"52:54:00:ab:00:02\","
                "\"addresses\": [\"192.0.2.5/24\", \"2001:DB8::5/64\"],"
                "\"gateway\": [\"192.0.2.1\", \"fe80::1\"], \"dns\": [\"192.0.2.53\"],"
                "\"search\": [\"example.org\"]}],"
                "\"hibernation\": \"discard\", \"serial_console\": false, \"efi_fallback\": false,"
                "\"agents\": \"keep\", \"identity\": \"new\","
                "\"unlock\": [{\"uuid\": \"aa-bb\", \"passphrase\": \"p w\"}]}"));
    const struct bf_plan_nic *nic = &plan.nic[0];
    CHECK_STR(nic->mac, "52:54:00:ab:00:01");
    CHECK_STR(nic->name, "ens3");
    CHECK_STR(bf_nic_mac(nic), "52:54:00:ab:00:02");
    CHECK_EQ(nic->addresses, 2);
    CHECK_STR(bf_nic_address(nic, AF_INET6)->text, "2001:db8::5");
    CHECK_EQ(bf_nic_address(nic, AF_INET)->prefix, 24);
    CHECK_STR(nic->gateway4, "192.0.2.1");
    CHECK_STR(nic->gateway6, "fe80::1");
    CHECK_EQ(plan.serial_console, BF_OFF);
    CHECK(plan.discard_hibernation);
    CHECK(plan.keep_agents);
    CHECK(plan.new_identity);
    CHECK_EQ(plan.unlock[0].key_len, 3);
    CHECK(memcmp(plan.unlock[0].key, "p w", 3) == 0);
}

static void test_keys_and_mounts(void)
{
    CHECK(parse(HEAD ", \"unlock\": [{\"uuid\": \"a\", \"key\": \"AAH/\"},"
                     "{\"uuid\": \"b\", \"key_file\": \"/etc/keys/b\"}],"
                     "\"mounts\": {\"/boot\": \"UUID=1-2\"}, \"check\": \"full\"}"));
    CHECK_EQ(plan.unlock[0].key_len, 3);
    CHECK(memcmp(plan.unlock[0].key, "\0\1\xff", 3) == 0);
    CHECK_EQ(plan.unlock[1].key_len, 0);
    CHECK_STR(plan.unlock[1].key_file, "/etc/keys/b");
    CHECK_EQ(plan.mounts, 1);
    CHECK_STR(plan.mount[0].at, "/boot");
    CHECK_STR(plan.mount[0].device, "UUID=1-2");
    CHECK_EQ(plan.check, BF_CHECK_FULL);
}

static void test_machine(void)
{
    CHECK(parse(HEAD "}"));
    CHECK_EQ(plan.machine.processors, 0);
    CHECK_EQ(plan.machine.same, BF_KEEP);
    CHECK(parse(HEAD ", \"machine\": {\"processors\": 2, \"memory\": 4096, \"type\": \"pc\","
                     "\"disk_bus\": \"virtio-scsi\", \"nic_model\": \"e1000e\","
                     "\"identity\": \"new\", \"autostart\": true, \"networks\":"
                     "{\"52:54:00:AA:00:01\": \"bridge:br0\", \"1\": \"network:lab-1\","
                     "\"2\": \"none\", \"*\": \"user\"}}}"));
    CHECK_EQ(plan.machine.processors, 2);
    CHECK_EQ(plan.machine.memory_mib, 4096);
    CHECK_STR(plan.machine.type, "pc");
    CHECK_STR(plan.machine.disk_bus, "virtio-scsi");
    CHECK_STR(plan.machine.nic_model, "e1000e");
    CHECK_EQ(plan.machine.same, BF_OFF);
    CHECK(plan.machine.autostart);
    CHECK_EQ(plan.machine.networks, 4);
    CHECK_STR(plan.machine.network[0].nic, "52:54:00:aa:00:01");
    CHECK_STR(plan.machine.network[0].to, "bridge:br0");
    CHECK_STR(plan.machine.network[1].to, "network:lab-1");
    CHECK_STR(plan.machine.network[3].nic, "*");
}

// What is refused of "machine": its members, and where the fault says it is.
static void test_refuses_machine(void)
{
    static const struct {
        const char *member, *message;
    } bad[] = {
        {"\"cpus\": 2", "plan: machine: has an unknown key"},
        {"\"processors\": 0", "plan: machine.processors: must be a number"},
        {"\"processors\": 256", "plan: machine.processors: must be a number"},
        {"\"processors\": \"2\"", "plan: machine.processors: must be a number"},
        {"\"memory\": 63", "plan: machine.memory: must be a number of MiB"},
        {"\"memory\": 1e3", "plan: machine.memory: must be a number of MiB"},
        {"\"type\": \"virt\"", "plan: machine.type: must be"},
        {"\"disk_bus\": \"ide\"", "plan: machine.disk_bus: must be"},
        {"\"nic_model\": 1", "plan: machine.nic_model: must be"},
        {"\"identity\": \"other\"", "plan: machine.identity: must be"},
        {"\"autostart\": 1", "plan: machine.autostart: must be"},
        {"\"networks\": []", "plan: machine.networks: must be an object"},
        {"\"networks\": {\"eth0\": \"user\"}", "plan: machine.networks: names NICs by"},
        {"\"networks\": {\"100\": \"user\"}", "plan: machine.networks: names NICs by"},
        {"\"networks\": {\"*\": \"lan\"}", "plan: machine.networks: must name"},
        {"\"networks\": {\"*\": \"bridge:\"}", "plan: machine.networks: must name"},
        {"\"networks\": {\"*\": \"bridge:br0,id=x\"}", "plan: machine.networks: must name"},
        {"\"networks\": {\"*\": \"bridge:a-bridge-too-long\"}", "plan: machine.networks: must"},
        {"\"networks\": {\"*\": 1}", "plan: machine.networks: must name"},
    };
    char json[256];
    CHECK(!parse(HEAD ", \"machine\": []}"));
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        snprintf(json, sizeof json, HEAD ", \"machine\": {%s}}", bad[i].member);
        if (parse(json))
            FAIL("accepted: %s", json);
        if (strncmp(fault.what, bad[i].message, strlen(bad[i].message)) != 0)
            FAIL("%s: \"%s\" instead of \"%s\"", json, fault.what, bad[i].message);
    }
}

static void test_match_by_old_address(void)
{
    CHECK(parse(HEAD ", \"nics\": [{\"match\": {\"address\": \"2001:DB8:0::5\"}}]}"));
    CHECK_STR(plan.nic[0].old_address, "2001:db8::5");
    CHECK_STR(plan.nic[0].mac, "");
    CHECK_STR(plan.nic[0].name, "");
}

// Each plan, and the beginning of the message that it must get.
static void test_refuses(void)
{
    static const struct {
        const char *json, *message;
    } bad[] = {
        {"", "plan: line 1"},
        {"[]", "plan: "},
        {"{\"version\": 1}", "plan: target: is required"},
        {"{\"version\": \"1\"}", "plan: version: must be 1"},
        {"{\"version\": 1, \"version\": 1}", "plan: line 1"},
        {HEAD ", \"host\": 1}", "plan: host: unknown key"},
        {HEAD ", \"hostname\": \"-a\"}", "plan: hostname: is not a host name"},
        {HEAD ", \"hostname\": \"a b\"}", "plan: hostname: is not a host name"},
        {HEAD ", \"hostname\": 5}", "plan: hostname: must be a string"},
        {HEAD ", \"hostname\": \"\"}", "plan: hostname: must have 1 to"},
        {HEAD ", \"hibernation\": \"yes\"}", "plan: hibernation: must be"},
        {HEAD ", \"agents\": \"off\"}", "plan: agents: must be \"disable\" or \"keep\""},
        {HEAD ", \"agents\": true}", "plan: agents: must be a string"},
        {HEAD ", \"identity\": \"clone\"}", "plan: identity: must be \"keep\" or \"new\""},
        {HEAD ", \"serial_console\": \"yes\"}", "plan: serial_console: must be true or false"},
        {"{\"version\": 1, \"target\": {\"kind\": \"kvm\", \"secure_boot\": 1}}",
         "plan: target.secure_boot: must be true or false"},
        {"{\"version\": 1, \"target\": {\"kind\": \"kvm\", \"firmware\": \"bios\", "
         "\"secure_boot\": true}}",
         "plan: target.secure_boot: needs UEFI firmware"},
        {HEAD ", \"root\": \"/dev/sda\"}", "plan: root: must be UUID="},
        {HEAD ", \"nics\": {}}", "plan: nics: must be a list"},
        {HEAD ", \"nics\": [1]}", "plan: nics[0]"},
        {HEAD ", \"nics\": [{}]}", "plan: nics[0].match: is required"},
        {HEAD ", \"nics\": [{\"match\": {}}]}", "plan: nics[0].match: needs"},
        {HEAD ", \"nics\": [{\"match\": {\"address\": \"192.0.2.5/24\"}}]}",
         "plan: nics[0].match.address: must be an IP address without a length"},
        {HEAD ", \"nics\": [{\"match\": {\"address\": \"192.0.2\"}}]}",
         "plan: nics[0].match.address: must be an IP address"},
        {HEAD ", \"nics\": [{\"match\": {\"address\": \"\"}}]}",
         "plan: nics[0].match.address: must have 1 to"},
        {HEAD ", \"nics\": [{\"match\": {\"address\": \"2001:db8::1\"}},"
              "{\"match\": {\"name\": \"a\", \"address\": \"2001:DB8:0::1\"}}]}",
         "plan: nics[1].match: is the same interface as nics[0]"},
        {HEAD ", \"nics\": [{\"match\": {\"mac\": \"x\"}}]}", "plan: nics[0].match.mac: must be"},
        {HEAD ", \"nics\": [{\"match\": {\"mac\": \"01:00:5e:00:00:01\"}}]}",
         "plan: nics[0].match.mac: is not the address of one"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"lo\"}}]}", "plan: nics[0].match.name: is not"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"a/b\"}}]}",
         "plan: nics[0].match.name: is not"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"a\"}, \"addresses\": [\"192.0.2.5\"]}]}",
         "plan: nics[0].addresses[0]: must be an address with its length"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"a\"}, \"addresses\": [\"192.0.2.5/33\"]}]}",
         "plan: nics[0].addresses[0]: must be"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"a\"}, \"dhcp\": true,"
              " \"addresses\": [\"192.0.2.5/24\"]}]}",
         "plan: nics[0].addresses[0]: an IPv4 address beside"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"a\"}, \"addresses\": [\"192.0.2.5/24\"],"
              " \"gateway\": \"192.0.3.1\"}]}",
         "plan: nics[0].gateway: is not in the network of any"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"a\"}, \"addresses\": [\"192.0.2.5/24\"],"
              " \"gateway\": [\"192.0.2.1\", \"192.0.2.2\"]}]}",
         "plan: nics[0].gateway[1]: is a second gateway"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"a\"}, \"dns\": [\"192.0.2.5\"]}]}",
         "plan: nics[0].dns: needs"},
        {HEAD ", \"nics\": [{\"match\": {\"name\": \"a\"}, \"mac\": \"52:54:00:00:00:01\"},"
              "{\"match\": {\"name\": \"b\"}, \"mac\": \"52:54:00:00:00:01\"}]}",
         "plan: nics[1].mac: is also the address"},
        {HEAD ", \"unlock\": [{\"uuid\": \"a\"}]}", "plan: unlock[0].uuid: and"},
        {HEAD ", \"unlock\": [{\"uuid\": \"a\", \"key\": \"AA==\", \"key_file\": \"/k\"}]}",
         "plan: unlock[0].uuid: and one of"},
        {HEAD ", \"unlock\": [{\"uuid\": \"a\", \"key\": \"no base64\"}]}",
         "plan: unlock[0].key: must be base64"},
        {HEAD ", \"mounts\": {\"/boot\": \"/dev/sda1\"}}", "plan: mounts: must be"},
        {HEAD ", \"check\": \"some\"}", "plan: check: must be"},
    };
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        if (parse(bad[i].json))
            FAIL("accepted: %s", bad[i].json);
        if (strncmp(fault.what, bad[i].message, strlen(bad[i].message)) != 0)
            FAIL("%s: \"%s\" instead of \"%s\"", bad[i].json, fault.what, bad[i].message);
    }
}

static void test_size_is_bounded(void)
{
    char *big = calloc(1, BF_PLAN_MAX + 2);
    memset(big, ' ', BF_PLAN_MAX + 1);
    bool accepted = bf_plan_parse(big, BF_PLAN_MAX + 1, &plan, &fault) == BF_OK;
    free(big);
    CHECK(!accepted);
    CHECK_STR(fault.what, "plan: larger than 65536 bytes");
}

TEST_MAIN(TEST(test_smallest_plan), TEST(test_everything), TEST(test_keys_and_mounts),
          TEST(test_machine), TEST(test_refuses_machine), TEST(test_match_by_old_address),
          TEST(test_refuses), TEST(test_size_is_bounded))
