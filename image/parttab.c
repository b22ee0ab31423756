// SPDX-License-Identifier: Apache-2.0
// Partition tables: the choice between GPT and MBR, and whether the two agree where both are there.
// GPT is in image/gpt.c, MBR in image/mbr.c. Sectors are blocks of the disk, as Linux and UEFI
// count.
#include "image/parttab.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "image/gpt.h"

enum { BLOCK_MIN = 512, BLOCK_MAX = 65536, BLOCK_4K = 4096 };

static int is_protective(const struct bf_mbr *mbr)
{
    for (int i = 0; i < 4; i++)
        if (mbr->entry[i].type == BF_MBR_PROTECTIVE)
            return 1;
    return 0;
}

static int is_empty(const struct bf_mbr *mbr)
{
    for (int i = 0; i < 4; i++)
        if (mbr->entry[i].count)
            return 0;
    return 1;
}

// ---- An MBR beside a GPT -----------------------------------------------------------------------

static int is_in(const struct bf_bytes *disk, const struct bf_parttab *t,
                 const struct bf_mbr_entry *e)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (t->partition[i].first == (uint64_t)e->first * disk->block_size &&
            t->partition[i].bytes == (uint64_t)e->count * disk->block_size)
            return 1;
    return 0;
}

// A protective entry that does not begin at block 1 is none for Linux (efi.c, is_pmbr_valid), which
// then takes neither table. Other entries (a hybrid MBR) are partitions of the GPT, or the two have
// gone separate ways and nobody knows which of them was used last.
static void compare(const struct bf_bytes *disk, const struct bf_mbr *mbr, struct bf_parttab *out)
{
    int protects = 0;
    for (int i = 0; i < 4; i++) {
        const struct bf_mbr_entry *e = &mbr->entry[i];
        if (e->type == BF_MBR_PROTECTIVE)
            protects |= e->first == 1;
        else if (e->count && !is_in(disk, out, e))
            bf_parttab_doubt(out, "its MBR and its GPT do not agree");
    }
    if (!protects)
        bf_parttab_doubt(out, "its protective MBR does not begin at block 1");
}

// A GPT that counts in blocks of another size.
static int has_gpt_at(const struct bf_bytes *disk, uint64_t offset)
{
    uint8_t mark[8];
    return offset + sizeof mark <= disk->bytes &&
           !disk->read(disk->impl, offset, mark, sizeof mark) && !memcmp(mark, "EFI PART", 8);
}

static const char *why_invalid(const struct bf_bytes *disk)
{
    if (disk->block_size == BLOCK_MIN && has_gpt_at(disk, BLOCK_4K))
        return "its GPT counts in blocks of 4096 bytes, not of 512 "
               "(bootferry-push: --block-size 4096)";
    if (disk->block_size == BLOCK_4K && has_gpt_at(disk, BLOCK_MIN))
        return "its GPT counts in blocks of 512 bytes, not of 4096 "
               "(bootferry-push: --block-size 512)";
    return "it has a protective MBR, but no valid GPT";
}

// ---- The choice --------------------------------------------------------------------------------

static enum bf_err read_gpt(const struct bf_bytes *disk, const struct bf_mbr *mbr, uint8_t *block,
                            struct bf_parttab *out)
{
    enum bf_err err = bf_gpt_read(disk, block, out);
    if (err == BF_OK)
        compare(disk, mbr, out);
    else if (err == BF_ERR_CORRUPT)
        bf_parttab_doubt(out, why_invalid(disk));
    return err;
}

// Linux does not look at a GPT without a protective MBR; other systems do.
static enum bf_err read_mbr(const struct bf_bytes *disk, const struct bf_mbr *mbr, uint8_t *block,
                            struct bf_parttab *out)
{
    uint64_t other = disk->block_size == BLOCK_MIN ? BLOCK_4K : BLOCK_MIN;
    enum bf_err err = bf_mbr_read(disk, mbr, block, out);
    if (!err && disk->bytes / disk->block_size > 1)
        err = bf_gpt_behind(disk, block, &out->stray_gpt);
    if (disk->bytes > other && has_gpt_at(disk, disk->bytes - other))
        out->stray_gpt |= 2;
    if (out->stray_gpt || has_gpt_at(disk, other))
        bf_parttab_doubt(out, "it has an MBR and a GPT without a protective MBR");
    return err;
}

static int is_sane(const struct bf_bytes *disk)
{
    uint32_t b = disk->block_size;
    return b >= BLOCK_MIN && b <= BLOCK_MAX && bf_is_power_of_two(b) && disk->bytes / b >= 1;
}

enum bf_err bf_parttab_read(const struct bf_bytes *disk, struct bf_parttab *out)
{
    struct bf_mbr mbr;
    memset(out, 0, sizeof *out);
    if (!is_sane(disk))
        return BF_ERR_RANGE;
    uint8_t *block = bf_alloc(disk->block_size);
    if (!block)
        return BF_ERR_NO_MEMORY;
    enum bf_err err = disk->read(disk->impl, 0, block, disk->block_size);
    if (err == BF_OK && bf_mbr_parse(block, &mbr) && (!is_empty(&mbr) || is_protective(&mbr))) {
        if (!bf_parttab_span(disk, out, 0, 1))
            err = BF_ERR_NO_MEMORY;
        else
            err = is_protective(&mbr) ? read_gpt(disk, &mbr, block, out)
                                      : read_mbr(disk, &mbr, block, out);
    }
    bf_free(block);
    return err;
}
