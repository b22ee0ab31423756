// SPDX-License-Identifier: Apache-2.0
// Numbers in bytes of a given order, and the smallest questions about numbers and arrays. Nothing
// here knows how many bytes there are: the caller has looked, or reads through base/cursor.h, which
// looks itself. `at` need not be aligned.
#ifndef BF_BASE_BYTES_H
#define BF_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The elements of an array; compilers warn of a pointer.
#define BF_COUNT(array) (sizeof(array) / sizeof((array)[0]))

// 1, 2, 4 and so on; 0 is none.
static inline bool bf_is_power_of_two(uint64_t v)
{
    return v && !(v & (v - 1));
}

// ---- Little-endian and big-endian --------------------------------------------------------------

// Each of the following becomes one or two instructions, at every level of optimization and in the
// freestanding build, where memcpy() would be called.

enum { BF_HOST_IS_BIG_ENDIAN = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ };

static inline uint16_t bf_le16(const void *at)
{
    uint16_t v;
    __builtin_memcpy(&v, at, sizeof v);
    return BF_HOST_IS_BIG_ENDIAN ? __builtin_bswap16(v) : v;
}

static inline uint32_t bf_le32(const void *at)
{
    uint32_t v;
    __builtin_memcpy(&v, at, sizeof v);
    return BF_HOST_IS_BIG_ENDIAN ? __builtin_bswap32(v) : v;
}

static inline uint64_t bf_le64(const void *at)
{
    uint64_t v;
    __builtin_memcpy(&v, at, sizeof v);
    return BF_HOST_IS_BIG_ENDIAN ? __builtin_bswap64(v) : v;
}

static inline uint16_t bf_be16(const void *at)
{
    return __builtin_bswap16(bf_le16(at));
}

static inline uint32_t bf_be32(const void *at)
{
    return __builtin_bswap32(bf_le32(at));
}

static inline uint64_t bf_be64(const void *at)
{
    return __builtin_bswap64(bf_le64(at));
}

static inline void bf_put_le16(void *at, uint16_t v)
{
    v = BF_HOST_IS_BIG_ENDIAN ? __builtin_bswap16(v) : v;
    __builtin_memcpy(at, &v, sizeof v);
}

static inline void bf_put_le32(void *at, uint32_t v)
{
    v = BF_HOST_IS_BIG_ENDIAN ? __builtin_bswap32(v) : v;
    __builtin_memcpy(at, &v, sizeof v);
}

static inline void bf_put_le64(void *at, uint64_t v)
{
    v = BF_HOST_IS_BIG_ENDIAN ? __builtin_bswap64(v) : v;
    __builtin_memcpy(at, &v, sizeof v);
}

static inline void bf_put_be16(void *at, uint16_t v)
{
    bf_put_le16(at, __builtin_bswap16(v));
}

static inline void bf_put_be32(void *at, uint32_t v)
{
    bf_put_le32(at, __builtin_bswap32(v));
}

static inline void bf_put_be64(void *at, uint64_t v)
{
    bf_put_le64(at, __builtin_bswap64(v));
}

// Numbers of any width, at most eight bytes: three of a LUN, six of a file reference, as many as a
// run list says. Of a number that is written, the upper bytes that have no room are left out.

static inline uint64_t bf_le(const void *at, size_t bytes)
{
    const uint8_t *byte = at;
    uint64_t v = 0;
    while (bytes--)
        v = v << 8 | byte[bytes];
    return v;
}

static inline uint64_t bf_be(const void *at, size_t bytes)
{
    const uint8_t *byte = at;
    uint64_t v = 0;
    while (bytes--)
        v = v << 8 | *byte++;
    return v;
}

static inline void bf_put_le(void *at, uint64_t v, size_t bytes)
{
    for (uint8_t *byte = at; bytes--; v >>= 8)
        *byte++ = (uint8_t)v;
}

static inline void bf_put_be(void *at, uint64_t v, size_t bytes)
{
    for (uint8_t *byte = at; bytes--; v >>= 8)
        byte[bytes] = (uint8_t)v;
}

#endif
