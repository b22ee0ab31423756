// SPDX-License-Identifier: Apache-2.0
// Arrays of the maps: how they grow, a heap sort, which needs no memory and is never quadratic, and
// how many bits are set in one.
#include <string.h>

#include "base/mem.h"
#include "image/usage/parts.h"

enum { ELEMENT_MAX = 64 };

void *bf_usage_grow(void *array, uint32_t count, uint32_t *room, size_t size)
{
    uint8_t *more;
    uint32_t wanted = *room ? *room * 2 : 8;
    if (count < *room)
        return array;
    more = bf_alloc(wanted * size);
    if (!more)
        return NULL;
    if (count)
        memcpy(more, array, count * size);
    bf_free(array);
    *room = wanted;
    return more;
}

struct heap {
    uint8_t *at;
    size_t size;
    int (*before)(const void *a, const void *b);
};

static void swap(const struct heap *h, uint32_t i, uint32_t k)
{
    uint8_t keep[ELEMENT_MAX];
    memcpy(keep, h->at + i * h->size, h->size);
    memcpy(h->at + i * h->size, h->at + k * h->size, h->size);
    memcpy(h->at + k * h->size, keep, h->size);
}

static int in_order(const struct heap *h, uint32_t i, uint32_t k)
{
    return h->before(h->at + i * h->size, h->at + k * h->size);
}

static void sift(const struct heap *h, uint32_t root, uint32_t count)
{
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && in_order(h, child, child + 1))
            child++;
        if (!in_order(h, root, child))
            return;
        swap(h, root, child);
    }
}

void bf_usage_sort(void *array, uint32_t count, size_t size,
                   int (*before)(const void *a, const void *b))
{
    const struct heap h = {array, size, before};
    if (size > ELEMENT_MAX)
        return;
    for (uint32_t i = count / 2; i-- > 0;)
        sift(&h, i, count);
    for (uint32_t last = count; last-- > 1;) {
        swap(&h, 0, last);
        sift(&h, 0, last);
    }
}

uint32_t bf_usage_bits(const uint8_t *bits, uint64_t count)
{
    static const uint8_t of[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    uint32_t set = 0;
    for (; count >= 8; count -= 8, bits++)
        set += of[*bits & 15] + of[*bits >> 4];
    for (uint64_t i = 0; i < count; i++)
        set += *bits >> i & 1;
    return set;
}
