// SPDX-License-Identifier: Apache-2.0
// Numbers in bytes: every width in both orders, at every alignment, beside what their digits say.
#include "base/bytes.h"
#include "tests/unit/test.h"

// Nine bytes, so that there is one behind the longest number; all have the topmost bit.
static const uint8_t sample[9] = {0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x99};

static void test_reads_little_endian(void)
{
    CHECK_EQ(bf_le16(sample), 0x9281);
    CHECK_EQ(bf_le32(sample), 0xb4a39281);
    CHECK_EQ(bf_le64(sample), 0xf8e7d6c5b4a39281);
}

static void test_reads_big_endian(void)
{
    CHECK_EQ(bf_be16(sample), 0x8192);
    CHECK_EQ(bf_be32(sample), 0x8192a3b4);
    CHECK_EQ(bf_be64(sample), 0x8192a3b4c5d6e7f8);
}

static void test_reads_any_width(void)
{
    static const uint64_t little[] = {0,
                                      0x81,
                                      0x9281,
                                      0xa39281,
                                      0xb4a39281,
                                      0xc5b4a39281,
                                      0xd6c5b4a39281,
                                      0xe7d6c5b4a39281,
                                      0xf8e7d6c5b4a39281};
    for (size_t n = 0; n < BF_COUNT(little); n++) {
        CHECK_EQ(bf_le(sample, n), little[n]);
        CHECK_EQ(bf_be(sample, n), n ? 0x8192a3b4c5d6e7f8 >> (64 - 8 * n) : 0);
    }
}

// Numbers of two, four and eight bytes at every place are those of any width there.
static void test_needs_no_alignment(void)
{
    uint8_t room[24];
    for (size_t i = 0; i < 16; i++) {
        memset(room, 0, sizeof room);
        memcpy(room + i, sample, 8);
        CHECK_EQ(bf_le16(room + i), bf_le(sample, 2));
        CHECK_EQ(bf_le32(room + i), bf_le(sample, 4));
        CHECK_EQ(bf_le64(room + i), bf_le(sample, 8));
        CHECK_EQ(bf_be16(room + i), bf_be(sample, 2));
        CHECK_EQ(bf_be32(room + i), bf_be(sample, 4));
        CHECK_EQ(bf_be64(room + i), bf_be(sample, 8));
    }
}

// What is written is read again, and the bytes on both sides stay as they are.
static void check_written(const uint8_t *room, size_t i, size_t bytes, uint64_t little,
                          uint64_t big)
{
    uint64_t mask = UINT64_MAX >> (64 - 8 * bytes);
    CHECK_EQ(bf_le(room + i, bytes), little & mask);
    CHECK_EQ(bf_be(room + i, bytes), big & mask);
    CHECK_EQ(room[i - 1], 0x5a);
    CHECK_EQ(room[i + bytes], 0x5a);
}

#define CHECK_PUT(width, order, value, little, big)                                                \
    do {                                                                                           \
        memset(room, 0x5a, sizeof room);                                                           \
        bf_put_##order##width(room + i, value);                                                    \
        check_written(room, i, (width) / 8, little, big);                                          \
    } while (0)

static void test_writes_both_orders(void)
{
    uint8_t room[24];
    for (size_t i = 1; i < 9; i++) {
        CHECK_PUT(16, le, 0x9281, 0x9281, 0x8192);
        CHECK_PUT(32, le, 0xb4a39281, 0xb4a39281, 0x8192a3b4);
        CHECK_PUT(64, le, 0xf8e7d6c5b4a39281, 0xf8e7d6c5b4a39281, 0x8192a3b4c5d6e7f8);
        CHECK_PUT(16, be, 0x8192, 0x9281, 0x8192);
        CHECK_PUT(32, be, 0x8192a3b4, 0xb4a39281, 0x8192a3b4);
        CHECK_PUT(64, be, 0x8192a3b4c5d6e7f8, 0xf8e7d6c5b4a39281, 0x8192a3b4c5d6e7f8);
    }
}

static void test_writes_any_width(void)
{
    uint8_t room[10];
    for (size_t n = 1; n <= 8; n++) {
        memset(room, 0x5a, sizeof room);
        bf_put_le(room + 1, bf_le(sample, 8), n);
        check_written(room, 1, n, bf_le(sample, n), bf_be(sample, n));
        memset(room, 0x5a, sizeof room);
        bf_put_be(room + 1, bf_be(sample, n), n);
        check_written(room, 1, n, bf_le(sample, n), bf_be(sample, n));
    }
    bf_put_le(room, 0, 0);
    bf_put_be(room, 0, 0);
    CHECK_EQ(room[0], 0x5a);
}

static void test_powers_of_two(void)
{
    CHECK(!bf_is_power_of_two(0));
    for (uint32_t bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        CHECK(bf_is_power_of_two(power));
        CHECK(bit == 0 || !bf_is_power_of_two(power | 1));
        CHECK(bit == 1 || !bf_is_power_of_two(power - 1));
    }
    CHECK(!bf_is_power_of_two(UINT64_MAX));
}

static void test_counts_elements(void)
{
    static const struct {
        uint64_t wide;
        uint8_t narrow;
    } pairs[3];
    _Static_assert(BF_COUNT(sample) == 9, "constant");
    CHECK_EQ(BF_COUNT(pairs), 3);
    CHECK_EQ(BF_COUNT("four"), 5);
}

TEST_MAIN(TEST(test_reads_little_endian), TEST(test_reads_big_endian), TEST(test_reads_any_width),
          TEST(test_needs_no_alignment), TEST(test_writes_both_orders), TEST(test_writes_any_width),
          TEST(test_powers_of_two), TEST(test_counts_elements))
