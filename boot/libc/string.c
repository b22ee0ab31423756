// SPDX-License-Identifier: Apache-2.0
// Memory and string functions of the boot image (C11 7.24). Blocks of 16 bytes move through a
// vector register of whatever architecture this is; the rest goes byte by byte. The compiler may
// not turn these loops into calls of the functions that they implement (-fno-builtin).
#include <stdint.h>
#include <string.h>

typedef uint8_t block __attribute__((vector_size(16), aligned(1), may_alias));

static void copy_up(uint8_t *to, const uint8_t *from, size_t length)
{
    for (; length >= 64; length -= 64, to += 64, from += 64) {
        block a = *(const block *)from, b = *(const block *)(from + 16);
        block c = *(const block *)(from + 32), d = *(const block *)(from + 48);
        *(block *)to = a, *(block *)(to + 16) = b;
        *(block *)(to + 32) = c, *(block *)(to + 48) = d;
    }
    for (; length >= 16; length -= 16, to += 16, from += 16)
        *(block *)to = *(const block *)from;
    while (length--)
        *to++ = *from++;
}

static void copy_down(uint8_t *to, const uint8_t *from, size_t length)
{
    for (; length >= 16; length -= 16)
        *(block *)(to + length - 16) = *(const block *)(from + length - 16);
    while (length--)
        to[length] = from[length];
}

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    copy_up(to, from, length);
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    if ((uintptr_t)to - (uintptr_t)from >= length)
        copy_up(to, from, length);
    else
        copy_down(to, from, length);
    return to;
}

void *memset(void *to, int byte, size_t length)
{
    uint8_t *at = to, value = (uint8_t)byte;
    block pattern = (block){0} + value;

    for (; length >= 16; length -= 16, at += 16)
        *(block *)at = pattern;
    while (length--)
        *at++ = value;
    return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
    const uint8_t *x = a, *y = b;
    uint64_t p, q;

    for (; length >= sizeof p; length -= sizeof p, x += sizeof p, y += sizeof p) {
        __builtin_memcpy(&p, x, sizeof p);
        __builtin_memcpy(&q, y, sizeof q);
        if (p != q)
            break;
    }
    for (; length; length--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

void *memchr(const void *memory, int byte, size_t length)
{
    const uint8_t *at = memory;

    for (; length; length--, at++)
        if (*at == (uint8_t)byte)
            return (void *)at;
    return NULL;
}

size_t strlen(const char *string)
{
    const char *end = string;

    while (*end)
        end++;
    return (size_t)(end - string);
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit; limit--, a++, b++) {
        uint8_t x = (uint8_t)*a, y = (uint8_t)*b;
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *string, int byte)
{
    for (;; string++) {
        if (*string == (char)byte)
            return (char *)string;
        if (!*string)
            return NULL;
    }
}

char *strrchr(const char *string, int byte)
{
    const char *found = NULL;

    for (;; string++) {
        if (*string == (char)byte)
            found = string;
        if (!*string)
            return (char *)found;
    }
}

char *strstr(const char *string, const char *part)
{
    size_t length = strlen(part);

    for (; *string || !length; string++)
        if (strncmp(string, part, length) == 0)
            return (char *)string;
    return NULL;
}

size_t strspn(const char *string, const char *accept)
{
    size_t length = 0;

    while (string[length] && strchr(accept, string[length]))
        length++;
    return length;
}

size_t strcspn(const char *string, const char *reject)
{
    size_t length = 0;

    while (string[length] && !strchr(reject, string[length]))
        length++;
    return length;
}
