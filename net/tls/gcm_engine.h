// SPDX-License-Identifier: Apache-2.0
// An accelerated AES-GCM (NIST SP 800-38D) for whole messages with 96-bit nonces, which is what a
// TLS record needs. Several may be compiled in; the first that the processor supports is used.
#ifndef BF_NET_TLS_GCM_ENGINE_H
#define BF_NET_TLS_GCM_ENGINE_H

#include <stddef.h>
#include <stdint.h>

enum { BF_GCM_TAG = 16, BF_GCM_NONCE = 12 };

struct bf_gcm_engine {
    const char *name;
    int (*supported)(void);
    size_t key_size; // of the prepared key; its memory must be 16-byte aligned, and is wiped after
    void (*prepare)(void *prepared, const uint8_t *key, uint32_t key_bits); // 128, 192 or 256
    // in and out may be the same but not otherwise overlap. len < 2^36 - 32. open decrypts and
    // gives the tag that the message should have had: the caller compares and wipes.
    void (*seal)(const void *prepared, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
                 const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag);
    void (*open)(const void *prepared, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
                 const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag);
};

// What an engine may be given: the same bytes in and out, or others.
static inline int bf_gcm_is_apart(const uint8_t *in, const uint8_t *out, size_t len)
{
    return in == out || in + len <= out || out + len <= in;
}

// Those of this architecture, the fastest first, ended by NULL.
extern const struct bf_gcm_engine *const bf_gcm_engines[];

// The engine that is in use from now on, for keys that are set after it: the first supported one
// by default; NULL means mbedTLS's own. For tests and measurements.
void bf_gcm_use(const struct bf_gcm_engine *engine);
const struct bf_gcm_engine *bf_gcm_in_use(void);

#endif
