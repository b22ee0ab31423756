// SPDX-License-Identifier: Apache-2.0
// The files of an NTFS beside its bitmap, which has no checksum, and which an implementation
// without a log may have left behind its files when it was stopped: every cluster of every file
// must be used in the bitmap. The system's own files are always looked at, the others as long as
// the table of files, and the part of the bitmap that is theirs, are of a size that can be read at
// the beginning.
#include <string.h>

#include "base/bytes.h"
#include "image/usage/ntfs/map.h"

enum {
    SYSTEM_RECORDS = 16,
    TABLE_BYTES_MAX = 64 * 1024 * 1024,
    NEAR_BYTES = BF_PEEK_LINE * (BF_PEEK_LINES - 2), // of the bitmap that are at hand at a time
    JUMPS_MAX = 4096,                                // in the bitmap beyond that
    PIECE = 256,
};
static const uint64_t clusters_max = UINT64_C(1) << 31; // of files: 256 MiB of the bitmap

struct check {
    struct bf_ntfs *n;
    uint64_t clusters; // in files so far
    uint64_t line;     // of the bitmap that was read last
    uint32_t jumps;
};

static int all_used(struct check *c, uint64_t first, uint64_t count)
{
    const struct bf_ntfs *n = c->n;
    uint8_t bits[PIECE];
    if (first / 8 / BF_PEEK_LINE != c->line && n->bitmap.bytes > NEAR_BYTES)
        c->jumps++;
    c->line = (first + count) / 8 / BF_PEEK_LINE;
    while (count > 0) {
        uint64_t base = first / 8;
        uint64_t needed = (first % 8 + count + 7) / 8, left = n->bitmap.bytes - base;
        uint32_t bytes = PIECE;
        bytes = left < bytes ? (uint32_t)left : bytes;
        bytes = needed < bytes ? (uint32_t)needed : bytes;
        if (!bf_ntfs_read(n, &n->bitmap, base, bits, bytes))
            return 0;
        while (count > 0 && first / 8 - base < bytes) {
            uint8_t eight = bits[first / 8 - base];
            uint32_t step = first % 8 == 0 && count >= 8 && eight == 0xff ? 8 : 1;
            if (!(eight >> first % 8 & 1))
                return 0;
            first += step;
            count -= step;
        }
    }
    return 1;
}

// The clusters of one attribute. No two files share any, so there are no more than the volume has.
static int attribute_fits(struct check *c, const struct bf_ntfs_attribute *a)
{
    struct bf_ntfs_cursor run = {0};
    while (bf_ntfs_next_run(c->n, a, &run)) {
        if (run.hole)
            continue;
        if (run.count > c->n->clusters - c->clusters)
            return 0;
        c->clusters += run.count;
        if (c->clusters <= clusters_max && !all_used(c, run.first, run.count))
            return 0;
    }
    return !run.bad;
}

static int record_fits(struct check *c, uint64_t number)
{
    struct bf_ntfs *n = c->n;
    struct bf_ntfs_attribute a = {0};
    int bad;
    uint8_t magic[4];
    // A record that was never in use is zero.
    if (!bf_ntfs_read(n, &n->mft, number * n->record_bytes, magic, sizeof magic))
        return 0;
    if (number >= SYSTEM_RECORDS && !bf_le32(magic))
        return 1;
    if (!bf_ntfs_record(n, number))
        return 0;
    if (!(bf_le16(n->record + 22) & BF_NTFS_IN_USE))
        return 1;
    while (bf_ntfs_next(n, &a, &bad))
        if (!bf_ntfs_is_resident(&a) && !attribute_fits(c, &a))
            return 0;
    return !bad;
}

enum bf_ntfs_check bf_ntfs_check(struct bf_ntfs *n)
{
    struct check c = {.n = n};
    uint64_t records = n->mft.bytes / n->record_bytes;
    int small = n->mft_whole && n->mft.bytes <= TABLE_BYTES_MAX;
    if (records < SYSTEM_RECORDS || !all_used(&c, 0, 1))
        return BF_NTFS_WRONG;
    for (uint64_t i = 0; i < records; i++) {
        if (i >= SYSTEM_RECORDS && (!small || c.jumps > JUMPS_MAX || c.clusters > clusters_max))
            return BF_NTFS_PARTLY;
        if (!record_fits(&c, i))
            return BF_NTFS_WRONG;
    }
    return c.clusters > clusters_max ? BF_NTFS_PARTLY : BF_NTFS_FITS;
}
