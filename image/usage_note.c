// SPDX-License-Identifier: Apache-2.0
// What lies on a disk and which way each place goes: a line in the log, and a note that the sender
// passes on to the server.
#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "image/usage_parts.h"

enum { NOTES_MAX = 4096 };

struct entry {
    struct bf_usage_note note;
    struct bf_usage_span *span;
    char name[BF_PLACE_NAME], what[BF_PLACE_WHAT], why[128];
};

struct bf_usage_notes {
    uint32_t disk;
    struct entry **entry; // each stays where it is, since its note points into it
    uint32_t count, room;
};

struct bf_usage_notes *bf_usage_notes_new(uint32_t disk)
{
    struct bf_usage_notes *n = bf_alloc(sizeof *n);
    if (n)
        n->disk = disk;
    return n;
}

void bf_usage_notes_free(struct bf_usage_notes *notes)
{
    if (!notes)
        return;
    for (uint32_t i = 0; i < notes->count; i++) {
        bf_free(notes->entry[i]->span);
        bf_free(notes->entry[i]);
    }
    bf_free(notes->entry);
    bf_free(notes);
}

int bf_usage_notes_has(const struct bf_usage_notes *notes, const char *name)
{
    for (uint32_t i = 0; i < notes->count; i++)
        if (strcmp(notes->entry[i]->name, name) == 0)
            return 1;
    return 0;
}

uint32_t bf_usage_notes_count(const struct bf_usage_notes *notes)
{
    return notes ? notes->count : 0;
}

const struct bf_usage_note *bf_usage_notes_at(const struct bf_usage_notes *notes, uint32_t i)
{
    return &notes->entry[i]->note;
}

// ---- Adding ------------------------------------------------------------------------------------

static uint32_t legs_of(const struct bf_usage_place *place)
{
    uint32_t legs = 0;
    for (uint32_t i = 0; i < place->segments; i++)
        legs += place->segment[i].legs;
    return legs;
}

// Those parts of a place that lie on the disk.
static void list_spans(const struct bf_usage_place *place, uint32_t disk, struct entry *e)
{
    uint32_t room = legs_of(place);
    room = room < BF_USAGE_NOTE_SPANS ? room : BF_USAGE_NOTE_SPANS;
    e->span = room ? bf_alloc(room * sizeof *e->span) : NULL;
    if (!e->span)
        return;
    for (uint32_t i = 0; i < place->segments; i++)
        for (uint32_t k = 0; k < place->segment[i].legs; k++) {
            const struct bf_segment *s = &place->segment[i];
            const struct bf_leg *leg = &place->leg[s->leg + k];
            if (leg->disk == disk && e->note.spans < room)
                e->span[e->note.spans++] = (struct bf_usage_span){leg->first, s->bytes / s->legs};
        }
    e->note.span = e->span;
}

static void add(struct bf_usage_notes *notes, const struct bf_usage_place *place, const char *what,
                const char *why)
{
    struct entry **more, *e;
    if (notes->count == NOTES_MAX)
        return;
    more = bf_usage_grow(notes->entry, notes->count, &notes->room, sizeof(struct entry *));
    if (!more)
        return;
    notes->entry = more;
    e = bf_alloc(sizeof *e);
    if (!e)
        return;
    bf_snprintf(e->name, sizeof e->name, "%s", place->name);
    bf_snprintf(e->what, sizeof e->what, "%s", what);
    bf_snprintf(e->why, sizeof e->why, "%s", why ? why : "");
    e->note = (struct bf_usage_note){.name = e->name, .what = e->what, .why = why ? e->why : NULL};
    list_spans(place, notes->disk, e);
    notes->entry[notes->count++] = e;
}

void bf_place_tell(const struct bf_usage_place *place, const char *what, const char *why)
{
    char disk[24] = ""; // a volume has a name of its own, and may lie on several disks
    if (place->peek->notes)
        add(place->peek->notes, place, what, why);
    if (place->segments == 1 && place->segment->legs == 1)
        bf_snprintf(disk, sizeof disk, "disk %u, ", place->leg[place->segment->leg].disk);
    if (why)
        bf_log(BF_LOG_INFO, "%s%s: %s, copied whole: %s", disk, place->name, what, why);
    else
        bf_log(BF_LOG_INFO, "%s%s: %s, only what is used is copied", disk, place->name, what);
}
