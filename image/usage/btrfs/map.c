// SPDX-License-Identifier: Apache-2.0
// The map of Btrfs, for one device of a file system. The device tree says which ranges of the
// device belong to chunks; the rest is unused, but for the superblocks and the first MiB. What of a
// chunk is used is in the extent tree, in logical order: it is walked as the copy advances. Before
// anything of a chunk is called unused, all its extents are walked once, and must add up to what
// the chunk's block group says is used. The superblock's commit is what counts: its blocks are
// never written over, so that an unclean end makes no difference, except for a log tree, with which
// the whole file system is used. Profiles with parity are used in whole rows, since parity is made
// of unused bytes, too.
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"
#include "image/usage/btrfs/map.h"

enum {
    RESERVED = 1 << 20, // in front of the first chunk: boot loaders, the first superblock
    SUPER_RESERVED = BF_BTRFS_STRIPE,
    CALL_BUDGET = 32 << 20,
    GROUP_ITEM_BYTES = 24,
    EXTENT_ITEM_LEAST = 24,
};

// The first extent that ends behind what was asked for last.
struct cursor {
    struct bf_btrfs_walk walk;
    uint64_t asked;
    uint64_t first, end; // both the end of the chunk when there is none
};

struct map {
    struct bf_btrfs fs;
    int failed; // nothing more is asked: all that follows is used
    int told;   // that some of it cannot be trusted
    // The range of the device that was asked for last: a gap, or a stripe of a chunk.
    enum { GAP, CHUNK, USED } kind;
    uint64_t first, end;
    struct bf_btrfs_chunk chunk;
    uint32_t stripe;
    struct cursor cursor;
};

static void tell(struct map *m, const char *what, enum bf_err err)
{
    if (!m->told && !bf_work_is_over(&m->fs.place.peek->work)) // else the caller tells
        bf_log(BF_LOG_INFO, "%s: Btrfs: %s (%s) and counts as used", m->fs.place.name, what,
               bf_err_name(err));
    m->told = 1;
}

// ---- Extents of a chunk ------------------------------------------------------------------------

static int is_reference(uint8_t type)
{
    return type == BF_BTRFS_TREE_BLOCK_REF || type == BF_BTRFS_EXTENT_DATA_REF ||
           type == BF_BTRFS_SHARED_BLOCK_REF || type == BF_BTRFS_SHARED_DATA_REF;
}

// The next extent into the cursor. It must lie in the chunk, behind the one before.
static enum bf_err advance(struct map *m, struct cursor *c)
{
    const struct bf_btrfs_chunk *chunk = &m->chunk;
    uint64_t chunk_end = chunk->logical + chunk->length, last = c->end, length;
    struct bf_btrfs_item item;
    for (;;) {
        enum bf_err err = bf_btrfs_next(&m->fs, &c->walk, &item);
        if (err && err != BF_ERR_NOT_FOUND)
            return err;
        if (err || item.key.object >= chunk_end) {
            c->first = c->end = chunk_end;
            return BF_OK;
        }
        if (item.key.type == BF_BTRFS_EXTENT_ITEM || item.key.type == BF_BTRFS_METADATA_ITEM)
            break;
        if (item.key.type == BF_BTRFS_GROUP_ITEM ? item.key.object != chunk->logical
                                                 : !is_reference(item.key.type))
            return BF_ERR_CORRUPT;
    }
    length = item.key.type == BF_BTRFS_METADATA_ITEM ? m->fs.node_bytes : item.key.offset;
    if (item.bytes < EXTENT_ITEM_LEAST || item.key.object < last || !length ||
        item.key.object % m->fs.sector_bytes || length % m->fs.sector_bytes ||
        length > chunk_end - item.key.object)
        return BF_ERR_CORRUPT;
    c->first = item.key.object;
    c->end = item.key.object + length;
    return BF_OK;
}

static enum bf_err start(struct map *m, struct cursor *c)
{
    uint64_t logical = m->chunk.logical;
    bf_btrfs_walk(&c->walk, &m->fs.extents, (struct bf_btrfs_key){logical, 0, 0});
    c->asked = c->end = logical;
    return advance(m, c);
}

// What the chunk's block group calls used.
static enum bf_err group_used(struct map *m, uint64_t *used)
{
    const struct bf_btrfs_chunk *c = &m->chunk;
    struct bf_btrfs_key key = {c->logical, BF_BTRFS_GROUP_ITEM, c->length};
    struct bf_btrfs_item item;
    enum bf_err err = bf_btrfs_floor(&m->fs, &m->fs.groups, &key, &item);
    if (err)
        return err;
    if (bf_btrfs_key_order(&item.key, &key) != 0 || item.bytes != GROUP_ITEM_BYTES ||
        bf_le64(item.data + 8) != BF_BTRFS_CHUNKS || bf_le64(item.data + 16) != c->type)
        return BF_ERR_CORRUPT;
    *used = bf_le64(item.data);
    return BF_OK;
}

// Whether the last extent in front of the chunk ends there, too. Its references come behind it; so
// does the block group that begins with it, and is empty if it begins with none.
static enum bf_err judge_front(struct map *m)
{
    struct bf_btrfs_key key = {m->chunk.logical, 0, 0};
    struct bf_btrfs_item item;
    uint64_t length;
    enum bf_err err = bf_btrfs_floor(&m->fs, &m->fs.extents, &key, &item);
    if (!err && item.key.type > BF_BTRFS_METADATA_ITEM) {
        uint64_t object = item.key.object;
        int empty = item.key.type == BF_BTRFS_GROUP_ITEM;
        key = (struct bf_btrfs_key){object, BF_BTRFS_METADATA_ITEM, UINT64_MAX};
        err = bf_btrfs_floor(&m->fs, &m->fs.extents, &key, &item);
        if (!err && item.key.object != object)
            return empty ? BF_OK : BF_ERR_CORRUPT;
    }
    if (err)
        return err == BF_ERR_NOT_FOUND ? BF_OK : err;
    length = item.key.type == BF_BTRFS_METADATA_ITEM ? m->fs.node_bytes : item.key.offset;
    return length <= m->chunk.logical - item.key.object ? BF_OK : BF_ERR_CORRUPT;
}

static enum bf_err judge_chunk(struct map *m)
{
    uint64_t used, sum = 0, end = m->chunk.logical + m->chunk.length;
    struct cursor c;
    enum bf_err err = group_used(m, &used);
    if (!err)
        err = judge_front(m);
    if (!err)
        err = start(m, &c);
    while (!err && c.first < end) {
        sum += c.end - c.first;
        err = advance(m, &c);
    }
    if (!err && sum != used)
        err = BF_ERR_CORRUPT;
    return err ? err : start(m, &m->cursor);
}

// ---- Ranges of the device ----------------------------------------------------------------------

static enum bf_err take_stripe(struct map *m, uint64_t chunk)
{
    enum bf_err err = bf_btrfs_chunk_of(&m->fs, chunk, &m->chunk);
    if (err)
        return err;
    m->stripe = bf_btrfs_stripe_at(&m->chunk, m->fs.device, m->first);
    if (m->chunk.logical != chunk || m->stripe == m->chunk.stripes ||
        m->chunk.device_bytes != m->end - m->first)
        return BF_ERR_CORRUPT;
    return judge_chunk(m);
}

static int is_dev_extent(const struct map *m, const struct bf_btrfs_item *item)
{
    return item->key.object == m->fs.device && item->key.type == BF_BTRFS_DEV_EXTENT;
}

// Where the chunk of a device extent begins, and the extent ends.
static enum bf_err dev_extent(const struct map *m, const struct bf_btrfs_item *item,
                              uint64_t *chunk, uint64_t *end)
{
    uint64_t length;
    if (item->bytes != BF_BTRFS_DEV_EXTENT_BYTES)
        return BF_ERR_CORRUPT;
    *chunk = bf_le64(item->data + 16);
    length = bf_le64(item->data + 24);
    if (!length || item->key.offset > m->fs.device_bytes ||
        length > m->fs.device_bytes - item->key.offset)
        return BF_ERR_CORRUPT;
    *end = item->key.offset + length;
    return BF_OK;
}

// The gap that holds `at`, given the device extent in front of it.
static enum bf_err take_gap(struct map *m, uint64_t at, uint64_t first)
{
    struct bf_btrfs_walk w;
    struct bf_btrfs_item item;
    enum bf_err err;
    bf_btrfs_walk(&w, &m->fs.devs, (struct bf_btrfs_key){m->fs.device, BF_BTRFS_DEV_EXTENT, at});
    err = bf_btrfs_next(&m->fs, &w, &item);
    if (err && err != BF_ERR_NOT_FOUND)
        return err;
    m->kind = GAP;
    m->first = first;
    m->end = !err && is_dev_extent(m, &item) ? item.key.offset : m->fs.device_bytes;
    return m->end > at ? BF_OK : BF_ERR_CORRUPT;
}

// What lies at `at`. An error is final; a chunk that cannot be trusted is used.
static enum bf_err take_range(struct map *m, uint64_t at)
{
    struct bf_btrfs_key key = {m->fs.device, BF_BTRFS_DEV_EXTENT, at};
    struct bf_btrfs_item item;
    enum bf_err err = bf_btrfs_floor(&m->fs, &m->fs.devs, &key, &item);
    uint64_t chunk, end;
    m->end = 0;
    if (err == BF_ERR_NOT_FOUND || (!err && !is_dev_extent(m, &item)))
        return take_gap(m, at, RESERVED);
    if (!err)
        err = dev_extent(m, &item, &chunk, &end);
    if (err)
        return err;
    if (at >= end)
        return take_gap(m, at, end);
    m->first = item.key.offset;
    m->end = end;
    err = take_stripe(m, chunk);
    if (err)
        tell(m, "at least one block group cannot be examined", err);
    m->kind = err ? USED : CHUNK;
    return BF_OK;
}

// ---- Answers -----------------------------------------------------------------------------------

// *end is set for the offset in the stripe.
static int ask_chunk(struct map *m, uint64_t offset, uint64_t *end)
{
    const struct bf_btrfs_chunk *c = &m->chunk;
    uint64_t from = c->logical + bf_btrfs_to_chunk(c, m->stripe, offset), to = from + 1;
    struct cursor *at = &m->cursor;
    enum bf_err err = BF_OK;
    if (c->parities)
        to = from + (uint64_t)c->columns * BF_BTRFS_STRIPE;
    if (from < at->asked)
        err = start(m, at);
    while (!err && at->end <= from && at->first < c->logical + c->length)
        err = advance(m, at);
    at->asked = from;
    if (err) {
        tell(m, "at least one block group cannot be examined", err);
        m->kind = USED;
        *end = c->device_bytes;
        return 0;
    }
    if (at->first >= to) {
        *end = bf_btrfs_to_stripe(c, m->stripe, at->first - c->logical);
        return 1;
    }
    *end = c->parities
               ? bf_btrfs_to_stripe(c, m->stripe, at->end - 1 - c->logical) + BF_BTRFS_STRIPE
               : bf_btrfs_to_stripe(c, m->stripe, at->end - c->logical);
    return 0;
}

static int ask(struct map *m, uint64_t at, uint64_t *end)
{
    int unused = 1;
    m->fs.budget = CALL_BUDGET;
    if (at < m->first || at >= m->end) {
        enum bf_err err = take_range(m, at);
        m->failed = err != BF_OK;
        if (m->failed) {
            m->told = 0;
            tell(m, "the rest cannot be examined", err);
            return 0;
        }
    }
    *end = m->end;
    if (m->kind == CHUNK) {
        unused = ask_chunk(m, at - m->first, end);
        *end += m->first;
    }
    return unused && m->kind != USED;
}

static int btrfs_extent(void *impl, uint64_t at, uint64_t *end)
{
    struct map *m = impl;
    uint64_t limit = m->fs.device_bytes;
    int unused;
    if (at < RESERVED) {
        *end = RESERVED;
        return 0;
    }
    if (m->failed || at >= limit)
        return 0;
    for (uint32_t i = 1; i < BF_BTRFS_SUPERS; i++) {
        uint64_t super = bf_btrfs_super_at(i);
        if (at >= super && at - super < SUPER_RESERVED) {
            *end = super + SUPER_RESERVED;
            return 0;
        }
        if (at < super && super < limit)
            limit = super;
    }
    unused = ask(m, at, end);
    if (unused && *end > limit)
        *end = limit;
    return unused;
}

static const struct bf_usage_ops btrfs_ops = {btrfs_extent};

enum bf_err bf_usage_btrfs(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    struct map *m = bf_alloc(sizeof *m);
    enum bf_err err;
    if (!m)
        return BF_ERR_NO_MEMORY;
    memcpy(map->name, "Btrfs", sizeof "Btrfs");
    m->fs.place = map->place;
    err = bf_btrfs_super(&m->fs, why);
    if (!err)
        err = bf_btrfs_find_members(&m->fs, why);
    if (!err)
        err = bf_btrfs_devices(&m->fs, why);
    if (err) {
        bf_free(m);
        return err;
    }
    map->ops = &btrfs_ops;
    map->impl = m;
    return BF_OK;
}
