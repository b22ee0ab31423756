// SPDX-License-Identifier: Apache-2.0
// MBR and its chains of logical partitions, as Linux takes them (block/partitions/msdos.c): every
// entry with a size is a partition, whatever its type; each extended partition has a chain of
// records (EBR), each of which may describe partitions, relative to itself, and the next record,
// relative to the extended partition.
#include <string.h>

#include "base/cursor.h"
#include "image/gpt.h"

enum {
    MBR_BYTES = 512, // whatever the block size: the record is the beginning of the first block
    MBR_DISK_ID = 440,
    MBR_ENTRIES = 446,
    MBR_SIGNATURE = 510,
    TYPE_EXTENDED = 0x05,
    TYPE_EXTENDED_LBA = 0x0f,
    TYPE_EXTENDED_LINUX = 0x85,
    FIRST_LOGICAL = 5,
    LINKS_MAX = 128, // Linux follows 100
};

static const char cut_chain[] = "its chain of logical partitions is damaged";

int bf_mbr_parse(const uint8_t *bytes, struct bf_mbr *out)
{
    struct bf_reader r;
    bf_reader_init(&r, bytes, MBR_BYTES);
    bf_skip(&r, MBR_DISK_ID);
    out->disk_id = bf_get_u32(&r);
    bf_skip(&r, MBR_ENTRIES - MBR_DISK_ID - 4);
    for (int i = 0; i < 4; i++) {
        struct bf_mbr_entry *e = &out->entry[i];
        e->status = bf_get_u8(&r);
        bf_skip(&r, 3);
        e->type = bf_get_u8(&r);
        bf_skip(&r, 3);
        e->first = bf_get_u32(&r);
        e->count = bf_get_u32(&r);
        if (e->status & 0x7f)
            return 0;
    }
    return bytes[MBR_SIGNATURE] == 0x55 && bytes[MBR_SIGNATURE + 1] == 0xaa;
}

static int is_extended(const struct bf_mbr_entry *e)
{
    return e->count && (e->type == TYPE_EXTENDED || e->type == TYPE_EXTENDED_LBA ||
                        e->type == TYPE_EXTENDED_LINUX);
}

static void add(const struct bf_bytes *disk, struct bf_parttab *out, uint32_t number,
                uint64_t first_block, const struct bf_mbr_entry *e)
{
    struct bf_partition *p = bf_parttab_add(disk, out, number, first_block, e->count);
    if (p)
        p->mbr_type = e->type;
}

// ---- Chains ------------------------------------------------------------------------------------

struct chain {
    const struct bf_bytes *disk;
    const struct bf_mbr_entry *extended;
    struct bf_parttab *out;
    uint32_t *number; // of the next logical partition
    uint64_t seen[LINKS_MAX];
    uint32_t links;
};

static enum bf_err cut(struct chain *c)
{
    c->out->truncated = 1;
    bf_parttab_doubt(c->out, cut_chain);
    return BF_OK;
}

// A record at a block of the disk that was not met before.
static int is_new(const struct chain *c, uint64_t at)
{
    if (c->links == LINKS_MAX || at > c->disk->bytes / c->disk->block_size - 1)
        return 0;
    for (uint32_t i = 0; i < c->links; i++)
        if (c->seen[i] == at)
            return 0;
    return 1;
}

// The third and fourth entries usually hold nothing, or what some other system left there: Linux
// takes them when they lie within the extended partition.
static int is_taken(const struct chain *c, const struct bf_mbr_entry *e, uint32_t slot, uint64_t at)
{
    uint64_t first = at + e->first, start = c->extended->first;
    if (!e->count || is_extended(e))
        return 0;
    return slot < 2 || (first >= start && first - start + e->count <= c->extended->count);
}

// Adds what a record describes. The next record, or NULL.
static const struct bf_mbr_entry *take_record(struct chain *c, const struct bf_mbr *record,
                                              uint64_t at)
{
    const struct bf_mbr_entry *next = NULL;
    for (uint32_t i = 0; i < 4; i++) {
        const struct bf_mbr_entry *e = &record->entry[i];
        if (is_taken(c, e, i, at))
            add(c->disk, c->out, (*c->number)++, at + e->first, e);
        if (!next && is_extended(e))
            next = e;
    }
    return next;
}

static enum bf_err read_chain(struct chain *c, uint8_t *block)
{
    uint64_t at = c->extended->first;
    for (;;) {
        const struct bf_mbr_entry *next;
        struct bf_mbr record;
        enum bf_err err;
        if (!is_new(c, at))
            return cut(c);
        c->seen[c->links++] = at;
        if (!bf_parttab_span(c->disk, c->out, at, 1))
            return BF_ERR_NO_MEMORY;
        err = c->disk->read(c->disk->impl, at * c->disk->block_size, block, c->disk->block_size);
        if (err)
            return err;
        if (!bf_mbr_parse(block, &record))
            return cut(c);
        next = take_record(c, &record, at);
        if (!next)
            return BF_OK;
        if (next->first >= c->extended->count)
            return cut(c);
        at = (uint64_t)c->extended->first + next->first;
    }
}

static enum bf_err read_extended(const struct bf_bytes *disk, const struct bf_mbr_entry *e,
                                 uint32_t *number, uint8_t *block, struct bf_parttab *out)
{
    struct chain c = {.disk = disk, .extended = e, .out = out, .number = number};
    uint64_t total = disk->bytes / disk->block_size, count = e->count;
    if (e->first >= total)
        return cut(&c);
    if (count > total - e->first)
        count = total - e->first;
    out->extended[out->extendeds].first = (uint64_t)e->first * disk->block_size;
    out->extended[out->extendeds++].bytes = count * disk->block_size;
    return read_chain(&c, block);
}

enum bf_err bf_mbr_read(const struct bf_bytes *disk, const struct bf_mbr *mbr, uint8_t *block,
                        struct bf_parttab *out)
{
    uint32_t number = FIRST_LOGICAL;
    enum bf_err err = BF_OK;
    out->kind = BF_PARTTAB_MBR;
    out->mbr_signature = mbr->disk_id;
    for (uint32_t i = 0; i < 4; i++)
        if (mbr->entry[i].count && !is_extended(&mbr->entry[i]))
            add(disk, out, i + 1, mbr->entry[i].first, &mbr->entry[i]);
    for (uint32_t i = 0; i < 4 && !err; i++)
        if (is_extended(&mbr->entry[i]))
            err = read_extended(disk, &mbr->entry[i], &number, block, out);
    return err;
}
