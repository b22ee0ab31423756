// SPDX-License-Identifier: Apache-2.0
// The boot program's heap: alignment, joining of neighbours, the limit, large blocks, and a long
// random run in which every block keeps its contents.
#include "tests/unit/test.h"

#include "boot/heap.h"

// What the heap holds now, as its provider sees it. Regions are never given back, so a case ends
// with drop_heap.
static void *held[1024];
static size_t pages_out;

static void *get_pages(size_t count)
{
    for (size_t i = 0; i < 1024; i++)
        if (!held[i]) {
            pages_out += count;
            return held[i] = aligned_alloc(BF_HEAP_PAGE, count * BF_HEAP_PAGE);
        }
    return NULL;
}

static void put_pages(void *memory, size_t count)
{
    pages_out -= count;
    for (size_t i = 0; i < 1024; i++)
        if (held[i] == memory)
            held[i] = NULL;
    free(memory);
}

static void drop_heap(void)
{
    for (size_t i = 0; i < 1024; i++) {
        free(held[i]);
        held[i] = NULL;
    }
}

static struct bf_heap new_heap(uint64_t limit)
{
    pages_out = 0;
    return (struct bf_heap){.get_pages = get_pages, .put_pages = put_pages, .limit = limit};
}

static void test_alignment(void)
{
    struct bf_heap heap = new_heap(0);
    void *odd[13];

    for (size_t i = 0; i < 13; i++) {
        size_t align = (size_t)1 << i;
        odd[i] = bf_heap_alloc(&heap, 24 + i, align);
        CHECK(odd[i]);
        CHECK_EQ((uintptr_t)odd[i] % align, 0);
        CHECK_EQ((uintptr_t)odd[i] % 16, 0);
        memset(odd[i], 0x5a, 24 + i);
    }
    for (size_t i = 0; i < 13; i++)
        CHECK_EQ(bf_heap_free(&heap, odd[i]), 0);
    CHECK(!bf_heap_alloc(&heap, 8, 8192));
    CHECK(!bf_heap_alloc(&heap, 8, 24));
    drop_heap();
}

// After everything is freed in a mixed order one region is whole again: its largest block fits.
static void test_neighbours_join(void)
{
    struct bf_heap heap = new_heap(0);
    void *block[64];

    for (int i = 0; i < 64; i++)
        CHECK(block[i] = bf_heap_alloc(&heap, 3000, 16));
    CHECK_EQ(pages_out, 64);
    for (int i = 0; i < 64; i++)
        CHECK_EQ(bf_heap_free(&heap, block[(i * 37) % 64]), 0);
    for (int i = 0; i < 3; i++)
        CHECK(bf_heap_alloc(&heap, 65000, 16));
    CHECK_EQ(pages_out, 64);
    drop_heap();
}

static void test_limit(void)
{
    struct bf_heap heap = new_heap(1 << 20);
    void *large = bf_heap_alloc(&heap, 700000, 16);

    CHECK(large);
    CHECK_EQ((uintptr_t)large % BF_HEAP_PAGE, 0);
    CHECK(!bf_heap_alloc(&heap, 400000, 16));
    CHECK(bf_heap_alloc(&heap, 100, 16)); // one region still fits
    CHECK(!bf_heap_alloc(&heap, SIZE_MAX - 4, 16));
    CHECK_EQ(heap.held, pages_out * BF_HEAP_PAGE);
    CHECK_EQ(bf_heap_free(&heap, large), 0);
    CHECK_EQ(pages_out, 64);
    CHECK(heap.peak > 700000 && heap.peak <= 1 << 20);
    drop_heap();
}

static void test_claims_count(void)
{
    struct bf_heap heap = new_heap(8 << 20);
    uint64_t before = heap.held;

    CHECK_EQ(bf_heap_claim(&heap, 6 << 20), 0);
    CHECK_EQ(heap.held, before + (6 << 20));
    CHECK(heap.peak >= heap.held);
    CHECK(bf_heap_alloc(&heap, 4 << 20, 16) == NULL);
    CHECK_EQ(bf_heap_claim(&heap, 4 << 20), -1);
    CHECK_EQ(bf_heap_claim(&heap, UINT64_MAX), -1);
    bf_heap_unclaim(&heap, 6 << 20);
    CHECK_EQ(heap.held, before);
    void *memory = bf_heap_alloc(&heap, 4 << 20, 16);
    CHECK(memory);
    CHECK_EQ(bf_heap_free(&heap, memory), 0);
    drop_heap();
}

static void test_double_free_is_refused(void)
{
    struct bf_heap heap = new_heap(0);
    void *a = bf_heap_alloc(&heap, 100, 16), *b = bf_heap_alloc(&heap, 100, 16);

    CHECK(a && b);
    CHECK_EQ(bf_heap_free(&heap, a), 0);
    CHECK_EQ(bf_heap_free(&heap, a), -1);
    CHECK_EQ(bf_heap_free(&heap, b), 0);
    CHECK_EQ(bf_heap_free(&heap, b), -1);
    CHECK_EQ(bf_heap_free(&heap, NULL), 0);
    drop_heap();
}

struct kept {
    uint8_t *bytes;
    size_t size;
    uint8_t fill;
};

static void check_fill(const struct kept *kept)
{
    for (size_t i = 0; i < kept->size; i++)
        if (kept->bytes[i] != kept->fill)
            FAIL("byte %zu of %zu was overwritten", i, kept->size);
}

static void test_random(void)
{
    struct bf_heap heap = new_heap(64 << 20);
    struct kept kept[200] = {0};
    uint64_t seed = 42;

    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        struct kept *slot = &kept[(seed >> 33) % 200];
        if (slot->bytes) {
            check_fill(slot);
            CHECK_EQ(bf_heap_free(&heap, slot->bytes), 0);
            slot->bytes = NULL;
            continue;
        }
        slot->size = (seed >> 40) % ((seed >> 20) % 16 ? 2000 : 100000);
        size_t align = (size_t)1 << ((seed >> 58) % 13);
        slot->fill = (uint8_t)seed;
        slot->bytes = bf_heap_alloc(&heap, slot->size, align);
        CHECK(slot->bytes);
        CHECK_EQ((uintptr_t)slot->bytes % align, 0);
        memset(slot->bytes, slot->fill, slot->size);
    }
    for (int i = 0; i < 200; i++)
        CHECK_EQ(bf_heap_free(&heap, kept[i].bytes), 0);
    CHECK_EQ(heap.held, pages_out * BF_HEAP_PAGE);
    CHECK_EQ(pages_out % 64, 0);
    drop_heap();
}

TEST_MAIN(TEST(test_alignment), TEST(test_neighbours_join), TEST(test_limit),
          TEST(test_claims_count), TEST(test_double_free_is_refused), TEST(test_random))
