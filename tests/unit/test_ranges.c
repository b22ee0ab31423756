// SPDX-License-Identifier: Apache-2.0
// Sets of ranges: beside a plain array of marks, under random operations, and when they are full.
#include "replica/store/ranges.h"
#include "tests/unit/test.h"

#include <string.h>

enum { CHUNKS = 400 };

static uint64_t random_state = 20240611;

static uint64_t draw(uint64_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % below;
}

static int has(const struct bf_range_set *set, uint64_t chunk)
{
    uint64_t first, end;
    return !bf_ranges_gap(set, chunk, chunk + 1, &first, &end);
}

static void check_order(const struct bf_range_set *set)
{
    CHECK(set->count <= BF_RANGES_MAX);
    for (uint32_t i = 0; i < set->count; i++) {
        CHECK(set->range[i].first < set->range[i].end);
        CHECK(i == 0 || set->range[i - 1].end < set->range[i].first);
    }
}

// What the set says is never more than what holds; while it has room it is exactly that.
static void test_beside_an_array(void)
{
    struct bf_range_set set = {0};
    uint8_t marks[CHUNKS] = {0};
    int exact = 1;
    for (int round = 0; round < 20000; round++) {
        uint64_t first = draw(CHUNKS), end = first + draw(round % 40 < 20 ? 3 : 60);
        int add = draw(100) < 60;
        uint64_t total = 0;
        end = end < CHUNKS ? end : CHUNKS;
        if (round % 2500 == 0) {
            memset(&set, 0, sizeof set);
            memset(marks, 0, sizeof marks);
            exact = 1;
        }
        if (add)
            bf_ranges_add(&set, first, end);
        else
            bf_ranges_remove(&set, first, end);
        for (uint64_t i = first; i < end; i++)
            marks[i] = (uint8_t)add;
        exact = exact && set.count < BF_RANGES_MAX;
        check_order(&set);
        for (uint64_t i = 0; i < CHUNKS; i++) {
            CHECK(!has(&set, i) || marks[i]);
            CHECK(!exact || has(&set, i) == marks[i]);
            total += (uint64_t)has(&set, i);
        }
        CHECK_EQ(bf_ranges_total(&set), total);
    }
}

static void test_the_smallest_is_forgotten(void)
{
    struct bf_range_set set = {0};
    for (uint64_t i = 0; i < BF_RANGES_MAX; i++)
        bf_ranges_add(&set, i * 10, i * 10 + (i == 7 ? 2 : 3));
    CHECK_EQ(set.count, BF_RANGES_MAX);
    bf_ranges_add(&set, 5000, 5100);
    CHECK_EQ(set.count, BF_RANGES_MAX);
    CHECK(!has(&set, 70) && has(&set, 60) && has(&set, 5050));
    bf_ranges_remove(&set, 5010, 5090); // two where there was one
    CHECK_EQ(set.count, BF_RANGES_MAX);
    CHECK(has(&set, 5005) && has(&set, 5095) && !has(&set, 5050));
}

static void test_gaps(void)
{
    struct bf_range_set set = {0};
    uint64_t first, end;
    CHECK(bf_ranges_gap(&set, 3, 9, &first, &end));
    CHECK(first == 3 && end == 9);
    CHECK(!bf_ranges_gap(&set, 9, 9, &first, &end));
    bf_ranges_add(&set, 5, 7);
    CHECK(bf_ranges_gap(&set, 3, 9, &first, &end));
    CHECK(first == 3 && end == 5);
    CHECK(bf_ranges_gap(&set, 5, 9, &first, &end));
    CHECK(first == 7 && end == 9);
    CHECK(!bf_ranges_gap(&set, 5, 7, &first, &end));
    bf_ranges_add(&set, 7, 8); // touching ranges are one
    CHECK_EQ(set.count, 1);
    bf_ranges_add(&set, 4, 4);
    CHECK_EQ(bf_ranges_total(&set), 3);
}

TEST_MAIN(TEST(test_beside_an_array), TEST(test_the_smallest_is_forgotten), TEST(test_gaps))
