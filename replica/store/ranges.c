// SPDX-License-Identifier: Apache-2.0
// The list of ranges, see ranges.h.
#include "replica/store/ranges.h"

#include <string.h>

#include "base/assert.h"

static void drop(struct bf_range_set *set, uint32_t i)
{
    BF_ASSERT(i < set->count);
    set->count--;
    memmove(&set->range[i], &set->range[i + 1], (set->count - i) * sizeof set->range[0]);
}

static void insert(struct bf_range_set *set, uint32_t i, uint64_t first, uint64_t end)
{
    BF_ASSERT(i <= set->count && set->count <= BF_RANGES_MAX && first < end);
    memmove(&set->range[i + 1], &set->range[i], (set->count - i) * sizeof set->range[0]);
    set->range[i].first = first;
    set->range[i].end = end;
    set->count++;
}

static void forget_smallest(struct bf_range_set *set)
{
    uint32_t least = 0;

    for (uint32_t i = 1; i < set->count; i++)
        if (set->range[i].end - set->range[i].first <
            set->range[least].end - set->range[least].first)
            least = i;
    drop(set, least);
}

void bf_ranges_add(struct bf_range_set *set, uint64_t first, uint64_t end)
{
    uint32_t i = 0;

    if (first >= end)
        return;
    while (i < set->count && set->range[i].end < first)
        i++;
    while (i < set->count && set->range[i].first <= end) {
        first = set->range[i].first < first ? set->range[i].first : first;
        end = set->range[i].end > end ? set->range[i].end : end;
        drop(set, i);
    }
    BF_ASSERT(i == 0 || set->range[i - 1].end < first);
    insert(set, i, first, end);
    if (set->count > BF_RANGES_MAX)
        forget_smallest(set);
}

void bf_ranges_remove(struct bf_range_set *set, uint64_t first, uint64_t end)
{
    uint32_t i = 0;

    if (first >= end)
        return;
    while (i < set->count && set->range[i].end <= first)
        i++;
    if (i < set->count && set->range[i].first < first && set->range[i].end > end) {
        insert(set, i + 1, end, set->range[i].end);
        set->range[i].end = first;
        if (set->count > BF_RANGES_MAX)
            forget_smallest(set);
        return;
    }
    if (i < set->count && set->range[i].first < first)
        set->range[i++].end = first;
    while (i < set->count && set->range[i].end <= end)
        drop(set, i);
    if (i < set->count && set->range[i].first < end)
        set->range[i].first = end;
}

int bf_ranges_gap(const struct bf_range_set *set, uint64_t from, uint64_t limit, uint64_t *first,
                  uint64_t *end)
{
    uint32_t i = 0;

    while (i < set->count && set->range[i].end <= from)
        i++;
    if (i < set->count && set->range[i].first <= from)
        from = set->range[i++].end;
    *first = from;
    *end = i < set->count && set->range[i].first < limit ? set->range[i].first : limit;
    BF_ASSERT(from >= limit || *first < *end);
    return from < limit;
}

uint64_t bf_ranges_total(const struct bf_range_set *set)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < set->count; i++)
        total += set->range[i].end - set->range[i].first;
    return total;
}
