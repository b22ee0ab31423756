// SPDX-License-Identifier: Apache-2.0
// The boot program's heap: firmware pages cut into blocks. The firmware's own pool would do, but it
// aligns to 8 bytes, and nobody could say how much it holds. One user, no locks.
#ifndef BF_BOOT_HEAP_H
#define BF_BOOT_HEAP_H

#include <stddef.h>
#include <stdint.h>

enum { BF_HEAP_PAGE = 4096, BF_HEAP_BINS = 24 };

struct bf_heap_block;

struct bf_heap {
    void *(*get_pages)(size_t count); // page aligned, or NULL
    void (*put_pages)(void *memory, size_t count);
    uint64_t limit; // bytes of pages held at most, 0 = none
    uint64_t held;  // bytes of pages held now
    uint64_t peak;
    struct bf_heap_block *bins[BF_HEAP_BINS]; // free blocks by size, powers of two
};

// Memory of size bytes, aligned to align: a power of two from 1 to 4096, at least 16 is given.
// Contents are undefined. NULL when the limit or the firmware refuses.
void *bf_heap_alloc(struct bf_heap *heap, size_t size, size_t align);

// Counts memory that somebody else holds with the heap's, within the limit: 0, or -1 when it is too
// much. unclaim takes off what was claimed.
int bf_heap_claim(struct bf_heap *heap, uint64_t bytes);
void bf_heap_unclaim(struct bf_heap *heap, uint64_t bytes);

// Gives memory back; takes NULL. Returns 0, or -1 when this is no block of the heap or its header
// was overwritten: then nothing is done, and the caller has a bug to report.
int bf_heap_free(struct bf_heap *heap, void *memory);

#endif
