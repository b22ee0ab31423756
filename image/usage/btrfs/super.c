// SPDX-License-Identifier: Apache-2.0
// The superblock of Btrfs (btrfs.readthedocs.io, "On-disk format": superblock; Linux,
// <linux/btrfs_tree.h>): is it one, is everything in it known, was everything that it speaks of
// committed, and do its copies say the same?
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/btrfs/map.h"

enum {
    BYTENR = 0x30,
    SUM_TYPE = 0xc4,
    DEVICE = 0xc9, // the item of the device that this superblock is on
    DEVICE_BYTES = 98,
    METADATA_UUID = 0x23b,
    SYSTEM = 0x32b,

    WRITTEN = 1, // the only flag of a file system that nothing is being done to
    FLAG_ERROR = 1 << 2,
    FLAG_SEED_HIGH = 1 << 0, // of the upper half of the flags
    SECTOR_MIN = 4096,
    NODE_MIN = 4096,

    // mixed_backref, default_subvol, mixed_groups, compress_lzo, compress_zstd, big_metadata,
    // extended_iref, raid56, skinny_metadata, no_holes, metadata_uuid, raid1c34, simple_quota.
    // Not: zoned, extent_tree_v2, raid_stripe_tree.
    INCOMPAT = 0xfff | 0x10000,
    INCOMPAT_ZONED = 0x1000,
    MIXED_BACKREF = 0x1,
    // free_space_tree, free_space_tree_valid, verity, block_group_tree
    COMPAT_RO = 0xf,
};

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

uint64_t bf_btrfs_super_at(uint32_t copy)
{
    return copy ? (uint64_t)16384 << 12 * copy : BF_BTRFS_SUPER_AT;
}

static void take(const uint8_t *s, struct bf_btrfs *fs)
{
    fs->generation = bf_le64(s + 0x48);
    fs->device_count = bf_le64(s + 0x88);
    fs->sector_bytes = bf_le32(s + 0x90);
    fs->node_bytes = bf_le32(s + 0x94);
    fs->system_bytes = bf_le32(s + 0xa0);
    fs->compat_ro = bf_le64(s + 0xb4);
    fs->incompat = bf_le64(s + 0xbc);
    fs->sum_type = bf_le16(s + SUM_TYPE);
    fs->root =
        (struct bf_btrfs_root){bf_le64(s + 0x50), fs->generation, BF_BTRFS_ROOT_TREE, s[0xc6]};
    fs->chunks =
        (struct bf_btrfs_root){bf_le64(s + 0x58), bf_le64(s + 0xa4), BF_BTRFS_CHUNK_TREE, s[0xc7]};
    fs->device = bf_le64(s + DEVICE);
    fs->device_bytes = bf_le64(s + DEVICE + 8);
    memcpy(fs->device_uuid, s + DEVICE + 66, sizeof fs->device_uuid);
    memcpy(fs->fsid, s + 0x20, sizeof fs->fsid);
    memcpy(fs->uuid, fs->incompat & BF_BTRFS_INCOMPAT_UUID ? s + METADATA_UUID : s + 0x20,
           sizeof fs->uuid);
    memcpy(fs->system, s + SYSTEM, sizeof fs->system);
}

static int sizes_fit(const uint8_t *s, const struct bf_btrfs *fs)
{
    return bf_is_power_of_two(fs->sector_bytes) && fs->sector_bytes >= SECTOR_MIN &&
           bf_is_power_of_two(fs->node_bytes) && fs->node_bytes >= NODE_MIN &&
           fs->node_bytes >= fs->sector_bytes && fs->node_bytes <= BF_BTRFS_NODE_MAX &&
           fs->system_bytes && fs->system_bytes <= BF_BTRFS_SYSTEM_BYTES &&
           fs->root.level < BF_BTRFS_LEVELS && fs->chunks.level < BF_BTRFS_LEVELS &&
           fs->generation && fs->chunks.generation <= fs->generation && fs->device_count &&
           fs->device_bytes % fs->sector_bytes == 0 &&
           memcmp(s + DEVICE + 82, fs->uuid, sizeof fs->uuid) == 0;
}

static enum bf_err judge(const uint8_t *s, const struct bf_btrfs *fs, char why[BF_USAGE_WHY])
{
    uint64_t flags = bf_le64(s + 0x38);
    if (flags & FLAG_ERROR)
        return refuse(why, "it has errors");
    if (flags >> 32 & FLAG_SEED_HIGH)
        return refuse(why, "it is a seed device");
    if (flags & ~(uint64_t)WRITTEN)
        return refuse(why, "its identity is being changed, or it is an image of metadata");
    if (fs->incompat & INCOMPAT_ZONED)
        return refuse(why, "it is made for a zoned disk");
    if (!bf_btrfs_sum_is_supported(fs->sum_type) || bf_le64(s + 0xac) ||
        fs->incompat & ~(uint64_t)INCOMPAT || !(fs->incompat & MIXED_BACKREF) ||
        fs->compat_ro & ~(uint64_t)COMPAT_RO)
        return refuse(why, "it has unknown features");
    if (!bf_btrfs_sum_fits(&fs->place.peek->work, fs->sum_type, s, BF_BTRFS_SUPER_BYTES))
        return refuse(why, "the checksum of its superblock is wrong");
    if (bf_le64(s + 0x60))
        return refuse(why, "its log tree has not been replayed");
    if (!fs->device)
        return refuse(why, "one of its devices is being replaced");
    if (bf_le64(s + BYTENR) != BF_BTRFS_SUPER_AT || !sizes_fit(s, fs))
        return refuse(why, "its superblock is inconsistent");
    if (fs->device_bytes > fs->place.bytes)
        return refuse(why, "it is larger than its partition");
    return BF_OK;
}

// Whether bytes `from` to `end` of two superblocks are the same.
static int same(const uint8_t *a, const uint8_t *b, uint32_t from, uint32_t end)
{
    return memcmp(a + from, b + from, end - from) == 0;
}

// Each commit writes all copies. Where one is missing or different, something has been written over
// the file system, or it does not lie on the disk as it should.
static int copies_fit(const struct bf_usage_place *place, const uint8_t *s, uint8_t *copy)
{
    uint64_t bytes = bf_le64(s + DEVICE + 8);
    for (uint32_t i = 1; i < BF_BTRFS_SUPERS; i++) {
        uint64_t at = bf_btrfs_super_at(i);
        if (bytes <= at + BF_BTRFS_SUPER_BYTES)
            break;
        if (bf_place_read(place, at, copy, BF_BTRFS_SUPER_BYTES) || bf_le64(copy + BYTENR) != at ||
            !bf_btrfs_sum_fits(&place->peek->work, bf_le16(s + SUM_TYPE), copy,
                               BF_BTRFS_SUPER_BYTES) ||
            !same(copy, s, BF_BTRFS_SUM_BYTES, BYTENR) ||
            !same(copy, s, BYTENR + 8, BF_BTRFS_SUPER_BYTES))
            return 0;
    }
    return 1;
}

enum bf_err bf_btrfs_super(struct bf_btrfs *fs, char why[BF_USAGE_WHY])
{
    uint8_t *s;
    enum bf_err err;
    if (fs->place.bytes < BF_BTRFS_SUPER_AT + BF_BTRFS_SUPER_BYTES)
        return refuse(why, "it is larger than its partition");
    s = bf_alloc((size_t)2 * BF_BTRFS_SUPER_BYTES);
    if (!s)
        return BF_ERR_NO_MEMORY;
    err = bf_place_read(&fs->place, BF_BTRFS_SUPER_AT, s, BF_BTRFS_SUPER_BYTES);
    if (err || memcmp(s + 0x40, "_BHRfS_M", 8) != 0)
        err = refuse(why, err ? "its superblock cannot be read" : "its superblock is damaged");
    if (!err) {
        take(s, fs);
        err = judge(s, fs, why);
    }
    if (!err && !copies_fit(&fs->place, s, s + BF_BTRFS_SUPER_BYTES))
        err = refuse(why, "the copies of its superblock are not the same");
    bf_free(s);
    return err;
}

// ---- The other devices -------------------------------------------------------------------------

static int is_this(const uint8_t *s, const struct bf_btrfs *fs)
{
    return memcmp(s + 0x40, "_BHRfS_M", 8) == 0 && memcmp(s + 0x20, fs->fsid, sizeof fs->fsid) == 0;
}

// A device of the file system, whose superblock differs from that of the mapped one in nothing but
// what describes the device.
static enum bf_err add_member(struct bf_btrfs *fs, const struct bf_usage_place *place,
                              const uint8_t *own, const uint8_t *s, uint8_t *copy,
                              char why[BF_USAGE_WHY])
{
    struct bf_btrfs_device *d = &fs->member[fs->members];
    uint64_t id = bf_le64(s + DEVICE);
    if (!bf_btrfs_sum_fits(&place->peek->work, fs->sum_type, s, BF_BTRFS_SUPER_BYTES) ||
        !same(s, own, BF_BTRFS_SUM_BYTES, DEVICE) ||
        !same(s, own, DEVICE + DEVICE_BYTES, BF_BTRFS_SUPER_BYTES) || !copies_fit(place, s, copy))
        return refuse(why, "its devices do not show the same state");
    for (uint32_t i = 0; i < fs->members; i++)
        if (fs->member[i].id == id ||
            memcmp(fs->member[i].uuid, s + DEVICE + 66, sizeof fs->member[i].uuid) == 0)
            return refuse(why, "one of its devices appears twice");
    if (fs->members == fs->device_count)
        return refuse(why, "it has more devices than it should");
    *d = (struct bf_btrfs_device){.id = id, .bytes = bf_le64(s + DEVICE + 8), .place = place};
    memcpy(d->uuid, s + DEVICE + 66, sizeof d->uuid);
    if (!d->id || d->bytes > place->bytes || d->bytes % fs->sector_bytes)
        return refuse(why, "its superblock is inconsistent");
    fs->members++;
    return BF_OK;
}

static enum bf_err find_members(struct bf_btrfs *fs, uint8_t *own, char why[BF_USAGE_WHY])
{
    uint8_t *s = own + BF_BTRFS_SUPER_BYTES, *copy = s + BF_BTRFS_SUPER_BYTES;
    uint32_t count;
    const struct bf_usage_place *place = bf_usage_places(fs->place.peek, &count);
    enum bf_err err = bf_place_read(&fs->place, BF_BTRFS_SUPER_AT, own, BF_BTRFS_SUPER_BYTES);
    for (uint32_t i = 0; !err && i < count; i++)
        if (place[i].signatures == BF_SIGNATURE_BTRFS &&
            bf_place_read(&place[i], BF_BTRFS_SUPER_AT, s, BF_BTRFS_SUPER_BYTES) == BF_OK &&
            is_this(s, fs))
            err = add_member(fs, &place[i], own, s, copy, why);
    if (!err && fs->members < fs->device_count)
        err = refuse(why, "one of its devices is missing");
    return err;
}

enum bf_err bf_btrfs_find_members(struct bf_btrfs *fs, char why[BF_USAGE_WHY])
{
    uint8_t *three;
    enum bf_err err;
    if (fs->device_count > BF_BTRFS_DEVICES)
        return refuse(why, "it has too many devices");
    if (fs->device_count == 1) { // whatever else looks like it
        fs->member[0] = (struct bf_btrfs_device){
            .id = fs->device, .bytes = fs->device_bytes, .place = &fs->place};
        memcpy(fs->member[0].uuid, fs->device_uuid, sizeof fs->device_uuid);
        fs->members = 1;
        return BF_OK;
    }
    three = bf_alloc((size_t)3 * BF_BTRFS_SUPER_BYTES);
    if (!three)
        return BF_ERR_NO_MEMORY;
    err = find_members(fs, three, why);
    bf_free(three);
    return err;
}
