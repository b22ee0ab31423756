// SPDX-License-Identifier: Apache-2.0
// The superblock of ext2, ext3 and ext4 (Documentation/filesystems/ext4/super.rst): is it one, was
// it unmounted properly, and is everything in it known?
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "image/usage/ext/map.h"

enum {
    MAGIC = 0xef53,
    STATE_CLEAN = 1,
    STATE_ERRORS = 2,
    SUPER_CHECKSUM = 0x3fc,
    CRC32C = 1,
    REVISION_MAX = 1,

    // dir_prealloc, imagic_inodes, has_journal, ext_attr, resize_inode, dir_index, sparse_super2,
    // fast_commit, stable_inodes, orphan_file
    COMPAT = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x200 | 0x400 | 0x800 | 0x1000,
    // filetype, meta_bg, extents, 64bit, mmp, flex_bg, ea_inode, csum_seed, large_dir, inline_data,
    // encrypt, casefold
    INCOMPAT = 0x2 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 |
               0x10000 | 0x20000,
    // sparse_super, large_file, btree_dir, huge_file, gdt_csum, dir_nlink, extra_isize, quota,
    // bigalloc, metadata_csum, read-only, project, verity
    RO_COMPAT = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 | 0x1000 |
                0x2000 | 0x8000,
};

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

static void take_features(const uint8_t *s, struct bf_ext *e)
{
    e->compat = bf_le32(s + 0x5c);
    e->incompat = bf_le32(s + 0x60);
    e->ro_compat = bf_le32(s + 0x64);
    memcpy(e->uuid, s + 0x68, sizeof e->uuid);
    e->seed = e->incompat & BF_EXT_CSUM_SEED ? bf_le32(s + 0x270)
                                             : bf_crc32c(UINT32_MAX, e->uuid, sizeof e->uuid);
}

static void take_sizes(const uint8_t *s, struct bf_ext *e)
{
    int wide = (e->incompat & BF_EXT_64BIT) != 0, old = bf_le32(s + 0x4c) == 0;
    uint32_t log_block = bf_le32(s + 0x18), log_cluster = bf_le32(s + 0x1c);
    e->blocks = bf_le32(s + 0x4) | (wide ? (uint64_t)bf_le32(s + 0x150) << 32 : 0);
    e->first_block = bf_le32(s + 0x14);
    e->block_bytes = log_block <= 6 ? 1024u << log_block : 0;
    e->group_blocks = bf_le32(s + 0x20);
    e->group_clusters = e->group_blocks;
    e->ratio = 1;
    if (e->ro_compat & BF_EXT_BIGALLOC) {
        e->group_clusters = bf_le32(s + 0x24);
        e->ratio = log_cluster >= log_block && log_cluster - log_block <= 16
                       ? 1u << (log_cluster - log_block)
                       : 0;
    }
    e->group_inodes = bf_le32(s + 0x28);
    e->inode_bytes = old ? 128 : bf_le16(s + 0x58);
    e->desc_bytes = wide ? bf_le16(s + 0xfe) : 32;
    e->reserved_desc = bf_le16(s + 0xce);
    e->first_meta_bg = e->incompat & BF_EXT_META_BG ? bf_le32(s + 0x104) : 0;
    e->backup_groups[0] = bf_le32(s + 0x24c);
    e->backup_groups[1] = bf_le32(s + 0x250);
    e->super_block = e->block_bytes == BF_EXT_SUPER_AT ? 1 : 0;
}

static int sizes_fit(const uint8_t *s, struct bf_ext *e)
{
    uint64_t groups, free = bf_le32(s + 0xc);
    int big = (e->ro_compat & BF_EXT_BIGALLOC) != 0;
    if (!e->block_bytes || !e->ratio || !e->group_blocks || !e->group_clusters || !e->group_inodes)
        return 0;
    if (e->group_clusters > 8 * e->block_bytes || e->group_clusters % 8 ||
        e->group_blocks != (uint64_t)e->group_clusters * e->ratio)
        return 0;
    if (e->first_block != (big ? 0 : e->super_block) || e->blocks <= e->first_block ||
        e->blocks > (uint64_t)INT64_MAX / e->block_bytes)
        return 0;
    if (!bf_is_power_of_two(e->desc_bytes) || e->desc_bytes > e->block_bytes ||
        e->desc_bytes > BF_EXT_DESC_MAX || e->desc_bytes < (e->incompat & BF_EXT_64BIT ? 64 : 32))
        return 0;
    if (!bf_is_power_of_two(e->inode_bytes) || e->inode_bytes < 128 ||
        e->inode_bytes > e->block_bytes)
        return 0;
    groups = (e->blocks - e->first_block + e->group_blocks - 1) / e->group_blocks;
    if (groups > UINT32_MAX || groups * e->group_inodes != bf_le32(s))
        return 0;
    if (e->incompat & BF_EXT_64BIT)
        free |= (uint64_t)bf_le32(s + 0x158) << 32;
    e->desc_blocks =
        (groups + e->block_bytes / e->desc_bytes - 1) / (e->block_bytes / e->desc_bytes);
    return free <= e->blocks;
}

enum bf_err bf_ext_super(const uint8_t super[BF_EXT_SUPER_BYTES], struct bf_ext *e,
                         char why[BF_USAGE_WHY])
{
    const uint8_t *s = super;
    if (bf_le16(s + 0x38) != MAGIC)
        return BF_ERR_NOT_FOUND;
    take_features(s, e);
    take_sizes(s, e);
    if (e->incompat & BF_EXT_RECOVER)
        return refuse(why, "its journal has not been replayed");
    if (bf_le16(s + 0x3a) & STATE_ERRORS)
        return refuse(why, "it has errors");
    if (bf_le16(s + 0x3a) != STATE_CLEAN)
        return refuse(why, "it was not unmounted properly");
    if (e->ro_compat & BF_EXT_ORPHAN_PRESENT || bf_le32(s + 0xe8))
        return refuse(why, "it has deleted files that are still to be freed");
    if (bf_le32(s + 0x4c) > REVISION_MAX || e->compat & ~(uint32_t)COMPAT ||
        e->incompat & ~(uint32_t)INCOMPAT || e->ro_compat & ~(uint32_t)RO_COMPAT)
        return refuse(why, "it has unknown features");
    if (e->ro_compat & BF_EXT_METADATA_CSUM &&
        (s[0x175] != CRC32C || e->ro_compat & BF_EXT_GDT_CSUM ||
         bf_le32(s + SUPER_CHECKSUM) != bf_crc32c(UINT32_MAX, s, SUPER_CHECKSUM)))
        return refuse(why, "the checksum of its superblock is wrong");
    if (!sizes_fit(s, e))
        return refuse(why, "its superblock is inconsistent");
    return BF_OK;
}
