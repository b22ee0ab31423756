// SPDX-License-Identifier: Apache-2.0
// Chance for custom mutators: the same for a seed.
#ifndef BF_TESTS_FUZZ_RNG_H
#define BF_TESTS_FUZZ_RNG_H

#include <stddef.h>
#include <stdint.h>

// libFuzzer's own mutation, for whatever needs no structure.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

struct fuzz_rng {
    uint64_t state;
};

static inline uint64_t fuzz_next(struct fuzz_rng *r)
{
    r->state = r->state * 6364136223846793005ull + 1442695040888963407ull;
    return r->state >> 33 ^ r->state >> 15;
}

// Less than `end`, which is not 0.
static inline uint64_t fuzz_below(struct fuzz_rng *r, uint64_t end)
{
    return fuzz_next(r) % end;
}

// A number of the kind at which bounds break.
static inline uint64_t fuzz_number(struct fuzz_rng *r)
{
    uint64_t power = 1ull << fuzz_below(r, 64);
    switch (fuzz_below(r, 5)) {
    case 0:
        return fuzz_below(r, 16);
    case 1:
        return power;
    case 2:
        return power - 1;
    case 3:
        return 0 - fuzz_below(r, 16);
    default:
        return fuzz_next(r);
    }
}

#endif
