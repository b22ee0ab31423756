// SPDX-License-Identifier: Apache-2.0
// LVM2: its physical volumes, wherever they are, and the volume groups that they form. A group is
// looked into only when everything that its physical volumes say about it is whole and the same;
// what its text means is the affair of image/usage/lvm/group.c. A missing disk takes away what lies
// on it and nothing else.
#include <string.h>

#include "base/mem.h"
#include "image/usage/lvm/map.h"

enum { PV_COST = 16 }; // of comparing two physical volumes
static const uint64_t lvm_work = 512ull * BF_WORK_MIB;

// The group that a text describes: the only section in it. 0: there is none.
static int the_group(const struct bf_lvm_text *text, struct bf_lvm_item *out)
{
    struct bf_lvm_text rest = *text, word;
    struct bf_lvm_item item;
    uint64_t version = 0;
    int sections = 0;
    if (!bf_lvm_find_text(*text, "contents", &word) ||
        !bf_lvm_is(&word, "Text Format Volume Group") ||
        !bf_lvm_find_number(*text, "version", &version) || version != 1)
        return 0;
    while (bf_lvm_next(&rest, &item))
        if (item.kind == BF_LVM_SECTION) {
            *out = item;
            sections++;
        }
    return sections == 1;
}

// ---- Physical volumes --------------------------------------------------------------------------

// The group whose text a copy is. 0: it is damaged.
static int load(struct bf_lvm *lvm, const struct bf_lvm_pv *pv, const struct bf_lvm_copy *copy,
                struct bf_lvm_item *group)
{
    struct bf_lvm_text text = {lvm->text, lvm->text + copy->bytes, &lvm->peek->work};
    return bf_lvm_read(&lvm->list->place[pv->place], copy, lvm->text) == BF_OK &&
           bf_lvm_check(&text) == BF_OK && the_group(&text, group);
}

// All physical volumes of a group usually have the very same text: it is judged once.
static int is_seen(struct bf_lvm *lvm, const struct bf_lvm_pv *pv, const struct bf_lvm_copy *copy)
{
    return lvm->seen.bytes == copy->bytes && lvm->seen.checksum == copy->checksum &&
           bf_lvm_read(&lvm->list->place[pv->place], copy, lvm->text) == BF_OK;
}

static int judge_copy(struct bf_lvm *lvm, const struct bf_lvm_pv *pv,
                      const struct bf_lvm_copy *copy)
{
    struct bf_lvm_seen *seen = &lvm->seen;
    struct bf_lvm_item group;
    struct bf_lvm_text id;
    if (is_seen(lvm, pv, copy))
        return 1;
    seen->bytes = 0;
    if (!load(lvm, pv, copy, &group) || !bf_lvm_find_text(group.inside, "id", &id) ||
        !bf_lvm_uuid(&id, seen->group))
        return 0;
    seen->sum = bf_crc32c(UINT32_MAX, group.name.at, (size_t)(group.inside.end - group.name.at));
    seen->bytes = copy->bytes;
    seen->checksum = copy->checksum;
    return 1;
}

// Each copy has its own remarks about when it was written; the group in it is the same.
static int read_area(struct bf_lvm *lvm, struct bf_lvm_pv *pv, const struct bf_lvm_range *area)
{
    struct bf_lvm_copy copy;
    enum bf_err err = bf_lvm_area(&lvm->list->place[pv->place], area, &copy);
    if (err == BF_ERR_EXISTS)
        return 1;
    if (err == BF_ERR_NOT_FOUND) {
        pv->empty = 1;
        return 1;
    }
    if (err || !judge_copy(lvm, pv, &copy))
        return 0;
    if (pv->copies++)
        return lvm->seen.sum == pv->sum;
    pv->copy = copy;
    pv->sum = lvm->seen.sum;
    memcpy(pv->group, lvm->seen.group, sizeof pv->group);
    return 1;
}

static enum bf_err read_pv(struct bf_lvm *lvm, uint32_t place)
{
    struct bf_lvm_pv *pv = bf_usage_grow(lvm->pv, lvm->pvs, &lvm->room, sizeof *pv);
    uint64_t errors = lvm->peek->errors;
    if (!pv)
        return BF_ERR_NO_MEMORY;
    lvm->pv = pv;
    pv += lvm->pvs++;
    memset(pv, 0, sizeof *pv);
    pv->place = place;
    pv->bad = bf_lvm_label(&lvm->list->place[place], &pv->label) != BF_OK;
    for (uint32_t i = 0; !pv->bad && i < pv->label.areas; i++)
        pv->bad = !read_area(lvm, pv, &pv->label.area[i]);
    pv->bad |= pv->empty && pv->copies;
    return lvm->peek->errors == errors ? BF_OK : BF_ERR_IO;
}

// ---- Groups ------------------------------------------------------------------------------------

static int same_group(const struct bf_lvm *lvm, const struct bf_lvm_pv *a,
                      const struct bf_lvm_pv *b)
{
    return bf_work_spend(&lvm->peek->work, PV_COST) && a->copies && b->copies &&
           memcmp(a->group, b->group, sizeof a->group) == 0;
}

// Whether a group was not met before this one of its physical volumes.
static int is_first(const struct bf_lvm *lvm, uint32_t number)
{
    if (lvm->pv[number].bad || !lvm->pv[number].copies)
        return 0;
    for (uint32_t i = 0; i < number; i++)
        if (!lvm->pv[i].bad && same_group(lvm, &lvm->pv[i], &lvm->pv[number]))
            return 0;
    return 1;
}

static const char *judge(struct bf_lvm *lvm, const struct bf_lvm_pv *pv)
{
    struct bf_lvm_item group;
    for (uint32_t i = 0; i < lvm->pvs; i++)
        if (same_group(lvm, &lvm->pv[i], pv) && (lvm->pv[i].bad || lvm->pv[i].sum != pv->sum))
            return "the copies of its metadata differ";
    return load(lvm, pv, &pv->copy, &group) ? bf_lvm_volumes(lvm, &group)
                                            : "its metadata cannot be read again";
}

static void tell(const struct bf_lvm *lvm, const struct bf_lvm_pv *pv, const char *why)
{
    if (bf_place_lies_on(&lvm->list->place[pv->place], lvm->disk))
        bf_place_report(&lvm->list->place[pv->place], "LVM2", why);
}

static void all_groups(struct bf_lvm *lvm)
{
    struct bf_lvm_item group;
    const struct bf_work *work = &lvm->peek->work;
    for (uint32_t i = 0; i < lvm->pvs && !bf_work_is_over(work); i++)
        if (is_first(lvm, i) && load(lvm, &lvm->pv[i], &lvm->pv[i].copy, &group))
            bf_lvm_claim(lvm, &group);
    for (uint32_t i = 0; i < lvm->pvs && !bf_work_is_over(work); i++) {
        if (is_first(lvm, i)) {
            const char *why = judge(lvm, &lvm->pv[i]);
            for (uint32_t k = 0; k < lvm->pvs; k++)
                if (!lvm->pv[k].bad && lvm->pv[k].claims &&
                    same_group(lvm, &lvm->pv[k], &lvm->pv[i]))
                    tell(lvm, &lvm->pv[k], why);
        }
        if (lvm->pv[i].bad)
            tell(lvm, &lvm->pv[i], "its label or its metadata is damaged or unknown");
        else if (!lvm->pv[i].claims)
            tell(lvm, &lvm->pv[i], "it belongs to no volume group that is known");
    }
}

static enum bf_err find_groups(struct bf_lvm *lvm)
{
    uint32_t places = lvm->list->count;
    enum bf_err err = BF_OK;
    for (uint32_t i = 0; !err && i < places; i++) {
        if (lvm->list->place[i].signatures != BF_SIGNATURE_LVM)
            continue;
        if (!lvm->text && !(lvm->text = bf_alloc(BF_LVM_TEXT_MAX)))
            err = BF_ERR_NO_MEMORY;
        else
            err = read_pv(lvm, i);
    }
    if (!err)
        all_groups(lvm);
    return err;
}

enum bf_err bf_usage_lvm(struct bf_peek *peek, struct bf_place_list *list, uint32_t disk)
{
    struct bf_lvm lvm = {.peek = peek, .list = list, .disk = disk, .marks_left = BF_LVM_MARKS_WORK};
    uint32_t places = list->count;
    uint64_t errors = peek->errors;
    enum bf_err err;
    bf_work_begin(&peek->work, BF_STEP_LVM, disk, "", lvm_work);
    err = find_groups(&lvm);
    if (bf_work_is_over(&peek->work)) {
        bf_place_list_cut(list, places);
        bf_places_refuse(list, BF_SIGNATURE_LVM, disk, "LVM2", bf_work_why(&peek->work));
        errors = peek->errors;
        err = BF_OK;
    }
    bf_free(lvm.text);
    bf_free(lvm.pv);
    return err || peek->errors == errors ? err : BF_ERR_IO;
}
