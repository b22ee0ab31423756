// SPDX-License-Identifier: Apache-2.0
// Names of disks: which depend on the order of discovery or on the hardware, and what they say of
// disk and partition; and which names LVM's filters accept.
#include "finalize/core/devices.h"
#include "finalize/system/lvm_filter.h"

#include "tests/unit/test.h"

// ---- Names that depend on the order
// --------------------------------------------------------------

struct slot {
    const char *name;
    int disk; // -1: the name does not say which
    unsigned part;
    const char *stem;
};

static void check_slot(const struct slot *s)
{
    struct bf_position at;
    if (!bf_device_position(s->name, &at) || bf_name_kind(s->name) != BF_NAME_ORDER)
        FAIL("%s is taken for a lasting name", s->name);
    if (at.known != (s->disk >= 0) || (at.known && at.disk != (unsigned)s->disk))
        FAIL("%s: disk %u, known %d", s->name, at.disk, at.known);
    if (at.part != s->part)
        FAIL("%s: partition %u instead of %u", s->name, at.part, s->part);
    if (at.stem != strlen(s->stem) || strncmp(s->name, s->stem, at.stem) != 0)
        FAIL("%s: stem \"%.*s\"", s->name, (int)at.stem, s->name);
}

static void test_names_by_order(void)
{
    static const struct slot slots[] = {
        // The kernel's own (Documentation/admin-guide/devices.txt): letters as in base 26.
        {"/dev/sda", 0, 0, "/dev/sda"},
        {"/dev/sda1", 0, 1, "/dev/sda"},
        {"/dev/sda15", 0, 15, "/dev/sda"},
        {"/dev/sdb10", 1, 10, "/dev/sdb"},
        {"/dev/sdz1", 25, 1, "/dev/sdz"},
        {"/dev/sdaa1", 26, 1, "/dev/sdaa"},
        {"/dev/sdaz", 51, 0, "/dev/sdaz"},
        {"/dev/sdba", 52, 0, "/dev/sdba"},
        {"/dev/sdzz9", 701, 9, "/dev/sdzz"},
        {"/dev/sdaaa", 702, 0, "/dev/sdaaa"},
        {"/dev/vda", 0, 0, "/dev/vda"},
        {"/dev/vdb128", 1, 128, "/dev/vdb"},
        {"/dev/hda6", 0, 6, "/dev/hda"},
        {"/dev/hdc", 2, 0, "/dev/hdc"},
        {"/dev/xvda1", 0, 1, "/dev/xvda"},
        {"/dev/xvdbc2", 54, 2, "/dev/xvdbc"},
        {"/dev/dasda1", 0, 1, "/dev/dasda"},
        {"/dev/dasdb", 1, 0, "/dev/dasdb"},
        {"/dev/nvme0n1", 0, 0, "/dev/nvme0n1"},
        {"/dev/nvme0n1p1", 0, 1, "/dev/nvme0n1"},
        {"/dev/nvme1n1p15", 1, 15, "/dev/nvme1n1"},
        {"/dev/nvme12n3p4", 12, 4, "/dev/nvme12n3"},
        {"/dev/mmcblk0", 0, 0, "/dev/mmcblk0"},
        {"/dev/mmcblk0p2", 0, 2, "/dev/mmcblk0"},
        {"/dev/mmcblk1p1", 1, 1, "/dev/mmcblk1"},
        // Old controllers, by controller and disk.
        {"/dev/cciss/c0d0", 0, 0, "/dev/cciss/c0d0"},
        {"/dev/cciss/c0d1p5", 1, 5, "/dev/cciss/c0d1"},
        {"/dev/cciss/c1d0p1", -1, 1, "/dev/cciss/c1d0"},
        {"/dev/ida/c0d2p3", 2, 3, "/dev/ida/c0d2"},
        {"/dev/rd/c0d0p1", 0, 1, "/dev/rd/c0d0"},
        {"/dev/i2o/hda1", 0, 1, "/dev/i2o/hda"},
        {"/dev/i2o/hdb", 1, 0, "/dev/i2o/hdb"},
        // udev: the slot, and the hardware's number.
        {"/dev/disk/by-path/pci-0000:00:1f.2-ata-1", -1, 0,
         "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"},
        {"/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part3", -1, 3,
         "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"},
        {"/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0-part12", -1, 12,
         "/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0"},
        {"/dev/disk/by-path/virtio-pci-0000:00:05.0-part1", -1, 1,
         "/dev/disk/by-path/virtio-pci-0000:00:05.0"},
        {"/dev/disk/by-path/ccw-0.0.0150-part1", -1, 1, "/dev/disk/by-path/ccw-0.0.0150"},
        {"/dev/disk/by-id/ata-WDC_WD10-part_A-part2", -1, 2, "/dev/disk/by-id/ata-WDC_WD10-part_A"},
        {"/dev/disk/by-id/ata-X-part", -1, 0, "/dev/disk/by-id/ata-X-part"},
        {"/dev/disk/by-id/ata-X-part1x", -1, 0, "/dev/disk/by-id/ata-X-part1x"},
        {"/dev/disk/by-id/scsi-36000c29f5a1b2c3d4e5f60718293a4b5-part1", -1, 1,
         "/dev/disk/by-id/scsi-36000c29f5a1b2c3d4e5f60718293a4b5"},
        {"/dev/disk/by-id/wwn-0x6000c29f5a1b2c3d", -1, 0, "/dev/disk/by-id/wwn-0x6000c29f5a1b2c3d"},
        {"/dev/disk/by-id/nvme-eui.0025385b71b0c1d2-part1", -1, 1,
         "/dev/disk/by-id/nvme-eui.0025385b71b0c1d2"},
        {"/dev/disk/by-id/google-persistent-disk-0-part1", -1, 1,
         "/dev/disk/by-id/google-persistent-disk-0"},
        {"/dev/disk/by-id/dm-uuid-mpath-3600508b1001c1a2b3c4d5e6f70819202", -1, 0,
         "/dev/disk/by-id/dm-uuid-mpath-3600508b1001c1a2b3c4d5e6f70819202"},
        {"/dev/disk/by-id/dm-uuid-part2-mpath-3600508b1001c1a2b", -1, 0,
         "/dev/disk/by-id/dm-uuid-part2-mpath-3600508b1001c1a2b"},
        {"/dev/disk/by-id/dm-name-mpatha", -1, 0, "/dev/disk/by-id/dm-name-mpatha"},
        // multipath, with each of the separators that kpartx was given over time.
        {"/dev/mapper/mpatha", -1, 0, "/dev/mapper/mpatha"},
        {"/dev/mapper/mpatha1", -1, 1, "/dev/mapper/mpatha"},
        {"/dev/mapper/mpathap1", -1, 1, "/dev/mapper/mpatha"},
        {"/dev/mapper/mpatha-part1", -1, 1, "/dev/mapper/mpatha"},
        {"/dev/mapper/mpatha_part1", -1, 1, "/dev/mapper/mpatha"},
        {"/dev/mapper/mpathp", -1, 0, "/dev/mapper/mpathp"},
        {"/dev/mapper/mpathp2", -1, 2, "/dev/mapper/mpathp"},
        {"/dev/mapper/mpathpp2", -1, 2, "/dev/mapper/mpathp"},
        {"/dev/mapper/mpathbc-part12", -1, 12, "/dev/mapper/mpathbc"},
        {"/dev/mapper/3600508b1001c1a2b3c4d5e6f70819202", -1, 0,
         "/dev/mapper/3600508b1001c1a2b3c4d5e6f70819202"},
        {"/dev/mapper/3600508b1001c1a2b3c4d5e6f70819202p1", -1, 1,
         "/dev/mapper/3600508b1001c1a2b3c4d5e6f70819202"},
        {"/dev/mapper/3600508b1001c1a2b3c4d5e6f708192021", -1, 1,
         "/dev/mapper/3600508b1001c1a2b3c4d5e6f70819202"},
        {"/dev/mapper/3600508b1001c1a2b3c4d5e6f70819202-part3", -1, 3,
         "/dev/mapper/3600508b1001c1a2b3c4d5e6f70819202"},
        {"/dev/mapper/35000c500a1b2c3d4", -1, 0, "/dev/mapper/35000c500a1b2c3d4"},
        {"/dev/mapper/35000c500a1b2c3d4-part1", -1, 1, "/dev/mapper/35000c500a1b2c3d4"},
        // Numbers of which nothing says what they mean.
        {"/dev/dm-0", -1, BF_PART_UNKNOWN, "/dev/dm-0"},
        {"/dev/dm-12", -1, BF_PART_UNKNOWN, "/dev/dm-12"},
    };
    for (size_t i = 0; i < BF_COUNT(slots); i++)
        check_slot(&slots[i]);
}

// Documentation/admin-guide/devices.txt.
static void test_numbers(void)
{
    static const struct slot slots[] = {
        {"/dev/block/8:0", 0, 0, "/dev/block/8:0"},
        {"/dev/block/8:17", 1, 1, "/dev/block/8:17"},
        {"/dev/block/8:255", 15, 15, "/dev/block/8:255"},
        {"/dev/block/65:1", 16, 1, "/dev/block/65:1"},
        {"/dev/block/71:16", 113, 0, "/dev/block/71:16"},
        {"/dev/block/128:1", 128, 1, "/dev/block/128:1"},
        {"/dev/block/135:240", 255, 0, "/dev/block/135:240"},
        {"/dev/block/3:65", 1, 1, "/dev/block/3:65"},
        {"/dev/block/22:5", 2, 5, "/dev/block/22:5"},
        {"/dev/block/34:64", 7, 0, "/dev/block/34:64"},
        {"/dev/block/202:18", 1, 2, "/dev/block/202:18"},
        {"/dev/block/104:34", 2, 2, "/dev/block/104:34"},
        {"/dev/block/48:9", 1, 1, "/dev/block/48:9"},
        {"/dev/block/94:5", 1, 1, "/dev/block/94:5"},
        {"/dev/block/8:1000", -1, BF_PART_UNKNOWN, "/dev/block/8:1000"},
        {"/dev/block/253:1", -1, BF_PART_UNKNOWN, "/dev/block/253:1"},
        {"/dev/block/259:2", -1, BF_PART_UNKNOWN, "/dev/block/259:2"},
        {"/dev/block/8", -1, BF_PART_UNKNOWN, "/dev/block/8"},
        {"/dev/block/8:", -1, BF_PART_UNKNOWN, "/dev/block/8:"},
        {"/dev/block/8:2x", -1, BF_PART_UNKNOWN, "/dev/block/8:2x"},
    };
    for (size_t i = 0; i < BF_COUNT(slots); i++)
        check_slot(&slots[i]);
}

// As a kernel and a maker of an initramfs read them on a command line.
static void test_numbers_without_a_path(void)
{
    static const struct {
        const char *text, *name; // NULL: no number
    } cases[] = {
        {"8:2", "/dev/block/8:2"},
        {"0802", "/dev/block/8:2"},
        {"802", "/dev/block/8:2"},
        {"0x802", "/dev/block/8:2"},
        {"fd01", "/dev/block/253:1"},
        {"10301", "/dev/block/259:1"},
        {"100802", "/dev/block/8:258"},
        {"", NULL},
        {"8:", NULL},
        {":2", NULL},
        {"8:2:", NULL},
        {"8:2 ", NULL},
        {"82", NULL},
        {"0x", NULL},
        {"0x0x802", NULL},
        {"123456789", NULL},
        {"80g", NULL},
        {"/dev/sda2", NULL},
        {"UUID=802", NULL},
        {"none", NULL},
    };
    char name[32];
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        bool is = bf_device_number(cases[i].text, name, sizeof name);
        if (is != (cases[i].name != NULL) || (is && strcmp(name, cases[i].name) != 0))
            FAIL("\"%s\": %s", cases[i].text, is ? name : "no number");
    }
    CHECK(!bf_device_number("8:2", name, 8)); // does not fit
}

static const char *const lasting[] = {
    "",
    "sda1",
    "/sda1",
    "dev/sda1",
    "//dev/sda1",
    "/DEV/sda1",
    "/dev/",
    "/dev",
    "/dev/sd",
    "/dev/sd1",
    "/dev/sdA1",
    "/dev/sda-1",
    "/dev/sda1x",
    "/dev/sda1 ",
    "/dev/sdap1x",
    "/dev/vd",
    "/dev/xvd",
    "/dev/dasd",
    "/dev/sda123456",
    "/dev/sr0",
    "/dev/cdrom",
    "/dev/fd0",
    "/dev/md0",
    "/dev/md0p1",
    "/dev/md127",
    "/dev/md/root",
    "/dev/md/0_0",
    "/dev/loop0",
    "/dev/loop0p1",
    "/dev/ram0",
    "/dev/zram0",
    "/dev/nvme",
    "/dev/nvme0",
    "/dev/nvme0n",
    "/dev/nvmen1",
    "/dev/nvme0n1p",
    "/dev/nvme0n1px",
    "/dev/nvme0n1p1x",
    "/dev/mmcblk",
    "/dev/mmcblk0p",
    "/dev/mmcblk0boot0",
    "/dev/mmcblk0rpmb",
    "/dev/cciss/",
    "/dev/cciss/c0",
    "/dev/cciss/c0d",
    "/dev/cciss/c0d0p",
    "/dev/cciss/d0c0",
    "/dev/i2o/",
    "/dev/i2o/x",
    "/dev/dm-",
    "/dev/dm-x",
    "/dev/vg/lv",
    "/dev/vg0/swap",
    "/dev/sda/lv",
    "/dev/mapper/",
    "/dev/mapper/control",
    "/dev/mapper/vg-lv",
    "/dev/mapper/vg--x-lv--y",
    "/dev/mapper/luks-5a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
    "/dev/mapper/cryptroot",
    "/dev/mapper/mpath",
    "/dev/mapper/mpath0x",
    "/dev/mapper/mpatha-lv",
    "/dev/mapper/mpatha-part",
    "/dev/mapper/mpatha1x",
    "/dev/mapper/mympatha",
    "/dev/mapper/3",
    "/dev/mapper/36",
    "/dev/mapper/360",
    "/dev/mapper/36005",
    "/dev/mapper/3600508b1001c1a2",
    "/dev/mapper/4600508b1001c1a2b3c4d5e6f70819202",
    "/dev/mapper/3a00508b1001c1a2b3c4d5e6f70819202",
    "/dev/mapper/3600508B1001C1A2B3C4D5E6F70819202",
    "/dev/disk/by-uuid/1111",
    "/dev/disk/by-label/sda1",
    "/dev/disk/by-partuuid/1111-01",
    "/dev/disk/by-partlabel/root",
    "/dev/disk/by-id/dm-name-vg-lv",
    "/dev/disk/by-id/dm-uuid-LVM-aaaaBBBB",
    "/dev/disk/by-id/dm-uuid-CRYPT-LUKS2-aaaa-luks",
    "/dev/disk/by-id/lvm-pv-uuid-AAAA-BBBB",
    "/dev/disk/by-id/md-uuid-1:2:3:4",
    "/dev/disk/by-id/md-uuid-1:2:3:4-part1",
    "/dev/disk/by-id/md-name-host:0",
    "UUID=/dev/sda1",
    "LABEL=sda1",
    "PARTUUID=1111-01",
    "tmpfs",
    "proc",
    "none",
    "server:/dev/sda1",
    "//server/share",
    "192.0.2.1:/srv",
    "/srv/swapfile",
    "/dev/nfs",
    "/dev/root",
    "/dev/zvol/tank/swap",
    "/dev/drbd0",
    "/dev/rbd0",
    "/dev/nbd0",
};

static void test_lasting_names(void)
{
    struct bf_position at;
    for (size_t i = 0; i < BF_COUNT(lasting); i++)
        if (bf_device_position(lasting[i], &at) || bf_name_kind(lasting[i]) != BF_NAME_STABLE)
            FAIL("%s is taken for a name that depends on the order", lasting[i]);
}

// ---- Places -------------------------------------------------------------------------------------

static struct bf_devices devices;

static void add(unsigned disk, unsigned part, const char *type, const char *uuid)
{
    struct bf_device *d = bf_devices_add(&devices);
    d->disk = disk;
    d->part = part;
    snprintf(d->type, sizeof d->type, "%s", type);
    snprintf(d->uuid, sizeof d->uuid, "%s", uuid);
}

static void test_places(void)
{
    static const struct {
        const char *name, *type, *uuid; // "": not known
    } cases[] = {
        {"/dev/sda1", "", "boot"},
        {"/dev/vda1", "ext4", "boot"},
        {"/dev/hdb1", "", "data"},
        {"/dev/nvme1n1p1", "", "data"},
        {"/dev/mmcblk0p2", "", "root"},
        {"/dev/sdc1", "", ""},
        {"/dev/sda9", "", ""},
        {"/dev/cciss/c0d1p1", "", "data"},
        // Another controller's disks: the partition that fits is taken where there is one.
        {"/dev/cciss/c1d0p2", "", "root"},
        {"/dev/cciss/c1d0p1", "", ""},
        {"/dev/cciss/c1d0p1", "xfs", "data"},
        {"/dev/cciss/c1d0p1", "ext4", "boot"},
        {"/dev/cciss/c1d0p1", "btrfs", ""},
        {"/dev/disk/by-path/pci-1-part2", "", "root"},
        {"/dev/disk/by-path/pci-1-part2", "swap", ""},
        {"/dev/disk/by-id/ata-x-part3", "swap", "swap"},
        {"/dev/disk/by-id/ata-x-part7", "", ""},
        {"/dev/mapper/mpatha3", "", "swap"},
        {"/dev/dm-0", "", ""},
        {"/dev/block/8:2", "", "root"},
        {"/dev/block/8:17", "xfs", "data"},
        {"/dev/block/253:2", "", ""},
        {"UUID=root", "", ""},
    };
    add(0, 1, "ext4", "boot");
    add(0, 2, "ext4", "root");
    add(0, 3, "swap", "swap");
    add(1, 1, "xfs", "data");
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        const struct bf_device *d = bf_device_by_order(&devices, cases[i].name, cases[i].type);
        if (strcmp(d ? d->uuid : "", cases[i].uuid) != 0)
            FAIL("%s (%s): \"%s\" instead of \"%s\"", cases[i].name, cases[i].type,
                 d ? d->uuid : "", cases[i].uuid);
    }
    bf_devices_free(&devices);
}

static void test_tags_and_volumes(void)
{
    static const struct {
        const char *name;
        bool found;
    } cases[] = {
        {"UUID=AB-CD", true},
        {"uuid=ab-cd", true},
        {"UUID=\"AB-CD\"", true},
        {"UUID=AB-CDE", false},
        {"UUID=", false},
        {"LABEL=my data", true},
        {"LABEL=My data", false},
        {"/dev/disk/by-label/my\\x20data", true},
        {"/dev/disk/by-label/my data", true},
        {"LABEL=my\\x20data", false},
        {"/dev/disk/by-uuid/ab-cd", true},
        {"PARTUUID=0011-02", true},
        {"PARTLABEL=Root", true},
        {"PARTLABEL=root", false},
        {"/dev/mapper/my--vg-lv--0", true},
        {"/dev/my-vg/lv-0", true},
        {"/dev/my--vg/lv--0", false},
        {"/dev/mapper/my-vg-lv-0", false},
        {"/dev/my-vg/lv-1", false},
    };
    add(0, 2, "ext4", "AB-CD");
    snprintf(devices.item[0].label, sizeof devices.item[0].label, "my data");
    snprintf(devices.item[0].partuuid, sizeof devices.item[0].partuuid, "0011-02");
    snprintf(devices.item[0].partlabel, sizeof devices.item[0].partlabel, "Root");
    add(0, 0, "xfs", "5555");
    devices.item[1].stacked = true;
    snprintf(devices.item[1].name, sizeof devices.item[1].name, "/dev/mapper/my--vg-lv--0");
    for (size_t i = 0; i < BF_COUNT(cases); i++)
        if ((bf_device_find(&devices, cases[i].name) != NULL) != cases[i].found)
            FAIL("%s", cases[i].name);
    bf_devices_free(&devices);
}

// ---- LVM's filters
// -------------------------------------------------------------------------------

// lvm.conf(5), "filter": 'a' or 'r', a delimiter, an unanchored extended regular expression, the
// delimiter (or the other bracket of a pair). A pattern that does not fit leaves it to the next.
static void test_lvm_patterns(void)
{
    enum { A = BF_LVM_ACCEPTS, R = BF_LVM_REJECTS, N = BF_LVM_NEXT, U = BF_LVM_UNKNOWN };
    static const struct {
        const char *pattern, *name;
        int verdict;
    } cases[] = {
        {"a|.*|", "/dev/vda2", A},
        {"r|.*|", "/dev/vda2", R},
        {"a/.*/", "/dev/vda2", A},
        {"r/.*/", "/dev/vda2", R},
        {"a|/dev/sda2|", "/dev/sda2", A},
        {"a|/dev/sda2|", "/dev/vda2", N},
        {"a|sda|", "/dev/sda2", A},
        {"a|/dev/sda|", "/dev/sdaa", A},
        {"a|^/dev/sda$|", "/dev/sda", A},
        {"a|^/dev/sda$|", "/dev/sda1", N},
        {"a|^sda|", "/dev/sda", N},
        {"a|/dev/sd[a-c]|", "/dev/sdb1", A},
        {"a|/dev/sd[a-c]|", "/dev/sdd1", N},
        {"a|/dev/sd[^a-c]|", "/dev/sdd1", A},
        {"r|/dev/[hs]d.*|", "/dev/hda", R},
        {"r|/dev/(sd|vd)[a-z]+|", "/dev/vdz", R},
        {"r|^/dev/(sd\\|vd)|", "/dev/vda", N}, // an escaped bar is a bar
        {"a|/dev/vd[a-z][0-9]*$|", "/dev/vda12", A},
        {"a|/dev/vd[a-z][0-9]+$|", "/dev/vda", N},
        {"a|/dev/nvme0n1p?[0-9]?|", "/dev/nvme0n1", A},
        {"r|/dev/sd.|", "/dev/vda", N},
        {"r|/dev/cdrom|", "/dev/vda", N},
        {"a(/dev/vda)", "/dev/vda1", A},
        {"a[/dev/vda]", "/dev/vda1", A},
        {"r{/dev/vda}", "/dev/vda1", R},
        {"a\"/dev/vda\"", "/dev/vda1", A},
        {"a#/dev/vda#", "/dev/vda1", A},
        {"a|/dev/v\\da|", "/dev/vda", A}, // an escaped letter is that letter
        {"a|/dev/sda\\.1|", "/dev/sda.1", A},
        {"a|/dev/sda\\.1|", "/dev/sdax1", N},
        {"a|/dev/sd{2}|", "/dev/sdd", N}, // there are no intervals
        {"a|/dev/sd{2}|", "/dev/sd{2}", A},
        {"r|loop|", "/dev/loop0", R},
        {"a||", "/dev/vda", A}, // an empty expression is in everything
        // What is no pattern, or would cost too much, decides nothing.
        {"", "/dev/vda", U},
        {"a", "/dev/vda", U},
        {"a|", "/dev/vda", U},
        {"x|.*|", "/dev/vda", U},
        {"A|.*|", "/dev/vda", U},
        {"a|.*/", "/dev/vda", U},
        {"a(.*(", "/dev/vda", U},
        {"a|[|", "/dev/vda", U},
        {"a|(|", "/dev/vda", U},
        {"a|a**|", "/dev/vda", U},
        {"a|((((x))))|", "/dev/vda", U},
        {"a|x\\|", "/dev/vda", U},
        {" a|.*|", "/dev/vda", U},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        int is = (int)bf_lvm_match(cases[i].pattern, strlen(cases[i].pattern), cases[i].name);
        if (is != cases[i].verdict)
            FAIL("\"%s\" on %s: %d instead of %d", cases[i].pattern, cases[i].name, is,
                 cases[i].verdict);
    }
    char wide[300];
    memset(wide, 'x', sizeof wide);
    wide[0] = 'a';
    wide[1] = wide[sizeof wide - 1] = '|';
    CHECK_EQ(bf_lvm_match(wide, sizeof wide, "/dev/vda"), BF_LVM_UNKNOWN);
    CHECK_EQ(bf_lvm_match("a|\0|", 4, "/dev/vda"), BF_LVM_UNKNOWN);
}

TEST_MAIN(TEST(test_names_by_order), TEST(test_numbers), TEST(test_numbers_without_a_path),
          TEST(test_lasting_names), TEST(test_places), TEST(test_tags_and_volumes),
          TEST(test_lvm_patterns))
