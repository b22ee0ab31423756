// SPDX-License-Identifier: Apache-2.0
// The maps of what is used, over a hostile disk: the first byte says how much emptiness follows the
// input and which checksums are made right, so that what is behind them is reached. Whatever the
// disk says, the answers advance, stay on the disk, and never call unused what tells a file system.
#include <stdlib.h>
#include <string.h>

#include "image/usage.h"
#include "image/usage_parts.h"
#include "tests/fuzz_seed.h"
#include "tests/lvm_image.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DISK_MAX = 1 << 18, REPEAT = 8192, EXTENTS = 32, SUPER = 1024, DESCRIPTOR = 2048 };

static struct {
    uint8_t bytes[DISK_MAX];
    size_t len;
    int repeats; // the disk is the first REPEAT bytes again and again
} input;

static enum bf_err submit(void *impl, struct bf_block_request *r)
{
    uint64_t at = r->block * 512, len = (uint64_t)r->count * 512;
    (void)impl;
    memset(r->data, 0, len);
    for (uint64_t i = 0; input.repeats && i < len; i += 512)
        memcpy((uint8_t *)r->data + i, input.bytes + (at + i) % REPEAT, 512);
    if (!input.repeats && at < input.len)
        memcpy(r->data, input.bytes + at, input.len - at < len ? input.len - at : len);
    r->status = BF_OK;
    r->done = 1;
    return BF_OK;
}

static void close_disk(void *impl)
{
    (void)impl;
}

static void put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

// metadata_csum, as of a file system of 1 KiB blocks with descriptors of 32 bytes.
static void repair(uint8_t *disk)
{
    uint8_t *super = disk + SUPER, *desc = disk + DESCRIPTOR, group[4] = {0};
    uint32_t seed = bf_crc32c(UINT32_MAX, super + 0x68, 16), crc;
    super[0x175] = 1;
    put32(super + 0x3fc, bf_crc32c(UINT32_MAX, super, 0x3fc));
    crc = bf_crc32c(seed, disk + 3072, 1024);
    desc[0x18] = (uint8_t)crc;
    desc[0x19] = (uint8_t)(crc >> 8);
    crc = bf_crc32c(bf_crc32c(bf_crc32c(seed, group, 4), desc, 0x1e), "\0", 2);
    desc[0x1e] = (uint8_t)crc;
    desc[0x1f] = (uint8_t)(crc >> 8);
}

static void make_ext(uint8_t *disk, uint32_t ro_compat)
{
    uint8_t *super = disk + SUPER, *desc = disk + DESCRIPTOR;
    put32(super, 128);         // inodes
    put32(super + 0x4, 8193);  // blocks
    put32(super + 0x14, 1);    // first block
    put32(super + 0x20, 8192); // blocks per group
    put32(super + 0x24, 8192);
    put32(super + 0x28, 128);     // inodes per group
    put32(super + 0x38, 0x1ef53); // magic, clean
    put32(super + 0x4c, 1);
    super[0x58] = 128;
    put32(super + 0x64, ro_compat);
    put32(desc, 3);
    put32(desc + 4, 4);
    put32(desc + 8, 5);
    put32(desc + 0xc, 8192 - 20); // free
    memset(disk + 3072, 0xff, 2);
    disk[3074] = 0xf;
}

// FAT12 with 500 clusters of one sector, or FAT32 with as few as it may have, whose tables are 512
// sectors long: on a disk that repeats itself both are the same.
static void make_fat(uint8_t *disk, int wide)
{
    uint32_t table = wide ? 512 : 2, clusters = wide ? 65530 : 500;
    disk[12] = 2; // bytes per sector: 512
    disk[13] = 1; // sectors per cluster
    disk[14] = 1; // reserved sectors
    disk[16] = 2; // tables
    disk[17] = wide ? 0 : 16;
    disk[21] = 0xf8;
    disk[22] = wide ? 0 : (uint8_t)table;
    put32(disk + 32, 1 + 2 * table + !wide + clusters);
    put32(disk + 36, wide ? table : 0);
    memcpy(disk + (wide ? 82 : 54), wide ? "FAT32" : "FAT", wide ? 5 : 3);
    put32(disk + 508, 0xaa550000);
    for (uint32_t i = 0; i < (wide ? 1u : 2u); i++) {
        uint8_t *at = disk + (1 + i * table) * 512;
        put32(at, wide ? 0x0ffffff8 : 0xfffff8);
        put32(at + 4, wide ? 0x0fffffff : 0x00ff0000);
    }
}

// A group with one volume of two extents behind a small metadata area.
static void make_lvm(uint8_t *disk)
{
    static const char text[] =
        "g{id=\"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\" seqno=1 format=\"lvm2\" status=[\"READ\"] "
        "extent_size=8 physical_volumes{pv0{id=\"pppppppppppppppppppppppppppppppp\" "
        "status=[\"ALLOCATABLE\"] flags=[] pe_start=12 pe_count=9}} logical_volumes{l{id=\"x\" "
        "status=[\"VISIBLE\"] flags=[] segment_count=1 segment1{start_extent=0 extent_count=2 "
        "type=\"striped\" stripe_count=1 stripes=[\"pv0\",3]}}}} "
        "contents=\"Text Format Volume Group\" version=1";
    lvm_image_make(disk, "pppppppppppppppppppppppppppppppp", 1 << 20, 2048, text, sizeof text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint32_t ro_compat[] = {1, 1 | 0x400, 1 | 0x10};
    static uint8_t seed[1 + 6144];
    for (unsigned i = 0; i < 3; i++) {
        memset(seed, 0, sizeof seed);
        seed[0] = i == 1 ? 0x81 : 1;
        make_ext(seed + 1, ro_compat[i]);
        fuzz_seed(*argc, *argv, i, seed, sizeof seed);
    }
    memset(seed, 0, sizeof seed);
    seed[0] = 1;
    put32(seed + 1 + 1024, 1);
    put32(seed + 1 + 1028, 2000);
    memcpy(seed + 1 + 4086, "SWAPSPACE2", 10);
    fuzz_seed(*argc, *argv, 3, seed, sizeof seed);
    for (int wide = 0; wide < 2; wide++) {
        memset(seed, 0, sizeof seed);
        seed[0] = wide ? 0x44 : 4;
        make_fat(seed + 1, wide);
        fuzz_seed(*argc, *argv, 4 + (unsigned)wide, seed, sizeof seed);
    }
    memset(seed, 0, sizeof seed);
    seed[0] = 0x21;
    make_lvm(seed + 1);
    fuzz_seed(*argc, *argv, 6, seed, sizeof seed);
    return 0;
}

static void judge(struct bf_usage *u, uint64_t bytes)
{
    uint64_t at = 0, end;
    int steps = 0, unused;
    for (; at < bytes && steps++ < EXTENTS; at = end) {
        unused = bf_usage_extent(u, at, bytes, &end);
        if (end <= at || end > bytes)
            abort();
        if (unused && at < 2 * SUPER)
            abort();
    }
    for (uint64_t chunk = 0; chunk < bytes / 65536 && steps++ < 2 * EXTENTS;) {
        uint64_t left = bytes / 65536 - chunk, run;
        run = bf_usage_run(u, chunk, left, 16, 65536, bytes, &unused);
        if (!run || run > left || (!unused && run > 16))
            abort();
        chunk += run;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bf_block_ops ops = {"fuzz", submit, NULL, close_disk, NULL};
    struct bf_source_disk disk = {.ops = &ops};
    if (size < 1 + 4096 || size > sizeof input.bytes)
        return 0;
    input.len = size - 1;
    memset(input.bytes, 0, REPEAT);
    memcpy(input.bytes, data + 1, input.len);
    input.repeats = data[0] & 0x40;
    if (data[0] & 0x80)
        repair(input.bytes);
    if (data[0] & 0x20)
        lvm_image_sum(input.bytes, input.len);
    disk.geometry =
        (struct bf_block_geometry){.block_size = 512,
                                   .blocks = input.len / 512 + 1 + ((uint64_t)(data[0] & 15) << 15),
                                   .alignment = 1,
                                   .max_blocks = 128,
                                   .preferred_blocks = 128,
                                   .depth = 1};
    struct bf_source_disk *disks[] = {&disk};
    struct bf_usage *u = bf_usage_open(disks, 1, NULL);
    bf_usage_select(u, &disk);
    judge(u, bf_source_bytes(&disk));
    bf_usage_free(u);
    return 0;
}
