// SPDX-License-Identifier: Apache-2.0
// AES-GCM by AES-NI and PCLMULQDQ; the functions are those of struct bf_gcm_engine.
#ifndef BF_NET_TLS_GCM_AESNI_H
#define BF_NET_TLS_GCM_AESNI_H

#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { BF_GCM_POWERS = 16 };

// The prepared key of every engine of x86-64.
struct bf_gcm_aesni_key {
    __m128i round[15];
    __m128i power[BF_GCM_POWERS]; // H^16 to H^1 in the domain of POLYVAL
    uint32_t rounds;              // 10, 12 or 14
};

void bf_gcm_aesni_prepare(void *prepared, const uint8_t *key, uint32_t key_bits);
void bf_gcm_aesni_seal(const void *prepared, const uint8_t *nonce, const uint8_t *aad,
                       size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag);
void bf_gcm_aesni_open(const void *prepared, const uint8_t *nonce, const uint8_t *aad,
                       size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag);

#endif
