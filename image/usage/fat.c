// SPDX-License-Identifier: Apache-2.0
// The map of FAT12, FAT16 and FAT32: the first file allocation table, as in Microsoft's "FAT:
// General Overview of On-Disk Format" (1.03; sections Boot Sector and BPB, FAT Data Structure). A
// cluster is free when its entry is zero in both tables. Everything in front of the clusters and
// behind the last one is used. FAT12 and FAT16 are told apart by the number of clusters and by
// nothing else.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/parts.h"

enum {
    BOOT_BYTES = 512, // of any sector size: the record is the beginning of the first sector
    SIGNATURE_AT = 510,
    SECTOR_MIN = 512,
    SECTOR_MAX = 4096,
    FIRST_CLUSTER = 2,
    FAT12_CLUSTERS = 4085, // from here on it is FAT16
    FAT16_CLUSTERS = 65525,
    FAT32_CLUSTERS = 0x0ffffff5,
    FAT32_ENTRY = 0x0fffffff,
    WINDOW = 4096, // entries that one answer looks at, at most
    DIRTY = 1,     // in the boot record
    ERRORS = 2,
    ACTIVE = 0x80, // FAT32, BPB_ExtFlags: only one table is written
};

struct fat {
    struct bf_usage_place place;
    uint64_t table[2], data; // bytes
    uint32_t clusters, cluster_bytes;
    uint32_t bits; // of an entry: 12, 16, 32
    uint64_t bytes;
};

// The entry of a cluster in one table. 0: it cannot be read.
static int entry(const struct fat *f, uint32_t table, uint32_t cluster, uint32_t *out)
{
    uint8_t bytes[4] = {0};
    uint64_t at = f->table[table] + (uint64_t)cluster * f->bits / 8;
    if (bf_place_read(&f->place, at, bytes, f->bits == 32 ? 4 : 2))
        return 0;
    *out = bf_le32(bytes);
    if (f->bits == 12)
        *out = (cluster & 1 ? *out >> 4 : *out) & 0xfff;
    if (f->bits == 32)
        *out &= FAT32_ENTRY; // the rest is reserved
    return 1;
}

static int is_free(const struct fat *f, uint32_t cluster)
{
    uint32_t a, b;
    return entry(f, 0, cluster, &a) && entry(f, 1, cluster, &b) && !a && !b;
}

static int fat_extent(void *impl, uint64_t at, uint64_t *end)
{
    const struct fat *f = impl;
    uint64_t number;
    uint32_t cluster, last = f->clusters + FIRST_CLUSTER;
    int unused;
    if (at < f->data) {
        *end = f->data;
        return 0;
    }
    number = (at - f->data) / f->cluster_bytes;
    if (number >= f->clusters)
        return 0;
    cluster = (uint32_t)number + FIRST_CLUSTER;
    if (last - cluster > WINDOW)
        last = cluster + WINDOW;
    unused = is_free(f, cluster++);
    while (cluster < last && is_free(f, cluster) == unused)
        cluster++;
    *end = f->data + (uint64_t)(cluster - FIRST_CLUSTER) * f->cluster_bytes;
    return unused;
}

static const struct bf_usage_ops fat_ops = {fat_extent};

// ---- Claiming ----------------------------------------------------------------------------------

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

// The sizes of the boot record; 0 when they do not fit together.
static int take_sizes(const uint8_t *b, struct fat *f)
{
    uint32_t sector = bf_le16(b + 11), per_cluster = b[13], reserved = bf_le16(b + 14);
    uint32_t root_entries = bf_le16(b + 17), total = bf_le16(b + 19), table = bf_le16(b + 22);
    int wide = table == 0;
    uint64_t root, front;
    if (!bf_is_power_of_two(sector) || sector < SECTOR_MIN || sector > SECTOR_MAX ||
        !bf_is_power_of_two(per_cluster) || !reserved || b[16] != 2)
        return 0;
    table = wide ? bf_le32(b + 36) : table;
    total = total ? total : bf_le32(b + 32);
    if (!table || wide != (root_entries == 0))
        return 0;
    root = ((uint64_t)root_entries * 32 + sector - 1) / sector;
    front = reserved + 2 * (uint64_t)table + root;
    if (front >= total)
        return 0;
    f->bytes = (uint64_t)total * sector;
    f->clusters = (uint32_t)((total - front) / per_cluster);
    f->cluster_bytes = per_cluster * sector;
    f->bits = wide ? 32 : f->clusters < FAT12_CLUSTERS ? 12 : 16;
    f->table[0] = (uint64_t)reserved * sector;
    f->table[1] = f->table[0] + (uint64_t)table * sector;
    f->data = front * sector;
    if (!f->clusters || (wide ? f->clusters < FAT16_CLUSTERS || f->clusters >= FAT32_CLUSTERS
                              : f->clusters >= FAT16_CLUSTERS))
        return 0;
    return ((uint64_t)f->clusters + FIRST_CLUSTER) * f->bits <= (uint64_t)table * sector * 8;
}

// The first two entries are no clusters: the media byte, and an end mark with the flags that say
// "not dirty" and "no errors" (FAT16 and FAT32); some systems keep a dirty flag in the boot record.
static enum bf_err judge(const uint8_t *b, const struct fat *f, char why[BF_USAGE_WHY])
{
    uint32_t media, mark, again_media, again_mark;
    uint32_t high = f->bits == 12 ? 0xf00 : f->bits == 16 ? 0xff00 : 0x0fffff00;
    uint32_t clean = f->bits == 12 ? 0 : f->bits == 16 ? 0x8000 : 0x08000000;
    uint32_t flags = b[f->bits == 32 ? 65 : 37];
    if (!entry(f, 0, 0, &media) || !entry(f, 0, 1, &mark) || !entry(f, 1, 0, &again_media) ||
        !entry(f, 1, 1, &again_mark))
        return refuse(why, "its table cannot be read");
    if (media != (high | b[21]) || media != again_media || mark != again_mark)
        return refuse(why, "its tables do not begin as they should");
    if (flags & DIRTY || (mark & clean) != clean)
        return refuse(why, "it was not unmounted properly");
    if (flags & ERRORS || (mark & clean / 2) != clean / 2)
        return refuse(why, "it has errors");
    if (f->bits == 32 && (bf_le16(b + 42) != 0 || bf_le16(b + 40) & ACTIVE))
        return refuse(why, "it has unknown features");
    return BF_OK;
}

enum bf_err bf_usage_fat(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    uint8_t boot[BOOT_BYTES];
    enum bf_err err = BF_OK;
    struct fat *f;
    memcpy(map->name, "FAT", sizeof "FAT");
    if (bf_place_read(&map->place, 0, boot, sizeof boot))
        return refuse(why, "its boot record cannot be read");
    if (bf_le16(boot + SIGNATURE_AT) != 0xaa55)
        return refuse(why, "its boot record is damaged");
    f = bf_alloc(sizeof *f);
    if (!f)
        return BF_ERR_NO_MEMORY;
    f->place = map->place;
    if (!take_sizes(boot, f))
        err = refuse(why, "its boot record is inconsistent");
    else
        bf_snprintf(map->name, sizeof map->name, "FAT%u", f->bits);
    if (!err && f->bytes > f->place.bytes)
        err = refuse(why, "it is larger than its partition");
    if (!err)
        err = judge(boot, f, why);
    if (err) {
        bf_free(f);
        return err;
    }
    map->ops = &fat_ops;
    map->impl = f;
    return BF_OK;
}
