// SPDX-License-Identifier: Apache-2.0
// Accounted memory over the platform's allocator. In front of every block stands a header with its
// whole size and the distance to its beginning; the header is as large as the alignment, so device
// buffers should be few and large. The account is atomic: it is as thread safe as the platform.
#include "base/mem.h"

#include <string.h>

#include "base/bytes.h"
#include "base/platform.h"

enum { HEADER = 16, ALIGN_MAX = 4096 };

struct header {
    uint64_t total;  // bytes taken from the platform
    uint64_t offset; // of the caller's memory within them
};
_Static_assert(sizeof(struct header) == HEADER, "header fills its place");

static uint64_t in_use, peak, limit;

static int account(uint64_t bytes)
{
    uint64_t now = __atomic_add_fetch(&in_use, bytes, __ATOMIC_RELAXED);
    uint64_t top = __atomic_load_n(&limit, __ATOMIC_RELAXED);
    if (now < bytes || (top && now > top)) {
        __atomic_sub_fetch(&in_use, bytes, __ATOMIC_RELAXED);
        return 0;
    }
    uint64_t seen = __atomic_load_n(&peak, __ATOMIC_RELAXED);
    while (now > seen &&
           !__atomic_compare_exchange_n(&peak, &seen, now, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return 1;
}

void *bf_alloc_aligned(size_t size, size_t align)
{
    size_t offset = align < HEADER ? HEADER : align;
    if (!bf_is_power_of_two(align) || align > ALIGN_MAX || size > SIZE_MAX - offset)
        return NULL;
    if (!account(size + offset))
        return NULL;
    uint8_t *base = bf_platform_alloc(size + offset, offset);
    if (!base) {
        __atomic_sub_fetch(&in_use, size + offset, __ATOMIC_RELAXED);
        return NULL;
    }
    memset(base, 0, size + offset);
    struct header h = {size + offset, offset};
    memcpy(base + offset - HEADER, &h, sizeof h);
    return base + offset;
}

void *bf_alloc(size_t size)
{
    return bf_alloc_aligned(size, HEADER);
}

void bf_free(void *memory)
{
    struct header h;
    if (!memory)
        return;
    memcpy(&h, (uint8_t *)memory - HEADER, sizeof h);
    __atomic_sub_fetch(&in_use, h.total, __ATOMIC_RELAXED);
    bf_platform_free((uint8_t *)memory - h.offset);
}

void bf_mem_usage(struct bf_mem_usage *out)
{
    out->in_use = __atomic_load_n(&in_use, __ATOMIC_RELAXED);
    out->peak = __atomic_load_n(&peak, __ATOMIC_RELAXED);
    out->limit = __atomic_load_n(&limit, __ATOMIC_RELAXED);
}

void bf_mem_set_limit(uint64_t bytes)
{
    __atomic_store_n(&limit, bytes, __ATOMIC_RELAXED);
}
