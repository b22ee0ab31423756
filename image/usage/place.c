// SPDX-License-Identifier: Apache-2.0
// Places of the maps, which lie in pieces on the disks: read through, listed, and named after the
// owners of their marks.
#include <string.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/parts.h"

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

void bf_place_found(struct bf_usage_place *place, uint32_t owner, const char *name)
{
    size_t len = strlen(place->what);
    if (!strstr(place->what, name)) {
        if (len + strlen(name) + 3 < sizeof place->what)
            bf_snprintf(place->what + len, sizeof place->what - len, "%s%s", len ? ", " : "", name);
        else if (len && place->what[len - 1] != '.')
            memcpy(place->what + (len < sizeof place->what - 4 ? len : sizeof place->what - 4),
                   "...", 4);
    }
    place->signatures |= owner;
}
