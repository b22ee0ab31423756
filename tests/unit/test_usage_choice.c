// SPDX-License-Identifier: Apache-2.0
// Which places are copied whole because the configuration says so: the syntax of places, what each
// names, and what nothing has met.
#include "base/bytes.h"
#include "base/selector.h"
#include "image/usage/choice.h"
#include "tests/unit/test.h"

static struct bf_config config;
static const struct bf_disk_identity disk = {.bytes = 1 << 30, .block_size = 512, .serial = "S1"};
static const struct bf_disk_identity other = {.bytes = 1 << 20, .block_size = 512, .serial = "S2"};
static const uint8_t guid[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

static void set(const char *value)
{
    char reason[160];
    CHECK_EQ(bf_config_set(&config, "copy", value, BF_ORIGIN_FILE, reason, sizeof reason), BF_OK);
}

static struct bf_usage_choice begin(const char *first, const char *second)
{
    bf_config_defaults(&config);
    if (first)
        set(first);
    if (second)
        set(second);
    return (struct bf_usage_choice){.whole = config.copy_all ? "copy=all" : NULL,
                                    .config = &config};
}

static void test_places_are_parsed(void)
{
    static const char *const good[] = {
        "2@serial:S1", "9999@path:PciRoot(0x0)/Pci(0x1,0x1)",          "S1", "serial:S1,size:10G",
        "1@S1",        "partuuid:c12a7328-f81f-11d2-ba4b-00a0c93ec93b"};
    static const char *const bad[] = {"",
                                      "2",
                                      "2@",
                                      "0@S1",
                                      "10000@S1",
                                      "@S1",
                                      "x@S1",
                                      "2@size:x",
                                      "partuuid:",
                                      "partuuid:c12a7328",
                                      "2@colour:red",
                                      "partuuid:c12a7328-f81f-11d2-ba4b-00a0c93ec93b0"};
    struct bf_place_selector s;
    char reason[112];
    for (size_t i = 0; i < BF_COUNT(good); i++)
        if (bf_place_selector_parse(good[i], &s, reason, sizeof reason))
            FAIL("%s: %s", good[i], reason);
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        CHECK_EQ(bf_place_selector_parse(bad[i], &s, reason, sizeof reason), BF_ERR_CONFIG);
        CHECK(strlen(reason) > 5);
    }
    CHECK_EQ(bf_place_selector_parse("2@serial:S1", &s, reason, sizeof reason), BF_OK);
    CHECK_EQ(s.number, 2);
    CHECK_STR(s.disk, "serial:S1");
}

static void test_a_partition_by_number_and_disk(void)
{
    struct bf_usage_choice c = begin("all@2@serial:S1", NULL);
    CHECK(!bf_usage_choice_whole(&c, &disk, 1, NULL));
    CHECK(!bf_usage_choice_whole(&c, &other, 2, NULL));
    CHECK_STR(bf_usage_choice_missed(&c, 1)->where, "2@serial:S1");
    CHECK_STR(bf_usage_choice_whole(&c, &disk, 2, NULL), "copy=all");
    CHECK(!bf_usage_choice_missed(&c, 1));
}

static void test_a_partition_by_its_guid(void)
{
    static const uint8_t none[16];
    struct bf_usage_choice c = begin("all@partuuid:C12A7328-F81F-11D2-BA4B-00A0C93EC93B", NULL);
    CHECK(!bf_usage_choice_whole(&c, &disk, 2, NULL));
    CHECK(!bf_usage_choice_whole(&c, &disk, 2, none));
    CHECK(bf_usage_choice_missed(&c, 1));
    CHECK(bf_usage_choice_whole(&c, &other, 7, guid));
    CHECK(!bf_usage_choice_missed(&c, 1));
}

static void test_exceptions_beside_the_rule(void)
{
    struct bf_usage_choice c = begin("all", "used@1@S1");
    CHECK(!bf_usage_choice_whole(&c, &disk, 1, NULL));
    CHECK(bf_usage_choice_whole(&c, &disk, 2, NULL));
    CHECK(bf_usage_choice_whole(&c, &other, 1, NULL));
    // All of a disk, and one partition of it not: in doubt all is copied.
    c = begin("all@S1", "used@1@S1");
    CHECK(bf_usage_choice_whole(&c, &disk, 1, NULL));
    CHECK(bf_usage_choice_whole(&c, &disk, 0, NULL));
    CHECK(!bf_usage_choice_whole(&c, &other, 0, NULL));
    c = begin("used@3@S1", NULL);
    CHECK(!bf_usage_choice_missed(&c, 1));
    CHECK_STR(bf_usage_choice_missed(&c, 0)->where, "3@S1");
}

TEST_MAIN(TEST(test_places_are_parsed), TEST(test_a_partition_by_number_and_disk),
          TEST(test_a_partition_by_its_guid), TEST(test_exceptions_beside_the_rule))
