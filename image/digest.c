// SPDX-License-Identifier: Apache-2.0
// BLAKE3 behind image/digest.h (github.com/BLAKE3-team/BLAKE3-specs), and the zero test. This is
// the only file that includes the digest library, whose own dispatcher picks the vector code.
#include "image/digest.h"

#include <string.h>

#include <blake3.h>

_Static_assert(sizeof(blake3_hasher) <= sizeof(struct bf_hasher), "the library's state fits");
_Static_assert(BLAKE3_OUT_LEN == sizeof(struct bf_digest), "digests are 32 bytes");

void bf_digest_of(struct bf_digest *out, const void *data, size_t len)
{
    blake3_hasher hasher;
    blake3_hasher_init(&hasher);
    blake3_hasher_update(&hasher, data, len);
    blake3_hasher_finalize(&hasher, out->bytes, sizeof out->bytes);
}

int bf_digest_equal(const struct bf_digest *a, const struct bf_digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void bf_hasher_init(struct bf_hasher *hasher, const char *context)
{
    blake3_hasher_init_derive_key((blake3_hasher *)hasher->state, context);
}

void bf_hasher_add(struct bf_hasher *hasher, const void *data, size_t len)
{
    blake3_hasher_update((blake3_hasher *)hasher->state, data, len);
}

void bf_hasher_final(const struct bf_hasher *hasher, struct bf_digest *out)
{
    blake3_hasher_finalize((const blake3_hasher *)hasher->state, out->bytes, sizeof out->bytes);
}

// A block that the compiler turns into vector loads; most chunks that are not zero end the loop in
// its first turn.
static uint64_t any_of_128(const uint8_t *at)
{
    uint64_t words[16], any = 0;
    memcpy(words, at, sizeof words);
    for (int i = 0; i < 16; i++)
        any |= words[i];
    return any;
}

int bf_is_zero(const void *data, size_t len)
{
    const uint8_t *at = data;
    for (; len >= 128; at += 128, len -= 128)
        if (any_of_128(at))
            return 0;
    for (; len > 0; at++, len--)
        if (*at)
            return 0;
    return 1;
}
