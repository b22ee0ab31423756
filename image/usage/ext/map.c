// SPDX-License-Identifier: Apache-2.0
// The map of ext2, ext3 and ext4: the block bitmaps of its groups, as documented in the Linux
// kernel (Documentation/filesystems/ext4: super.rst, group_descr.rst, bitmaps.rst, blockgroup.rst,
// bigalloc.rst, checksums.rst). One group at a time is looked at; a group whose descriptor,
// checksum or count of free clusters does not fit is used as a whole. Superblocks and descriptors
// in front of a group count as used whatever its bitmap says.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/ext/map.h"
#include "image/usage/parts.h"

// ---- Groups ------------------------------------------------------------------------------------

struct group {
    uint64_t first, blocks; // of the file system
    uint64_t bitmap, inode_bitmap, inode_table;
    uint32_t free; // clusters
    uint16_t flags;
};

static uint64_t get_wide(const struct bf_ext *e, const uint8_t *desc, uint32_t low, uint32_t high)
{
    return bf_le32(desc + low) | (e->desc_bytes >= 64 ? (uint64_t)bf_le32(desc + high) << 32 : 0);
}

static int is_power_of(uint64_t group, uint64_t base)
{
    uint64_t power = base;
    while (power < group)
        power *= base;
    return power == group;
}

static int has_superblock(const struct bf_ext *e, uint64_t group)
{
    if (group == 0)
        return 1;
    if (e->compat & BF_EXT_SPARSE_SUPER2)
        return group == e->backup_groups[0] || group == e->backup_groups[1];
    if (group == 1 || !(e->ro_compat & BF_EXT_SPARSE_SUPER))
        return 1;
    return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

// Blocks at the beginning of a group that hold superblock and descriptors, at most.
static uint64_t head_blocks(const struct bf_ext *e, uint64_t group)
{
    uint64_t blocks = 0;
    if (has_superblock(e, group))
        blocks = 1 + e->super_block + e->desc_blocks + e->reserved_desc;
    // With meta_bg a block of descriptors may stand in any group, behind the superblock.
    return e->incompat & BF_EXT_META_BG && blocks < 3 ? 3 : blocks;
}

// The same, exactly, as the count of free blocks of a group without a bitmap takes it.
static uint64_t counted_head(const struct bf_ext *e, uint64_t group)
{
    uint64_t per_block = e->block_bytes / e->desc_bytes, within = group % per_block;
    uint64_t super = (uint64_t)has_superblock(e, group), desc = e->desc_blocks;
    if (!group && e->super_block && !e->first_block) // block 0, too
        super++;
    if (!(e->incompat & BF_EXT_META_BG))
        return super ? super + desc + e->reserved_desc : 0;
    if (group / per_block < e->first_meta_bg)
        return super ? super + e->first_meta_bg : 0;
    return super + (within < 2 || within == per_block - 1);
}

static uint64_t descriptor_block(const struct bf_ext *e, uint64_t index)
{
    uint64_t per_block = e->block_bytes / e->desc_bytes, group = index * per_block, block;
    if (!(e->incompat & BF_EXT_META_BG) || index < e->first_meta_bg)
        return e->super_block + 1 + index;
    block = e->first_block + group * e->group_blocks + (uint64_t)has_superblock(e, group);
    // Blocks of 1 KiB, counted from 0: the first superblock is in block 1.
    return !group && e->super_block && !e->first_block ? block + 1 : block;
}

static uint16_t crc16(uint16_t crc, const uint8_t *at, size_t len)
{
    while (len--) {
        crc ^= *at++;
        for (int i = 0; i < 8; i++)
            crc = (uint16_t)(crc >> 1 ^ (crc & 1 ? 0xa001 : 0));
    }
    return crc;
}

enum { DESC_CHECKSUM = 0x1e, DESC_REST = 0x20 };

static int descriptor_fits(const struct bf_ext *e, uint32_t group, const uint8_t *desc)
{
    uint8_t number[4];
    uint16_t is = bf_le16(desc + DESC_CHECKSUM);
    uint32_t rest = e->desc_bytes - DESC_REST;
    bf_put_le32(number, group);
    if (e->ro_compat & BF_EXT_METADATA_CSUM) {
        uint32_t crc = bf_crc32c(bf_crc32c(e->seed, number, 4), desc, DESC_CHECKSUM);
        crc = bf_crc32c(crc, "\0", 2);
        return (bf_crc32c(crc, desc + DESC_REST, rest) & 0xffff) == is;
    }
    if (e->ro_compat & BF_EXT_GDT_CSUM) {
        uint16_t crc = crc16(crc16(0xffff, e->uuid, sizeof e->uuid), number, 4);
        crc = crc16(crc, desc, DESC_CHECKSUM);
        return crc16(crc, desc + DESC_REST, e->incompat & BF_EXT_64BIT ? rest : 0) == is;
    }
    return 1;
}

static int read_descriptor(struct bf_ext *e, uint64_t number, uint8_t *desc)
{
    uint64_t per_block = e->block_bytes / e->desc_bytes;
    uint64_t block = descriptor_block(e, number / per_block);
    return block < e->blocks &&
           bf_place_read(&e->place, block * e->block_bytes + number % per_block * e->desc_bytes,
                         desc, e->desc_bytes) == BF_OK &&
           descriptor_fits(e, (uint32_t)number, desc);
}

static uint64_t table_blocks(const struct bf_ext *e)
{
    return ((uint64_t)e->group_inodes * e->inode_bytes + e->block_bytes - 1) / e->block_bytes;
}

static int read_group(struct bf_ext *e, uint64_t number, struct group *g, uint8_t *desc)
{
    if (!read_descriptor(e, number, desc))
        return 0;
    g->first = e->first_block + number * e->group_blocks;
    g->blocks = e->blocks - g->first < e->group_blocks ? e->blocks - g->first : e->group_blocks;
    g->bitmap = get_wide(e, desc, 0x0, 0x20);
    g->inode_bitmap = get_wide(e, desc, 0x4, 0x24);
    g->inode_table = get_wide(e, desc, 0x8, 0x28);
    g->free =
        bf_le16(desc + 0xc) | (e->desc_bytes >= 64 ? (uint32_t)bf_le16(desc + 0x2c) << 16 : 0);
    g->flags = bf_le16(desc + 0x12);
    return g->bitmap >= e->first_block && g->bitmap < e->blocks &&
           g->inode_bitmap >= e->first_block && g->inode_bitmap < e->blocks &&
           g->inode_table >= e->first_block && g->inode_table < e->blocks &&
           table_blocks(e) <= e->blocks - g->inode_table;
}

// ---- Bitmaps -----------------------------------------------------------------------------------

static void mark(uint8_t *bits, uint64_t first, uint64_t end)
{
    for (; first < end; first++)
        bits[first / 8] |= (uint8_t)(1u << first % 8);
}

// Blocks of the file system, as far as they lie in the group.
static void mark_blocks(const struct bf_ext *e, const struct group *g, uint8_t *bits,
                        uint64_t first, uint64_t count)
{
    uint64_t end = first + count;
    if (first < g->first)
        first = g->first;
    if (end > g->first + g->blocks)
        end = g->first + g->blocks;
    if (first < end)
        mark(bits, (first - g->first) / e->ratio, (end - g->first + e->ratio - 1) / e->ratio);
}

static int bitmap_fits(const struct bf_ext *e, const uint8_t *desc, const uint8_t *bits)
{
    uint32_t crc, is;
    if (!(e->ro_compat & BF_EXT_METADATA_CSUM))
        return 1;
    crc = bf_crc32c(e->seed, bits, e->group_clusters / 8);
    is = bf_le16(desc + 0x18);
    if (e->desc_bytes >= 64)
        return crc == (is | (uint32_t)bf_le16(desc + 0x38) << 16);
    return (crc & 0xffff) == is;
}

static uint32_t count_free(const uint8_t *bits, uint64_t clusters)
{
    return (uint32_t)clusters - bf_usage_bits(bits, clusters);
}

// The bitmap of a group whose own was never written: it holds nothing but what describes it. Only
// if its count of free clusters says the same: old tools left the flag on groups with files in
// them.
static int make_bitmap(const struct bf_ext *e, uint64_t number, const struct group *g,
                       uint8_t *bits, uint64_t clusters)
{
    memset(bits, 0, e->block_bytes);
    mark_blocks(e, g, bits, g->inode_table, table_blocks(e));
    mark_blocks(e, g, bits, g->bitmap, 1);
    mark_blocks(e, g, bits, g->inode_bitmap, 1);
    mark_blocks(e, g, bits, g->first, counted_head(e, number));
    return count_free(bits, clusters) == g->free;
}

static int read_bitmap(const struct bf_ext *e, const struct group *g, const uint8_t *desc,
                       uint8_t *bits, uint64_t clusters)
{
    return bf_place_read(&e->place, g->bitmap * e->block_bytes, bits, e->block_bytes) == BF_OK &&
           bitmap_fits(e, desc, bits) && count_free(bits, clusters) == g->free;
}

// The group's bitmap into the scratch: 1 is used.
static int load(struct bf_ext *e, uint64_t number)
{
    struct bf_peek *p = e->place.peek;
    uint8_t desc[BF_EXT_DESC_MAX], *bits = p->scratch;
    struct group g;
    uint64_t clusters;
    int summed = (e->ro_compat & (BF_EXT_METADATA_CSUM | BF_EXT_GDT_CSUM)) != 0, fits;
    if (p->scratch_owner == e && p->scratch_tag == number)
        return 1;
    p->scratch_owner = NULL;
    if (!read_group(e, number, &g, desc))
        return 0;
    clusters = (g.blocks + e->ratio - 1) / e->ratio;
    if (!bf_work_spend(&p->work, e->block_bytes)) // to check it
        return 0;
    fits = summed && g.flags & BF_EXT_BLOCK_UNINIT ? make_bitmap(e, number, &g, bits, clusters)
                                                   : read_bitmap(e, &g, desc, bits, clusters);
    if (!fits)
        return 0;
    mark_blocks(e, &g, bits, g.first, head_blocks(e, number));
    p->scratch_owner = e;
    p->scratch_tag = number;
    return 1;
}

static int ext_extent(void *impl, uint64_t at, uint64_t *end)
{
    struct bf_ext *e = impl;
    const uint8_t *bits = e->place.peek->scratch;
    uint64_t block = at / e->block_bytes, number, first, last, bit, clusters;
    if (block >= e->blocks)
        return 0;
    if (block < e->first_block) {
        *end = e->first_block * e->block_bytes;
        return 0;
    }
    number = (block - e->first_block) / e->group_blocks;
    first = e->first_block + number * e->group_blocks;
    last = e->blocks - first < e->group_blocks ? e->blocks : first + e->group_blocks;
    *end = last * e->block_bytes;
    if (!load(e, number))
        return 0;
    clusters = (last - first + e->ratio - 1) / e->ratio;
    bit = (block - first) / e->ratio;
    int used = bits[bit / 8] >> bit % 8 & 1;
    while (bit < clusters && (bits[bit / 8] >> bit % 8 & 1) == used)
        bit++;
    if (first + bit * e->ratio < last)
        *end = (first + bit * e->ratio) * e->block_bytes;
    return !used;
}

static const struct bf_usage_ops ext_ops = {ext_extent};

// ---- Claiming ----------------------------------------------------------------------------------

// The backups of the superblock stand where the groups begin. If one is missing, then this is not
// how the file system lies on the disk: a member of an array, or something has been written over.
static int backups_fit(struct bf_ext *e)
{
    uint64_t groups = (e->blocks - e->first_block + e->group_blocks - 1) / e->group_blocks;
    uint64_t looked = 0;
    uint8_t super[BF_EXT_SUPER_BYTES];
    struct bf_ext backup = {.place = e->place};
    char why[BF_USAGE_WHY];
    for (uint64_t g = 1; g < groups && looked < BF_EXT_BACKUPS; g++) {
        if (!has_superblock(e, g))
            continue;
        looked++;
        if (bf_place_read(&e->place, (e->first_block + g * e->group_blocks) * e->block_bytes, super,
                          sizeof super) ||
            bf_ext_super(super, &backup, why) == BF_ERR_NOT_FOUND ||
            memcmp(backup.uuid, e->uuid, sizeof e->uuid) != 0 ||
            backup.block_bytes != e->block_bytes || backup.group_blocks != e->group_blocks ||
            backup.group_inodes != e->group_inodes)
            return 0;
    }
    return 1;
}

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

enum bf_err bf_usage_ext(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    uint8_t super[BF_EXT_SUPER_BYTES];
    struct bf_ext *e;
    enum bf_err err;
    memcpy(map->name, "ext2/3/4", sizeof "ext2/3/4");
    if (bf_place_read(&map->place, BF_EXT_SUPER_AT, super, sizeof super))
        return refuse(why, "its superblock cannot be read");
    e = bf_alloc(sizeof *e);
    if (!e)
        return BF_ERR_NO_MEMORY;
    e->place = map->place;
    err = bf_ext_super(super, e, why);
    if (err == BF_ERR_NOT_FOUND)
        err = refuse(why, "its superblock is damaged");
    if (!err && e->blocks > map->place.bytes / e->block_bytes)
        err = refuse(why, "it is larger than its partition");
    if (!err && !backups_fit(e))
        err = refuse(why, "the backups of its superblock are not where they should be");
    if (err) {
        bf_free(e);
        return err;
    }
    map->ops = &ext_ops;
    map->impl = e;
    return BF_OK;
}
