// SPDX-License-Identifier: Apache-2.0
// BLAKE3 behind image/digest.h (github.com/BLAKE3-team/BLAKE3-specs), and the zero test. This is
// the only file that includes the digest library, whose own dispatcher picks the vector code.
#include "image/digest.h"

#include <string.h>

#include <blake3.h>

#include "base/mem.h"

_Static_assert(sizeof(blake3_hasher) <= sizeof(struct bf_hasher), "the library's state fits");
_Static_assert(BLAKE3_OUT_LEN == sizeof(struct bf_digest), "digests are 32 bytes");

void bf_digest_of(struct bf_digest *out, const void *data, size_t len)
{
    blake3_hasher hasher;
    blake3_hasher_init(&hasher);
    blake3_hasher_update(&hasher, data, len);
    blake3_hasher_finalize(&hasher, out->bytes, sizeof out->bytes);
}

// 31 pieces of 1024 bytes: sixteen, eight, four, two and one at once, whatever the processor can
// do. The value is that of BLAKE3's official test vectors for 0, 1, ..., 250, 0, 1, ...
enum bf_err bf_digest_check(void)
{
    enum { BYTES = 31744 };
    static const struct bf_digest expected = {{0x62, 0xb6, 0x96, 0x0e, 0x1a, 0x44, 0xbc, 0xc1,
                                               0xeb, 0x1a, 0x61, 0x1a, 0x8d, 0x62, 0x35, 0xb6,
                                               0xb4, 0xb7, 0x8f, 0x32, 0xe7, 0xab, 0xc4, 0xfb,
                                               0x4c, 0x6c, 0xdc, 0xce, 0x94, 0x89, 0x5c, 0x47}};
    struct bf_digest digest;
    uint8_t *bytes = bf_alloc(BYTES);
    if (!bytes)
        return BF_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i % 251);
    bf_digest_of(&digest, bytes, BYTES);
    bf_free(bytes);
    return bf_digest_equal(&digest, &expected) ? BF_OK : BF_ERR_CORRUPT;
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
