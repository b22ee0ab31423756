// SPDX-License-Identifier: Apache-2.0
// What a line of configuration says of the old network and of disks.
#include "finalize/network/mention.h"

#include "tests/unit/test.h"

static struct bf_old old;

static void setup(void)
{
    old = (struct bf_old){0};
    bf_old_add(&old, "192.0.2.10/24", 13);
    bf_old_add(&old, "2001:db8::10/64", 15);
    bf_old_add(&old, "198.51.100.7", 12);
    memcpy(old.server[old.servers++], "203.0.113.53", 13);
    memcpy(old.mac[old.macs++], "52:54:00:00:00:01", 18);
}

static enum bf_mention_kind kind(const char *line)
{
    return bf_mention_in(line, strlen(line), &old).kind;
}

static void test_an_old_address_keeps_the_length_of_its_network(void)
{
    setup();
    CHECK(old.count == 3 && old.prefix[0] == 24 && old.prefix[1] == 64 && old.prefix[2] == 0);
    CHECK_STR(old.address[1], "2001:db8::10");
}

static void test_an_old_address_is_found_in_every_spelling(void)
{
    static const char *const lines[] = {
        "ListenAddress 192.0.2.10",
        "listen 192.0.2.10:443 ssl;",
        "ip daddr { 192.0.2.10, 10.0.0.1 }",
        "addr=192.0.2.10/24",
        "\"192.0.2.10\"",
        "the machine is 192.0.2.10.",
        "listen [2001:db8::10]:80;",
        "2001:DB8:0:0:0:0:0:10/64",
        "host 2001:db8::10",
        "peer 198.51.100.7",
        "bind-address=192.0.2.10",
        "-A INPUT -d 192.0.2.10/32 -j ACCEPT",
    };
    setup();
    for (size_t i = 0; i < BF_COUNT(lines); i++)
        CHECK(kind(lines[i]) == BF_MENTION_ADDRESS);
}

static void test_a_longer_number_is_another_one(void)
{
    setup();
    CHECK(kind("192.0.2.100") == BF_MENTION_NEAR);
    CHECK(kind("1192.0.2.10") == BF_MENTION_NONE);
    CHECK(kind("a192.0.2.10") == BF_MENTION_NONE);
    CHECK(kind("192.0.2.10.5") == BF_MENTION_NONE);
    CHECK(kind("version 192.0.2") == BF_MENTION_NONE);
    CHECK(kind("192.0.2.10_x") == BF_MENTION_NONE);
    CHECK(kind("198.51.100.8") == BF_MENTION_NONE); // the length of its network is not known
    CHECK(kind("2001:db8::11") == BF_MENTION_NEAR);
    CHECK(kind("2001:db8:0:1::10") == BF_MENTION_NONE);
    CHECK(kind("::") == BF_MENTION_NONE);
    CHECK(kind("12:34") == BF_MENTION_NONE);
    CHECK(kind("") == BF_MENTION_NONE);
}

static void test_name_servers_and_mac_addresses_are_found(void)
{
    setup();
    CHECK(kind("DNS=203.0.113.53") == BF_MENTION_DNS);
    CHECK(kind("hardware ethernet 52:54:00:00:00:01;") == BF_MENTION_MAC);
    CHECK(kind("HWADDR=\"52:54:00:00:00:01\"") == BF_MENTION_MAC);
    CHECK(kind("52:54:00:00:00:01:02") == BF_MENTION_NONE);
}

static void test_disks_are_found_by_names_that_depend_on_the_hardware(void)
{
    setup();
    CHECK(kind("filter = [ \"a|^/dev/sda3$|\" ]") == BF_MENTION_DISK);
    CHECK(kind("/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0") == BF_MENTION_DISK);
    CHECK(kind("/dev/cciss/c0d0p1") == BF_MENTION_DISK);
    CHECK(kind("/dev/disk/by-uuid/1234") == BF_MENTION_NONE);
    CHECK(kind("/dev/sd") == BF_MENTION_NONE);
    CHECK(kind("/dev/sd*") == BF_MENTION_NONE);
    CHECK_STR(bf_mention_in("x /dev/nvme0n1p2, y", 19, &old).text, "/dev/nvme0n1p2");
}

static void test_the_weightiest_mention_of_a_line_counts(void)
{
    setup();
    CHECK(kind("/dev/sda 192.0.2.99 192.0.2.10") == BF_MENTION_ADDRESS);
    CHECK(kind("192.0.2.99 /dev/sda") == BF_MENTION_NEAR);
}

static void test_a_certificate_for_an_old_address_is_found(void)
{
    // Base64 of 30 82, then 87 04 c0 00 02 0a, as a certificate's subjectAltName has it.
    static const char with[] =
        "x\n-----BEGIN CERTIFICATE-----\nMIKHBMAA\nAgo=\n-----END CERTIFICATE-----\n";
    static const char without[] =
        "-----BEGIN CERTIFICATE-----\nMIKHBMAAAgs=\n-----END CERTIFICATE-----\n";
    char address[INET6_ADDRSTRLEN] = "";
    setup();
    CHECK(bf_mention_certificate(with, sizeof with - 1, &old, address));
    CHECK_STR(address, "192.0.2.10");
    CHECK(!bf_mention_certificate(without, sizeof without - 1, &old, address));
    CHECK(!bf_mention_certificate("-----BEGIN CERTIFICATE-----", 27, &old, address));
    CHECK(!bf_mention_certificate("", 0, &old, address));
}

TEST_MAIN(TEST(test_an_old_address_keeps_the_length_of_its_network),
          TEST(test_an_old_address_is_found_in_every_spelling),
          TEST(test_a_longer_number_is_another_one),
          TEST(test_name_servers_and_mac_addresses_are_found),
          TEST(test_disks_are_found_by_names_that_depend_on_the_hardware),
          TEST(test_the_weightiest_mention_of_a_line_counts),
          TEST(test_a_certificate_for_an_old_address_is_found))
