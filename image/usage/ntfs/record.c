// SPDX-License-Identifier: Apache-2.0
// The structures of NTFS: the boot record, records of the MFT with their update sequences and
// attributes, and runs of clusters (Linux-NTFS documentation: "$Boot", "FILE record", "Fixup",
// "Attributes", "Data runs"). All of it may be damaged or hostile.
#include <string.h>

#include "base/bytes.h"
#include "image/usage/ntfs/map.h"

enum {
    BOOT_BYTES = 512, // of any sector size: the record is the beginning of the first sector
    BOOT_END = 0xaa55,
    SECTOR_MIN = 512,
    SECTOR_MAX = 4096,
    CLUSTER_LOG_MAX = 21,
    RECORD_MIN = 1024,
    RECORD_HEADER = 42,
    ATTRIBUTE_END = -1,
    ATTRIBUTE_HEADER = 24, // at least
    OUTSIDE_HEADER = 64,   // of an attribute that is not resident
    NAME_MAX = 16,
};

// A size as the boot record has it: a number of units, or if negative the binary logarithm in
// bytes.
static uint64_t size_of(uint8_t is, uint64_t unit)
{
    if (is < 0x80)
        return is * unit;
    return 0x100 - is < 32 ? UINT64_C(1) << (0x100 - is) : 0;
}

// The boot record of n->place. 0: it is inconsistent.
static int read_boot(struct bf_ntfs *n)
{
    uint8_t b[BOOT_BYTES];
    uint64_t sector, cluster, total;
    if (bf_place_read(&n->place, 0, b, sizeof b) || memcmp(b + 3, "NTFS    ", 8) != 0 ||
        bf_le16(b + 510) != BOOT_END)
        return 0;
    // What other file systems keep here is zero.
    if (bf_le(b + 14, 7) || bf_le16(b + 22) || bf_le32(b + 32))
        return 0;
    sector = bf_le16(b + 11);
    if (!bf_is_power_of_two(sector) || sector < SECTOR_MIN || sector > SECTOR_MAX)
        return 0;
    cluster = b[13] <= 0x80 ? b[13] * sector : 0x100 - b[13] < 16 ? sector << (0x100 - b[13]) : 0;
    if (!bf_is_power_of_two(cluster) || cluster > UINT64_C(1) << CLUSTER_LOG_MAX)
        return 0;
    while (UINT64_C(1) << n->cluster_log < cluster)
        n->cluster_log++;
    total = bf_le64(b + 40);
    if (total > n->place.bytes / sector)
        return 0;
    n->clusters = total / (cluster / sector);
    n->mft_cluster = bf_le64(b + 48);
    n->mirror_cluster = bf_le64(b + 56);
    uint64_t record = size_of(b[64], cluster);
    n->record_bytes = (uint32_t)record;
    return bf_is_power_of_two(record) && record >= RECORD_MIN && record <= BF_NTFS_RECORD_MAX &&
           n->mft_cluster && n->mft_cluster < n->clusters && n->mirror_cluster &&
           n->mirror_cluster < n->clusters;
}

int bf_ntfs_fix(uint8_t *bytes, uint32_t len, const char magic[4])
{
    uint32_t at = bf_le16(bytes + 4), count = bf_le16(bytes + 6);
    if (memcmp(bytes, magic, 4) != 0 || count != len / BF_NTFS_STRIDE + 1 || at & 1 || at < 8 ||
        at > BF_NTFS_STRIDE - 2 - 2 * count)
        return 0;
    for (uint32_t i = 1; i < count; i++) {
        uint8_t *end = bytes + i * BF_NTFS_STRIDE - 2;
        if (memcmp(end, bytes + at, 2) != 0)
            return 0;
        memcpy(end, bytes + at + 2 * i, 2);
    }
    return 1;
}

int bf_ntfs_read(const struct bf_ntfs *n, const struct bf_ntfs_stream *s, uint64_t at, void *out,
                 uint32_t len)
{
    uint8_t *to = out;
    bf_work_spend(&n->place.peek->work, 2ull * s->runs);
    for (uint32_t i = 0; i < s->runs && len; i++) {
        uint64_t bytes = s->run[i].count << n->cluster_log, part;
        if (at >= bytes) {
            at -= bytes;
            continue;
        }
        part = bytes - at < len ? bytes - at : len;
        if (bf_place_read(&n->place, (s->run[i].first << n->cluster_log) + at, to, (size_t)part))
            return 0;
        to += part;
        len -= (uint32_t)part;
        at = 0;
    }
    return !len;
}

int bf_ntfs_record(struct bf_ntfs *n, uint64_t number)
{
    uint8_t *r = n->record;
    if (number >= n->mft.bytes / n->record_bytes ||
        !bf_ntfs_read(n, &n->mft, number * n->record_bytes, r, n->record_bytes) ||
        !bf_ntfs_fix(r, n->record_bytes, "FILE"))
        return 0;
    return bf_le16(r + 20) >= RECORD_HEADER && bf_le32(r + 24) <= n->record_bytes &&
           bf_le16(r + 20) <= bf_le32(r + 24);
}

// ---- Attributes --------------------------------------------------------------------------------

int bf_ntfs_next(const struct bf_ntfs *n, struct bf_ntfs_attribute *a, int *bad)
{
    const uint8_t *end = n->record + bf_le32(n->record + 24);
    const uint8_t *at = a->at ? a->at + a->bytes : n->record + bf_le16(n->record + 20);
    *bad = 1;
    if ((size_t)(end - at) < 4)
        return 0;
    if ((int32_t)bf_le32(at) == ATTRIBUTE_END) {
        *bad = 0;
        return 0;
    }
    if ((size_t)(end - at) < ATTRIBUTE_HEADER)
        return 0;
    uint64_t bytes = bf_le32(at + 4);
    if (bytes < ATTRIBUTE_HEADER || bytes % 8 || bytes > (uint64_t)(end - at) || at[8] > 1 ||
        (at[8] && bytes < OUTSIDE_HEADER))
        return 0;
    *a = (struct bf_ntfs_attribute){at, (uint32_t)bytes};
    *bad = 0;
    return 1;
}

static int has_name(const struct bf_ntfs_attribute *a, const char *name)
{
    uint32_t units = a->at[9], at = bf_le16(a->at + 10);
    if (!name)
        return !units;
    if (units != strlen(name) || units > NAME_MAX || at > a->bytes || 2 * units > a->bytes - at)
        return 0;
    for (uint32_t i = 0; i < units; i++)
        if (bf_le16(a->at + at + 2 * i) != (uint8_t)name[i])
            return 0;
    return 1;
}

int bf_ntfs_find(const struct bf_ntfs *n, uint32_t type, const char *name,
                 struct bf_ntfs_attribute *a)
{
    struct bf_ntfs_attribute each = {0};
    int found = 0, bad;
    while (bf_ntfs_next(n, &each, &bad)) {
        if (bf_le32(each.at) != type || !has_name(&each, name))
            continue;
        *a = each;
        found++;
    }
    return !bad && found == 1;
}

int bf_ntfs_is_resident(const struct bf_ntfs_attribute *a)
{
    return !a->at[8];
}

const uint8_t *bf_ntfs_value(const struct bf_ntfs_attribute *a, uint32_t least, uint32_t *bytes)
{
    uint64_t len = bf_le32(a->at + 16), at = bf_le16(a->at + 20);
    if (!bf_ntfs_is_resident(a) || at > a->bytes || len > a->bytes - at || len < least)
        return NULL;
    *bytes = (uint32_t)len;
    return a->at + at;
}

// ---- Runs --------------------------------------------------------------------------------------

// A run begins with the sizes of its two numbers, in bytes: how many clusters, and the distance of
// the first one from that of the run before; none is a hole.
int bf_ntfs_next_run(const struct bf_ntfs *n, const struct bf_ntfs_attribute *a,
                     struct bf_ntfs_cursor *c)
{
    if (!c->at)
        c->at = bf_le16(a->at + 32);
    c->bad = 1;
    if (c->at < OUTSIDE_HEADER || c->at >= a->bytes)
        return 0;
    uint32_t counts = a->at[c->at] & 15, offsets = a->at[c->at] >> 4;
    if (!a->at[c->at]) {
        c->bad = 0;
        return 0;
    }
    if (!counts || counts > 8 || offsets > 8 || counts + offsets > a->bytes - c->at - 1)
        return 0;
    uint64_t move = bf_le(a->at + c->at + 1 + counts, offsets);
    if (offsets && offsets < 8 && move >> (8 * offsets - 1))
        move |= UINT64_MAX << 8 * offsets;
    c->count = bf_le(a->at + c->at + 1, counts);
    c->hole = !offsets;
    c->first += move;
    c->at += 1 + counts + offsets;
    if (!c->count || (!c->hole && (c->first >= n->clusters || c->count > n->clusters - c->first)))
        return 0;
    c->bad = 0;
    return 1;
}

int bf_ntfs_stream(const struct bf_ntfs *n, const struct bf_ntfs_attribute *a,
                   struct bf_ntfs_stream *s)
{
    struct bf_ntfs_cursor c = {0};
    uint64_t clusters = 0;
    memset(s, 0, sizeof *s);
    // First cluster of the stream; flags; compression.
    if (bf_ntfs_is_resident(a) || bf_le64(a->at + 16) || bf_le16(a->at + 12) || a->at[34])
        return 0;
    while (bf_ntfs_next_run(n, a, &c)) {
        if (c.hole || s->runs == BF_NTFS_RUNS_MAX || c.count > n->clusters - clusters)
            return 0;
        s->run[s->runs++] = (struct bf_ntfs_run){c.first, c.count};
        clusters += c.count;
    }
    s->bytes = bf_le64(a->at + 48);
    s->written = bf_le64(a->at + 56);
    return !c.bad && clusters && bf_le64(a->at + 24) == clusters - 1 && s->written <= s->bytes &&
           bf_le64(a->at + 40) >= s->bytes;
}

// ---- The MFT -----------------------------------------------------------------------------------

// Record 0 tells where the table is; to read it the first cluster is enough. A table of very many
// pieces continues in other records.
int bf_ntfs_open(struct bf_ntfs *n)
{
    struct bf_ntfs_attribute data, list;
    if (!read_boot(n))
        return 0;
    n->mft.runs = 1;
    n->mft.run[0] = (struct bf_ntfs_run){n->mft_cluster, n->clusters - n->mft_cluster};
    n->mft.bytes = n->record_bytes;
    if (!bf_ntfs_record(n, BF_NTFS_MFT) || bf_le16(n->record + 22) != BF_NTFS_IN_USE ||
        !bf_ntfs_find(n, BF_NTFS_DATA, NULL, &data) || !bf_ntfs_stream(n, &data, &n->mft) ||
        n->mft.run[0].first != n->mft_cluster)
        return 0;
    uint64_t here = (bf_le64(data.at + 24) + 1) << n->cluster_log;
    n->mft_whole = n->mft.bytes <= here;
    if (!n->mft_whole && !bf_ntfs_find(n, BF_NTFS_ATTRIBUTE_LIST, NULL, &list))
        return 0;
    n->mft.bytes = n->mft.written < here ? n->mft.written : here;
    return 1;
}

int bf_ntfs_mirror_fits(struct bf_ntfs *n)
{
    struct bf_ntfs_attribute data;
    uint32_t records = 4;
    if (!bf_ntfs_record(n, BF_NTFS_MIRROR) || !bf_ntfs_find(n, BF_NTFS_DATA, NULL, &data) ||
        !bf_ntfs_stream(n, &data, &n->other) || n->other.run[0].first != n->mirror_cluster)
        return 0;
    for (uint32_t i = 0; i < records; i++) {
        if (!bf_ntfs_read(n, &n->other, (uint64_t)i * n->record_bytes, n->copy, n->record_bytes) ||
            !bf_ntfs_fix(n->copy, n->record_bytes, "FILE") || !bf_ntfs_record(n, i))
            return 0;
        // But for the update sequence, which may be another one.
        uint32_t at = bf_le16(n->record + 4);
        uint32_t end = at + 2 * (n->record_bytes / BF_NTFS_STRIDE + 1);
        uint32_t used = bf_le32(n->record + 24);
        if (used < end || memcmp(n->copy, n->record, at) != 0 ||
            memcmp(n->copy + end, n->record + end, used - end) != 0)
            return 0;
    }
    return 1;
}
