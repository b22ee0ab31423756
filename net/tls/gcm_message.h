// SPDX-License-Identifier: Apache-2.0
// What the AES-GCM engines of x86-64 have in common: one message in blocks of 128 bits, its
// beginning, its short rest and its tag. Used by net/tls/gcm_aesni.c and net/tls/gcm_vaes.c only;
// inline, since each engine is compiled for instructions of its own. No table look-ups and no
// branches on secrets, so the time depends on lengths only.
//
// GHASH is computed as POLYVAL (RFC 8452, appendix A): blocks are byte-reversed, H is multiplied
// by x once, and a product is reduced by two folds with x^63 + x^62 + x^57, the upper part of the
// field's polynomial x^128 + x^127 + x^126 + x^121 + 1. References: NIST SP 800-38D, FIPS 197.
#ifndef BF_NET_TLS_GCM_MESSAGE_H
#define BF_NET_TLS_GCM_MESSAGE_H

#include <smmintrin.h>
#include <tmmintrin.h>
#include <wmmintrin.h>

#include <string.h>

#include "base/mem.h"
#include "net/tls/gcm_aesni.h"

enum { BLOCK = 16, LANES = 8 };

// A product that has not been reduced: 256 bits, the middle to be added in between.
struct product {
    __m128i low, middle, high;
};

// The state of one message.
struct message {
    const struct bf_gcm_aesni_key *key;
    __m128i counter; // byte-reversed, so that its lowest 32 bits are the block counter
    __m128i hash;    // byte-reversed
};

static inline __m128i reverse(__m128i v)
{
    return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

static inline __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline void store(uint8_t *at, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)at, v);
}

static inline __m128i encrypt(const struct bf_gcm_aesni_key *k, __m128i b)
{
    b = _mm_xor_si128(b, k->round[0]);
    for (uint32_t r = 1; r < k->rounds; r++)
        b = _mm_aesenc_si128(b, k->round[r]);
    return _mm_aesenclast_si128(b, k->round[k->rounds]);
}

// ---- GHASH -------------------------------------------------------------------------------------

// H^n in the domain of POLYVAL.
static inline __m128i power(const struct bf_gcm_aesni_key *k, uint32_t n)
{
    return k->power[BF_GCM_POWERS - n];
}

static inline void multiply_add(struct product *p, __m128i a, __m128i b)
{
    p->low = _mm_xor_si128(p->low, _mm_clmulepi64_si128(a, b, 0x00));
    p->high = _mm_xor_si128(p->high, _mm_clmulepi64_si128(a, b, 0x11));
    p->middle = _mm_xor_si128(p->middle, _mm_clmulepi64_si128(a, b, 0x01));
    p->middle = _mm_xor_si128(p->middle, _mm_clmulepi64_si128(a, b, 0x10));
}

static inline struct product zero(void)
{
    return (struct product){_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
}

static inline __m128i reduce(const struct product *p)
{
    const __m128i fold = _mm_set_epi32(0, 0, (int)0xc2000000, 0);
    __m128i low = _mm_xor_si128(p->low, _mm_slli_si128(p->middle, 8));
    __m128i high = _mm_xor_si128(p->high, _mm_srli_si128(p->middle, 8));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, fold, 0x00));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, fold, 0x00));
    return _mm_xor_si128(low, high);
}

static inline __m128i multiply(__m128i a, __m128i b)
{
    struct product p = zero();
    multiply_add(&p, a, b);
    return reduce(&p);
}

static inline void hash_block(struct message *m, __m128i block)
{
    m->hash = multiply(_mm_xor_si128(m->hash, reverse(block)), power(m->key, 1));
}

static inline __m128i load_part(const uint8_t *bytes, size_t len)
{
    uint8_t block[BLOCK] = {0};
    memcpy(block, bytes, len);
    __m128i v = load(block);
    bf_wipe(block, sizeof block);
    return v;
}

// Hashes eight blocks at once: sum of block[i] * H^(8-i).
static inline void hash_eight(struct message *m, const uint8_t *at)
{
    struct product p = zero();
    for (uint32_t i = 0; i < LANES; i++) {
        __m128i block = reverse(load(at + BLOCK * i));
        if (i == 0)
            block = _mm_xor_si128(block, m->hash);
        multiply_add(&p, block, power(m->key, LANES - i));
    }
    m->hash = reduce(&p);
}

static inline void hash_bytes(struct message *m, const uint8_t *at, size_t len)
{
    for (; len >= LANES * BLOCK; at += LANES * BLOCK, len -= LANES * BLOCK)
        hash_eight(m, at);
    for (; len >= BLOCK; at += BLOCK, len -= BLOCK)
        hash_block(m, load(at));
    if (len > 0)
        hash_block(m, load_part(at, len));
}

// ---- The message -------------------------------------------------------------------------------

static inline __m128i next_counter(struct message *m)
{
    m->counter = _mm_add_epi32(m->counter, _mm_set_epi32(0, 0, 0, 1));
    return reverse(m->counter);
}

// The last bytes, a block at a time. hash_input: the cipher text is what comes in.
static inline void rest(struct message *m, int hash_input, const uint8_t *in, uint8_t *out,
                        size_t len)
{
    for (; len >= BLOCK; in += BLOCK, out += BLOCK, len -= BLOCK) {
        __m128i from = load(in);
        __m128i to = _mm_xor_si128(from, encrypt(m->key, next_counter(m)));
        hash_block(m, hash_input ? from : to);
        store(out, to);
    }
    if (len == 0)
        return;
    uint8_t block[BLOCK];
    __m128i from = load_part(in, len);
    store(block, _mm_xor_si128(from, encrypt(m->key, next_counter(m))));
    memcpy(out, block, len);
    hash_block(m, hash_input ? from : load_part(block, len));
    bf_wipe(block, sizeof block);
}

static inline struct message begin(const struct bf_gcm_aesni_key *k, const uint8_t *nonce,
                                   const uint8_t *aad, size_t aad_len)
{
    uint8_t first[BLOCK] = {0};
    memcpy(first, nonce, 12);
    first[15] = 1;
    struct message m = {k, reverse(load(first)), _mm_setzero_si128()};
    hash_bytes(&m, aad, aad_len);
    return m;
}

// The tag needs the first counter block, which is made again from the nonce.
static inline void finish(struct message *m, const uint8_t *nonce, size_t aad_len, size_t len,
                          uint8_t *tag)
{
    uint8_t first[BLOCK] = {0};
    memcpy(first, nonce, 12);
    first[15] = 1;
    __m128i lengths =
        _mm_set_epi64x((int64_t)((uint64_t)aad_len * 8), (int64_t)((uint64_t)len * 8));
    m->hash = multiply(_mm_xor_si128(m->hash, lengths), power(m->key, 1));
    store(tag, _mm_xor_si128(reverse(m->hash), encrypt(m->key, load(first))));
}

#endif
