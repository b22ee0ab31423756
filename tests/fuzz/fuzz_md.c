// SPDX-License-Identifier: Apache-2.0
// Superblocks of md RAID and their bitmaps, with the checksum made right: the first byte says which
// version, and whether a second disk holds the same; the data is swap, nearly all unused. Answers
// advance, stay on the disk, and never call unused where the superblock is.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/usage/usage.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SECTOR = 512,
    DISK = 1 << 24,
    SUPER = 4096,
    INPUT = 8192,
    ANSWERS = 200,
    WORK_MAX = 512 << 20
};

static struct {
    uint64_t super;
    uint8_t bytes[INPUT]; // from the superblock on
} disk;

static const uint64_t places[] = {0, 4096, DISK - 8192, DISK - 65536};

// Swap begins where the data does, at 1 MiB or at the beginning of the disk.
static void fill(uint8_t *sector, uint64_t at)
{
    uint64_t within = at % (1 << 20);
    if (at >= disk.super && at - disk.super < INPUT) {
        memcpy(sector, disk.bytes + (at - disk.super), SECTOR);
        return;
    }
    if (at < 1 << 20 && disk.super < 1 << 20)
        return;
    if (within == 4096 - SECTOR)
        memcpy(sector + SECTOR - 10, "SWAPSPACE2", 10);
    if (within == 1024) {
        sector[0] = 1; // version
        sector[5] = 8; // last page
    }
}

static enum bf_err submit(void *impl, struct bf_block_request *r)
{
    uint8_t *to = r->data;
    (void)impl;
    memset(to, 0, (size_t)r->count * SECTOR);
    for (uint64_t i = 0; i < r->count; i++)
        fill(to + i * SECTOR, (r->block + i) * SECTOR);
    r->status = BF_OK;
    r->done = 1;
    return BF_OK;
}

static void close_disk(void *impl)
{
    (void)impl;
}

static void sum(uint8_t *b, size_t len, size_t without)
{
    uint64_t total = 0;
    size_t i = 0;
    for (; len - i >= 4; i += 4)
        if (i != without)
            total += bf_le32(b + i);
    if (len - i == 2)
        total += bf_le16(b + i);
    bf_put_le32(b + without, (uint32_t)(total + (total >> 32)));
}

static void make(uint8_t *b, uint32_t kind)
{
    bf_put_le32(b, 0xa92b4efc);
    if (kind == 3) {
        bf_put_le32(b + 4 * 2, 90);
        bf_put_le32(b + 4 * 7, 1);
        bf_put_le32(b + 4 * 8, 15000);
        bf_put_le32(b + 4 * 10, 1);
        bf_put_le32(b + 4 * 33, 1);
        bf_put_le32(b + 4 * 34, 1);
        bf_put_le32(b + 512 + 16, 6);
        bf_put_le32(b + 3968 + 16, 6);
        return;
    }
    bf_put_le32(b + 4, 1);
    bf_put_le32(b + 8, 1);
    bf_put_le32(b + 72, 1);
    bf_put_le64(b + 80, 20000);
    bf_put_le32(b + 92, 1);
    bf_put_le32(b + 96, 8);
    bf_put_le64(b + 128, kind == 2 ? 0 : 2048);
    bf_put_le64(b + 136, 20000);
    bf_put_le64(b + 144, places[kind] / SECTOR);
    bf_put_le64(b + 208, UINT64_MAX);
    bf_put_le32(b + 220, 2);
    bf_put_le16(b + 258, 0xffff);
    memcpy(b + SUPER, "bitm", 4);
    bf_put_le32(b + SUPER + 4, 4);
    bf_put_le64(b + SUPER + 40, 20000);
    bf_put_le32(b + SUPER + 52, 1 << 16);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[1 + INPUT];
    for (uint8_t i = 0; i < 4; i++) {
        memset(seed, 0, sizeof seed);
        seed[0] = i;
        make(seed + 1, i);
        fuzz_seed(*argc, *argv, i, seed, sizeof seed);
    }
    return 0;
}

static void judge(struct bf_usage *u)
{
    uint64_t at = 0, end;
    for (int i = 0; at < DISK && i < ANSWERS; i++, at = end) {
        int unused = bf_usage_extent(u, at, DISK, &end);
        if (end <= at || end > DISK || (unused && at < disk.super + SUPER && end > disk.super))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bf_block_ops ops = {"fuzz", submit, NULL, close_disk, NULL};
    struct bf_source_disk side[2], *sides[] = {&side[0], &side[1]};
    uint32_t kind = size ? data[0] % 4 : 0, count = size && data[0] & 4 ? 2 : 1;
    if (size < 2 || size > 1 + INPUT)
        return 0;
    memset(&disk, 0, sizeof disk);
    memset(side, 0, sizeof side);
    disk.super = places[kind];
    memcpy(disk.bytes, data + 1, size - 1);
    size_t roles = bf_le32(disk.bytes + 220);
    if (kind == 3)
        sum(disk.bytes, SUPER, 4 * 38);
    else if (roles <= (SUPER - 256) / 2)
        sum(disk.bytes, 256 + 2 * roles, 216);
    for (uint32_t i = 0; i < count; i++) {
        side[i].ops = &ops;
        side[i].geometry = (struct bf_block_geometry){.block_size = SECTOR,
                                                      .blocks = DISK / SECTOR,
                                                      .alignment = 1,
                                                      .max_blocks = 128,
                                                      .preferred_blocks = 128,
                                                      .depth = 1};
    }
    struct bf_usage *u = bf_usage_open(sides, count, NULL);
    bf_usage_select(u, &side[0]);
    judge(u);
    if (bf_usage_work(u) > WORK_MAX)
        abort();
    bf_usage_free(u);
    return 0;
}
