// SPDX-License-Identifier: Apache-2.0
// The maps of what is used, over a hostile disk: the first byte says how much emptiness follows the
// input and which checksums are made right, so that what is behind them is reached; and whether the
// input lies in partitions, of which the next bytes speak, by a table whose checksums are right. It
// lies in one piece behind the table, or in pieces at the beginning of each partition.
// Whatever the disk says, the answers advance, stay on the disk, never call unused what tells a
// file system, and take little work. Mutation prefers numbers where there are some.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/parttab.h"
#include "image/usage/usage.h"
#include "image/usage/parts.h"
#include "tests/fuzz_rng.h"
#include "tests/fuzz_seed.h"
#include "tests/lvm_image.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum {
    DISK_MAX = 1 << 18,
    REPEAT = 8192,
    EXTENTS = 128,
    SUPER = 1024,
    DESCRIPTOR = 2048,
    WORK_MAX = 256 << 20,
    // of the first byte
    FEW_MIB = 15,
    IN_TABLE = 0x10,
    LVM_SUMS = 0x20,
    REPEATS = 0x40,
    EXT_SUMS = 0x80,
    // of the table: what is said about it, in front of the input proper
    SAID = 28,
    ENTRIES = 4,
    ENTRY = 6,
    PIECES = 2, // in the first byte of it
    PIECE = 6144,
    DISK_SIZE = 1 + SAID + ENTRIES * PIECE,
    APART = 15360, // KiB from one partition to the next, in those that are made
    LONG = 12288,
    SECTOR = 512,
    TABLE = 65536, // bytes in front of the input
    TABLE_SECTORS = 131072,
    GPT_SECTORS = 33, // at the end
};

static struct {
    uint8_t bytes[DISK_MAX];
    size_t len;
    uint64_t at; // of the disk
    int repeats; // the disk is the first REPEAT bytes again and again
    uint8_t head[TABLE], tail[GPT_SECTORS * SECTOR];
    int in_table;
    const uint8_t *pieces; // what is said about the table, when there are some
} input;

// ---- Tables ------------------------------------------------------------------------------------

static uint64_t first_of(const uint8_t *said)
{
    return TABLE / SECTOR + (uint64_t)bf_le16(said + 2) * 2;
}

static uint64_t count_of(const uint8_t *said)
{
    return (uint64_t)bf_le16(said + 4) * 2;
}

static void make_gpt(const uint8_t *said, uint64_t mine, uint64_t other, uint64_t array_at,
                     uint8_t *header, uint8_t *array)
{
    static const uint8_t ldm[16] = {0xaa, 0xc8, 0x08, 0x58, 0x8f, 0x7e, 0xe0, 0x42,
                                    0x85, 0xd2, 0xe1, 0xe9, 0x04, 0x34, 0xcf, 0xb3};
    for (int i = 0; i < ENTRIES; i++) {
        const uint8_t *e = said + 4 + i * ENTRY;
        if (!count_of(e))
            continue;
        memset(array + i * 128, 1, 32);
        if (e[0] == 0x42)
            memcpy(array + i * 128, ldm, sizeof ldm);
        bf_put_le64(array + i * 128 + 32, first_of(e));
        bf_put_le64(array + i * 128 + 40, first_of(e) + count_of(e) - 1);
    }
    memcpy(header, "EFI PART", 8);
    bf_put_le32(header + 8, 0x10000);
    bf_put_le32(header + 12, 92);
    bf_put_le64(header + 24, mine);
    bf_put_le64(header + 32, other);
    bf_put_le64(header + 40, 34);
    bf_put_le64(header + 48, TABLE_SECTORS - 34);
    bf_put_le64(header + 72, array_at);
    bf_put_le32(header + 80, 128);
    bf_put_le32(header + 84, 128);
    bf_put_le32(header + 88, bf_crc32(array, 128 * 128));
    bf_put_le32(header + 16, bf_crc32(header, 92));
}

// said: the kind, which copy of a GPT is damaged, and four entries.
static void make_table(const uint8_t *said)
{
    uint8_t *mbr = input.head + 446;
    memset(input.head, 0, sizeof input.head);
    memset(input.tail, 0, sizeof input.tail);
    input.head[510] = 0x55;
    input.head[511] = 0xaa;
    if (said[0] & 1) {
        mbr[4] = 0xee;
        bf_put_le32(mbr + 8, 1);
        bf_put_le32(mbr + 12, TABLE_SECTORS - 1);
        make_gpt(said, 1, TABLE_SECTORS - 1, 2, input.head + SECTOR, input.head + 2 * SECTOR);
        make_gpt(said, TABLE_SECTORS - 1, 1, TABLE_SECTORS - GPT_SECTORS,
                 input.tail + (GPT_SECTORS - 1) * SECTOR, input.tail);
        input.head[SECTOR + said[1] % 92] ^= said[2];
        input.tail[said[1] * 64] ^= said[3];
        return;
    }
    for (int i = 0; i < ENTRIES; i++) {
        const uint8_t *e = said + 4 + i * ENTRY;
        mbr[16 * i] = e[1] & 0x80;
        mbr[16 * i + 4] = e[0];
        bf_put_le32(mbr + 16 * i + 8, first_of(e));
        bf_put_le32(mbr + 16 * i + 12, count_of(e));
    }
}

static void copy_part(uint8_t *out, uint64_t at, uint64_t len, const uint8_t *part, uint64_t from,
                      uint64_t bytes)
{
    uint64_t first = at > from ? at : from, end = at + len < from + bytes ? at + len : from + bytes;
    if (first < end)
        memcpy(out + (first - at), part + (first - from), end - first);
}

static void copy_pieces(uint8_t *out, uint64_t at, uint64_t len)
{
    for (size_t i = 0; i < ENTRIES && i * PIECE < input.len; i++) {
        size_t left = input.len - i * PIECE;
        copy_part(out, at, len, input.bytes + i * PIECE,
                  first_of(input.pieces + 4 + i * ENTRY) * SECTOR, left < PIECE ? left : PIECE);
    }
}

// ---- The disk ----------------------------------------------------------------------------------

static enum bf_err submit(void *impl, struct bf_block_request *r)
{
    uint64_t at = r->block * 512, len = (uint64_t)r->count * 512;
    (void)impl;
    memset(r->data, 0, len);
    for (uint64_t i = 0; input.repeats && i < len; i += 512)
        memcpy((uint8_t *)r->data + i, input.bytes + (at + i) % REPEAT, 512);
    if (input.pieces)
        copy_pieces(r->data, at, len);
    else if (!input.repeats)
        copy_part(r->data, at, len, input.bytes, input.at, input.len);
    if (input.in_table) {
        copy_part(r->data, at, len, input.head, 0, sizeof input.head);
        copy_part(r->data, at, len, input.tail, (uint64_t)(TABLE_SECTORS - GPT_SECTORS) * SECTOR,
                  sizeof input.tail);
    }
    r->status = BF_OK;
    r->done = 1;
    return BF_OK;
}

static void close_disk(void *impl)
{
    (void)impl;
}

// metadata_csum, as of a file system of 1 KiB blocks with descriptors of 32 bytes.
static void repair(uint8_t *disk)
{
    uint8_t *super = disk + SUPER, *desc = disk + DESCRIPTOR, group[4] = {0};
    uint32_t seed = bf_crc32c(UINT32_MAX, super + 0x68, 16), crc;
    super[0x175] = 1;
    bf_put_le32(super + 0x3fc, bf_crc32c(UINT32_MAX, super, 0x3fc));
    crc = bf_crc32c(seed, disk + 3072, 1024);
    bf_put_le16(desc + 0x18, (uint16_t)crc);
    crc = bf_crc32c(bf_crc32c(bf_crc32c(seed, group, 4), desc, 0x1e), "\0", 2);
    bf_put_le16(desc + 0x1e, (uint16_t)crc);
}

static void make_ext(uint8_t *disk, uint32_t ro_compat)
{
    uint8_t *super = disk + SUPER, *desc = disk + DESCRIPTOR;
    bf_put_le32(super, 128);         // inodes
    bf_put_le32(super + 0x4, 8193);  // blocks
    bf_put_le32(super + 0x14, 1);    // first block
    bf_put_le32(super + 0x20, 8192); // blocks per group
    bf_put_le32(super + 0x24, 8192);
    bf_put_le32(super + 0x28, 128);     // inodes per group
    bf_put_le32(super + 0x38, 0x1ef53); // magic, clean
    bf_put_le32(super + 0x4c, 1);
    super[0x58] = 128;
    bf_put_le32(super + 0x64, ro_compat);
    bf_put_le32(desc, 3);
    bf_put_le32(desc + 4, 4);
    bf_put_le32(desc + 8, 5);
    bf_put_le32(desc + 0xc, 8192 - 20); // free
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
    bf_put_le32(disk + 32, 1 + 2 * table + !wide + clusters);
    bf_put_le32(disk + 36, wide ? table : 0);
    memcpy(disk + (wide ? 82 : 54), wide ? "FAT32" : "FAT", wide ? 5 : 3);
    bf_put_le32(disk + 508, 0xaa550000);
    for (uint32_t i = 0; i < (wide ? 1u : 2u); i++) {
        uint8_t *at = disk + (1 + i * table) * 512;
        bf_put_le32(at, wide ? 0x0ffffff8 : 0xfffff8);
        bf_put_le32(at + 4, wide ? 0x0fffffff : 0x00ff0000);
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

static void make_swap(uint8_t *disk, uint32_t pages)
{
    bf_put_le32(disk + 1024, 1);
    bf_put_le32(disk + 1028, pages);
    memcpy(disk + 4086, "SWAPSPACE2", 10);
}

// Four partitions with a piece each, of kinds in any order; one in eight is of none.
static size_t make_disk(struct fuzz_rng *r, uint8_t *out, size_t max)
{
    static const uint32_t ro_compat[] = {1, 1 | 0x400, 1 | 0x10};
    uint64_t first = fuzz_below(r, ENTRIES), variant = fuzz_below(r, 3);
    if (max < DISK_SIZE)
        return 0;
    memset(out, 0, DISK_SIZE);
    out[0] = IN_TABLE | LVM_SUMS | (variant == 1 ? EXT_SUMS : 0);
    out[1] = (uint8_t)(PIECES | fuzz_below(r, 2));
    for (uint64_t i = 0; i < ENTRIES; i++) {
        uint8_t *piece = out + 1 + SAID + i * PIECE, *entry = out + 1 + 4 + i * ENTRY;
        entry[0] = 0x83;
        bf_put_le16(entry + 2, i * APART);
        bf_put_le16(entry + 4, LONG - fuzz_below(r, 2));
        if (!fuzz_below(r, 8))
            continue;
        switch ((first + i) % ENTRIES) {
        case 0:
            make_ext(piece, ro_compat[variant]);
            break;
        case 1:
            make_fat(piece, 0);
            break;
        case 2:
            make_swap(piece, 16 + (uint32_t)fuzz_below(r, 2000));
            break;
        default:
            make_lvm(piece);
        }
    }
    return DISK_SIZE;
}

// The same as the whole of a disk, in the first partition of an MBR and of a GPT, and in two that
// overlap.
static void seeds(int argc, char **argv, unsigned number, uint8_t flags, const uint8_t *disk)
{
    static uint8_t seed[1 + SAID + 6144];
    uint8_t *entry = seed + 1 + 4;
    seed[0] = flags;
    memcpy(seed + 1, disk, 6144);
    fuzz_seed(argc, argv, 4 * number, seed, 1 + 6144);
    for (unsigned i = 1; i < 4; i++) {
        memset(seed + 1, 0, SAID);
        seed[0] = flags | IN_TABLE;
        seed[1] = i == 2;
        entry[0] = 0x83;
        bf_put_le16(entry + 4, 8192);
        if (i == 2) { // a GPT without a partition, too
            seed[1] = 1;
            memset(entry, 0, ENTRY);
            fuzz_seed(argc, argv, 100 + number, seed, sizeof seed);
            entry[0] = 0x83;
            bf_put_le16(entry + 4, 8192);
        }
        if (i == 3) {
            entry[ENTRY] = 5;
            bf_put_le16(entry + ENTRY + 2, 4096);
            bf_put_le16(entry + ENTRY + 4, 8192);
        }
        memcpy(seed + 1 + SAID, disk, 6144);
        fuzz_seed(argc, argv, 4 * number + i, seed, sizeof seed);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint32_t ro_compat[] = {1, 1 | 0x400, 1 | 0x10};
    static uint8_t disk[6144], several[DISK_SIZE];
    struct fuzz_rng r = {1};
    for (unsigned i = 0; i < 3; i++) {
        memset(disk, 0, sizeof disk);
        make_ext(disk, ro_compat[i]);
        seeds(*argc, *argv, i, i == 1 ? EXT_SUMS | 1 : 1, disk);
    }
    memset(disk, 0, sizeof disk);
    make_swap(disk, 2000);
    seeds(*argc, *argv, 3, 1, disk);
    for (unsigned wide = 0; wide < 2; wide++) {
        memset(disk, 0, sizeof disk);
        make_fat(disk, (int)wide);
        seeds(*argc, *argv, 4 + wide, wide ? REPEATS | 4 : 4, disk);
    }
    memset(disk, 0, sizeof disk);
    make_lvm(disk);
    seeds(*argc, *argv, 6, LVM_SUMS | 1, disk);
    memset(disk, 0, sizeof disk);
    memcpy(disk, "verity\0\0", 8);
    bf_put_le32(disk + 64, 4096);
    bf_put_le32(disk + 72, 100);
    seeds(*argc, *argv, 7, 1, disk);
    make_disk(&r, several, sizeof several);
    fuzz_seed(*argc, *argv, 200, several, sizeof several);
    return 0;
}

// ---- Judging -----------------------------------------------------------------------------------

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
        if (unused && input.in_table && end > TABLE && at < TABLE + 2 * SUPER)
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

static void right_sums(uint8_t flags)
{
    size_t step = input.pieces ? PIECE : input.len;
    for (size_t at = 0; at + step <= input.len; at += step) {
        uint8_t *disk = input.bytes + at;
        if (flags & EXT_SUMS && (!input.pieces || memcmp(disk + SUPER + 0x38, "\x53\xef", 2) == 0))
            repair(disk);
        if (flags & LVM_SUMS && (!input.pieces || memcmp(disk + 512, "LABELONE", 8) == 0))
            lvm_image_sum(disk, step);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bf_block_ops ops = {"fuzz", submit, NULL, close_disk, NULL};
    struct bf_source_disk disk = {.ops = &ops};
    size_t said = size && data[0] & IN_TABLE ? SAID : 0;
    if (size < 1 + said + 4096 || size > sizeof input.bytes)
        return 0;
    input.len = size - 1 - said;
    input.in_table = said != 0;
    input.at = said ? TABLE : 0;
    memset(input.bytes, 0, REPEAT);
    memcpy(input.bytes, data + 1 + said, input.len);
    input.repeats = data[0] & REPEATS && !said;
    input.pieces = said && data[1] & PIECES ? data + 1 : NULL;
    right_sums(data[0]);
    if (said)
        make_table(data + 1);
    disk.geometry = (struct bf_block_geometry){
        .block_size = SECTOR,
        .blocks = said ? (uint64_t)TABLE_SECTORS
                       : input.len / SECTOR + 1 + ((uint64_t)(data[0] & FEW_MIB) << 15),
        .alignment = 1,
        .max_blocks = 128,
        .preferred_blocks = 128,
        .depth = 1};
    struct bf_source_disk *disks[] = {&disk};
    struct bf_usage *u = bf_usage_open(disks, 1, NULL);
    bf_usage_select(u, &disk);
    judge(u, bf_source_bytes(&disk));
    if (bf_usage_work(u) > WORK_MAX)
        abort();
    bf_usage_free(u);
    return 0;
}

// ---- Mutation ----------------------------------------------------------------------------------

// A number where something is that is not zero, or right behind it.
static void change_number(uint8_t *data, size_t size, struct fuzz_rng *r)
{
    uint64_t number = fuzz_number(r), bytes = 1ull << fuzz_below(r, 4);
    size_t at = fuzz_below(r, size);
    while (at < size && !data[at])
        at++;
    at += fuzz_below(r, 3) * 4;
    for (uint64_t i = 0; i < bytes && at + i < size; i++)
        data[at + i] = (uint8_t)(number >> 8 * i);
}

// Most of what is made are new disks with none, one or two changes, since what was changed often
// has no map any more. The rest are changed inputs, one in eight of them by libFuzzer alone.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    struct fuzz_rng r = {seed};
    uint64_t kind = fuzz_below(&r, 8), changes = 1 + fuzz_below(&r, 3);
    if (size < 2 || !kind)
        return LLVMFuzzerMutate(data, size, max);
    if (kind > 2 && max >= DISK_SIZE) {
        size = make_disk(&r, data, max);
        changes = fuzz_below(&r, 3);
    }
    size_t said = size > 1 + SAID && data[0] & IN_TABLE ? SAID : 0;
    for (; changes; changes--) {
        if (said && !fuzz_below(&r, 3))
            data[1 + fuzz_below(&r, SAID)] = (uint8_t)fuzz_number(&r);
        else
            change_number(data + 1 + said, size - 1 - said, &r);
    }
    return size;
}
