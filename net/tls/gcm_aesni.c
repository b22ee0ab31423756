// SPDX-License-Identifier: Apache-2.0
// AES-GCM by AES-NI and PCLMULQDQ, eight blocks at a time, with the GHASH of eight blocks woven
// into the AES rounds of eight others: both units of the processor stay busy. The parts of a
// message around that are in net/tls/gcm_message.h. References: NIST SP 800-38D, FIPS 197.
#include "net/tls/gcm_aesni.h"

#include "base/assert.h"
#include "net/tls/gcm_message.h"

// ---- The key -----------------------------------------------------------------------------------

// SubWord of FIPS 197, 5.2: AESKEYGENASSIST substitutes the second word into the first place.
static uint32_t sub_word(uint32_t w)
{
    __m128i s = _mm_aeskeygenassist_si128(_mm_set1_epi32((int)w), 0);
    return (uint32_t)_mm_cvtsi128_si32(s);
}

// Words are kept in memory order, so RotWord rotates to the right and the round constant is in
// the lowest byte.
static void expand(struct bf_gcm_aesni_key *k, const uint8_t *key, uint32_t words)
{
    uint32_t schedule[60], constant = 1;
    BF_ASSERT(words == 4 || words == 6 || words == 8);
    k->rounds = words + 6;
    memcpy(schedule, key, words * 4);
    for (uint32_t i = words; i < 4 * (k->rounds + 1); i++) {
        uint32_t w = schedule[i - 1];
        if (i % words == 0) {
            w = sub_word(w);
            w = (w >> 8 | w << 24) ^ constant;
            constant = constant << 1 ^ (constant & 0x80 ? 0x11b : 0);
        } else if (words > 6 && i % words == 4) {
            w = sub_word(w);
        }
        schedule[i] = schedule[i - words] ^ w;
    }
    memcpy(k->round, schedule, 16 * (k->rounds + 1));
    bf_wipe(schedule, sizeof schedule);
}

// v * x modulo the polynomial, without a branch on its top bit.
static __m128i times_x(__m128i v)
{
    const __m128i polynomial = _mm_set_epi32((int)0xc2000000, 0, 0, 1);
    __m128i top = _mm_shuffle_epi32(_mm_srai_epi32(v, 31), 0xff);
    __m128i carry = _mm_slli_si128(_mm_srli_epi64(v, 63), 8);
    __m128i shifted = _mm_or_si128(_mm_slli_epi64(v, 1), carry);
    return _mm_xor_si128(shifted, _mm_and_si128(top, polynomial));
}

// ---- Counter mode ------------------------------------------------------------------------------

// Encrypts (or decrypts) eight blocks; with hashed, weaves in the hash of eight blocks that lie
// there: the cipher text of the turn before, or the cipher text that is about to be decrypted.
static inline __attribute__((always_inline)) void eight(struct message *m, const uint8_t *hashed,
                                                        const uint8_t *in, uint8_t *out)
{
    const struct bf_gcm_aesni_key *k = m->key;
    __m128i b[LANES];
    struct product p = zero();
#pragma GCC unroll 8
    for (uint32_t i = 0; i < LANES; i++)
        b[i] = _mm_xor_si128(next_counter(m), k->round[0]);
#pragma GCC unroll 8
    for (uint32_t r = 1; r <= LANES; r++) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < LANES; i++)
            b[i] = _mm_aesenc_si128(b[i], k->round[r]);
        if (!hashed)
            continue;
        __m128i block = reverse(load(hashed + BLOCK * (r - 1)));
        if (r == 1)
            block = _mm_xor_si128(block, m->hash);
        multiply_add(&p, block, power(k, LANES + 1 - r));
    }
    if (hashed)
        m->hash = reduce(&p);
    for (uint32_t r = LANES + 1; r < k->rounds; r++) {
        __m128i round = k->round[r];
#pragma GCC unroll 8
        for (uint32_t i = 0; i < LANES; i++)
            b[i] = _mm_aesenc_si128(b[i], round);
    }
    __m128i last = k->round[k->rounds];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < LANES; i++)
        b[i] = _mm_xor_si128(_mm_aesenclast_si128(b[i], last), load(in + BLOCK * i));
#pragma GCC unroll 8
    for (uint32_t i = 0; i < LANES; i++)
        store(out + BLOCK * i, b[i]);
}

// ---- The engine --------------------------------------------------------------------------------

void bf_gcm_aesni_prepare(void *prepared, const uint8_t *key, uint32_t key_bits)
{
    struct bf_gcm_aesni_key *k = prepared;
    expand(k, key, key_bits / 32);
    __m128i h = times_x(reverse(encrypt(k, _mm_setzero_si128())));
    k->power[BF_GCM_POWERS - 1] = h;
    for (uint32_t i = BF_GCM_POWERS - 1; i > 0; i--)
        k->power[i - 1] = multiply(k->power[i], h);
}

void bf_gcm_aesni_seal(const void *prepared, const uint8_t *nonce, const uint8_t *aad,
                       size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag)
{
    struct message m = begin(prepared, nonce, aad, aad_len);
    size_t left = len, step = LANES * BLOCK;
    if (left >= step) {
        eight(&m, NULL, in, out);
        in += step, out += step, left -= step;
        for (; left >= step; in += step, out += step, left -= step)
            eight(&m, out - step, in, out);
        hash_eight(&m, out - step);
    }
    rest(&m, 0, in, out, left);
    finish(&m, nonce, aad_len, len, tag);
}

void bf_gcm_aesni_open(const void *prepared, const uint8_t *nonce, const uint8_t *aad,
                       size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag)
{
    struct message m = begin(prepared, nonce, aad, aad_len);
    size_t left = len, step = LANES * BLOCK;
    for (; left >= step; in += step, out += step, left -= step)
        eight(&m, in, in, out);
    rest(&m, 1, in, out, left);
    finish(&m, nonce, aad_len, len, tag);
}
