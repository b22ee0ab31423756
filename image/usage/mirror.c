// SPDX-License-Identifier: Apache-2.0
// Mirrors for the maps: equal sides stay equal on the copy. What is read through one side is
// compared with all others, so that every side has the same map or none at all; and what is left
// out is left out in blocks that are whole chunks on the disk of every side, at the same time.
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "image/manifest.h"
#include "image/usage/parts.h"

enum { COMPARED = 1024, DISK_ENDS = 1024 * 1024 };

struct bf_mirror {
    struct bf_leg side[BF_MIRROR_SIDES];
    uint32_t sides;
    uint32_t differs; // how often they were found to
};

static struct bf_mirror *mirror_of(const struct bf_peek *p, const struct bf_leg *leg)
{
    return leg->mirror && leg->mirror <= p->mirrors ? &p->mirror[leg->mirror - 1] : NULL;
}

// The side of a mirror that a leg belongs to, NULL: none.
static const struct bf_leg *side_of(const struct bf_mirror *m, const struct bf_leg *leg)
{
    for (uint32_t i = 0; i < m->sides; i++)
        if (m->side[i].disk == leg->disk)
            return &m->side[i];
    return NULL;
}

enum bf_err bf_mirror_add(struct bf_peek *p, const struct bf_leg *side, uint32_t sides,
                          uint32_t *mirror)
{
    struct bf_mirror *m = bf_usage_grow(p->mirror, p->mirrors, &p->mirror_room, sizeof *m);
    if (!m)
        return BF_ERR_NO_MEMORY;
    p->mirror = m;
    if (!sides || sides > BF_MIRROR_SIDES)
        return BF_ERR_UNSUPPORTED;
    m += p->mirrors;
    memset(m, 0, sizeof *m);
    m->sides = sides;
    memcpy(m->side, side, sides * sizeof *side);
    *mirror = ++p->mirrors;
    return BF_OK;
}

void bf_mirrors_forget(struct bf_peek *p)
{
    bf_free(p->mirror);
    p->mirror = NULL;
    p->mirrors = p->mirror_room = 0;
}

static void tell(struct bf_mirror *m, const struct bf_leg *side, uint64_t at)
{
    if (!m->differs++)
        bf_log(BF_LOG_WARNING,
               "the sides of a mirror differ near byte %llu of disk %u: what depends on it is "
               "copied whole",
               (unsigned long long)at, side->disk);
}

enum bf_err bf_mirror_compare(struct bf_peek *p, const struct bf_leg *leg, uint64_t within,
                              const void *bytes, size_t len)
{
    struct bf_mirror *m = mirror_of(p, leg);
    const struct bf_leg *self = m ? side_of(m, leg) : NULL;
    const uint8_t *is = bytes;
    uint8_t other[COMPARED];
    for (uint32_t i = 0; self && i < m->sides; i++) {
        uint64_t at = m->side[i].first + (leg->first - self->first) + within;
        for (size_t done = 0, part; &m->side[i] != self && done < len; done += part) {
            part = len - done < sizeof other ? len - done : sizeof other;
            enum bf_err err = bf_peek_read(p, m->side[i].disk, at + done, other, part);
            if (!err && memcmp(other, is + done, part) != 0) {
                p->errors++;
                err = BF_ERR_CORRUPT;
                tell(m, &m->side[i], at + done);
            }
            if (err)
                return err;
        }
    }
    return BF_OK;
}

// ---- Blocks of all sides -----------------------------------------------------------------------

static uint64_t largest_chunk(const struct bf_peek *p, const struct bf_leg *side, uint32_t sides)
{
    uint64_t largest = 0;
    for (uint32_t i = 0; i < sides; i++) {
        uint32_t chunk = bf_geometry_default_chunk(bf_source_bytes(p->disk[side[i].disk]));
        largest = chunk > largest ? chunk : largest;
    }
    return largest;
}

int bf_mirror_aligned(const struct bf_peek *p, const struct bf_leg *side, uint32_t sides)
{
    uint64_t grain = largest_chunk(p, side, sides);
    for (uint32_t i = 1; i < sides; i++)
        if (side[i].first % grain != side[0].first % grain)
            return 0;
    return 1;
}

uint64_t bf_mirror_grain(const struct bf_peek *p, const struct bf_leg *leg)
{
    const struct bf_mirror *m = mirror_of(p, leg);
    return m ? largest_chunk(p, m->side, m->sides) : 0;
}

void bf_mirror_limits(const struct bf_peek *p, const struct bf_leg *leg, uint64_t *low,
                      uint64_t *high)
{
    const struct bf_mirror *m = mirror_of(p, leg);
    const struct bf_leg *self = m ? side_of(m, leg) : NULL;
    for (uint32_t i = 0; self && i < m->sides; i++) {
        uint64_t bytes = bf_source_bytes(p->disk[m->side[i].disk]);
        uint64_t end = bytes < DISK_ENDS ? 0 : bytes - DISK_ENDS, first = m->side[i].first;
        uint64_t from = first < DISK_ENDS ? self->first + (DISK_ENDS - first) : self->first;
        uint64_t to = end < first ? self->first : self->first + (end - first);
        *low = from > *low ? from : *low;
        *high = to < *high ? to : *high;
    }
}
