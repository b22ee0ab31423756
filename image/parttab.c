// SPDX-License-Identifier: Apache-2.0
// Partition tables: the choice between GPT and MBR, and MBR itself with its chain of logical
// partitions. GPT is in image/gpt.c. Sectors are blocks of the disk, as Linux and UEFI count.
#include "image/parttab.h"

#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "image/gpt.h"

enum {
    MBR_BYTES = 512, // whatever the block size: the record is the beginning of the first block
    MBR_DISK_ID = 440,
    MBR_ENTRIES = 446,
    MBR_ENTRY_BYTES = 16,
    MBR_SIGNATURE = 510,
    TYPE_EXTENDED = 0x05,
    TYPE_EXTENDED_LBA = 0x0f,
    TYPE_EXTENDED_LINUX = 0x85,
    TYPE_PROTECTIVE = 0xee,
    FIRST_LOGICAL = 5,
};

struct mbr_entry {
    uint8_t status, type;
    uint32_t first, count; // blocks
};

struct mbr {
    uint32_t disk_id;
    struct mbr_entry entry[4];
};

// 0 when it has no signature or an entry's status is none, as in the boot sector of a file system.
static int parse_mbr(const uint8_t *bytes, struct mbr *out)
{
    struct bf_reader r;
    bf_reader_init(&r, bytes, MBR_BYTES);
    bf_skip(&r, MBR_DISK_ID);
    out->disk_id = bf_get_u32(&r);
    bf_skip(&r, MBR_ENTRIES - MBR_DISK_ID - 4);
    for (int i = 0; i < 4; i++) {
        struct mbr_entry *e = &out->entry[i];
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

static int is_extended(const struct mbr_entry *e)
{
    return e->count && (e->type == TYPE_EXTENDED || e->type == TYPE_EXTENDED_LBA ||
                        e->type == TYPE_EXTENDED_LINUX);
}

static void add_mbr(const struct bf_bytes *disk, struct bf_parttab *out, uint32_t number,
                    uint64_t first_block, const struct mbr_entry *e)
{
    struct bf_partition *p = bf_parttab_add(disk, out, number, first_block, e->count);
    if (p)
        p->mbr_type = e->type;
}

static int was_seen(const uint64_t *seen, uint32_t count, uint64_t at)
{
    for (uint32_t i = 0; i < count; i++)
        if (seen[i] == at)
            return 1;
    return 0;
}

// Each record of the chain describes one partition, relative to itself, and the next record,
// relative to the extended partition. Chains that leave it or come back to a record are cut.
static enum bf_err read_logical(const struct bf_bytes *disk, const struct mbr_entry *extended,
                                uint8_t *block, struct bf_parttab *out)
{
    uint64_t seen[BF_PARTITIONS_MAX];
    uint64_t at = extended->first;
    uint32_t links = 0;
    for (;;) {
        struct mbr record;
        if (links == BF_PARTITIONS_MAX || was_seen(seen, links, at) ||
            at > disk->bytes / disk->block_size - 1) {
            out->truncated = 1;
            return BF_OK;
        }
        seen[links++] = at;
        enum bf_err err = disk->read(disk->impl, at * disk->block_size, block, disk->block_size);
        if (err != BF_OK)
            return err;
        if (!parse_mbr(block, &record)) {
            out->truncated = 1;
            return BF_OK;
        }
        if (record.entry[0].count && !is_extended(&record.entry[0]))
            add_mbr(disk, out, FIRST_LOGICAL + links - 1, at + record.entry[0].first,
                    &record.entry[0]);
        const struct mbr_entry *next = &record.entry[1];
        if (!is_extended(next))
            return BF_OK;
        if (next->first >= extended->count) {
            out->truncated = 1;
            return BF_OK;
        }
        at = (uint64_t)extended->first + next->first;
    }
}

static enum bf_err read_mbr(const struct bf_bytes *disk, const struct mbr *mbr, uint8_t *block,
                            struct bf_parttab *out)
{
    enum bf_err err = BF_OK;
    out->kind = BF_PARTTAB_MBR;
    out->mbr_signature = mbr->disk_id;
    for (uint32_t i = 0; i < 4; i++)
        if (mbr->entry[i].type && mbr->entry[i].count && !is_extended(&mbr->entry[i]))
            add_mbr(disk, out, i + 1, mbr->entry[i].first, &mbr->entry[i]);
    for (uint32_t i = 0; i < 4 && err == BF_OK; i++)
        if (is_extended(&mbr->entry[i])) {
            err = read_logical(disk, &mbr->entry[i], block, out);
            break; // a disk has one chain
        }
    return err;
}

static int is_protective(const struct mbr *mbr)
{
    for (int i = 0; i < 4; i++)
        if (mbr->entry[i].type == TYPE_PROTECTIVE)
            return 1;
    return 0;
}

struct bf_partition *bf_parttab_add(const struct bf_bytes *disk, struct bf_parttab *out,
                                    uint32_t number, uint64_t first_block, uint64_t blocks)
{
    uint64_t total = disk->bytes / disk->block_size;
    if (!blocks || first_block >= total || blocks > total - first_block)
        return NULL;
    if (out->count == BF_PARTITIONS_MAX) {
        out->truncated = 1;
        return NULL;
    }
    struct bf_partition *p = &out->partition[out->count++];
    p->number = number;
    p->first = first_block * disk->block_size;
    p->bytes = blocks * disk->block_size;
    return p;
}

static int is_sane(const struct bf_bytes *disk)
{
    uint32_t b = disk->block_size;
    return b >= MBR_BYTES && b <= 65536 && !(b & (b - 1)) && disk->bytes / b >= 1;
}

enum bf_err bf_parttab_read(const struct bf_bytes *disk, struct bf_parttab *out)
{
    struct mbr mbr;
    memset(out, 0, sizeof *out);
    if (!is_sane(disk))
        return BF_ERR_RANGE;
    uint8_t *block = bf_alloc(disk->block_size);
    if (!block)
        return BF_ERR_NO_MEMORY;
    enum bf_err err = disk->read(disk->impl, 0, block, disk->block_size);
    if (err == BF_OK && parse_mbr(block, &mbr))
        err =
            is_protective(&mbr) ? bf_gpt_read(disk, block, out) : read_mbr(disk, &mbr, block, out);
    bf_free(block);
    return err;
}
