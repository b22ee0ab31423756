// SPDX-License-Identifier: Apache-2.0
// The map of NTFS over a hostile disk: clusters and records of 1024 bytes, the sixteen records of
// the system, a log of two short restart pages and a root folder of one node. The first byte says
// whether update sequences and the mirror are made right, so that what is behind them is reached,
// and how large the disk is.
#include <string.h>

#include "base/bytes.h"
#include "tests/fuzz_map.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CLUSTER = 1024,
    STRIDE = 512,
    INPUT_MAX = 1 << 16,
    CLUSTERS = 2048,
    MFT_AT = 2, // clusters
    RECORDS = 16,
    MIRROR_AT = MFT_AT + RECORDS,
    BITMAP_AT = MIRROR_AT + 4,
    NODE_AT = BITMAP_AT + 1,
    LOG_AT = NODE_AT + 1,
    LOG_CLUSTERS = 16,
    INPUT_LEAST = (LOG_AT + 1) * CLUSTER,
    USED = LOG_AT + LOG_CLUSTERS,
    REPAIR = 0x80,
    USA_AT = 48,
    ATTRIBUTES_AT = 56,
};

// Makes the ends of the strides those that the sequence asks for.
static void protect(uint8_t *r, uint32_t len)
{
    uint32_t usa = r[4];
    r[5] = r[7] = 0;
    r[6] = (uint8_t)(len / STRIDE + 1);
    for (uint32_t i = 1; i <= len / STRIDE; i++)
        memcpy(r + i * STRIDE - 2, r + usa, 2);
}

static void repair(uint8_t *disk)
{
    uint8_t *mft = disk + MFT_AT * CLUSTER, *log = disk + LOG_AT * CLUSTER;
    for (uint32_t i = 0; i < RECORDS; i++)
        protect(mft + i * CLUSTER, CLUSTER);
    protect(disk + NODE_AT * CLUSTER, CLUSTER);
    for (uint32_t i = 0; i < 2; i++)
        protect(log + i * STRIDE, STRIDE);
    memcpy(disk + MIRROR_AT * CLUSTER, mft, (size_t)4 * CLUSTER);
}

static void make_boot(uint8_t *b)
{
    memcpy(b + 3, "NTFS    ", 8);
    bf_put_le16(b + 11, STRIDE);
    b[13] = CLUSTER / STRIDE;
    bf_put_le64(b + 40, CLUSTERS * (CLUSTER / STRIDE));
    bf_put_le64(b + 48, MFT_AT);
    bf_put_le64(b + 56, MIRROR_AT);
    b[64] = 1;
    bf_put_le16(b + 510, 0xaa55);
}

// A record with one attribute, whose contents or runs are `bytes`.
static uint8_t *make_record(uint8_t *disk, uint32_t number, uint32_t type, const char *name,
                            const uint8_t *bytes, uint32_t len, uint32_t clusters)
{
    uint8_t *r = disk + (MFT_AT + number) * CLUSTER, *a = r + ATTRIBUTES_AT;
    uint32_t head = clusters ? 64 : 24, names = (uint32_t)strlen(name);
    memcpy(r, "FILE", 4);
    bf_put_le16(r + 4, USA_AT);
    bf_put_le16(r + USA_AT, 7);
    bf_put_le16(r + 20, ATTRIBUTES_AT);
    r[22] = number == 5 ? 3 : 1;
    while (a[0] && a[0] != 0xff) // behind those that are there
        a += a[4];
    uint32_t whole = (head + 8 + len + 8) / 8 * 8;
    bf_put_le32(a, type);
    bf_put_le32(a + 4, whole);
    a[8] = clusters != 0;
    a[9] = (uint8_t)names;
    a[10] = (uint8_t)head;
    for (uint32_t i = 0; i < names; i++)
        a[head + 2 * i] = (uint8_t)name[i];
    if (clusters) {
        bf_put_le64(a + 24, clusters - 1);
        a[32] = (uint8_t)(head + 8);
        for (uint32_t i = 40; i < 64; i += 8)
            bf_put_le64(a + i, (uint64_t)clusters * CLUSTER);
    } else {
        bf_put_le32(a + 16, len);
        a[20] = (uint8_t)(head + 8);
    }
    memcpy(a + head + 8, bytes, len);
    bf_put_le32(a + whole, 0xffffffff);
    bf_put_le32(r + 24, (uint64_t)(a - r) + whole + 8);
    return a;
}

static uint8_t *make_stream(uint8_t *disk, uint32_t number, uint32_t type, const char *name,
                            uint8_t first, uint8_t clusters)
{
    uint8_t runs[] = {0x11, clusters, first, 0};
    return make_record(disk, number, type, name, runs, sizeof runs, clusters);
}

// The root folder: in its record only that there is a node; there the entry of a hibernation file.
static void make_root(uint8_t *disk)
{
    static const uint8_t root[64] = {0x30, 0,  0, 0, 1, 0,  0, 0, 0, 4,  0,  0, 1, 0, 0,
                                     0,    16, 0, 0, 0, 40, 0, 0, 0, 40, 0,  0, 0, 1, 0,
                                     0,    0,  0, 0, 0, 0,  0, 0, 0, 0,  24, 0, 0, 0, 3};
    static const char name[] = "hiberfil.sys";
    uint8_t *node = disk + NODE_AT * CLUSTER, *entry = node + 64;
    make_record(disk, 5, 0x90, "$I30", root, sizeof root, 0);
    make_stream(disk, 5, 0xa0, "$I30", NODE_AT, 1);
    memcpy(node, "INDX", 4);
    node[4] = 40;
    node[24] = 40;  // entries, from here on
    node[28] = 168; // and their end
    entry[0] = 15;  // its data are zeros within the log: Windows is awake
    make_stream(disk, 15, 0x80, "", LOG_AT + 4, 8);
    entry[8] = 112;
    entry[10] = 90;
    entry[16 + 64] = sizeof name - 1;
    for (uint32_t i = 0; i < sizeof name - 1; i++)
        entry[16 + 66 + 2 * i] = (uint8_t)name[i];
    entry[112 + 8] = 16;
    entry[112 + 12] = 2;
}

static void make(uint8_t *disk, int with_root)
{
    static const uint8_t volume[12] = {0, 0, 0, 0, 0, 0, 0, 0, 3, 1};
    static const uint8_t leaf[48] = {0x30, 0,  0, 0, 1, 0,  0, 0, 0, 4,  0,  0, 1, 0, 0,
                                     0,    16, 0, 0, 0, 32, 0, 0, 0, 32, 0,  0, 0, 0, 0,
                                     0,    0,  0, 0, 0, 0,  0, 0, 0, 0,  16, 0, 0, 0, 2};
    make_boot(disk);
    for (uint32_t i = 0; i < RECORDS; i++)
        make_record(disk, i, 0x10, "", volume, 8, 0);
    make_stream(disk, 0, 0x80, "", MFT_AT, RECORDS);
    make_stream(disk, 1, 0x80, "", MIRROR_AT, 4);
    make_stream(disk, 2, 0x80, "", LOG_AT, LOG_CLUSTERS);
    make_record(disk, 3, 0x70, "", volume, sizeof volume, 0);
    uint8_t *bitmap = make_stream(disk, 6, 0x80, "", BITMAP_AT, 1);
    bf_put_le64(bitmap + 48, CLUSTERS / 8);
    bf_put_le64(bitmap + 56, CLUSTERS / 8);
    if (with_root)
        make_root(disk);
    else
        make_record(disk, 5, 0x90, "$I30", leaf, sizeof leaf, 0);
    memset(disk + BITMAP_AT * CLUSTER, 0xff, USED / 8);
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t *page = disk + LOG_AT * CLUSTER + i * STRIDE;
        memcpy(page, "RSTR", 4);
        page[4] = 30;
        bf_put_le32(page + 16, STRIDE);
        page[24] = 64;
        page[26] = page[28] = 1;
        bf_put_le16(page + 64 + 12, 0xffff);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[1 + INPUT_LEAST];
    for (unsigned i = 0; i < 2; i++) {
        memset(seed, 0, sizeof seed);
        seed[0] = REPAIR;
        make(seed + 1, i == 1);
        fuzz_seed(*argc, *argv, i, seed, sizeof seed);
    }
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
    fuzz_map(disk, size - 1, ((uint64_t)CLUSTERS * 2 << (data[0] & 15)) + 1, CLUSTER);
    return 0;
}
