// SPDX-License-Identifier: Apache-2.0
// The map of XFS over a hostile disk: one group of 512-byte blocks, with the header of the group
// and both trees where the input has them. The first byte says whether checksums are made right, so
// that what is behind them is reached, and how large the disk is.
#include <string.h>

#include "image/usage/parts.h"
#include "tests/fuzz_map.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    BLOCK = 512,
    INPUT_MAX = 1 << 16,
    GROUP_BLOCKS = 1024,
    TREES_AT = 4, // blocks: both roots, then two leaves each
    LOG_AT = 12,
    LOG_BLOCKS = 8,
    ROOT_INODE_AT = 11,
    SEED_BLOCKS = LOG_AT + LOG_BLOCKS,
    SUMS = 0x80,
};

static void put(uint8_t *at, uint64_t v, uint32_t bytes) // big-endian
{
    while (bytes--) {
        at[bytes] = (uint8_t)v;
        v >>= 8;
    }
}

static void sum(uint8_t *bytes, uint32_t at)
{
    memset(bytes + at, 0, 4);
    uint32_t crc = ~bf_crc32c(UINT32_MAX, bytes, BLOCK);
    for (int i = 0; i < 4; i++)
        bytes[at + (uint32_t)i] = (uint8_t)(crc >> 8 * i);
}

static void repair(uint8_t *disk, size_t len)
{
    sum(disk, 224);
    sum(disk + BLOCK, 216);
    for (size_t at = TREES_AT * BLOCK; at + BLOCK <= len; at += BLOCK)
        if (memcmp(disk + at, "AB3B", 4) == 0)
            sum(disk + at, 52);
}

static void make_super(uint8_t *s, int v5)
{
    memcpy(s, "XFSB", 4);
    put(s + 4, BLOCK, 4);
    put(s + 8, GROUP_BLOCKS, 8);
    put(s + 48, LOG_AT, 8);
    put(s + 56, ROOT_INODE_AT << 1, 8);
    put(s + 84, GROUP_BLOCKS, 4);
    put(s + 88, 1, 4);
    put(s + 96, LOG_BLOCKS, 4);
    put(s + 100, v5 ? 0xb4b5 : 0xb4b4, 2);
    put(s + 102, BLOCK, 2);
    put(s + 104, 256, 2);
    put(s + 106, 2, 2);
    memcpy(s + 120, "\x09\x09\x08\x01\x0a", 5);
    put(s + 200, v5 ? 0x18a : 0x8a, 4);
    put(s + 216, v5 ? 3 : 0, 4);
}

static void make_tree(uint8_t *disk, uint32_t block, const char *magic, uint32_t level,
                      const uint32_t *words, uint32_t records)
{
    uint8_t *b = disk + block * BLOCK;
    uint32_t header = magic[2] == '3' ? 56 : 16;
    memcpy(b, magic, 4);
    put(b + 4, level, 2);
    put(b + 6, records, 2);
    memset(b + 8, 0xff, 8);
    put(b + 16, header > 16 ? block : 0, 8);
    for (uint32_t i = 0; i < 2 * records; i++)
        put(b + header + 4 * i, words[i], 4);
    for (uint32_t i = 0; level && i < records; i++) // the leaves are behind the roots
        put(b + header + (BLOCK - header) / 12 * 8 + 4 * i, block + 2 + i, 4);
}

// A header of a record, and one sector of data: the file system was unmounted.
static void make_log(uint8_t *log)
{
    put(log, 0xfeedbabe, 4);
    put(log + 4, 1, 4);
    put(log + 8, 2, 4);
    put(log + 12, BLOCK, 4);
    put(log + 16, UINT64_C(1) << 32, 8);
    put(log + 24, UINT64_C(1) << 32, 8);
    put(log + 40, 1, 4);
    put(log + 300, 1, 4);
    memcpy(log + BLOCK, "\0\0\0\1\0\0\0\x8\xaa\x20\0\0\x6e\x55", 14);
}

static void make(uint8_t *disk, int v5, uint32_t level)
{
    static const uint32_t extents[] = {40, 130, 200, 150, 400, 200, 700, 324}; // in both orders
    uint8_t *agf = disk + BLOCK;
    make_super(disk, v5);
    memcpy(agf, "XAGF", 4);
    put(agf + 4, 1, 4);
    put(agf + 12, GROUP_BLOCKS, 4);
    put(agf + 16, TREES_AT, 4);
    put(agf + 20, TREES_AT + 1, 4);
    put(agf + 28, level + 1, 4);
    put(agf + 32, 1, 4);
    put(agf + 52, 804, 4);
    put(agf + 56, 324, 4);
    make_tree(disk, TREES_AT + 1, v5 ? "AB3C" : "ABTC", 0, extents, 4);
    make_log(disk + LOG_AT * BLOCK);
    if (!level) {
        make_tree(disk, TREES_AT, v5 ? "AB3B" : "ABTB", 0, extents, 4);
        return;
    }
    static const uint32_t keys[] = {40, 130, 400, 200};
    make_tree(disk, TREES_AT, v5 ? "AB3B" : "ABTB", 1, keys, 2);
    make_tree(disk, TREES_AT + 2, v5 ? "AB3B" : "ABTB", 0, extents, 2);
    make_tree(disk, TREES_AT + 3, v5 ? "AB3B" : "ABTB", 0, extents + 4, 2);
    put(disk + (TREES_AT + 2) * BLOCK + 12, TREES_AT + 3, 4);
    put(disk + (TREES_AT + 3) * BLOCK + 8, TREES_AT + 2, 4);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[1 + SEED_BLOCKS * BLOCK];
    for (unsigned i = 0; i < 4; i++) {
        memset(seed, 0, sizeof seed);
        seed[0] = i & 1 ? SUMS : 0;
        make(seed + 1, i & 1, i >> 1);
        fuzz_seed(*argc, *argv, i, seed, sizeof seed);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t disk[INPUT_MAX];
    if (size < 1 + SEED_BLOCKS * BLOCK || size > sizeof disk)
        return 0;
    memcpy(disk, data + 1, size - 1);
    if (data[0] & SUMS)
        repair(disk, size - 1);
    fuzz_map(disk, size - 1, (uint64_t)GROUP_BLOCKS << (data[0] & 15), (uint64_t)4 * BLOCK);
    return 0;
}
