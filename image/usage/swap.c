// SPDX-License-Identifier: Apache-2.0
// The map of a swap area: its header and everything around it is kept, what was swapped out means
// nothing to the next boot. The header is that of Linux (union swap_header, version 1): from byte
// 1024 on the version, the last page and the number of bad pages.
#include <string.h>

#include "base/cursor.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "image/swap.h"
#include "image/usage/parts.h"

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

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

enum bf_err bf_usage_swap(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    uint8_t *page = map->place.peek->scratch;
    struct bf_swap swap;
    struct bf_reader r;
    struct swap_map *s;
    map->place.peek->scratch_owner = NULL;
    memcpy(map->name, "swap", sizeof "swap");
    if (map->place.bytes <= KEPT)
        return refuse(why, "it is too small to be worth examining");
    if (bf_place_read(&map->place, 0, page, KEPT))
        return refuse(why, "its header cannot be read");
    bf_swap_probe(page, KEPT, &swap);
    bf_reader_init(&r, page + HEADER_AT, HEADER_BYTES);
    uint32_t version = bf_get_u32(&r), last_page = bf_get_u32(&r);
    if (swap.kind != BF_SWAP_PLAIN || strcmp(swap.signature, "SWAPSPACE2") != 0 ||
        version != VERSION)
        return refuse(why, "its header is unknown");
    if (last_page >= map->place.bytes / swap.page_size)
        return refuse(why, "it is larger than its partition");
    s = bf_alloc(sizeof *s);
    if (!s)
        return BF_ERR_NO_MEMORY;
    s->end = ((uint64_t)last_page + 1) * swap.page_size;
    map->ops = &swap_ops;
    map->impl = s;
    return BF_OK;
}
