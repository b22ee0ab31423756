// SPDX-License-Identifier: Apache-2.0
// The superblock of F2FS and its checkpoints (Linux, include/linux/f2fs_fs.h, fs/f2fs/checkpoint.c
// and recovery.c): are both copies of the one and both packs of the other whole, is everything in
// them known, and was the file system unmounted with the newer one? What was synced after a
// checkpoint stands in the log of nodes, where the checkpoint says that it goes on: a file system
// that was mounted, used and not unmounted still has the checkpoint of its last unmounting.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "image/digest.h"
#include "image/parttab.h"
#include "image/usage/f2fs/map.h"

enum {
    SUPER_AT = 1024, // in each of the first two blocks
    SUPER_BYTES = 3072,
    SUPER_SUM_AT = SUPER_BYTES - 4,
    DEVICES_AT = 2201,
    STOP_REASON_AT = 2762,
    STOP_REASON_END = STOP_REASON_AT + 32 + 16, // and errors
    // encryption, atomic writes, extra attributes, project quota, inode checksums, flexible inline
    // attributes, quota, creation time, lost+found, verity, superblock checksum, casefold,
    // compression
    FEATURES = 0x1 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 |
               0x1000 | 0x2000,
    FEATURE_ZONED = 0x2,
    FEATURE_SUM = 0x800,

    CP_SUM_MIN = 192, // where the bitmaps begin
    CP_SUM_MAX = BF_F2FS_BLOCK - 4,
    CP_UMOUNT = 0x1,
    CP_COMPACT_SUM = 0x4,
    CP_LARGE_NAT_BITMAP = 0x400,
    // recovery with or without checksums, a hint for the NAT, trimmed
    CP_HARMLESS = CP_UMOUNT | CP_COMPACT_SUM | CP_LARGE_NAT_BITMAP | 0x40 | 0x80 | 0x100 | 0x200,
    LOGS_NODE_AT = 36,
    LOGS_DATA_AT = 84,
    LOG_OFFSETS = 32, // behind the numbers of the segments
    WARM_NODE = 1,
    COLD_DATA = 2,
    SUMMARIES = 7, // blocks at the end of a pack: three of data, three of nodes, the checkpoint
    SUMMARY_ENTRIES = 7 * BF_F2FS_SEGMENT, // bytes
    JOURNAL_BYTES = 507,
    NODE_VERSION_AT = BF_F2FS_BLOCK - 12,
};
static const uint32_t magic = 0xf2f52010; // and what its CRC-32 begins with, which is not inverted

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

// ---- The superblock ----------------------------------------------------------------------------

// The areas follow each other without gaps, as the kernel demands.
static int take_sizes(const uint8_t *s, struct bf_f2fs *f)
{
    uint64_t at = bf_le32(s + 72), blocks = bf_le64(s + 36);
    uint32_t sit_segments = bf_le32(s + 56);
    static const uint8_t count[] = {52, 56, 60, 64, 68}, begin[] = {76, 80, 84, 88, 92};
    for (uint32_t i = 0; i < sizeof count; i++) {
        if (bf_le32(s + begin[i]) != at)
            return 0;
        at += (uint64_t)bf_le32(s + count[i]) << BF_F2FS_SEGMENT_LOG;
    }
    f->cp = (uint64_t)bf_le32(s + 76) << BF_F2FS_BLOCK_LOG;
    f->sit = (uint64_t)bf_le32(s + 80) << BF_F2FS_BLOCK_LOG;
    f->main = (uint64_t)bf_le32(s + 92) << BF_F2FS_BLOCK_LOG;
    f->segments = bf_le32(s + 68);
    f->cp_payload = bf_le32(s + 1664);
    if (bf_le32(s + 16) != BF_F2FS_BLOCK_LOG || bf_le32(s + 20) != BF_F2FS_SEGMENT_LOG ||
        bf_le32(s + 52) != 2 || !sit_segments || sit_segments % 2 || !bf_le32(s + 24) ||
        !bf_le32(s + 28) || !f->segments || f->cp_payload >= BF_F2FS_SEGMENT || bf_le32(s + 72) < 2)
        return 0;
    if (sit_segments > UINT32_MAX >> BF_F2FS_SEGMENT_LOG)
        return 0;
    f->sit_blocks = sit_segments / 2 << BF_F2FS_SEGMENT_LOG;
    return at <= blocks && (f->segments - 1) / (BF_F2FS_BLOCK / BF_F2FS_SIT_ENTRY) < f->sit_blocks;
}

enum bf_err bf_f2fs_super(struct bf_f2fs *f, char why[BF_USAGE_WHY])
{
    uint8_t *s = f->place.peek->scratch, *copy = s + SUPER_BYTES;
    uint32_t features;
    f->place.peek->scratch_owner = NULL;
    if (bf_place_read(&f->place, SUPER_AT, s, SUPER_BYTES) ||
        bf_place_read(&f->place, BF_F2FS_BLOCK + SUPER_AT, copy, SUPER_BYTES))
        return refuse(why, "its superblock cannot be read");
    if (bf_le32(s) != magic || memcmp(s, copy, SUPER_BYTES) != 0)
        return refuse(why, "the copies of its superblock differ");
    features = bf_le32(s + 2180);
    if (features & FEATURE_ZONED)
        return refuse(why, "it is made for a zoned disk");
    if (bf_le16(s + 4) != 1 || features & ~(uint32_t)FEATURES)
        return refuse(why, "it has unknown features");
    if (features & FEATURE_SUM &&
        (bf_le32(s + 32) != SUPER_SUM_AT ||
         bf_le32(s + SUPER_SUM_AT) != bf_crc32_update(magic, s, SUPER_SUM_AT)))
        return refuse(why, "the checksum of its superblock is wrong");
    if (s[DEVICES_AT])
        return refuse(why, "it lies on several devices");
    if (!bf_is_zero(s + STOP_REASON_AT, STOP_REASON_END - STOP_REASON_AT))
        return refuse(why, "it has errors");
    if (!take_sizes(s, f))
        return refuse(why, "its superblock is inconsistent");
    if (bf_le64(s + 36) > f->place.bytes >> BF_F2FS_BLOCK_LOG)
        return refuse(why, "it is larger than its partition");
    return BF_OK;
}

// ---- Checkpoints -------------------------------------------------------------------------------

static uint64_t pack_at(const struct bf_f2fs *f, uint32_t number)
{
    return f->cp + ((uint64_t)number << (BF_F2FS_SEGMENT_LOG + BF_F2FS_BLOCK_LOG));
}

// One block of a checkpoint, which stands at both ends of its pack. 0: it is damaged.
static int read_cp(const struct bf_f2fs *f, uint64_t at, uint8_t *cp)
{
    uint32_t sum_at, crc;
    if (bf_place_read(&f->place, at, cp, BF_F2FS_BLOCK))
        return 0;
    sum_at = bf_le32(cp + 164);
    if (sum_at != CP_SUM_MAX && sum_at != CP_SUM_MIN)
        return 0;
    crc = bf_crc32_update(magic, cp, sum_at);
    if (sum_at == CP_SUM_MIN)
        crc = bf_crc32_update(crc, cp + sum_at + 4, BF_F2FS_BLOCK - sum_at - 4);
    return crc == bf_le32(cp + sum_at);
}

static int read_pack(const struct bf_f2fs *f, uint32_t number, uint8_t *cp)
{
    uint8_t *last = cp + BF_F2FS_BLOCK;
    uint32_t blocks;
    if (!read_cp(f, pack_at(f, number), cp))
        return 0;
    blocks = bf_le32(cp + 136);
    return blocks > 2 + f->cp_payload && blocks <= BF_F2FS_SEGMENT &&
           read_cp(f, pack_at(f, number) + (uint64_t)(blocks - 1) * BF_F2FS_BLOCK, last) &&
           bf_le64(cp) == bf_le64(last);
}

static int take_logs(const uint8_t *cp, struct bf_f2fs *f)
{
    for (uint32_t i = 0; i < BF_F2FS_LOGS; i++) {
        const uint8_t *log = cp + (i < 3 ? LOGS_NODE_AT : LOGS_DATA_AT);
        uint64_t block = bf_le16(log + LOG_OFFSETS + 2 * (i % 3));
        f->current[i] = bf_le32(log + 4 * (i % 3));
        if (f->current[i] >= f->segments || block >= BF_F2FS_SEGMENT)
            return 0;
        if (i == WARM_NODE)
            f->next_node = f->main + (((uint64_t)f->current[i] << BF_F2FS_SEGMENT_LOG) + block) *
                                         BF_F2FS_BLOCK;
    }
    return 1;
}

static int take_bitmap(const uint8_t *cp, struct bf_f2fs *f)
{
    uint32_t sit_bytes = bf_le32(cp + 156), nat_bytes = bf_le32(cp + 160), end;
    int large = (bf_le32(cp + 132) & CP_LARGE_NAT_BITMAP) != 0;
    uint32_t at = large ? CP_SUM_MIN + 4 : f->cp_payload ? BF_F2FS_BLOCK : CP_SUM_MIN;
    if (sit_bytes != f->sit_blocks / 8 || nat_bytes > BF_F2FS_SEGMENT * BF_F2FS_BLOCK ||
        large != (bf_le32(cp + 164) == CP_SUM_MIN))
        return 0;
    at += large ? nat_bytes : 0;
    end = large || f->cp_payload ? (1 + f->cp_payload) * BF_F2FS_BLOCK : CP_SUM_MAX;
    f->sit_bitmap = f->pack + at;
    return at <= end && sit_bytes <= end - at;
}

// What of the SIT was not worth a block of it stands in the summary of the cold data.
static int take_journal(const uint8_t *cp, struct bf_f2fs *f)
{
    uint32_t blocks = bf_le32(cp + 136), sum = bf_le32(cp + 140);
    uint64_t at = f->pack;
    uint8_t count[2];
    if (sum <= f->cp_payload || sum >= blocks)
        return 0;
    if (bf_le32(cp + 132) & CP_COMPACT_SUM) // first the journal of the NAT
        at += (uint64_t)sum * BF_F2FS_BLOCK + JOURNAL_BYTES;
    else if (blocks <= SUMMARIES + f->cp_payload)
        return 0;
    else
        at += (uint64_t)(blocks - SUMMARIES + COLD_DATA) * BF_F2FS_BLOCK + SUMMARY_ENTRIES;
    if (bf_place_read(&f->place, at, count, sizeof count))
        return 0;
    f->journal_entries = bf_le16(count);
    if (f->journal_entries > BF_F2FS_JOURNAL_MAX ||
        bf_place_read(&f->place, at + 2, f->journal, sizeof f->journal))
        return 0;
    for (uint32_t i = 0; i < f->journal_entries; i++)
        if (bf_le32(f->journal[i]) >= f->segments)
            return 0;
    return 1;
}

// Whether the log of nodes goes on behind the checkpoint: its nodes carry the checkpoint's version.
static int has_newer_nodes(const struct bf_f2fs *f)
{
    uint8_t version[4];
    return bf_place_read(&f->place, f->next_node + NODE_VERSION_AT, version, sizeof version) ||
           bf_le32(version) == (uint32_t)f->version;
}

enum bf_err bf_f2fs_checkpoint(struct bf_f2fs *f, char why[BF_USAGE_WHY])
{
    uint8_t *cp = f->place.peek->scratch, *other = cp + 2 * BF_F2FS_BLOCK;
    uint32_t flags;
    f->place.peek->scratch_owner = NULL;
    if (!read_pack(f, 0, cp) || !read_pack(f, 1, other))
        return refuse(why, "one of its checkpoints is damaged");
    f->pack = pack_at(f, 0);
    if ((int64_t)(bf_le64(other) - bf_le64(cp)) > 0) {
        f->pack = pack_at(f, 1);
        cp = other;
    }
    flags = bf_le32(cp + 132);
    f->version = bf_le64(cp);
    f->valid_blocks = bf_le64(cp + 16);
    f->free_segments = bf_le32(cp + 32);
    f->valid_nodes = bf_le32(cp + 144);
    if (flags & ~(uint32_t)CP_HARMLESS)
        return refuse(why, "it has errors, deleted files to be freed, or is being changed");
    if (!(flags & CP_UMOUNT))
        return refuse(why, "it was not unmounted properly");
    if (!take_logs(cp, f) || !take_bitmap(cp, f) || !take_journal(cp, f))
        return refuse(why, "its checkpoint is inconsistent");
    return has_newer_nodes(f) ? refuse(why, "its log has not been replayed") : BF_OK;
}
