// SPDX-License-Identifier: Apache-2.0
// Content digests: BLAKE3, 32 bytes. image/digest.c is the only file that includes the digest
// library.
#ifndef BF_IMAGE_DIGEST_H
#define BF_IMAGE_DIGEST_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bf_digest {
    uint8_t bytes[32];
};

// An incremental hasher; plain memory, may be copied to keep a checkpoint of its state.
struct bf_hasher {
    alignas(16) uint8_t state[1984];
};

void bf_digest_of(struct bf_digest *out, const void *data, size_t len);
// Whether digests come out right on this processor, with the widest instructions that they use
// here. BF_ERR_CORRUPT when not, BF_ERR_NO_MEMORY.
enum bf_err bf_digest_check(void);
int bf_digest_equal(const struct bf_digest *a, const struct bf_digest *b);

// context is a compile-time constant that separates domains (BLAKE3 derive_key mode).
void bf_hasher_init(struct bf_hasher *hasher, const char *context);
void bf_hasher_add(struct bf_hasher *hasher, const void *data, size_t len);
void bf_hasher_final(const struct bf_hasher *hasher, struct bf_digest *out);

// True when all bytes are zero.
int bf_is_zero(const void *data, size_t len);

#endif
