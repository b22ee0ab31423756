// SPDX-License-Identifier: Apache-2.0
// See point_grew.h. The places of two points are compared by disk and name: the best reason is
// one that is copied whole now and was not before; otherwise it is where most of the growth lies.
// In a first run everything is new, so that it is no measure for the new data of the second one.
#include "replica/points/grew.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/state/text.h"

enum { LEAST = 1024 * 1024 };

struct comparison {
    const struct bf_point *now;
    struct bf_point *before;
    struct bf_place_row *place, *old; // of each
    size_t places, olds;
    int after_first; // the point before is the first
};

// New data of all disks, -1 when it is not known of one.
static int64_t new_data(const struct bf_point *p)
{
    int64_t sum = 0;

    for (uint16_t i = 0; i < p->disks; i++) {
        if (p->disk[i].new_bytes < 0)
            return -1;
        sum += p->disk[i].new_bytes;
    }
    return sum;
}

static const struct bf_place_row *old_of(const struct comparison *x, const struct bf_place_row *p)
{
    for (size_t i = 0; i < x->olds; i++)
        if (x->old[i].disk == p->disk && strcmp(x->old[i].name, p->name) == 0)
            return &x->old[i];
    return NULL;
}

// How much more new data came of the place than the last time; 0 when that cannot be told.
static int64_t growth(const struct comparison *x, const struct bf_place_row *p)
{
    const struct bf_place_row *old = old_of(x, p);

    int64_t usual = !old || x->after_first ? 0 : old->new_bytes;

    return usual < 0 || p->new_bytes <= usual ? 0 : p->new_bytes - usual;
}

static int is_whole_now(const struct comparison *x, const struct bf_place_row *p)
{
    const struct bf_place_row *old = old_of(x, p);

    return p->why[0] && old && !old->why[0];
}

// The one with the largest growth; of those that come near it the smallest: a volume rather than
// the partition that it lies in.
static const struct bf_place_row *largest(const struct comparison *x, int whole_now)
{
    const struct bf_place_row *best = NULL;
    int64_t most = 0;

    for (size_t i = 0; i < x->places; i++)
        if ((!whole_now || is_whole_now(x, &x->place[i])) && growth(x, &x->place[i]) > most)
            most = growth(x, &x->place[i]);
    for (size_t i = 0; most && i < x->places; i++)
        if ((!whole_now || is_whole_now(x, &x->place[i])) &&
            growth(x, &x->place[i]) >= most - most / 8 &&
            (!best || x->place[i].bytes < best->bytes))
            best = &x->place[i];
    return best;
}

static const struct bf_point_disk *disk_of(const struct bf_point *p, uint16_t number)
{
    for (uint16_t i = 0; i < p->disks; i++)
        if (p->disk[i].disk == number)
            return &p->disk[i];
    return NULL;
}

static void tell_disk(const struct comparison *x, char *out, size_t size)
{
    const struct bf_point_disk *best = NULL;
    int64_t most = -1;

    for (uint16_t i = 0; i < x->now->disks; i++) {
        const struct bf_point_disk *d = &x->now->disk[i], *old = disk_of(x->before, d->disk);
        int64_t more = d->new_bytes - (old && !x->after_first ? old->new_bytes : 0);
        if (more > most) {
            most = more;
            best = d;
        }
    }
    if (best)
        bf_snprintf(out, size,
                    disk_of(x->before, best->disk) ? "most of it is on disk %u" : "disk %u is new",
                    best->disk);
}

static void tell_place(const struct comparison *x, const struct bf_place_row *p, char *out,
                       size_t size)
{
    char more[BF_BYTES_TEXT];

    BF_ASSERT(growth(x, p) > 0);
    bf_bytes_text((uint64_t)growth(x, p), more);
    if (is_whole_now(x, p))
        bf_snprintf(out, size, "disk %u, %s (%s) is now copied whole (%s): %s more", p->disk,
                    p->name, p->what, p->why, more);
    else
        bf_snprintf(out, size, "disk %u, %s (%s) has %s more", p->disk, p->name, p->what, more);
}

static int64_t all_data(const struct bf_point *p)
{
    int64_t sum = 0;

    for (uint16_t i = 0; i < p->disks; i++)
        sum += (int64_t)p->disk[i].data_bytes;
    return sum;
}

static void tell_reason(const struct comparison *x, int64_t more, char *out, size_t size)
{
    const struct bf_place_row *place = largest(x, 1);

    if (!place)
        place = largest(x, 0);
    // A place that is a small part of it explains nothing.
    if (place && growth(x, place) >= more / 2)
        tell_place(x, place, out, size);
    else
        tell_disk(x, out, size);
}

static int tell(const struct comparison *x, char *out, size_t size)
{
    char now[BF_BYTES_TEXT], before[BF_BYTES_TEXT], reason[320] = "", usual[64] = "";
    int64_t a = new_data(x->now), b = new_data(x->before), more = a - b;

    BF_ASSERT(x->before->number + 1 == x->now->number);
    BF_ASSERT(x->after_first == (x->before->number == 1));
    if (x->after_first)
        more = all_data(x->now) - all_data(x->before);
    if (a < 0 || b < 0 || more < LEAST)
        return 0;
    tell_reason(x, more, reason, sizeof reason);
    if (!x->after_first)
        bf_snprintf(usual, sizeof usual, ", after %s in the run before",
                    bf_bytes_text((uint64_t)b, before));
    bf_snprintf(out, size, "%s of new data%s: %s", bf_bytes_text((uint64_t)a, now), usual, reason);
    return 1;
}

int bf_point_grew(struct bf_db *db, const struct bf_point *point, char *out, size_t size)
{
    struct comparison x = {
        .now = point, .before = calloc(1, sizeof *x.before), .after_first = point->number == 2};
    int grew = 0;

    if (x.before && point->number > 1 &&
        !bf_db_point_get(db, point->machine, point->number - 1, x.before) &&
        !bf_db_place_list(db, point->session, &x.place, &x.places) &&
        !bf_db_place_list(db, x.before->session, &x.old, &x.olds))
        grew = tell(&x, out, size);
    free(x.place);
    free(x.old);
    free(x.before);
    return grew;
}
