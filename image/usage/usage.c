// SPDX-License-Identifier: Apache-2.0
// The map of a disk: which places have something on it, who may claim them, and the answers of all
// of them in one. A place answers in its own space; its segments say which part of it lies where on
// the disk. What nobody claims is used; so are, where there is a partition table, the beginning and
// the end of the disk, where tables and loaders live.
#include "image/usage/usage.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "image/usage/choice.h"
#include "image/usage/parts.h"

enum {
    TABLE_MARGIN = 1024 * 1024,
    NO_MAP = BF_SIGNATURE_OTHER | BF_SIGNATURE_ISO9660 | BF_SIGNATURE_COVER,
};
static const uint32_t NONE = UINT32_MAX;

// Of work: the map of one place, until it is ready; the maps of all places of a disk; and what the
// answers of one map, and of all maps of a disk, may take beyond a byte for each byte of the disk
// that they are about, so that a map never takes longer than reading what it is of.
static const uint64_t map_work = 1024ull * BF_WORK_MIB, maps_work = 2048ull * BF_WORK_MIB,
                      answer_work = 512ull * BF_WORK_MIB, answers_work = 2048ull * BF_WORK_MIB;

// A contiguous part of the disk that belongs to one leg of one segment of a place.
struct area {
    uint64_t first, bytes;
    uint32_t map, segment, leg;
};

struct bf_usage {
    struct bf_peek peek;
    struct bf_usage_table table[BF_USAGE_DISKS_MAX];
    struct bf_place_list list;
    uint32_t scanned; // of the list: what lies on the disks themselves; volumes come behind

    // Of the disk that is selected.
    uint32_t disk; // NONE: all used
    uint64_t bytes;
    struct bf_usage_map *map;
    uint32_t maps, map_room;
    struct area *area; // in order, without overlaps
    uint32_t areas, area_room;
    uint64_t first, end; // the last answer: [first, end) of one kind
    int unused;
    uint64_t maps_left, answers_left;     // of work
    uint64_t covered_here, covered_there; // the least that checksums on this disk, and on others,
                                          // cover; UINT64_MAX: there are none
};

// ---- Who claims what ---------------------------------------------------------------------------

static const struct {
    uint32_t signature;
    enum bf_err (*look)(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
} kinds[] = {
    {BF_SIGNATURE_EXT, bf_usage_ext},     {BF_SIGNATURE_BTRFS, bf_usage_btrfs},
    {BF_SIGNATURE_SWAP, bf_usage_swap},   {BF_SIGNATURE_FAT, bf_usage_fat},
    {BF_SIGNATURE_XFS, bf_usage_xfs},     {BF_SIGNATURE_NTFS, bf_usage_ntfs},
    {BF_SIGNATURE_EXFAT, bf_usage_exfat}, {BF_SIGNATURE_F2FS, bf_usage_f2fs},
    {BF_SIGNATURE_LUKS, bf_usage_luks},   {BF_SIGNATURE_UNALLOCATED, bf_usage_unallocated},
};

static int add_area(struct bf_usage *u, const struct area *area)
{
    struct area *more = bf_usage_grow(u->area, u->areas, &u->area_room, sizeof *more);
    if (!more)
        return 0;
    u->area = more;
    u->area[u->areas++] = *area;
    return 1;
}

// All parts of a place that lie on the disk. 0 without memory.
static int add_areas(struct bf_usage *u, const struct bf_usage_place *p, uint32_t map)
{
    for (uint32_t i = 0; i < p->segments; i++)
        for (uint32_t k = 0; k < p->segment[i].legs; k++) {
            const struct bf_leg *leg = &p->leg[p->segment[i].leg + k];
            struct area a = {leg->first, p->segment[i].bytes / p->segment[i].legs, map, i, k};
            if (leg->disk == u->disk && !add_area(u, &a))
                return 0;
        }
    return 1;
}

// Takes a map that was found. 0 without memory; it is released then.
static int add_map(struct bf_usage *u, const struct bf_usage_place *place)
{
    uint32_t areas = u->areas;
    if (add_areas(u, place, u->maps)) {
        u->maps++;
        return 1;
    }
    u->areas = areas;
    bf_free(u->map[u->maps].impl);
    return 0;
}

// Whether part of a place lies within another one, on the disk that is selected.
static int lies_in(const struct bf_usage *u, const struct bf_usage_place *place,
                   const struct bf_usage_place *in)
{
    for (uint32_t k = 0; k < place->segments && in->leg->disk == u->disk; k++)
        for (uint32_t n = 0; n < place->segment[k].legs; n++) {
            const struct bf_leg *leg = &place->leg[place->segment[k].leg + n];
            if (leg->disk == u->disk && leg->first >= in->leg->first &&
                leg->first - in->leg->first < in->bytes)
                return 1;
        }
    return 0;
}

// The largest thing that holds a part of a place: itself, or the partition or disk below it.
static uint64_t holder_bytes(struct bf_usage *u, const struct bf_usage_place *place)
{
    uint64_t most = place->bytes;
    for (uint32_t i = 0; i < u->scanned; i++) {
        const struct bf_usage_place *in = &u->list.place[i];
        if (in->bytes <= most || in->leg->disk != u->disk)
            continue;
        if (!bf_work_spend(&u->peek.work, place->segments * sizeof *place->segment))
            return UINT64_MAX;
        most = lies_in(u, place, in) ? in->bytes : most;
    }
    return most;
}

static void find_covers(struct bf_usage *u)
{
    u->covered_here = u->covered_there = UINT64_MAX;
    for (uint32_t i = 0; i < u->list.count; i++) {
        const struct bf_usage_place *p = &u->list.place[i];
        uint64_t *least = bf_place_lies_on(p, u->disk) ? &u->covered_here : &u->covered_there;
        if (p->signatures & BF_SIGNATURE_COVER && p->covers < *least)
            *least = p->covers;
    }
}

// Checksums of dm-verity or dm-integrity, somewhere on the machine, that may be about this place or
// what holds it: they speak about free blocks as well. They do not say which device they are of,
// only how large it is; a disk holds no checksums of all of itself.
static int is_covered(struct bf_usage *u, const struct bf_usage_place *place)
{
    if (place->signatures == BF_SIGNATURE_SWAP)
        return 0;
    return u->covered_there <= u->bytes ||
           (u->covered_here <= u->bytes && u->covered_here <= holder_bytes(u, place));
}

// Why a place has no map, as far as that can be told without one of the kinds.
static const char *why_none(struct bf_usage *u, const struct bf_usage_place *place)
{
    if (place->doubt)
        return place->doubt;
    if (u->table[u->disk].state == BF_TABLE_DOUBTED)
        return u->table[u->disk].why;
    if (strchr(place->what, ','))
        return "it has signatures of more than one format";
    if (is_covered(u, place) && !(place->signatures & BF_SIGNATURE_COVER))
        return "checksums of dm-verity or dm-integrity may cover it";
    return NULL;
}

// A volume is wanted whole with any partition that it lies in.
static const char *wanted_whole(const struct bf_usage *u, const struct bf_usage_place *place)
{
    for (uint32_t i = 0; !place->wanted_whole && i < u->scanned; i++)
        if (u->list.place[i].wanted_whole && lies_in(u, place, &u->list.place[i]))
            return u->list.place[i].wanted_whole;
    return place->wanted_whole;
}

// One owner and no other: then it is asked for its map. Fails, with the reason, when that takes too
// much work, whatever the owner has answered.
static enum bf_err ask_owner(struct bf_usage *u, struct bf_usage_map *map, uint32_t kind,
                             char why[BF_USAGE_WHY])
{
    struct bf_work *work = &u->peek.work;
    uint64_t budget = u->maps_left < map_work ? u->maps_left : map_work;
    enum bf_usage_step step = budget < map_work ? BF_STEP_MAPS : BF_STEP_MAP;
    enum bf_err err;
    bf_work_begin(work, step, u->disk, map->place.name, budget);
    err = kinds[kind].look(map, why);
    u->maps_left -= budget - work->now.left;
    if (step == BF_STEP_MAPS)
        work->now.limit = maps_work;
    if (!bf_work_is_over(work))
        return err;
    if (!err)
        bf_free(map->impl);
    if (!map->name[0])
        bf_snprintf(map->name, sizeof map->name, "%s", map->place.what);
    bf_snprintf(why, BF_USAGE_WHY, "%s", bf_work_why(work));
    return BF_ERR_UNSUPPORTED;
}

// 0: it has none, for a reason that may already be noted.
static int claim_kind(struct bf_usage *u, const struct bf_usage_place *place, uint32_t kind)
{
    struct bf_usage_map *map = bf_usage_grow(u->map, u->maps, &u->map_room, sizeof *map);
    char why[BF_USAGE_WHY] = "";
    if (!map)
        return 0;
    u->map = map;
    map += u->maps;
    memset(map, 0, sizeof *map);
    map->place = *place;
    map->left = answer_work;
    enum bf_err err = ask_owner(u, map, kind, why);
    if (err == BF_OK && !add_map(u, place))
        err = BF_ERR_NO_MEMORY;
    if ((err == BF_OK || err == BF_ERR_UNSUPPORTED) && map->name[0])
        bf_place_report(place, map->name, err ? why : NULL);
    return err == BF_OK;
}

static void claim(struct bf_usage *u, const struct bf_usage_place *place)
{
    const char *why = why_none(u, place);
    if (!why)
        why = wanted_whole(u, place);
    for (uint32_t i = 0; !why && i < BF_COUNT(kinds); i++)
        if (place->signatures == kinds[i].signature && claim_kind(u, place, i))
            return;
    if (bf_usage_notes_has(u->peek.notes, place->name))
        return;
    if (!why && !place->signatures)
        why = "no file system is recognised";
    if (!why)
        why = place->signatures & NO_MAP ? "unused blocks are not recognised in this format"
                                         : "it is damaged or not complete";
    bf_place_report(place, place->what[0] ? place->what : "unknown", why);
}

// ---- The disks, and one of them ----------------------------------------------------------------

static int lies_before(const void *a, const void *b)
{
    return ((const struct area *)a)->first < ((const struct area *)b)->first;
}

static int areas_fit(const struct bf_usage *u)
{
    for (uint32_t i = 0; i < u->areas; i++) {
        const struct area *a = &u->area[i];
        if (a->first > u->bytes || a->bytes > u->bytes - a->first ||
            (i && a->first - a[-1].first < a[-1].bytes))
            return 0;
    }
    return 1;
}

// A hibernated system will go on with what it has in memory, whatever its file systems look like
// now: nothing of any of its disks is left out.
static const struct bf_usage_place *hibernated(const struct bf_usage *u)
{
    for (uint32_t i = 0; i < u->list.count; i++)
        if (u->list.place[i].signatures & BF_SIGNATURE_HIBERNATION)
            return &u->list.place[i];
    return NULL;
}

static void deselect(struct bf_usage *u)
{
    for (uint32_t i = 0; i < u->maps; i++)
        bf_free(u->map[i].impl);
    bf_usage_notes_free(u->peek.notes);
    u->peek.notes = NULL;
    u->peek.scratch_owner = NULL; // the next map may have the same address
    u->maps = u->areas = 0;
    u->disk = NONE;
    u->first = u->end = 0;
}

// Volumes are made anew for each disk: the sides of a mirror differ in which of them is looked at.
static enum bf_err find_volumes(struct bf_usage *u)
{
    bf_place_list_cut(&u->list, u->scanned);
    enum bf_err err = bf_usage_md(&u->peek, &u->list, u->disk);
    if (!err)
        err = bf_usage_lvm(&u->peek, &u->list, u->disk);
    for (uint32_t i = u->scanned; !err && i < u->list.count; i++)
        err = bf_place_cover(&u->list.place[i]);
    u->peek.place = u->list.place;
    u->peek.places = u->list.count;
    return err;
}

// Every place of the disk goes into the notes with the same reason.
static void copy_whole(struct bf_usage *u, const char *why)
{
    u->areas = 0;
    for (uint32_t i = 0; i < u->list.count; i++) {
        const struct bf_usage_place *p = &u->list.place[i];
        if (bf_place_lies_on(p, u->disk) && !bf_usage_notes_has(u->peek.notes, p->name))
            bf_place_report(p, p->what[0] ? p->what : "unknown", why);
    }
}

static int is_listed(const struct bf_usage *u, const struct bf_usage_place *p)
{
    return bf_place_lies_on(p, u->disk) || (!p->segments && p->number && p->leg->disk == u->disk);
}

static void look(struct bf_usage *u)
{
    char why[160];
    const struct bf_usage_place *asleep;
    if (find_volumes(u)) {
        bf_log(BF_LOG_WARNING, "the contents of disk %u cannot be determined: it is copied whole",
               u->disk);
        return;
    }
    u->maps_left = maps_work;
    u->answers_left = answers_work;
    bf_work_begin(&u->peek.work, BF_STEP_MAPS, u->disk, "", maps_work);
    find_covers(u);
    asleep = hibernated(u);
    if (asleep) {
        bf_log(BF_LOG_INFO, "a hibernated system is on %s of disk %u: every disk is copied whole",
               asleep->name, asleep->leg->disk);
        bf_snprintf(why, sizeof why, "a hibernated system is on %s of disk %u", asleep->name,
                    asleep->leg->disk);
        copy_whole(u, why);
        return;
    }
    if (u->table[u->disk].state == BF_TABLE_DOUBTED)
        bf_log(BF_LOG_INFO, "disk %u: %s: it is copied whole", u->disk, u->table[u->disk].why);
    for (uint32_t i = 0; i < u->list.count; i++)
        if (is_listed(u, &u->list.place[i]))
            claim(u, &u->list.place[i]);
    bf_usage_sort(u->area, u->areas, sizeof *u->area, lies_before);
    if (!areas_fit(u)) {
        bf_log(BF_LOG_WARNING, "disk %u: its volumes overlap: it is copied whole", u->disk);
        bf_usage_notes_free(u->peek.notes);
        u->peek.notes = bf_usage_notes_new(u->disk);
        if (u->peek.notes)
            copy_whole(u, "the volumes of the disk overlap");
        u->areas = 0;
    }
}

void bf_usage_choose(struct bf_usage *u, struct bf_usage_choice *choice)
{
    if (!u) {
        memset(choice->met, 1, sizeof choice->met);
        return;
    }
    for (uint32_t i = 0; i < u->scanned; i++) {
        static const uint8_t none[16];
        struct bf_usage_place *p = &u->list.place[i];
        p->wanted_whole =
            bf_usage_choice_whole(choice, &u->peek.disk[p->leg->disk]->identity, p->number,
                                  memcmp(p->guid, none, sizeof none) ? p->guid : NULL);
    }
}

void bf_usage_select(struct bf_usage *u, const struct bf_source_disk *disk)
{
    if (!u)
        return;
    deselect(u);
    for (uint32_t i = 0; i < u->peek.disks && u->disk == NONE; i++)
        if (disk && u->peek.disk[i] == disk)
            u->disk = i;
    if (u->disk == NONE)
        return;
    u->bytes = bf_source_bytes(disk);
    u->peek.notes = bf_usage_notes_new(u->disk);
    if (u->peek.notes)
        look(u);
}

uint32_t bf_usage_notes(const struct bf_usage *u)
{
    return u ? bf_usage_notes_count(u->peek.notes) : 0;
}

const struct bf_usage_note *bf_usage_note(const struct bf_usage *u, uint32_t i)
{
    return bf_usage_notes_at(u->peek.notes, i);
}

static struct bf_usage *open_all(struct bf_source_disk *const *disk, uint32_t disks,
                                 const struct bf_usage_watch *watch)
{
    struct bf_usage *u = disks <= BF_USAGE_DISKS_MAX ? bf_alloc(sizeof *u) : NULL;
    if (!u)
        return NULL;
    u->disk = NONE;
    if (bf_peek_init(&u->peek, disk, disks) == BF_OK) {
        u->peek.work.watch = watch;
        if (bf_usage_scan(&u->peek, &u->list, u->table) == BF_OK) {
            u->scanned = u->list.count;
            return u;
        }
    }
    bf_usage_free(u);
    return NULL;
}

struct bf_usage *bf_usage_open(struct bf_source_disk *const *disk, uint32_t disks,
                               const struct bf_usage_watch *watch)
{
    struct bf_usage *u = open_all(disk, disks, watch);
    if (!u)
        bf_log(BF_LOG_WARNING,
               "the contents of the disks cannot be determined: they are copied whole");
    return u;
}

void bf_usage_free(struct bf_usage *u)
{
    if (!u)
        return;
    deselect(u);
    bf_free(u->map);
    bf_free(u->area);
    bf_place_list_cut(&u->list, 0);
    for (uint32_t i = 0; i < BF_USAGE_DISKS_MAX; i++)
        bf_usage_table_free(&u->table[i]);
    bf_peek_free(&u->peek);
    bf_free(u);
}

uint32_t bf_usage_notes_changed(struct bf_usage *u)
{
    return u && u->peek.notes ? bf_usage_notes_take_changed(u->peek.notes) : UINT32_MAX;
}

uint64_t bf_usage_work(const struct bf_usage *u)
{
    return u ? u->peek.work.total : 0;
}

uint64_t bf_usage_hibernated(struct bf_source_disk *const *disk, uint32_t disks,
                             const struct bf_usage_watch *watch)
{
    struct bf_usage *u = open_all(disk, disks, watch);
    uint64_t found = 0;
    if (u && find_volumes(u) == BF_OK)
        for (uint32_t i = 0; i < u->list.count; i++)
            for (uint32_t k = 0; k < disks; k++)
                if (u->list.place[i].signatures & BF_SIGNATURE_HIBERNATION &&
                    bf_place_lies_on(&u->list.place[i], k))
                    found |= 1ull << k;
    bf_usage_free(u);
    return found;
}

// ---- Answers -----------------------------------------------------------------------------------

// Where byte `at` of a leg is in the place.
static uint64_t in_place(const struct bf_segment *s, uint32_t leg, uint64_t at)
{
    if (s->legs == 1)
        return s->at + at;
    return s->at + (at / s->stripe_bytes * s->legs + leg) * s->stripe_bytes + at % s->stripe_bytes;
}

// How much of a leg lies in front of byte `end` of the place.
static uint64_t in_leg(const struct bf_segment *s, uint32_t leg, uint64_t end)
{
    uint64_t within = end - s->at < s->bytes ? end - s->at : s->bytes, row, rest, skip;
    if (s->legs == 1)
        return within;
    row = s->stripe_bytes * s->legs;
    rest = within % row;
    skip = leg * s->stripe_bytes;
    rest = rest < skip ? 0 : rest - skip < s->stripe_bytes ? rest - skip : s->stripe_bytes;
    return within / row * s->stripe_bytes + rest;
}

// Bytes of the disk are answered for: as much work as they would be to read is allowed.
static void allow(uint64_t *left, uint64_t bytes, uint64_t most)
{
    *left = bytes < most - *left ? *left + bytes : most;
}

// What a map is asked counts as work of its own and of the disk's. One that takes too much is asked
// nothing more.
static int ask_within(struct bf_usage *u, struct bf_usage_map *m, uint64_t from, uint64_t *to)
{
    struct bf_work *work = &u->peek.work;
    uint64_t errors = u->peek.errors;
    uint64_t budget = m->left < u->answers_left ? m->left : u->answers_left;
    int unused;
    bf_work_begin(work, BF_STEP_ANSWER, u->disk, m->place.name, budget);
    unused = m->ops->extent(m->impl, from, to);
    m->left -= budget - work->now.left;
    u->answers_left -= budget - work->now.left;
    if (bf_work_is_over(work)) {
        work->now.limit = answer_work;
        m->spent = 1;
        bf_place_report_rest(&m->place, m->name, bf_work_why(work));
    }
    return unused && u->peek.errors == errors && !m->spent;
}

// An answer within one area. What is contiguous in a stripe is so in the leg as long as the other
// legs' stripes between are of the same kind, as they are within one answer.
static int ask_map(struct bf_usage *u, const struct area *a, uint64_t at, uint64_t *end)
{
    struct bf_usage_map *m = &u->map[a->map];
    const struct bf_segment *s = &m->place.segment[a->segment];
    uint64_t from = in_place(s, a->leg, at - a->first), to = m->place.bytes;
    int unused;
    if (m->spent) {
        *end = a->first + a->bytes;
        return 0;
    }
    unused = ask_within(u, m, from, &to);
    if (to <= from || to > m->place.bytes)
        to = m->place.bytes;
    *end = a->first + in_leg(s, a->leg, to);
    allow(&m->left, *end - at, answer_work);
    allow(&u->answers_left, *end - at, answers_work);
    return unused;
}

// The same of a mirrored area, where only blocks that are whole chunks on all sides are left out.
static int ask_area(struct bf_usage *u, const struct area *a, uint64_t at, uint64_t *end)
{
    const struct bf_usage_place *p = &u->map[a->map].place;
    const struct bf_leg *leg = &p->leg[p->segment[a->segment].leg + a->leg];
    uint64_t grain = bf_mirror_grain(&u->peek, leg), low = a->first, high = low + a->bytes;
    uint64_t first, next;
    if (!grain)
        return ask_map(u, a, at, end);
    bf_mirror_limits(&u->peek, leg, &low, &high);
    next = first = at - at % grain;
    *end = first + grain < a->first + a->bytes ? first + grain : a->first + a->bytes;
    if (first < low || high < grain || first > high - grain)
        return 0;
    while (next < first + grain)
        if (!ask_map(u, a, next, &next))
            return 0;
    next = next < high ? next : high;
    *end = next - next % grain;
    return 1;
}

// The first area that ends behind `at`.
static const struct area *area_at(const struct bf_usage *u, uint64_t at)
{
    uint32_t low = 0, high = u->areas;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (u->area[middle].first + u->area[middle].bytes <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < u->areas ? &u->area[low] : NULL;
}

// Blocks of the partition table are used wherever they lie. 1: `at` is one of them, up to *end;
// 0: *end is in front of the next one.
static int is_kept(const struct bf_usage *u, uint64_t at, uint64_t *end)
{
    const struct bf_usage_table *t = &u->table[u->disk];
    for (uint32_t i = 0; i < t->kepts; i++) {
        const struct bf_usage_span *k = &t->kept[i];
        if (k->first > at) {
            *end = k->first < *end ? k->first : *end;
            return 0;
        }
        if (at - k->first < k->bytes) {
            *end = k->first + k->bytes;
            return 1;
        }
    }
    return 0;
}

// Where there is a table, the beginning and the end of the disk are kept: tables and boot loaders
// live there. 1: `at` is in one of them, up to *end; 0: *end is in front of the latter.
static int in_margin(const struct bf_usage *u, uint64_t at, uint64_t *end)
{
    if (u->table[u->disk].state == BF_TABLE_NONE)
        return 0;
    if (TABLE_MARGIN >= u->bytes / 2)
        return 1;
    if (at < TABLE_MARGIN) {
        *end = TABLE_MARGIN;
        return 1;
    }
    if (at >= u->bytes - TABLE_MARGIN)
        return 1;
    *end = u->bytes - TABLE_MARGIN;
    return 0;
}

static int ask(struct bf_usage *u, uint64_t at, uint64_t *end)
{
    const struct area *a;
    uint64_t last;
    int unused;
    *end = u->bytes;
    if (u->peek.failed[u->disk] || in_margin(u, at, end) || is_kept(u, at, end))
        return 0;
    last = *end;
    a = area_at(u, at);
    if (!a)
        return 0;
    if (at < a->first) {
        *end = a->first < last ? a->first : last;
        return 0;
    }
    unused = ask_area(u, a, at, end);
    *end = *end < last ? *end : last;
    return unused;
}

int bf_usage_extent(struct bf_usage *u, uint64_t at, uint64_t disk_bytes, uint64_t *end)
{
    if (!u || u->disk == NONE || disk_bytes != u->bytes || at >= disk_bytes) {
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
