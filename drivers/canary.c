// SPDX-License-Identifier: Apache-2.0
// Values at the end of each block of a buffer, see drivers/canary.h. They differ from block to
// block, so that one that was read from elsewhere on the same disk does not count.
#include "drivers/canary.h"

#include <string.h>

#include "base/assert.h"

static uint64_t canary(uint64_t nonce, uint32_t block)
{
    return (nonce + block) * 0x9e3779b97f4a7c15u; // odd: different blocks, different values
}

void bf_canary_set(void *data, uint32_t block_size, uint32_t blocks, uint64_t nonce)
{
    uint8_t *end = (uint8_t *)data + block_size - sizeof nonce;
    BF_ASSERT(block_size >= sizeof nonce);
    for (uint32_t i = 0; i < blocks; i++, end += block_size) {
        uint64_t value = canary(nonce, i);
        memcpy(end, &value, sizeof value);
    }
}

uint32_t bf_canary_find(const void *data, uint32_t block_size, uint32_t blocks, uint64_t nonce)
{
    const uint8_t *end = (const uint8_t *)data + block_size - sizeof nonce;
    BF_ASSERT(block_size >= sizeof nonce);
    for (uint32_t i = 0; i < blocks; i++, end += block_size) {
        uint64_t value = canary(nonce, i);
        if (memcmp(end, &value, sizeof value) == 0)
            return i;
    }
    return blocks;
}
