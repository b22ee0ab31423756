// SPDX-License-Identifier: Apache-2.0
// The trees of Btrfs, read block by block into the one scratch that all maps share. Nothing of a
// tree is kept: the next leaf is found by going down from the root again, and every block on the
// way is checked again (btrfs.readthedocs.io, "On-disk format": header, internal and leaf nodes).
#include <string.h>

#include "base/bytes.h"
#include "image/usage/btrfs/map.h"

enum {
    HEADER = 101,
    KEY = 17,
    POINTER = KEY + 16,
    ITEM = KEY + 8,
    WRITTEN = 1,
};

// What the parent, or whoever knows the root, says about a block.
struct expected {
    uint64_t bytenr, generation, owner;
    uint8_t level;
    int has_first;
    struct bf_btrfs_key first;
};

// Where in a leaf the way down ended.
struct leaf {
    uint32_t items;
    int32_t floor;             // the last item that is not greater, -1 if all are
    int has_bound;             // keys of this leaf are smaller than
    struct bf_btrfs_key bound; // the first key of the next one
};

int bf_btrfs_key_order(const struct bf_btrfs_key *a, const struct bf_btrfs_key *b)
{
    if (a->object != b->object)
        return a->object < b->object ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return 0;
}

static struct bf_btrfs_key key_at(const uint8_t *at)
{
    return (struct bf_btrfs_key){bf_le64(at), at[8], bf_le64(at + 9)};
}

static struct bf_btrfs_key key_of(const uint8_t *node, uint32_t slot)
{
    return key_at(node + HEADER + slot * (uint32_t)(node[100] ? POINTER : ITEM));
}

// ---- Blocks ------------------------------------------------------------------------------------

static int header_fits(const struct bf_btrfs *fs, const struct expected *e, const uint8_t *node)
{
    return memcmp(node + 0x20, fs->uuid, sizeof fs->uuid) == 0 &&
           bf_le64(node + 0x30) == e->bytenr && node[0x38] & WRITTEN &&
           bf_le64(node + 0x50) == e->generation && bf_le64(node + 0x58) == e->owner &&
           node[100] == e->level;
}

static int keys_fit(const struct bf_btrfs *fs, const struct expected *e, const uint8_t *node)
{
    uint32_t count = bf_le32(node + 0x60), size = e->level ? POINTER : ITEM;
    struct bf_btrfs_key last, key;
    if (!count || count > (fs->node_bytes - HEADER) / size)
        return 0;
    last = key_of(node, 0);
    if (e->has_first && bf_btrfs_key_order(&last, &e->first) != 0)
        return 0;
    for (uint32_t i = 1; i < count; i++, last = key) {
        key = key_of(node, i);
        if (bf_btrfs_key_order(&last, &key) >= 0)
            return 0;
    }
    return 1;
}

// The data of items lie one before the other, without gaps, down from the end of the leaf.
static int data_fit(const struct bf_btrfs *fs, const uint8_t *node)
{
    uint32_t count = bf_le32(node + 0x60), end = fs->node_bytes - HEADER;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *item = node + HEADER + i * ITEM + KEY;
        uint32_t at = bf_le32(item), size = bf_le32(item + 4);
        if (size > end || at != end - size)
            return 0;
        end = at;
    }
    return end >= count * ITEM;
}

static enum bf_err read_copy(struct bf_btrfs *fs, const struct bf_btrfs_chunk *chunk, uint32_t copy,
                             const struct expected *e)
{
    uint8_t *node = fs->place.peek->scratch;
    struct bf_work *work = &fs->place.peek->work;
    enum bf_err err = bf_btrfs_chunk_read(fs, chunk, copy, e->bytenr, node, fs->node_bytes);
    if (!err && !bf_work_spend(work, fs->node_bytes)) // to look at its keys
        err = BF_ERR_LIMIT;
    if (err)
        return err;
    if (bf_btrfs_sum_fits(work, fs->sum_type, node, fs->node_bytes) && header_fits(fs, e, node) &&
        keys_fit(fs, e, node) && (e->level || data_fit(fs, node)))
        return BF_OK;
    return bf_work_is_over(work) ? BF_ERR_LIMIT : BF_ERR_CORRUPT;
}

// A block into the scratch: the first copy of it that is what it should be.
static enum bf_err read_node(struct bf_btrfs *fs, const struct expected *e)
{
    struct bf_btrfs_chunk chunk;
    enum bf_err err;
    if (fs->budget < fs->node_bytes)
        return BF_ERR_LIMIT;
    fs->budget -= fs->node_bytes;
    if (e->owner == BF_BTRFS_CHUNK_TREE)
        err = bf_btrfs_system_chunk(fs, e->bytenr, &chunk);
    else
        err = bf_btrfs_chunk_of(fs, e->bytenr, &chunk);
    if (!err && e->owner != BF_BTRFS_CHUNK_TREE && !(chunk.type & BF_BTRFS_METADATA))
        err = BF_ERR_CORRUPT;
    fs->place.peek->scratch_owner = NULL;
    if (err)
        return err;
    for (uint32_t copy = 0; copy < chunk.copies; copy++) {
        err = read_copy(fs, &chunk, copy, e);
        if (!err)
            break;
    }
    return err;
}

// ---- The way down ------------------------------------------------------------------------------

static int32_t floor_slot(const uint8_t *node, const struct bf_btrfs_key *key)
{
    uint32_t low = 0, high = bf_le32(node + 0x60);
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        struct bf_btrfs_key k = key_of(node, mid);
        if (bf_btrfs_key_order(&k, key) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return (int32_t)low - 1;
}

static int inside(const uint8_t *node, const struct leaf *l)
{
    struct bf_btrfs_key last = key_of(node, bf_le32(node + 0x60) - 1);
    return !l->has_bound || bf_btrfs_key_order(&last, &l->bound) < 0;
}

// One step: what the block in the scratch says about its child on the way to the key.
static void step(const uint8_t *node, const struct bf_btrfs_key *key, struct expected *e,
                 struct leaf *l)
{
    int32_t at = floor_slot(node, key);
    uint32_t slot = at < 0 ? 0 : (uint32_t)at;
    const uint8_t *pointer = node + HEADER + slot * POINTER;
    if (slot + 1 < bf_le32(node + 0x60)) {
        l->bound = key_of(node, slot + 1);
        l->has_bound = 1;
    }
    e->first = key_at(pointer);
    e->has_first = 1;
    e->bytenr = bf_le64(pointer + KEY);
    e->generation = bf_le64(pointer + KEY + 8);
    e->level--;
}

// The leaf where the key is, or would be, into the scratch.
static enum bf_err descend(struct bf_btrfs *fs, const struct bf_btrfs_root *root,
                           const struct bf_btrfs_key *key, struct leaf *l)
{
    struct bf_peek *p = fs->place.peek;
    struct expected e = {root->bytenr, root->generation, root->owner, root->level, 0, {0}};
    *l = (struct leaf){0};
    for (;;) {
        enum bf_err err = read_node(fs, &e);
        if (err)
            return err;
        if (!inside(p->scratch, l))
            return BF_ERR_CORRUPT;
        if (!e.level)
            break;
        step(p->scratch, key, &e, l);
        if (e.generation > fs->generation)
            return BF_ERR_CORRUPT;
    }
    l->items = bf_le32(p->scratch + 0x60);
    l->floor = floor_slot(p->scratch, key);
    p->scratch_owner = fs;
    p->scratch_tag = e.bytenr;
    return BF_OK;
}

// ---- Items -------------------------------------------------------------------------------------

static void take(const struct bf_btrfs *fs, uint32_t slot, struct bf_btrfs_item *item)
{
    const uint8_t *node = fs->place.peek->scratch, *at = node + HEADER + slot * ITEM + KEY;
    item->key = key_of(node, slot);
    item->data = node + HEADER + bf_le32(at);
    item->bytes = bf_le32(at + 4);
}

enum bf_err bf_btrfs_floor(struct bf_btrfs *fs, const struct bf_btrfs_root *root,
                           const struct bf_btrfs_key *key, struct bf_btrfs_item *item)
{
    struct leaf l;
    enum bf_err err = descend(fs, root, key, &l);
    if (!err && l.floor < 0)
        err = BF_ERR_NOT_FOUND;
    if (!err)
        take(fs, (uint32_t)l.floor, item);
    return err;
}

enum bf_err bf_btrfs_chunk_of(struct bf_btrfs *fs, uint64_t logical, struct bf_btrfs_chunk *chunk)
{
    struct bf_btrfs_key key = {BF_BTRFS_CHUNKS, BF_BTRFS_CHUNK_ITEM, logical};
    struct bf_btrfs_item item;
    enum bf_err err = bf_btrfs_chunk_kept(fs, logical, chunk);
    if (err != BF_ERR_NOT_FOUND)
        return err;
    err = bf_btrfs_floor(fs, &fs->chunks, &key, &item);
    return err ? err : bf_btrfs_chunk_keep(fs, logical, &item, chunk);
}

void bf_btrfs_walk(struct bf_btrfs_walk *w, const struct bf_btrfs_root *root,
                   struct bf_btrfs_key from)
{
    *w = (struct bf_btrfs_walk){.root = root, .next = from};
}

// The first item from w->next on. Each further leaf that is looked at begins with a greater key.
static enum bf_err seek(struct bf_btrfs *fs, struct bf_btrfs_walk *w)
{
    struct bf_btrfs_key at;
    struct leaf l;
    for (;;) {
        enum bf_err err = descend(fs, w->root, &w->next, &l);
        if (err)
            return err;
        w->slot = l.floor < 0 ? 0 : (uint32_t)l.floor;
        at = key_of(fs->place.peek->scratch, w->slot);
        if (bf_btrfs_key_order(&at, &w->next) < 0)
            w->slot++;
        if (w->slot < l.items)
            break;
        if (!l.has_bound)
            return BF_ERR_NOT_FOUND;
        w->next = l.bound;
    }
    w->leaf = fs->place.peek->scratch_tag;
    return BF_OK;
}

// The smallest key that is greater. 0: there is none.
static int follow(struct bf_btrfs_key *key)
{
    return ++key->offset || ++key->type || ++key->object;
}

enum bf_err bf_btrfs_next(struct bf_btrfs *fs, struct bf_btrfs_walk *w, struct bf_btrfs_item *item)
{
    const struct bf_peek *p = fs->place.peek;
    enum bf_err err = BF_OK;
    if (w->ended)
        return BF_ERR_NOT_FOUND;
    if (!w->slot || p->scratch_owner != fs || p->scratch_tag != w->leaf ||
        w->slot >= bf_le32(p->scratch + 0x60))
        err = seek(fs, w);
    if (err)
        return err;
    take(fs, w->slot++, item);
    w->next = item->key;
    w->ended = !follow(&w->next);
    return BF_OK;
}
