// SPDX-License-Identifier: Apache-2.0
// The map of NTFS: $Bitmap, one bit for each cluster (Linux-NTFS documentation: "$Bitmap"). It is
// believed when no flag and no log says that the volume is dirty, no Windows is hibernated on it,
// the mirror agrees with the table of files, and the bitmap with the files. A large volume is not
// compared with all of its files; it is then believed only if it was closed by an implementation
// with a log. What lies behind the last cluster (a copy of the boot record) is used.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/ntfs/map.h"

enum { WINDOW = BF_USAGE_SCRATCH }; // bytes of the bitmap

static int load(struct bf_ntfs *n, uint64_t window)
{
    struct bf_peek *p = n->place.peek;
    uint64_t at = window * WINDOW, left = n->bitmap.bytes - at;
    if (p->scratch_owner == n && p->scratch_tag == window)
        return 1;
    p->scratch_owner = NULL;
    if (!bf_ntfs_read(n, &n->bitmap, at, p->scratch, left < WINDOW ? (uint32_t)left : WINDOW))
        return 0;
    p->scratch_owner = n;
    p->scratch_tag = window;
    return 1;
}

static int ntfs_extent(void *impl, uint64_t at, uint64_t *end)
{
    struct bf_ntfs *n = impl;
    const uint8_t *bits = n->place.peek->scratch;
    uint64_t cluster = at >> n->cluster_log, window = cluster / 8 / WINDOW;
    uint64_t base = window * WINDOW * 8, last = base + (uint64_t)WINDOW * 8;
    if (cluster >= n->clusters)
        return 0;
    if (last > n->clusters)
        last = n->clusters;
    *end = last << n->cluster_log;
    if (!load(n, window))
        return 0;
    uint64_t bit = cluster - base;
    int used = bits[bit / 8] >> bit % 8 & 1;
    while (bit < last - base && (bits[bit / 8] >> bit % 8 & 1) == used)
        bit += bits[bit / 8] == (used ? 0xff : 0) ? 8 - bit % 8 : 1;
    bit = bit < last - base ? bit : last - base;
    *end = (base + bit) << n->cluster_log;
    return !used;
}

static const struct bf_usage_ops ntfs_ops = {ntfs_extent};

// ---- Claiming ----------------------------------------------------------------------------------

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

static int open_bitmap(struct bf_ntfs *n)
{
    struct bf_ntfs_attribute data, list;
    uint64_t least = (n->clusters + 7) / 8;
    return bf_ntfs_record(n, BF_NTFS_BITMAP) && bf_le16(n->record + 22) == BF_NTFS_IN_USE &&
           !bf_ntfs_find(n, BF_NTFS_ATTRIBUTE_LIST, NULL, &list) &&
           bf_ntfs_find(n, BF_NTFS_DATA, NULL, &data) && bf_ntfs_stream(n, &data, &n->bitmap) &&
           n->bitmap.written >= least && n->bitmap.bytes - least < 64 &&
           n->bitmap.bytes <= (bf_le64(data.at + 24) + 1) << n->cluster_log;
}

static enum bf_err judge(struct bf_ntfs *n, char why[BF_USAGE_WHY])
{
    if (!bf_ntfs_open(n))
        return refuse(why, "its boot record or the beginning of its file table is inconsistent");
    const char *doubt = bf_ntfs_volume_doubt(n);
    if (doubt)
        return refuse(why, doubt);
    if (!bf_ntfs_mirror_fits(n))
        return refuse(why, "the mirror of its file table differs");
    enum bf_ntfs_state state = bf_ntfs_log(n);
    if (state == BF_NTFS_DIRTY)
        return refuse(why, "it was not unmounted properly");
    if (bf_ntfs_sleep(n) != BF_NTFS_AWAKE)
        return refuse(why, "it is unclear whether Windows is hibernated on it");
    if (!open_bitmap(n))
        return refuse(why, "its bitmap is stored in an unknown way");
    enum bf_ntfs_check check = bf_ntfs_check(n);
    if (check == BF_NTFS_WRONG)
        return refuse(why, "its bitmap and its files do not match");
    if (check == BF_NTFS_PARTLY && state != BF_NTFS_CLEAN)
        return refuse(why, "it was written without a log, and is too large to be checked");
    return BF_OK;
}

enum bf_err bf_usage_ntfs(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    struct bf_ntfs *n = bf_alloc(sizeof *n);
    enum bf_err err;
    if (!n)
        return BF_ERR_NO_MEMORY;
    n->place = map->place;
    memcpy(map->name, "NTFS", sizeof "NTFS");
    err = judge(n, why);
    n->place.peek->scratch_owner = NULL;
    if (err) {
        bf_free(n);
        return err;
    }
    map->ops = &ntfs_ops;
    map->impl = n;
    return BF_OK;
}

int bf_ntfs_hibernated(const struct bf_usage_place *place)
{
    struct bf_ntfs *n = bf_alloc(sizeof *n);
    int asleep;
    if (!n)
        return 0;
    n->place = *place;
    asleep = bf_ntfs_open(n) && bf_ntfs_sleep(n) == BF_NTFS_ASLEEP;
    bf_free(n);
    return asleep;
}
