// SPDX-License-Identifier: Apache-2.0
// A heap with boundary tags: small blocks come out of regions of 256 KiB, free neighbours are
// joined at once, free blocks hang in bins by power of two. A request of 64 KiB or more gets pages
// of its own, which return to the firmware when it is freed. Regions are kept.
#include "boot/heap.h"

#include "base/bytes.h"

enum {
    GRAIN = 16,
    REGION_PAGES = 64,
    REGION = REGION_PAGES * BF_HEAP_PAGE,
    LARGE = 65536,
    SCAN = 32, // blocks looked at in the bin where only some are large enough
    FREE = 0x66726565,
    USED = 0x75736564,
    PAGES = 0x70616765, // a large block: size counts its pages
};

// In front of every block. size and before include this header; before is 0 for a region's first.
struct bf_heap_block {
    uint32_t size;
    uint32_t before;
    uint32_t state;
    uint32_t unused;
    struct bf_heap_block *next, *previous; // only while free
};

enum { HEADER = 16, SMALLEST = 32 };
_Static_assert(offsetof(struct bf_heap_block, next) == HEADER, "the links lie in the payload");
_Static_assert(sizeof(struct bf_heap_block) == SMALLEST, "a free block holds its links");

static struct bf_heap_block *at(struct bf_heap_block *block, size_t distance)
{
    return (struct bf_heap_block *)((uint8_t *)block + distance);
}

static struct bf_heap_block *before(struct bf_heap_block *block)
{
    return (struct bf_heap_block *)((uint8_t *)block - block->before);
}

// Blocks of bin i have 2^(i+5) to 2^(i+6)-1 bytes.
static uint32_t bin_of(size_t size)
{
    uint32_t bin = 58 - (uint32_t)__builtin_clzll(size);

    return bin < BF_HEAP_BINS ? bin : BF_HEAP_BINS - 1;
}

static void hang_in(struct bf_heap *heap, struct bf_heap_block *block)
{
    struct bf_heap_block **head = &heap->bins[bin_of(block->size)];

    block->state = FREE;
    block->previous = NULL;
    block->next = *head;
    if (*head)
        (*head)->previous = block;
    *head = block;
}

static void take_out(struct bf_heap *heap, struct bf_heap_block *block)
{
    if (block->previous)
        block->previous->next = block->next;
    else
        heap->bins[bin_of(block->size)] = block->next;
    if (block->next)
        block->next->previous = block->previous;
    block->state = USED;
}

int bf_heap_claim(struct bf_heap *heap, uint64_t bytes)
{
    if (heap->limit && (heap->held > heap->limit || bytes > heap->limit - heap->held))
        return -1;
    heap->held += bytes;
    if (heap->peak < heap->held)
        heap->peak = heap->held;
    return 0;
}

void bf_heap_unclaim(struct bf_heap *heap, uint64_t bytes)
{
    heap->held -= bytes;
}

static void *hold_pages(struct bf_heap *heap, size_t pages)
{
    uint64_t bytes = (uint64_t)pages * BF_HEAP_PAGE;
    void *memory;

    if (bf_heap_claim(heap, bytes) != 0)
        return NULL;
    memory = heap->get_pages(pages);
    if (!memory)
        bf_heap_unclaim(heap, bytes);
    return memory;
}

// A new region: one free block and a used one of no size that ends it.
static int add_region(struct bf_heap *heap)
{
    struct bf_heap_block *block = hold_pages(heap, REGION_PAGES), *end;

    if (!block)
        return -1;
    block->size = REGION - HEADER;
    block->before = 0;
    end = at(block, block->size);
    end->size = 0;
    end->before = block->size;
    end->state = USED;
    hang_in(heap, block);
    return 0;
}

static struct bf_heap_block *find(struct bf_heap *heap, size_t size)
{
    uint32_t bin = bin_of(size);
    struct bf_heap_block *block = heap->bins[bin];

    for (int i = 0; block && i < SCAN; i++, block = block->next)
        if (block->size >= size)
            return block;
    while (++bin < BF_HEAP_BINS)
        if (heap->bins[bin])
            return heap->bins[bin];
    return NULL;
}

// Cuts a used block so that the first part has size bytes; returns the second part, used as well.
static struct bf_heap_block *cut(struct bf_heap_block *block, size_t size)
{
    struct bf_heap_block *rest = at(block, size);

    rest->size = block->size - (uint32_t)size;
    rest->before = (uint32_t)size;
    rest->state = USED;
    block->size = (uint32_t)size;
    at(rest, rest->size)->before = rest->size;
    return rest;
}

// Hangs a used block in, joined with its free neighbours.
static void release(struct bf_heap *heap, struct bf_heap_block *block)
{
    struct bf_heap_block *next = at(block, block->size);

    if (next->state == FREE) {
        take_out(heap, next);
        block->size += next->size;
    }
    if (block->before && before(block)->state == FREE) {
        struct bf_heap_block *joined = before(block);
        take_out(heap, joined);
        joined->size += block->size;
        block->state = 0; // a second free of it is recognised
        block = joined;
    }
    at(block, block->size)->before = block->size;
    hang_in(heap, block);
}

// Pages of its own, the header in the first of them, so the memory is page aligned.
static void *alloc_large(struct bf_heap *heap, size_t size)
{
    size_t pages = size / BF_HEAP_PAGE + (size % BF_HEAP_PAGE != 0) + 1;
    struct bf_heap_block *block;
    uint8_t *memory;

    if (pages > UINT32_MAX)
        return NULL;
    memory = hold_pages(heap, pages);
    if (!memory)
        return NULL;
    block = (struct bf_heap_block *)(memory + BF_HEAP_PAGE - HEADER);
    block->size = (uint32_t)pages;
    block->before = 0;
    block->state = PAGES;
    return memory + BF_HEAP_PAGE;
}

// The block for an aligned payload inside a larger one; what lies before it is given back.
static struct bf_heap_block *align_block(struct bf_heap *heap, struct bf_heap_block *block,
                                         size_t align)
{
    uintptr_t payload = (uintptr_t)block + HEADER;
    size_t skip = (size_t)(-payload & (align - 1));
    struct bf_heap_block *rest;

    if (!skip)
        return block;
    if (skip < SMALLEST)
        skip += align;
    rest = cut(block, skip);
    release(heap, block);
    return rest;
}

void *bf_heap_alloc(struct bf_heap *heap, size_t size, size_t align)
{
    struct bf_heap_block *block;
    size_t need, extra;

    if (align > BF_HEAP_PAGE || (align && !bf_is_power_of_two(align)))
        return NULL;
    if (size >= LARGE)
        return alloc_large(heap, size);
    need = (size + HEADER + GRAIN - 1) & ~(size_t)(GRAIN - 1);
    if (need < SMALLEST)
        need = SMALLEST;
    // Room to move the payload up to the alignment, and once more past a gap that is too small.
    extra = align > GRAIN ? 2 * align : 0;
    block = find(heap, need + extra);
    if (!block && add_region(heap) == 0)
        block = find(heap, need + extra);
    if (!block)
        return NULL;
    take_out(heap, block);
    if (extra)
        block = align_block(heap, block, align);
    if (block->size - need >= SMALLEST)
        release(heap, cut(block, need));
    return at(block, HEADER);
}

int bf_heap_free(struct bf_heap *heap, void *memory)
{
    struct bf_heap_block *block;

    if (!memory)
        return 0;
    block = (struct bf_heap_block *)((uint8_t *)memory - HEADER);
    if (block->state == PAGES) {
        uint32_t pages = block->size;
        block->state = 0;
        heap->held -= (uint64_t)pages * BF_HEAP_PAGE;
        heap->put_pages((uint8_t *)memory - BF_HEAP_PAGE, pages);
        return 0;
    }
    if (block->state != USED || block->size < SMALLEST || block->size % GRAIN)
        return -1;
    release(heap, block);
    return 0;
}
