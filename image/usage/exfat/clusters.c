// SPDX-License-Identifier: Apache-2.0
// The clusters of exFAT: chains of the table, and what the allocation bitmap says of each ("exFAT
// file system specification", 4.1, First FAT; 7.1, Allocation Bitmap).
#include "base/bytes.h"
#include "image/usage/exfat/map.h"

enum { BITS_BYTES = 512 }; // of the bitmap that are read at a time

// Bytes that do not cross the end of a window.
static const uint8_t *look_at(const struct bf_exfat *f, struct bf_exfat_window *w, uint64_t at)
{
    uint64_t first = at - at % BF_EXFAT_WINDOW, left = f->place.bytes - first;
    if (w->at == first)
        return w->bytes + (at - first);
    w->at = 0;
    if (first >= f->place.bytes ||
        bf_place_read(&f->place, first, w->bytes, left < BF_EXFAT_WINDOW ? left : BF_EXFAT_WINDOW))
        return NULL;
    w->at = first;
    return w->bytes + (at - first);
}

int bf_exfat_next(struct bf_exfat *f, uint32_t cluster, uint32_t *next)
{
    const uint8_t *entry = look_at(f, &f->links, f->fat + (uint64_t)cluster * 4);
    if (!entry)
        return 0;
    *next = bf_le32(entry);
    return *next == bf_exfat_end || bf_exfat_is_cluster(f, *next);
}

static int is_one_in_use(struct bf_exfat *f, uint32_t cluster)
{
    uint64_t number = cluster - BF_EXFAT_FIRST;
    const uint8_t *eight = look_at(f, &f->bits, bf_exfat_byte(f, f->bitmap) + number / 8);
    return eight && *eight >> number % 8 & 1;
}

int bf_exfat_in_use(struct bf_exfat *f, uint32_t first, uint64_t count)
{
    uint8_t bits[BITS_BYTES];
    uint64_t number = first - BF_EXFAT_FIRST, end = number + count, base, last;
    if (!bf_exfat_is_cluster(f, first) || count > f->clusters - number)
        return 0;
    if (count == 1)
        return is_one_in_use(f, first);
    while (number < end) {
        base = number / 8;
        last = (end - 1) / 8 - base < BITS_BYTES ? (end - 1) / 8 + 1 : base + BITS_BYTES;
        if (bf_place_read(&f->place, bf_exfat_byte(f, f->bitmap) + base, bits,
                          (size_t)(last - base)))
            return 0;
        for (; number < end && number < last * 8; number++)
            if (!(bits[number / 8 - base] >> number % 8 & 1))
                return 0;
    }
    return 1;
}
