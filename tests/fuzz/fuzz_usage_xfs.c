// SPDX-License-Identifier: Apache-2.0
// The map of XFS over a hostile disk: one group of 512-byte blocks, with the header of the group
// and both trees where the input has them. The first byte says whether checksums are made right, so
// that what is behind them is reached, and how large the disk is.
#include <string.h>

#include "base/bytes.h"
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

static void sum(uint8_t *bytes, uint32_t at)
{
    memset(bytes + at, 0, 4);
    bf_put_le32(bytes + at, ~bf_crc32c(UINT32_MAX, bytes, BLOCK));
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
    bf_put_be32(s + 4, BLOCK);
    bf_put_be64(s + 8, GROUP_BLOCKS);
    bf_put_be64(s + 48, LOG_AT);
    bf_put_be64(s + 56, ROOT_INODE_AT << 1);
    bf_put_be32(s + 84, GROUP_BLOCKS);
    bf_put_be32(s + 88, 1);
    bf_put_be32(s + 96, LOG_BLOCKS);
    bf_put_be16(s + 100, v5 ? 0xb4b5 : 0xb4b4);
    bf_put_be16(s + 102, BLOCK);
    bf_put_be16(s + 104, 256);
    bf_put_be16(s + 106, 2);
    memcpy(s + 120, "\x09\x09\x08\x01\x0a", 5);
    bf_put_be32(s + 200, v5 ? 0x18a : 0x8a);
    bf_put_be32(s + 216, v5 ? 3 : 0);
}

static void make_tree(uint8_t *disk, uint32_t block, const char *magic, uint32_t level,
                      const uint32_t *words, uint32_t records)
{
    uint8_t *b = disk + block * BLOCK;
    uint32_t header = magic[2] == '3' ? 56 : 16;
    memcpy(b, magic, 4);
    bf_put_be16(b + 4, level);
    bf_put_be16(b + 6, records);
    memset(b + 8, 0xff, 8);
    bf_put_be64(b + 16, header > 16 ? block : 0);
    for (uint32_t i = 0; i < 2 * records; i++)
        bf_put_be32(b + header + 4 * i, words[i]);
    for (uint32_t i = 0; level && i < records; i++) // the leaves are behind the roots
        bf_put_be32(b + header + (BLOCK - header) / 12 * 8 + 4 * i, block + 2 + i);
}

// A header of a record, and one sector of data: the file system was unmounted.
static void make_log(uint8_t *log)
{
    bf_put_be32(log, 0xfeedbabe);
    bf_put_be32(log + 4, 1);
    bf_put_be32(log + 8, 2);
    bf_put_be32(log + 12, BLOCK);
    bf_put_be64(log + 16, UINT64_C(1) << 32);
    bf_put_be64(log + 24, UINT64_C(1) << 32);
    bf_put_be32(log + 40, 1);
    bf_put_be32(log + 300, 1);
    memcpy(log + BLOCK, "\0\0\0\1\0\0\0\x8\xaa\x20\0\0\x6e\x55", 14);
}

static void make(uint8_t *disk, int v5, uint32_t level)
{
    static const uint32_t extents[] = {40, 130, 200, 150, 400, 200, 700, 324}; // in both orders
    uint8_t *agf = disk + BLOCK;
    make_super(disk, v5);
    memcpy(agf, "XAGF", 4);
    bf_put_be32(agf + 4, 1);
    bf_put_be32(agf + 12, GROUP_BLOCKS);
    bf_put_be32(agf + 16, TREES_AT);
    bf_put_be32(agf + 20, TREES_AT + 1);
    bf_put_be32(agf + 28, level + 1);
    bf_put_be32(agf + 32, 1);
    bf_put_be32(agf + 52, 804);
    bf_put_be32(agf + 56, 324);
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
    bf_put_be32(disk + (TREES_AT + 2) * BLOCK + 12, TREES_AT + 3);
    bf_put_be32(disk + (TREES_AT + 3) * BLOCK + 8, TREES_AT + 2);
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
