// SPDX-License-Identifier: Apache-2.0
// AES-GCM by VAES and VPCLMULQDQ; the functions are those of struct bf_gcm_engine. The key is
// prepared by bf_gcm_aesni_prepare.
#ifndef BF_NET_TLS_GCM_VAES_H
#define BF_NET_TLS_GCM_VAES_H

#include <stddef.h>
#include <stdint.h>

void bf_gcm_vaes_seal(const void *prepared, const uint8_t *nonce, const uint8_t *aad,
                      size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag);
void bf_gcm_vaes_open(const void *prepared, const uint8_t *nonce, const uint8_t *aad,
                      size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag);

#endif
