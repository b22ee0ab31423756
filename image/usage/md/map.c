// SPDX-License-Identifier: Apache-2.0
// md RAID1: the data of a member is a place of its own, which stands for the array. An array is
// seen through its member on the disk that is copied now, and all that is read there is compared
// with the other members: what any of them uses is used on all, and what is left out is left out on
// all. So an array that was not stopped properly, or whose members do not agree in everything, lie
// differently on their disks or are not all copied in this run, is copied whole: a copy of which
// one side has the old contents of free blocks, and the other has zeros, would not be in step.
// Other levels are not looked into.
#include <string.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/md/map.h"

enum { MEMBER_COST = 16 }; // of comparing two members
static const uint64_t raid_work = 256ull * BF_WORK_MIB;

struct member {
    uint32_t place; // in the list
    struct bf_md md;
    uint8_t unknown; // of which array, and where its data is
    uint8_t seen;    // its array has been dealt with
};

struct members {
    struct bf_peek *peek;
    struct bf_place_list *list;
    uint32_t disk;
    struct member *member;
    uint32_t count, room;
};

static const struct bf_usage_place *place_of(const struct members *m, uint32_t i)
{
    return &m->list->place[m->member[i].place];
}

static void tell(const struct members *m, uint32_t i, const char *why)
{
    char what[BF_USAGE_NAME] = "md RAID";
    if (!bf_place_lies_on(place_of(m, i), m->disk))
        return;
    if (m->member[i].md.level > 0)
        bf_snprintf(what, sizeof what, "md RAID%d", m->member[i].md.level);
    bf_place_report(place_of(m, i), what, why);
}

static enum bf_err read_member(struct members *m, uint32_t place)
{
    struct member *more = bf_usage_grow(m->member, m->count, &m->room, sizeof *more);
    enum bf_err err;
    if (!more)
        return BF_ERR_NO_MEMORY;
    m->member = more;
    more += m->count++;
    memset(more, 0, sizeof *more);
    more->place = place;
    err = bf_md_super(&m->list->place[place], &more->md);
    more->unknown = err != BF_OK;
    return err == BF_ERR_UNSUPPORTED ? BF_OK : err;
}

// ---- Arrays ------------------------------------------------------------------------------------

// What is left when the work is too much does not count.
static int same_array(const struct members *m, uint32_t i, uint32_t k)
{
    const struct member *a = &m->member[i], *b = &m->member[k];
    return bf_work_spend(&m->peek->work, MEMBER_COST) && !a->unknown && !b->unknown &&
           memcmp(a->md.uuid, b->md.uuid, sizeof a->md.uuid) == 0;
}

static const char *judge_members(const struct members *m, uint32_t of)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct bf_md *a = &m->member[i].md;
        if (!same_array(m, i, of))
            continue;
        if (a->doubt)
            return a->doubt;
        for (uint32_t k = 0; k < i; k++) {
            const struct bf_md *b = &m->member[k].md;
            if (same_array(m, k, of) &&
                (a->events != b->events || a->disks != b->disks || a->role == b->role ||
                 a->data.bytes != b->data.bytes || strcmp(a->name, b->name) != 0))
                return "its members do not agree";
        }
    }
    return NULL;
}

// Where the data of all members lies. How many there are, of which at most BF_MIRROR_SIDES are
// told.
static uint32_t sides_of(const struct members *m, uint32_t of, struct bf_leg *side)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        if (!same_array(m, i, of))
            continue;
        if (count < BF_MIRROR_SIDES) {
            side[count] = *place_of(m, i)->leg;
            side[count].first += m->member[i].md.data.at;
        }
        count++;
    }
    return count;
}

// What is wrong with an array.
static const char *judge(const struct members *m, uint32_t of)
{
    struct bf_leg side[BF_MIRROR_SIDES];
    uint32_t sides = sides_of(m, of, side);
    const char *why = judge_members(m, of);
    for (uint32_t i = 0; !why && i < m->count; i++)
        if (same_array(m, i, of)) // one side whole and another not would differ on the copy
            why = place_of(m, i)->wanted_whole;
    if (why)
        return why;
    if (sides != m->member[of].md.disks)
        return "not all of its members are on the disks of this run";
    if (sides > BF_MIRROR_SIDES)
        return "it has too many members";
    for (uint32_t i = 0; i < sides; i++)
        for (uint32_t k = 0; k < i; k++)
            if (side[i].disk == side[k].disk)
                return "two of its members are on the same disk";
    return bf_mirror_aligned(m->peek, side, sides)
               ? NULL
               : "its members are aligned differently on their disks";
}

// The member through which the array is seen.
static uint32_t side_of(const struct members *m, uint32_t of)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (same_array(m, i, of) && bf_place_lies_on(place_of(m, i), m->disk))
            return i;
    return of;
}

// What lies on the sides of an array, in `common` where all have it and in `any` where one has.
static enum bf_err look_at_sides(struct members *m, uint32_t of, uint32_t *common, uint32_t *any)
{
    struct bf_place_list side = {0};
    enum bf_err err = BF_OK;
    *common = UINT32_MAX;
    *any = 0;
    for (uint32_t i = 0; !err && i < m->count; i++) {
        const struct bf_leg *leg = place_of(m, i)->leg;
        const struct bf_md_range *data = &m->member[i].md.data;
        struct bf_usage_place *p;
        if (!same_array(m, i, of))
            continue;
        p = bf_place_add_run(&side, m->peek, leg->disk, leg->first + data->at, data->bytes);
        err = p ? bf_signatures_within(p) : BF_ERR_NO_MEMORY;
        *common &= p ? p->signatures : 0;
        *any |= p ? p->signatures : 0;
        bf_place_list_cut(&side, 0);
    }
    return err;
}

static void tell_all(struct members *m, uint32_t side, const char *why)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (same_array(m, i, side)) {
            m->member[i].seen = 1;
            tell(m, i, why);
        }
}

// Where the superblock stands behind the data, its place has the array's own signatures too.
// Anything else there is somebody else's.
static enum bf_err add_array(struct members *m, uint32_t side, const char *why)
{
    const struct bf_md *md = &m->member[side].md;
    struct bf_usage_place member = *place_of(m, side), *p;
    uint32_t others = 0, common, any;
    struct bf_leg sides[BF_MIRROR_SIDES];
    enum bf_err err = look_at_sides(m, side, &common, &any);
    if (err)
        return err;
    for (uint32_t i = 0; i < m->count; i++)
        if (same_array(m, i, side))
            others |= place_of(m, i)->signatures & ~(uint32_t)BF_SIGNATURE_MD;
    p = bf_place_add_run(m->list, m->peek, member.leg->disk, member.leg->first + md->data.at,
                         md->data.bytes);
    if (!p)
        return BF_ERR_NO_MEMORY;
    bf_snprintf(p->name, sizeof p->name, "the array on %s", member.name);
    p->signatures = any;
    if (!why && common != any)
        why = "its members do not agree";
    if (!why && others & ~(md->leads ? any : 0))
        why = "there are signatures of something else";
    if (why) {
        p->signatures |= BF_SIGNATURE_OTHER;
        p->doubt = why;
    } else {
        err = bf_mirror_add(m->peek, sides, sides_of(m, side, sides), &p->leg->mirror);
    }
    tell_all(m, side, why);
    return err;
}

static enum bf_err find_arrays(struct members *m)
{
    uint32_t places = m->list->count;
    enum bf_err err = BF_OK;
    for (uint32_t i = 0; !err && i < places; i++)
        if (m->list->place[i].signatures & BF_SIGNATURE_MD)
            err = read_member(m, i);
    for (uint32_t i = 0; !err && i < m->count && !bf_work_is_over(&m->peek->work); i++) {
        if (m->member[i].unknown)
            tell(m, i, m->member[i].md.doubt);
        else if (!m->member[i].seen)
            err = add_array(m, side_of(m, i), judge(m, i));
    }
    return err;
}

enum bf_err bf_usage_md(struct bf_peek *peek, struct bf_place_list *list, uint32_t disk)
{
    struct members m = {.peek = peek, .list = list, .disk = disk};
    uint32_t places = list->count;
    enum bf_err err;
    bf_mirrors_forget(peek);
    bf_work_begin(&peek->work, BF_STEP_RAID, disk, "", raid_work);
    err = find_arrays(&m);
    if (bf_work_is_over(&peek->work)) {
        bf_place_list_cut(list, places);
        bf_mirrors_forget(peek);
        bf_places_refuse(list, BF_SIGNATURE_MD, disk, "md RAID", bf_work_why(&peek->work));
        err = BF_OK;
    }
    bf_free(m.member);
    return err;
}
