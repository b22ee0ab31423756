// SPDX-License-Identifier: Apache-2.0
// Partitions that are not certainly one owner's: they overlap, lie where they should not, hold a
// part of the table, or have a type that says that somebody else owns their blocks.
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "image/usage/scan.h"

struct range {
    uint64_t first, end;
    uint32_t index; // of the partition
};

static int starts_before(const void *a, const void *b)
{
    return ((const struct range *)a)->first < ((const struct range *)b)->first;
}

static void set_doubt(struct bf_usage_place *place, const char *why)
{
    if (!place->doubt)
        place->doubt = why;
}

// Partitions that overlap each other. In order of their beginnings, one that reaches farthest is
// enough to compare with.
static enum bf_err find_overlaps(const struct bf_parttab *t, struct bf_usage_place *place)
{
    static const char why[] = "it overlaps another partition";
    struct range *r = bf_alloc((t->count + 1) * sizeof *r);
    uint32_t count = 0, farthest = 0;
    if (!r)
        return BF_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->partition[i].bytes ||
            t->partition[i].cut) // one that Linux leaves out has a claim, too
            r[count++] = (struct range){
                t->partition[i].first,
                t->partition[i].bytes ? t->partition[i].first + t->partition[i].bytes : UINT64_MAX,
                i};
    bf_usage_sort(r, count, sizeof *r, starts_before);
    for (uint32_t i = 1; i < count; i++) {
        if (r[i].first < r[farthest].end) {
            set_doubt(&place[r[i].index], why);
            set_doubt(&place[r[farthest].index], why);
        }
        if (r[i].end > r[farthest].end)
            farthest = i;
    }
    bf_free(r);
    return BF_OK;
}

static int overlaps(const struct bf_partition *p, uint64_t first, uint64_t bytes)
{
    return p->first < first + bytes && first < p->first + p->bytes;
}

// Logical partitions lie within an extended one, the others outside of all of them.
static int is_astray(const struct bf_parttab *t, const struct bf_partition *p)
{
    int within = 0, touches = 0;
    if (t->kind != BF_PARTTAB_MBR)
        return 0;
    for (uint32_t i = 0; i < t->extendeds; i++) {
        const struct bf_table_span *e = &t->extended[i];
        touches |= overlaps(p, e->first, e->bytes);
        within |= p->first >= e->first && p->first + p->bytes <= e->first + e->bytes;
    }
    return p->number > 4 ? !within : touches;
}

// A header or an array of GPT inside of a partition. An EBR may well be there: fdisk puts the next
// partition's into the one before it; it is kept, see bf_usage_table.
static int holds_table(const struct bf_parttab *t, const struct bf_partition *p)
{
    for (uint32_t i = 0; i < t->spans; i++)
        if ((t->kind == BF_PARTTAB_GPT || !t->span[i].first) &&
            overlaps(p, t->span[i].first, t->span[i].bytes))
            return 1;
    return 0;
}

// Partitions whose type says that a system other than the file system inside owns their blocks:
// Windows' dynamic disks, whose volumes lie where a database says, and what dm-verity covers.
static const char *owner_by_type(const struct bf_parttab *t, const struct bf_partition *p)
{
    static const struct {
        uint8_t guid[16];
        const char *why;
    } types[] = {
        // 5808c8aa-7e8f-42e0-85d2-e1e90434cfb3 and af9b60a0-1431-4f62-bc68-3311714a69ad: LDM
        {"\xaa\xc8\x08\x58\x8f\x7e\xe0\x42\x85\xd2\xe1\xe9\x04\x34\xcf\xb3",
         "it belongs to a Windows dynamic disk"},
        {"\xa0\x60\x9b\xaf\x31\x14\x62\x4f\xbc\x68\x33\x11\x71\x4a\x69\xad",
         "it belongs to a Windows dynamic disk"},
        // e75caf8f-f680-4cee-afa3-b001e56efc2d
        {"\x8f\xaf\x5c\xe7\x80\xf6\xee\x4c\xaf\xa3\xb0\x01\xe5\x6e\xfc\x2d",
         "it belongs to Windows Storage Spaces"},
        // 3cb8e202-3b7e-47dd-8a3c-7ff2a13cfcec: ChromeOS's root, with its hash tree behind it
        {"\x02\xe2\xb8\x3c\x7e\x3b\xdd\x47\x8a\x3c\x7f\xf2\xa1\x3c\xfc\xec",
         "ChromeOS verifies every block of it"},
        // 5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6: /usr of CoreOS and Flatcar, likewise
        {"\xf4\xf5\xfb\x5d\x48\x28\xac\x4b\xaa\x5e\x0d\x9a\x20\xb7\x45\xa6",
         "dm-verity covers every block of it"},
    };
    if (t->kind == BF_PARTTAB_MBR)
        return p->mbr_type == 0x42 ? "it belongs to a Windows dynamic disk" : NULL;
    for (uint32_t i = 0; i < BF_COUNT(types); i++)
        if (memcmp(p->type_guid, types[i].guid, sizeof types[i].guid) == 0)
            return types[i].why;
    return NULL;
}

static void judge(const struct bf_parttab *t, const struct bf_partition *p, uint64_t iso_end,
                  struct bf_usage_place *place)
{
    const char *owner = owner_by_type(t, p);
    if (owner)
        set_doubt(place, owner);
    if (p->first < iso_end)
        set_doubt(place, "an ISO 9660 image overlaps it");
    if (is_astray(t, p))
        set_doubt(place, p->number > 4 ? "it is outside of the extended partition"
                                       : "it overlaps an extended partition");
    if (holds_table(t, p))
        set_doubt(place, "part of the partition table lies in it");
}

enum bf_err bf_usage_doubts(const struct bf_parttab *t, uint64_t iso_end,
                            struct bf_usage_place *place)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->partition[i].bytes)
            judge(t, &t->partition[i], iso_end, &place[i]);
        else
            set_doubt(&place[i], t->kind == BF_PARTTAB_GPT
                                     ? "it ends beyond the end of the disk"
                                     : "it begins beyond the end of the disk");
    }
    return find_overlaps(t, place);
}
