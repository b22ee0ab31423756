// SPDX-License-Identifier: Apache-2.0
// The map of exFAT: its allocation bitmap, as in Microsoft's "exFAT file system specification"
// (sections 3, Main and Backup Boot Region; 4.1, First FAT; 7.1, Allocation Bitmap). The bitmap is
// believed when both boot regions are whole and alike, no flag speaks of a volume that is dirty or
// damaged, there is one table and one bitmap, which lies in one piece, and all that any folder
// names is in use in it. Everything outside of the clusters is used. How full the boot record says
// the volume is, is not looked at: Linux does not keep it up to date.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "image/usage/exfat/map.h"

enum {
    BOOT_BYTES = 512, // of any sector size: the record is the beginning of the first sector
    BOOT_END = 510,
    SECTOR_LOG_MIN = 9,
    SECTOR_LOG_MAX = 12,
    CLUSTER_LOG_MAX = 25,
    REGION_SECTORS = 12, // the last of them is full of the checksum
    FLAGS_AT = 106,      // these two bytes and the next may change while the volume is in use, and
    PERCENT_AT = 112,    // are in no checksum
    FLAG_SECOND_FAT = 1 << 0,
    FLAG_DIRTY = 1 << 1,
    FLAG_CLEAR_TO_ZERO = 1 << 3, // has no meaning
    ENTRY_END = 0,
    ENTRY_BITMAP = 0x81,
    ENTRY_UPCASE = 0x82,
    ROOT_ENTRIES_MAX = 1 << 20,
    CHAIN_MAX = 1 << 20, // clusters of the bitmap, and of the other chains that are followed
    WINDOW = 512,        // bytes of the bitmap that one answer looks at, at most
};
static const uint32_t clusters_max = 0xfffffff5;

// ---- The map -----------------------------------------------------------------------------------

static int exfat_extent(void *impl, uint64_t at, uint64_t *end)
{
    const struct bf_exfat *f = impl;
    uint8_t bits[WINDOW];
    uint64_t number, first, last;
    size_t len;
    if (at < f->heap) {
        *end = f->heap;
        return 0;
    }
    number = (at - f->heap) / f->cluster_bytes;
    if (number >= f->clusters)
        return 0;
    first = number / 8;
    len = f->bitmap_bytes - first < WINDOW ? (size_t)(f->bitmap_bytes - first) : WINDOW;
    if (bf_place_read(&f->place, bf_exfat_byte(f, f->bitmap) + first, bits, len))
        return 0;
    last = (first + len) * 8 < f->clusters ? (first + len) * 8 : f->clusters;
    int used = bits[0] >> number % 8 & 1;
    while (number < last && (bits[number / 8 - first] >> number % 8 & 1) == used)
        number++;
    *end = f->heap + number * f->cluster_bytes;
    return !used;
}

static const struct bf_usage_ops exfat_ops = {exfat_extent};

// ---- Boot regions ------------------------------------------------------------------------------

static enum bf_err refuse(char why[BF_USAGE_WHY], const char *text)
{
    bf_snprintf(why, BF_USAGE_WHY, "%s", text);
    return BF_ERR_UNSUPPORTED;
}

// The sizes of the boot record; 0 when they do not fit together.
static int take_sizes(const uint8_t *b, struct bf_exfat *f)
{
    uint64_t sectors = bf_le64(b + 72), fat = bf_le32(b + 80), fat_sectors = bf_le32(b + 84);
    uint64_t heap = bf_le32(b + 88);
    uint32_t log = b[108], more = b[109];
    for (uint32_t i = 11; i < 64; i++) // where FAT has its sizes
        if (b[i])
            return 0;
    if (bf_le16(b + BOOT_END) != 0xaa55 || log < SECTOR_LOG_MIN || log > SECTOR_LOG_MAX ||
        more > CLUSTER_LOG_MAX - log)
        return 0;
    f->sector_bytes = 1u << log;
    f->cluster_bytes = f->sector_bytes << more;
    f->clusters = bf_le32(b + 92);
    f->root = bf_le32(b + 96);
    f->fat = fat << log;
    f->heap = heap << log;
    f->bitmap_bytes = f->clusters / 8 + (f->clusters % 8 != 0);
    return fat >= 2 * REGION_SECTORS && fat + fat_sectors <= heap && heap <= sectors &&
           f->clusters && f->clusters <= clusters_max && bf_exfat_is_cluster(f, f->root) &&
           ((uint64_t)f->clusters << more) <= sectors - heap &&
           ((uint64_t)f->clusters + BF_EXFAT_FIRST) * 4 <= fat_sectors << log;
}

static int is_in_no_sum(uint64_t at)
{
    return at == FLAGS_AT || at == FLAGS_AT + 1 || at == PERCENT_AT;
}

// Whether the boot region carries its checksum and is the same as its backup.
static enum bf_err judge_regions(const struct bf_exfat *f, char why[BF_USAGE_WHY])
{
    uint64_t region = (uint64_t)REGION_SECTORS * f->sector_bytes;
    uint8_t a[BOOT_BYTES], b[BOOT_BYTES];
    uint32_t sum = 0;
    for (uint64_t at = 0; at < region; at += BOOT_BYTES) {
        if (bf_place_read(&f->place, at, a, sizeof a) ||
            bf_place_read(&f->place, region + at, b, sizeof b))
            return refuse(why, "its boot region cannot be read");
        for (uint32_t i = 0; i < BOOT_BYTES; i++) {
            if (a[i] != b[i] && !is_in_no_sum(at + i))
                return refuse(why, "the backup of its boot region differs");
            if (at < region - f->sector_bytes && !is_in_no_sum(at + i))
                sum = (sum << 31 | sum >> 1) + a[i];
        }
        for (uint32_t i = 0; at >= region - f->sector_bytes && i < BOOT_BYTES; i += 4)
            if (bf_le32(a + i) != sum)
                return refuse(why, "the checksum of its boot region is wrong");
    }
    return BF_OK;
}

static enum bf_err judge_boot(const uint8_t *b, struct bf_exfat *f, char why[BF_USAGE_WHY])
{
    uint32_t flags = bf_le16(b + FLAGS_AT);
    enum bf_err err;
    if (!take_sizes(b, f))
        return refuse(why, "its boot record is inconsistent");
    if (bf_le64(b + 72) > f->place.bytes / f->sector_bytes)
        return refuse(why, "it is larger than its partition");
    if ((err = judge_regions(f, why)))
        return err;
    if (b[105] != 1)
        return refuse(why, "its version is unknown");
    if (b[110] != 1 || flags & FLAG_SECOND_FAT)
        return refuse(why, "it keeps two tables (TexFAT)");
    if (flags & FLAG_DIRTY)
        return refuse(why, "it was not unmounted properly");
    if (flags & ~(uint32_t)FLAG_CLEAR_TO_ZERO)
        return refuse(why, "it is marked as damaged");
    return BF_OK;
}

// ---- Clusters ----------------------------------------------------------------------------------

static int chain_in_use(struct bf_exfat *f, uint32_t cluster)
{
    for (uint32_t i = 0; i < CHAIN_MAX; i++) {
        if (!bf_exfat_in_use(f, cluster, 1) || !bf_exfat_next(f, cluster, &cluster))
            return 0;
        if (cluster == bf_exfat_end)
            return 1;
    }
    return 0;
}

// The bitmap as one piece: Linux reads it so.
static int bitmap_fits(struct bf_exfat *f)
{
    uint32_t count = (f->bitmap_bytes - 1) / f->cluster_bytes + 1, next;
    if (count > CHAIN_MAX || count > f->clusters - (f->bitmap - BF_EXFAT_FIRST))
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (!bf_exfat_next(f, f->bitmap + i, &next) ||
            next != (i + 1 < count ? f->bitmap + i + 1 : bf_exfat_end))
            return 0;
    return 1;
}

// ---- The root directory ------------------------------------------------------------------------

// What leads to the bitmap. 0: it cannot be as it should.
static int take_entry(struct bf_exfat *f, const uint8_t *e)
{
    uint32_t first = bf_le32(e + 20);
    if (e[0] == ENTRY_BITMAP) {
        f->second_bitmap |= f->bitmap || e[1] & 1;
        f->bitmap = first;
        return bf_exfat_is_cluster(f, first) && bf_le64(e + 24) == f->bitmap_bytes;
    }
    if (e[0] == ENTRY_UPCASE) {
        int again = f->upcase != 0;
        f->upcase = first;
        return bf_exfat_is_cluster(f, first) && !again;
    }
    return 1;
}

static int walk_root(struct bf_exfat *f)
{
    uint32_t cluster = f->root, left = ROOT_ENTRIES_MAX;
    uint8_t e[BF_EXFAT_ENTRY];
    while (cluster != bf_exfat_end) {
        for (uint32_t at = 0; at < f->cluster_bytes; at += BF_EXFAT_ENTRY) {
            if (!left-- || bf_place_read(&f->place, bf_exfat_byte(f, cluster) + at, e, sizeof e))
                return 0;
            if (e[0] == ENTRY_END)
                return 1;
            if (!take_entry(f, e))
                return 0;
        }
        if (!bf_exfat_next(f, cluster, &cluster))
            return 0;
    }
    return 1;
}

static enum bf_err judge_bitmap(struct bf_exfat *f, char why[BF_USAGE_WHY])
{
    if (!walk_root(f) || !f->bitmap || !f->upcase)
        return refuse(why, "its root directory is inconsistent or too long");
    if (f->second_bitmap)
        return refuse(why, "it keeps two tables (TexFAT)");
    if (!bitmap_fits(f))
        return refuse(why, "its allocation bitmap is inconsistent or not in one piece");
    enum bf_exfat_check check = BF_EXFAT_WRONG;
    if (chain_in_use(f, f->bitmap) && chain_in_use(f, f->upcase) && chain_in_use(f, f->root))
        check = bf_exfat_files(f);
    if (check == BF_EXFAT_TOO_MUCH)
        return refuse(why, "its folders are nested too deeply to be compared with its bitmap");
    if (check == BF_EXFAT_UNKNOWN)
        return refuse(why, "its folders hold unknown entries");
    return check == BF_EXFAT_FITS
               ? BF_OK
               : refuse(why, "its allocation bitmap and what is in use do not match");
}

enum bf_err bf_usage_exfat(struct bf_usage_map *map, char why[BF_USAGE_WHY])
{
    uint8_t boot[BOOT_BYTES];
    struct bf_exfat *f = bf_alloc(sizeof *f);
    enum bf_err err;
    if (!f)
        return BF_ERR_NO_MEMORY;
    f->place = map->place;
    memcpy(map->name, "exFAT", sizeof "exFAT");
    if (bf_place_read(&f->place, 0, boot, sizeof boot))
        err = refuse(why, "its boot region cannot be read");
    else
        err = judge_boot(boot, f, why);
    if (!err)
        err = judge_bitmap(f, why);
    if (err) {
        bf_free(f);
        return err;
    }
    map->ops = &exfat_ops;
    map->impl = f;
    return BF_OK;
}
