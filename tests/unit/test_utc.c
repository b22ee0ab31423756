// SPDX-License-Identifier: Apache-2.0
// Calendar arithmetic against the C library's, over every day of twelve centuries.
#include <time.h>

#include "net/tls/utc.h"
#include "tests/unit/test.h"

static void test_every_day_agrees_with_the_c_library(void)
{
    for (int64_t day = -250000; day <= 250000; day++) {
        time_t seconds = day * 86400;
        struct tm t;
        int32_t year;
        uint32_t month, of_month;
        CHECK(gmtime_r(&seconds, &t));
        bf_civil_from_days(day, &year, &month, &of_month);
        CHECK_EQ(year, t.tm_year + 1900);
        CHECK_EQ(month, t.tm_mon + 1);
        CHECK_EQ(of_month, t.tm_mday);
        CHECK_EQ(bf_utc_seconds(year, month, of_month, 23, 59, 58), seconds + 86398);
    }
}

static void test_text(void)
{
    char text[32];
    bf_utc_text(0, text);
    CHECK_STR(text, "1970-01-01 00:00 UTC");
    bf_utc_text(-1, text);
    CHECK_STR(text, "1969-12-31 23:59 UTC");
    bf_utc_text(951782399, text);
    CHECK_STR(text, "2000-02-28 23:59 UTC");
    bf_utc_text(INT64_MAX / 1000, text); // absurd, but bounded
    CHECK(strlen(text) < sizeof text);
}

TEST_MAIN(TEST(test_every_day_agrees_with_the_c_library), TEST(test_text))
