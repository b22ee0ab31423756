// SPDX-License-Identifier: Apache-2.0
// The rehearsal's reader of GRUB: what its menu offers, and which entry starts by itself. What
// $default chooses is what grub-emu 2.06 chooses.
#include "tests/unit/grub_rig.h"

#define CFG "/boot/grub/grub.cfg"

static void prepare_files(void)
{
    static const char *const names[] = {
        "boot/vmlinuz-1",       "boot/initrd-1",       "boot/ucode.img",
        "boot/xen.gz",          "boot/policy",         "boot/dtb/a.dtb",
        "boot/efi/EFI/x/x.efi", "boot/memtest86+.bin", "etc/only-here"};
    static bool there;
    for (size_t i = 0; !there && i < BF_COUNT(names); i++)
        walk_put(names[i], "content");
    there = true;
    walk_put("boot/next.cfg",
             "set timeout=3\nmenuentry n { linux /vmlinuz-1 n [$x] [$y]; }\nmenuentry "
             "m { linux /vmlinuz-1 m; }\n");
    add_devices();
}

// ---- The default entry --------------------------------------------------------------------------

// What stands before the menu, and the entry that is taken.
static const struct rig_script defaults[] = {
    {"", "a"},
    {"set default=0", "a"},
    {"set default=1", "b"},
    {"set default=2", "d"},
    {"set default=02", "d"},
    {"set default=0x2", "d"},
    {"set default=' 2'", "d"},
    {"set default='2 '", "d"},
    {"set default=2x", "d"},
    {"set default=-1", "a"},
    {"set default=+2", "a"},
    {"set default=9", "a"},
    {"set default=99999999999999999999", "a"},
    {"set default=", "a"},
    {"set default=d", "d"},
    {"set default=D", "a"},
    {"set default=ia", "a"},
    {"set default=im", "b"},
    {"set default='m >> n'", "b"},
    {"set default='m > n'", "a"},
    {"set default='1>0'", "b"},
    {"set default='1>1'", "c"},
    {"set default='1>2'", "e"},
    {"set default='1>9'", "b"},
    {"set default='1>c'", "c"},
    {"set default='1>ic'", "c"},
    {"set default='im>ic'", "c"},
    {"set default='m >> n>c'", "c"},
    {"set default='m >> n>gone'", "b"},
    {"set default='im>2>1'", "f"},
    {"set default='im>d>>d>e'", "e"},
    {"set default='im>deep>e'", "e"},
    {"set default='1>2>7'", "e"},
    {"set default='1>deep>7'", "e"},
    {"set default='im>'", "b"},
    {"set default='im>>ic'", "a"},
    {"set default='0>1'", "a"},
    {"set default='2>1'", "d"},
    {"set default=zero", "g"},
    {"set default='a>b'", "a"},
    {"set default=gone", "a"},
    {"set default='gone>0'", "a"},
    {"set default='>'", "a"},
    {"set default='>0'", "a"},
    {"default=2", "d"},
    {"set default=\"${saved_entry}\"", "a"},
    {"saved_entry=d\nset default=\"${saved_entry}\"", "d"},
    {"saved_entry='im>ic'\nset default=\"${saved_entry}\"", "c"},
    {"next_entry=2\nif [ \"${next_entry}\" ]; then set default=\"${next_entry}\"; fi", "d"},
    {"set default=2\nset default=0", "a"},
    {"set default=2\nunset default", "a"},
    {"set default=2 3", "d"},
    {"set default=c", "a"},
};

static const char menu_of_defaults[] = "menuentry a --id ia { linux /vmlinuz-1 a; }\n"
                                       "submenu 'm > n' --id=im {\n"
                                       "menuentry b { linux /vmlinuz-1 b; }\n"
                                       "menuentry c --id ic { linux /vmlinuz-1 c; }\n"
                                       "submenu deep --id 'd>d' {\n"
                                       "menuentry e { linux /vmlinuz-1 e; }\n"
                                       "menuentry '7' { linux /vmlinuz-1 f; }\n"
                                       "}\n"
                                       "}\n"
                                       "menuentry d { linux /vmlinuz-1 d; }\n"
                                       "menuentry '0' --id zero { linux /vmlinuz-1 g; }\n"
                                       "menuentry d { linux /vmlinuz-1 h; }\n";

static void test_default(void)
{
    prepare = prepare_files;
    for (size_t i = 0; i < BF_COUNT(defaults); i++) {
        const char *taken = "none";
        struct bf_text t = {0};
        bf_textf(&t, "set timeout=0\n%s\n%s", defaults[i].script, menu_of_defaults);
        begin();
        offered(bf_text_get(&t), t.len, &walk_devices.item[2]);
        bf_text_free(&t);
        for (size_t j = 0; j < walk.starts; j++)
            if (walk.start[j].chosen)
                taken = walk.start[j].cmdline;
        CHECK_STR(taken, defaults[i].words);
        CHECK_EQ(walk.starts, 8);
    }
}

// ---- Menus --------------------------------------------------------------------------------------

static const struct rig_menu menus[] = {
    {"set timeout=5\n"
     "set default=1\n"
     "set fallback=2\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "  linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "* linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"
     "look: " CFG ", line 5: the default entry fails, and GRUB falls back to \"c\"\n"},
    {"set timeout=5\n"
     "set default=1\n"
     "set fallback='1 0'\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "  linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "  linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"
     "look: " CFG ", line 5: the default entry fails, and GRUB falls back to \"a\"\n"},
    {"set timeout=5\n"
     "set default=1\n"
     "set fallback='9 2'\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "  linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "* linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"
     "look: " CFG ", line 5: the default entry fails, and GRUB falls back to \"c\"\n"},
    {"set timeout=5\n"
     "set default=1\n"
     "set fallback=1\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "* linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "  linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"},
    {"set timeout=5\n"
     "set default=1\n"
     "set fallback=c\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "* linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "  linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"},
    {"set timeout=5\n"
     "set default=1\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "* linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 4: the kernel /no is not there\n"
     "  linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"},
    {"set timeout=5\n"
     "set default=0\n"
     "set fallback=2\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "  linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "  linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"},
    {"set timeout=5\n"
     "set default=1\n"
     "set fallback=\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "* linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "  linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"},
    {"set timeout=5\n"
     "set default=1\n"
     "set fallback='x 2'\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "* linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "  linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"},
    {"set timeout=5\n"
     "set default=b\n"
     "set fallback=0x2\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "menuentry b { linux /no b; }\n"
     "menuentry c { linux /vmlinuz-1 c; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "  linux: b\n"
     "    kernel /boot/no\n"
     "    cmdline b\n"
     "    blocked: " CFG ", line 5: the kernel /no is not there\n"
     "* linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline c\n"
     "look: " CFG ", line 5: the default entry fails, and GRUB falls back to \"c\"\n"},
    {"set timeout=5\n"
     "set fallback=1\n"
     "menuentry a { linux /vmlinuz-1; initrd /no; }\n"
     "menuentry b { linux /vmlinuz-1; initrd /initrd-1; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    blocked: " CFG ", line 3: the initramfs /no is not there\n"
     "* linux: b\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "look: " CFG ", line 3: the default entry fails, and GRUB falls back to \"b\"\n"},
    {"set timeout=5\n"
     "set fallback=1\n"
     "submenu s { menuentry a { linux /no; }\n"
     " menuentry x { linux /no; } }\n"
     "menuentry b { linux /vmlinuz-1; }\n",
     "* linux: s > a\n"
     "    kernel /boot/no\n"
     "    blocked: " CFG ", line 3: the kernel /no is not there\n"
     "  linux: s > x\n"
     "    kernel /boot/no\n"
     "    blocked: " CFG ", line 4: the kernel /no is not there\n"
     "  linux: b\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "look: " CFG ": no timeout is set: GRUB waits for a key before it starts anything\n"},
    {"set timeout=0\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"},
    {"set timeout=-1\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "look: " CFG ": no timeout is set: GRUB waits for a key before it starts anything\n"},
    {"set timeout=\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "look: " CFG ": no timeout is set: GRUB waits for a key before it starts anything\n"},
    {"set timeout=abc\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "look: " CFG ": no timeout is set: GRUB waits for a key before it starts anything\n"},
    {"set timeout=10\n"
     "unset timeout\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "look: " CFG ": no timeout is set: GRUB waits for a key before it starts anything\n"},
    {"set timeout=5\n"
     "set timeout_style=hidden\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"},
    {"if [ x$feature_timeout_style = xy ] ; then\n"
     "  set timeout_style=menu\n"
     "  set timeout=5\n"
     "else\n"
     "  set timeout=1\n"
     "fi\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"},
    {"set timeout=5\n"
     "set superusers=root\n"
     "password root x\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "look: " CFG ", line 4: GRUB asks for a user and a password before it starts this entry\n"},
    {"set timeout=5\n"
     "set superusers=root\n"
     "menuentry a --unrestricted { linux /vmlinuz-1; }\n"
     "menuentry b --users x { linux /vmlinuz-1; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "  linux: b\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "set superusers=root\n"
     "set default=1\n"
     "menuentry a --unrestricted { linux /vmlinuz-1; }\n"
     "menuentry b --users '' { linux /vmlinuz-1; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "* linux: b\n"
     "    kernel /boot/vmlinuz-1\n"
     "look: " CFG ", line 5: GRUB asks for a user and a password before it starts this entry\n"},
    {"set timeout=5\n"
     "set superusers=root\n"
     "set default='1>0'\n"
     "submenu s { menuentry x { true; } }\n"
     "submenu t --unrestricted { menuentry y --unrestricted { linux /vmlinuz-1; } }\n",
     "  other: s > x\n"
     "    blocked: " CFG ", line 4: this entry loads nothing\n"
     "* linux: t > y\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "menuentry a --users x { linux /vmlinuz-1; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "set superusers=\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "look: " CFG ", line 3: GRUB asks for a user and a password before it starts this entry\n"},
    {"set timeout=5\n"
     "menuentry 'a b' c d --id x { linux /vmlinuz-1 $# \"$1\" $2 $3; }\n",
     "* linux: a b\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline 3 \"a b\" c d\n"},
    {"set timeout=5\n"
     "menuentry a { linux /vmlinuz-1 $chosen; }\n"
     "submenu s --id 'i>d' {\n"
     "menuentry b { linux /vmlinuz-1 $chosen; } }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"
     "  linux: s > b\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline i>>d>b\n"},
    {"set timeout=5\n"
     "x=1\n"
     "y=2\n"
     "export y\n"
     "submenu s { x=$x; menuentry b { linux /vmlinuz-1 [$x] [$y] [$z]; }\n"
     "z=3\n"
     "}\n"
     "menuentry c { linux /vmlinuz-1 [$x] [$y]; }\n",
     "* linux: s > b\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline [] [2] [3]\n"
     "  linux: c\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline [1] [2]\n"},
    {"set timeout=5\n"
     "submenu s {\n"
     "menuentry a { linux /vmlinuz-1 1; }\n"
     "submenu t {\n"
     "menuentry b { linux /vmlinuz-1 2; }\n"
     "}\n"
     "}\n",
     "* linux: s > a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline 1\n"
     "  linux: s > t > b\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline 2\n"},
    {"set timeout=5\n"
     "submenu s { true; }\n"
     "menuentry a { linux /vmlinuz-1; }\n",
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "submenu s { linux /vmlinuz-1 s; }\n",
     "* linux: s\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline s\n"},
    {"set timeout=5\n"
     "for k in 1 2; do menuentry \"Linux $k\" $k { linux /vmlinuz-$2; }; done\n",
     "* linux: Linux 1\n"
     "    kernel /boot/vmlinuz-1\n"
     "  linux: Linux 2\n"
     "    kernel /boot/vmlinuz-2\n"
     "    blocked: " CFG ", line 2: the kernel /vmlinuz-2 is not there\n"},
    {"set timeout=5\n"
     "menuentry a { linux /vmlinuz-1; }\n"
     "menuentry a { linux /vmlinuz-1 second; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline second\n"},
    {"set timeout=5\n"
     "function e { menuentry \"$1\" --class x \"$2\" { linux $2 q; }; }\n"
     "e one /vmlinuz-1\n"
     "e two /no\n",
     "* linux: one\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline q\n"
     "  linux: two\n"
     "    kernel /boot/no\n"
     "    cmdline q\n"
     "    blocked: " CFG ", line 2: the kernel /no is not there\n"},
    {"set timeout=5\n"
     "if true; then\n"
     "menuentry a { linux /vmlinuz-1; }\n"
     "fi\n"
     "if false; then\n"
     "menuentry b { linux /vmlinuz-1; }\n"
     "fi\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "menuentry a --source 'linux /vmlinuz-1 src; initrd /initrd-1'\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "    cmdline src\n"},
    {"set timeout=5\n"
     "menuentry a --class gnu-linux --class os $menuentry_id_option 'gnulinux-x' {\n"
     "linux /vmlinuz-1\n"
     "}\n"
     "set default=gnulinux-x\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "look: " CFG
     ": the default entry is \"gnulinux-x\", which is not there: GRUB takes the first\n"},
    {"set timeout=5\n"
     "menuentry a --id { linux /vmlinuz-1; }\n"
     "menuentry b { linux /vmlinuz-1; }\n",
     "* linux: b\n"
     "    kernel /boot/vmlinuz-1\n"
     "look: " CFG ", line 2: GRUB refuses this entry, whose option --id has no value\n"},
    {"set timeout=5\n"
     "menuentry --nosuch a { linux /vmlinuz-1 $1; }\n",
     "* linux: --nosuch\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline --nosuch\n"},
    {"set timeout=5\n"
     "menuentry '' { linux /vmlinuz-1; }\n",
     "* linux: \n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "menuentry { linux /vmlinuz-1; }\n",
     "look: " CFG ", line 2: GRUB refuses this entry, which has no title\n"
     "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"set timeout=5\n"
     "menuentry a\n"
     "{\n"
     "linux /vmlinuz-1\n"
     "}\n",
     "look: " CFG ", line 2: GRUB refuses this entry, which has no commands in braces on its line\n"
     "look: " CFG ", line 3: GRUB cannot read this, says \"syntax error\", and goes on after it\n"
     "look: " CFG ", line 5: GRUB cannot read this, says \"syntax error\", and goes on after it\n"
     "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"set timeout=5\n"
     "menuentry a {\n"
     "linux /vmlinuz-1\n",
     "look: " CFG ", line 3: GRUB cannot read this, says \"syntax error\", and goes on after it\n"
     "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"set timeout=5\n"
     "menuentry a { linux /vmlinuz-1 x\n"
     "} }\n"
     "menuentry b { linux /vmlinuz-1; }\n",
     "* linux: b\n"
     "    kernel /boot/vmlinuz-1\n"
     "look: " CFG ", line 3: GRUB cannot read this, says \"syntax error\", and goes on after it\n"},
    {"set timeout=5\n"
     "menuentry $\"a $root\" { linux /vmlinuz-1; }\n",
     "* linux: a hd0,gpt3\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "menuentry 'Windows' --class windows { insmod chain; chainloader (hd0,gpt1)/EFI/x/x.efi; }\n"
     "menuentry 'Setup' $menuentry_id_option 'uefi-firmware' { fwsetup; }\n"
     "menuentry 'Off' { halt; }\n",
     "* other: Windows\n"
     "    kernel /boot/efi/EFI/x/x.efi\n"
     "  other: Setup\n"
     "  other: Off\n"},
    {"linux /vmlinuz-1 top\n"
     "initrd /initrd-1\n",
     "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"linux /vmlinuz-1 top\n"
     "boot\n"
     "menuentry a { true; }\n",
     "* linux: \n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline top\n"},
    {"linux /vmlinuz-1 top\n"
     "set timeout=5\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"},
    {"exit\n"
     "menuentry a { linux /vmlinuz-1 a; }\n",
     "stops: " CFG ", line 1: GRUB leaves here, by exit, before it offers anything\n"},
    {"set timeout=5\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "exit\n",
     "stops: " CFG ", line 3: GRUB leaves here, by exit, before it offers anything\n"},
    {"set timeout=5\n"
     "menuentry a { linux /vmlinuz-1 a; }\n"
     "reboot\n",
     "stops: " CFG ", line 3: GRUB leaves here, by reboot, before it offers anything\n"},
    {"", "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"\n", "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"set timeout=5\n",
     "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"# only a comment\n",
     "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"}\n",
     "look: " CFG ", line 1: GRUB cannot read this, says \"syntax error\", and goes on after it\n"
     "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    {"set timeout=5\n"
     "nosuch\n"
     "if nosuch; then x=1; else x=2; fi\n"
     "menuentry a { linux /vmlinuz-1 $x; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline 1\n"
     "doubt: " CFG ", line 3: nosuch is no command that is known here, and decides what comes\n"},
    {"set timeout=5\n"
     "if smbios; then x=1; else x=2; fi\n"
     "menuentry a { linux /vmlinuz-1 $x; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline 2\n"
     "doubt: " CFG ", line 2: what smbios finds is not known here\n"},
    {"set timeout=5\n"
     "configfile /next.cfg\n",
     "* linux: n\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline n [] []\n"
     "  linux: m\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline m\n"},
    {"set timeout=5\n"
     "source /next.cfg\n"
     "menuentry z { linux /vmlinuz-1 z; }\n",
     "* linux: n\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline n [] []\n"
     "  linux: m\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline m\n"
     "  linux: z\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline z\n"},
    {"set timeout=5\n"
     "menuentry go { configfile /next.cfg; }\n",
     "* linux: n\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline n [] []\n"
     "  linux: m\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline m\n"},
    {"set timeout=5\n"
     "set default=go\n"
     "menuentry go { configfile /next.cfg; }\n",
     "* linux: n\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline n [] []\n"
     "  linux: m\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline m\n"},
    {"set timeout=5\n"
     "menuentry go { configfile /no.cfg; }\n"
     "menuentry a { linux /vmlinuz-1; }\n",
     "* other: go\n"
     "    blocked: " CFG ", line 2: the configuration /no.cfg is not there\n"
     "  linux: a\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "configfile /no.cfg\n"
     "menuentry a { linux /vmlinuz-1; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=5\n"
     "source /no.cfg\n"
     "menuentry a { linux /vmlinuz-1; }\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "look: " CFG ", line 2: the configuration /no.cfg, which is read here, is not there\n"},
    {"set timeout=5\n"
     "menuentry go { source /no.cfg; linux /vmlinuz-1; }\n",
     "* linux: go\n"
     "    kernel /boot/vmlinuz-1\n"
     "    blocked: " CFG ", line 2: the configuration /no.cfg is not there\n"},
    {"set timeout=5\n"
     "menuentry go { configfile $prefix/grub.cfg; }\n",
     "* other: go\n"
     "    blocked: " CFG ", line 2: opens the menu again that leads here\n"},
    {"set timeout=5\n"
     "configfile $prefix/grub.cfg\n",
     "stops: " CFG ", line 2: GRUB opens a configuration again that leads here, without end\n"},
    {"set timeout=5\n"
     "menuentry a { normal; }\n",
     "* other: a\n"
     "    blocked: " CFG ", line 2: opens the menu again that leads here\n"},
    {"export timeout\n"
     "set timeout=5\n"
     "x=1\n"
     "export x\n"
     "y=2\n"
     "set default=1\n"
     "configfile /next.cfg\n",
     "* linux: n\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline n [1] []\n"
     "  linux: m\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline m\n"},
    {"normal (hd0,gpt3)/next.cfg\n", "* linux: n\n"
                                     "    kernel /boot/vmlinuz-1\n"
                                     "    cmdline n [] []\n"
                                     "  linux: m\n"
                                     "    kernel /boot/vmlinuz-1\n"
                                     "    cmdline m\n"},
};

static void test_menus(void)
{
    prepare = prepare_files;
    check_menus(menus, BF_COUNT(menus));
}

// ---- blscfg -------------------------------------------------------------------------------------

#define ENTRIES "boot/loader/entries/"

static void put_entry(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, ENTRIES "%s.conf", name);
    walk_put(path, text);
}

static void remove_entry(const char *name)
{
    char path[160];
    snprintf(path, sizeof path, ENTRIES "%s.conf", name);
    unlinkat(tree_root.fd, path, 0);
}

// The newest first, by RPM's order of versions; each row in the order of the menu.
static void test_order_of_blscfg(void)
{
    static const char *const rows[][5] = {
        {"m-6.10.0-1", "m-6.9.9-1", "m-6.9.0-1"},
        {"m-5.14.0-427.el9.x86_64", "m-5.14.0-70.el9.x86_64", "m-0-rescue"},
        {"m-6.1.0-1", "m-6.1.0~rc2-1", "m-6.1.0~rc1-1"},
        {"m-6.1.0.1-1", "m-6.1.0-1"},
        {"m-6.1-10", "m-6.1-9", "m-6.1-1"},
        {"m-6.1.0-1.fc10", "m-6.1.0-1.fc9"},
        {"n-1-1", "m-9-9"},
        {"m-6.1a-1", "m-6.1-1"},
        {"m-6.10-1", "m-6.b-1", "m-6.a-1"},
        {"m-0010-1", "m-9-1"},
        {"m-2024.01.02-1", "m-2023.12.31-1"},
        {"z", "b", "a"},
    };
    prepare = prepare_files;
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        size_t n = 0;
        for (; n < 5 && rows[i][n]; n++) {
            char text[160];
            snprintf(text, sizeof text, "title %s\nlinux /vmlinuz-1\n", rows[i][n]);
            put_entry(rows[i][n], text);
        }
        begin();
        offered("set timeout=1\nblscfg\n", 22, &walk_devices.item[2]);
        CHECK_EQ(walk.starts, n);
        for (size_t j = 0; j < n; j++) {
            CHECK_STR(walk.start[j].title, rows[i][j]);
            CHECK_EQ(walk.start[j].chosen, j == 0);
            remove_entry(rows[i][j]);
        }
    }
}

// The options of an entry, and the command line that they become.
static void test_options_of_blscfg(void)
{
    static const struct {
        const char *entry, *cmdline;
    } rows[] = {
        {"linux /vmlinuz-1\noptions root=UUID=1 ro\n", "root=UUID=1 ro"},
        {"linux /vmlinuz-1\noptions $kernelopts q\n", "root=UUID=7 ro q"},
        {"linux /vmlinuz-1\noptions $kernelopts $tuned_params\n", "root=UUID=7 ro"},
        {"linux /vmlinuz-1\noptions a$nothing b\n", "ab"},
        {"linux /vmlinuz-1\n", "default"},
        {"linux /vmlinuz-1\noptions $nothing\n", "default"},
        {"linux /vmlinuz-1\noptions a \"b c\" d\n", "a \"b c\" d"},
        {"linux /vmlinuz-1\noptions a;b\n", "a"},
        {"linux /vmlinuz-1\noptions a # b\n", "a"},
        {"linux /vmlinuz-1\noptions one\noptions two\n", "one"},
        {"linux\t/vmlinuz-1\noptions\t\ttabs\n", "tabs"},
        {"  linux   /vmlinuz-1\n  options   blanks\n", "blanks"},
        {"# comment\nlinux /vmlinuz-1\n# another\noptions after\n", "after"},
        {"linux /vmlinuz-1\noptions carriage\r\n", "carriage"},
    };
    static const char config[] = "set timeout=1\nset kernelopts='root=UUID=7 ro'\n"
                                 "set default_kernelopts=default\nblscfg\n";
    prepare = prepare_files;
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        put_entry("m-1-1", rows[i].entry);
        begin();
        offered(config, sizeof config - 1, &walk_devices.item[2]);
        CHECK_EQ(walk.starts, 1);
        CHECK_STR(walk.start[0].cmdline, rows[i].cmdline);
        CHECK_STR(walk.start[0].kernel, "/boot/vmlinuz-1");
    }
    remove_entry("m-1-1");
}

// Which of three entries is taken.
static void test_default_of_blscfg(void)
{
    static const struct {
        const char *head, *chosen;
    } rows[] = {
        {"", "Three"},
        {"set default=0\n", "Three"},
        {"set default=1\n", "2 Two"},
        {"set default=2\n", "One"},
        {"set default=m-1-1\n", "One"},
        {"set default=m-2-1\n", "2 Two"},
        {"set default='2 Two'\n", "2 Two"},
        {"set default=One\n", "One"},
        {"set default=m-1-1.conf\n", "Three"},
        {"set default=m-9-9\n", "Three"},
        {"saved_entry=m-1-1\nset default=\"${saved_entry}\"\n", "One"},
        {"next_entry=m-2-1\nif [ \"${next_entry}\" ]; then set default=\"${next_entry}\"; fi\n",
         "2 Two"},
    };
    prepare = prepare_files;
    put_entry("m-1-1", "title One\nlinux /vmlinuz-1\n");
    put_entry("m-2-1", "title 2 Two\nlinux /vmlinuz-1\n");
    put_entry("m-3-1", "title Three\nlinux /vmlinuz-1\n");
    put_entry("broken", "title No kernel\n");
    walk_put(ENTRIES "m-4-1.conf.rpmsave", "title Saved\nlinux /vmlinuz-1\n");
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        char config[256];
        snprintf(config, sizeof config, "set timeout=1\n%sblscfg\n", rows[i].head);
        begin();
        offered(config, strlen(config), &walk_devices.item[2]);
        CHECK_EQ(walk.starts, 3);
        for (size_t j = 0; j < walk.starts; j++)
            if (walk.start[j].chosen)
                CHECK_STR(walk.start[j].title, rows[i].chosen);
    }
    remove_entry("m-1-1");
    remove_entry("m-2-1");
    remove_entry("m-3-1");
    remove_entry("broken");
}

// ---- Odd files ----------------------------------------------------------------------------------

static void test_odd_files(void)
{
#define BYTES(s) s, sizeof s - 1
    static const struct {
        const char *config;
        size_t len;
        const char *offers;
    } rows[] = {
        {BYTES("set timeout=5\r\nmenuentry a {\r\nlinux /vmlinuz-1 x\r\n}\r\n"),
         "* linux: a\n    kernel /boot/vmlinuz-1\n    cmdline x\n"},
        {BYTES("set timeout=5\nmenuentry a { linux /vmlinuz-1 x; }"),
         "* linux: a\n    kernel /boot/vmlinuz-1\n    cmdline x\n"},
        {BYTES("set timeout=5\nmenuentry a {\nlinux /vmlinuz-1 x\0 y\n}\n"),
         "* linux: a\n    kernel /boot/vmlinuz-1\n    cmdline x\n"},
        {BYTES("\xef\xbb\xbfset timeout=5\nset timeout=5\nmenuentry a { linux /vmlinuz-1; }\n"),
         "* linux: a\n    kernel /boot/vmlinuz-1\n"},
        {BYTES("set timeout=5\nmenuentry '\xc3\xa4\xff' { linux /vmlinuz-1 \xc3\xa4; }\n"),
         "* linux: \xc3\xa4\xff\n    kernel /boot/vmlinuz-1\n    cmdline \xc3\xa4\n"},
        {BYTES("\0\0\0\0\0\0\0\0"),
         "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
    };
#undef BYTES
    prepare = prepare_files;
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        begin();
        CHECK_STR(offered(rows[i].config, rows[i].len, &walk_devices.item[2]), rows[i].offers);
    }
}

// Configurations that open one another: some are followed, and a longer chain is a doubt.
static void test_chains_of_configurations(void)
{
    static const char first[] = "configfile /c1.cfg\n";
    prepare = prepare_files;
    for (int last = 1; last <= 8; last++) {
        for (int i = 1; i <= last; i++) {
            char name[32], text[128];
            snprintf(name, sizeof name, "boot/c%d.cfg", i);
            if (i < last)
                snprintf(text, sizeof text, "configfile /c%d.cfg\n", i + 1);
            else
                snprintf(text, sizeof text, "set timeout=1\nmenuentry a { linux /vmlinuz-1; }\n");
            walk_put(name, text);
        }
        begin();
        offered(first, sizeof first - 1, &walk_devices.item[2]);
        CHECK_EQ(walk.starts, last < BF_GR_CONFIGS ? 1 : 0);
        CHECK(last < BF_GR_CONFIGS ? walk.troubles == 0
                                   : said(BF_TROUBLE_DOUBT, "opens more menus in one another"));
    }
    walk_put("boot/c2.cfg", "configfile /c1.cfg\n");
    begin();
    offered(first, sizeof first - 1, &walk_devices.item[2]);
    CHECK(walk.starts == 0 && said(BF_TROUBLE_STOPS, "without end"));
}

// ---- Limits -------------------------------------------------------------------------------------

static void test_many_entries(void)
{
    struct bf_text t = {0};
    prepare = prepare_files;
    bf_text_str(&t, "set timeout=1\n");
    for (int i = 0; i < 5 * BF_STARTS_MAX; i++)
        bf_textf(&t, "menuentry e%d { linux /vmlinuz-1 %d; }\n", i, i);
    begin();
    offered(bf_text_get(&t), t.len, &walk_devices.item[2]);
    CHECK(said(BF_TROUBLE_DOUBT, "has more entries than"));
    CHECK(walk.starts <= BF_STARTS_MAX);
    bf_text_free(&t);
}

// Entries that go on for ever cost the run, not the program.
static void test_hostile_menus(void)
{
    static const struct {
        const char *config, *says;
    } rows[] = {
        {"menuentry a { while true; do true; done; }\n", "runs more than 30000"},
        {"function f { f; }\nmenuentry a { f; }\n", "calls itself"},
        {"function f { submenu s { f; }; }\nf\n", "times in one another"},
        {"while true; do menuentry a { true; }; done\n", "has more entries than"},
        {"menuentry a { x=a; while true; do x=$x$x; done; }\n", "a word of more than"},
    };
    prepare = prepare_files;
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        char config[256];
        snprintf(config, sizeof config, "set timeout=1\n%s", rows[i].config);
        begin();
        offered(config, strlen(config), &walk_devices.item[2]);
        CHECK(said(BF_TROUBLE_DOUBT, rows[i].says));
    }
}

TEST_MAIN(TEST(test_default), TEST(test_menus), TEST(test_order_of_blscfg),
          TEST(test_options_of_blscfg), TEST(test_default_of_blscfg), TEST(test_odd_files),
          TEST(test_chains_of_configurations), TEST(test_many_entries), TEST(test_hostile_menus))
