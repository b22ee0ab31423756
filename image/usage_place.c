// SPDX-License-Identifier: Apache-2.0
// Reading for the maps: a small cache over all disks of the session, and places, which lie in
// pieces on them. Memory is the same for one disk and for sixty-four.
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "image/usage_parts.h"

enum {
    READ_TIMEOUT_US = 5000000,
    READ_COST = 64, // of each read, whatever its length
};

enum bf_err bf_peek_init(struct bf_peek *p, struct bf_source_disk *const *disk, uint32_t disks)
{
    memset(p, 0, sizeof *p);
    p->disk = disk;
    p->disks = disks;
    p->scratch = bf_alloc(BF_USAGE_SCRATCH);
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++) {
        p->line[i] = bf_alloc(BF_PEEK_LINE);
        if (!p->line[i])
            return BF_ERR_NO_MEMORY;
    }
    return p->scratch ? BF_OK : BF_ERR_NO_MEMORY;
}

void bf_peek_free(struct bf_peek *p)
{
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++)
        bf_free(p->line[i]);
    bf_free(p->scratch);
    bf_mirrors_forget(p);
    memset(p, 0, sizeof *p);
}

// The line that holds a byte, or the one that was not asked for longest; *found says which.
static uint32_t find_line(const struct bf_peek *p, uint32_t disk, uint64_t offset, int *found)
{
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++) {
        *found = p->of[i] == disk && offset >= p->at[i] && offset - p->at[i] < p->bytes[i];
        if (*found)
            return i;
        if (p->touched[i] < p->touched[oldest])
            oldest = i;
    }
    return oldest;
}

// Reads what is around a byte of the disk into a line. 0: it cannot be read.
static int fill_line(struct bf_peek *p, uint32_t i, uint32_t disk, uint64_t offset)
{
    uint32_t size = p->work.now.step == BF_STEP_MARKS ? BF_PEEK_PIECE : BF_PEEK_LINE;
    uint64_t at = offset - offset % size, left = bf_source_bytes(p->disk[disk]) - at;
    enum bf_err err;
    p->bytes[i] = 0;
    size = left < size ? (uint32_t)left : size;
    if (!bf_work_spend(&p->work, size) || !bf_work_turn(&p->work))
        return 0;
    err = bf_source_read(p->disk[disk], at, p->line[i], size, READ_TIMEOUT_US);
    if (err) {
        p->failed[disk] = (uint8_t)err;
        bf_log(BF_LOG_WARNING,
               "the maps of what is used cannot be read at byte %llu of disk %u (%s): what is left "
               "of this disk is copied whole",
               (unsigned long long)at, disk, bf_err_name(err));
        return 0;
    }
    p->of[i] = disk;
    p->at[i] = at;
    p->bytes[i] = size;
    return 1;
}

enum bf_err bf_peek_read(struct bf_peek *p, uint32_t disk, uint64_t offset, void *out, size_t len)
{
    uint8_t *to = out;
    uint64_t bytes = disk < p->disks && p->disk[disk] ? bf_source_bytes(p->disk[disk]) : 0;
    if (offset > bytes || len > bytes - offset)
        return BF_ERR_RANGE;
    bf_work_spend(&p->work, len + READ_COST);
    while (len > 0) {
        int good = !bf_work_is_over(&p->work) && !p->failed[disk], found;
        uint32_t i = find_line(p, disk, offset, &found);
        if (!good || (!found && !fill_line(p, i, disk, offset))) {
            p->errors++;
            return p->failed[disk] ? p->failed[disk] : BF_ERR_LIMIT;
        }
        size_t skip = (size_t)(offset - p->at[i]), part = p->bytes[i] - skip;
        p->touched[i] = ++p->clock;
        part = part < len ? part : len;
        memcpy(to, p->line[i] + skip, part);
        to += part;
        offset += part;
        len -= part;
    }
    return BF_OK;
}

// The segment that holds byte `offset` of the place.
static const struct bf_segment *segment_at(const struct bf_usage_place *place, uint64_t offset)
{
    uint32_t low = 0, high = place->segments;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (place->segment[middle].at <= offset)
            low = middle;
        else
            high = middle;
    }
    return &place->segment[low];
}

enum bf_err bf_place_read(const struct bf_usage_place *place, uint64_t offset, void *out,
                          size_t len)
{
    uint8_t *to = out;
    if (offset > place->bytes || len > place->bytes - offset)
        return BF_ERR_RANGE;
    if (!place->segments)
        return BF_ERR_NOT_FOUND;
    while (len > 0) {
        const struct bf_segment *s = segment_at(place, offset);
        uint64_t within = offset - s->at, left = s->bytes - within, on = within;
        uint32_t leg = 0;
        if (s->legs > 1) {
            uint64_t stripe = within / s->stripe_bytes;
            left = s->stripe_bytes - within % s->stripe_bytes;
            leg = (uint32_t)(stripe % s->legs);
            on = stripe / s->legs * s->stripe_bytes + within % s->stripe_bytes;
        }
        size_t part = len < left ? len : (size_t)left;
        const struct bf_leg *at = &place->leg[s->leg + leg];
        enum bf_err err = bf_peek_read(place->peek, at->disk, at->first + on, to, part);
        if (!err)
            err = bf_mirror_compare(place->peek, at, on, to, part);
        if (err)
            return err;
        to += part;
        offset += part;
        len -= part;
    }
    return BF_OK;
}

const struct bf_usage_place *bf_usage_places(const struct bf_peek *peek, uint32_t *count)
{
    *count = peek->places;
    return peek->place;
}

// ---- Lists -------------------------------------------------------------------------------------

struct bf_usage_place *bf_place_add(struct bf_place_list *list, struct bf_peek *peek,
                                    uint64_t bytes, uint32_t segments, uint32_t legs)
{
    struct bf_usage_place *p = bf_usage_grow(list->place, list->count, &list->room, sizeof *p);
    if (!p)
        return NULL;
    list->place = p;
    p += list->count;
    memset(p, 0, sizeof *p);
    p->peek = peek;
    p->bytes = bytes;
    p->segments = segments;
    p->segment = bf_alloc(segments * sizeof *p->segment);
    p->leg = bf_alloc(legs * sizeof *p->leg);
    list->count++;
    if (p->segment && p->leg)
        return p;
    bf_place_list_cut(list, list->count - 1);
    return NULL;
}

struct bf_usage_place *bf_place_add_run(struct bf_place_list *list, struct bf_peek *peek,
                                        uint32_t disk, uint64_t first, uint64_t bytes)
{
    struct bf_usage_place *p = bf_place_add(list, peek, bytes, 1, 1);
    if (!p)
        return NULL;
    p->segment[0] = (struct bf_segment){.bytes = bytes, .legs = 1};
    p->leg[0] = (struct bf_leg){.disk = disk, .first = first};
    return p;
}

void bf_place_list_cut(struct bf_place_list *list, uint32_t count)
{
    while (list->count > count) {
        struct bf_usage_place *p = &list->place[--list->count];
        bf_free(p->segment);
        bf_free(p->leg);
    }
    if (count)
        return;
    bf_free(list->place);
    memset(list, 0, sizeof *list);
}

int bf_place_lies_on(const struct bf_usage_place *place, uint32_t disk)
{
    for (uint32_t i = 0; i < place->segments; i++)
        for (uint32_t k = 0; k < place->segment[i].legs; k++)
            if (place->leg[place->segment[i].leg + k].disk == disk)
                return 1;
    return 0;
}
