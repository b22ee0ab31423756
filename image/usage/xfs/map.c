// SPDX-License-Identifier: Apache-2.0
// The map of XFS: what the trees of free space of its allocation groups call free, when it was
// unmounted properly (its log is clean, so that nothing waits there and nothing is allocated that
// is not written yet). Shared extents, those staged for copy on write, unwritten ones, and the
// blocks that a group keeps for its own trees are not in these trees, hence used. The first thing
// that does not fit makes all that follows used.
#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "image/usage/xfs/map.h"

static int xfs_extent(void *impl, uint64_t at, uint64_t *end)
{
    struct bf_xfs *x = impl;
    uint64_t block = at >> x->block_log, base;
    uint32_t until = 0;
    int unused = -1;
    if (x->spoiled || block >= x->blocks)
        return 0;
    base = block / x->ag_blocks * x->ag_blocks;
    if (bf_xfs_enter(x, (uint32_t)(block / x->ag_blocks)))
        unused = bf_xfs_free(x, (uint32_t)(block - base), &until);
    if (unused < 0) {
        x->spoiled = 1;
        if (!bf_work_is_over(&x->place.peek->work)) // else the caller tells
            bf_log(BF_LOG_WARNING,
                   "allocation group %u of an XFS file system is inconsistent or cannot be read: "
                   "it is copied whole from there on",
                   x->ag.number);
        return 0;
    }
    *end = (base + until) << x->block_log;
    return unused;
}

static const struct bf_usage_ops xfs_ops = {xfs_extent};

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

static enum bf_err judge(struct bf_xfs *x, char why[BF_USAGE_WHY])
{
    enum bf_err err = bf_xfs_super(x, why);
    if (err)
        return err;
    // If they are missing, then this is not how it lies on the disk: a member of an array, or
    // something has been written over.
    if (x->ags > 1 && (!bf_xfs_copy_fits(x, 1) || !bf_xfs_copy_fits(x, x->ags - 1)))
        return refuse(why, "the copies of its superblock are not where they should be");
    if (!bf_xfs_log_clean(x))
        return refuse(why, "its log has not been replayed");
    return BF_OK;
}

enum bf_err bf_usage_xfs(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    struct bf_xfs *x = bf_alloc(sizeof *x);
    enum bf_err err;
    if (!x)
        return BF_ERR_NO_MEMORY;
    x->place = map->place;
    memcpy(map->name, "XFS", sizeof "XFS");
    err = judge(x, why);
    if (err) {
        bf_free(x);
        return err;
    }
    map->ops = &xfs_ops;
    map->impl = x;
    return BF_OK;
}
