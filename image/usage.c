// SPDX-License-Identifier: Apache-2.0
// The map of a disk: which places there are, who may claim them, and the answers of all of them in
// one. Places that overlap, that carry signatures of two owners, or that lie on a disk which is
// itself part of something (RAID, LVM) are not claimed. Where there is a partition table, the
// beginning and the end of the disk, where tables and loaders live, are always used.
#include "image/usage.h"

#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "image/parttab.h"
#include "image/usage_parts.h"

enum {
    READ_TIMEOUT_US = 5000000,
    TABLE_MARGIN = 1024 * 1024,
};

struct bf_usage {
    struct bf_peek peek;
    uint64_t margin; // at both ends of the disk
    uint32_t maps;
    struct bf_usage_map map[BF_PARTITIONS_MAX]; // in order of the disk, without overlaps
    uint64_t first, end;                        // the last answer: [first, end) of one kind
    int unused;
};

// ---- Reading -----------------------------------------------------------------------------------

static void peek_free(struct bf_peek *p)
{
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++)
        bf_free(p->line[i]);
    bf_free(p->scratch);
}

static int peek_init(struct bf_peek *p, struct bf_source_disk *disk)
{
    p->disk = disk;
    p->bytes = bf_source_bytes(disk);
    p->scratch = bf_alloc(BF_USAGE_SCRATCH);
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++) {
        p->at[i] = UINT64_MAX;
        p->line[i] = bf_alloc(BF_PEEK_LINE);
        if (!p->line[i])
            return 0;
    }
    return p->scratch != NULL;
}

// The line that begins at `at`, read if need be; the one that was not asked for longest gives way.
static const uint8_t *line_at(struct bf_peek *p, uint64_t at)
{
    uint32_t oldest = 0;
    uint64_t left = p->bytes - at;
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++) {
        if (p->at[i] == at) {
            p->touched[i] = ++p->clock;
            return p->line[i];
        }
        if (p->touched[i] < p->touched[oldest])
            oldest = i;
    }
    p->at[oldest] = UINT64_MAX;
    p->failed = bf_source_read(p->disk, at, p->line[oldest],
                               left < BF_PEEK_LINE ? (size_t)left : BF_PEEK_LINE, READ_TIMEOUT_US);
    if (p->failed) {
        bf_log(BF_LOG_WARNING,
               "the maps of what is used cannot be read at byte %llu (%s): the "
               "rest of this disk is copied whole",
               (unsigned long long)at, bf_err_name(p->failed));
        return NULL;
    }
    p->at[oldest] = at;
    p->touched[oldest] = ++p->clock;
    return p->line[oldest];
}

enum bf_err bf_peek_read(struct bf_peek *p, uint64_t offset, void *out, size_t len)
{
    uint8_t *to = out;
    if (offset > p->bytes || len > p->bytes - offset)
        return BF_ERR_RANGE;
    while (len > 0) {
        size_t skip = (size_t)(offset % BF_PEEK_LINE), part = BF_PEEK_LINE - skip;
        const uint8_t *line = p->failed ? NULL : line_at(p, offset - skip);
        if (!line)
            return p->failed;
        if (part > len)
            part = len;
        memcpy(to, line + skip, part);
        to += part;
        offset += part;
        len -= part;
    }
    return BF_OK;
}

enum bf_err bf_place_read(const struct bf_usage_place *place, uint64_t offset, void *out,
                          size_t len)
{
    if (offset > place->bytes || len > place->bytes - offset)
        return BF_ERR_RANGE;
    return bf_peek_read(place->peek, place->first + offset, out, len);
}

static enum bf_err read_table(void *impl, uint64_t offset, void *out, size_t len)
{
    return bf_peek_read(impl, offset, out, len);
}

// ---- Who claims what ---------------------------------------------------------------------------

static const struct {
    uint32_t signature;
    enum bf_err (*look)(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
} kinds[] = {
    {BF_SIGNATURE_EXT, bf_usage_ext},
    {BF_SIGNATURE_SWAP, bf_usage_swap},
    {BF_SIGNATURE_FAT, bf_usage_fat},
};

static void tell(uint32_t number, const char *name, const char *why)
{
    char where[32] = "the whole disk";
    if (number)
        bf_snprintf(where, sizeof where, "partition %u", number);
    if (why)
        bf_log(BF_LOG_INFO, "%s: %s, copied whole: %s", where, name, why);
    else
        bf_log(BF_LOG_INFO, "%s: %s, only what is used is copied", where, name);
}

// One owner and no other: then it is asked for its map.
static void claim(struct bf_usage *u, uint32_t number, uint64_t first, uint64_t bytes,
                  uint32_t signatures)
{
    struct bf_usage_map *map = &u->map[u->maps];
    char why[BF_USAGE_WHY] = "";
    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (signatures != kinds[i].signature)
            continue;
        memset(map, 0, sizeof *map);
        map->place = (struct bf_usage_place){&u->peek, first, bytes};
        enum bf_err err = kinds[i].look(map, why);
        if (err == BF_OK)
            u->maps++;
        if (err == BF_OK || err == BF_ERR_UNSUPPORTED)
            tell(number, map->name, err ? why : NULL);
    }
}

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

static void sort_by_place(struct bf_parttab *t)
{
    for (uint32_t i = 1; i < t->count; i++) {
        struct bf_partition p = t->partition[i];
        uint32_t k = i;
        for (; k > 0 && t->partition[k - 1].first > p.first; k--)
            t->partition[k] = t->partition[k - 1];
        t->partition[k] = p;
    }
}

// A hibernated system will go on with what it has in memory, whatever its file systems look like
// now: nothing of its disk is left out.
static void claim_partitions(struct bf_usage *u, struct bf_parttab *t)
{
    uint32_t found[BF_PARTITIONS_MAX], all = 0;
    sort_by_place(t);
    for (uint32_t i = 0; i < t->count; i++) {
        struct bf_usage_place place = {&u->peek, t->partition[i].first, t->partition[i].bytes};
        if (bf_signatures(&place, &found[i]))
            return;
        all |= found[i];
    }
    if (all & BF_SIGNATURE_HIBERNATION) {
        bf_log(BF_LOG_INFO, "a hibernated system is on this disk: it is copied whole");
        return;
    }
    u->margin = TABLE_MARGIN;
    for (uint32_t i = 0; i < t->count; i++)
        if (!overlaps(t, i))
            claim(u, t->partition[i].number, t->partition[i].first, t->partition[i].bytes,
                  found[i]);
}

static void look(struct bf_usage *u, struct bf_parttab *table)
{
    struct bf_bytes bytes = {.read = read_table,
                             .impl = &u->peek,
                             .bytes = u->peek.bytes,
                             .block_size = u->peek.disk->geometry.block_size};
    struct bf_usage_place whole = {&u->peek, 0, u->peek.bytes};
    uint32_t signatures;
    if (bf_parttab_read(&bytes, table) || table->primary_damaged ||
        bf_signatures(&whole, &signatures))
        return;
    // The boot sector of FAT reads as a partition table, too: whoever has both has neither.
    if (!table->count)
        claim(u, 0, 0, u->peek.bytes, signatures);
    else if (!signatures)
        claim_partitions(u, table);
    else
        bf_log(BF_LOG_INFO, "a disk with partitions is itself part of something else: it is copied "
                            "whole");
}

struct bf_usage *bf_usage_open(struct bf_source_disk *disk)
{
    struct bf_usage *u = bf_alloc(sizeof *u);
    struct bf_parttab *table = bf_alloc(sizeof *table);
    if (u && table && peek_init(&u->peek, disk))
        look(u, table);
    bf_free(table);
    if (u && u->maps)
        return u;
    bf_usage_free(u);
    return NULL;
}

void bf_usage_free(struct bf_usage *u)
{
    if (!u)
        return;
    for (uint32_t i = 0; i < u->maps; i++)
        bf_free(u->map[i].impl);
    peek_free(&u->peek);
    bf_free(u);
}

// ---- Answers -----------------------------------------------------------------------------------

static int ask(struct bf_usage *u, uint64_t at, uint64_t *end)
{
    uint64_t last = u->peek.bytes;
    uint32_t i = 0;
    *end = last;
    if (u->peek.failed)
        return 0;
    if (u->margin) {
        if (at < u->margin || u->margin >= last / 2) {
            *end = u->margin >= last / 2 ? last : u->margin;
            return 0;
        }
        if (at >= last - u->margin)
            return 0;
        *end = last -= u->margin;
    }
    while (i < u->maps && u->map[i].place.first + u->map[i].place.bytes <= at)
        i++;
    if (i == u->maps)
        return 0;
    const struct bf_usage_map *m = &u->map[i];
    if (at < m->place.first) {
        *end = m->place.first < last ? m->place.first : last;
        return 0;
    }
    uint64_t within = m->place.bytes;
    int unused = m->ops->extent(m->impl, at - m->place.first, &within);
    if (within > m->place.bytes || within <= at - m->place.first)
        within = m->place.bytes;
    *end = m->place.first + within < last ? m->place.first + within : last;
    return unused && !u->peek.failed;
}

int bf_usage_extent(struct bf_usage *u, uint64_t at, uint64_t disk_bytes, uint64_t *end)
{
    if (!u || disk_bytes != u->peek.bytes || at >= disk_bytes) {
        *end = disk_bytes;
        return 0;
    }
    if (at < u->first || at >= u->end) {
        u->unused = ask(u, at, &u->end);
        u->first = at;
    }
    *end = u->end;
    return u->unused;
}

static int chunk_unused(struct bf_usage *u, uint64_t chunk, uint32_t chunk_size,
                        uint64_t disk_bytes)
{
    uint64_t at = chunk * chunk_size, left = disk_bytes - at;
    uint64_t last = at + (left < chunk_size ? left : chunk_size);
    while (at < last)
        if (!bf_usage_extent(u, at, disk_bytes, &at))
            return 0;
    return 1;
}

uint64_t bf_usage_run(struct bf_usage *u, uint64_t first, uint64_t most, uint32_t most_used,
                      uint32_t chunk_size, uint64_t disk_bytes, int *unused)
{
    uint64_t count = 1, whole;
    *unused = u && chunk_unused(u, first, chunk_size, disk_bytes);
    if (!*unused) {
        most = most < most_used ? most : most_used;
        while (u && count < most && !chunk_unused(u, first + count, chunk_size, disk_bytes))
            count++;
        return u ? count : most;
    }
    // Only as far as the answer that is at hand: the rest belongs to the next call.
    whole = u->end / chunk_size;
    if (whole > first + 1)
        count = whole - first;
    return count < most ? count : most;
}
