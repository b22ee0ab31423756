// SPDX-License-Identifier: Apache-2.0
// Filling a partition table: arrays that grow up to a bound, and entries cut where the disk ends.
#include <string.h>

#include "base/mem.h"
#include "image/gpt.h"

enum { SPANS_MAX = BF_PARTITIONS_MAX };

// Room for one more element, at most `most`. NULL without.
static void *grow(void *array, uint32_t count, uint32_t *room, size_t size, uint32_t most)
{
    uint32_t wanted = *room ? *room * 2 : 16;
    void *more;
    if (count < *room)
        return array;
    more = count < most ? bf_alloc(wanted * size) : NULL;
    if (!more)
        return NULL;
    if (count)
        memcpy(more, array, count * size);
    bf_free(array);
    *room = wanted;
    return more;
}

void bf_parttab_doubt(struct bf_parttab *out, const char *why)
{
    if (!out->doubt)
        out->doubt = why;
}

int bf_parttab_span(const struct bf_bytes *disk, struct bf_parttab *out, uint64_t first_block,
                    uint64_t blocks)
{
    struct bf_table_span *more =
        grow(out->span, out->spans, &out->span_room, sizeof *more, SPANS_MAX);
    if (!more)
        return 0;
    out->span = more;
    more += out->spans++;
    more->first = first_block * disk->block_size;
    more->bytes = blocks * disk->block_size;
    return 1;
}

struct bf_partition *bf_parttab_add(const struct bf_bytes *disk, struct bf_parttab *out,
                                    uint32_t number, uint64_t first_block, uint64_t blocks)
{
    uint64_t total = disk->bytes / disk->block_size;
    struct bf_partition *p =
        grow(out->partition, out->count, &out->room, sizeof *p, BF_PARTITIONS_MAX);
    if (!p) {
        out->truncated = 1;
        bf_parttab_doubt(out, "it has too many partitions");
        return NULL;
    }
    out->partition = p;
    p += out->count++;
    memset(p, 0, sizeof *p);
    p->number = number;
    if (first_block >= total)
        return p;
    p->cut = blocks > total - first_block;
    p->first = first_block * disk->block_size;
    p->bytes = (p->cut ? total - first_block : blocks) * disk->block_size;
    return p;
}

void bf_parttab_free(struct bf_parttab *t)
{
    bf_free(t->partition);
    bf_free(t->span);
    memset(t, 0, sizeof *t);
}
