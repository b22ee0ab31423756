// SPDX-License-Identifier: Apache-2.0
// Who has left a signature on a partition or disk. Formatting seldom erases everything of what was
// there before, and several formats leave each other's places alone (the first KiB, 4096, 64 KiB,
// the end), so a single magic number proves nothing: a map is read only where exactly one owner
// shows himself. The list errs towards knowing too much: a false alarm only costs time. Magic
// numbers are those that libblkid documents.
#include <string.h>

#include "image/swap.h"
#include "image/usage_ntfs.h"
#include "image/usage_parts.h"

enum { KIB = 1024, SECTOR_MIN = 512 };

struct magic {
    uint32_t at; // bytes from the beginning, or from the end
    uint8_t len;
    const char *bytes;
    uint32_t owner;
};

static const struct magic from_start[] = {
    {KIB + 56, 2, "\x53\xef", BF_SIGNATURE_EXT},
    {0, 4, "XFSB", BF_SIGNATURE_XFS},
    {3, 8, "NTFS    ", BF_SIGNATURE_NTFS},
    {3, 8, "EXFAT   ", BF_SIGNATURE_OTHER},
    {54, 3, "FAT", BF_SIGNATURE_FAT},
    {82, 5, "FAT32", BF_SIGNATURE_FAT},
    {0, 6, "LUKS\xba\xbe", BF_SIGNATURE_LUKS},
    {16 * KIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS},
    {32 * KIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS},
    {0, 8, "LABELONE", BF_SIGNATURE_LVM}, // LVM2, in one of the first four sectors
    {SECTOR_MIN, 8, "LABELONE", BF_SIGNATURE_LVM},
    {2 * SECTOR_MIN, 8, "LABELONE", BF_SIGNATURE_LVM},
    {3 * SECTOR_MIN, 8, "LABELONE", BF_SIGNATURE_LVM},
    {0, 4, "HM\x01\x00", BF_SIGNATURE_OTHER}, // LVM1
    {0, 4, "HM\x02\x00", BF_SIGNATURE_OTHER},
    {0, 4, "\xfc\x4e\x2b\xa9", BF_SIGNATURE_MD},               // md 1.1
    {4 * KIB, 4, "\xfc\x4e\x2b\xa9", BF_SIGNATURE_MD},         // md 1.2
    {4 * KIB + 24, 4, "\xc6\x85\x73\xf6", BF_SIGNATURE_OTHER}, // bcache, bcachefs
    {4 * KIB, 4, "DRBD", BF_SIGNATURE_OTHER},
    {KIB, 4, "\x10\x20\xf5\xf2", BF_SIGNATURE_OTHER}, // F2FS
    {KIB, 4, "\xe2\xe1\xf5\xe0", BF_SIGNATURE_OTHER}, // EROFS
    {0, 4, "hsqs", BF_SIGNATURE_OTHER},
    {32 * KIB, 4, "JFS1", BF_SIGNATURE_OTHER},
    {32 * KIB + 1, 5, "CD001", BF_SIGNATURE_OTHER},
    {64 * KIB, 4, "\x01\x16\x19\x70", BF_SIGNATURE_OTHER}, // GFS2
    {64 * KIB + 52, 6, "ReIsEr", BF_SIGNATURE_OTHER},
    {64 * KIB + 64, 8, "_BHRfS_M", BF_SIGNATURE_BTRFS},
    {128 * KIB, 4, "\x0c\xb1\xba\x00", BF_SIGNATURE_OTHER}, // ZFS, the ring of uberblocks
    {16 * KIB - 40, 8, "\x11\x7a\x0c\xb1\x7a\xda\x10\x02", BF_SIGNATURE_OTHER}, // ZFS label
    {KIB, 6, "OCFSV2", BF_SIGNATURE_OTHER},
    {2 * KIB, 6, "OCFSV2", BF_SIGNATURE_OTHER},
    {4 * KIB, 6, "OCFSV2", BF_SIGNATURE_OTHER},
    {0, 8, "\x73\x74\x72\x61\x74\x69\x73\x00", BF_SIGNATURE_OTHER},
    {SECTOR_MIN, 4, "!Str", BF_SIGNATURE_OTHER}, // Stratis
    {4 * KIB, 8, "vdo_____", BF_SIGNATURE_OTHER},
    {0, 8, "dmvdo001", BF_SIGNATURE_OTHER},
    {4640, 4, "\xf0\x16\x78\x5a", BF_SIGNATURE_OTHER}, // HighPoint 37x
    {4640, 4, "\xfd\x16\x78\x5a", BF_SIGNATURE_OTHER},
};

// RAID that keeps its data at the end. md 1.0 and 0.90 are at rounded places.
static const struct magic from_end[] = {
    {2 * SECTOR_MIN, 23, "Intel Raid ISM Cfg Sig.", BF_SIGNATURE_OTHER},
    {SECTOR_MIN, 4, "\xde\x11\xde\x11", BF_SIGNATURE_OTHER}, // DDF
    {SECTOR_MIN, 4, "\x11\xde\x11\xde", BF_SIGNATURE_OTHER},
    {4 * KIB, 4, "\xde\x11\xde\x11", BF_SIGNATURE_OTHER},
    {4 * KIB, 4, "\x11\xde\x11\xde", BF_SIGNATURE_OTHER},
    {2 * SECTOR_MIN, 6, "NVIDIA", BF_SIGNATURE_OTHER},
    {SECTOR_MIN, 6, "$XIDE$", BF_SIGNATURE_OTHER}, // LSI
    {SECTOR_MIN, 2, "JM", BF_SIGNATURE_OTHER},
    {SECTOR_MIN - 0x60, 4, "\x00\x00\x00\x2f", BF_SIGNATURE_OTHER}, // Silicon Image
    {11 * SECTOR_MIN, 4, "\xf3\x16\x78\x5a", BF_SIGNATURE_OTHER},   // HighPoint 45x
    {11 * SECTOR_MIN, 4, "\xfd\x16\x78\x5a", BF_SIGNATURE_OTHER},
    {16 * SECTOR_MIN, 24, "Promise Technology, Inc.", BF_SIGNATURE_OTHER},
    {63 * SECTOR_MIN, 24, "Promise Technology, Inc.", BF_SIGNATURE_OTHER},
    {255 * SECTOR_MIN, 24, "Promise Technology, Inc.", BF_SIGNATURE_OTHER},
    {256 * SECTOR_MIN, 24, "Promise Technology, Inc.", BF_SIGNATURE_OTHER},
    {399 * SECTOR_MIN, 24, "Promise Technology, Inc.", BF_SIGNATURE_OTHER},
};

static enum bf_err judge(const struct bf_usage_place *place, uint64_t at, const struct magic *m,
                         uint32_t *found)
{
    uint8_t bytes[32];
    enum bf_err err;
    if (at > place->bytes || m->len > place->bytes - at)
        return BF_OK;
    err = bf_place_read(place, at, bytes, m->len);
    if (!err && memcmp(bytes, m->bytes, m->len) == 0)
        *found |= m->owner;
    return err;
}

static enum bf_err look_at_end(const struct bf_usage_place *place, uint32_t *found)
{
    static const struct magic md[] = {{0, 4, "\xfc\x4e\x2b\xa9", BF_SIGNATURE_MD},
                                      {0, 4, "\xa9\x2b\x4e\xfc", BF_SIGNATURE_OTHER}};
    enum bf_err err = BF_OK;
    for (uint32_t i = 0; !err && i < sizeof from_end / sizeof from_end[0]; i++)
        if (place->bytes >= from_end[i].at)
            err = judge(place, place->bytes - from_end[i].at, &from_end[i], found);
    for (uint32_t i = 0; !err && i < 2 && place->bytes >= 128 * KIB; i++) {
        uint64_t sectors = place->bytes / SECTOR_MIN;
        uint64_t v1_0 = (sectors - 16) / 8 * 8 * SECTOR_MIN; // 8 to 12 KiB before the end
        uint64_t v0_90 = place->bytes / (64 * KIB) * (64 * KIB) - 64 * KIB;
        err = judge(place, v1_0, &md[i], found);
        if (!err)
            err = judge(place, v0_90, &md[i], found);
    }
    return err;
}

enum bf_err bf_signatures(const struct bf_usage_place *place, uint32_t *found)
{
    uint8_t *page = place->peek->scratch;
    size_t len = place->bytes < BF_SWAP_PROBE_BYTES ? (size_t)place->bytes : BF_SWAP_PROBE_BYTES;
    struct bf_swap swap;
    enum bf_err err;
    *found = 0;
    place->peek->scratch_owner = NULL;
    err = bf_place_read(place, 0, page, len);
    if (err)
        return err;
    bf_swap_probe(page, len, &swap);
    if (swap.kind != BF_SWAP_NONE)
        *found |= swap.kind == BF_SWAP_PLAIN ? BF_SIGNATURE_SWAP : BF_SIGNATURE_HIBERNATION;
    for (uint32_t i = 0; !err && i < sizeof from_start / sizeof from_start[0]; i++)
        err = judge(place, from_start[i].at, &from_start[i], found);
    if (!err && *found & BF_SIGNATURE_NTFS && bf_ntfs_hibernated(place))
        *found |= BF_SIGNATURE_HIBERNATION;
    return err ? err : look_at_end(place, found);
}
