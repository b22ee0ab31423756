// SPDX-License-Identifier: Apache-2.0
// Memory for portable code: the platform's allocator with an account, so that the bound that is
// promised can be enforced and shown. The account is atomic, so this is as thread safe as the
// platform's allocator; workers of the boot program never allocate.
#ifndef BF_BASE_MEM_H
#define BF_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

// Zeroed memory, 16-byte aligned, or NULL when the limit or the platform refuses.
void *bf_alloc(size_t size);

// Zeroed memory for buffers given to devices, align a power of two up to 4096.
void *bf_alloc_aligned(size_t size, size_t align);

// Takes NULL.
void bf_free(void *memory);

struct bf_mem_usage {
    uint64_t in_use; // bytes, headers included
    uint64_t peak;
    uint64_t limit; // 0 = none
};
void bf_mem_usage(struct bf_mem_usage *out);
// For tests of what happens without memory; 0, the default: none.
void bf_mem_set_limit(uint64_t bytes);

// secret.c
// Overwrites secrets in a way that the compiler does not drop.
void bf_wipe(void *memory, size_t len);

// 1 when equal, in time that depends on len only.
int bf_equal_secret(const void *a, const void *b, size_t len);

#endif
