// SPDX-License-Identifier: Apache-2.0
// Who has left a mark on a partition, volume or disk. Formatting seldom erases all that was there
// before, and several formats leave each other's places alone (the first KiB, 4096, 32 KiB, 64 KiB,
// the end), so that one mark proves nothing: a map is read only where exactly one owner shows.
//
// The rows are the formats that libblkid 2.38 recognises (libblkid/src/superblocks,
// .../partitions), in its order of kinds; where libblkid looks further than at the magic number, so
// does the row's check (image/usage/marks.c). A mark that is missed may cost data, one too many
// costs time.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "image/swap.h"
#include "image/usage/marks.h"
#include "image/usage/ntfs/map.h"

enum { KIB = 1024, SECTOR = 512, MIB = 1024 * KIB };

typedef int (*check_fn)(const struct bf_usage_place *place, uint64_t at);

struct mark {
    const char *name;
    uint32_t at; // bytes from the beginning, or from the end of the last whole sector
    uint8_t len;
    const char *bytes;
    uint32_t owner;
    check_fn check; // NULL: the bytes are long enough to be no accident
};

#define OTHER BF_SIGNATURE_OTHER

static const struct mark from_start[] = {
    // file systems with a map
    {"ext2/3/4", KIB + 56, 2, "\x53\xef", BF_SIGNATURE_EXT, NULL},
    {"XFS", 0, 4, "XFSB", BF_SIGNATURE_XFS, NULL},
    {"NTFS", 3, 8, "NTFS    ", BF_SIGNATURE_NTFS, NULL},
    {"Btrfs", 64 * KIB + 64, 8, "_BHRfS_M", BF_SIGNATURE_BTRFS, NULL},
    {"FAT", 54, 3, "FAT", BF_SIGNATURE_FAT, NULL},
    {"FAT", 82, 5, "FAT32", BF_SIGNATURE_FAT, NULL},
    {"FAT", SECTOR - 2, 2, "\x55\xaa", BF_SIGNATURE_FAT, bf_mark_fat},
    {"exFAT", 3, 8, "EXFAT   ", BF_SIGNATURE_EXFAT, NULL},
    {"F2FS", KIB, 4, "\x10\x20\xf5\xf2", BF_SIGNATURE_F2FS, NULL},
    // encryption, volume managers, caches
    {"LUKS", 0, 6, "LUKS\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LUKS", 16 * KIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LUKS", 32 * KIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LUKS", 64 * KIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LVM2", 0, 8, "LABELONE", BF_SIGNATURE_LVM, NULL}, // in one of the first four sectors
    {"LVM2", SECTOR, 8, "LABELONE", BF_SIGNATURE_LVM, NULL},
    {"LVM2", 2 * SECTOR, 8, "LABELONE", BF_SIGNATURE_LVM, NULL},
    {"LVM2", 3 * SECTOR, 8, "LABELONE", BF_SIGNATURE_LVM, NULL},
    {"LVM1", 0, 4, "HM\x01\x00", OTHER, NULL},
    {"LVM1", 0, 4, "HM\x02\x00", OTHER, NULL},
    {"md RAID", 0, 4, "\xfc\x4e\x2b\xa9", BF_SIGNATURE_MD, NULL},       // version 1.1
    {"md RAID", 4 * KIB, 4, "\xfc\x4e\x2b\xa9", BF_SIGNATURE_MD, NULL}, // version 1.2
    {"bcache", 4 * KIB + 24, 8, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca", OTHER, NULL},
    {"bcachefs", 4 * KIB + 24, 8, "\xc6\x85\x73\xf6\x66\xce\x90\xa9", OTHER, NULL},
    {"BitLocker", 3, 8, "-FVE-FS-", OTHER, NULL},
    {"BitLocker", 3, 8, "MSWIN4.1", OTHER, bf_mark_bitlocker},
    {"dm-verity", 0, 8, "verity\0\0", BF_SIGNATURE_COVER, NULL},
    {"dm-integrity", 0, 8, "integrt\0", BF_SIGNATURE_COVER, NULL},
    {"a device-mapper snapshot", 0, 4, "SnAp", OTHER, NULL},
    {"VDO", 0, 8, "dmvdo001", OTHER, NULL},
    {"VDO", 4 * KIB, 8, "vdo_____", OTHER, NULL},
    {"Stratis", SECTOR + 4, 16, "!Stra0tis\x86\xff\x02^\x41rh", OTHER, NULL},
    {"Stratis", 9 * SECTOR + 4, 16, "!Stra0tis\x86\xff\x02^\x41rh", OTHER, NULL},
    {"Ceph", 0, 22, "bluestore block device", OTHER, NULL},
    {"DRBD", 0, 9, "$DRBDmgr=", OTHER, NULL},
    {"DRBD", 4 * KIB, 4, "DRBD", OTHER, NULL},
    {"Oracle ASM", 32, 8, "ORCLDISK", OTHER, NULL},
    {"VMFS", MIB, 4, "\x0d\xd0\x01\xc0", OTHER, NULL},
    {"VMFS", 2 * MIB, 4, "\x5e\xf1\xab\x2f", OTHER, NULL},
    {"a Windows dynamic disk", 6 * SECTOR, 8, "PRIVHEAD", OTHER, NULL},
    {"a disk image", 0, 8, "conectix", OTHER, NULL}, // of a virtual machine: VHD, qcow2, VHDX, VMDK
    {"a disk image", 0, 4, "QFI\xfb", OTHER, NULL},
    {"a disk image", 0, 8, "vhdxfile", OTHER, NULL},
    {"a disk image", 0, 4, "KDMV", OTHER, NULL},
    {"CoreStorage", 88, 2, "CS", OTHER, bf_mark_core_storage},
    {"HighPoint RAID", 4640, 4, "\xf0\x16\x78\x5a", OTHER, NULL},
    {"HighPoint RAID", 4640, 4, "\xfd\x16\x78\x5a", OTHER, NULL},
    // other file systems
    {"ISO 9660", 32 * KIB + 1, 5, "CD001", BF_SIGNATURE_ISO9660, NULL},
    {"High Sierra", 32 * KIB + 9, 5, "CDROM", OTHER, NULL},
    {"UDF", 32 * KIB + 1, 5, "BEA01", OTHER, NULL},
    {"UDF", 32 * KIB + 1, 5, "BOOT2", OTHER, NULL},
    {"UDF", 32 * KIB + 1, 3, "NSR", OTHER, NULL},
    {"UDF", 32 * KIB + 1, 5, "TEA01", OTHER, NULL},
    {"UDF", 32 * KIB + 1, 2, "CD", OTHER, bf_mark_udf},
    {"ReFS", 0, 8, "\0\0\0ReFS\0", OTHER, NULL},
    {"APFS", 32, 4, "NXSB", OTHER, NULL},
    {"HFS+", KIB, 2, "H+", OTHER, bf_mark_hfs_plus},
    {"HFS+", KIB, 2, "HX", OTHER, bf_mark_hfs_plus},
    {"HFS", KIB, 2, "BD", OTHER, bf_mark_hfs},
    {"JFS", 32 * KIB, 4, "JFS1", OTHER, NULL},
    {"NILFS2", KIB + 6, 2, "\x34\x34", OTHER, bf_mark_nilfs},
    {"ReiserFS", 8 * KIB + 52, 6, "ReIsEr", OTHER, NULL},
    {"ReiserFS", 64 * KIB + 52, 6, "ReIsEr", OTHER, NULL},
    {"Reiser4", 64 * KIB, 7, "ReIsEr4", OTHER, NULL},
    {"GFS2", 64 * KIB, 4, "\x01\x16\x19\x70", OTHER, NULL},
    {"OCFS", 8, 9, "OracleCFS", OTHER, NULL},
    {"OCFS2", KIB, 6, "OCFSV2", OTHER, NULL},
    {"OCFS2", 2 * KIB, 6, "OCFSV2", OTHER, NULL},
    {"OCFS2", 4 * KIB, 6, "OCFSV2", OTHER, NULL},
    {"OCFS2", 8 * KIB, 6, "OCFSV2", OTHER, NULL},
    {"HPFS", 8 * KIB, 4, "\x49\xe8\x95\xf9", OTHER, NULL},
    {"VxFS", KIB, 4, "\xf5\xfc\x01\xa5", OTHER, NULL},
    {"VxFS", 8 * KIB, 4, "\xa5\x01\xfc\xf5", OTHER, NULL},
    {"BeFS", 32, 4, "1SFB", OTHER, NULL},
    {"BeFS", 32, 4, "BFS1", OTHER, NULL},
    {"BeFS", SECTOR + 32, 4, "1SFB", OTHER, NULL},
    {"BeFS", SECTOR + 32, 4, "BFS1", OTHER, NULL},
    {"BFS", 0, 4, "\xce\xfa\xad\x1b", OTHER, NULL},
    {"EXFS", 0, 4, "EXFS", OTHER, NULL},
    {"EROFS", KIB, 4, "\xe2\xe1\xf5\xe0", OTHER, NULL},
    {"SquashFS", 0, 4, "hsqs", OTHER, NULL},
    {"SquashFS", 0, 4, "sqsh", OTHER, NULL},
    {"cramfs", 0, 4, "\x45\x3d\xcd\x28", OTHER, NULL},
    {"cramfs", 0, 4, "\x28\xcd\x3d\x45", OTHER, NULL},
    {"romfs", 0, 8, "-rom1fs-", OTHER, NULL},
    {"zonefs", 0, 4, "SFOZ", OTHER, NULL},
    {"UBI", 0, 4, "UBI#", OTHER, NULL},
    {"UBIFS", 0, 4, "\x31\x18\x10\x06", OTHER, NULL},
    {"NetWare", 4 * KIB, 4, "SPB5", OTHER, NULL},
    {"Xenix", 2 * KIB, 3, "\x2b\x55\x44", OTHER, NULL},
    {"Xenix", 2 * KIB, 3, "\x44\x55\x2b", OTHER, NULL},
};

// Second headers of LUKS2 (its specification, 2.1), which is all that is left of some.
static const struct mark far_off[] = {
    {"LUKS", 128 * KIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LUKS", 256 * KIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LUKS", MIB / 2, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LUKS", MIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LUKS", 2 * MIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
    {"LUKS", 4 * MIB, 6, "SKUL\xba\xbe", BF_SIGNATURE_LUKS, NULL},
};

// RAID of mainboards and controllers, which keeps its data at the end, and DRBD.
static const struct mark from_end[] = {
    {"Intel RAID", 2 * SECTOR, 23, "Intel Raid ISM Cfg Sig.", OTHER, NULL},
    {"DDF RAID", SECTOR, 4, "\xde\x11\xde\x11", OTHER, NULL},
    {"DDF RAID", SECTOR, 4, "\x11\xde\x11\xde", OTHER, NULL},
    {"DDF RAID", 4 * KIB, 4, "\xde\x11\xde\x11", OTHER, NULL},
    {"DDF RAID", 4 * KIB, 4, "\x11\xde\x11\xde", OTHER, NULL},
    {"DDF RAID", 257 * SECTOR, 4, "\xde\x11\xde\x11", OTHER, NULL},
    {"DDF RAID", 257 * SECTOR, 4, "\x11\xde\x11\xde", OTHER, NULL},
    {"NVIDIA RAID", 2 * SECTOR, 6, "NVIDIA", OTHER, NULL},
    {"LSI RAID", SECTOR, 6, "$XIDE$", OTHER, NULL},
    {"JMicron RAID", SECTOR, 2, "JM", OTHER, bf_mark_jmicron},
    {"Silicon Image RAID", SECTOR - 0x60, 4, "\x00\x00\x00\x2f", OTHER, bf_mark_silicon},
    {"VIA RAID", SECTOR, 2, "\x55\xaa", OTHER, bf_mark_via},
    {"Adaptec RAID", SECTOR, 4, "\x37\xfc\x4d\x1e", OTHER, NULL},
    {"HighPoint RAID", 11 * SECTOR, 4, "\xf3\x16\x78\x5a", OTHER, NULL},
    {"HighPoint RAID", 11 * SECTOR, 4, "\xfd\x16\x78\x5a", OTHER, NULL},
    {"NILFS2", 8 * SECTOR - 6, 2, "\x34\x34", OTHER, bf_mark_nilfs},
    {"a Windows dynamic disk", SECTOR, 8, "PRIVHEAD", OTHER, NULL},
};

// Internal metadata of DRBD 8.4 and 9, in the last whole 4 KiB.
static const struct mark drbd[] = {
    {"DRBD", 0, 4, "\x83\x74\x02\x6b", OTHER, NULL},
    {"DRBD", 0, 4, "\x83\x74\x02\x6c", OTHER, NULL},
    {"DRBD", 0, 4, "\x83\x74\x02\x6d", OTHER, NULL},
};

// Sectors from the end at which Promise's controllers keep their data.
static const uint16_t promise[] = {16, 63, 255, 256, 399, 591, 675, 735, 911, 951, 974, 991, 3087};

// Partition tables of other kinds than image/parttab.h reads.
static const struct mark tables[] = {
    {"a GPT", SECTOR, 8, "EFI PART", OTHER, NULL},
    {"a GPT", 4 * KIB, 8, "EFI PART", OTHER, NULL},
    {"a BSD disklabel", SECTOR, 4, "\x57\x45\x56\x82", OTHER, NULL},
    {"a BSD disklabel", 64, 4, "\x57\x45\x56\x82", OTHER, NULL},
    {"a Solaris VTOC", SECTOR + 12, 4, "\xee\xde\x0d\x60", OTHER, NULL},
    {"a UnixWare table", 29 * SECTOR + 4, 4, "\xee\xde\x0d\x60", OTHER, NULL},
    {"an Ultrix disklabel", 16 * KIB - 72, 4, "\x57\x29\x03\x00", OTHER, NULL},
    {"an AIX disk", 0, 4, "\xc9\xc2\xd4\xc1", OTHER, NULL},
    {"an SGI volume header", 0, 4, "\x0b\xe5\xa9\x41", OTHER, NULL},
    {"an Apple partition map", 0, 2, "ER", OTHER, bf_mark_apple_map},
    {"an Apple partition map", SECTOR, 4, "PM\0\0", OTHER, NULL},
    {"a Sun disklabel", SECTOR - 4, 2, "\xda\xbe", OTHER, bf_mark_sun},
};

// ---- Rows --------------------------------------------------------------------------------------

static enum bf_err judge(struct bf_usage_place *place, uint64_t at, const struct mark *m)
{
    uint8_t bytes[32];
    enum bf_err err;
    if (at > place->bytes || m->len > place->bytes - at)
        return BF_OK;
    err = bf_place_read(place, at, bytes, m->len);
    if (!err && memcmp(bytes, m->bytes, m->len) == 0 && (!m->check || m->check(place, at)))
        bf_place_found(place, m->owner, m->name);
    return err;
}

static enum bf_err judge_all(struct bf_usage_place *place, const struct mark *row, uint32_t rows)
{
    enum bf_err err = BF_OK;
    for (uint32_t i = 0; !err && i < rows; i++)
        err = judge(place, row[i].at, &row[i]);
    return err;
}

static enum bf_err judge_from_end(struct bf_usage_place *place, uint32_t back, const struct mark *m)
{
    uint64_t end = place->bytes / SECTOR * SECTOR;
    return end < back ? BF_OK : judge(place, end - back, m);
}

static enum bf_err look_at_end(struct bf_usage_place *place)
{
    static const struct mark md[] = {
        {"md RAID", 0, 4, "\xfc\x4e\x2b\xa9", BF_SIGNATURE_MD, NULL},
        {"md RAID in another byte order", 0, 4, "\xa9\x2b\x4e\xfc", OTHER, NULL},
    };
    uint32_t block = place->peek->disk[place->leg->disk]->geometry.block_size;
    enum bf_err err = BF_OK;
    for (uint32_t i = 0; !err && i < BF_COUNT(from_end); i++) {
        err = judge_from_end(place, from_end[i].at, &from_end[i]);
        if (!err && block != SECTOR && from_end[i].at % SECTOR == 0) // some count in the disk's own
            err = judge_from_end(place, from_end[i].at / SECTOR * block, &from_end[i]);
    }
    for (uint32_t i = 0; !err && i < BF_COUNT(drbd) && place->bytes >= 8 * KIB; i++)
        err = judge(place, place->bytes / (4 * KIB) * (4 * KIB) - (4 * KIB - 60), &drbd[i]);
    for (uint32_t i = 0; !err && i < 2 && place->bytes >= 128 * KIB; i++) {
        uint64_t sectors = place->bytes / SECTOR;
        uint64_t v1_0 = (sectors - 16) / 8 * 8 * SECTOR; // 8 to 12 KiB before the end
        uint64_t v0_90 = place->bytes / (64 * KIB) * (64 * KIB) - 64 * KIB;
        err = judge(place, v1_0, &md[i]);
        if (!err)
            err = judge(place, v0_90, &md[i]);
    }
    return err;
}

// What has to be looked for in many places: only where there is a map to lose.
static enum bf_err look_closer(struct bf_usage_place *place)
{
    static const struct mark pdc = {"Promise RAID", 0, 24, "Promise Technology, Inc.", OTHER, NULL};
    enum bf_err err = judge_all(place, far_off, BF_COUNT(far_off));
    for (uint32_t i = 0; !err && i < BF_COUNT(promise); i++)
        err = judge_from_end(place, promise[i] * SECTOR, &pdc);
    return err ? err : bf_marks_scattered(place);
}

// ---- All of them -------------------------------------------------------------------------------

static enum bf_err look_for_swap(struct bf_usage_place *place)
{
    uint8_t *page = place->peek->scratch;
    size_t len = place->bytes < BF_SWAP_PROBE_BYTES ? (size_t)place->bytes : BF_SWAP_PROBE_BYTES;
    struct bf_swap swap;
    enum bf_err err;
    place->peek->scratch_owner = NULL;
    err = bf_place_read(place, 0, page, len);
    if (err)
        return err;
    bf_swap_probe(page, len, &swap);
    if (swap.kind == BF_SWAP_PLAIN)
        bf_place_found(place, BF_SIGNATURE_SWAP, "swap");
    else if (swap.kind != BF_SWAP_NONE)
        bf_place_found(place, BF_SIGNATURE_HIBERNATION, "a hibernated system");
    return BF_OK;
}

enum bf_err bf_signatures(struct bf_usage_place *place, int closely)
{
    enum bf_err err;
    place->signatures = 0;
    place->what[0] = 0;
    err = look_for_swap(place);
    if (!err)
        err = judge_all(place, from_start, BF_COUNT(from_start));
    if (!err && place->signatures & BF_SIGNATURE_NTFS && bf_ntfs_hibernated(place))
        bf_place_found(place, BF_SIGNATURE_HIBERNATION, "a hibernated system");
    if (!err)
        err = look_at_end(place);
    return err || !(closely || place->signatures) ? err : look_closer(place);
}

enum bf_err bf_signatures_tables(struct bf_usage_place *place, int gpt_too)
{
    static const struct mark amiga = {"an Amiga disk", 0, 4, "RDSK", OTHER, NULL};
    uint32_t gpts = 2, skip = gpt_too ? 0 : gpts;
    enum bf_err err = judge_all(place, tables + skip, BF_COUNT(tables) - skip);
    for (uint32_t i = 0; !err && gpt_too && i < gpts; i++) // its backup may be all that is left
        err = judge_from_end(place, tables[i].at, &tables[i]);
    for (uint32_t i = 0; !err && i < 16; i++)
        err = judge(place, i * SECTOR, &amiga);
    return err;
}
