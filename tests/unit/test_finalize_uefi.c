// SPDX-License-Identifier: Apache-2.0
// From the firmware to a loader: the fallback path of UEFI, shim and its lists, boot code of a
// BIOS, and other boards.
#include "finalize/rehearse/firmware.h"
#include "finalize/rehearse/loaders.h"

#include "tests/finalize_tree.h"
#include "tests/finalize_walk.h"
#include "tests/unit/test.h"

#define NO_CONF "DOUBT no boot loader's configuration was found in this system\n"
#define MENU    "menuentry 'Linux' {\n linux /boot/k root=UUID=1\n}\n"

static void firmware(const char *name)
{
    snprintf(walk_plan.firmware, sizeof walk_plan.firmware, "%s", name);
}

static void architecture(const char *name)
{
    for (size_t i = 0; bf_architectures[i]; i++)
        if (strcmp(bf_architectures[i]->name, name) == 0)
            walk_fin.system.architecture = bf_architectures[i];
    CHECK(walk_fin.system.architecture);
}

static void run(void)
{
    walk_begin();
    bf_walk_firmware(&walk);
}

// ---- The fallback path -------------------------------------------------------------------------

static void test_names_by_architecture(void)
{
    static const struct {
        const char *architecture, *file;
        bool found;
    } cases[] = {
        {"x86_64", "efi/EFI/BOOT/BOOTX64.EFI", true},
        {"x86_64", "efi/EFI/boot/bootx64.efi", true},
        {"x86_64", "efi/EFI/BOOT/BOOTIA32.EFI", false},
        {"x86_64", "efi/EFI/BOOT/BOOTAA64.EFI", false},
        {"x86_64", "efi/EFI/BOOT/GRUBX64.EFI", false},
        {"x86_64", "efi/BOOT/BOOTX64.EFI", false},
        {"i386", "efi/EFI/BOOT/BOOTIA32.EFI", true},
        {"i386", "efi/EFI/BOOT/BOOTX64.EFI", true},
        {"aarch64", "efi/EFI/BOOT/BOOTAA64.EFI", true},
        {"aarch64", "efi/EFI/BOOT/BOOTX64.EFI", false},
        {"riscv64", "efi/EFI/BOOT/bootriscv64.efi", true},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        char out[BF_START_PATH];
        walk_clear();
        architecture(cases[i].architecture);
        walk_files(cases[i].file);
        walk_begin();
        if (bf_esp_default(&walk, "/efi", out, sizeof out) != cases[i].found)
            FAIL("%s: %s", cases[i].architecture, cases[i].file);
        if (cases[i].found)
            CHECK_STR(out + 1, cases[i].file);
    }
}

static void test_what_is_seen_as_a_partition(void)
{
    struct bf_esps esps;
    walk_clear();
    walk_files("efi/EFI/x boot/firmware/efi/x boot/EFI");
    walk_begin();
    bf_esps_find(&walk, &esps);
    CHECK_EQ(esps.count, 2);
    CHECK_STR(esps.mount[0], "/efi");
    CHECK_STR(esps.mount[1], "/boot/firmware");
    walk_device(1, "vfat", "1", "/efi");
    walk_device(2, "vfat", "2", "/data");
    walk_device(3, "ext4", "3", "/")->esp = true;
    walk_device(4, "vfat", "4", NULL)->esp = true;
    bf_esps_find(&walk, &esps);
    CHECK_EQ(esps.count, 2);
    CHECK_STR(esps.mount[0], "/efi");
    CHECK_STR(esps.mount[1], "/");
    CHECK(esps.elsewhere);
}

// What stops a start of a known disk is a doubt of one that was not given.
static void test_nothing_on_the_fallback_path(void)
{
    walk_clear();
    firmware("uefi");
    walk_files("efi/EFI/debian/shimx64.efi");
    run();
    CHECK(walk_is("a tree", "DOUBT the firmware of a new machine finds nothing to start: "
                            "/efi/EFI/BOOT/BOOTX64.EFI is not there\n" NO_CONF));
    walk_device(1, "vfat", "1", "/efi")->esp = true;
    run();
    CHECK(walk_is("disks", "STOPS the firmware of a new machine finds nothing to start: "
                           "/efi/EFI/BOOT/BOOTX64.EFI is not there\n" NO_CONF));
    walk_plan.efi_fallback = false;
    run();
    CHECK(
        walk_is("by the plan",
                "LOOK the plan keeps /efi/EFI/BOOT/BOOTX64.EFI from being made (efi_fallback): the "
                "new machine starts only with a boot entry in its firmware\n" NO_CONF));
}

// Which firmware it is: what the plan says, else what is there.
static void test_which_firmware(void)
{
    static const char *const said =
        "LOOK the plan does not say which firmware the new machine has (target.firmware): ";
    walk_clear();
    walk_files("boot/k");
    walk_put("boot/grub/grub.cfg", MENU);
    walk_fin.system.uefi = walk_fin.system.bios = true;
    run();
    CHECK_EQ(walk.starts, 1);
    CHECK(strncmp(walk.trouble[0].text, said + 5, strlen(said + 5)) == 0);
    CHECK(strstr(walk.trouble[0].text, "a BIOS was assumed"));
    walk_put("efi/EFI/BOOT/BOOTX64.EFI", "something");
    run();
    CHECK(strstr(walk.trouble[0].text, "UEFI was assumed"));
    firmware("bios");
    run();
    CHECK_EQ(walk.starts, 1);
    CHECK(walk.start[0].chosen);
    CHECK(!strstr(walk_text(), "was assumed") && !strstr(walk_text(), "BOOTX64"));
    firmware("uefi");
    run();
    CHECK(strstr(walk_text(), "DOUBT what /efi/EFI/BOOT/BOOTX64.EFI is could not be recognised"));
    CHECK_EQ(walk.starts, 1); // what GRUB would start is judged nevertheless
}

// ---- shim --------------------------------------------------------------------------------------

// A list in UTF-16 with its mark.
static void put_list(const char *path, const char *text)
{
    char wide[512] = "\xff\xfe";
    size_t n = 2;
    for (; *text; text++) {
        wide[n++] = *text;
        wide[n++] = 0;
    }
    tree_put(path, wide, n);
}

static void esp(void)
{
    walk_clear();
    firmware("uefi");
    walk_device(1, "vfat", "1", "/efi")->esp = true;
    walk_device(2, "ext4", "2", "/")->root = true;
    walk_put("efi/EFI/BOOT/BOOTX64.EFI", "shim");
    walk_files("efi/k");
}

#define ENTRY "* systemd-boot /efi/loader/entries/a.conf:1 \"a.conf\"\n  kernel /efi/k\n"

static void test_lists_of_the_fallback_loader(void)
{
    static const struct {
        const char *list, *want;
    } cases[] = {
        {"sd.efi,Debian,,This\n", ENTRY},
        {"SD.EFI,Debian,,This\r\n", ENTRY},
        {"sd.efi", ENTRY},
        {"sd.efi,x", ENTRY},
        {"sd.efi,a,,b\ngone.efi,a,,b\n", ENTRY},
        {"gone.efi,a,,b\n", "STOPS /efi/EFI/debian/BOOTX64.CSV, line 1: names "
                            "/efi/EFI/debian/gone.efi, which is not there\n"},
        {"",
         "STOPS /efi/EFI/BOOT/fbx64.efi: the fallback loader finds no list of entries: no folder "
         "of /efi/EFI has a BOOT.CSV\n"},
        {",a,,b\n",
         "STOPS /efi/EFI/BOOT/fbx64.efi: the fallback loader finds no list of entries: no "
         "folder of /efi/EFI has a BOOT.CSV\n"},
    };
    bool right = true;
    esp();
    walk_put("efi/EFI/BOOT/fbx64.efi", "fallback");
    walk_put("efi/EFI/debian/sd.efi", "systemd-boot");
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        bool entry = strcmp(cases[i].want, ENTRY) == 0;
        put_list("efi/EFI/debian/BOOTX64.CSV", cases[i].list);
        walk_put("efi/loader/entries/a.conf", "linux /k\n");
        run();
        if (entry)
            right = walk_is(cases[i].list, ENTRY) && right;
        else // what the entries would start is judged nevertheless
            right = strstr(walk_text(), cases[i].want) != NULL && right;
    }
    CHECK(right);
}

// shim that starts itself under GRUB's name would never end.
static void test_loaders_in_a_ring(void)
{
    esp();
    walk_put("efi/EFI/BOOT/grubx64.efi", "shim");
    run();
    CHECK(strstr(walk_text(),
                 "DOUBT /efi/EFI/BOOT/grubx64.efi: one loader starts another too many times"));
    CHECK_EQ(walk.starts, 0);
}

static void test_programs_that_are_known_by_others(void)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"efi/EFI/x/bootmgfw.efi",
         "* the firmware /efi/EFI/BOOT/BOOTX64.EFI:0 \"Windows Boot Manager\" (other)\n"},
        {"efi/EFI/x/mmx64.efi", "DOUBT /efi/EFI/BOOT/BOOTX64.EFI: what the manager of shim's keys "
                                "starts is not followed\n" NO_CONF},
        {"efi/EFI/x/limine.efi",
         "DOUBT /efi/EFI/BOOT/BOOTX64.EFI: what Limine starts is not followed\n" NO_CONF},
        {"efi/EFI/x/syslinux.efi",
         "STOPS /efi/EFI/BOOT/BOOTX64.EFI: syslinux finds no configuration\n" NO_CONF},
        {"efi/EFI/x/other.efi",
         "DOUBT what /efi/EFI/BOOT/BOOTX64.EFI is could not be recognised\n" NO_CONF},
    };
    bool right = true;
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        esp();
        walk_put("efi/EFI/BOOT/BOOTX64.EFI", "the same bytes");
        walk_put(cases[i].name, "the same bytes");
        run();
        right = walk_is(cases[i].name, cases[i].want) && right;
    }
    CHECK(right);
}

// ---- A BIOS ------------------------------------------------------------------------------------

#define SYS                                                                                        \
    "* extlinux /boot/extlinux/extlinux.conf:3 \"a\"\n  kernel /boot/k\n  cmdline "                \
    "BOOT_IMAGE=/boot/k\n"
#define LEGACY "* GRUB legacy /boot/grub/menu.lst:3 \"A\"\n  kernel /boot/k\n"

static const struct {
    const char *what, *code, *files,
        *want; // s: extlinux, l: GRUB legacy, in capitals with its part
} disks[] = {
    {"extlinux", "syslinux", "S", SYS},
    {"extlinux without its part", "syslinux", "s",
     SYS "DOUBT the first disk starts extlinux, whose /boot/extlinux/ldlinux.sys was not found in "
         "this system\n"},
    {"the boot code counts, not what else is there", "grub-legacy", "SL", LEGACY},
    {"the other way round", "syslinux", "SL", SYS},
    {"GRUB legacy's own is gone", "grub-legacy", "S",
     SYS "DOUBT the first disk starts GRUB legacy, whose /boot/grub/stage2 was not found in this "
         "system\nSTOPS the first disk starts GRUB legacy, which has no configuration: "
         "/boot/grub/menu.lst is not there\n"},
    {"no boot code", "none", "L",
     LEGACY "STOPS the first disk has no boot code: a BIOS finds nothing to start on it\n"},
    {"GRUB's first sector", "grub-incomplete", "L",
     LEGACY
     "STOPS the boot code of the first disk is GRUB's first sector alone: the rest of GRUB, in "
     "the sectors after it, is not there\n"},
    {"another boot code", "other", "L",
     LEGACY "DOUBT the boot code of the first disk is of no loader that is known\n"},
    {"the boot code of the active partition", "active", "S", SYS},
    {"not known: what has all its parts", "", "sL", LEGACY},
    {"not known: the newer one", "", "SL", LEGACY},
    {"nothing", "", "", NO_CONF},
};

static void put_disk(const char *code, const char *files)
{
    walk_clear();
    firmware("bios");
    struct bf_device *d = walk_device(0, "", "", NULL);
    snprintf(d->boot_code, sizeof d->boot_code, "%s", code);
    walk_device(1, "ext4", "1", "/")->root = true;
    walk_files("boot/k");
    if (strpbrk(files, "sS"))
        walk_put("boot/extlinux/extlinux.conf", "DEFAULT a\nLABEL a\nLINUX /boot/k\n");
    if (strchr(files, 'S'))
        walk_files("boot/extlinux/ldlinux.sys");
    if (strpbrk(files, "lL"))
        walk_put("boot/grub/menu.lst", "timeout 1\ntitle A\nkernel /boot/k\n");
    if (strchr(files, 'L'))
        walk_files("boot/grub/stage2");
}

static void test_boot_code(void)
{
    bool right = true;
    for (size_t i = 0; i < BF_COUNT(disks); i++) {
        put_disk(disks[i].code, disks[i].files);
        run();
        right = walk_is(disks[i].what, disks[i].want) && right;
    }
    CHECK(right);
}

// ---- Boards ------------------------------------------------------------------------------------

static void test_boards(void)
{
    walk_clear();
    architecture("aarch64");
    walk_files("boot/k boot/firmware/kernel8.img");
    walk_put("boot/firmware/config.txt", "");
    walk_put("boot/firmware/cmdline.txt", "root=UUID=1");
    run();
    CHECK(walk_is("a Raspberry Pi",
                  "* the Raspberry Pi's firmware /boot/firmware/config.txt:0 \"\"\n"
                  "  kernel /boot/firmware/kernel8.img\n  cmdline root=UUID=1\n"));
    walk_put("boot/extlinux/extlinux.conf", "LABEL a\nLINUX /boot/k\n");
    run();
    CHECK(walk_is("U-Boot comes first",
                  "* U-Boot /boot/extlinux/extlinux.conf:2 \"a\"\n  kernel /boot/k\n"));
    walk_put("efi/EFI/BOOT/BOOTAA64.EFI", "systemd-boot");
    walk_put("efi/loader/entries/a.conf", "linux /k\n");
    walk_files("efi/k");
    run();
    CHECK(walk_is("UEFI comes before both", ENTRY));
    walk_clear();
    architecture("aarch64");
    walk_put("etc/zipl.conf", "");
    run();
    CHECK(walk_is("IBM Z",
                  "DOUBT /etc/zipl.conf: zipl starts what it last wrote to the disk; that is "
                  "not followed\n" NO_CONF));
    walk_end();
}

TEST_MAIN(TEST(test_names_by_architecture), TEST(test_what_is_seen_as_a_partition),
          TEST(test_nothing_on_the_fallback_path), TEST(test_which_firmware),
          TEST(test_lists_of_the_fallback_loader), TEST(test_loaders_in_a_ring),
          TEST(test_programs_that_are_known_by_others), TEST(test_boot_code), TEST(test_boards))
