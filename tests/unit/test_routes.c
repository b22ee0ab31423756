// SPDX-License-Identifier: Apache-2.0
// DHCP's classless routes (RFC 3442) and which route a packet takes.
#include "net/ip/route_table.h"
#include "tests/unit/test.h"

static struct bf_routes routes;

static uint32_t router_to(uint32_t to)
{
    const struct bf_route *r = bf_routes_find(&routes, to);
    return r ? r->router : UINT32_MAX;
}

// The examples of RFC 3442, and prefixes whose last octet is used in part.
static void test_descriptors(void)
{
    static const uint8_t bytes[] = {
        0,  10,  0,  0,   1,               // default
        8,  10,  10, 0,   0,  2,           // 10/8
        24, 10,  0,  0,   10, 0,  0, 3,    // 10.0.0/24
        16, 10,  17, 10,  0,  0,  4,       // 10.17/16
        26, 10,  27, 129, 64, 10, 0, 0, 5, // 10.27.129.64/26
        32, 10,  99, 1,   1,  0,  0, 0, 0, // a single host on the link
        12, 172, 16, 10,  0,  0,  7,       //
        17, 10,  20, 200, 10, 0,  0, 8,    // 10.20.200/17 is 10.20.128.0/17
    };
    CHECK_EQ(bf_routes_parse(bytes, sizeof bytes, &routes), BF_OK);
    CHECK_EQ(routes.count, 8);
    CHECK_EQ(routes.route[7].network, 0x0a148000u);
    CHECK_EQ(router_to(0x08080808), 0x0a000001u);
    CHECK_EQ(router_to(0x0a630102), 0x0a000002u);
    CHECK_EQ(router_to(0x0a000063), 0x0a000003u);
    CHECK_EQ(router_to(0x0a11ffff), 0x0a000004u);
    CHECK_EQ(router_to(0x0a1b817f), 0x0a000005u);
    CHECK_EQ(router_to(0x0a1b8180), 0x0a000002u);
    CHECK_EQ(router_to(0x0a630101), 0);
    CHECK_EQ(router_to(0xac1fffff), 0x0a000007u);
    CHECK_EQ(router_to(0xac200000), 0x0a000001u);
    CHECK_EQ(router_to(0x0a1480ff), 0x0a000008u);
    CHECK_EQ(router_to(0x0a147fff), 0x0a000002u);
}

static void test_no_route(void)
{
    static const uint8_t bytes[] = {24, 10, 0, 0, 10, 0, 0, 3};
    CHECK_EQ(bf_routes_parse(bytes, sizeof bytes, &routes), BF_OK);
    CHECK(bf_routes_find(&routes, 0x0a000101) == NULL);
}

static void test_malformed(void)
{
    static const uint8_t good[] = {26, 10, 27, 129, 64, 10, 0, 0, 5};
    static const uint8_t long_prefix[] = {33, 10, 27, 129, 64, 1, 10, 0, 0, 5};
    CHECK_EQ(bf_routes_parse(good, sizeof good, &routes), BF_OK);
    for (size_t len = 0; len < sizeof good; len++) {
        CHECK_EQ(bf_routes_parse(good, len, &routes), BF_ERR_PROTOCOL);
        CHECK_EQ(routes.count, 0);
    }
    CHECK_EQ(bf_routes_parse(long_prefix, sizeof long_prefix, &routes), BF_ERR_PROTOCOL);
}

static void test_first_of_a_destination_stays(void)
{
    memset(&routes, 0, sizeof routes);
    bf_routes_add(&routes, 0x0a000000, 24, 1);
    bf_routes_add(&routes, 0x0a0000ff, 24, 2);
    bf_routes_add(&routes, 0x0a000000, 25, 3);
    CHECK_EQ(routes.count, 2);
    CHECK_EQ(router_to(0x0a0000ff), 1);
    CHECK_EQ(router_to(0x0a00007f), 3);
}

static void test_more_than_there_is_room_for(void)
{
    memset(&routes, 0, sizeof routes);
    for (uint32_t i = 0; i < BF_ROUTES_MAX + 3; i++)
        bf_routes_add(&routes, i << 8, 24, 1);
    CHECK_EQ(routes.count, BF_ROUTES_MAX);
    CHECK_EQ(routes.ignored, 3);
}

TEST_MAIN(TEST(test_descriptors), TEST(test_no_route), TEST(test_malformed),
          TEST(test_first_of_a_destination_stays), TEST(test_more_than_there_is_room_for))
