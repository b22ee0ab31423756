// SPDX-License-Identifier: Apache-2.0
// syslinux, extlinux and U-Boot's reader of the same files: configurations and what they start.
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/syslinux.h"

#include "tests/finalize_walk.h"
#include "tests/unit/test.h"

#define X "extlinux /boot/extlinux/extlinux.conf:"

struct sample {
    const char *what, *conf, *want;
};

static const struct sample samples[] = {
    {"keywords in any case, CR LF, tabs",
     "TimeOut 10\r\ndefault\tL\r\nlabel L\r\n\tLinux /boot/k\r\n\tINITRD /boot/i\r\n\tappend  a  "
     "b\t\r\n",
     "* " X "4 \"L\"\n  kernel /boot/k\n  initrd /boot/i\n"
     "  cmdline BOOT_IMAGE=/boot/k initrd=/boot/i a  b\n"},
    {"an entry started by its label", "DEFAULT k\nLABEL k\nAPPEND x\n",
     "* " X "2 \"k\"\n  kernel /boot/extlinux/k\n  cmdline BOOT_IMAGE=k x\n"},
    {"the default in another case", "DEFAULT LINUX\nLABEL linux\nLINUX /boot/k\n",
     "* " X "3 \"linux\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"},
    {"the same case comes first", "DEFAULT b\nLABEL B\nLINUX /boot/k\nLABEL b\nLINUX /boot/k2\n",
     "- " X "3 \"B\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "* " X "5 \"b\"\n  kernel /boot/k2\n  cmdline BOOT_IMAGE=/boot/k2\n"},
    {"the last default counts",
     "DEFAULT a\nDEFAULT b\nLABEL a\nLINUX /boot/k\nLABEL b\nLINUX /boot/k2\n",
     "- " X "4 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "* " X "6 \"b\"\n  kernel /boot/k2\n  cmdline BOOT_IMAGE=/boot/k2\n"},
    {"words behind the default's label", "DEFAULT a single\nLABEL a\nLINUX /boot/k\n",
     "* " X "3 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"},
    {"words behind the kernel", "DEFAULT a\nLABEL a\nLINUX /boot/k quiet\nAPPEND ro\n",
     "* " X "3 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k quiet ro\n"},
    {"an initramfs among the words",
     "DEFAULT a\nLABEL a\nLINUX /boot/k\nAPPEND initrd=/boot/i,i2 ro\n",
     "* " X "3 \"a\"\n  kernel /boot/k\n  initrd /boot/i\n  initrd /boot/extlinux/i2\n"
     "  cmdline BOOT_IMAGE=/boot/k initrd=/boot/i,i2 ro\n"},
    {"the words of all, none, or its own",
     "DEFAULT a\nAPPEND all\nLABEL a\nLINUX /boot/k\nLABEL b\nLINUX /boot/k\nAPPEND -\nLABEL c\n"
     "LINUX /boot/k\nAPPEND own\n",
     "* " X "4 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k all\n"
     "- " X "6 \"b\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "- " X "9 \"c\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k own\n"},
    {"a title with a hot key", "DEFAULT a\nLABEL a\nMENU LABEL ^One ^^two\nLINUX /boot/k\n",
     "* " X "4 \"One two\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"},
    {"without a default, nothing starts by itself", "LABEL a\nLINUX /boot/k\n",
     "- " X "2 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"},
    {"with a menu the first one does",
     "UI menu.c32\nTIMEOUT 5\nLABEL a\nLINUX /boot/k\nLABEL b\nLINUX /boot/k\n",
     "* " X "4 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "- " X "6 \"b\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"},
    {"MENU DEFAULT counts with a menu",
     "UI menu.c32\nDEFAULT a\nTIMEOUT 5\nLABEL a\nLINUX /boot/k\nLABEL b\nMENU DEFAULT\nLINUX "
     "/boot/k2\n",
     "- " X "5 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "* " X "8 \"b\"\n  kernel /boot/k2\n  cmdline BOOT_IMAGE=/boot/k2\n"},
    {"and not at the prompt",
     "DEFAULT a\nTIMEOUT 5\nLABEL a\nLINUX /boot/k\nLABEL b\nMENU DEFAULT\nLINUX /boot/k2\n",
     "* " X "4 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "- " X "7 \"b\"\n  kernel /boot/k2\n  cmdline BOOT_IMAGE=/boot/k2\n"},
    {"ONTIMEOUT comes before both",
     "DEFAULT a\nONTIMEOUT b\nPROMPT 1\nTIMEOUT 5\nLABEL a\nLINUX /boot/k\nLABEL b\nLINUX "
     "/boot/k2\n",
     "- " X "6 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "* " X "8 \"b\"\n  kernel /boot/k2\n  cmdline BOOT_IMAGE=/boot/k2\n"},
    {"a menu without TIMEOUT waits", "UI menu.c32\nLABEL a\nLINUX /boot/k\n",
     "* " X "3 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "LOOK /boot/extlinux/extlinux.conf: extlinux waits for a key, since TIMEOUT is not set\n"},
    {"TIMEOUT 0 waits, too", "UI menu.c32\nTIMEOUT 0\nLABEL a\nLINUX /boot/k\n",
     "* " X "4 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "LOOK /boot/extlinux/extlinux.conf: extlinux waits for a key, since TIMEOUT is not set\n"},
    {"a sector is no kernel",
     "DEFAULT a\nLABEL a\nKERNEL /boot/k.bin\nLABEL b\nKERNEL /boot/gone.0\n",
     "* " X "3 \"a\" (other)\n"
     "- " X "5 \"b\" (other)\n  blocked /boot/gone.0 is not there\n"},
    {"LINUX makes anything a kernel", "DEFAULT a\nLABEL a\nLINUX /boot/k.bin\n",
     "* " X "3 \"a\"\n  kernel /boot/k.bin\n  cmdline BOOT_IMAGE=/boot/k.bin\n"},
    {"linux.c32 starts a kernel",
     "DEFAULT a\nLABEL a\nCOM32 linux.c32\nAPPEND /boot/k initrd=/boot/i ro\n",
     "* " X "3 \"a\"\n  kernel /boot/k\n  initrd /boot/i\n"
     "  cmdline BOOT_IMAGE=/boot/k initrd=/boot/i ro\n"},
    {"nothing is named", "DEFAULT a\nLABEL a\nLINUX\n",
     "* " X "3 \"a\"\n  blocked it names no kernel\n"},
    {"a file that is elsewhere", "DEFAULT a\nLABEL a\nLINUX 192.0.2.1::k\n",
     "* " X "3 \"a\"\n  cmdline BOOT_IMAGE=192.0.2.1::k\n"
     "  unknown 192.0.2.1::k cannot be placed in the tree\n"},
    {"a default that is not there", "DEFAULT gone\nLABEL a\nLINUX /boot/k\n",
     "- " X "3 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "* " X "1 \"gone\"\n  kernel /boot/extlinux/gone\n  cmdline BOOT_IMAGE=gone\n"
     "  blocked /boot/extlinux/gone is not there\n"},
    {"two entries of one name: the first",
     "DEFAULT a\nLABEL a\nLINUX /boot/k\nLABEL a\nLINUX /boot/k2\n",
     "* " X "3 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"
     "- " X "5 \"a\"\n  kernel /boot/k2\n  cmdline BOOT_IMAGE=/boot/k2\n"},
    {"the initramfs of the last line",
     "DEFAULT a\nLABEL a\nLINUX /boot/k\nINITRD /boot/gone\nINITRD /boot/i\n",
     "* " X "3 \"a\"\n  kernel /boot/k\n  initrd /boot/i\n"
     "  cmdline BOOT_IMAGE=/boot/k initrd=/boot/i\n"},
    {"comments and empty lines",
     "# DEFAULT b\n\n  # x\nDEFAULT a\n\nLABEL a\n#LINUX /gone\nLINUX /boot/k\n",
     "* " X "8 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"},
    {"help texts are no keywords",
     "DEFAULT a\nLABEL a\nLINUX /boot/k\nTEXT HELP\nLINUX is what this starts\nAPPEND nothing\n"
     "LABEL b\nENDTEXT\nAPPEND ro\n",
     "* " X "3 \"a\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k ro\n"},
    {"no entries", "TIMEOUT 5\n", "STOPS /boot/extlinux/extlinux.conf: offers nothing to start\n"},
    {"an empty file", "", "STOPS /boot/extlinux/extlinux.conf: offers nothing to start\n"},
};

static void set_up(void)
{
    walk_clear();
    walk_files("boot/k boot/k2 boot/k.bin boot/i boot/extlinux/k boot/extlinux/i2 "
               "boot/extlinux/menu.c32 boot/extlinux/linux.c32");
}

static void test_samples(void)
{
    bool right = true;
    set_up();
    for (size_t i = 0; i < BF_COUNT(samples); i++) {
        walk_put("boot/extlinux/extlinux.conf", samples[i].conf);
        walk_begin();
        bf_walk_syslinux(&walk, "/boot/extlinux/extlinux.conf", NULL);
        right = walk_is(samples[i].what, samples[i].want) && right;
    }
    CHECK(right);
}

#define U "U-Boot /boot/extlinux/extlinux.conf:"

static const struct sample boards[] = {
    {"its command line has nothing more",
     "DEFAULT a\nLABEL a\nLINUX /boot/k\nINITRD /boot/i\nAPPEND ro\n",
     "* " U "3 \"a\"\n  kernel /boot/k\n  initrd /boot/i\n  cmdline ro\n"},
    {"without a default the first starts", "LABEL a\nLINUX /boot/k\nLABEL b\nLINUX /boot/k2\n",
     "* " U "2 \"a\"\n  kernel /boot/k\n- " U "4 \"b\"\n  kernel /boot/k2\n"},
    {"MENU DEFAULT counts without a menu",
     "LABEL a\nKERNEL /boot/k\nLABEL b\nMENU DEFAULT\nKERNEL /boot/k2\n",
     "- " U "2 \"a\"\n  kernel /boot/k\n* " U "5 \"b\"\n  kernel /boot/k2\n"},
    {"no name makes a file another thing", "LABEL a\nKERNEL /boot/k.bin\n",
     "* " U "2 \"a\"\n  kernel /boot/k.bin\n"},
    {"TIMEOUT 0 does not wait", "TIMEOUT 0\nPROMPT 1\nLABEL a\nKERNEL /boot/k\n",
     "* " U "4 \"a\"\n  kernel /boot/k\n"},
};

static void test_boards(void)
{
    bool right = true;
    set_up();
    for (size_t i = 0; i < BF_COUNT(boards); i++) {
        walk_put("boot/extlinux/extlinux.conf", boards[i].conf);
        walk_begin();
        bf_walk_uboot(&walk, "/boot/extlinux/extlinux.conf", NULL);
        right = walk_is(boards[i].what, boards[i].want) && right;
    }
    CHECK(right);
}

// What is included is read where it stands; its names are those of the first file's folder.
static void test_included_files(void)
{
    set_up();
    walk_put("boot/extlinux/extlinux.conf", "INCLUDE sub/a.cfg\nMENU INCLUDE b.cfg Tag\nLABEL z\n"
                                            "LINUX /boot/k\n");
    walk_put("boot/extlinux/sub/a.cfg", "DEFAULT y\nLABEL y\nLINUX k\n");
    walk_put("boot/extlinux/b.cfg", "APPEND more\n");
    walk_begin();
    bf_walk_syslinux(&walk, "/boot/extlinux/extlinux.conf", NULL);
    CHECK(walk_is("included",
                  "* extlinux /boot/extlinux/sub/a.cfg:3 \"y\"\n  kernel /boot/extlinux/k\n"
                  "  cmdline BOOT_IMAGE=k more\n"
                  "- " X "4 \"z\"\n  kernel /boot/k\n  cmdline BOOT_IMAGE=/boot/k\n"));
}

// CONFIG leads to another file once, and no further.
static void test_other_configurations(void)
{
    set_up();
    walk_put("boot/extlinux/extlinux.conf",
             "DEFAULT m\nLABEL m\nCONFIG /boot/extlinux/next.conf\n");
    walk_put("boot/extlinux/next.conf", "DEFAULT a\nLABEL a\nLINUX /boot/k\n");
    walk_begin();
    bf_walk_syslinux(&walk, "/boot/extlinux/extlinux.conf", NULL);
    CHECK(walk_is("another one", "- " X "3 \"m\" (other)\n"
                                 "* extlinux /boot/extlinux/next.conf:3 \"a\"\n  kernel /boot/k\n"
                                 "  cmdline BOOT_IMAGE=/boot/k\n"));
    walk_put("boot/extlinux/next.conf",
             "DEFAULT m\nLABEL m\nCONFIG /boot/extlinux/extlinux.conf\n");
    walk_begin();
    bf_walk_syslinux(&walk, "/boot/extlinux/extlinux.conf", NULL);
    CHECK(walk_is("one that leads back",
                  "- " X "3 \"m\" (other)\n- extlinux /boot/extlinux/next.conf:3 \"m\" (other)\n"
                  "DOUBT /boot/extlinux/next.conf, line 3: the configuration "
                  "/boot/extlinux/extlinux.conf is not followed\n"));
    walk_drop("boot/extlinux/next.conf");
    walk_begin();
    bf_walk_syslinux(&walk, "/boot/extlinux/extlinux.conf", NULL);
    CHECK(walk_is("one that is not there",
                  "- " X "3 \"m\" (other)\n"
                  "DOUBT /boot/extlinux/extlinux.conf, line 3: the configuration "
                  "/boot/extlinux/next.conf is not followed\n"));
}

static void test_many_files_for_one_kernel(void)
{
    set_up();
    walk_put("boot/extlinux/extlinux.conf",
             "DEFAULT a\nLABEL a\nLINUX /boot/k\nINITRD i2,i2,i2,i2,,i2,i2,i2,i2,i2\n");
    walk_begin();
    bf_walk_syslinux(&walk, "/boot/extlinux/extlinux.conf", NULL);
    CHECK_EQ(walk.starts, 1);
    CHECK_EQ(walk.start[0].initrds, BF_INITRDS_MAX);
    CHECK_STR(walk.start[0].unknown, "more than 8 initramfs files");
    walk_end();
}

TEST_MAIN(TEST(test_samples), TEST(test_boards), TEST(test_included_files),
          TEST(test_other_configurations), TEST(test_many_files_for_one_kernel))
