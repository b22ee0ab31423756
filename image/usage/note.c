// SPDX-License-Identifier: Apache-2.0
// What lies on a disk and which way each place goes: a line in the log, and a note that the sender
// passes on to the server.
#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "image/usage/parts.h"

enum {
    NOTES_MAX = 4096,
    LINES_MAX = 200, // in the log, of each disk: a serial port takes its time for each
};

struct entry {
    struct bf_usage_note note;
    struct bf_usage_span *span;
    char name[BF_PLACE_NAME], what[BF_PLACE_WHAT], why[128];
    uint8_t changed;
};

struct bf_usage_notes {
    uint32_t disk;
    struct entry **entry; // each stays where it is, since its note points into it
    uint32_t count, room;
    uint32_t lines;   // in the log
    uint32_t changed; // how many of them
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

static uint32_t find(const struct bf_usage_notes *notes, const char *name)
{
    uint32_t i = 0;
    while (i < notes->count && strcmp(notes->entry[i]->name, name) != 0)
        i++;
    return i;
}

// When there is room for no more, what is not noted never will be.
int bf_usage_notes_has(const struct bf_usage_notes *notes, const char *name)
{
    return notes->count == NOTES_MAX || find(notes, name) < notes->count;
}

uint32_t bf_usage_notes_take_changed(struct bf_usage_notes *notes)
{
    uint32_t i = 0;
    if (!notes->changed)
        return UINT32_MAX;
    while (!notes->entry[i]->changed)
        i++;
    notes->entry[i]->changed = 0;
    notes->changed--;
    return i;
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

// Whether there is still room in the log for a line about this disk; the last one says that it is
// the last.
static int has_line(struct bf_usage_notes *notes)
{
    if (!notes || notes->lines < LINES_MAX)
        return !notes || ++notes->lines;
    if (notes->lines++ == LINES_MAX)
        bf_log(BF_LOG_INFO, "disk %u: `bootferry points` lists what else is on it", notes->disk);
    return 0;
}

void bf_place_report(const struct bf_usage_place *place, const char *what, const char *why)
{
    char disk[24] = ""; // a volume has a name of its own, and may lie on several disks
    if (place->peek->notes)
        add(place->peek->notes, place, what, why);
    if (!has_line(place->peek->notes))
        return;
    if (place->segments == 1 && place->segment->legs == 1)
        bf_snprintf(disk, sizeof disk, "disk %u, ", place->leg[place->segment->leg].disk);
    if (why)
        bf_log(BF_LOG_INFO, "%s%s: %s, copied whole: %s", disk, place->name, what, why);
    else
        bf_log(BF_LOG_INFO, "%s%s: %s, only what is used is copied", disk, place->name, what);
}

// What says it already says something else then.
void bf_places_refuse(struct bf_place_list *list, uint32_t signature, uint32_t disk,
                      const char *what, const char *why)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct bf_usage_place *p = &list->place[i];
        struct bf_usage_notes *notes = p->peek->notes;
        uint32_t told = notes ? find(notes, p->name) : 0;
        if (!notes || !(p->signatures & signature) || !bf_place_lies_on(p, disk))
            continue;
        if (told == notes->count) {
            bf_place_report(p, what, why);
            continue;
        }
        bf_snprintf(notes->entry[told]->why, sizeof notes->entry[told]->why, "%s", why);
        notes->entry[told]->note.why = notes->entry[told]->why;
    }
}

void bf_place_report_rest(const struct bf_usage_place *place, const char *what, const char *why)
{
    struct bf_usage_notes *notes = place->peek->notes;
    uint32_t i = find(notes, place->name);
    bf_log(BF_LOG_WARNING, "%s: %s, the rest is copied whole: %s", place->name, what, why);
    if (i == notes->count)
        return;
    bf_snprintf(notes->entry[i]->why, sizeof notes->entry[i]->why, "the rest, since %s", why);
    notes->entry[i]->note.why = notes->entry[i]->why;
    notes->changed += !notes->entry[i]->changed;
    notes->entry[i]->changed = 1;
}
