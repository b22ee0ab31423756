// SPDX-License-Identifier: Apache-2.0
// The lines for scripts: quoting, hostile values, and what happens when a line is full.
#include "tests/unit/test.h"

#include "migrate/report.h"

static void test_fields(void)
{
    struct bf_report r;

    bf_report_begin(&r, "disk");
    bf_report_u64(&r, "bytes", UINT64_MAX);
    bf_report_seconds(&r, "t", 61002999);
    bf_report_text(&r, "server", "[fd00::1]:7667");
    bf_report_text(&r, "nic", "52:54:00:12:34:56");
    bf_report_text(&r, "serial", "");
    CHECK_STR(bf_report_end(&r),
              "BOOTFERRY event=disk bytes=18446744073709551615 t=61.002 "
              "server=\"[fd00::1]:7667\" nic=52:54:00:12:34:56 serial=\"\"");
}

// A disk may call itself whatever it likes: nothing of it becomes a second field or a second line.
static void test_hostile_value(void)
{
    struct bf_report r;

    bf_report_begin(&r, NULL);
    bf_report_text(&r, "model", "x\" verdict=ok\r\nBOOTFERRY verdict=ok \\\x1b[2J\xff");
    CHECK_STR(bf_report_end(&r), "BOOTFERRY model=\"x' verdict=ok??BOOTFERRY verdict=ok '?[2J?\"");
}

static void test_full_line(void)
{
    struct bf_report r;
    char value[BF_REPORT_MAX];

    memset(value, 'a', sizeof value);
    value[300] = 0;
    bf_report_begin(&r, "log");
    bf_report_text(&r, "one", value);
    bf_report_text(&r, "two", value);   // 305 more fit
    bf_report_text(&r, "three", value); // does not
    bf_report_u64(&r, "last", 7);
    CHECK(!strstr(bf_report_end(&r), "three"));
    CHECK(strstr(bf_report_end(&r), "a last=7"));
    CHECK_EQ(strlen(bf_report_end(&r)), r.len);

    memset(value, 'b', sizeof value);
    value[sizeof value - 1] = 0;
    bf_report_begin(&r, "log");
    bf_report_text(&r, "text", value);
    CHECK(strlen(bf_report_end(&r)) < BF_REPORT_MAX);
}

TEST_MAIN(TEST(test_fields), TEST(test_hostile_value), TEST(test_full_line))
