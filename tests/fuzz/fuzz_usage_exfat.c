// SPDX-License-Identifier: Apache-2.0
// The map of exFAT over a hostile disk: sectors and clusters of 512 bytes, a boot region, a table,
// a bitmap, and a root directory of one cluster. The first byte says whether the checksum and the
// backup of the boot region are made right, so that what is behind them is reached, and how large
// the disk is.
#include <string.h>

#include "base/bytes.h"
#include "tests/fuzz_map.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SECTOR = 512,
    INPUT_MAX = 1 << 16,
    REGION = 12 * SECTOR,
    FAT_AT = 24, // sectors
    FAT_SECTORS = 16,
    HEAP_AT = FAT_AT + FAT_SECTORS,
    CLUSTERS = 1990,
    DISK_SECTORS = HEAP_AT + CLUSTERS,
    INPUT_LEAST = (HEAP_AT + 3) * SECTOR,
    REPAIR = 0x80,
};

static void repair(uint8_t *disk)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 11 * SECTOR; i++)
        if (i != 106 && i != 107 && i != 112)
            sum = (sum << 31 | sum >> 1) + disk[i];
    for (uint32_t i = 0; i < SECTOR; i += 4)
        bf_put_le32(disk + 11 * SECTOR + i, sum);
    memcpy(disk + REGION, disk, REGION);
}

static void make(uint8_t *disk)
{
    uint8_t *root = disk + (HEAP_AT + 2) * SECTOR;
    memcpy(disk,
           "\xeb\x76\x90"
           "EXFAT   ",
           11);
    bf_put_le64(disk + 72, DISK_SECTORS);
    bf_put_le32(disk + 80, FAT_AT);
    bf_put_le32(disk + 84, FAT_SECTORS);
    bf_put_le32(disk + 88, HEAP_AT);
    bf_put_le32(disk + 92, CLUSTERS);
    bf_put_le32(disk + 96, 4);
    bf_put_le16(disk + 104, 0x100);
    disk[108] = 9;
    disk[110] = 1;
    bf_put_le16(disk + 510, 0xaa55);
    bf_put_le32(disk + FAT_AT * SECTOR, 0xfffffff8);
    memset(disk + FAT_AT * SECTOR + 4, 0xff, 16);
    disk[HEAP_AT * SECTOR] = 0x17;
    root[0] = 0x81;
    bf_put_le32(root + 20, 2);
    bf_put_le64(root + 24, (CLUSTERS + 7) / 8);
    root[32] = 0x82;
    bf_put_le32(root + 52, 3);
    root[64] = 0x85; // an empty folder
    root[68] = 0x10;
    root[96] = 0xc0;
    root[97] = 3;
    bf_put_le32(root + 116, 6);
    bf_put_le64(root + 120, SECTOR);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[1 + INPUT_LEAST];
    seed[0] = REPAIR;
    make(seed + 1);
    fuzz_seed(*argc, *argv, 0, seed, sizeof seed);
    repair(seed + 1);
    seed[0] = 0;
    fuzz_seed(*argc, *argv, 1, seed, sizeof seed);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t disk[INPUT_MAX];
    if (size < 1 + INPUT_LEAST || size > sizeof disk)
        return 0;
    memcpy(disk, data + 1, size - 1);
    if (data[0] & REPAIR)
        repair(disk);
    fuzz_map(disk, size - 1, (uint64_t)DISK_SECTORS << (data[0] & 15), (uint64_t)2 * REGION);
    return 0;
}
