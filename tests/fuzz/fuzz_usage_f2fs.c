// SPDX-License-Identifier: Apache-2.0
// The map of F2FS over a hostile disk: the input is a superblock, a block of a checkpoint, a
// summary and a block of each copy of the segment information table, put where they belong. The
// first byte says whether the copies and checksums are made right, so that what is behind them is
// reached, and how large the disk is.
#include <string.h>

#include "base/bytes.h"
#include "tests/fuzz_map.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    BLOCK = 4096,
    SEGMENT = 1 << 9, // blocks
    SUPER = 3072,
    FIRST = 2, // blocks
    SIT_AT = FIRST + 2 * SEGMENT,
    MAIN_AT = SIT_AT + 5 * SEGMENT,
    SEGMENTS = 60,
    PACK_BLOCKS = 8,
    ENTRY = 74,
    INPUT = 1 + SUPER + 4 * BLOCK,
    DISK_BLOCKS = SIT_AT + SEGMENT + 1, // those behind are zero
    REPAIR = 0x80,
};

static uint32_t checksum(const uint8_t *at, size_t len)
{
    uint32_t crc = 0xf2f52010;
    while (len--) {
        crc ^= *at++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return crc;
}

static void make_super(uint8_t *s)
{
    static const uint32_t count[] = {2, 2, 2, 1, SEGMENTS};
    uint32_t at = FIRST;
    bf_put_le32(s, 0xf2f52010);
    s[4] = 1;
    s[16] = 12;
    s[20] = 9;
    s[24] = s[28] = 1;
    bf_put_le64(s + 36, MAIN_AT + SEGMENTS * SEGMENT);
    bf_put_le32(s + 72, FIRST);
    for (uint32_t i = 0; i < 5; i++) {
        bf_put_le32(s + 52 + 4 * i, count[i]);
        bf_put_le32(s + 76 + 4 * i, at);
        at += count[i] * SEGMENT;
    }
}

static void make_cp(uint8_t *cp, uint32_t flags)
{
    bf_put_le64(cp, 5);
    bf_put_le64(cp + 16, 3);
    bf_put_le32(cp + 32, SEGMENTS - 6);
    for (uint32_t i = 0; i < 6; i++)
        bf_put_le32(cp + (i < 3 ? 36 : 84 - 12) + 4 * i, i);
    bf_put_le32(cp + 132, flags);
    bf_put_le32(cp + 136, PACK_BLOCKS);
    bf_put_le32(cp + 140, 1);
    bf_put_le32(cp + 144, 1);
    bf_put_le32(cp + 156, SEGMENT / 8);
    bf_put_le32(cp + 160, SEGMENT / 8);
    bf_put_le32(cp + 164, BLOCK - 4);
}

static void make_entry(uint8_t *entry, uint32_t kind)
{
    bf_put_le16(entry, kind << 10 | 1);
    entry[2] = 0x80;
}

static void lay_out(uint8_t *disk, const uint8_t *data)
{
    const uint8_t *super = data + 1, *cp = super + SUPER, *sum = cp + BLOCK, *sit = sum + BLOCK;
    uint8_t *pack = disk + FIRST * BLOCK;
    int compact = (cp[132] & 4) != 0;
    memcpy(disk + 1024, super, SUPER);
    memcpy(disk + BLOCK + 1024, super, SUPER);
    memcpy(pack, cp, BLOCK);
    if (data[0] & REPAIR)
        bf_put_le32(pack + BLOCK - 4, checksum(pack, BLOCK - 4));
    memset(pack + BLOCK, 0, (size_t)(PACK_BLOCKS - 1) * BLOCK);
    memcpy(pack + (compact ? 1 : 3) * BLOCK, sum, BLOCK);
    memcpy(pack + (PACK_BLOCKS - 1) * BLOCK, pack, BLOCK);
    memcpy(disk + SIT_AT * BLOCK, sit, BLOCK);
    memcpy(disk + (SIT_AT + SEGMENT) * BLOCK, sit + BLOCK, BLOCK);
    pack += SEGMENT * BLOCK; // the older checkpoint
    memset(pack, 0, BLOCK);
    make_cp(pack, 1);
    bf_put_le64(pack, 0);
    bf_put_le32(pack + BLOCK - 4, checksum(pack, BLOCK - 4));
    memcpy(pack + (PACK_BLOCKS - 1) * BLOCK, pack, BLOCK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[INPUT];
    uint8_t *cp = seed + 1 + SUPER, *sum = cp + BLOCK, *sit = sum + BLOCK;
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *journal = sum + (i == 1 ? 507 : 3584);
        memset(seed, 0, sizeof seed);
        seed[0] = REPAIR;
        make_super(seed + 1);
        make_cp(cp, i == 1 ? 5 : 1);
        cp[192] = i == 2 ? 0x80 : 0;
        bf_put_le16(journal, 1);
        bf_put_le32(journal + 2, 5);
        make_entry(journal + 6, 0);
        for (uint32_t k = 0; k < 2; k++)
            make_entry(sit + (i == 2 ? BLOCK : 0) + k * ENTRY, k * 4);
        fuzz_seed(*argc, *argv, i, seed, sizeof seed);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t disk[DISK_BLOCKS * BLOCK], input[INPUT]; // what is missing is zero
    if (!size)
        return 0;
    memset(input, 0, sizeof input);
    memcpy(input, data, size < sizeof input ? size : sizeof input);
    lay_out(disk, input);
    fuzz_map(disk, sizeof disk, (uint64_t)(MAIN_AT + SEGMENTS * SEGMENT) * 8 << (data[0] & 7),
             (uint64_t)(SIT_AT + 2) * BLOCK);
    return 0;
}
