// SPDX-License-Identifier: Apache-2.0
// Sources of connections, and who gives way to a newcomer.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "replica/daemon/address.h"
#include "tests/unit/test.h"

static struct bf_peer_address of(const char *text)
{
    struct sockaddr_storage s = {0};
    struct bf_peer_address out;
    struct sockaddr_in *v4 = (void *)&s;
    struct sockaddr_in6 *v6 = (void *)&s;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        s.ss_family = AF_INET;
    } else {
        CHECK_EQ(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        s.ss_family = AF_INET6;
    }
    bf_address_of(&s, &out);
    return out;
}

static int same(const char *a, const char *b)
{
    struct bf_peer_address x = of(a), y = of(b);
    return memcmp(&x, &y, sizeof x) == 0;
}

static void test_one_source(void)
{
    CHECK(same("192.0.2.1", "192.0.2.1"));
    CHECK(!same("192.0.2.1", "192.0.2.2"));
    CHECK(same("192.0.2.1", "::ffff:192.0.2.1")); // by a socket of either family
    CHECK(!same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    CHECK(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2")); // one /64
    CHECK(!same("2001:db8:0:1::1", "2001:db8:0:2::1"));
}

static void test_the_oldest_of_the_busiest(void)
{
    const struct bf_claim claims[] = {
        {of("10.0.0.1"), 0, 5},  {of("10.0.0.2"), 0, 20}, {of("10.0.0.3"), 0, 1},
        {of("10.0.0.2"), 0, 10}, {of("10.0.0.2"), 0, 30}, {of("10.0.0.1"), 0, 6},
    };
    CHECK_EQ(bf_claim_victim(claims, 6, 1), 3);
    CHECK_EQ(bf_claim_victim(claims, 3, 1), 2); // each has one: the oldest of all
    CHECK_EQ(bf_claim_victim(claims, 0, 1), -1);
}

static void test_ranks(void)
{
    const struct bf_claim claims[] = {
        {of("10.0.0.1"), 2, 1}, {of("10.0.0.1"), 2, 2}, {of("10.0.0.1"), BF_CLAIM_KEEPS, 0},
        {of("10.0.0.2"), 1, 9}, // alone, young, and of the lowest rank
        {of("10.0.0.1"), 2, 3},
    };
    CHECK_EQ(bf_claim_victim(claims, 5, 7), 3);
    CHECK_EQ(bf_claim_victim(claims, 3, 7), 0);
    CHECK_EQ(bf_claim_victim(claims + 2, 1, 7), -1);
}

// What lies among higher ranks does not make an address busy.
static void test_ranks_are_counted_apart(void)
{
    const struct bf_claim claims[] = {
        {of("10.0.0.1"), 2, 1}, {of("10.0.0.1"), 2, 2}, {of("10.0.0.1"), 0, 8},
        {of("10.0.0.2"), 0, 7}, {of("10.0.0.2"), 0, 9},
    };
    CHECK_EQ(bf_claim_victim(claims, 5, 3), 3);
}

// Against a plain count, for many sizes, addresses and seeds.
static void test_many(void)
{
    static struct bf_claim claims[BF_CLAIMS_MAX];
    uint64_t x = 1;
    for (uint32_t count = 1; count <= BF_CLAIMS_MAX; count = count * 3 + 1) {
        int best = -1;
        uint32_t best_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            x = x * 6364136223846793005ULL + 1442695040888963407ULL;
            claims[i] = (struct bf_claim){.rank = 4, .since_us = x >> 20};
            claims[i].address.bytes[15] = (uint8_t)((x >> 33) % 50);
            claims[i].address.bytes[3] = (uint8_t)((x >> 41) % 5);
        }
        for (uint32_t i = 0; i < count; i++) {
            uint32_t n = 0;
            for (uint32_t k = 0; k < count; k++)
                n += memcmp(&claims[k].address, &claims[i].address, 16) == 0;
            if (n > best_count || (n == best_count && claims[i].since_us < claims[best].since_us)) {
                best = (int)i;
                best_count = n;
            }
        }
        CHECK_EQ(bf_claim_victim(claims, count, x), best);
        CHECK_EQ(bf_claim_victim(claims, count, ~x), best);
    }
}

TEST_MAIN(TEST(test_one_source), TEST(test_the_oldest_of_the_busiest), TEST(test_ranks),
          TEST(test_ranks_are_counted_apart), TEST(test_many))
