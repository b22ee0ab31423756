// SPDX-License-Identifier: Apache-2.0
// What is on the disks themselves: partitions, or the whole of a disk without a table, and who has
// left signatures there. Partitions that overlap, and all that lies on a disk which is itself part
// of something (RAID, LVM), are marked as belonging to nobody.
#include <string.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "image/parttab.h"
#include "image/usage_parts.h"

enum { BLOCK_MIN = 512 };

struct disk {
    struct bf_peek *peek;
    uint32_t number;
    struct bf_parttab *table;
};

static enum bf_err read_table(void *impl, uint64_t offset, void *out, size_t len)
{
    const struct disk *d = impl;
    return bf_peek_read(d->peek, d->number, offset, out, len);
}

// ---- Tables within ------------------------------------------------------------------------------

static enum bf_err read_within(void *impl, uint64_t offset, void *out, size_t len)
{
    return bf_place_read(impl, offset, out, len);
}

// Whether a place is divided as a disk is, counted in blocks of this size.
static enum bf_err is_divided(const struct bf_usage_place *place, uint32_t block_size, int *divided)
{
    struct bf_bytes bytes = {.read = read_within,
                             .impl = (void *)place,
                             .bytes = place->bytes,
                             .block_size = block_size};
    struct bf_parttab *t = bf_alloc(sizeof *t);
    enum bf_err err;
    if (!t)
        return BF_ERR_NO_MEMORY;
    err = place->bytes < block_size ? BF_OK : bf_parttab_read(&bytes, t);
    *divided |= err == BF_ERR_CORRUPT || (!err && (t->count || t->kind == BF_PARTTAB_GPT));
    bf_free(t);
    return err == BF_ERR_CORRUPT ? BF_OK : err;
}

enum bf_err bf_signatures_within(const struct bf_usage_place *place, uint32_t *found)
{
    uint32_t block_size = place->peek->disk[place->leg[0].disk]->geometry.block_size;
    int divided = 0;
    enum bf_err err = bf_signatures(place, found);
    if (!err && *found)
        err = is_divided(place, BLOCK_MIN, &divided);
    if (!err && *found && block_size != BLOCK_MIN)
        err = is_divided(place, block_size, &divided);
    if (divided)
        *found |= BF_SIGNATURE_OTHER;
    return err;
}

// ---- Partitions and disks -----------------------------------------------------------------------

static int overlaps(const struct bf_parttab *t, uint32_t i)
{
    const struct bf_partition *a = &t->partition[i];
    for (uint32_t k = 0; k < t->count; k++) {
        const struct bf_partition *b = &t->partition[k];
        if (k != i && a->first < b->first + b->bytes && b->first < a->first + a->bytes)
            return 1;
    }
    return 0;
}

static enum bf_err add(struct bf_place_list *list, const struct disk *d,
                       const struct bf_partition *p, uint32_t more)
{
    struct bf_usage_place *place =
        p ? bf_place_add_run(list, d->peek, d->number, p->first, p->bytes)
          : bf_place_add_run(list, d->peek, d->number, 0,
                             bf_source_bytes(d->peek->disk[d->number]));
    if (!place)
        return BF_ERR_NO_MEMORY;
    bf_snprintf(place->name, sizeof place->name, p ? "partition %u" : "the whole disk",
                p ? p->number : 0);
    enum bf_err err = p ? bf_signatures_within(place, &place->signatures)
                        : bf_signatures(place, &place->signatures);
    place->signatures |= more;
    return err;
}

// The boot sector of FAT reads as a partition table, too: who has both a table and a signature of
// the whole disk has neither.
static enum bf_err scan(struct bf_place_list *list, const struct disk *d, uint8_t *table)
{
    struct bf_bytes bytes = {.read = read_table,
                             .impl = (void *)d,
                             .bytes = bf_source_bytes(d->peek->disk[d->number]),
                             .block_size = d->peek->disk[d->number]->geometry.block_size};
    const struct bf_parttab *t = d->table;
    uint32_t before = list->count, more = 0;
    enum bf_err err = bf_parttab_read(&bytes, d->table);
    if (err == BF_ERR_CORRUPT)
        return BF_OK; // no system would find anything on it
    if (err || (err = add(list, d, NULL, 0)) || !t->count)
        return err;
    if (list->place[before].signatures || t->primary_damaged) {
        more = BF_SIGNATURE_OTHER;
        list->place[before].signatures |= more;
    } else {
        bf_place_list_cut(list, before);
    }
    *table = more ? BF_TABLE_DOUBTED : BF_TABLE_GOOD;
    for (uint32_t i = 0; !err && i < t->count; i++)
        err = add(list, d, &t->partition[i], overlaps(t, i) ? BF_SIGNATURE_OTHER : more);
    return err;
}

enum bf_err bf_usage_scan(struct bf_peek *peek, struct bf_place_list *list, uint8_t *table)
{
    struct disk d = {.peek = peek, .table = bf_alloc(sizeof *d.table)};
    enum bf_err err = d.table ? BF_OK : BF_ERR_NO_MEMORY;
    for (; !err && d.number < peek->disks; d.number++)
        if (peek->disk[d.number])
            err = scan(list, &d, &table[d.number]);
    bf_free(d.table);
    return err;
}
