// SPDX-License-Identifier: Apache-2.0
// GRUB legacy, LILO, rEFInd and the Raspberry Pi's firmware: configurations and what they start.
#include "finalize/rehearse/lilo.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/raspberry.h"

#include "tests/finalize_walk.h"
#include "tests/unit/test.h"

struct sample {
    const char *what, *conf, *want;
};

typedef void walk_file(struct bf_walk *w, const char *file, const struct bf_device *dev);

// Each sample as the only content of a file.
static void check_all(const struct sample *s, size_t count, const char *file, walk_file *reader)
{
    bool right = true;
    for (size_t i = 0; i < count; i++) {
        walk_put(file + 1, s[i].conf);
        walk_begin();
        reader(&walk, file, NULL);
        right = walk_is(s[i].what, s[i].want) && right;
    }
    CHECK(right);
}

// ---- GRUB legacy -------------------------------------------------------------------------------

#define G       "GRUB legacy /boot/grub/menu.lst:"
#define T       "timeout 5\n"
#define WAITING "LOOK /boot/grub/menu.lst: waits for a key, since timeout is not set\n"

static const struct sample menus[] = {
    {"as Debian wrote it",
     "default\t\t0\ntimeout\t\t5\ncolor cyan/blue white/blue\n### BEGIN AUTOMAGIC\n"
     "# kopt=root=/dev/hda1 ro\n\ntitle\t\tDebian, kernel 2.6\nroot\t\t(hd0,0)\n"
     "kernel\t\t/boot/k root=/dev/hda1 ro \ninitrd\t\t/boot/i\nsavedefault\nboot\n",
     "* " G "9 \"Debian, kernel 2.6\"\n  kernel /boot/k\n  initrd /boot/i\n"
     "  cmdline root=/dev/hda1 ro\n"},
    {"equal signs",
     "default=1\ntimeout=0\ntitle=A\nkernel=/boot/k a=b\ntitle B\nkernel /boot/k2 c\n",
     "- " G "4 \"A\"\n  kernel /boot/k\n  cmdline a=b\n"
     "* " G "6 \"B\"\n  kernel /boot/k2\n  cmdline c\n"},
    {"no title", T "title\nkernel /boot/k\n", "* " G "3 \"\"\n  kernel /boot/k\n"},
    {"the last kernel", T "title A\nkernel /boot/k\nkernel /boot/k2\n",
     "* " G "4 \"A\"\n  kernel /boot/k2\n"},
    {"a default beyond the last", T "default 7\ntitle A\nkernel /boot/k\n",
     "* " G "4 \"A\"\n  kernel /boot/k\n"
     "LOOK /boot/grub/menu.lst, line 2: there is no entry 7: the first one starts\n"},
    {"a default that is no number", T "default x\ntitle A\nkernel /boot/k\n",
     "* " G "4 \"A\"\n  kernel /boot/k\n"},
    {"one that is saved nowhere",
     T "default saved\ntitle A\nkernel /boot/k\ntitle B\nkernel /boot/k2\n",
     "* " G "4 \"A\"\n  kernel /boot/k\n- " G "6 \"B\"\n  kernel /boot/k2\n"},
    {"a fallback that is gone as well",
     T "fallback 1\ntitle A\nkernel /boot/gone\ntitle B\nkernel /boot/gone2\n",
     "* " G "4 \"A\"\n  kernel /boot/gone\n  blocked /boot/gone is not there\n"
     "- " G "6 \"B\"\n  kernel /boot/gone2\n  blocked /boot/gone2 is not there\n"},
    {"several fallbacks, of which one is there",
     T "fallback 1 2\ntitle A\nkernel /boot/gone\ntitle B\nkernel /boot/gone2\ntitle C\nkernel "
       "/boot/k\n",
     "- " G "4 \"A\"\n  kernel /boot/gone\n  blocked /boot/gone is not there\n"
     "- " G "6 \"B\"\n  kernel /boot/gone2\n  blocked /boot/gone2 is not there\n"
     "* " G "8 \"C\"\n  kernel /boot/k\n"
     "LOOK /boot/grub/menu.lst, line 4: the default does not start (/boot/gone is not there): the "
     "fallback does\n"},
    {"a fallback beyond the last", T "fallback 9\ntitle A\nkernel /boot/gone\n",
     "* " G "4 \"A\"\n  kernel /boot/gone\n  blocked /boot/gone is not there\n"},
    {"nobody waits for an hour", "title A\nkernel /boot/k\n",
     "* " G "2 \"A\"\n  kernel /boot/k\n" WAITING},
    {"a password", T "title A\nlock\nkernel /boot/k\n",
     "* " G "4 \"A\"\n  kernel /boot/k\n  unknown line 3 asks for a password\n"},
    {"no file", T "title A\nkernel\n", "* " G "3 \"A\"\n  blocked line 3 names no file\n"},
    {"options of the command", T "title A\nkernel --type=linux --no-mem-option /boot/k ro\n",
     "* " G "3 \"A\"\n  kernel /boot/k\n  cmdline ro\n"},
    {"a path of its own device", T "title A\nroot (hd1,0)\nkernel (hd0,0)/boot/k\n",
     "* " G "4 \"A\"\n  kernel /boot/k\n"},
    {"a network", T "title A\nkernel (nd)/boot/k\n",
     "* " G "3 \"A\"\n  unknown (nd)/boot/k cannot be placed in the tree\n"},
    {"blocks of a disk", T "title A\nkernel (hd0,0)+1\n",
     "* " G "3 \"A\"\n  unknown (hd0,0)+1 cannot be placed in the tree\n"},
    {"a relative path", T "title A\nkernel boot/k\n",
     "* " G "3 \"A\"\n  unknown boot/k cannot be placed in the tree\n"},
    {"devices that are none",
     T "title A\nroot (hd,0)\nkernel /boot/k\ntitle B\nroot (hd0)\ntitle C\nroot hd0,0\ntitle "
       "D\nroot\n",
     "* " G "4 \"A\"\n  unknown line 3: the device (hd,0) is not known\n"
     "- " G "5 \"B\"\n  unknown line 6: the device (hd0) is not known\n"
     "- " G "7 \"C\"\n  unknown line 8: the device hd0,0 is not known\n"
     "- " G "9 \"D\"\n  unknown line 10: the device  is not known\n"},
    {"an initramfs that is gone", T "title A\nkernel /boot/k\ninitrd /boot/gone\n",
     "* " G "3 \"A\"\n  kernel /boot/k\n  initrd /boot/gone\n  blocked /boot/gone is not there\n"},
    {"one initramfs, by the first word", T "title A\nkernel /boot/k\ninitrd /boot/i /boot/i2\n",
     "* " G "3 \"A\"\n  kernel /boot/k\n  initrd /boot/i\n"},
    {"of two lines the last", T "title A\nkernel /boot/k\ninitrd /boot/i\ninitrd /boot/i2\n",
     "* " G "3 \"A\"\n  kernel /boot/k\n  initrd /boot/i2\n"},
    {"CR LF", "timeout 5\r\ntitle A\r\nkernel /boot/k ro\r\n",
     "* " G "3 \"A\"\n  kernel /boot/k\n  cmdline ro\n"},
    {"no entries", T, "STOPS /boot/grub/menu.lst: offers nothing to start\n"},
};

static void test_grub_legacy(void)
{
    walk_clear();
    walk_files("boot/k boot/k2 boot/i boot/i2");
    check_all(menus, BF_COUNT(menus), "/boot/grub/menu.lst", bf_walk_grub_legacy);
}

// A /boot of its own: a path is one of the device that "root" has set.
static void test_devices_of_grub_legacy(void)
{
    walk_clear();
    walk_files("boot/k boot/i k");
    walk_device(1, "ext3", "aaaa", "/boot");
    walk_device(2, "ext3", "bbbb", "/");
    walk_put("boot/grub/menu.lst",
             T "title A\nroot (hd0,0)\nkernel /k root=/dev/sda2\ninitrd /i\n"
               "title B\nroot (hd0,1)\nkernel /k\ntitle C\nroot (hd0,5)\n"
               "kernel /k\ntitle D\nkernel /k\ntitle E\nuuid AAAA\nkernel /k\n"
               "title F\nuuid cccc\nkernel /k\n");
    walk_begin();
    bf_walk_grub_legacy(&walk, "/boot/grub/menu.lst", &walk_devices.item[0]);
    CHECK(walk_is("devices",
                  "* " G "4 \"A\"\n  kernel /boot/k\n  initrd /boot/i\n  cmdline root=/dev/sda2\n"
                  "- " G "8 \"B\"\n  kernel /k\n"
                  "- " G "11 \"C\"\n  unknown line 10: the device (hd0,5) is not known\n"
                  "- " G "13 \"D\"\n  kernel /boot/k\n"
                  "- " G "16 \"E\"\n  kernel /boot/k\n"
                  "- " G "19 \"F\"\n  blocked line 18: no file system has UUID=cccc\n"
                  "  unknown /k cannot be placed in the tree\n"));
}

// ---- LILO --------------------------------------------------------------------------------------

#define L "LILO /etc/lilo.conf:"
#define MAP                                                                                        \
    "DOUBT /etc/lilo.conf: LILO starts what /sbin/lilo last wrote into its map, not what is "      \
    "written here: run lilo in the system before it is moved, or change to another loader\n"

static const struct sample lilos[] = {
    {"the first image without a default", "image=/boot/k\nlabel=a\nimage=/boot/k2\nlabel=b\n",
     "* " L "1 \"a\"\n  kernel /boot/k\n  cmdline rw\n- " L
     "3 \"b\"\n  kernel /boot/k2\n  cmdline rw\n" MAP},
    {"options of all images",
     "root=/dev/hda1\nread-only\ninitrd=/boot/i\nimage=/boot/k\nimage=/boot/k2\n"
     "root=/dev/hda2\ninitrd=/boot/i2\nread-write\n",
     "* " L "4 \"/boot/k\"\n  kernel /boot/k\n  initrd /boot/i\n  cmdline root=/dev/hda1 ro\n"
     "- " L
     "5 \"/boot/k2\"\n  kernel /boot/k2\n  initrd /boot/i2\n  cmdline root=/dev/hda2 rw\n" MAP},
    {"those of one image end with it",
     "image=/boot/k\nroot=/dev/hda1\nappend=\"a\"\nimage=/boot/k2\n",
     "* " L "1 \"/boot/k\"\n  kernel /boot/k\n  cmdline root=/dev/hda1 rw a\n"
     "- " L "4 \"/boot/k2\"\n  kernel /boot/k2\n  cmdline rw\n" MAP},
    {"blanks, comments and quotes",
     "  default = b # the new one\nimage = /boot/k  # old\n\tlabel\t=\ta\nimage = "
     "\"/boot/k2\"\nlabel = \"b\"\n"
     "append = \"x # y\" # z\n",
     "- " L "2 \"a\"\n  kernel /boot/k\n  cmdline rw\n"
     "* " L "4 \"b\"\n  kernel /boot/k2\n  cmdline rw x # y\n" MAP},
    {"another system", "default=dos\nimage=/boot/k\nlabel=a\nother=/dev/hda1\nlabel=dos\n",
     "- " L "2 \"a\"\n  kernel /boot/k\n  cmdline rw\n* " L "4 \"dos\" (other)\n" MAP},
    {"an image that is gone", "image=/boot/gone\nlabel=a\n",
     "* " L "1 \"a\"\n  kernel /boot/gone\n  cmdline rw\n  blocked /boot/gone is not there\n" MAP},
    {"a default that is not there", "default=x\nimage=/boot/k\nlabel=a\n",
     "* " L "2 \"a\"\n  kernel /boot/k\n  cmdline rw\n" MAP},
    {"CR LF", "image=/boot/k\r\nlabel=a\r\nread-only\r\n",
     "* " L "1 \"a\"\n  kernel /boot/k\n  cmdline ro\n" MAP},
    {"nothing", "boot=/dev/hda\n", MAP},
};

static void test_lilo(void)
{
    walk_clear();
    walk_files("boot/k boot/k2 boot/i boot/i2");
    check_all(lilos, BF_COUNT(lilos), "/etc/lilo.conf", bf_walk_lilo);
}

// ---- The Raspberry Pi --------------------------------------------------------------------------

#define P     "* the Raspberry Pi's firmware /boot/firmware/config.txt:"
#define KINDS "  unknown the lines of config.txt that are for one model of the board\n"

static const struct sample pis[] = {
    {"an empty file", "",
     P "0 \"\"\n  kernel /boot/firmware/kernel8.img\n  cmdline root=PARTUUID=1-02 rootwait\n"},
    {"32 bits", "arm_64bit=0\n",
     P "0 \"\"\n  kernel /boot/firmware/kernel7l.img\n  cmdline root=PARTUUID=1-02 rootwait\n"},
    {"a kernel and its initramfs", "kernel=vmlinuz\ninitramfs initrd.img followkernel\n",
     P "1 \"\"\n  kernel /boot/firmware/vmlinuz\n  initrd /boot/firmware/initrd.img\n"
       "  cmdline root=PARTUUID=1-02 rootwait\n"},
    {"the last line of a key", "kernel=gone\nkernel=vmlinuz\r\n",
     P "2 \"\"\n  kernel /boot/firmware/vmlinuz\n  cmdline root=PARTUUID=1-02 rootwait\n"},
    {"the initramfs by the kernel's name", "auto_initramfs=1\n",
     P "0 \"\"\n  kernel /boot/firmware/kernel8.img\n  initrd /boot/firmware/initramfs8\n"
       "  cmdline root=PARTUUID=1-02 rootwait\n"},
    {"another command line", "cmdline=other.txt\n",
     P "0 \"\"\n  kernel /boot/firmware/kernel8.img\n  cmdline root=LABEL=x\n"},
    {"lines of one model", "[pi3]\nkernel=gone\n[all]\nkernel=vmlinuz\n",
     P "4 \"\"\n  kernel /boot/firmware/vmlinuz\n  cmdline root=PARTUUID=1-02 rootwait\n" KINDS},
    {"comments", "#kernel=gone\n# [pi3]\n",
     P "0 \"\"\n  kernel /boot/firmware/kernel8.img\n  cmdline root=PARTUUID=1-02 rootwait\n"},
    {"what is gone", "kernel=gone\ncmdline=gone.txt\n",
     P "1 \"\"\n  kernel /boot/firmware/gone\n  blocked /boot/firmware/gone is not there\n"},
};

static void test_raspberry(void)
{
    walk_clear();
    walk_files("boot/firmware/kernel8.img boot/firmware/kernel7l.img boot/firmware/vmlinuz "
               "boot/firmware/initrd.img boot/firmware/initramfs8");
    walk_put("boot/firmware/cmdline.txt", "root=PARTUUID=1-02 rootwait\nmore\n");
    walk_put("boot/firmware/other.txt", "root=LABEL=x\r\n");
    check_all(pis, BF_COUNT(pis), "/boot/firmware/config.txt", bf_walk_raspberry);
}

// ---- rEFInd ------------------------------------------------------------------------------------

#define R "rEFInd /efi/EFI/refind/refind.conf:"
#define MEMORY(n)                                                                                  \
    "LOOK /efi/EFI/refind/refind.conf: which of " n                                                \
    " entries rEFInd starts depends on its memory of the last start, which stays behind, and on "  \
    "the times of files\n"

static void walk_refind(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    (void)file;
    (void)dev;
    bf_walk_refind(w, "/efi/EFI/refind");
}

static const struct sample refinds[] = {
    {"one stanza",
     "menuentry \"My Linux\" {\n  loader /k\n  initrd /i\n  options \"root=UUID=1 ro\"\n}\n",
     "* " R "1 \"My Linux\"\n  kernel /efi/k\n  initrd /efi/i\n  cmdline root=UUID=1 ro\n"},
    {"keywords in any case, a bare title", "MenuEntry Linux {\nLoader \\k\n}\n",
     "* " R "1 \"Linux\"\n  kernel /efi/k\n"},
    {"a comment and a disabled one",
     "# menuentry X {\nmenuentry Off {\nloader /gone\ndisabled\n}\nmenuentry On {\nloader /k\n}\n",
     "* " R "6 \"On\"\n  kernel /efi/k\n"},
    {"a volume", "menuentry A {\nvolume OTHER\nloader /k\n}\n",
     "* " R "1 \"A\"\n  kernel /efi/k\n  unknown its volume is not followed\n"},
    {"an entry below another one changes nothing",
     "menuentry A {\nloader /k\noptions a\nsubmenuentry B {\nloader /gone\noptions b\n}\ninitrd "
     "/i\n}\n",
     "* " R "1 \"A\"\n  kernel /efi/k\n  initrd /efi/i\n  cmdline a\n"},
    {"a program", "menuentry Shell {\nloader /shell.efi\n}\nmenuentry A {\nloader /k\n}\n",
     "- " R "1 \"Shell\" (other)\n  kernel /efi/shell.efi\n* " R "4 \"A\"\n  kernel /efi/k\n"},
    {"a choice by a part of the title",
     "default_selection two\nmenuentry One {\nloader /k\n}\nmenuentry \"Number Two\" {\nloader "
     "/k2\n}\n",
     "- " R "2 \"One\"\n  kernel /efi/k\n* " R "5 \"Number Two\"\n  kernel /efi/k2\n" MEMORY("2")},
    {"after the last start, another",
     "default_selection \"+,k2,One\"\nmenuentry One {\nloader /k\n}\nmenuentry Two {\nloader "
     "/k2\n}\n",
     "- " R "2 \"One\"\n  kernel /efi/k\n* " R "5 \"Two\"\n  kernel /efi/k2\n" MEMORY("2")},
    {"a brace that is not closed", "menuentry A {\nloader /k\n",
     "* " R "1 \"A\"\n  kernel /efi/k\n"},
    {"a kernel that is gone", "menuentry A {\nloader /gone\n}\n",
     "* " R "1 \"A\"\n  kernel /efi/gone\n  blocked /efi/gone is not there\n"},
    {"nothing", "timeout 5\n",
     "DOUBT /efi/EFI/refind/refind.conf: which of 0 entries rEFInd starts depends on its memory of "
     "the last start, which stays behind, and on the times of files\n"},
};

static void test_refind(void)
{
    static struct bf_mount efi = {.mount = "/efi", .type = "vfat"};
    walk_clear();
    walk_fin.system.mount = &efi;
    walk_fin.system.mounts = 1;
    walk_files("efi/k efi/k2 efi/i efi/shell.efi");
    check_all(refinds, BF_COUNT(refinds), "/efi/EFI/refind/refind.conf", walk_refind);
}

// Kernels beside a refind_linux.conf, each with the initramfs of its version.
static void test_kernels_that_refind_finds(void)
{
    walk_clear();
    walk_files("boot/vmlinuz-6.1 boot/initrd.img-6.1 boot/vmlinuz-6.1.0 boot/initramfs-5.9.img "
               "boot/config-6.1");
    walk_put("boot/refind_linux.conf", "\n# x\n\"Boot it\"  \"root=UUID=1 ro\"\n\"Other\" \"x\"\n");
    walk_put("efi/EFI/refind/refind.conf", "default_selection vmlinuz-6.1.0\n");
    walk_begin();
    bf_walk_refind(&walk, "/efi/EFI/refind");
    CHECK(walk_is("found",
                  "- rEFInd /boot/refind_linux.conf:3 \"Boot it\"\n  kernel "
                  "/boot/vmlinuz-6.1\n  initrd /boot/initrd.img-6.1\n  cmdline root=UUID=1 ro\n"
                  "* rEFInd /boot/refind_linux.conf:3 \"Boot it\"\n  kernel "
                  "/boot/vmlinuz-6.1.0\n  cmdline root=UUID=1 ro\n" MEMORY("2")));
    walk_end();
}

TEST_MAIN(TEST(test_grub_legacy), TEST(test_devices_of_grub_legacy), TEST(test_lilo),
          TEST(test_raspberry), TEST(test_refind), TEST(test_kernels_that_refind_finds))
