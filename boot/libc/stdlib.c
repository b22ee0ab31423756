// SPDX-License-Identifier: Apache-2.0
// The rest of the boot image's C library: allocation from the one account of base/mem.h,
// formatting by base/fmt.h, the wall clock of the platform, ASCII classes (C11 7.4, 7.21, 7.22,
// 7.27). Third-party code calls these; our own portable code uses base/ directly.
#include <ctype.h>
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

int atoi(const char *string)
{
    unsigned value = 0;
    int negative = 0;

    while (isspace((unsigned char)*string))
        string++;
    if (*string == '-' || *string == '+')
        negative = *string++ == '-';
    while (isdigit((unsigned char)*string))
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

int vsnprintf(char *out, size_t size, const char *format, va_list args)
{
    return bf_vsnprintf(out, size, format, args);
}

time_t time(time_t *out)
{
    time_t now = bf_platform_wall();

    if (out)
        *out = now;
    return now;
}

int isdigit(int c)
{
    return c >= '0' && c <= '9';
}

int isupper(int c)
{
    return c >= 'A' && c <= 'Z';
}

int islower(int c)
{
    return c >= 'a' && c <= 'z';
}

int isalpha(int c)
{
    return isupper(c) || islower(c);
}

int isalnum(int c)
{
    return isalpha(c) || isdigit(c);
}

int isxdigit(int c)
{
    return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

int isspace(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int isprint(int c)
{
    return c >= ' ' && c <= '~';
}

int tolower(int c)
{
    return isupper(c) ? c - 'A' + 'a' : c;
}

int toupper(int c)
{
    return islower(c) ? c - 'a' + 'A' : c;
}
