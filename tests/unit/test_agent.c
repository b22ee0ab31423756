// SPDX-License-Identifier: Apache-2.0
// What a guest agent says, from answers of qemu-ga 7.2, and from guests that lie.
#include "replica/jobs/agent.h"

#include "tests/unit/test.h"

static struct bf_evidence seen;

static bool host(const char *answer)
{
    memset(&seen, 0, sizeof seen);
    return bf_agent_read_host(answer, &seen);
}

static bool nics(const char *answer)
{
    memset(&seen, 0, sizeof seen);
    return bf_agent_read_nics(answer, &seen);
}

static void test_the_name(void)
{
    CHECK(host("{\"return\": {\"host-name\": \"web-1.example\"}}"));
    CHECK_STR(seen.host, "web-1.example");
    CHECK(!host("{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"disabled\"}}"));
    CHECK(!host("[]"));
    CHECK(!host(""));
    CHECK(!host("{\"return\": {\"host-name\": 7}}"));
    CHECK_STR(seen.host, "");
}

static void test_addresses(void)
{
    CHECK(
        nics("{\"return\": [{\"name\": \"lo\", \"ip-addresses\": [{\"ip-address-type\": \"ipv4\", "
             "\"ip-address\": \"127.0.0.1\", \"prefix\": 8}], \"statistics\": {\"tx-packets\": 4}, "
             "\"hardware-address\": \"00:00:00:00:00:00\"}, {\"name\": \"ens2\", "
             "\"ip-addresses\": [{\"ip-address-type\": \"ipv4\", \"ip-address\": "
             "\"192.168.77.50\", \"prefix\": 24}, {\"ip-address-type\": \"ipv6\", "
             "\"ip-address\": \"2001:DB8:0::1\", \"prefix\": 64}, {\"ip-address-type\": "
             "\"ipv6\", \"ip-address\": \"fe80::1\", \"prefix\": 64}], \"hardware-address\": "
             "\"52:54:00:77:00:AB\"}, {\"name\": \"ens3\", \"hardware-address\": "
             "\"52:54:00:77:00:51\"}, {\"name\": \"tun0\"}]}"));
    CHECK_EQ(seen.nics, 2);
    CHECK_STR(seen.nic[0].mac, "52:54:00:77:00:ab");
    CHECK_STR(seen.nic[0].addresses, "192.168.77.50/24 2001:db8::1/64");
    CHECK_STR(seen.nic[1].mac, "52:54:00:77:00:51");
    CHECK_STR(seen.nic[1].addresses, "");
}

// No value becomes another key, another line, or something that is not its form.
static void test_lies(void)
{
    CHECK(host("{\"return\": {\"host-name\": \"a b\"}}"));
    CHECK_STR(seen.host, "");
    CHECK(host("{\"return\": {\"host-name\": \"a\\nBOOTFERRY-EVIDENCE agent boot-id "
               "01234567-89ab-cdef-0123-456789abcdef\"}}"));
    CHECK_STR(seen.host, "");
    CHECK_STR(seen.boot_id, "");
    CHECK(host("{\"return\": {\"host-name\": "
               "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}"));
    CHECK_STR(seen.host, "");
    CHECK(nics("{\"return\": [7, {}, {\"hardware-address\": \"52:54:00:77:00:50\\n\"}, "
               "{\"hardware-address\": \"52:54:00:77:00:5g\"}, "
               "{\"hardware-address\": \"52:54:00:77:00:52\", \"ip-addresses\": 7}, "
               "{\"hardware-address\": \"52:54:00:77:00:53\", \"ip-addresses\": [{\"ip-address\": "
               "\"192.0.2.5 6\", \"prefix\": 24}, {\"ip-address\": \"192.0.2.5\", \"prefix\": "
               "\"24\"}, {\"ip-address\": \"192.0.2.5\", \"prefix\": -1}, {\"ip-address\": "
               "\"192.0.2.6\", \"prefix\": 24}]}]}"));
    CHECK_EQ(seen.nics, 2);
    CHECK_STR(seen.nic[0].mac, "52:54:00:77:00:52");
    CHECK_STR(seen.nic[1].addresses, "192.0.2.6/24");
    CHECK(!nics("{\"return\": {\"a\": []}}"));
    CHECK(!nics("{\"return\": ["));
}

static void test_many_interfaces(void)
{
    static char answer[65536];
    size_t len = (size_t)sprintf(answer, "{\"return\": [");

    for (int i = 0; i < 300; i++)
        len +=
            (size_t)sprintf(answer + len,
                            "%s{\"hardware-address\": \"52:54:00:77:%02x:%02x\", "
                            "\"ip-addresses\": [{\"ip-address\": \"10.0.%d.%d\", \"prefix\": 8}]}",
                            i ? ", " : "", i / 256, i % 256, i / 256, i % 256);
    strcpy(answer + len, "]}");
    CHECK(nics(answer));
    CHECK_EQ(seen.nics, BF_EVIDENCE_NICS);
}

static void test_judged(void)
{
    static struct bf_tgt_nic nic;
    struct bf_evidence_plan plan = {.nic = &nic, .nics = 1, .host = "web-1"};
    char missing[160];

    strcpy(nic.mac, "52:54:00:77:00:53");
    strcpy(nic.address[0], "192.0.2.6/24");
    strcpy(nic.gateway4, "192.0.2.1"); // of which an agent says nothing
    nic.addresses = 1;
    CHECK(nics("{\"return\": [{\"hardware-address\": \"52:54:00:77:00:53\", \"ip-addresses\": "
               "[{\"ip-address\": \"192.0.2.6\", \"prefix\": 24}]}]}"));
    CHECK(bf_agent_read_host("{\"return\": {\"host-name\": \"web-1.example\"}}", &seen));
    CHECK(bf_evidence_judge_agent(&seen, &plan, missing, sizeof missing));
    CHECK_STR(missing, "");
    CHECK(!bf_evidence_judge(&seen, &plan, missing, sizeof missing)); // it is no evidence
    strcpy(nic.address[0], "192.0.2.7/24");
    plan.host = "web-2";
    CHECK(!bf_evidence_judge_agent(&seen, &plan, missing, sizeof missing));
    CHECK_STR(missing, "192.0.2.7/24 is not on the NIC with 52:54:00:77:00:53, which has "
                       "192.0.2.6/24; the host name is web-1.example instead of web-2");
}

TEST_MAIN(TEST(test_the_name), TEST(test_addresses), TEST(test_lies), TEST(test_many_interfaces),
          TEST(test_judged))
