// SPDX-License-Identifier: Apache-2.0
// The map of Btrfs, over hostile superblocks and trees on one or two devices. The input is a byte
// of flags and blocks of 4 KiB: the superblock, the chunk tree at 1 MiB of both devices, the others
// from 2 MiB on. Checksums and addresses are made right when the flags say so, so that what is
// behind them is reached. Whatever the blocks say, the answers advance, stay on the disk, take a
// bounded number of reads, and never call unused what every Btrfs uses.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/usage/usage.h"
#include "image/usage/btrfs/map.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t WORK_MAX = 4096ull << 20; // of two disks
enum {
    BLOCK = 4096,
    BLOCKS = 8,
    MIB = 1 << 20,
    DISK = 16 * MIB,
    SECTOR = 512,
    STEPS = 200,
    READS = 200000,
    HEADER = 101,
    ITEM = 25,
    DEVICE = 0xc9,
    REPAIR = 0x80, // flags
    TWO = 1,
};

static struct {
    uint8_t block[BLOCKS][BLOCK];
    uint8_t other[BLOCK]; // the superblock of the second device
    uint32_t blocks, reads;
    uint64_t left_out;
} fs;

static uint64_t place_of(uint32_t block)
{
    if (block == 0)
        return BF_BTRFS_SUPER_AT;
    return block == 1 ? MIB : 2 * MIB + (uint64_t)(block - 2) * BLOCK;
}

// ---- Disks -------------------------------------------------------------------------------------

static enum bf_err submit(void *impl, struct bf_block_request *r)
{
    uint64_t first = r->block * SECTOR, end = first + (uint64_t)r->count * SECTOR;
    memset(r->data, 0, end - first);
    for (uint32_t i = 0; i < fs.blocks; i++) {
        const uint8_t *from = i == 0 && impl ? fs.other : fs.block[i];
        for (uint32_t k = 0; k < BLOCK; k += SECTOR)
            if (place_of(i) + k >= first && place_of(i) + k < end)
                memcpy((uint8_t *)r->data + (place_of(i) + k - first), from + k, SECTOR);
    }
    if (++fs.reads > READS)
        abort();
    r->status = BF_OK;
    r->done = 1;
    return BF_OK;
}

static void close_disk(void *impl)
{
    (void)impl;
}

static void sum(uint8_t *block)
{
    bf_put_le32(block,
                ~bf_crc32c(UINT32_MAX, block + BF_BTRFS_SUM_BYTES, BLOCK - BF_BTRFS_SUM_BYTES));
}

static void repair(void)
{
    for (uint32_t i = 0; i < fs.blocks; i++) {
        bf_put_le64(fs.block[i] + 0x30, place_of(i));
        if (i)
            memcpy(fs.block[i] + 0x20, fs.block[0] + 0x20, BF_BTRFS_UUID_BYTES);
        sum(fs.block[i]);
    }
}

// ---- Seeds -------------------------------------------------------------------------------------

static uint8_t seed[1 + BLOCKS * BLOCK];

static uint8_t *node(uint32_t block, uint64_t owner, uint8_t level)
{
    uint8_t *at = seed + 1 + block * BLOCK;
    bf_put_le64(at + 0x38, 1); // written
    bf_put_le64(at + 0x50, 1); // generation
    bf_put_le64(at + 0x58, owner);
    at[100] = level;
    return at;
}

static void put_key(uint8_t *at, uint64_t object, uint8_t type, uint64_t offset)
{
    bf_put_le64(at, object);
    at[8] = type;
    bf_put_le64(at + 9, offset);
}

// Adds an item to a leaf and returns its data.
static uint8_t *add(uint8_t *leaf, uint64_t object, uint8_t type, uint64_t offset, uint32_t bytes)
{
    uint32_t count = bf_le32(leaf + 0x60), end = BLOCK - HEADER;
    uint8_t *item = leaf + HEADER + count * ITEM;
    if (count)
        end = bf_le32(item - 8);
    put_key(item, object, type, offset);
    bf_put_le32(item + 17, end - bytes);
    bf_put_le32(item + 21, bytes);
    bf_put_le32(leaf + 0x60, count + 1);
    return leaf + HEADER + end - bytes;
}

static void add_child(uint8_t *parent, uint64_t object, uint8_t type, uint64_t offset,
                      uint32_t block)
{
    uint32_t count = bf_le32(parent + 0x60);
    uint8_t *at = parent + HEADER + count * 33;
    put_key(at, object, type, offset);
    bf_put_le64(at + 17, place_of(block));
    bf_put_le64(at + 25, 1);
    bf_put_le32(parent + 0x60, count + 1);
}

// A chunk at the same place of each device; returns its size.
static uint32_t put_chunk(uint8_t *at, uint64_t length, uint64_t type, uint32_t stripes,
                          uint64_t physical)
{
    bf_put_le64(at, length);
    bf_put_le64(at + 8, BF_BTRFS_EXTENT_TREE);
    bf_put_le64(at + 16, BF_BTRFS_STRIPE);
    bf_put_le64(at + 24, type);
    bf_put_le16(at + 44, stripes);
    bf_put_le16(at + 46, 1);
    for (uint32_t i = 0; i < stripes; i++) {
        bf_put_le64(at + 48 + i * 32, i + 1);
        bf_put_le64(at + 56 + i * 32, physical);
        at[64 + i * 32] = (uint8_t)(i + 1);
    }
    return 48 + stripes * 32;
}

static void put_device(uint8_t *at, uint8_t id)
{
    bf_put_le64(at, id);
    bf_put_le64(at + 8, DISK);
    bf_put_le64(at + 16, 10 * MIB);
    at[66] = id;
    at[82] = 'f';
}

static const struct {
    uint64_t at, length; // on a device
    uint64_t used;
    uint64_t kind;
} ranges[] = {
    {MIB, MIB, BLOCK, BF_BTRFS_SYSTEM},
    {2 * MIB, MIB, 4 * BLOCK, BF_BTRFS_METADATA},
    {4 * MIB, 8 * MIB, 5 * 65536, BF_BTRFS_DATA},
};

static const struct shape {
    uint32_t devices;
    uint64_t data, other; // profiles
    uint32_t data_columns;
    int group_tree;
    uint64_t used; // by data, on all devices
} shapes[] = {
    {1, 0, 0, 1, 0, 5 * BF_BTRFS_STRIPE},
    {2, BF_BTRFS_RAID0, BF_BTRFS_RAID1, 2, 0, 5 * BF_BTRFS_STRIPE},
    {2, BF_BTRFS_RAID5, BF_BTRFS_RAID1, 1, 0, 10 * BF_BTRFS_STRIPE},
    {1, 0, 0, 1, 1, 5 * BF_BTRFS_STRIPE},
};

static void make_dev_tree(uint32_t devices)
{
    uint8_t *leaf = node(4, BF_BTRFS_DEV_TREE, 0), *at;
    for (uint32_t d = 1; d <= devices; d++)
        for (uint32_t i = 0; i < 3; i++) {
            at = add(leaf, d, BF_BTRFS_DEV_EXTENT, ranges[i].at, 48);
            bf_put_le64(at, BF_BTRFS_CHUNK_TREE);
            bf_put_le64(at + 8, BF_BTRFS_CHUNKS);
            bf_put_le64(at + 16, ranges[i].at);
            bf_put_le64(at + 24, ranges[i].length);
        }
}

static void add_extent(uint8_t *leaf, uint64_t at, uint8_t type, uint64_t offset)
{
    bf_put_le64(add(leaf, at, type, offset, 24), 1);
}

static void add_group(uint8_t *leaf, const struct shape *shape, uint32_t i)
{
    uint32_t columns = i == 2 ? shape->data_columns : 1;
    uint8_t *at = add(leaf, ranges[i].at, BF_BTRFS_GROUP_ITEM, ranges[i].length * columns, 24);
    bf_put_le64(at, ranges[i].used);
    bf_put_le64(at + 8, BF_BTRFS_CHUNKS);
    bf_put_le64(at + 16, ranges[i].kind | (i == 2 ? shape->data : shape->other));
}

// Block 3 is the root of the extent tree, with the leaves 5 and 6; block 7 has the block groups if
// they have a tree of their own.
static void make_extent_tree(const struct shape *shape)
{
    uint8_t *root = node(3, BF_BTRFS_EXTENT_TREE, 1);
    uint8_t *leaf = node(5, BF_BTRFS_EXTENT_TREE, 0);
    add_child(root, MIB, BF_BTRFS_METADATA_ITEM, 0, 5);
    add_child(root, ranges[2].at, BF_BTRFS_EXTENT_ITEM, 65536, 6);
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t k = 0; k < ranges[i].used / BLOCK; k++) {
            add_extent(leaf, ranges[i].at + (uint64_t)k * BLOCK, BF_BTRFS_METADATA_ITEM, 0);
            if (k == 0 && !shape->group_tree)
                add_group(leaf, shape, i);
        }
    leaf = node(6, BF_BTRFS_EXTENT_TREE, 0);
    add_extent(leaf, ranges[2].at, BF_BTRFS_EXTENT_ITEM, 65536);
    if (!shape->group_tree)
        add_group(leaf, shape, 2);
    add_extent(leaf, ranges[2].at + MIB, BF_BTRFS_EXTENT_ITEM, 4 * 65536);
    leaf = node(7, BF_BTRFS_GROUP_TREE, 0);
    for (uint32_t i = 0; i < 3 && shape->group_tree; i++)
        add_group(leaf, shape, i);
}

static void make_chunk_tree(const struct shape *shape)
{
    uint8_t *leaf = node(1, BF_BTRFS_CHUNK_TREE, 0), *super = seed + 1;
    uint32_t devices = shape->devices;
    for (uint32_t d = 1; d <= devices; d++)
        put_device(add(leaf, BF_BTRFS_DEV_ITEMS, BF_BTRFS_DEV_ITEM, d, 98), (uint8_t)d);
    for (uint32_t i = 0; i < 3; i++)
        put_chunk(add(leaf, BF_BTRFS_CHUNKS, BF_BTRFS_CHUNK_ITEM, ranges[i].at, 48 + devices * 32),
                  ranges[i].length * (i == 2 ? shape->data_columns : 1),
                  ranges[i].kind | (i == 2 ? shape->data : shape->other), devices, ranges[i].at);
    put_key(super + 0x32b, BF_BTRFS_CHUNKS, BF_BTRFS_CHUNK_ITEM, MIB);
    bf_put_le32(super + 0xa0,
                17 + put_chunk(super + 0x33c, MIB, BF_BTRFS_SYSTEM | shape->other, devices, MIB));
}

// Block 2: where the other trees are.
static void make_root_tree(const struct shape *shape)
{
    static const uint64_t owner[] = {BF_BTRFS_EXTENT_TREE, BF_BTRFS_DEV_TREE, BF_BTRFS_GROUP_TREE};
    static const uint32_t block[] = {3, 4, 7};
    uint8_t *root = node(2, BF_BTRFS_ROOT_TREE, 0);
    for (uint32_t i = 0; i < (shape->group_tree ? 3 : 2); i++) {
        uint8_t *at = add(root, owner[i], BF_BTRFS_ROOT_ITEM, 0, 439);
        bf_put_le64(at + 160, 1);
        bf_put_le64(at + 176, place_of(block[i]));
        at[238] = i == 0;
    }
}

static void make(const struct shape *shape)
{
    uint8_t *super = seed + 1;
    memset(seed, 0, sizeof seed);
    seed[0] = REPAIR | (shape->devices > 1 ? TWO : 0);
    super[0x20] = 'f';
    bf_put_le64(super + 0x38, 1);
    memcpy(super + 0x40, "_BHRfS_M", 8);
    bf_put_le64(super + 0x48, 1);
    bf_put_le64(super + 0x50, place_of(2));
    bf_put_le64(super + 0x58, place_of(1));
    bf_put_le64(super + 0x88, shape->devices);
    bf_put_le32(super + 0x90, BLOCK);
    bf_put_le32(super + 0x94, BLOCK);
    bf_put_le64(super + 0xa4, 1);
    bf_put_le64(super + 0xb4, shape->group_tree ? BF_BTRFS_RO_GROUP_TREE : 0);
    bf_put_le64(super + 0xbc, 0x361);
    put_device(super + DEVICE, 1);
    make_chunk_tree(shape);
    make_root_tree(shape);
    make_extent_tree(shape);
    make_dev_tree(shape->devices);
}

// ---- One input ---------------------------------------------------------------------------------

static void judge(struct bf_usage *u, const struct bf_source_disk *disk)
{
    uint64_t at = 0, end, bytes = bf_source_bytes(disk);
    bf_usage_select(u, disk);
    for (int step = 0; at < bytes && step < STEPS; step++, at = end) {
        int unused = bf_usage_extent(u, at, bytes, &end);
        if (end <= at || end > bytes || (unused && at < MIB))
            abort();
        fs.left_out += unused ? end - at : 0;
    }
    for (int step = 0; step < STEPS / 16; step++) { // there and back again
        at = (uint64_t)(step * 7919 % 256) * 65536;
        bf_usage_extent(u, at, bytes, &end);
        if (end <= at || end > bytes)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bf_block_ops ops = {"fuzz", submit, NULL, close_disk, NULL};
    struct bf_source_disk disk[2] = {{.ops = &ops}, {.ops = &ops, .impl = &fs}};
    struct bf_source_disk *disks[] = {&disk[0], &disk[1]};
    struct bf_usage *u;
    if (size < 1 + 2 * BLOCK || size > 1 + BLOCKS * BLOCK)
        return 0;
    memset(&fs, 0, sizeof fs);
    fs.blocks = (uint32_t)((size - 1) / BLOCK);
    memcpy(fs.block, data + 1, fs.blocks * BLOCK);
    if (data[0] & REPAIR)
        repair();
    memcpy(fs.other, fs.block[0], BLOCK);
    fs.other[DEVICE] = fs.other[DEVICE + 66] = 2;
    sum(fs.other);
    for (int i = 0; i < 2; i++)
        disk[i].geometry = (struct bf_block_geometry){.block_size = SECTOR,
                                                      .blocks = DISK / SECTOR,
                                                      .alignment = 1,
                                                      .max_blocks = 128,
                                                      .preferred_blocks = 128,
                                                      .depth = 1};
    u = bf_usage_open(disks, data[0] & TWO ? 2 : 1, NULL);
    for (int i = 0; i < (data[0] & TWO ? 2 : 1); i++)
        judge(u, &disk[i]);
    if (bf_usage_work(u) > WORK_MAX)
        abort();
    bf_usage_free(u);
    return 0;
}

// A seed is a file system of which everything but what it uses is left out.
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    for (unsigned i = 0; i < BF_COUNT(shapes); i++) {
        make(&shapes[i]);
        LLVMFuzzerTestOneInput(seed, sizeof seed);
        if (fs.left_out != shapes[i].devices * (DISK - MIB - 5 * BLOCK) - shapes[i].used)
            abort();
        fuzz_seed(*argc, *argv, i, seed, sizeof seed);
    }
    return 0;
}
