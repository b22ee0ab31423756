// SPDX-License-Identifier: Apache-2.0
// Is the log of an XFS clean? (XFS Algorithms & Data Structures, "Journaling Log".) The log is a
// ring of records. Each of its sectors begins with the number of the round in which it was written,
// after a magic number where a record begins. So the sectors of the present round come first, those
// of the round before follow, and between them is the head. The log is clean when the record in
// front of the head is the one that is written at unmounting. Around the head every sector must
// belong to the expected round: writes may overtake each other, but only as far as there are
// buffers. A last record that goes around the end of the log is not followed: then the log counts
// as dirty. A log that a tool has cleared (libxfs_log_clear of xfsprogs, in xfs_repair -L,
// xfs_admin -U and xfs_copy) begins with such a record, without a checksum; the rest of its first
// 256 KiB was never written, and what follows is filled with the round before.
#include <string.h>

#include "base/bytes.h"
#include "image/usage/xfs/map.h"

enum {
    HEADER_BYTES = BF_XFS_BASIC,
    SUM_AT = 32,
    HEADER_64 = 328,  // bytes of the header that its checksum covers, as the writer's compiler
    HEADER_32 = 324,  // padded it
    MORE_BYTES = 260, // that count of a sector that continues a header
    CYCLES_BYTES = 32 * 1024, // of a record for which one header has room
    RECORD_BYTES_MAX = 256 * 1024,
    CLEARED = RECORD_BYTES_MAX / BF_XFS_BASIC, // sectors that belong to the first record then
    BUFFERS = 8,                               // that may be under way
    WINDOW = BUFFERS * RECORD_BYTES_MAX / BF_XFS_BASIC,
    FORMAT_LINUX = 1, // little-endian
    OP_UNMOUNT = 0x20,
    UNMOUNT_TYPE = 0x556e,
};
static const uint32_t magic = 0xfeedbabe;

struct log {
    const struct bf_xfs *x;
    uint64_t first; // byte
    uint64_t sectors;
    int failed;
};

// The first bytes of a sector. Zeros, and failed, when it cannot be read.
static void read_log(struct log *l, uint64_t sector, uint8_t *out, uint32_t len)
{
    memset(out, 0, len);
    if (bf_place_read(&l->x->place, l->first + sector * BF_XFS_BASIC, out, len))
        l->failed = 1;
}

// The round in which a sector was written, 0: never.
static uint32_t cycle(struct log *l, uint64_t sector)
{
    uint8_t b[8];
    read_log(l, sector, b, sizeof b);
    return bf_be32(b) == magic ? bf_be32(b + 4) : bf_be32(b);
}

// The first sector of the round before, or the number of sectors when there is none.
static uint64_t find_head(struct log *l, uint32_t now)
{
    uint64_t low = 1, high = l->sectors;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (cycle(l, middle) == now)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The first sector that was written in the round before.
static uint64_t find_older(struct log *l, uint64_t head, uint32_t now)
{
    uint8_t b[BF_XFS_BASIC];
    uint64_t at = head;
    if (now < 2 || head >= CLEARED || cycle(l, head))
        return head;
    for (; at < CLEARED && at < l->sectors; at++) {
        read_log(l, at, b, sizeof b);
        for (uint32_t i = 0; i < sizeof b; i++)
            if (b[i])
                return head;
    }
    return at;
}

static int window_fits(struct log *l, uint64_t head, uint64_t older, uint32_t now)
{
    uint64_t first = head > WINDOW ? head - WINDOW : 0;
    uint64_t end = l->sectors - head > WINDOW ? head + WINDOW : l->sectors;
    for (uint64_t i = first; i < end; i++)
        if (cycle(l, i) != (i < head ? now : i < older ? 0 : now - 1))
            return 0;
    return cycle(l, l->sectors - 1) == (head == l->sectors ? now : now - 1) && !l->failed;
}

// The header of the record that ends at the head. 0: there is none in the same round.
static int find_record(struct log *l, uint64_t head, uint64_t *at)
{
    uint8_t b[4];
    for (uint64_t i = head; i > 0 && head - i <= RECORD_BYTES_MAX / BF_XFS_BASIC + BUFFERS; i--) {
        read_log(l, i - 1, b, sizeof b);
        *at = i - 1;
        if (bf_be32(b) == magic)
            return 1;
    }
    return 0;
}

// Sectors of the headers of a record.
static uint32_t header_sectors(const struct log *l, const uint8_t *header)
{
    uint32_t size = bf_be32(header + 320);
    if (!l->x->log_v2 || !(bf_be32(header + 8) & 2) || size <= CYCLES_BYTES)
        return 1;
    return size <= RECORD_BYTES_MAX ? (size + CYCLES_BYTES - 1) / CYCLES_BYTES : 0;
}

// Of the header, of what continues it, and of the data. Tools that write a log leave it out.
static int sum_fits(struct log *l, uint64_t at, const uint8_t *h, uint32_t headers, uint32_t len)
{
    static const uint32_t lengths[] = {HEADER_64, HEADER_32};
    uint32_t is = bf_le32(h + SUM_AT); // the one number that is little-endian
    for (uint32_t i = 0; is && i < 2; i++) {
        uint8_t data[BF_XFS_BASIC];
        uint32_t crc = bf_crc32c(UINT32_MAX, h, SUM_AT);
        crc = bf_crc32c(crc, "\0\0\0", 4);
        crc = bf_crc32c(crc, h + SUM_AT + 4, lengths[i] - SUM_AT - 4);
        for (uint32_t k = 1; k < headers; k++) {
            read_log(l, at + k, data, MORE_BYTES);
            crc = bf_crc32c(crc, data, MORE_BYTES);
        }
        for (uint32_t done = 0, part; done < len; done += part) {
            part = len - done < sizeof data ? len - done : (uint32_t)sizeof data;
            read_log(l, at + headers + done / BF_XFS_BASIC, data, part);
            crc = bf_crc32c(crc, data, part);
        }
        if (~crc == is)
            return !l->failed;
    }
    return !is;
}

static int is_unmount(struct log *l, uint64_t at, uint64_t head, uint32_t now)
{
    uint8_t h[HEADER_BYTES], data[BF_XFS_BASIC];
    read_log(l, at, h, sizeof h);
    uint32_t version = bf_be32(h + 8), len = bf_be32(h + 12);
    uint32_t headers = header_sectors(l, h);
    if (l->failed || bf_be32(h + 4) != now || version < 1 || version > 2 || !headers || len < 24 ||
        len > RECORD_BYTES_MAX || at + headers + (len + BF_XFS_BASIC - 1) / BF_XFS_BASIC != head)
        return 0;
    if (bf_be64(h + 16) != ((uint64_t)now << 32 | at) || bf_be64(h + 24) > bf_be64(h + 16) ||
        bf_be32(h + 40) != 1 || bf_be32(h + 300) != FORMAT_LINUX ||
        memcmp(h + 304, l->x->uuid, 16) != 0)
        return 0;
    // The one operation in it: its header of twelve bytes, and what kind of record this is.
    read_log(l, at + headers, data, sizeof data);
    return !l->failed && data[9] == OP_UNMOUNT && bf_le16(data + 12) == UNMOUNT_TYPE &&
           sum_fits(l, at, h, headers, len);
}

// The record is the first one, and a tool's.
static int is_cleared(struct log *l, uint64_t at)
{
    uint8_t h[SUM_AT + 4];
    read_log(l, at, h, sizeof h);
    return !at && !l->failed && !bf_be32(h + SUM_AT);
}

int bf_xfs_log_clean(struct bf_xfs *x)
{
    struct log l = {.x = x,
                    .first = x->log_first << x->block_log,
                    .sectors = ((uint64_t)x->log_blocks << x->block_log) / BF_XFS_BASIC};
    uint32_t now = cycle(&l, 0);
    uint64_t head, older, at;
    if (!now || l.sectors > UINT32_MAX)
        return 0;
    head = find_head(&l, now);
    x->head = head < l.sectors ? (uint64_t)now << 32 | head : ((uint64_t)now + 1) << 32;
    older = find_older(&l, head, now);
    return window_fits(&l, head, older, now) && find_record(&l, head, &at) &&
           is_unmount(&l, at, head, now) && (older == head || is_cleared(&l, at));
}
