// SPDX-License-Identifier: Apache-2.0
// The rest of the boot image's C library: allocation from the one account of base/mem.h,
// formatting by base/fmt.h, the wall clock of the platform (C11 7.21, 7.22, 7.27). Third-party code
// calls these; our own portable code uses base/ directly.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"

void *malloc(size_t size)
{
    return bf_alloc(size);
}

void *calloc(size_t count, size_t size)
{
    size_t total;

    return __builtin_mul_overflow(count, size, &total) ? NULL : bf_alloc(total);
}

void free(void *memory)
{
    bf_free(memory);
}

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int atoi(const char *string)
{
    unsigned value = 0;
    int negative = 0;

    while (is_space(*string))
        string++;
    if (*string == '-' || *string == '+')
        negative = *string++ == '-';
    while (*string >= '0' && *string <= '9')
        value = value * 10 + (unsigned)(*string++ - '0');
    return (int)(negative ? 0 - value : value);
}

int snprintf(char *out, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = bf_vsnprintf(out, size, format, args);
    va_end(args);
    return length;
}

time_t time(time_t *out)
{
    time_t now = bf_platform_wall();

    if (out)
        *out = now;
    return now;
}
