// SPDX-License-Identifier: Apache-2.0
// <time.h> of the boot image: the wall clock, in UTC.
#ifndef BF_LIBC_TIME_H
#define BF_LIBC_TIME_H

#include <stdint.h>

typedef int64_t time_t;

struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};

time_t time(time_t *out);

#endif
