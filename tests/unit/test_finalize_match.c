// SPDX-License-Identifier: Apache-2.0
// Which interface a plan means by an old address: alone, with a name or a MAC address beside it,
// below a bridge and a VLAN, in a second run, and where it contradicts itself.
#include "finalize/network/network.h"
#include "finalize/network/stack.h"

#include "tests/unit/test.h"

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    return BF_OK;
}

static const struct bf_stack_ops stack = {.name = "testnet", .title = "Test Net", .adapt = adapt};
static struct bf_net net;
static struct bf_plan plan;
static struct bf_fin_report report;
static struct bf_fin fin = {.plan = &plan, .report = &report};
static struct bf_link result;

static struct bf_known *add(const char *name, const char *mac, const char *address)
{
    struct bf_known *k = bf_net_add(&net, &stack, name, mac);
    if (address)
        bf_net_address(k, address, strlen(address));
    bf_net_where(k, "/etc/testnet", (unsigned)net.count);
    return k;
}

// eth0, eth1, a bridge over eth2, and a VLAN on eth3.
static void set_up(void)
{
    net = (struct bf_net){.stack = {&stack}, .stacks = 1};
    plan = (struct bf_plan){.nics = 1};
    add("eth0", "52:54:00:00:00:01", "192.0.2.10/24");
    add("eth1", "52:54:00:00:00:02", "2001:DB8:0::11/64");
    bf_net_copy(add("eth2", "52:54:00:00:00:03", NULL)->master, BF_IFNAME, "br0", 3);
    add("br0", "", "192.0.2.12/24")->kind = BF_KNOWN_BRIDGE;
    add("eth3", "52:54:00:00:00:04", NULL);
    struct bf_known *vlan = add("eth3.7", "", "192.0.2.13");
    vlan->kind = BF_KNOWN_VLAN;
    bf_net_copy(vlan->parent, BF_IFNAME, "eth3", 4);
}

static bool resolve(const char *address, const char *name, const char *mac, const char *macs)
{
    struct bf_plan_nic *nic = &plan.nic[0];
    bf_net_copy(nic->old_address, sizeof nic->old_address, address, strlen(address));
    bf_net_copy(nic->name, sizeof nic->name, name, strlen(name));
    bf_net_copy(nic->mac, sizeof nic->mac, mac, strlen(mac));
    bf_fin_report_free(&report);
    bf_fin_report_init(&report, "dry-run");
    json_t *journal = json_loads(macs, 0, NULL);
    enum bf_err err = bf_network_resolve(&fin, &net, journal, &result);
    json_decref(journal);
    return err == BF_OK;
}

static const char *error_text(void)
{
    return json_string_value(json_object_get(report.json, "error"));
}

static void test_finds(void)
{
    set_up();
    CHECK(resolve("192.0.2.10", "", "", "{}"));
    CHECK_STR(result.name, "eth0");
    CHECK_STR(result.carrier, "eth0");
    CHECK_STR(result.old_mac, "52:54:00:00:00:01");
    CHECK(resolve("2001:db8::11", "", "", "{}"));
    CHECK_STR(result.name, "eth1");
    CHECK(resolve("192.0.2.12", "", "", "{}"));
    CHECK_STR(result.name, "eth2");
    CHECK_STR(result.carrier, "br0");
    CHECK(resolve("192.0.2.13", "", "", "{}"));
    CHECK_STR(result.name, "eth3");
    CHECK_STR(result.carrier, "eth3.7");
    CHECK_STR(result.old_mac, "52:54:00:00:00:04");
}

static void test_agrees(void)
{
    set_up();
    CHECK(resolve("192.0.2.12", "eth2", "52:54:00:00:00:03", "{}"));
    CHECK_STR(result.carrier, "br0");
    CHECK(resolve("192.0.2.13", "eth3", "", "{}"));
    CHECK_STR(result.carrier, "eth3.7");
    CHECK(resolve("192.0.2.13", "eth3.7", "52:54:00:00:00:04", "{}"));
    CHECK_STR(result.carrier, "eth3.7");
    // A MAC address that no file knows, of an interface of which no file says one.
    net.known[0].mac[0] = 0;
    CHECK(resolve("192.0.2.10", "", "52:54:00:00:00:99", "{}"));
    CHECK_STR(result.name, "eth0");
    CHECK_STR(result.old_mac, "52:54:00:00:00:99");
}

static void test_contradictions(void)
{
    set_up();
    CHECK(!resolve("192.0.2.10", "eth1", "", "{}"));
    CHECK_STR(error_text(), "nics[0].match: 192.0.2.10 is an address of eth0 (/etc/testnet, line "
                            "1), and not of eth1 (/etc/testnet, line 2); name one of them");
    CHECK(!resolve("192.0.2.10", "", "52:54:00:00:00:02", "{}"));
    CHECK(strstr(error_text(), "is the MAC address of eth1 (/etc/testnet, line 2)"));
    CHECK(!resolve("192.0.2.10", "", "52:54:00:00:00:99", "{}"));
    CHECK(strstr(error_text(), "has the MAC address 52:54:00:00:00:01"));
    CHECK(!resolve("192.0.2.10", "eth9", "", "{}"));
    CHECK(strstr(error_text(), "nothing here is called eth9"));
    CHECK(!resolve("192.0.2.99", "", "", "{}"));
    CHECK(strstr(error_text(), "no interface here has the address 192.0.2.99 (known: eth0 "
                               "192.0.2.10/24"));
    add("eth4", "", "192.0.2.10/32");
    CHECK(!resolve("192.0.2.10", "", "", "{}"));
    CHECK(strstr(error_text(), "is an address of eth0 (/etc/testnet, line 1) and of eth4 ("));
}

// After addresses were exchanged, the journal tells which interface had the one that is named.
static void test_second_run(void)
{
    set_up();
    add("eth4", "", "192.0.2.10/24");
    CHECK(resolve("192.0.2.10", "", "", "{\"192.0.2.10\": \"eth1\"}"));
    CHECK_STR(result.carrier, "eth1");
    CHECK(resolve("192.0.2.77", "", "", "{\"192.0.2.77\": \"52:54:00:00:00:03\"}"));
    CHECK_STR(result.name, "eth2");
    CHECK(!resolve("192.0.2.77", "", "", "{\"192.0.2.77\": [1]}"));
    CHECK(!resolve("192.0.2.77", "", "", "{\"192.0.2.77\": \"eth77\"}"));
}

TEST_MAIN(TEST(test_finds), TEST(test_agrees), TEST(test_contradictions), TEST(test_second_run))
