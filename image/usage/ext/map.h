// SPDX-License-Identifier: Apache-2.0
// Inside of the map of ext2, ext3 and ext4: its superblock, judged.
#ifndef BF_IMAGE_USAGE_EXT_MAP_H
#define BF_IMAGE_USAGE_EXT_MAP_H

#include "image/usage/parts.h"

enum {
    BF_EXT_SUPER_AT = 1024,
    BF_EXT_SUPER_BYTES = 1024,
    BF_EXT_DESC_MAX = 1024,
    BF_EXT_BACKUPS = 3, // that are looked at

    BF_EXT_SPARSE_SUPER2 = 0x200, // compatible
    BF_EXT_RECOVER = 0x4,         // incompatible
    BF_EXT_META_BG = 0x10,
    BF_EXT_64BIT = 0x80,
    BF_EXT_CSUM_SEED = 0x2000,
    BF_EXT_SPARSE_SUPER = 0x1, // read-only compatible
    BF_EXT_GDT_CSUM = 0x10,
    BF_EXT_BIGALLOC = 0x200,
    BF_EXT_METADATA_CSUM = 0x400,
    BF_EXT_ORPHAN_PRESENT = 0x10000,

    BF_EXT_BLOCK_UNINIT = 0x2, // of a group
};

struct bf_ext {
    struct bf_usage_place place;
    uint64_t blocks, first_block; // first_block: of group 0
    uint64_t super_block;         // that holds the first superblock
    uint32_t block_bytes;
    uint32_t ratio; // blocks in a cluster
    uint32_t group_blocks, group_clusters, group_inodes, inode_bytes, desc_bytes;
    uint64_t desc_blocks; // of all descriptors in one copy
    uint32_t reserved_desc, first_meta_bg;
    uint32_t backup_groups[2];
    uint32_t compat, incompat, ro_compat, seed;
    uint8_t uuid[16];
};

// Reads and judges a superblock. BF_ERR_NOT_FOUND: it is none. BF_ERR_UNSUPPORTED with the reason:
// dirty, unknown or inconsistent; uuid and sizes are set as far as they make sense.
enum bf_err bf_ext_super(const uint8_t super[BF_EXT_SUPER_BYTES], struct bf_ext *e,
                         char why[BF_USAGE_WHY]);

#endif
