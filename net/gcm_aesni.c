// SPDX-License-Identifier: Apache-2.0
// AES-GCM by AES-NI and PCLMULQDQ, eight blocks at a time, with the GHASH of eight blocks woven
// into the AES rounds of eight others: both units of the processor stay busy. No table look-ups
// and no branches on secrets, so its time depends on lengths only.
//
// GHASH is computed as POLYVAL (RFC 8452, appendix A): blocks are byte-reversed, H is multiplied
// by x once, and a product is reduced by two folds with x^63 + x^62 + x^57, the upper part of the
// field's polynomial x^128 + x^127 + x^126 + x^121 + 1. References: NIST SP 800-38D, FIPS 197.
#include "net/gcm_aesni.h"

#include <smmintrin.h>
#include <tmmintrin.h>
#include <wmmintrin.h>

#include <string.h>

#include "base/mem.h"

enum { BLOCK = 16, LANES = BF_GCM_AESNI_LANES };

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

static inline __m128i encrypt(const struct bf_gcm_aesni_key *k, __m128i b)
{
    b = _mm_xor_si128(b, k->round[0]);
    for (uint32_t r = 1; r < k->rounds; r++)
        b = _mm_aesenc_si128(b, k->round[r]);
    return _mm_aesenclast_si128(b, k->round[k->rounds]);
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

// ---- GHASH -------------------------------------------------------------------------------------

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
    m->hash = multiply(_mm_xor_si128(m->hash, reverse(block)), m->key->power[0]);
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
static void hash_eight(struct message *m, const uint8_t *at)
{
    struct product p = zero();
    for (uint32_t i = 0; i < LANES; i++) {
        __m128i block = reverse(load(at + BLOCK * i));
        if (i == 0)
            block = _mm_xor_si128(block, m->hash);
        multiply_add(&p, block, m->key->power[LANES - 1 - i]);
    }
    m->hash = reduce(&p);
}

static void hash_bytes(struct message *m, const uint8_t *at, size_t len)
{
    for (; len >= LANES * BLOCK; at += LANES * BLOCK, len -= LANES * BLOCK)
        hash_eight(m, at);
    for (; len >= BLOCK; at += BLOCK, len -= BLOCK)
        hash_block(m, load(at));
    if (len > 0)
        hash_block(m, load_part(at, len));
}

// ---- Counter mode ------------------------------------------------------------------------------

static inline __m128i next_counter(struct message *m)
{
    m->counter = _mm_add_epi32(m->counter, _mm_set_epi32(0, 0, 0, 1));
    return reverse(m->counter);
}

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
        multiply_add(&p, block, k->power[LANES - r]);
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

// The last bytes, less than eight blocks. hash_input: the cipher text is what comes in.
static void rest(struct message *m, int hash_input, const uint8_t *in, uint8_t *out, size_t len)
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

static struct message begin(const struct bf_gcm_aesni_key *k, const uint8_t *nonce,
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
static void finish(struct message *m, const uint8_t *nonce, size_t aad_len, size_t len,
                   uint8_t *tag)
{
    uint8_t first[BLOCK] = {0};
    memcpy(first, nonce, 12);
    first[15] = 1;
    __m128i lengths =
        _mm_set_epi64x((int64_t)((uint64_t)aad_len * 8), (int64_t)((uint64_t)len * 8));
    m->hash = multiply(_mm_xor_si128(m->hash, lengths), m->key->power[0]);
    store(tag, _mm_xor_si128(reverse(m->hash), encrypt(m->key, load(first))));
}

// ---- The engine --------------------------------------------------------------------------------

void bf_gcm_aesni_prepare(void *prepared, const uint8_t *key, uint32_t key_bits)
{
    struct bf_gcm_aesni_key *k = prepared;
    expand(k, key, key_bits / 32);
    k->power[0] = times_x(reverse(encrypt(k, _mm_setzero_si128())));
    for (uint32_t i = 1; i < LANES; i++)
        k->power[i] = multiply(k->power[i - 1], k->power[0]);
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
