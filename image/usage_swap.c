// SPDX-License-Identifier: Apache-2.0
// The map of a swap area: its header and everything around it is kept, what was swapped out means
// nothing to the next boot. The header is that of Linux (union swap_header, version 1): from byte
// 1024 on the version, the last page and the number of bad pages.
#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "image/swap.h"
#include "image/usage_parts.h"

enum { HEADER_AT = 1024, HEADER_BYTES = 12, VERSION = 1, KEPT = BF_SWAP_PROBE_BYTES };

struct swap_map {
    uint64_t end; // of the area
};

static int swap_extent(void *impl, uint64_t at, uint64_t *end)
{
    const struct swap_map *s = impl;
    if (at >= s->end)
        return 0;
    *end = at < KEPT ? KEPT : s->end;
    return at >= KEPT;
}

static const struct bf_usage_ops swap_ops = {swap_extent};

enum bf_err bf_usage_swap(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    uint8_t *page = map->place.peek->scratch;
    struct bf_swap swap;
    struct bf_reader r;
    struct swap_map *s;
    map->place.peek->scratch_owner = NULL;
    if (map->place.bytes <= KEPT || bf_place_read(&map->place, 0, page, KEPT))
        return BF_ERR_NOT_FOUND;
    bf_swap_probe(page, KEPT, &swap);
    if (swap.kind != BF_SWAP_PLAIN)
        return BF_ERR_NOT_FOUND;
    memcpy(map->name, "swap", sizeof "swap");
    bf_reader_init(&r, page + HEADER_AT, HEADER_BYTES);
    uint32_t version = bf_get_u32(&r), last_page = bf_get_u32(&r);
    if (strcmp(swap.signature, "SWAPSPACE2") != 0 || version != VERSION ||
        last_page >= map->place.bytes / swap.page_size) {
        memcpy(why, "its header is unknown", sizeof "its header is unknown");
        return BF_ERR_UNSUPPORTED;
    }
    s = bf_alloc(sizeof *s);
    if (!s)
        return BF_ERR_NO_MEMORY;
    s->end = ((uint64_t)last_page + 1) * swap.page_size;
    map->ops = &swap_ops;
    map->impl = s;
    return BF_OK;
}
