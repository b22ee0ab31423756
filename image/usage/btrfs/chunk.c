// SPDX-License-Identifier: Apache-2.0
// The chunks of Btrfs: which devices hold a range of logical addresses, and how it is spread over
// them (btrfs.readthedocs.io, "On-disk format": chunk item; "mkfs.btrfs": Profiles). Striped chunks
// are rows of 64 KiB stripes. In RAID5 and RAID6 each row begins one device further; behind the
// row's data come P and Q.
#include <string.h>

#include "base/bytes.h"
#include "image/usage/btrfs/map.h"

enum {
    CHUNK = 48, // bytes in front of the stripes
    STRIPE = 32,
    KEY = 17,
    KINDS = BF_BTRFS_DATA | BF_BTRFS_SYSTEM | BF_BTRFS_METADATA,
};

// ---- One item ----------------------------------------------------------------------------------

// How the profiles spread: copies of each byte, stripes of parity, the fewest and most stripes.
static const struct profile {
    uint32_t bit;
    uint32_t copies, parities, fewest, most;
    int striped;
} profiles[] = {
    {0, 1, 0, 1, 1, 0},
    {BF_BTRFS_DUP, 2, 0, 2, 2, 0},
    {BF_BTRFS_RAID1, 2, 0, 2, 2, 0},
    {BF_BTRFS_RAID1C3, 3, 0, 3, 3, 0},
    {BF_BTRFS_RAID1C4, 4, 0, 4, 4, 0},
    {BF_BTRFS_RAID0, 1, 0, 1, BF_BTRFS_DEVICES, 1},
    {BF_BTRFS_RAID10, 2, 0, 2, BF_BTRFS_DEVICES, 1},
    {BF_BTRFS_RAID5, 1, 1, 2, BF_BTRFS_DEVICES, 1},
    {BF_BTRFS_RAID6, 1, 2, 3, BF_BTRFS_DEVICES, 1},
};

static const struct profile *profile_of(uint64_t type)
{
    for (uint32_t i = 0; i < BF_COUNT(profiles); i++)
        if ((type & ~(uint64_t)KINDS) == profiles[i].bit)
            return &profiles[i];
    return NULL;
}

static int shape_fits(const struct bf_btrfs *fs, struct bf_btrfs_chunk *c, uint32_t sub_stripes)
{
    const struct profile *p = profile_of(c->type);
    uint64_t kind = c->type & KINDS;
    if (!p || !(kind == BF_BTRFS_DATA || kind == BF_BTRFS_SYSTEM || kind == BF_BTRFS_METADATA ||
                kind == (BF_BTRFS_DATA | BF_BTRFS_METADATA)))
        return 0;
    if (c->stripes < p->fewest || c->stripes > p->most || c->stripes % (p->striped ? p->copies : 1))
        return 0;
    if (p->bit == BF_BTRFS_RAID10 && sub_stripes != p->copies)
        return 0;
    c->copies = p->copies;
    c->parities = p->parities;
    c->columns = p->striped ? (c->stripes - p->parities) / p->copies : 1;
    if (!c->length || c->length % fs->sector_bytes || c->logical % fs->sector_bytes ||
        c->length > (uint64_t)INT64_MAX || c->logical > (uint64_t)INT64_MAX - c->length)
        return 0;
    if (p->striped && c->length % ((uint64_t)c->columns * BF_BTRFS_STRIPE))
        return 0;
    c->device_bytes = c->length / c->columns;
    return 1;
}

static const struct bf_btrfs_device *device_of(const struct bf_btrfs *fs, uint64_t id)
{
    for (uint32_t i = 0; i < fs->members; i++)
        if (fs->member[i].id == id)
            return &fs->member[i];
    return NULL;
}

static int stripes_fit(const struct bf_btrfs *fs, const uint8_t *item, struct bf_btrfs_chunk *c)
{
    for (uint32_t i = 0; i < c->stripes; i++) {
        const uint8_t *at = item + CHUNK + i * STRIPE;
        uint64_t device = bf_le64(at), physical = bf_le64(at + 8);
        const struct bf_btrfs_device *d = device_of(fs, device);
        c->stripe[i].device = device;
        c->stripe[i].physical = physical;
        if (physical % fs->sector_bytes || !d || memcmp(d->uuid, at + 16, sizeof d->uuid) != 0 ||
            c->device_bytes > d->bytes || physical > d->bytes - c->device_bytes)
            return 0;
    }
    return 1;
}

enum bf_err bf_btrfs_chunk_parse(const struct bf_btrfs *fs, uint64_t logical, const uint8_t *item,
                                 size_t len, struct bf_btrfs_chunk *chunk)
{
    *chunk = (struct bf_btrfs_chunk){.logical = logical};
    if (len < CHUNK + STRIPE)
        return BF_ERR_CORRUPT;
    chunk->length = bf_le64(item);
    chunk->type = bf_le64(item + 24);
    chunk->stripes = bf_le16(item + 44);
    if (bf_le64(item + 8) != BF_BTRFS_EXTENT_TREE || bf_le64(item + 16) != BF_BTRFS_STRIPE ||
        len != CHUNK + chunk->stripes * STRIPE || !shape_fits(fs, chunk, bf_le16(item + 46)) ||
        !stripes_fit(fs, item, chunk))
        return BF_ERR_CORRUPT;
    return BF_OK;
}

// ---- Finding -----------------------------------------------------------------------------------

static int holds(const struct bf_btrfs_chunk *c, uint64_t logical)
{
    return c->length && logical >= c->logical && logical - c->logical < c->length;
}

enum bf_err bf_btrfs_system_chunk(const struct bf_btrfs *fs, uint64_t logical,
                                  struct bf_btrfs_chunk *chunk)
{
    uint32_t at = 0;
    while (at < fs->system_bytes) {
        const uint8_t *item = fs->system + at + KEY;
        uint32_t left = fs->system_bytes - at, len;
        enum bf_err err;
        if (left < KEY + CHUNK)
            return BF_ERR_CORRUPT;
        len = CHUNK + STRIPE * bf_le16(item + 44);
        if (len > left - KEY || fs->system[at + 8] != BF_BTRFS_CHUNK_ITEM ||
            bf_le64(fs->system + at) != BF_BTRFS_CHUNKS)
            return BF_ERR_CORRUPT;
        err = bf_btrfs_chunk_parse(fs, bf_le64(fs->system + at + 9), item, len, chunk);
        if (err)
            return err;
        if (!(chunk->type & BF_BTRFS_SYSTEM))
            return BF_ERR_CORRUPT;
        if (holds(chunk, logical))
            return BF_OK;
        at += KEY + len;
    }
    return BF_ERR_NOT_FOUND;
}

enum bf_err bf_btrfs_chunk_kept(const struct bf_btrfs *fs, uint64_t logical,
                                struct bf_btrfs_chunk *chunk)
{
    for (uint32_t i = 0; i < BF_BTRFS_CACHED; i++)
        if (holds(&fs->cached[i], logical)) {
            *chunk = fs->cached[i];
            return BF_OK;
        }
    return BF_ERR_NOT_FOUND;
}

enum bf_err bf_btrfs_chunk_keep(struct bf_btrfs *fs, uint64_t logical,
                                const struct bf_btrfs_item *item, struct bf_btrfs_chunk *chunk)
{
    enum bf_err err;
    if (item->key.object != BF_BTRFS_CHUNKS || item->key.type != BF_BTRFS_CHUNK_ITEM)
        return BF_ERR_CORRUPT;
    err = bf_btrfs_chunk_parse(fs, item->key.offset, item->data, item->bytes, chunk);
    if (err)
        return err;
    if (!holds(chunk, logical))
        return BF_ERR_CORRUPT;
    fs->cached[fs->cache_next++ % BF_BTRFS_CACHED] = *chunk;
    return BF_OK;
}

uint32_t bf_btrfs_stripe_at(const struct bf_btrfs_chunk *chunk, uint64_t device, uint64_t physical)
{
    uint32_t i = 0;
    while (i < chunk->stripes &&
           (chunk->stripe[i].device != device || chunk->stripe[i].physical != physical))
        i++;
    return i;
}

// ---- Where a byte is ---------------------------------------------------------------------------

static int is_striped(const struct bf_btrfs_chunk *c)
{
    return (c->type & (BF_BTRFS_RAID0 | BF_BTRFS_RAID10 | BF_BTRFS_RAID5 | BF_BTRFS_RAID6)) != 0;
}

enum bf_err bf_btrfs_chunk_read(const struct bf_btrfs *fs, const struct bf_btrfs_chunk *chunk,
                                uint32_t copy, uint64_t logical, void *out, size_t len)
{
    uint64_t offset = logical - chunk->logical, row, within = offset;
    const struct bf_btrfs_device *d;
    uint32_t stripe = copy;
    if (!holds(chunk, logical) || len > chunk->length - offset)
        return BF_ERR_CORRUPT;
    if (is_striped(chunk)) {
        uint32_t column = (uint32_t)(offset / BF_BTRFS_STRIPE % chunk->columns);
        row = offset / BF_BTRFS_STRIPE / chunk->columns;
        within = row * BF_BTRFS_STRIPE + offset % BF_BTRFS_STRIPE;
        stripe = chunk->parities ? (uint32_t)((row + column) % chunk->stripes)
                                 : column * chunk->copies + copy;
        if (len > BF_BTRFS_STRIPE - offset % BF_BTRFS_STRIPE)
            return BF_ERR_CORRUPT;
    }
    d = device_of(fs, chunk->stripe[stripe].device);
    if (!d)
        return BF_ERR_CORRUPT;
    return bf_place_read(d->place, chunk->stripe[stripe].physical + within, out, len);
}

uint64_t bf_btrfs_to_chunk(const struct bf_btrfs_chunk *chunk, uint32_t stripe, uint64_t offset)
{
    uint64_t row = offset / BF_BTRFS_STRIPE, first = row * chunk->columns;
    if (!is_striped(chunk))
        return offset;
    if (chunk->parities)
        return first * BF_BTRFS_STRIPE;
    return (first + stripe / chunk->copies) * BF_BTRFS_STRIPE + offset % BF_BTRFS_STRIPE;
}

uint64_t bf_btrfs_to_stripe(const struct bf_btrfs_chunk *chunk, uint32_t stripe, uint64_t offset)
{
    uint64_t number = offset / BF_BTRFS_STRIPE, row = number / chunk->columns;
    uint32_t column = (uint32_t)(number % chunk->columns), own = stripe / chunk->copies;
    if (!is_striped(chunk))
        return offset;
    if (chunk->parities || column < own)
        return row * BF_BTRFS_STRIPE;
    return column > own ? (row + 1) * BF_BTRFS_STRIPE
                        : row * BF_BTRFS_STRIPE + offset % BF_BTRFS_STRIPE;
}
