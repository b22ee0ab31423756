// SPDX-License-Identifier: Apache-2.0
// Where a path of the guest's tree lies on its devices, and back; names of devices; and what a BIOS
// would start of a disk.
#include "finalize/core/places.h"

#include "finalize/core/bootcode.h"
#include "tests/unit/test.h"

// ---- Places -------------------------------------------------------------------------------------

static struct bf_devices devices;

// A Btrfs with subvolumes, /boot apart, the ESP, a device that is mounted nowhere, and one that is
// seen at two places.
static void begin(void)
{
    static const char *const name[] = {"btrfs", "boot", "esp", "unused", "data"};
    static const struct {
        size_t device;
        const char *at, *inside;
    } place[] = {
        {0, "/", "/@"},
        {0, "/home", "/@home"},
        {0, "/.snapshots", "/@/.snapshots"},
        {1, "/boot", ""},
        {2, "/boot/efi", ""},
        {4, "/srv", "/"},
        {4, "/srv/www", "/sites/www"},
    };
    bf_devices_free(&devices);
    for (size_t i = 0; i < BF_COUNT(name); i++) {
        struct bf_device *d = bf_devices_add(&devices);
        CHECK(d);
        snprintf(d->name, sizeof d->name, "%s", name[i]);
    }
    for (size_t i = 0; i < BF_COUNT(place); i++)
        bf_devices_place(&devices, place[i].device, place[i].at, place[i].inside);
}

static void test_from_a_device_to_the_tree(void)
{
    static const struct {
        size_t device;
        const char *path, *want; // "": it is not mounted
    } row[] = {
        {0, "/@/etc/fstab", "/etc/fstab"},
        {0, "/@", "/"},
        {0, "/@home/me", "/home/me"},
        {0, "/@home", "/home"},
        {0, "/@homes/me", ""},
        {0, "/@/.snapshots/1/snapshot", "/.snapshots/1/snapshot"},
        {0, "/@/.snapshotsx", "/.snapshotsx"},
        {0, "/", ""},
        {0, "/other/etc", ""},
        {1, "/vmlinuz", "/boot/vmlinuz"},
        {1, "/", "/boot/"},
        {1, "", "/boot"},
        {1, "/efi/EFI", "/boot/efi/EFI"},
        {2, "/EFI/BOOT", "/boot/efi/EFI/BOOT"},
        {3, "/vmlinuz", ""},
        {4, "/x", "/srv/x"},
        {4, "/sites/www/x", "/srv/www/x"},
        {4, "/sites/www", "/srv/www"},
        {4, "/sites/www2", "/srv/sites/www2"},
        {4, "/sites", "/srv/sites"},
    };
    begin();
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        char out[64] = "";
        bool is =
            bf_place_path(&devices, &devices.item[row[i].device], row[i].path, out, sizeof out);
        if (strcmp(is ? out : "", row[i].want) != 0)
            FAIL("%s of %s is %s, expected %s", row[i].path, devices.item[row[i].device].name,
                 is ? out : "nowhere", row[i].want);
    }
}

static void test_from_the_tree_to_a_device(void)
{
    static const char *const row[][3] = {
        {"/etc/fstab", "btrfs", "/@/etc/fstab"},
        {"/", "btrfs", "/@/"},
        {"/home", "btrfs", "/@home"},
        {"/homes", "btrfs", "/@/homes"},
        {"/home/me", "btrfs", "/@home/me"},
        {"/boot", "boot", "/"},
        {"/boot/vmlinuz", "boot", "/vmlinuz"},
        {"/bootx/vmlinuz", "btrfs", "/@/bootx/vmlinuz"},
        {"/boot/efi", "esp", "/"},
        {"/boot/efi/EFI/BOOT", "esp", "/EFI/BOOT"},
        {"/boot/efi2", "boot", "/efi2"},
        {"/srv", "data", "/"},
        {"/srv/x", "data", "/x"},
        {"/srv/www/x", "data", "/sites/www/x"},
        {"/.snapshots/1", "btrfs", "/@/.snapshots/1"},
    };
    begin();
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        char inside[64];
        const struct bf_device *d = bf_place_device(&devices, row[i][0], inside, sizeof inside);
        CHECK_STR(d ? d->name : "none", row[i][1]);
        CHECK_STR(inside, row[i][2]);
        CHECK(bf_place_device(&devices, row[i][0], NULL, 0) == d);
    }
}

// There and back is the same path, wherever it is.
static void test_places_round_trip(void)
{
    static const char *const path[] = {"/etc/x", "/home/a/b",  "/boot/k",        "/boot/efi/EFI/x",
                                       "/srv/y", "/srv/www/z", "/.snapshots/1/x"};
    begin();
    for (size_t i = 0; i < BF_COUNT(path); i++) {
        char inside[64], back[64];
        const struct bf_device *d = bf_place_device(&devices, path[i], inside, sizeof inside);
        CHECK(d && bf_place_path(&devices, d, inside, back, sizeof back));
        CHECK_STR(back, path[i]);
    }
}

static void test_places_without_room(void)
{
    begin();
    for (size_t size = 1; size < 30; size++) {
        char out[32];
        size_t need = sizeof "/boot/efi/EFI";
        CHECK_EQ(bf_place_path(&devices, &devices.item[2], "/EFI", out, size), size >= need);
        need = sizeof "/@home/me";
        CHECK_EQ(bf_place_device(&devices, "/home/me", out, size) != NULL, size >= need);
    }
    bf_devices_free(&devices);
    CHECK(!bf_place_device(&devices, "/etc", NULL, 0)); // nothing is mounted
    struct bf_device *d = bf_devices_add(&devices);
    CHECK(d);
    for (int i = 0; i < BF_PLACES_MAX + 4; i++) {
        char at[16];
        snprintf(at, sizeof at, "/m%d", i);
        bf_devices_place(&devices, 0, at, "");
    }
    CHECK_EQ(devices.places, BF_PLACES_MAX);
    bf_devices_free(&devices);
}

// ---- Names of disks -----------------------------------------------------------------------------

static void test_what_names_say_of_disks(void)
{
    static const struct {
        const char *name;
        int disk, part; // -1: the name is stable or says nothing of the disk
    } row[] = {
        {"/dev/sda", 0, 0},
        {"/dev/sda1", 0, 1},
        {"/dev/sdz9", 25, 9},
        {"/dev/sdaa1", 26, 1},
        {"/dev/vda2", 0, 2},
        {"/dev/xvdb3", 1, 3},
        {"/dev/hdc4", 2, 4},
        {"/dev/nvme0n1", 0, 0},
        {"/dev/nvme1n1p2", 1, 2},
        {"/dev/mmcblk0p1", 0, 1},
        {"/dev/cciss/c0d1p2", 1, 2},
        {"UUID=1234-5678", -1, 0},
        {"LABEL=sda1", -1, 0},
        {"PARTUUID=x", -1, 0},
        {"/dev/mapper/vg-root", -1, 0},
        {"/dev/md0", -1, 0},
        {"/dev/vg/lv", -1, 0},
        {"tmpfs", -1, 0},
        {"/dev/disk/by-uuid/x", -1, 0},
        {"", -1, 0},
        {"/dev/sd", -1, 0},
        {"server:/export", -1, 0},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        struct bf_position slot = {0};
        bool known = bf_device_position(row[i].name, &slot) && slot.known;
        if ((known ? (int)slot.disk : -1) != row[i].disk ||
            (known && (int)slot.part != row[i].part))
            FAIL("%s: disk %d, part %u", row[i].name, known ? (int)slot.disk : -1, slot.part);
        CHECK_EQ(bf_name_kind(row[i].name) == BF_NAME_ORDER, row[i].disk >= 0);
    }
}

// ---- Boot code ----------------------------------------------------------------------------------

static unsigned char track[BF_BOOTCODE_BYTES];

static void put_code(const char *text, size_t at)
{
    memset(track, 0, sizeof track);
    track[0] = 0xeb;
    track[1] = 0x63;
    track[510] = 0x55;
    track[511] = 0xaa;
    memcpy(track + at, text, strlen(text));
}

static void put_grub(uint64_t rest)
{
    put_code("GRUB ", 0x180);
    memcpy(track + 0x188, "Geom", 4);
    bf_put_le64(track + 0x5c, rest);
}

static void test_marks_of_boot_code(void)
{
    static const struct {
        const char *text;
        size_t at;
        const char *want;
    } row[] = {
        {"Operating system load error", 300, "syslinux"},
        {"Multiple active partitions", 200, "syslinux"},
        {"bootmgr", 200, "windows"},
        {"Invalid partition table", 355, "windows"},
        {"Missing operating system", 100, "active"},
        {"LILO", 6, "lilo"},
        {"LILO", 7, "other"},
        {"GRUB ", 0x180, "other"}, // without GRUB's other messages
        {"grub ", 0x180, "other"},
        {"bootmgr", 433, "windows"}, // the last place before the partition table
        {"bootmgr", 434, "other"},
        {"", 0, "other"},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        put_code(row[i].text, row[i].at);
        CHECK_STR(bf_bootcode(track, sizeof track), row[i].want);
        CHECK_STR(bf_bootcode(track, 512), row[i].want);
        CHECK_STR(bf_bootcode(track, 511), "none");
        track[510] = 0; // no firmware starts it
        CHECK_STR(bf_bootcode(track, sizeof track), "none");
    }
    memset(track, 0, sizeof track);
    track[510] = 0x55;
    track[511] = 0xaa;
    track[450] = 0xee; // a protective partition table alone
    CHECK_STR(bf_bootcode(track, sizeof track), "none");
    CHECK_STR(bf_bootcode(track, 0), "none");
}

static void test_grub_s_next_part(void)
{
    static const struct {
        uint64_t rest;
        bool there;
        const char *want;
    } row[] = {
        {1, true, "grub"},     {1, false, "grub-incomplete"}, {62, false, "grub-incomplete"},
        {62, true, "grub"},    {63, false, "grub"}, // beyond what is at hand: a partition
        {2048, false, "grub"}, {UINT64_MAX, false, "grub"},   {1ULL << 55, false, "grub"},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        put_grub(row[i].rest);
        if (row[i].there)
            track[row[i].rest * 512 + 511] = 1; // its last byte is enough
        CHECK_STR(bf_bootcode(track, sizeof track), row[i].want);
    }
    put_grub(1);
    CHECK_STR(bf_bootcode(track, 512), "grub"); // nobody can tell
    CHECK_STR(bf_bootcode(track, 1023), "grub");
    CHECK_STR(bf_bootcode(track, 1024), "grub-incomplete");
    track[1] = 0x48;
    CHECK_STR(bf_bootcode(track, sizeof track), "grub-legacy");
}

TEST_MAIN(TEST(test_from_a_device_to_the_tree), TEST(test_from_the_tree_to_a_device),
          TEST(test_places_round_trip), TEST(test_places_without_room),
          TEST(test_what_names_say_of_disks), TEST(test_marks_of_boot_code),
          TEST(test_grub_s_next_part))
