// SPDX-License-Identifier: Apache-2.0
// Calendar arithmetic in eras of 400 years that begin on the first of March, so that the leap day
// is the last of its year and the lengths of the months follow one linear rule.
#include "net/tls/utc.h"

#include "base/assert.h"
#include "base/fmt.h"

enum {
    ERA_YEARS = 400,
    ERA_DAYS = 146097,
    EPOCH_FROM_ERA = 719468, // 0000-03-01 to 1970-01-01
};

void bf_civil_from_days(int64_t days, int32_t *year, uint32_t *month, uint32_t *day)
{
    days += EPOCH_FROM_ERA;
    int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
    uint32_t of_era = (uint32_t)(days - era * ERA_DAYS);
    uint32_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * y + y / 4 - y / 100);
    BF_ASSERT(of_era < ERA_DAYS && of_year < 366);
    uint32_t m = (5 * of_year + 2) / 153; // 0 is March
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = (int32_t)(era * ERA_YEARS + y + (*month <= 2));
}

int64_t bf_utc_seconds(int32_t year, uint32_t month, uint32_t day, uint32_t hour, uint32_t minute,
                       uint32_t second)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - (ERA_YEARS - 1)) / ERA_YEARS;
    int64_t of_era = y - era * ERA_YEARS;
    int64_t m = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
    int64_t of_year = (153 * m + 2) / 5 + (int64_t)day - 1;
    int64_t days = era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return (days - EPOCH_FROM_ERA) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
}

void bf_utc_text(int64_t seconds, char out[32])
{
    int32_t year;
    uint32_t month, day;
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    bf_civil_from_days(days, &year, &month, &day);
    bf_snprintf(out, 32, "%04d-%02u-%02u %02u:%02u UTC", (int)year, (unsigned)month, (unsigned)day,
                (unsigned)(rest / 3600), (unsigned)(rest / 60 % 60));
}
