// SPDX-License-Identifier: Apache-2.0
// Places that have an answer but no map of their own: LUKS, whose free space looks like data to
// everybody without the key, and extents of a volume group that belong to no volume.
#include "base/fmt.h"
#include "image/usage/parts.h"

enum bf_err bf_usage_luks(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    bf_snprintf(map->name, sizeof map->name, "LUKS");
    bf_snprintf(why, BF_USAGE_WHY, "encrypted");
    return BF_ERR_UNSUPPORTED;
}

static int all_unused(void *impl, uint64_t at, uint64_t *end)
{
    (void)impl;
    (void)at;
    (void)end;
    return 1;
}

static const struct bf_usage_ops unallocated_ops = {all_unused};

enum bf_err bf_usage_unallocated(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    (void)why;
    bf_snprintf(map->name, sizeof map->name, "free extents");
    map->ops = &unallocated_ops;
    return BF_OK;
}
