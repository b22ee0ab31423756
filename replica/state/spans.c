// SPDX-License-Identifier: Apache-2.0
// See spans.h.
#include "replica/state/spans.h"

#include <stdlib.h>

#include "base/assert.h"

static int by_first(const void *a, const void *b)
{
    const struct bf_place_span *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

uint32_t bf_spans_tidy(struct bf_place_span *span, uint32_t count, uint64_t disk_bytes)
{
    uint32_t kept = 0;

    qsort(span, count, sizeof *span, by_first);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t first = span[i].first, bytes = span[i].bytes, reach;
        struct bf_place_span *last = kept ? &span[kept - 1] : NULL;
        BF_ASSERT(kept <= i); // nothing is overwritten that was not looked at
        if (first >= disk_bytes)
            break;
        if (bytes > disk_bytes - first)
            bytes = disk_bytes - first;
        if (!last || first > last->first + last->bytes) {
            span[kept++] = (struct bf_place_span){first, bytes};
            continue;
        }
        reach = first + bytes - last->first;
        last->bytes = reach > last->bytes ? reach : last->bytes;
    }
    return kept;
}

uint64_t bf_spans_bytes(const struct bf_place_span *span, uint32_t count)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < count; i++) {
        BF_ASSERT(i == 0 || span[i - 1].first + span[i - 1].bytes < span[i].first);
        bytes += span[i].bytes;
    }
    return bytes;
}

uint64_t bf_spans_within(const struct bf_place_span *span, uint32_t count, uint32_t *at,
                         uint64_t first, uint64_t end)
{
    uint64_t within = 0;

    BF_ASSERT(first <= end && *at <= count);
    BF_ASSERT(*at == 0 || span[*at - 1].first + span[*at - 1].bytes <= first);
    while (*at < count && span[*at].first + span[*at].bytes <= first)
        (*at)++;
    for (uint32_t i = *at; i < count && span[i].first < end; i++) {
        uint64_t from = span[i].first > first ? span[i].first : first;
        uint64_t to = span[i].first + span[i].bytes < end ? span[i].first + span[i].bytes : end;
        within += to > from ? to - from : 0;
    }
    return within;
}
