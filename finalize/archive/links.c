// SPDX-License-Identifier: Apache-2.0
// See links.h.
#include "finalize/archive/links.h"

#include <stdlib.h>
#include <string.h>

static size_t bucket_of(uint32_t ino, uint32_t major, uint32_t minor)
{
    uint32_t h = (ino ^ major << 16 ^ minor << 24) * 2654435761u;
    return h >> 24;
}

bool bf_links_add(struct bf_links *l, const struct bf_linked *link)
{
    if (l->count >= BF_LINKS_MAX)
        return true;
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct bf_linked *more = realloc(l->item, room * sizeof *more);
        if (!more)
            return false;
        l->item = more;
        l->room = room;
    }
    size_t b = bucket_of(link->ino, link->major, link->minor);
    struct bf_linked *item = &l->item[l->count];
    *item = *link;
    item->name = strdup(link->name);
    item->next = l->bucket[b];
    if (!item->name)
        return false;
    l->bucket[b] = ++l->count;
    return true;
}

const struct bf_linked *bf_links_next(const struct bf_links *l, uint32_t ino, uint32_t major,
                                      uint32_t minor, size_t *at)
{
    size_t i = *at ? l->item[*at - 1].next : l->bucket[bucket_of(ino, major, minor)];
    for (; i; i = l->item[i - 1].next) {
        const struct bf_linked *link = &l->item[i - 1];
        *at = i;
        if (link->ino == ino && link->major == major && link->minor == minor)
            return link;
    }
    return NULL;
}

void bf_links_clear(struct bf_links *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->item[i].name);
    free(l->item);
    memset(l, 0, sizeof *l);
}
