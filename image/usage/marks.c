// SPDX-License-Identifier: Apache-2.0
// Checks of short marks: see image/usage/marks.h. A place that cannot be read is nobody's in the
// end, whatever is answered here.
#include "image/usage/marks.h"

#include <string.h>

#include "base/bytes.h"
#include "image/parttab.h"

enum { KIB = 1024, SECTOR = 512 };

// vfat.c, fat_valid_superblock: without one of its names, the boot record has to make sense. JFS
// and HPFS may begin with a record that looks like FAT's.
int bf_mark_fat(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[SECTOR];
    uint32_t sector;
    if (bf_place_read(place, at + 2 - SECTOR, b, sizeof b))
        return 1;
    sector = bf_le16(b + 11);
    return memcmp(b + 54, "JFS     ", 8) != 0 && memcmp(b + 54, "HPFS    ", 8) != 0 &&
           bf_is_power_of_two(sector) && sector >= SECTOR && sector <= 4096 &&
           bf_is_power_of_two(b[13]) && bf_le16(b + 14) && b[16] &&
           (b[21] >= 0xf8 || b[21] == 0xf0) && (bf_le16(b + 22) || bf_le32(b + 36));
}

// bitlocker.c: "BitLocker To Go" looks like FAT32, and points to its own header.
int bf_mark_bitlocker(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[8], mark[8];
    uint64_t to;
    if (bf_place_read(place, at + 437, b, sizeof b))
        return 1;
    to = bf_le64(b);
    return to && !bf_place_read(place, to, mark, sizeof mark) && !memcmp(mark, "-FVE-FS-", 8);
}

// cs_fvault2.c: version and type of the header that holds the mark at its byte 88.
int bf_mark_core_storage(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[4];
    return bf_place_read(place, at - 80, b, sizeof b) ||
           (bf_le16(b) == 1 && bf_le16(b + 2) == 0x10);
}

// udf.c: a sequence of descriptors of 2048 or 4096 bytes; ISO 9660 may come first.
int bf_mark_udf(const struct bf_usage_place *place, uint64_t at)
{
    for (uint32_t step = 2 * KIB; step <= 4 * KIB; step *= 2)
        for (uint32_t i = 0; i < 64; i++) {
            uint8_t id[5];
            if (bf_place_read(place, at + (uint64_t)i * step, id, sizeof id))
                return 0; // its end
            if (memcmp(id, "NSR0", 4) == 0)
                return 1;
            if (memcmp(id, "CD001", 5) != 0 && memcmp(id, "BEA01", 5) != 0 &&
                memcmp(id, "CDW02", 5) != 0 && memcmp(id, "BOOT2", 5) != 0 &&
                memcmp(id, "TEA01", 5) != 0)
                break;
        }
    return 0;
}

// hfs.c: allocation blocks are multiples of 512 bytes.
int bf_mark_hfs(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[24];
    return bf_place_read(place, at, b, sizeof b) ||
           (bf_be16(b + 18) && bf_be32(b + 20) && bf_be32(b + 20) % SECTOR == 0);
}

int bf_mark_hfs_plus(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[44];
    return bf_place_read(place, at, b, sizeof b) ||
           (bf_be16(b + 2) >= 4 && bf_be16(b + 2) <= 5 && bf_be32(b + 40) >= SECTOR);
}

// nilfs.c: the superblock has a checksum, itself counted as zero.
int bf_mark_nilfs(const struct bf_usage_place *place, uint64_t at)
{
    static const uint8_t none[4];
    uint8_t s[KIB];
    uint32_t bytes, crc;
    if (bf_place_read(place, at - 6, s, sizeof s))
        return 1;
    bytes = bf_le16(s + 8);
    if (bytes < 24 || bytes > sizeof s)
        return 0;
    crc = bf_crc32_update(bf_le32(s + 12), s, 16);
    crc = bf_crc32_update(crc, none, sizeof none);
    return bf_crc32_update(crc, s + 20, bytes - 20) == bf_le32(s + 16);
}

// ---- RAID --------------------------------------------------------------------------------------

// jmicron_raid.c (since 2.39): the words of the header add up to 0 or 1.
int bf_mark_jmicron(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[128];
    uint16_t sum = 0;
    if (bf_place_read(place, at, b, sizeof b))
        return 1;
    for (uint32_t i = 0; i < sizeof b; i += 2)
        sum = (uint16_t)(sum + bf_le16(b + i));
    return sum <= 1;
}

// silicon_raid.c: the words in front of the first checksum and it add up to nothing.
int bf_mark_silicon(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[0x140];
    uint16_t sum = 0;
    if (bf_place_read(place, at - 0x60, b, sizeof b))
        return 1;
    for (uint32_t i = 0; i < sizeof b; i += 2)
        sum = (uint16_t)(sum + bf_le16(b + i));
    return sum == 0 && b[0x116] < 8;
}

// via_raid.c
int bf_mark_via(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[51], sum = 0;
    if (bf_place_read(place, at, b, sizeof b))
        return 1;
    for (uint32_t i = 0; i < 50; i++)
        sum = (uint8_t)(sum + b[i]);
    return b[2] <= 2 && sum == b[50];
}

// ---- Tables ------------------------------------------------------------------------------------

// mac.c: the map begins in the next block, whose size the first one says.
int bf_mark_apple_map(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t size[2], mark[2];
    if (bf_place_read(place, at + 2, size, sizeof size) || bf_be16(size) < SECTOR)
        return 0;
    return !bf_place_read(place, at + bf_be16(size), mark, sizeof mark) && !memcmp(mark, "PM", 2);
}

// sun.c: all words of the sector, the checksum among them, cancel each other.
int bf_mark_sun(const struct bf_usage_place *place, uint64_t at)
{
    uint8_t b[SECTOR];
    uint32_t sum = 0;
    if (bf_place_read(place, at + 4 - SECTOR, b, sizeof b))
        return 1;
    for (uint32_t i = 0; i < sizeof b; i += 2)
        sum ^= bf_be16(b + i);
    return sum == 0;
}

// ---- Scattered ---------------------------------------------------------------------------------

// Whether one of these words, of either byte order, stands there. 0 outside of the place.
static int is_word(const struct bf_usage_place *place, uint64_t at, const uint32_t *word,
                   uint32_t words)
{
    uint8_t b[4];
    if (at > place->bytes || place->bytes - at < sizeof b || bf_place_read(place, at, b, sizeof b))
        return 0;
    for (uint32_t i = 0; i < words; i++)
        if (bf_le32(b) == word[i] || bf_be32(b) == word[i])
            return 1;
    return 0;
}

// ufs.c
static int has_ufs(const struct bf_usage_place *place)
{
    static const uint32_t magic[] = {0x19540119, 0x00011954, 0x00195612,
                                     0x00095014, 0x00612195, 0x05231994};
    static const uint16_t kib[] = {0, 8, 64, 256};
    for (uint32_t i = 0; i < BF_COUNT(kib); i++)
        if (is_word(place, (uint64_t)kib[i] * KIB + 0x55c, magic, BF_COUNT(magic)))
            return 1;
    return 0;
}

// sysv.c
static int has_sysv(const struct bf_usage_place *place)
{
    static const uint32_t magic = 0xfd187e20;
    static const uint8_t kib[] = {0, 9, 15, 18};
    for (uint32_t i = 0; i < sizeof kib; i++)
        if (is_word(place, (uint64_t)kib[i] * KIB + SECTOR + 504, &magic, 1))
            return 1;
    return 0;
}

// minix.c: bitmaps that are large enough for what they describe, and no superblock of ext.
static int has_minix(const struct bf_usage_place *place)
{
    static const uint16_t magic[] = {0x137f, 0x138f, 0x2468, 0x2478};
    uint8_t s[32];
    uint32_t zones, version = 0;
    if (place->signatures & BF_SIGNATURE_EXT || place->bytes < 2 * KIB ||
        bf_place_read(place, KIB, s, sizeof s))
        return 0;
    for (uint32_t i = 0; i < 4; i++)
        if (bf_le16(s + 16) == magic[i])
            version = 1 + i / 2;
    if (!version)
        return bf_le16(s + 24) == 0x4d5a && bf_le16(s + 6) && bf_le16(s + 8);
    zones = version == 2 ? bf_le32(s + 20) : bf_le16(s + 2);
    return bf_le16(s + 4) && bf_le16(s + 6) && (uint64_t)bf_le16(s + 4) * 8192 >= bf_le16(s) + 1u &&
           (uint64_t)bf_le16(s + 6) * 8192 + bf_le16(s + 8) >= (uint64_t)zones + 1;
}

// zfs.c: rings of uberblocks, 128 KiB each, in two labels at either end. libblkid wants four of
// them; a magic number of eight bytes in its place is no accident.
static int has_zfs(const struct bf_usage_place *place)
{
    static const uint8_t little[8] = {0x0c, 0xb1, 0xba}, big[8] = {0, 0, 0, 0, 0, 0xba, 0xb1, 0x0c};
    enum { LABEL = 256 * KIB };
    uint64_t end = place->bytes / LABEL * LABEL;
    if (end < 4 * LABEL)
        return 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t label = i < 2 ? i * LABEL : end - (4 - i) * LABEL;
        for (uint32_t k = 0; k < 128; k++) {
            uint8_t b[8];
            if (bf_place_read(place, label + (128 + k) * KIB, b, sizeof b))
                return 0;
            if (!memcmp(b, little, sizeof b) || !memcmp(b, big, sizeof b))
                return 1;
        }
    }
    return 0;
}

// xfs.c, probe_xfs_log: the log of an XFS elsewhere begins within the first 256 KiB.
static int has_xfs_log(const struct bf_usage_place *place)
{
    if (place->signatures & BF_SIGNATURE_XFS)
        return 0;
    for (uint32_t i = 0; i < 256 * KIB / SECTOR; i++) {
        uint8_t b[16];
        uint64_t at = (uint64_t)i * SECTOR;
        if (place->bytes < at + SECTOR || bf_place_read(place, at, b, sizeof b))
            return 0;
        if (bf_be32(b) == 0xfeedbabe && bf_be32(b + 4) && bf_be32(b + 8) >= 1 &&
            bf_be32(b + 8) <= 2)
            return 1;
    }
    return 0;
}

// A hash tree of dm-verity right behind an ext4 in the same place: veritysetup's --hash-offset.
static int has_verity_behind(const struct bf_usage_place *place)
{
    uint8_t s[32], mark[8];
    uint64_t end;
    if (!(place->signatures & BF_SIGNATURE_EXT) || place->bytes < 2 * KIB ||
        bf_place_read(place, KIB, s, sizeof s) || bf_le32(s + 24) > 6)
        return 0;
    end = (uint64_t)bf_le32(s + 4) << (10 + bf_le32(s + 24));
    return end < place->bytes && place->bytes - end > sizeof mark &&
           !bf_place_read(place, end, mark, sizeof mark) && !memcmp(mark, "verity\0\0", 8);
}

enum bf_err bf_marks_scattered(struct bf_usage_place *place)
{
    static const struct {
        int (*has)(const struct bf_usage_place *place);
        const char *name;
    } kinds[] = {{has_zfs, "ZFS"},
                 {has_ufs, "UFS"},
                 {has_minix, "Minix"},
                 {has_sysv, "a System V file system"},
                 {has_xfs_log, "an XFS log"},
                 {has_verity_behind, "dm-verity"}};
    uint64_t errors = place->peek->errors;
    for (uint32_t i = 0; i < BF_COUNT(kinds); i++)
        if (kinds[i].has(place))
            bf_place_found(place, BF_SIGNATURE_OTHER, kinds[i].name);
    return place->peek->errors == errors ? BF_OK : BF_ERR_IO;
}
