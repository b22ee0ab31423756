// SPDX-License-Identifier: Apache-2.0
// The checksums of Btrfs's superblocks and tree blocks: CRC-32C; XXH64 with seed 0 (the xxHash
// fast digest algorithm, XXH64 algorithm description); SHA-256 (FIPS 180-4, 6.2); BLAKE2b with 256
// bits and no key (RFC 7693, 3). Blocks are whole and their sizes multiples of 32 bytes less 32, so
// that there is no unaligned rest. A checksum here tells damage from data, it keeps no secret: the
// code is small rather than fast.
#include <string.h>

#include "base/bytes.h"
#include "image/usage/btrfs/map.h"

enum { CRC32C = 0, XXH64 = 1, SHA256 = 2, BLAKE2B = 3 };

static uint64_t rotate64(uint64_t v, uint32_t left)
{
    return v << left | v >> (64 - left);
}

static uint32_t rotate32(uint32_t v, uint32_t left)
{
    return v << left | v >> (32 - left);
}

// ---- XXH64 -------------------------------------------------------------------------------------

static const uint64_t xx[5] = {0x9e3779b185ebca87, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9,
                               0x85ebca77c2b2ae63, 0x27d4eb2f165667c5};

static uint64_t xx_round(uint64_t lane, uint64_t input)
{
    return rotate64(lane + input * xx[1], 31) * xx[0];
}

static void xxh64(const uint8_t *at, size_t len, uint8_t *out)
{
    uint64_t lane[4] = {xx[0] + xx[1], xx[1], 0, 0 - xx[0]}, sum;
    for (size_t i = 0; i < len; i += 8)
        lane[i / 8 % 4] = xx_round(lane[i / 8 % 4], bf_le64(at + i));
    sum =
        rotate64(lane[0], 1) + rotate64(lane[1], 7) + rotate64(lane[2], 12) + rotate64(lane[3], 18);
    for (uint32_t i = 0; i < 4; i++)
        sum = (sum ^ xx_round(0, lane[i])) * xx[0] + xx[3];
    sum += len;
    sum = (sum ^ sum >> 33) * xx[1];
    sum = (sum ^ sum >> 29) * xx[2];
    bf_put_le64(out, sum ^ sum >> 32);
}

// ---- SHA-256 -----------------------------------------------------------------------------------

static void sha256_block(uint32_t state[8], const uint8_t *block)
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2,
    };
    uint32_t w[64], v[8];
    memcpy(v, state, sizeof v);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t s0, s1, t1, t2;
        if (i < 16) {
            w[i] = bf_be32(block + i * 4);
        } else {
            s0 = rotate32(w[i - 15], 25) ^ rotate32(w[i - 15], 14) ^ w[i - 15] >> 3;
            s1 = rotate32(w[i - 2], 15) ^ rotate32(w[i - 2], 13) ^ w[i - 2] >> 10;
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }
        s1 = rotate32(v[4], 26) ^ rotate32(v[4], 21) ^ rotate32(v[4], 7);
        t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        s0 = rotate32(v[0], 30) ^ rotate32(v[0], 19) ^ rotate32(v[0], 10);
        t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (uint32_t i = 0; i < 8; i++)
        state[i] += v[i];
}

static void sha256(const uint8_t *at, size_t len, uint8_t *out)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    size_t rest = len % 64;
    uint8_t last[64] = {0};
    for (size_t i = 0; i + 64 <= len; i += 64)
        sha256_block(state, at + i);
    memcpy(last, at + len - rest, rest);
    last[rest] = 0x80;
    bf_put_be64(last + 56, (uint64_t)len * 8);
    sha256_block(state, last);
    for (uint32_t i = 0; i < 8; i++)
        bf_put_be32(out + i * 4, state[i]);
}

// ---- BLAKE2b -----------------------------------------------------------------------------------

static const uint64_t blake_iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                     0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                     0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

static void blake_mix(uint64_t *v, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint64_t x,
                      uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotate64(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate64(v[b] ^ v[c], 40);
    v[a] += v[b] + y;
    v[d] = rotate64(v[d] ^ v[a], 48);
    v[c] += v[d];
    v[b] = rotate64(v[b] ^ v[c], 1);
}

static void blake_block(uint64_t h[8], const uint8_t *block, uint64_t count, int last)
{
    static const uint8_t sigma[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
        {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
        {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
        {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
        {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    };
    uint64_t v[16], m[16];
    for (uint32_t i = 0; i < 16; i++) {
        v[i] = i < 8 ? h[i] : blake_iv[i - 8];
        m[i] = bf_le64(block + i * 8);
    }
    v[12] ^= count;
    v[14] = last ? ~v[14] : v[14];
    for (uint32_t round = 0; round < 12; round++) {
        const uint8_t *s = sigma[round % 10];
        for (uint32_t i = 0; i < 4; i++)
            blake_mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
        for (uint32_t i = 0; i < 4; i++)
            blake_mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                      m[s[9 + 2 * i]]);
    }
    for (uint32_t i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

static void blake2b(const uint8_t *at, size_t len, uint8_t *out)
{
    uint8_t last[128] = {0};
    uint64_t h[8];
    size_t done = 0;
    memcpy(h, blake_iv, sizeof h);
    h[0] ^= 0x01010000 ^ BF_BTRFS_SUM_BYTES;
    for (; len - done > sizeof last; done += sizeof last)
        blake_block(h, at + done, done + sizeof last, 0);
    memcpy(last, at + done, len - done);
    blake_block(h, last, len, 1);
    for (uint32_t i = 0; i < 4; i++)
        bf_put_le64(out + i * 8, h[i]);
}

// ---- Blocks ------------------------------------------------------------------------------------

int bf_btrfs_sum_is_supported(uint32_t type)
{
    return type <= BLAKE2B;
}

int bf_btrfs_sum_fits(struct bf_work *work, uint32_t type, const uint8_t *block, size_t len)
{
    const uint8_t *rest = block + BF_BTRFS_SUM_BYTES;
    size_t bytes = len - BF_BTRFS_SUM_BYTES;
    static const uint8_t size[] = {4, 8, 32, 32};
    static const uint8_t cost[] = {BF_CRC32C_WORK, 1, 9, 4}; // that one byte is counted as
    uint8_t sum[BF_BTRFS_SUM_BYTES];
    if (!bf_btrfs_sum_is_supported(type) || !bf_work_spend(work, (uint64_t)bytes * cost[type]))
        return 0;
    if (type == CRC32C)
        bf_put_le32(sum, ~bf_crc32c(UINT32_MAX, rest, bytes));
    else if (type == XXH64)
        xxh64(rest, bytes, sum);
    else if (type == SHA256)
        sha256(rest, bytes, sum);
    else
        blake2b(rest, bytes, sum);
    return memcmp(sum, block, size[type]) == 0;
}
