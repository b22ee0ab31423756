// SPDX-License-Identifier: Apache-2.0
// Inside of the map of F2FS: what its superblock and its newest checkpoint say. The names are those
// of Linux, Documentation/filesystems/f2fs.rst: CP is the checkpoint, of which there are two packs,
// SIT the segment information table, which says of each segment which blocks are valid.
#ifndef BF_IMAGE_USAGE_F2FS_MAP_H
#define BF_IMAGE_USAGE_F2FS_MAP_H

#include "image/usage/parts.h"

enum {
    BF_F2FS_BLOCK_LOG = 12,
    BF_F2FS_BLOCK = 1 << BF_F2FS_BLOCK_LOG,
    BF_F2FS_SEGMENT_LOG = 9,
    BF_F2FS_SEGMENT = 1 << BF_F2FS_SEGMENT_LOG, // blocks
    BF_F2FS_SIT_ENTRY = 74,
    BF_F2FS_JOURNAL_ENTRY = 4 + BF_F2FS_SIT_ENTRY, // behind the number of its segment
    BF_F2FS_JOURNAL_MAX = 6,
    BF_F2FS_LOGS = 6, // of nodes and of data: hot, warm and cold
};

struct bf_f2fs {
    struct bf_usage_place place;
    uint64_t cp, sit, main; // bytes
    uint32_t segments;      // of the main area
    uint32_t sit_blocks;    // of one of the two copies
    uint32_t cp_payload;    // blocks behind the first one of a pack

    uint64_t version, valid_blocks, pack; // of the newest checkpoint; pack: byte
    uint32_t valid_nodes, free_segments;
    uint64_t sit_bitmap;            // byte: which copy of each block of the SIT is the current one
    uint64_t next_node;             // byte: where the log of nodes goes on
    uint32_t current[BF_F2FS_LOGS]; // segments that are written to
    uint32_t journal_entries;       // of the SIT, newer than the SIT itself
    uint8_t journal[BF_F2FS_JOURNAL_MAX][BF_F2FS_JOURNAL_ENTRY];
};

// Read and judge them, in this order. BF_ERR_UNSUPPORTED with the reason: damaged, unknown,
// inconsistent, or not unmounted properly. Both use the scratch of the place.
enum bf_err bf_f2fs_super(struct bf_f2fs *f, char why[BF_USAGE_WHY]);
enum bf_err bf_f2fs_checkpoint(struct bf_f2fs *f, char why[BF_USAGE_WHY]);

#endif
