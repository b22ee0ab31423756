// SPDX-License-Identifier: Apache-2.0
// Dates of certificates: seconds since 1970-01-01 UTC and the proleptic Gregorian calendar.
#ifndef BF_NET_TLS_UTC_H
#define BF_NET_TLS_UTC_H

#include <stdint.h>

// Days since 1970-01-01 to year, month 1-12, day 1-31.
void bf_civil_from_days(int64_t days, int32_t *year, uint32_t *month, uint32_t *day);

int64_t bf_utc_seconds(int32_t year, uint32_t month, uint32_t day, uint32_t hour, uint32_t minute,
                       uint32_t second);

// "YYYY-MM-DD HH:MM UTC" for an operator.
void bf_utc_text(int64_t seconds, char out[32]);

#endif
