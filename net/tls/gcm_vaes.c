// SPDX-License-Identifier: Apache-2.0
// AES-GCM by VAES and VPCLMULQDQ on registers of 256 bits: sixteen blocks at a time, two in each
// register, with the GHASH of sixteen blocks woven into the AES rounds of sixteen others. What is
// left of a message, and everything else, is as in net/tls/gcm_message.h. Only where the operating
// environment keeps the wide registers; nothing stays in their upper halves. Intel SDM volume 2.
#include <immintrin.h>

#include "net/tls/gcm_message.h"
#include "net/tls/gcm_vaes.h"

enum { PAIRS = BF_GCM_POWERS / 2, STEP = BF_GCM_POWERS * BLOCK };

// Two products that have not been reduced, one for each half of the registers.
struct products {
    __m256i low, middle, high;
};

static inline __m256i load_pair(const void *at)
{
    return _mm256_loadu_si256(at);
}

static inline __m256i reverse_pair(__m256i v)
{
    return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

static inline void multiply_add_pair(struct products *p, __m256i a, __m256i b)
{
    p->low = _mm256_xor_si256(p->low, _mm256_clmulepi64_epi128(a, b, 0x00));
    p->high = _mm256_xor_si256(p->high, _mm256_clmulepi64_epi128(a, b, 0x11));
    p->middle = _mm256_xor_si256(p->middle, _mm256_clmulepi64_epi128(a, b, 0x01));
    p->middle = _mm256_xor_si256(p->middle, _mm256_clmulepi64_epi128(a, b, 0x10));
}

static inline __m128i sum_halves(__m256i v)
{
    return _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

static inline __m128i reduce_pair(const struct products *p)
{
    struct product sum = {sum_halves(p->low), sum_halves(p->middle), sum_halves(p->high)};
    return reduce(&sum);
}

// The hash joins the first of the sixteen blocks: sum of block[i] * H^(16-i).
static inline void hash_pair(const struct message *m, struct products *p, const uint8_t *hashed,
                             uint32_t i)
{
    __m256i blocks = reverse_pair(load_pair(hashed + 2 * BLOCK * i));
    if (i == 0)
        blocks = _mm256_xor_si256(blocks, _mm256_zextsi128_si256(m->hash));
    multiply_add_pair(p, blocks, load_pair(&m->key->power[2 * i]));
}

static inline void first_round(struct message *m, __m256i b[PAIRS])
{
    const __m256i two = _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2);
    const __m256i key = _mm256_broadcastsi128_si256(m->key->round[0]);
    __m256i counter = _mm256_add_epi32(_mm256_broadcastsi128_si256(m->counter),
                                       _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 1));
#pragma GCC unroll 8
    for (uint32_t i = 0; i < PAIRS; i++) {
        b[i] = _mm256_xor_si256(reverse_pair(counter), key);
        counter = _mm256_add_epi32(counter, two);
    }
    m->counter = _mm_add_epi32(m->counter, _mm_set_epi32(0, 0, 0, BF_GCM_POWERS));
}

static inline void one_round(__m256i b[PAIRS], __m128i round)
{
    __m256i key = _mm256_broadcastsi128_si256(round);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < PAIRS; i++)
        b[i] = _mm256_aesenc_epi128(b[i], key);
}

static inline void last_round(__m256i b[PAIRS], __m128i round, const uint8_t *in, uint8_t *out)
{
    __m256i key = _mm256_broadcastsi128_si256(round);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < PAIRS; i++)
        b[i] = _mm256_xor_si256(_mm256_aesenclast_epi128(b[i], key), load_pair(in + 2 * BLOCK * i));
#pragma GCC unroll 8
    for (uint32_t i = 0; i < PAIRS; i++)
        _mm256_storeu_si256((__m256i *)(void *)(out + 2 * BLOCK * i), b[i]);
}

// Encrypts (or decrypts) sixteen blocks; with hashed, weaves in the hash of sixteen blocks that lie
// there: the cipher text of the turn before, or the cipher text that is about to be decrypted.
static inline __attribute__((always_inline)) void sixteen(struct message *m, const uint8_t *hashed,
                                                          const uint8_t *in, uint8_t *out)
{
    const struct bf_gcm_aesni_key *k = m->key;
    const __m256i none = _mm256_setzero_si256();
    struct products p = {none, none, none};
    __m256i b[PAIRS];
    first_round(m, b);
#pragma GCC unroll 8
    for (uint32_t r = 0; r < PAIRS; r++) {
        one_round(b, k->round[r + 1]);
        if (hashed)
            hash_pair(m, &p, hashed, r);
    }
    if (hashed)
        m->hash = reduce_pair(&p);
    for (uint32_t r = PAIRS + 1; r < k->rounds; r++)
        one_round(b, k->round[r]);
    last_round(b, k->round[k->rounds], in, out);
}

void bf_gcm_vaes_seal(const void *prepared, const uint8_t *nonce, const uint8_t *aad,
                      size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag)
{
    struct message m = begin(prepared, nonce, aad, aad_len);
    size_t left = len;
    if (left >= STEP) {
        sixteen(&m, NULL, in, out);
        in += STEP, out += STEP, left -= STEP;
        for (; left >= STEP; in += STEP, out += STEP, left -= STEP)
            sixteen(&m, out - STEP, in, out);
        hash_bytes(&m, out - STEP, STEP);
    }
    rest(&m, 0, in, out, left);
    finish(&m, nonce, aad_len, len, tag);
    _mm256_zeroupper();
}

void bf_gcm_vaes_open(const void *prepared, const uint8_t *nonce, const uint8_t *aad,
                      size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag)
{
    struct message m = begin(prepared, nonce, aad, aad_len);
    size_t left = len;
    for (; left >= STEP; in += STEP, out += STEP, left -= STEP)
        sixteen(&m, in, in, out);
    rest(&m, 1, in, out, left);
    finish(&m, nonce, aad_len, len, tag);
    _mm256_zeroupper();
}
