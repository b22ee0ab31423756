// SPDX-License-Identifier: Apache-2.0
// The superblock of XFS, versions 4 and 5 (XFS Algorithms & Data Structures, "Superblocks"): is it
// one, is it whole, and is everything in it known? The offsets are those of struct xfs_dsb. Files
// on a realtime device and logs on another one are not looked at: such a file system is copied
// whole.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "image/usage/xfs/map.h"

enum {
    SUPER_BYTES = 264, // that are looked at
    SUM_AT = 224,
    BLOCK_LOG_MIN = 9,
    BLOCK_LOG_MAX = 16,
    SECTOR_LOG_MAX = 15,
    INODE_LOG_MIN = 8,
    AG_BLOCKS_MIN = 64,

    VERSION = 0xf,
    VERSION_NEEDED = 0x2000 | 0x1000, // directories of version 2, unwritten extents
    VERSION_SHARED = 0x200,
    VERSION_LOG2 = 0x400,
    VERSION_MORE = 0x8000, // features2 counts
    // lazysbcount, attr2, projid32, crc, ftype
    FEATURES2 = 0x2 | 0x8 | 0x80 | 0x100 | 0x200,
    FEATURES2_CRC = 0x100,

    // finobt, rmapbt, reflink, inobtcount
    RO_COMPAT = 0x1 | 0x2 | 0x4 | 0x8,
    // ftype, sparse inodes, meta_uuid, bigtime, nrext64, exchange range, parent pointers
    INCOMPAT = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80,
    INCOMPAT_META_UUID = 0x4,
    INCOMPAT_NEEDS_REPAIR = 0x10,
};

#define AG_BYTES_MAX (UINT64_C(1) << 40)

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

int bf_xfs_sum_fits(const struct bf_xfs *x, const uint8_t *bytes, uint32_t len, uint32_t sum_at)
{
    if (!bf_work_spend(&x->place.peek->work, (uint64_t)len * BF_CRC32C_WORK))
        return 0;
    uint32_t is = bf_le32(bytes + sum_at), crc = bf_crc32c(UINT32_MAX, bytes, sum_at);
    crc = bf_crc32c(crc, "\0\0\0", 4);
    return ~bf_crc32c(crc, bytes + sum_at + 4, len - sum_at - 4) == is;
}

static int known_version(const uint8_t *s)
{
    uint32_t version = bf_be16(s + 100);
    uint32_t more = bf_be32(s + 200) | bf_be32(s + 204);
    int v5 = (version & VERSION) == 5;
    if ((!v5 && (version & VERSION) != 4) || (version & VERSION_NEEDED) != VERSION_NEEDED ||
        version & VERSION_SHARED || s[179])
        return 0;
    if (!(version & VERSION_MORE))
        return !v5 && !more;
    return !(more & ~(uint32_t)FEATURES2) && v5 == ((more & FEATURES2_CRC) != 0);
}

static int known_features(const uint8_t *s)
{
    return !bf_be32(s + 208) && !(bf_be32(s + 212) & ~(uint64_t)RO_COMPAT) &&
           !(bf_be32(s + 216) & ~(uint64_t)(INCOMPAT | INCOMPAT_NEEDS_REPAIR));
}

// The sizes of blocks and sectors; 0 when they do not fit together.
static int take_units(const uint8_t *s, struct bf_xfs *x)
{
    x->block_bytes = bf_be32(s + 4);
    x->sector_bytes = bf_be16(s + 102);
    x->block_log = s[120];
    return x->block_log >= BLOCK_LOG_MIN && x->block_log <= BLOCK_LOG_MAX &&
           x->block_bytes == 1u << x->block_log && s[121] >= BLOCK_LOG_MIN &&
           s[121] <= SECTOR_LOG_MAX && x->sector_bytes == 1u << s[121] &&
           x->sector_bytes <= x->block_bytes && s[122] >= INODE_LOG_MIN && s[122] <= s[120] &&
           bf_be16(s + 104) == 1u << s[122] && s[123] == s[120] - s[122] &&
           bf_be16(s + 106) == 1u << s[123];
}

// A block of the file system from a number whose upper bits are the group.
static int to_block(const struct bf_xfs *x, uint64_t number, uint64_t *block)
{
    uint64_t group = number >> x->ag_log, within = number & ((UINT64_C(1) << x->ag_log) - 1);
    *block = group * x->ag_blocks + within; // ags * ag_blocks fits, see take_sizes
    return group < x->ags && within < x->ag_blocks && *block < x->blocks;
}

static int take_log(const uint8_t *s, struct bf_xfs *x)
{
    x->log_blocks = bf_be32(s + 96);
    return to_block(x, bf_be64(s + 48), &x->log_first) && x->log_blocks &&
           x->log_blocks <= x->ag_blocks - x->log_first % x->ag_blocks &&
           x->log_blocks <= x->blocks - x->log_first;
}

static int take_sizes(const uint8_t *s, struct bf_xfs *x)
{
    x->blocks = bf_be64(s + 8);
    x->ag_blocks = bf_be32(s + 84);
    x->ags = bf_be32(s + 88);
    x->ag_log = s[124];
    if (x->ag_blocks < AG_BLOCKS_MIN || x->ag_blocks > AG_BYTES_MAX >> x->block_log || !x->ags ||
        x->ag_log > 31 || x->ag_blocks > UINT64_C(1) << x->ag_log ||
        x->ag_blocks <= (UINT64_C(1) << x->ag_log) / 2)
        return 0;
    uint64_t others = (uint64_t)(x->ags - 1) * x->ag_blocks;
    return x->blocks > others && x->blocks - others <= x->ag_blocks &&
           x->blocks - others >= AG_BLOCKS_MIN && take_log(s, x) &&
           to_block(x, bf_be64(s + 56) >> s[123], &x->root_inode_block);
}

enum bf_err bf_xfs_super(struct bf_xfs *x, char why[BF_USAGE_WHY])
{
    uint8_t *s = x->place.peek->scratch;
    x->place.peek->scratch_owner = NULL;
    if (bf_place_read(&x->place, 0, s, BF_XFS_SECTOR_MIN))
        return refuse(why, "its superblock cannot be read");
    if (memcmp(s, "XFSB", 4) != 0)
        return refuse(why, "its superblock is damaged");
    if (!known_version(s))
        return refuse(why, "it has unknown features");
    if (!take_units(s, x) || bf_place_read(&x->place, 0, s, x->sector_bytes))
        return refuse(why, "its superblock is inconsistent");
    x->sums = (bf_be16(s + 100) & VERSION) == 5;
    x->log_v2 = (bf_be16(s + 100) & VERSION_LOG2) != 0;
    if (x->sums && !bf_xfs_sum_fits(x, s, x->sector_bytes, SUM_AT))
        return refuse(why, "the checksum of its superblock is wrong");
    if (x->sums && !known_features(s))
        return refuse(why, "it has unknown features");
    if (x->sums && bf_be32(s + 216) & INCOMPAT_NEEDS_REPAIR)
        return refuse(why, "it needs repair");
    if (bf_be64(s + 16) || bf_be64(s + 24))
        return refuse(why, "a part of it is on a realtime device");
    if (!bf_be64(s + 48))
        return refuse(why, "its log is on another device");
    if (s[126] || !take_sizes(s, x))
        return refuse(why, "its superblock is inconsistent");
    if (x->blocks > x->place.bytes >> x->block_log)
        return refuse(why, "it is larger than its partition");
    if (x->sums && bf_be32(s + 220))
        return refuse(why, "its log has not been replayed");
    memcpy(x->uuid, s + 32, sizeof x->uuid);
    memcpy(x->meta_uuid, x->sums && bf_be32(s + 216) & INCOMPAT_META_UUID ? s + 248 : x->uuid,
           sizeof x->meta_uuid);
    return BF_OK;
}

int bf_xfs_copy_fits(const struct bf_xfs *x, uint32_t group)
{
    uint8_t s[SUPER_BYTES];
    uint64_t at = ((uint64_t)group * x->ag_blocks) << x->block_log;
    return !bf_place_read(&x->place, at, s, sizeof s) && memcmp(s, "XFSB", 4) == 0 &&
           bf_be32(s + 4) == x->block_bytes && bf_be32(s + 84) == x->ag_blocks &&
           memcmp(s + 32, x->uuid, sizeof x->uuid) == 0 &&
           ((bf_be16(s + 100) & VERSION) == 5) == x->sums;
}
