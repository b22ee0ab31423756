// SPDX-License-Identifier: Apache-2.0
// The map of F2FS: the valid blocks of each segment of its main area, as the segment information
// table (SIT) has them at the newest checkpoint. Each block of the table is there twice, and a
// bitmap says which one is current; what a journal in the checkpoint says of a segment is newer
// than both. The table is counted as a whole before it is believed: it must have as many valid
// nodes and free segments as the checkpoint, and no more valid blocks, which is what the kernel and
// fsck.f2fs check. Everything outside of the main area is used.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/f2fs/map.h"

enum {
    MAP_AT = 2, // of an entry: a bit for each block, the first one is the highest
    VALID_MASK = BF_F2FS_SEGMENT * 2 - 1, // valid blocks, behind them what kind they are
    VALID_BITS = BF_F2FS_SEGMENT_LOG + 1,
    KIND_NODE = 3, // from here on nodes, before it data
    KINDS = 6,
    ENTRIES = BF_F2FS_BLOCK / BF_F2FS_SIT_ENTRY,  // in a block
    TABLE_MAX = 64 * 1024 * 1024 / BF_F2FS_BLOCK, // blocks of it that are read before the copy
};

static int is_set(const uint8_t *bits, uint32_t number)
{
    return bits[number / 8] >> (7 - number % 8) & 1;
}

static int read_entry(const struct bf_f2fs *f, uint32_t segment, uint8_t entry[BF_F2FS_SIT_ENTRY])
{
    uint32_t block = segment / ENTRIES;
    uint64_t at = f->sit + (uint64_t)block * BF_F2FS_BLOCK;
    uint8_t bits;
    for (uint32_t i = 0; i < f->journal_entries; i++)
        if (bf_le32(f->journal[i]) == segment) {
            memcpy(entry, f->journal[i] + 4, BF_F2FS_SIT_ENTRY);
            return 1;
        }
    if (bf_place_read(&f->place, f->sit_bitmap + block / 8, &bits, 1))
        return 0;
    if (is_set(&bits, block % 8))
        at += (uint64_t)f->sit_blocks * BF_F2FS_BLOCK;
    at += segment % ENTRIES * BF_F2FS_SIT_ENTRY;
    return bf_place_read(&f->place, at, entry, BF_F2FS_SIT_ENTRY) == BF_OK;
}

// The valid blocks of a segment, which its bits must add up to. 0: they do not.
static int count_valid(const uint8_t *entry, uint32_t *valid, uint32_t *kind)
{
    uint32_t count = bf_usage_bits(entry + MAP_AT, BF_F2FS_SEGMENT);
    *valid = bf_le16(entry) & VALID_MASK;
    *kind = bf_le16(entry) >> VALID_BITS;
    return count == *valid && (!count || *kind < KINDS);
}

static int f2fs_extent(void *impl, uint64_t at, uint64_t *end)
{
    const struct bf_f2fs *f = impl;
    uint8_t entry[BF_F2FS_SIT_ENTRY];
    uint32_t block, valid, kind;
    uint64_t segment, first;
    if (at < f->main) {
        *end = f->main;
        return 0;
    }
    segment = (at - f->main) >> (BF_F2FS_BLOCK_LOG + BF_F2FS_SEGMENT_LOG);
    if (segment >= f->segments)
        return 0;
    first = f->main + (segment << (BF_F2FS_BLOCK_LOG + BF_F2FS_SEGMENT_LOG));
    *end = first + (uint64_t)BF_F2FS_SEGMENT * BF_F2FS_BLOCK;
    if (!read_entry(f, (uint32_t)segment, entry) || !count_valid(entry, &valid, &kind))
        return 0;
    block = (uint32_t)((at - first) / BF_F2FS_BLOCK);
    int used = is_set(entry + MAP_AT, block);
    while (block < BF_F2FS_SEGMENT && is_set(entry + MAP_AT, block) == used)
        block++;
    *end = first + (uint64_t)block * BF_F2FS_BLOCK;
    return !used;
}

static const struct bf_usage_ops f2fs_ops = {f2fs_extent};

// ---- Claiming ----------------------------------------------------------------------------------

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

static int is_current(const struct bf_f2fs *f, uint32_t segment)
{
    for (uint32_t i = 0; i < BF_F2FS_LOGS; i++)
        if (f->current[i] == segment)
            return 1;
    return 0;
}

static enum bf_err judge_table(const struct bf_f2fs *f, char why[BF_USAGE_WHY])
{
    uint64_t nodes = 0, all = 0;
    uint32_t unused = 0, valid, kind;
    uint8_t entry[BF_F2FS_SIT_ENTRY];
    if (f->segments / ENTRIES >= TABLE_MAX)
        return refuse(why, "it has too many segments");
    for (uint32_t i = 0; i < f->segments; i++) {
        if (!read_entry(f, i, entry))
            return refuse(why, "its table of segments cannot be read");
        if (!count_valid(entry, &valid, &kind))
            return refuse(why, "its table of segments is inconsistent");
        all += valid;
        nodes += kind >= KIND_NODE ? valid : 0;
        unused += !valid && !is_current(f, i);
    }
    if (nodes != f->valid_nodes || all > f->valid_blocks || unused != f->free_segments)
        return refuse(why, "its table of segments and its checkpoint do not agree");
    return BF_OK;
}

enum bf_err bf_usage_f2fs(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    struct bf_f2fs *f = bf_alloc(sizeof *f);
    enum bf_err err;
    if (!f)
        return BF_ERR_NO_MEMORY;
    memset(f, 0, sizeof *f);
    f->place = map->place;
    memcpy(map->name, "F2FS", sizeof "F2FS");
    err = bf_f2fs_super(f, why);
    if (!err)
        err = bf_f2fs_checkpoint(f, why);
    if (!err)
        err = judge_table(f, why);
    if (err) {
        bf_free(f);
        return err;
    }
    map->ops = &f2fs_ops;
    map->impl = f;
    return BF_OK;
}
