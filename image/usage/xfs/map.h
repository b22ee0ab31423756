// SPDX-License-Identifier: Apache-2.0
// Inside of the map of XFS: its superblock, judged; whether its log is clean; its allocation groups
// (AG), as "XFS Algorithms & Data Structures" (3rd edition, kernel.org) names things.
#ifndef BF_IMAGE_USAGE_XFS_MAP_H
#define BF_IMAGE_USAGE_XFS_MAP_H

#include "image/usage/parts.h"

enum {
    BF_XFS_SECTOR_MIN = 512,
    BF_XFS_BASIC = 512, // a "basic block": the unit of disk addresses and of the log
    BF_XFS_LEVELS = 9,  // of a B+tree, at most
    BF_XFS_HEADER_SECTORS = 4,
};

// The group that is looked at.
struct bf_xfs_ag {
    uint32_t number;
    uint32_t blocks;
    uint32_t free, longest;          // blocks, and blocks of the longest extent
    uint32_t root[2], levels[2];     // of the free space by block, and by size
    uint32_t counted, counted_until; // blocks called unused so far, and how far that was
};

// The leaf in the scratch: records with the keys [low, high) of its parents.
struct bf_xfs_leaf {
    uint32_t low, high, records;
    uint32_t path[BF_XFS_LEVELS]; // the leaf itself, its parent, ...
};

struct bf_xfs {
    struct bf_usage_place place;
    uint64_t blocks;
    uint32_t block_bytes, sector_bytes, ag_blocks, ags;
    uint8_t block_log, ag_log; // ag_log: bits of a block number within its group
    int sums, log_v2;          // checksums: version 5
    uint64_t log_first;        // block of the file system
    uint32_t log_blocks;
    uint64_t root_inode_block; // block of the file system
    uint8_t uuid[16], meta_uuid[16];
    uint64_t head; // of the log: no LSN in the metadata is greater
    int spoiled;   // something was inconsistent: all is used from there on
    int ready;     // ag is that of ag.number
    struct bf_xfs_ag ag;
    struct bf_xfs_leaf leaf; // valid while the scratch has the tag of leaf.path[0]
};

// Blocks in front of a group that its headers occupy: no extent and no tree begins there.
static inline uint32_t bf_xfs_header_blocks(const struct bf_xfs *x)
{
    return (BF_XFS_HEADER_SECTORS * x->sector_bytes + x->block_bytes - 1) / x->block_bytes;
}

// CRC-32C of a structure, its own field of four bytes at sum_at (which is little-endian) as zeros.
// 0 also when computing it would take too much work.
int bf_xfs_sum_fits(const struct bf_xfs *x, const uint8_t *bytes, uint32_t len, uint32_t sum_at);

// Reads and judges the superblock of x->place. BF_ERR_UNSUPPORTED with the reason: unknown, damaged
// or inconsistent.
enum bf_err bf_xfs_super(struct bf_xfs *x, char why[BF_USAGE_WHY]);

// Whether a group begins with a copy of the superblock of this file system.
int bf_xfs_copy_fits(const struct bf_xfs *x, uint32_t group);

// Whether the last that was written to the log is that the file system was unmounted. Sets x->head.
int bf_xfs_log_clean(struct bf_xfs *x);

// Makes group x->ag the one of this number and checks as much of its free space as one call may
// read. 0: it is inconsistent or cannot be read.
int bf_xfs_enter(struct bf_xfs *x, uint32_t group);

// Whether block `at` of the group at hand is certainly unused; *end: of what is of the same kind,
// at most the group's. -1: it is inconsistent or cannot be read.
int bf_xfs_free(struct bf_xfs *x, uint32_t at, uint32_t *end);

#endif
