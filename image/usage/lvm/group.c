// SPDX-License-Identifier: Apache-2.0
// What the text of a volume group says (LVM2's lib/format_text, import_vsn1.c): volumes that are
// linear or striped become places; every extent that any volume names is taken, and what is left of
// a physical volume is unallocated. One doubt about which extents are taken is a doubt about the
// whole group. A volume that others are built on (snapshots, mirrors, pools, caches) is never a
// place to map: they see more of it than its own file system does.
#include <string.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/lvm/map.h"

enum { PVS_MAX = 1024, LVS_MAX = 8192, EXTENT_SECTORS_MAX = 1 << 22, NAME_COST = 16 };
static const uint64_t extents_max = UINT32_MAX;

struct pv {
    struct bf_lvm_text name;
    struct bf_lvm_pv *at; // NULL: it is not here
    uint64_t first;       // of the extents, bytes of its place
    uint64_t extents;
};

struct run { // of extents of a physical volume
    uint32_t pv;
    uint64_t first, count;
};

struct segment {
    uint64_t at, extents;
    uint64_t stripe_bytes;
    uint32_t legs;
    uint32_t run, runs; // one per leg, when all of them are on physical volumes
};

struct lv {
    struct bf_lvm_text name, inside;
    const char *whole; // why it is copied whole
    uint8_t opaque;    // where its bytes lie is not known
    uint32_t segment, segments;
    uint64_t extents;
};

struct name { // of a physical or a logical volume
    struct bf_lvm_text text;
    uint32_t number;
};

struct group {
    struct bf_lvm *lvm;
    const struct bf_lvm_item *item;
    uint64_t extent_bytes;
    struct pv *pv;
    struct lv *lv;
    struct segment *segment;
    struct run *run;
    uint32_t pvs, lvs, segments, runs;
    uint32_t pv_room, lv_room, segment_room, run_room;
    struct name *pv_name, *lv_name; // in order, once all of them are known
    const char *limit;              // the search for signatures on its volumes took too much work
};

static const char inconsistent[] = "its metadata is inconsistent";
static const char no_memory[] = "there is not enough memory";

// ---- Words -------------------------------------------------------------------------------------

static int is_one_of(const struct bf_lvm_text *word, const char *const *allowed)
{
    while (*allowed && !bf_lvm_is(word, *allowed))
        allowed++;
    return *allowed != NULL;
}

// Whether a name stands for nothing but these words, or for nothing at all.
static int says_only(struct bf_lvm_text section, const char *name, const char *const *allowed)
{
    struct bf_lvm_item item, one;
    while (bf_lvm_next(&section, &item)) {
        if (!bf_lvm_is(&item.name, name))
            continue;
        if (item.kind == BF_LVM_STRING && is_one_of(&item.inside, allowed))
            continue;
        if (item.kind != BF_LVM_ARRAY)
            return 0;
        while (bf_lvm_next_element(&item.inside, &one))
            if (one.kind != BF_LVM_STRING || !is_one_of(&one.inside, allowed))
                return 0;
    }
    return 1;
}

static int says(struct bf_lvm_text section, const char *name, const char *word)
{
    struct bf_lvm_item item, one;
    if (!bf_lvm_find(section, name, &item) || item.kind != BF_LVM_ARRAY)
        return 0;
    while (bf_lvm_next_element(&item.inside, &one))
        if (one.kind == BF_LVM_STRING && bf_lvm_is(&one.inside, word))
            return 1;
    return 0;
}

// ---- Names -------------------------------------------------------------------------------------

static int name_order(const struct bf_lvm_text *a, const struct bf_lvm_text *b)
{
    size_t x = (size_t)(a->end - a->at), y = (size_t)(b->end - b->at);
    return x != y ? (x < y ? -1 : 1) : memcmp(a->at, b->at, x);
}

static int name_before(const void *a, const void *b)
{
    return name_order(&((const struct name *)a)->text, &((const struct name *)b)->text) < 0;
}

// The first of the names that is not in front of this one.
static uint32_t find_name(const struct group *g, const struct name *name, uint32_t count,
                          const struct bf_lvm_text *text)
{
    uint32_t low = 0;
    bf_work_spend(&g->lvm->peek->work, NAME_COST);
    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if (name_order(&name[middle].text, text) < 0)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

static const struct pv *find_pv(const struct group *g, const struct bf_lvm_text *text)
{
    uint32_t at = find_name(g, g->pv_name, g->pvs, text);
    return at < g->pvs && bf_lvm_same(&g->pv_name[at].text, text) ? &g->pv[g->pv_name[at].number]
                                                                  : NULL;
}

// Notes that something is built on the volumes of that name. How many there are.
static uint32_t note_use(struct group *g, const struct bf_lvm_text *text)
{
    uint32_t at = find_name(g, g->lv_name, g->lvs, text), count = 0;
    for (; at < g->lvs && bf_lvm_same(&g->lv_name[at].text, text); at++, count++)
        g->lv[g->lv_name[at].number].whole = "another volume is built on it";
    bf_work_spend(&g->lvm->peek->work, (uint64_t)count * NAME_COST);
    return count;
}

// The names of structs, of which each begins with its own, in order. NULL without memory.
static struct name *sort_names(const void *first, size_t size, uint32_t count)
{
    struct name *name = bf_alloc((count + 1) * sizeof *name);
    for (uint32_t i = 0; name && i < count; i++)
        name[i] = (struct name){*(const struct bf_lvm_text *)((const char *)first + i * size), i};
    if (name)
        bf_usage_sort(name, count, sizeof *name, name_before);
    return name;
}

static const char *index_pvs(struct group *g)
{
    g->pv_name = sort_names(g->pv, sizeof *g->pv, g->pvs);
    for (uint32_t i = 1; g->pv_name && i < g->pvs; i++)
        if (bf_lvm_same(&g->pv_name[i].text, &g->pv_name[i - 1].text))
            return inconsistent;
    return g->pv_name ? NULL : no_memory;
}

// ---- Physical volumes --------------------------------------------------------------------------

static int overlap(const struct bf_lvm_range *a, uint64_t first, uint64_t bytes)
{
    return a->bytes && a->at < first + bytes && first < a->at + a->bytes;
}

// The extents lie behind the headers and within the device, and nothing else lies among them.
static int extents_fit(const struct group *g, const struct pv *pv)
{
    const struct bf_lvm_label *label = &pv->at->label;
    uint64_t bytes = pv->extents * g->extent_bytes;
    if (pv->first != label->data.at || pv->first > label->bytes ||
        bytes > label->bytes - pv->first || overlap(&label->boot, pv->first, bytes))
        return 0;
    for (uint32_t i = 0; i < label->areas; i++)
        if (overlap(&label->area[i], pv->first, bytes))
            return 0;
    return 1;
}

static const char *find_device(struct group *g, struct pv *pv, const char uuid[BF_LVM_UUID],
                               const char id[BF_LVM_UUID])
{
    struct bf_lvm_pv *found = NULL;
    bf_work_spend(&g->lvm->peek->work, (uint64_t)g->lvm->pvs * NAME_COST);
    for (uint32_t i = 0; i < g->lvm->pvs; i++) {
        struct bf_lvm_pv *each = &g->lvm->pv[i];
        if (memcmp(each->label.uuid, uuid, BF_LVM_UUID) != 0)
            continue;
        if (found)
            return "two disks carry the same physical volume";
        found = each;
    }
    pv->at = found;
    if (!found)
        return NULL;
    if (found->bad || found->empty || found->claims != 1 ||
        (found->copies && memcmp(found->group, id, BF_LVM_UUID) != 0))
        return "its physical volumes do not agree about it";
    return extents_fit(g, pv) ? NULL : inconsistent;
}

static const char *add_pv(struct group *g, const struct bf_lvm_item *item,
                          const char id[BF_LVM_UUID])
{
    static const char *const usual[] = {"ALLOCATABLE", NULL}, *const missing[] = {"MISSING", NULL};
    static const char *const none[] = {NULL};
    struct pv *pv = bf_usage_grow(g->pv, g->pvs, &g->pv_room, sizeof *pv);
    struct bf_lvm_text text;
    const char *why;
    char uuid[BF_LVM_UUID];
    uint64_t first;
    if (!pv)
        return no_memory;
    g->pv = pv;
    pv += g->pvs;
    memset(pv, 0, sizeof *pv);
    pv->name = item->name;
    if (g->pvs == PVS_MAX || item->kind != BF_LVM_SECTION ||
        !bf_lvm_find_text(item->inside, "id", &text) || !bf_lvm_uuid(&text, uuid) ||
        !bf_lvm_find_number(item->inside, "pe_start", &first) ||
        !bf_lvm_find_number(item->inside, "pe_count", &pv->extents) || first > extents_max ||
        pv->extents > extents_max || !says_only(item->inside, "status", usual))
        return inconsistent;
    pv->first = first * BF_LVM_SECTOR;
    g->pvs++;
    why = find_device(g, pv, uuid, id);
    if (why || says_only(item->inside, "flags", none))
        return why;
    // What is there is older than the rest of the group.
    pv->at = NULL;
    return says_only(item->inside, "flags", missing) ? NULL : "its physical volumes are unusual";
}

// ---- Volumes -----------------------------------------------------------------------------------

// What is not a plain segment: which volumes it is built on. It must not name physical volumes:
// how much of them it takes is not known.
static const char *note_names(struct group *g, struct bf_lvm_text section)
{
    struct bf_lvm_item item, one;
    const char *why = NULL;
    while (!why && bf_lvm_next(&section, &item)) {
        struct bf_lvm_text strings = item.inside;
        if (item.kind == BF_LVM_SECTION)
            why = note_names(g, item.inside);
        else if (item.kind == BF_LVM_STRING && find_pv(g, &item.inside))
            why = "extents are used in an unknown way";
        else if (item.kind == BF_LVM_STRING && !bf_lvm_is(&item.name, "type"))
            note_use(g, &item.inside);
        while (!why && item.kind == BF_LVM_ARRAY && bf_lvm_next_element(&strings, &one))
            if (one.kind == BF_LVM_STRING && find_pv(g, &one.inside))
                why = "extents are used in an unknown way";
            else if (one.kind == BF_LVM_STRING)
                note_use(g, &one.inside);
    }
    return why;
}

static const char *add_leg(struct group *g, struct lv *lv, struct segment *s,
                           const struct bf_lvm_item *name, const struct bf_lvm_item *number)
{
    struct run *run = bf_usage_grow(g->run, g->runs, &g->run_room, sizeof *run);
    const struct pv *pv = find_pv(g, &name->inside);
    uint64_t first, count = s->extents / s->legs;
    if (!run)
        return no_memory;
    g->run = run;
    if (name->kind != BF_LVM_STRING || !bf_lvm_number(number, &first))
        return inconsistent;
    if (!pv) {
        lv->opaque = 1;
        return note_use(g, &name->inside) ? NULL : inconsistent;
    }
    if (first > pv->extents || count > pv->extents - first)
        return inconsistent;
    if (!pv->at) {
        lv->opaque = 1;
        lv->whole = "one of its disks is missing";
    }
    g->run[g->runs++] = (struct run){(uint32_t)(pv - g->pv), first, count};
    return NULL;
}

static const char *add_stripes(struct group *g, struct lv *lv, struct segment *s,
                               struct bf_lvm_text section)
{
    static const char *const known[] = {"start_extent", "extent_count", "type", "stripe_count",
                                        "stripe_size",  "stripes",      "tags", NULL};
    struct bf_lvm_item stripes, name, number;
    uint64_t legs, sectors = 0, pairs = 0;
    const char *why = NULL;
    if (!bf_lvm_find_number(section, "stripe_count", &legs) || !legs || s->extents % legs ||
        !bf_lvm_find(section, "stripes", &stripes) || stripes.kind != BF_LVM_ARRAY)
        return inconsistent;
    s->legs = (uint32_t)legs;
    bf_lvm_find_number(section, "stripe_size", &sectors);
    if (legs > 1 && (!sectors || sectors > UINT32_MAX ||
                     s->extents / legs * g->extent_bytes % (sectors * BF_LVM_SECTOR)))
        return inconsistent;
    s->stripe_bytes = sectors * BF_LVM_SECTOR;
    for (; !why && bf_lvm_next_element(&stripes.inside, &name); pairs++)
        why = pairs < legs && bf_lvm_next_element(&stripes.inside, &number)
                  ? add_leg(g, lv, s, &name, &number)
                  : inconsistent;
    while (bf_lvm_next(&section, &name))
        if (!is_one_of(&name.name, known))
            lv->opaque = 1;
    return why ? why : pairs == legs ? NULL : inconsistent;
}

static const char *add_segment(struct group *g, struct lv *lv, const struct bf_lvm_item *item)
{
    struct segment *s = bf_usage_grow(g->segment, g->segments, &g->segment_room, sizeof *s);
    struct bf_lvm_text type;
    const char *why;
    if (!s)
        return no_memory;
    g->segment = s;
    s += g->segments++;
    memset(s, 0, sizeof *s);
    if (!bf_lvm_find_number(item->inside, "start_extent", &s->at) || s->at != lv->extents ||
        !bf_lvm_find_number(item->inside, "extent_count", &s->extents) || !s->extents ||
        s->extents > extents_max - lv->extents || !bf_lvm_find_text(item->inside, "type", &type))
        return inconsistent;
    lv->extents += s->extents;
    s->run = g->runs;
    if (bf_lvm_is(&type, "striped")) {
        why = add_stripes(g, lv, s, item->inside);
        s->runs = g->runs - s->run;
    } else {
        lv->opaque = 1;
        why = note_names(g, item->inside);
    }
    if (lv->opaque && !lv->whole)
        lv->whole = "it is neither linear nor striped";
    return why;
}

// Segment number `number`, which usually is the next section of the rest.
static int find_segment(const struct lv *lv, uint64_t number, struct bf_lvm_text *rest,
                        struct bf_lvm_item *item)
{
    char name[24];
    bf_snprintf(name, sizeof name, "segment%u", (uint32_t)number);
    while (bf_lvm_next(rest, item))
        if (item->kind == BF_LVM_SECTION) {
            if (bf_lvm_is(&item->name, name))
                return 1;
            break;
        }
    return bf_lvm_find(lv->inside, name, item) && item->kind == BF_LVM_SECTION;
}

// As many sections as there are segments: each of their names is there once.
static const char *add_segments(struct group *g, struct lv *lv)
{
    struct bf_lvm_text rest = lv->inside;
    struct bf_lvm_item item;
    uint64_t wanted = 0, sections = 0;
    const char *why = NULL;
    while (bf_lvm_next(&rest, &item))
        sections += item.kind == BF_LVM_SECTION;
    if (!bf_lvm_find_number(lv->inside, "segment_count", &wanted) || wanted != sections)
        return inconsistent;
    lv->segment = g->segments;
    rest = lv->inside;
    for (; !why && lv->segments < wanted; lv->segments++)
        why = find_segment(lv, lv->segments + 1, &rest, &item) ? add_segment(g, lv, &item)
                                                               : inconsistent;
    return why;
}

// All of them first: what is built on what is told by name, in either order.
static const char *add_lvs(struct group *g, struct bf_lvm_text section)
{
    static const char *const usual[] = {"READ", "WRITE", "VISIBLE", "FIXED_MINOR", NULL};
    static const char *const flags[] = {"ACTIVATION_SKIP", "WRITE_LOCKED", NULL};
    struct bf_lvm_item item;
    const char *why = NULL;
    while (bf_lvm_next(&section, &item)) {
        struct lv *lv = bf_usage_grow(g->lv, g->lvs, &g->lv_room, sizeof *lv);
        if (!lv)
            return no_memory;
        g->lv = lv;
        if (item.kind != BF_LVM_SECTION || g->lvs == LVS_MAX)
            return inconsistent;
        g->lv[g->lvs++] = (struct lv){.name = item.name, .inside = item.inside};
    }
    g->lv_name = sort_names(g->lv, sizeof *g->lv, g->lvs);
    why = g->lv_name ? NULL : no_memory;
    for (uint32_t i = 0; !why && i < g->lvs; i++) {
        if (!says_only(g->lv[i].inside, "status", usual) ||
            !says(g->lv[i].inside, "status", "VISIBLE") ||
            !says_only(g->lv[i].inside, "flags", flags))
            g->lv[i].whole = "its status is unusual";
        why = add_segments(g, &g->lv[i]);
    }
    return why;
}

// ---- Places ------------------------------------------------------------------------------------

static void name_volume(const struct group *g, const struct lv *lv, struct bf_usage_place *p)
{
    bf_snprintf(p->name, sizeof p->name, "volume %.*s/%.*s",
                (int)(g->item->name.end - g->item->name.at), g->item->name.at,
                (int)(lv->name.end - lv->name.at), lv->name.at);
}

static void tell(const struct group *g, const struct lv *lv)
{
    struct bf_usage_place p = {.peek = g->lvm->peek};
    name_volume(g, lv, &p);
    for (uint32_t i = lv->segment; i < lv->segment + lv->segments; i++)
        for (uint32_t k = g->segment[i].run; k < g->segment[i].run + g->segment[i].runs; k++) {
            const struct pv *pv = &g->pv[g->run[k].pv];
            if (pv->at && bf_place_lies_on(&g->lvm->list->place[pv->at->place], g->lvm->disk)) {
                bf_place_report(&p, "LVM2", lv->whole);
                return;
            }
        }
}

// The marks on all volumes have a budget of their own; what is beyond it is copied whole.
static enum bf_err sign(struct group *g, struct bf_usage_place *p, const char *whole)
{
    struct bf_work *work = &g->lvm->peek->work;
    struct bf_work_step text = work->now;
    uint64_t errors = g->lvm->peek->errors;
    enum bf_err err = BF_OK;
    if (!g->limit) {
        bf_work_begin(work, BF_STEP_MARKS, g->lvm->disk, p->name, g->lvm->marks_left);
        err = bf_signatures_within(p);
        g->lvm->marks_left = work->now.left;
        work->now.limit = BF_LVM_MARKS_WORK;
        if (bf_work_is_over(work))
            g->limit = bf_work_why(work);
        work->now = text;
        work->over = 0;
    }
    if (g->limit) {
        g->lvm->peek->errors = errors;
        p->doubt = g->limit;
        err = BF_OK;
    }
    if (whole || g->limit || err)
        p->signatures |= BF_SIGNATURE_OTHER;
    return err;
}

// Also of a volume that is copied whole, when it can be read: a system may hibernate there.
static const char *place_volume(struct group *g, const struct lv *lv)
{
    struct bf_place_list *list = g->lvm->list;
    uint32_t legs = 0, leg = 0;
    struct bf_usage_place *p;
    for (uint32_t i = 0; i < lv->segments; i++)
        legs += g->segment[lv->segment + i].legs;
    p = bf_place_add(list, g->lvm->peek, lv->extents * g->extent_bytes, lv->segments, legs);
    if (!p)
        return no_memory;
    name_volume(g, lv, p);
    for (uint32_t i = 0; i < lv->segments; i++) {
        const struct segment *s = &g->segment[lv->segment + i];
        p->segment[i] = (struct bf_segment){s->at * g->extent_bytes, s->extents * g->extent_bytes,
                                            s->stripe_bytes, s->legs, leg};
        for (uint32_t k = 0; k < s->legs; k++) {
            const struct run *run = &g->run[s->run + k];
            const struct pv *pv = &g->pv[run->pv];
            struct bf_leg at = list->place[pv->at->place].leg[0];
            at.first += pv->first + run->first * g->extent_bytes;
            p->leg[leg++] = at;
        }
    }
    if (sign(g, p, lv->whole))
        return "a volume cannot be read";
    return NULL;
}

static int runs_in_order(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    return x->pv != y->pv ? x->pv < y->pv : x->first < y->first;
}

// What no run of a physical volume takes. run is in order; the first of this one is at *next.
static const char *place_unallocated(struct group *g, uint32_t number, const struct run *run,
                                     uint32_t *next)
{
    const struct pv *pv = &g->pv[number];
    struct bf_usage_place *p = NULL;
    uint64_t at = 0, bytes = 0;
    uint32_t first = *next, end = first, gaps = 0;
    struct bf_leg base;
    while (end < g->runs && run[end].pv == number)
        end++;
    *next = end;
    if (!pv->at)
        return NULL;
    base = g->lvm->list->place[pv->at->place].leg[0];
    p = bf_place_add(g->lvm->list, g->lvm->peek, 0, end - first + 1, end - first + 1);
    if (!p)
        return no_memory;
    bf_snprintf(p->name, sizeof p->name, "unallocated extents");
    bf_snprintf(p->what, sizeof p->what, "free extents");
    p->signatures = BF_SIGNATURE_UNALLOCATED;
    for (uint32_t i = first; i <= end; i++) {
        uint64_t to = i < end ? run[i].first : pv->extents, count = (to - at) * g->extent_bytes;
        p->leg[gaps] = base;
        p->leg[gaps].first += pv->first + at * g->extent_bytes;
        p->segment[gaps] = (struct bf_segment){bytes, count, 0, 1, gaps};
        bytes += count;
        gaps += count != 0;
        at = i < end ? to + run[i].count : to;
    }
    p->segments = gaps;
    p->bytes = bytes;
    return NULL;
}

// Everything is known: no extent may be taken twice.
static const char *place_all(struct group *g)
{
    struct run *run = bf_alloc((g->runs ? g->runs : 1) * sizeof *run);
    const char *why = run ? NULL : no_memory;
    uint32_t next = 0;
    if (run && g->runs)
        memcpy(run, g->run, g->runs * sizeof *run);
    if (run)
        bf_usage_sort(run, g->runs, sizeof *run, runs_in_order);
    for (uint32_t i = 1; !why && i < g->runs; i++)
        if (run[i].pv == run[i - 1].pv && run[i].first - run[i - 1].first < run[i - 1].count)
            why = inconsistent;
    for (uint32_t i = 0; !why && i < g->pvs; i++)
        why = place_unallocated(g, i, run, &next);
    for (uint32_t i = 0; !why && i < g->lvs; i++) {
        if (!g->lv[i].opaque && g->lv[i].segments)
            why = place_volume(g, &g->lv[i]);
        if (!why && g->lv[i].whole)
            tell(g, &g->lv[i]);
    }
    bf_free(run);
    return why;
}

// ---- Groups ------------------------------------------------------------------------------------

// A group that names the machine it belongs to keeps older versions of LVM2 from writing to it: it
// and its volumes have WRITE_LOCKED among their flags, and not WRITE as their status.
static int is_owned(struct bf_lvm_text group)
{
    struct bf_lvm_text machine;
    return bf_lvm_find_text(group, "system_id", &machine) && machine.at < machine.end;
}

static int status_fits(struct bf_lvm_text group)
{
    static const char *const usual[] = {"RESIZEABLE", "READ", "WRITE", NULL};
    static const char *const none[] = {NULL}, *const locked[] = {"WRITE_LOCKED", NULL};
    return says_only(group, "status", usual) &&
           says_only(group, "flags", is_owned(group) ? locked : none);
}

static const char *read_group(struct group *g)
{
    static const char *const no_lock[] = {"none", NULL};
    struct bf_lvm_text in = g->item->inside, text;
    struct bf_lvm_item pvs, lvs;
    const char *why = NULL;
    uint64_t sectors;
    char id[BF_LVM_UUID];
    if (!bf_lvm_find_text(in, "format", &text) || !bf_lvm_is(&text, "lvm2") || !status_fits(in))
        return "its status is unusual";
    if (!says_only(in, "lock_type", no_lock))
        return "it is shared with other machines";
    if (!bf_lvm_find_text(in, "id", &text) || !bf_lvm_uuid(&text, id) ||
        !bf_lvm_find_number(in, "extent_size", &sectors) || !sectors ||
        sectors > EXTENT_SECTORS_MAX || !bf_lvm_find(in, "physical_volumes", &pvs) ||
        pvs.kind != BF_LVM_SECTION)
        return inconsistent;
    g->extent_bytes = sectors * BF_LVM_SECTOR;
    while (!why && bf_lvm_next(&pvs.inside, &lvs))
        why = add_pv(g, &lvs, id);
    why = why ? why : index_pvs(g);
    // A group without volumes has no section for them.
    for (int found = 0; !why && bf_lvm_next(&in, &lvs);)
        if (bf_lvm_is(&lvs.name, "logical_volumes"))
            why = found++ || lvs.kind != BF_LVM_SECTION ? inconsistent : add_lvs(g, lvs.inside);
    return why;
}

const char *bf_lvm_volumes(struct bf_lvm *lvm, const struct bf_lvm_item *item)
{
    struct group g = {.lvm = lvm, .item = item};
    uint32_t before = lvm->list->count;
    const char *why = read_group(&g);
    if (bf_work_is_over(&lvm->peek->work)) // what was found of the text may be half of it
        why = inconsistent;
    if (!why)
        why = place_all(&g);
    if (why)
        bf_place_list_cut(lvm->list, before);
    bf_free(g.pv);
    bf_free(g.lv);
    bf_free(g.segment);
    bf_free(g.run);
    bf_free(g.pv_name);
    bf_free(g.lv_name);
    return why;
}

void bf_lvm_claim(struct bf_lvm *lvm, const struct bf_lvm_item *group)
{
    struct bf_lvm_item pvs, item;
    struct bf_lvm_text id;
    char uuid[BF_LVM_UUID];
    if (!bf_lvm_find(group->inside, "physical_volumes", &pvs) || pvs.kind != BF_LVM_SECTION)
        return;
    while (bf_lvm_next(&pvs.inside, &item)) {
        if (item.kind != BF_LVM_SECTION || !bf_lvm_find_text(item.inside, "id", &id) ||
            !bf_lvm_uuid(&id, uuid) ||
            !bf_work_spend(&lvm->peek->work, (uint64_t)lvm->pvs * NAME_COST))
            continue;
        for (uint32_t i = 0; i < lvm->pvs; i++)
            if (memcmp(lvm->pv[i].label.uuid, uuid, BF_LVM_UUID) == 0 && lvm->pv[i].claims < 2)
                lvm->pv[i].claims++;
    }
}
