// SPDX-License-Identifier: Apache-2.0
// Times, sizes and digests as people and scripts read them, at the ends of what can be told.
#include "replica/state/text.h"

#include "tests/unit/test.h"

static void check_json(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    CHECK_STR(text, expected);
    free(text);
    json_decref(value);
}

static void test_times(void)
{
    char text[BF_TIME_TEXT];

    CHECK_STR(bf_time_text(0, text), "-");
    CHECK_STR(bf_time_text(1, text), "1970-01-01 00:00:01Z");
    CHECK_STR(bf_time_text(951782400, text), "2000-02-29 00:00:00Z");
    CHECK_STR(bf_time_text(2147483648, text), "2038-01-19 03:14:08Z");
    CHECK_STR(bf_time_text(253402300799, text), "9999-12-31 23:59:59Z");
    CHECK_STR(bf_time_text(-1, text), "1969-12-31 23:59:59Z");
}

// A source may claim any clock: what is no date does not leave the text.
static void test_times_that_are_none(void)
{
    char text[BF_TIME_TEXT + 1];

    text[BF_TIME_TEXT] = 'x';
    CHECK(strlen(bf_time_text(INT64_MAX, text)) < BF_TIME_TEXT);
    CHECK(strlen(bf_time_text(INT64_MIN, text)) < BF_TIME_TEXT);
    CHECK_STR(bf_time_text(INT64_MAX, text), "?");
    CHECK_EQ(text[BF_TIME_TEXT], 'x');
    check_json(bf_json_time(INT64_MAX), "\"?\"");
}

static void test_times_for_scripts(void)
{
    check_json(bf_json_time(0), "null");
    check_json(bf_json_time(1796027261), "\"2026-11-30T08:27:41Z\"");
}

static void test_sizes(void)
{
    char text[BF_BYTES_TEXT];

    CHECK_STR(bf_bytes_text(0, text), "0 B");
    CHECK_STR(bf_bytes_text(25169920, text), "24.0 MiB");
    CHECK(strlen(bf_bytes_text(UINT64_MAX, text)) < BF_BYTES_TEXT);
    CHECK_STR(bf_known_text(-1, text), "-");
    CHECK_STR(bf_known_text(0, text), "0 B");
    check_json(bf_json_known(-1), "null");
    check_json(bf_json_known(0), "0");
    check_json(bf_json_known(INT64_MAX), "9223372036854775807");
}

static void test_digests(void)
{
    static const uint8_t bytes[32] = {0x00, 0x9f, 0xff};
    char expected[67] = "\"009fff";

    check_json(bf_json_hex(bytes, 0), "\"\"");
    check_json(bf_json_hex(bytes, 3), "\"009fff\"");
    memset(expected + 7, '0', 58);
    expected[65] = '"';
    check_json(bf_json_hex(bytes, sizeof bytes), expected);
}

// What a source says about itself need not be text.
static void test_texts_of_others(void)
{
    check_json(bf_json_text("web \"1\""), "\"web \\\"1\\\"\"");
    check_json(bf_json_text("\xc3\xa4"), "\"\xc3\xa4\"");
    check_json(bf_json_text("\xc3"), "null");
    check_json(bf_json_text("\xff\xfe"), "null");
}

TEST_MAIN(TEST(test_times), TEST(test_times_that_are_none), TEST(test_times_for_scripts),
          TEST(test_sizes), TEST(test_digests), TEST(test_texts_of_others))
