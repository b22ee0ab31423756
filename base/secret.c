// SPDX-License-Identifier: Apache-2.0
// Secrets in memory: they are overwritten for certain, and compared in constant time.
#include "base/mem.h"

#include <string.h>

void bf_wipe(void *memory, size_t len)
{
    memset(memory, 0, len);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

int bf_equal_secret(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t differs = 0;
    for (size_t i = 0; i < len; i++)
        differs |= x[i] ^ y[i];
    return differs == 0;
}
