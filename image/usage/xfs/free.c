// SPDX-License-Identifier: Apache-2.0
// The free space of one allocation group of XFS: its header (AGF) and the B+tree of free extents by
// block number (XFS Algorithms & Data Structures, "AG Free Space Management"). A position is looked
// up from the root; each block on the way must be where it should be, of its kind, within the keys
// of its parent, in order, and with version 5 carry its checksum, owner and place. Version 4 has no
// checksums: there each extent must also be in the other tree, that by size, and those too small to
// leave out a chunk count as used. On entering a group as many leaves as one call may read are
// counted ahead, and must agree with the header.
#include <string.h>

#include "base/bytes.h"
#include "image/usage/xfs/map.h"

enum {
    AGF_SUM_AT = 216,
    AGF_VERSION = 1,
    BY_BLOCK = 0,
    BY_SIZE = 1,
    SHORT_HEADER = 16, // of a block of a tree: version 4
    LONG_HEADER = 56,  // version 5
    BLOCK_SUM_AT = 52,
    RECORD = 8, // of a leaf, and key of a node: first block, number of blocks
    POINTER = 4,
    LEAVES_AHEAD = 64,
    SMALL_BYTES = 64 * 1024, // of an extent of version 4 that is not worth a look
};
static const uint32_t null_block = UINT32_MAX;
static const uint32_t any_block = UINT32_MAX - 1;

struct record {
    uint32_t first, count;
};

// What a block of the tree must be.
struct expected {
    uint32_t block, level;
    uint32_t low, high;   // keys; low 0: not known
    uint32_t left, right; // siblings; any_block: not known
};

static uint64_t group_byte(const struct bf_xfs *x, uint32_t group)
{
    return ((uint64_t)group * x->ag_blocks) << x->block_log;
}

static uint32_t header_bytes(const struct bf_xfs *x)
{
    return x->sums ? LONG_HEADER : SHORT_HEADER;
}

static uint32_t most_records(const struct bf_xfs *x, uint32_t level)
{
    return (x->block_bytes - header_bytes(x)) / (level ? RECORD + POINTER : RECORD);
}

static struct record record_at(const uint8_t *at)
{
    return (struct record){bf_be32(at), bf_be32(at + 4)};
}

static int is_in_group(const struct bf_xfs *x, uint32_t block)
{
    return block >= bf_xfs_header_blocks(x) && block < x->ag.blocks;
}

// ---- The header of a group ---------------------------------------------------------------------

static int take_agf(struct bf_xfs *x, const uint8_t *s)
{
    struct bf_xfs_ag *ag = &x->ag;
    for (uint32_t i = 0; i < 2; i++) {
        ag->root[i] = bf_be32(s + 16 + 4 * i);
        ag->levels[i] = bf_be32(s + 28 + 4 * i);
        if (!is_in_group(x, ag->root[i]) || !ag->levels[i] || ag->levels[i] > BF_XFS_LEVELS)
            return 0;
    }
    ag->free = bf_be32(s + 52);
    ag->longest = bf_be32(s + 56);
    uint64_t kept = (uint64_t)bf_be32(s + 48) + bf_be32(s + 60); // AGFL, blocks of the trees
    return ag->longest <= ag->free && ag->free + kept + bf_xfs_header_blocks(x) <= ag->blocks;
}

static int read_agf(struct bf_xfs *x)
{
    struct bf_xfs_ag *ag = &x->ag;
    uint8_t *s = x->place.peek->scratch;
    uint64_t at = group_byte(x, ag->number) + x->sector_bytes;
    x->place.peek->scratch_owner = NULL;
    if (bf_place_read(&x->place, at, s, x->sector_bytes) || memcmp(s, "XAGF", 4) != 0 ||
        bf_be32(s + 4) != AGF_VERSION || bf_be32(s + 8) != ag->number ||
        bf_be32(s + 12) != ag->blocks)
        return 0;
    if (x->sums &&
        (!bf_xfs_sum_fits(x, s, x->sector_bytes, AGF_SUM_AT) ||
         memcmp(s + 64, x->meta_uuid, sizeof x->meta_uuid) != 0 || bf_be64(s + 208) > x->head))
        return 0;
    return take_agf(x, s);
}

// ---- The tree by block -------------------------------------------------------------------------

static int block_fits(const struct bf_xfs *x, const uint8_t *b, const struct expected *e)
{
    uint32_t left = bf_be32(b + 8), right = bf_be32(b + 12);
    if (memcmp(b, x->sums ? "AB3B" : "ABTB", 4) != 0 || bf_be16(b + 4) != e->level ||
        bf_be16(b + 6) > most_records(x, e->level))
        return 0;
    if ((e->left != any_block && e->left != left) || (e->right != any_block && e->right != right))
        return 0;
    if (!x->sums)
        return 1;
    uint64_t place = (group_byte(x, x->ag.number) >> x->block_log) + e->block;
    return bf_xfs_sum_fits(x, b, x->block_bytes, BLOCK_SUM_AT) &&
           bf_be64(b + 16) == (place << x->block_log) / BF_XFS_BASIC &&
           bf_be64(b + 24) <= x->head && memcmp(b + 32, x->meta_uuid, sizeof x->meta_uuid) == 0 &&
           bf_be32(b + 48) == x->ag.number;
}

// Extents ascend without overlaps, keys ascend, and all lie within the group and the keys above.
// What a key says of the length is not looked at.
static int records_fit(const struct bf_xfs *x, const uint8_t *b, const struct expected *e)
{
    uint32_t count = bf_be16(b + 6), from = bf_xfs_header_blocks(x);
    if (e->low && (!count || record_at(b + header_bytes(x)).first != e->low))
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        struct record r = record_at(b + header_bytes(x) + i * RECORD);
        if (r.first < from || r.first >= e->high)
            return 0;
        if (!e->level && (!r.count || r.count > e->high - r.first))
            return 0;
        from = r.first + (e->level ? 1 : r.count);
    }
    return 1;
}

static int read_block(struct bf_xfs *x, const struct expected *e)
{
    uint8_t *b = x->place.peek->scratch;
    uint64_t at = group_byte(x, x->ag.number) + ((uint64_t)e->block << x->block_log);
    x->place.peek->scratch_owner = NULL;
    return is_in_group(x, e->block) && !bf_place_read(&x->place, at, b, x->block_bytes) &&
           bf_work_spend(&x->place.peek->work, x->block_bytes) && // to check it
           block_fits(x, b, e) && records_fit(x, b, e);
}

// From a node to the child that covers a block: the last one whose key is not behind it.
static void choose_child(const struct bf_xfs *x, uint32_t at, struct expected *e)
{
    const uint8_t *b = x->place.peek->scratch, *keys = b + header_bytes(x);
    const uint8_t *children = keys + most_records(x, e->level) * RECORD;
    uint32_t count = bf_be16(b + 6), i = 0;
    while (i + 1 < count && record_at(keys + (i + 1) * RECORD).first <= at)
        i++;
    e->block = bf_be32(children + i * POINTER);
    e->level--;
    e->low = record_at(keys + i * RECORD).first;
    if (i > 0)
        e->left = bf_be32(children + (i - 1) * POINTER);
    else if (e->left != null_block)
        e->left = any_block;
    if (i + 1 < count) {
        e->right = bf_be32(children + (i + 1) * POINTER);
        e->high = record_at(keys + (i + 1) * RECORD).first;
    } else if (e->right != null_block) {
        e->right = any_block;
    }
}

static uint64_t leaf_tag(const struct bf_xfs *x)
{
    return (uint64_t)x->ag.number << 32 | x->leaf.path[0];
}

// The leaf that covers a block into the scratch.
static int find_leaf(struct bf_xfs *x, uint32_t at)
{
    struct expected e = {.block = x->ag.root[BY_BLOCK],
                         .level = x->ag.levels[BY_BLOCK] - 1,
                         .high = x->ag.blocks,
                         .left = null_block,
                         .right = null_block};
    struct bf_xfs_leaf *leaf = &x->leaf;
    struct bf_peek *p = x->place.peek;
    if (p->scratch_owner == x && p->scratch_tag == leaf_tag(x) && at >= leaf->low &&
        at < leaf->high)
        return 1;
    for (;; choose_child(x, at, &e)) {
        if (!read_block(x, &e))
            return 0;
        leaf->path[e.level] = e.block;
        leaf->records = bf_be16(p->scratch + 6);
        if (!e.level)
            break;
        if (!leaf->records)
            return 0;
    }
    // In front of the first extent of the group there is nothing.
    leaf->low = e.left == null_block ? 0 : e.low;
    leaf->high = e.high;
    p->scratch_owner = x;
    p->scratch_tag = leaf_tag(x);
    return at >= leaf->low && at < leaf->high;
}

static struct record leaf_record(const struct bf_xfs *x, uint32_t i)
{
    return record_at(x->place.peek->scratch + header_bytes(x) + i * RECORD);
}

// ---- The tree by size --------------------------------------------------------------------------

static int is_behind(struct record a, struct record b)
{
    return a.count != b.count ? a.count > b.count : a.first > b.first;
}

// Reads little pieces, since the scratch holds the leaf of the other tree.
static int read_piece(const struct bf_xfs *x, uint32_t block, uint32_t at, uint8_t *out,
                      uint32_t len)
{
    uint64_t byte = group_byte(x, x->ag.number) + ((uint64_t)block << x->block_log) + at;
    return is_in_group(x, block) && !bf_place_read(&x->place, byte, out, len);
}

// The last record or key of a block of version 4 that is not behind r; the first one if there is
// none. 0: the block does not fit or cannot be read.
static int search_by_size(const struct bf_xfs *x, uint32_t block, uint32_t level, struct record r,
                          uint32_t *found, struct record *is)
{
    uint8_t b[SHORT_HEADER];
    uint32_t low = 0, high;
    if (!read_piece(x, block, 0, b, sizeof b) || memcmp(b, "ABTC", 4) != 0 ||
        bf_be16(b + 4) != level)
        return 0;
    high = bf_be16(b + 6);
    if (!high || high > most_records(x, level))
        return 0;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (!read_piece(x, block, SHORT_HEADER + middle * RECORD, b, RECORD))
            return 0;
        if (is_behind(record_at(b), r))
            high = middle;
        else
            low = middle;
    }
    *found = low;
    if (!read_piece(x, block, SHORT_HEADER + low * RECORD, b, RECORD))
        return 0;
    *is = record_at(b);
    return 1;
}

static int is_in_other_tree(const struct bf_xfs *x, struct record r)
{
    uint32_t block = x->ag.root[BY_SIZE], level = x->ag.levels[BY_SIZE] - 1, i;
    struct record is;
    for (;; level--) {
        uint8_t b[POINTER];
        uint32_t pointers = SHORT_HEADER + most_records(x, level) * RECORD;
        if (!search_by_size(x, block, level, r, &i, &is))
            return 0;
        if (!level)
            return is.first == r.first && is.count == r.count;
        if (!read_piece(x, block, pointers + i * POINTER, b, sizeof b))
            return 0;
        block = bf_be32(b);
    }
}

// ---- Answers -----------------------------------------------------------------------------------

static int holds(struct record r, uint64_t block)
{
    return block >= r.first && block - r.first < r.count;
}

// Nothing that is in use for certain may be called free.
static int is_believable(const struct bf_xfs *x, struct record r)
{
    uint64_t base = (uint64_t)x->ag.number * x->ag_blocks;
    if (base + r.first < x->log_first + x->log_blocks && x->log_first < base + r.first + r.count)
        return 0;
    if (x->root_inode_block >= base && holds(r, x->root_inode_block - base))
        return 0;
    for (uint32_t i = 0; i < x->ag.levels[BY_BLOCK]; i++)
        if (holds(r, x->leaf.path[i]))
            return 0;
    return !holds(r, x->ag.root[BY_SIZE]);
}

// How many leaves there are is not known in advance: what is beyond them is counted on the way.
static int count_ahead(struct bf_xfs *x)
{
    uint64_t free = 0;
    uint32_t longest = 0, at = 0;
    for (uint32_t leaves = 0; leaves < LEAVES_AHEAD && at < x->ag.blocks; leaves++) {
        if (!find_leaf(x, at))
            return 0;
        for (uint32_t i = 0; i < x->leaf.records; i++) {
            struct record r = leaf_record(x, i);
            if (!is_believable(x, r))
                return 0;
            free += r.count;
            longest = r.count > longest ? r.count : longest;
        }
        at = x->leaf.high;
    }
    if (at < x->ag.blocks)
        return free <= x->ag.free && longest <= x->ag.longest;
    return free == x->ag.free && longest == x->ag.longest;
}

int bf_xfs_enter(struct bf_xfs *x, uint32_t group)
{
    uint64_t first = (uint64_t)group * x->ag_blocks;
    if (x->ready && x->ag.number == group)
        return 1;
    memset(&x->ag, 0, sizeof x->ag);
    x->ready = 0;
    x->ag.number = group;
    x->ag.blocks = x->blocks - first < x->ag_blocks ? (uint32_t)(x->blocks - first) : x->ag_blocks;
    x->ready = (!group || bf_xfs_copy_fits(x, group)) && read_agf(x) && count_ahead(x);
    return x->ready;
}

static int is_certain(struct bf_xfs *x, struct record r)
{
    if (!is_believable(x, r))
        return 0;
    if (r.first < x->ag.counted_until) // seen before
        return 1;
    if (r.count > x->ag.free - x->ag.counted)
        return 0;
    x->ag.counted += r.count;
    x->ag.counted_until = r.first + r.count;
    return x->sums || is_in_other_tree(x, r);
}

int bf_xfs_free(struct bf_xfs *x, uint32_t at, uint32_t *end)
{
    uint32_t low = 0, high;
    struct record r;
    if (!find_leaf(x, at))
        return -1;
    *end = x->leaf.high;
    for (high = x->leaf.records; low < high;) { // the first extent that ends behind the block
        uint32_t middle = low + (high - low) / 2;
        r = leaf_record(x, middle);
        if (r.first + r.count <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == x->leaf.records)
        return 0;
    r = leaf_record(x, low);
    *end = r.first;
    if (at < r.first)
        return 0;
    *end = r.first + r.count;
    if (!x->sums && (uint64_t)r.count << x->block_log < SMALL_BYTES)
        return 0;
    return is_certain(x, r) ? 1 : -1;
}
