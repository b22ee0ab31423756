// SPDX-License-Identifier: Apache-2.0
// Superblocks of md RAID, judged: version 1 (at the beginning, 4 KiB behind it, or near the end of
// the device) and 0.90 (in the last 64 KiB, here only as little-endian processors write it), as in
// Linux, include/uapi/linux/raid/md_p.h, drivers/md/md.c and md-bitmap.h. Of RAID1 only, and only
// where all is well, its data is relied upon.
#include <string.h>

#include "base/bytes.h"
#include "image/usage/md/map.h"

enum {
    SUPER_BYTES = 4096, // of version 1, which stand at out->super.at, and of version 0.90
    KIB = 1024,
    RESERVED_0 = 64 * KIB, // where version 0.90 lives
    CHECKSUM_1 = 216,
    CHECKSUM_0 = 4 * 38,
    ROLES_AT = 256,
    ROLES_MAX = (SUPER_BYTES - ROLES_AT) / 2,
    FEATURE_BITMAP = 1,
    FLAGS = 3,       // write mostly, fail fast
    STATE_CLEAN = 1, // version 0.90
    STATE_BITMAP = 1 << 8,
    DISK_FAULTY = 1 << 0, // state of a disk in version 0.90
    DISK_ACTIVE = 1 << 1,
    DISK_SYNC = 1 << 2,
    DISK_REMOVED = 1 << 3,
    DISKS_0 = 27,
    DISKS_AT = 512,
    DISK_BYTES = 128,
    THIS_DISK = 3968,
    BITMAP_HEADER = 256,
    BITMAP_VERSION = 4, // 3 is in the byte order of its machine, 5 is of a cluster
    BITMAP_MAX = 1024 * KIB,
};

static const uint32_t magic = 0xa92b4efc;

// The sum of all words, without the one that holds it, folded to 32 bits.
static uint32_t checksum(const uint8_t *bytes, uint32_t len, uint32_t without)
{
    uint64_t sum = 0;
    uint32_t i = 0;
    for (; len - i >= 4; i += 4)
        if (i != without)
            sum += bf_le32(bytes + i);
    if (len - i == 2)
        sum += bf_le16(bytes + i);
    return (uint32_t)(sum + (sum >> 32));
}

static enum bf_err refuse(struct bf_md *out, const char *doubt)
{
    out->doubt = doubt;
    return BF_ERR_UNSUPPORTED;
}

// The first doubt is the one that is told.
static void doubt(struct bf_md *out, const char *why)
{
    if (!out->doubt)
        out->doubt = why;
}

static enum bf_err judge_level(struct bf_md *out)
{
    if (out->level != 1)
        return refuse(out, "only RAID1 is examined");
    return BF_OK;
}

// ---- Version 1 ---------------------------------------------------------------------------------

// Every role of the array is taken, each by one device, and one of them is this one's.
static int roles_complete(const uint8_t *b, uint32_t max, struct bf_md *out)
{
    uint32_t number = bf_le32(b + 160), taken = 0;
    if (number >= max || bf_le16(b + ROLES_AT + 2 * number) >= out->disks)
        return 0;
    out->role = bf_le16(b + ROLES_AT + 2 * number);
    for (uint32_t i = 0; i < max; i++) {
        uint32_t role = bf_le16(b + ROLES_AT + 2 * i);
        if (role >= out->disks)
            continue;
        for (uint32_t k = 0; k < i; k++)
            if (bf_le16(b + ROLES_AT + 2 * k) == role)
                return 0;
        taken++;
    }
    return taken == out->disks;
}

static int sectors(uint64_t count, uint64_t *bytes)
{
    *bytes = count * BF_MD_SECTOR;
    return count <= INT64_MAX / BF_MD_SECTOR;
}

// Where something is that is said to be so many sectors from the superblock.
static int beside(const struct bf_md *md, uint32_t signed_sectors, uint64_t bytes,
                  struct bf_md_range *out)
{
    int64_t at = (int64_t)md->super.at + (int64_t)(int32_t)signed_sectors * BF_MD_SECTOR;
    *out = (struct bf_md_range){(uint64_t)at, bytes};
    return at >= 0;
}

static int apart(const struct bf_md_range *a, const struct bf_md_range *b)
{
    return !a->bytes || !b->bytes || a->at >= b->at + b->bytes || b->at >= a->at + a->bytes;
}

static int places_fit(const uint8_t *b, struct bf_md *out)
{
    struct bf_md_range log = {0};
    uint64_t size, room, at;
    if (!sectors(bf_le64(b + 80), &size) || !sectors(bf_le64(b + 136), &room) ||
        !sectors(bf_le64(b + 128), &out->data.at) || !sectors(bf_le64(b + 144), &at) ||
        at != out->super.at || !size || size > room)
        return 0;
    out->data.bytes = size;
    if (bf_le32(b + 8) & FEATURE_BITMAP &&
        !beside(out, bf_le32(b + 96), BITMAP_HEADER, &out->bitmap))
        return 0;
    if (!beside(out, bf_le32(b + 188), (uint64_t)bf_le16(b + 186) * BF_MD_SECTOR, &log))
        return 0;
    return apart(&out->data, &out->super) && apart(&out->data, &out->bitmap) &&
           apart(&out->data, &log);
}

static enum bf_err super_1(const uint8_t bytes[SUPER_BYTES], struct bf_md *out)
{
    uint32_t max = bf_le32(bytes + 220);
    if (bf_le32(bytes) != magic || bf_le32(bytes + 4) != 1 || max > ROLES_MAX ||
        checksum(bytes, ROLES_AT + 2 * max, CHECKSUM_1) != bf_le32(bytes + CHECKSUM_1))
        return refuse(out, "its superblock is damaged");
    memcpy(out->uuid, bytes + 16, sizeof out->uuid);
    memcpy(out->name, bytes + 32, sizeof out->name - 1);
    out->level = (int32_t)bf_le32(bytes + 72);
    out->disks = bf_le32(bytes + 92);
    out->events = bf_le64(bytes + 200);
    if (judge_level(out))
        return BF_ERR_UNSUPPORTED;
    if (!places_fit(bytes, out))
        return refuse(out, "its superblock is inconsistent");
    if (bf_le32(bytes + 8) & ~(uint32_t)FEATURE_BITMAP || bytes[184] & ~FLAGS)
        doubt(out, "it is being changed, or has unknown features");
    if (bf_le64(bytes + 208) != UINT64_MAX)
        doubt(out, "it was not stopped properly, or is out of sync");
    if (!roles_complete(bytes, max, out))
        doubt(out, "one of its disks has failed, is missing or is a spare");
    return BF_OK;
}

// ---- Version 0.90 ------------------------------------------------------------------------------

static int is_active(const uint8_t *disk)
{
    uint32_t state = bf_le32(disk + 16);
    return (state & (DISK_FAULTY | DISK_ACTIVE | DISK_SYNC | DISK_REMOVED)) ==
           (DISK_ACTIVE | DISK_SYNC);
}

static int disks_complete(const uint8_t *b, const struct bf_md *md)
{
    if (bf_le32(b + 4 * 34) != md->disks || bf_le32(b + 4 * 36) || !is_active(b + THIS_DISK))
        return 0;
    for (uint32_t i = 0; i < md->disks; i++) {
        const uint8_t *disk = b + DISKS_AT + i * DISK_BYTES;
        if (!is_active(disk) || bf_le32(disk + 12) != i)
            return 0;
    }
    return 1;
}

static enum bf_err super_0(const uint8_t bytes[SUPER_BYTES], struct bf_md *out)
{
    uint32_t state = bf_le32(bytes + 4 * 33), minor = bf_le32(bytes + 4 * 2);
    if (bf_le32(bytes) != magic || bf_le32(bytes + 4) != 0 || (minor != 90 && minor != 91) ||
        checksum(bytes, SUPER_BYTES, CHECKSUM_0) != bf_le32(bytes + CHECKSUM_0))
        return refuse(out, "its superblock is damaged");
    memcpy(out->uuid, bytes + 4 * 5, 4);
    memcpy(out->uuid + 4, bytes + 4 * 13, 12);
    out->level = (int32_t)bf_le32(bytes + 4 * 7);
    out->disks = bf_le32(bytes + 4 * 10);
    out->role = bf_le32(bytes + THIS_DISK + 12);
    out->events = bf_le64(bytes + 4 * 39);
    out->data.bytes = (uint64_t)bf_le32(bytes + 4 * 8) * KIB;
    if (judge_level(out))
        return BF_ERR_UNSUPPORTED;
    if (!out->data.bytes || out->data.bytes > out->super.at || out->disks > DISKS_0 ||
        out->role >= DISKS_0)
        return refuse(out, "its superblock is inconsistent");
    if (state & STATE_BITMAP)
        out->bitmap = (struct bf_md_range){out->super.at + SUPER_BYTES, BITMAP_HEADER};
    if (minor != 90 || state & ~(uint32_t)(STATE_CLEAN | STATE_BITMAP))
        doubt(out, "it is being changed, has errors, or is of an unknown kind");
    if (!(state & STATE_CLEAN))
        doubt(out, "it was not stopped properly, or is out of sync");
    if (!disks_complete(bytes, out) || out->role >= out->disks)
        doubt(out, "one of its disks has failed, is missing or is a spare");
    return BF_OK;
}

// ---- The write-intent bitmap -------------------------------------------------------------------

static int is_zero(const struct bf_usage_place *place, uint64_t at, uint64_t bytes, uint32_t bits)
{
    uint8_t part[BF_MD_SECTOR];
    while (bytes > 0) {
        size_t len = bytes < sizeof part ? (size_t)bytes : sizeof part;
        if (bf_place_read(place, at, part, len))
            return 0;
        if (len == bytes && bits % 8) // of the last byte, those that stand for something
            part[len - 1] &= (uint8_t)((1u << bits % 8) - 1);
        for (size_t i = 0; i < len; i++)
            if (part[i])
                return 0;
        at += len;
        bytes -= len;
    }
    return 1;
}

static int bitmap_is_clean(const struct bf_usage_place *place, const struct bf_md *md)
{
    uint8_t header[BITMAP_HEADER];
    uint64_t total, bits, bytes;
    uint32_t chunk;
    struct bf_md_range all;
    if (!md->bitmap.bytes)
        return 1;
    if (bf_place_read(place, md->bitmap.at, header, sizeof header) ||
        memcmp(header, "bitm", 4) != 0 || bf_le32(header + 4) != BITMAP_VERSION ||
        memcmp(header + 8, md->uuid, sizeof md->uuid) != 0)
        return 0;
    total = bf_le64(header + 40);
    chunk = bf_le32(header + 52);
    if (bf_le64(header + 24) != md->events || bf_le32(header + 48) || chunk < BF_MD_SECTOR ||
        !bf_is_power_of_two(chunk) || total < md->data.bytes / BF_MD_SECTOR)
        return 0;
    bits = total / (chunk / BF_MD_SECTOR) + (total % (chunk / BF_MD_SECTOR) != 0);
    bytes = bits / 8 + (bits % 8 != 0);
    if (bytes > BITMAP_MAX)
        return 0;
    all = (struct bf_md_range){md->bitmap.at, sizeof header + bytes};
    return apart(&all, &md->data) && apart(&all, &md->super) &&
           is_zero(place, md->bitmap.at + sizeof header, bytes, (uint32_t)bits);
}

// ---- Finding it --------------------------------------------------------------------------------

// The places of the four kinds, in the order 1.1, 1.2, 1.0, 0.90.
static uint64_t candidate(uint64_t bytes, uint32_t kind)
{
    if (kind < 2)
        return kind ? 4 * KIB : 0;
    if (kind == 2)
        return (bytes / BF_MD_SECTOR - 16) / 8 * 8 * BF_MD_SECTOR;
    return bytes / RESERVED_0 * RESERVED_0 - RESERVED_0;
}

enum bf_err bf_md_super(const struct bf_usage_place *place, struct bf_md *out)
{
    uint8_t bytes[SUPER_BYTES], found[4];
    uint32_t kind = 4, count = 0;
    enum bf_err err;
    memset(out, 0, sizeof *out);
    if (place->bytes < 2 * RESERVED_0)
        return refuse(out, "it is too small");
    for (uint32_t i = 0; i < 4; i++) {
        err = bf_place_read(place, candidate(place->bytes, i), found, sizeof found);
        if (err)
            return err;
        if (bf_le32(found) != magic)
            continue;
        kind = i;
        count++;
    }
    if (count != 1)
        return refuse(out, "it has more than one superblock, or none");
    out->super = (struct bf_md_range){candidate(place->bytes, kind), sizeof bytes};
    err = bf_place_read(place, out->super.at, bytes, sizeof bytes);
    if (!err)
        err = kind == 3 ? super_0(bytes, out) : super_1(bytes, out);
    if (err)
        return err;
    if (out->data.at > place->bytes || out->data.bytes > place->bytes - out->data.at)
        return refuse(out, "it is larger than its place");
    out->leads = out->data.at == 0;
    if (!bitmap_is_clean(place, out))
        doubt(out, "writes were under way when it stopped");
    return BF_OK;
}
