// SPDX-License-Identifier: Apache-2.0
// See places.h. The place that fits best is the longest one: of a Btrfs several subvolumes may be
// mounted, and a mount point may stand below another.
#include "finalize/core/places.h"

#include <stdio.h>
#include <string.h>

// What follows a folder in a path: "" or "/...". NULL when the path is not in it. "" and "/" are
// the folder of all.
static const char *below(const char *path, const char *folder)
{
    size_t n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(path, folder, n) != 0 || (path[n] && path[n] != '/'))
        return NULL;
    return path + n;
}

static bool join(const char *folder, const char *rest, char *out, size_t size)
{
    const char *head = strcmp(folder, "/") == 0 && rest[0] ? "" : folder;
    int n = snprintf(out, size, "%s%s", head, rest);
    return n >= 0 && (size_t)n < size;
}

bool bf_place_path(const struct bf_devices *d, const struct bf_device *dev, const char *path,
                   char *out, size_t size)
{
    const struct bf_placed *best = NULL;
    for (size_t i = 0; i < d->places; i++) {
        const struct bf_placed *p = &d->place[i];
        bool longer = !best || strlen(p->inside) > strlen(best->inside);
        if (&d->item[p->device] == dev && longer && below(path, p->inside))
            best = p;
    }
    return best && join(best->at, below(path, best->inside), out, size);
}

const struct bf_device *bf_place_device(const struct bf_devices *d, const char *path, char *inside,
                                        size_t size)
{
    const struct bf_placed *best = NULL;
    for (size_t i = 0; i < d->places; i++) {
        const struct bf_placed *p = &d->place[i];
        if ((!best || strlen(p->at) > strlen(best->at)) && below(path, p->at))
            best = p;
    }
    if (!best || (inside && !join(best->inside, below(path, best->at), inside, size)))
        return NULL;
    if (inside && !inside[0])
        snprintf(inside, size, "/");
    return &d->item[best->device];
}
