// SPDX-License-Identifier: Apache-2.0
// What is on the disks themselves: partitions, or the whole of a disk without a table, and who has
// left marks there. The rule that all of this serves: a block may be left out only if exactly one
// owner claims its place, every table that leads there agrees, and nothing else on the disk speaks
// about it. Whatever breaks it is written down as the doubt of a place, or of the whole disk.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/scan.h"

enum {
    BLOCK_MIN = 512,
    ISO_SECTOR = 2048,
    ISO_BLOCKS_AT = 16 * ISO_SECTOR + 80, // ECMA-119, 8.4.8, Volume Space Size
};
// Two GPTs of the largest size, and each of 1024 partitions with every mark.
static const uint64_t table_work = 64ull * BF_WORK_MIB, marks_work = 2048ull * BF_WORK_MIB;

// One disk while it is looked at.
struct disk {
    struct bf_peek *peek;
    uint32_t number;
    struct bf_usage_table *table; // the result
    struct bf_parttab t;
    uint32_t whole;   // index of the whole disk in the list
    uint64_t iso_end; // an ISO 9660 image, which may have partitions inside, ends here; 0: none
};

static enum bf_err read_table(void *impl, uint64_t offset, void *out, size_t len)
{
    const struct disk *d = impl;
    return bf_peek_read(d->peek, d->number, offset, out, len);
}

static struct bf_source_disk *source_of(const struct disk *d)
{
    return d->peek->disk[d->number];
}

// ---- Tables within -----------------------------------------------------------------------------

static enum bf_err read_within(void *impl, uint64_t offset, void *out, size_t len)
{
    return bf_place_read(impl, offset, out, len);
}

// mkfs.fat, mformat and others put a table into their boot record whose only entry is the place
// itself, for the sake of other systems: that is the same place, not another claim.
static int names_itself(const struct bf_parttab *t, const struct bf_usage_place *place)
{
    uint8_t b[36];
    uint64_t sectors;
    if (t->kind != BF_PARTTAB_MBR || t->doubt || t->count != 1 || t->extendeds ||
        t->partition[0].first || place->signatures != BF_SIGNATURE_FAT ||
        bf_place_read(place, 0, b, sizeof b))
        return 0;
    sectors = bf_le16(b + 19) ? bf_le16(b + 19) : bf_le32(b + 32);
    return t->partition[0].bytes >= sectors * bf_le16(b + 11);
}

// Whether a place is divided as a disk is, counted in blocks of this size.
static enum bf_err is_divided(const struct bf_usage_place *place, uint32_t block_size, int *divided)
{
    struct bf_bytes bytes = {.read = read_within,
                             .impl = (void *)place,
                             .bytes = place->bytes,
                             .block_size = block_size};
    struct bf_parttab t;
    enum bf_err err;
    if (place->bytes < block_size)
        return BF_OK;
    err = bf_parttab_read(&bytes, &t);
    *divided |=
        err == BF_ERR_CORRUPT || (!err && t.kind != BF_PARTTAB_NONE && !names_itself(&t, place));
    bf_parttab_free(&t);
    return err == BF_ERR_CORRUPT ? BF_OK : err;
}

enum bf_err bf_signatures_within(struct bf_usage_place *place)
{
    uint32_t block_size = place->peek->disk[place->leg[0].disk]->geometry.block_size;
    int divided = 0;
    enum bf_err err = bf_signatures(place, 0);
    if (!err && place->signatures)
        err = bf_signatures_tables(place, 1);
    if (!err && place->signatures)
        err = is_divided(place, BLOCK_MIN, &divided);
    if (!err && place->signatures && block_size != BLOCK_MIN)
        err = is_divided(place, block_size, &divided);
    if (divided)
        bf_place_found(place, BF_SIGNATURE_OTHER, "a partition table");
    return err;
}

// ---- Doubts of the table -----------------------------------------------------------------------

static void doubt(struct disk *d, const char *why, const char *what)
{
    if (d->table->state == BF_TABLE_DOUBTED)
        return;
    d->table->state = BF_TABLE_DOUBTED;
    bf_snprintf(d->table->why, sizeof d->table->why, "%s%s%s", why, what[0] ? ": " : "", what);
}

// An ISO image that boots as a disk, too, has partitions of its own; others, for what its user
// keeps, may follow behind it. Where it ends is in its first descriptor.
static enum bf_err find_iso(struct disk *d, const struct bf_usage_place *whole)
{
    uint8_t b[4];
    enum bf_err err;
    if (whole->signatures != BF_SIGNATURE_ISO9660)
        return BF_OK;
    err = bf_place_read(whole, ISO_BLOCKS_AT, b, sizeof b);
    if (!err)
        d->iso_end = (uint64_t)bf_le32(b) * ISO_SECTOR;
    return err;
}

// The boot sector of FAT reads as a partition table, too, and RAID and LVM take whole disks: where
// there are both a table and another owner of the disk, nobody knows which of them was last.
static void judge_table(struct disk *d, const struct bf_usage_place *whole)
{
    d->table->state = BF_TABLE_GOOD;
    // Such an image has a GPT of its own as well, which nobody looks at.
    if (d->t.doubt && !(d->iso_end && d->t.stray_gpt == 1 && !d->t.truncated))
        doubt(d, d->t.doubt, "");
    if (whole->signatures && !d->iso_end)
        doubt(d, "besides its partition table the disk has signatures of something else",
              whole->what);
}

// ---- Checksums of other places -----------------------------------------------------------------

// How many bytes of data the hash tree of dm-verity is about (cryptsetup's lib/verity/verity.c,
// struct verity_sb). dm-integrity's superblock is at the front of the data itself, or, without
// interleaving, on a device of its own (the kernel's dm-integrity.c, struct superblock).
enum bf_err bf_place_cover(struct bf_usage_place *place)
{
    uint8_t b[96];
    enum bf_err err;
    if (!(place->signatures & BF_SIGNATURE_COVER))
        return BF_OK;
    place->covers = 0;
    if (place->bytes < sizeof b)
        return BF_OK;
    err = bf_place_read(place, 0, b, sizeof b);
    if (err)
        return err;
    place->covers = memcmp(b, "verity", 6) == 0 ? bf_le32(b + 64) * bf_le64(b + 72)
                    : b[9]                      ? UINT64_MAX
                                                : bf_le64(b + 16) * BLOCK_MIN;
    return BF_OK;
}

// ---- Disks -------------------------------------------------------------------------------------

static enum bf_err look_at(struct bf_usage_place *place)
{
    struct bf_work_step *now = &place->peek->work.now;
    enum bf_err err;
    now->place = place->name;
    err = bf_signatures_within(place);
    if (!err)
        err = bf_place_cover(place);
    now->place = "";
    return err;
}

static enum bf_err add_partition(struct bf_place_list *list, const struct disk *d,
                                 const struct bf_partition *p)
{
    struct bf_usage_place *place = bf_place_add_run(list, d->peek, d->number, p->first, p->bytes);
    enum bf_err err;
    if (!place)
        return BF_ERR_NO_MEMORY;
    bf_snprintf(place->name, sizeof place->name, "partition %u", p->number);
    place->number = p->number;
    memcpy(place->guid, p->guid, sizeof place->guid);
    if (!p->bytes) {
        place->segments = 0;
        return BF_OK;
    }
    err = look_at(place);
    return bf_work_is_over(&d->peek->work) ? BF_OK : err;
}

// A place in doubt is nobody's member either: of no array, group or file system on several.
static enum bf_err add_partitions(struct bf_place_list *list, struct disk *d)
{
    uint32_t before = list->count;
    enum bf_err err = BF_OK;
    for (uint32_t i = 0; !err && i < d->t.count; i++)
        err = add_partition(list, d, &d->t.partition[i]);
    if (!err && d->t.count)
        err = bf_usage_doubts(&d->t, d->iso_end, list->place + before);
    if (bf_work_is_over(&d->peek->work))
        doubt(d, bf_work_why(&d->peek->work), "");
    for (uint32_t i = before; i < list->count; i++)
        if (list->place[i].doubt || d->table->state == BF_TABLE_DOUBTED)
            list->place[i].signatures |= BF_SIGNATURE_OTHER;
    return err;
}

static int span_before(const void *a, const void *b)
{
    return ((const struct bf_usage_span *)a)->first < ((const struct bf_usage_span *)b)->first;
}

static enum bf_err keep_table(const struct disk *d)
{
    struct bf_usage_span *kept = bf_alloc((d->t.spans + 1) * sizeof *kept);
    if (!kept)
        return BF_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < d->t.spans; i++)
        kept[i] = (struct bf_usage_span){d->t.span[i].first, d->t.span[i].bytes};
    bf_usage_sort(kept, d->t.spans, sizeof *kept, span_before);
    d->table->kept = kept;
    d->table->kepts = d->t.spans;
    return BF_OK;
}

static struct bf_usage_place *new_whole(struct bf_place_list *list, struct disk *d)
{
    struct bf_usage_place *whole =
        bf_place_add_run(list, d->peek, d->number, 0, bf_source_bytes(source_of(d)));
    if (!whole)
        return NULL;
    d->whole = list->count - 1;
    bf_snprintf(whole->name, sizeof whole->name, "the whole disk");
    return whole;
}

static enum bf_err add_whole(struct bf_place_list *list, struct disk *d)
{
    struct bf_usage_place *whole = new_whole(list, d);
    enum bf_err err;
    if (!whole)
        return BF_ERR_NO_MEMORY;
    err = bf_signatures(whole, d->t.kind != BF_PARTTAB_NONE);
    if (!err && d->t.kind != BF_PARTTAB_GPT)
        err = bf_signatures_tables(whole, d->t.kind == BF_PARTTAB_NONE);
    return err ? err : bf_place_cover(whole);
}

static enum bf_err scan_table(struct bf_place_list *list, struct disk *d)
{
    struct bf_bytes bytes = {.read = read_table,
                             .impl = d,
                             .bytes = bf_source_bytes(source_of(d)),
                             .block_size = source_of(d)->geometry.block_size};
    enum bf_err err;
    int corrupt;
    bf_work_begin(&d->peek->work, BF_STEP_TABLE, d->number, "", table_work);
    err = bf_parttab_read(&bytes, &d->t);
    corrupt = err == BF_ERR_CORRUPT;
    if (!bf_work_is_over(&d->peek->work))
        bf_work_begin(&d->peek->work, BF_STEP_MARKS, d->number, "", marks_work);
    if (!err || corrupt)
        err = add_whole(list, d);
    if (err || (!corrupt && d->t.kind == BF_PARTTAB_NONE) ||
        (!corrupt && names_itself(&d->t, &list->place[d->whole])))
        return err;
    err = find_iso(d, &list->place[d->whole]);
    if (err)
        return err;
    judge_table(d, &list->place[d->whole]);
    if (d->table->state == BF_TABLE_DOUBTED)
        list->place[d->whole].signatures |= BF_SIGNATURE_OTHER;
    else
        bf_place_list_cut(list, d->whole);
    err = keep_table(d);
    return err ? err : add_partitions(list, d);
}

// A disk whose table takes too much work is one place, of which nobody knows what it is.
static enum bf_err scan(struct bf_place_list *list, struct disk *d)
{
    uint32_t before = list->count;
    enum bf_err err = scan_table(list, d);
    struct bf_usage_place *whole;
    if (!err || !bf_work_is_over(&d->peek->work))
        return err;
    doubt(d, bf_work_why(&d->peek->work), "");
    bf_place_list_cut(list, before);
    whole = new_whole(list, d);
    if (!whole)
        return BF_ERR_NO_MEMORY;
    whole->signatures = BF_SIGNATURE_OTHER;
    return BF_OK;
}

enum bf_err bf_usage_scan(struct bf_peek *peek, struct bf_place_list *list,
                          struct bf_usage_table *table)
{
    enum bf_err err = BF_OK;
    for (uint32_t i = 0; !err && i < peek->disks; i++) {
        struct disk d = {.peek = peek, .number = i, .table = &table[i]};
        if (peek->disk[i])
            err = scan(list, &d);
        bf_parttab_free(&d.t);
    }
    return err;
}

void bf_usage_table_free(struct bf_usage_table *table)
{
    bf_free(table->kept);
    memset(table, 0, sizeof *table);
}
