// SPDX-License-Identifier: Apache-2.0
// Finishes a copy of a LUKS2 header that a test or a fuzzer makes (LUKS2 On-Disk Format 1.1.1).
#ifndef BF_TESTS_LUKS_COPY_H
#define BF_TESTS_LUKS_COPY_H

#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

// Gives the copy at `offset` of a device its size, its place and its checksum, by the digest of
// this name, over bytes that are all there.
static inline void luks_seal(unsigned char *device, size_t offset, size_t size, const char *digest)
{
    unsigned char *at = device + offset, sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    for (unsigned i = 0; i < 8; i++) {
        at[8 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
        at[256 + i] = (unsigned char)((uint64_t)offset >> (56 - 8 * i));
    }
    memset(at + 72, 0, 32);
    memcpy(at + 72, digest, strlen(digest));
    memset(at + 448, 0, 64);
    if (EVP_Digest(at, size, sum, &len, EVP_get_digestbyname(digest), NULL))
        memcpy(at + 448, sum, len);
}

#endif
