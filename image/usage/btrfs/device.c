// SPDX-License-Identifier: Apache-2.0
// The devices of a Btrfs file system, and whether its trees agree about them: every device that the
// chunk tree lists is there, nothing is being moved, and the stripes that lie on the mapped one
// are the same by the chunks and by the device tree, and as much as the device's own item says.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "image/usage/btrfs/map.h"

enum {
    DEV_ITEM_BYTES = 98,
    ROOT_ITEM_LEAST = 239,
    REPLACE_STATE = 32,
    REPLACE_STARTED = 1,
    REPLACE_SUSPENDED = 4,
};

static const uint64_t BALANCE = UINT64_MAX - 3, RELOCATION = UINT64_MAX - 7; // objects -4 and -8

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

// ---- The chunk tree ----------------------------------------------------------------------------

struct census {
    uint64_t devices;
    uint64_t bytes;     // of the mapped device, in chunks
    uint64_t print;     // of the set of their stripes on it
    uint64_t last_end;  // of the last chunk
    uint64_t item_used; // as the mapped device's item says
};

// The fingerprint of a set is the sum of its members': the chunk tree has them in another order
// than the device tree. The mixing is that of MurmurHash3's end.
static uint64_t print_of(uint64_t chunk, uint64_t physical, uint64_t length)
{
    const uint64_t part[3] = {chunk, physical, length};
    uint64_t v = 0;
    for (uint32_t i = 0; i < 3; i++) {
        v += part[i];
        v = (v ^ v >> 33) * 0xff51afd7ed558ccd;
        v = (v ^ v >> 33) * 0xc4ceb9fe1a85ec53;
        v ^= v >> 33;
    }
    return v;
}

static enum bf_err judge_device(struct bf_btrfs *fs, const struct bf_btrfs_item *item,
                                struct census *c, char why[BF_USAGE_WHY])
{
    const struct bf_btrfs_device *d = fs->member;
    const uint8_t *at = item->data;
    if (item->bytes != DEV_ITEM_BYTES || bf_le64(at) != item->key.offset)
        return BF_ERR_CORRUPT;
    if (memcmp(at + 82, fs->uuid, sizeof fs->uuid) != 0)
        return refuse(why, "it has grown out of a seed device");
    while (d < fs->member + fs->members && d->id != item->key.offset)
        d++;
    if (d == fs->member + fs->members)
        return refuse(why, "one of its devices is missing");
    if (memcmp(at + 66, d->uuid, sizeof d->uuid) != 0 || bf_le64(at + 8) != d->bytes)
        return BF_ERR_CORRUPT;
    if (d->id == fs->device)
        c->item_used = bf_le64(at + 16);
    c->devices++;
    return BF_OK;
}

static enum bf_err judge_chunk(const struct bf_btrfs *fs, const struct bf_btrfs_item *item,
                               struct census *c)
{
    struct bf_btrfs_chunk chunk;
    enum bf_err err = bf_btrfs_chunk_parse(fs, item->key.offset, item->data, item->bytes, &chunk);
    if (err || chunk.logical < c->last_end)
        return BF_ERR_CORRUPT;
    c->last_end = chunk.logical + chunk.length;
    for (uint32_t i = 0; i < chunk.stripes; i++)
        if (chunk.stripe[i].device == fs->device) {
            c->bytes += chunk.device_bytes;
            c->print += print_of(chunk.logical, chunk.stripe[i].physical, chunk.device_bytes);
        }
    return BF_OK;
}

static enum bf_err judge_chunk_tree(struct bf_btrfs *fs, struct census *c, char why[BF_USAGE_WHY])
{
    struct bf_btrfs_walk w;
    struct bf_btrfs_item item;
    enum bf_err err;
    bf_btrfs_walk(&w, &fs->chunks, (struct bf_btrfs_key){0});
    while (!(err = bf_btrfs_next(fs, &w, &item))) {
        if (item.key.object == BF_BTRFS_DEV_ITEMS && item.key.type == BF_BTRFS_DEV_ITEM)
            err = judge_device(fs, &item, c, why);
        else if (item.key.object == BF_BTRFS_CHUNKS && item.key.type == BF_BTRFS_CHUNK_ITEM)
            err = judge_chunk(fs, &item, c);
        else
            err = BF_ERR_CORRUPT;
        if (err)
            return err;
    }
    if (err != BF_ERR_NOT_FOUND)
        return err;
    return c->devices == fs->device_count ? BF_OK : BF_ERR_CORRUPT;
}

// ---- The tree of roots -------------------------------------------------------------------------

static enum bf_err find_root(struct bf_btrfs *fs, uint64_t owner, struct bf_btrfs_root *root)
{
    struct bf_btrfs_key key = {owner, BF_BTRFS_ROOT_ITEM, 0};
    struct bf_btrfs_item item;
    enum bf_err err = bf_btrfs_floor(fs, &fs->root, &key, &item);
    if (err)
        return err;
    if (bf_btrfs_key_order(&item.key, &key) != 0 || item.bytes < ROOT_ITEM_LEAST)
        return BF_ERR_CORRUPT;
    *root = (struct bf_btrfs_root){bf_le64(item.data + 176), bf_le64(item.data + 160), owner,
                                   item.data[238]};
    return root->level < BF_BTRFS_LEVELS && root->generation <= fs->generation ? BF_OK
                                                                               : BF_ERR_CORRUPT;
}

// Whether the tree has an item of this kind.
static enum bf_err has(struct bf_btrfs *fs, const struct bf_btrfs_root *root, uint64_t object,
                       uint8_t type, int *found, struct bf_btrfs_item *item)
{
    struct bf_btrfs_walk w;
    enum bf_err err;
    bf_btrfs_walk(&w, root, (struct bf_btrfs_key){object, type, 0});
    err = bf_btrfs_next(fs, &w, item);
    *found = !err && item->key.object == object && item->key.type == type;
    return err == BF_ERR_NOT_FOUND ? BF_OK : err;
}

static enum bf_err judge_roots(struct bf_btrfs *fs, char why[BF_USAGE_WHY])
{
    struct bf_btrfs_item item;
    int balance, relocation;
    enum bf_err err = has(fs, &fs->root, BALANCE, BF_BTRFS_TEMPORARY_ITEM, &balance, &item);
    if (!err)
        err = has(fs, &fs->root, RELOCATION, BF_BTRFS_ROOT_ITEM, &relocation, &item);
    if (!err && (balance || relocation))
        return refuse(why, "its chunks are being moved (balance)");
    if (!err)
        err = find_root(fs, BF_BTRFS_EXTENT_TREE, &fs->extents);
    if (!err)
        err = find_root(fs, BF_BTRFS_DEV_TREE, &fs->devs);
    fs->groups = fs->extents;
    if (!err && fs->compat_ro & BF_BTRFS_RO_GROUP_TREE)
        err = find_root(fs, BF_BTRFS_GROUP_TREE, &fs->groups);
    return err;
}

// ---- The device tree ---------------------------------------------------------------------------

static enum bf_err judge_dev_tree(struct bf_btrfs *fs, const struct census *c,
                                  char why[BF_USAGE_WHY])
{
    struct bf_btrfs_item item;
    struct bf_btrfs_walk w;
    uint64_t bytes = 0, print = 0, end = 0;
    int replace;
    enum bf_err err = has(fs, &fs->devs, 0, BF_BTRFS_REPLACE_ITEM, &replace, &item);
    if (err)
        return err;
    if (replace) {
        uint64_t state =
            item.bytes < REPLACE_STATE + 8 ? REPLACE_STARTED : bf_le64(item.data + REPLACE_STATE);
        if (state == REPLACE_STARTED || state >= REPLACE_SUSPENDED)
            return refuse(why, "one of its devices is being replaced");
    }
    bf_btrfs_walk(&w, &fs->devs, (struct bf_btrfs_key){fs->device, BF_BTRFS_DEV_EXTENT, 0});
    while (!(err = bf_btrfs_next(fs, &w, &item))) {
        uint64_t length;
        if (item.key.object != fs->device || item.key.type != BF_BTRFS_DEV_EXTENT)
            break;
        if (item.bytes != BF_BTRFS_DEV_EXTENT_BYTES || item.key.offset < end)
            return BF_ERR_CORRUPT;
        length = bf_le64(item.data + 24);
        if (!length || item.key.offset > fs->device_bytes ||
            length > fs->device_bytes - item.key.offset)
            return BF_ERR_CORRUPT;
        end = item.key.offset + length;
        bytes += length;
        print += print_of(bf_le64(item.data + 16), item.key.offset, length);
    }
    if (err && err != BF_ERR_NOT_FOUND)
        return err;
    return bytes == c->bytes && bytes == c->item_used && print == c->print ? BF_OK : BF_ERR_CORRUPT;
}

// ---- All of it ---------------------------------------------------------------------------------

enum bf_err bf_btrfs_devices(struct bf_btrfs *fs, char why[BF_USAGE_WHY])
{
    struct census c = {0};
    enum bf_err err;
    fs->budget = UINT64_MAX; // that of the step is enough
    err = judge_chunk_tree(fs, &c, why);
    if (!err)
        err = judge_roots(fs, why);
    if (!err)
        err = judge_dev_tree(fs, &c, why);
    if (err && err != BF_ERR_UNSUPPORTED && err != BF_ERR_NO_MEMORY)
        err = refuse(why, "its trees do not match");
    return err;
}
