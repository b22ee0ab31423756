// SPDX-License-Identifier: Apache-2.0
// The rehearsal's reader of GRUB: small configurations, and what they offer.
#include "tests/unit/grub_rig.h"

#define CFG "boot/grub/grub.cfg"

static void put_kernels(void)
{
    walk_put("boot/vmlinuz-1", "kernel");
    walk_put("boot/initrd-1", "archive");
    walk_put("boot/ucode.img", "archive");
}

static void begin_with_kernels(void)
{
    prepare = put_kernels;
    begin();
}

// A disk with an EFI system partition, /boot and an LVM with the root file system.
static void add_three(void)
{
    static const struct bf_device esp = {.part = 1,
                                         .esp = true,
                                         .type = "vfat",
                                         .uuid = "ABCD-1234",
                                         .name = "/dev/vda1",
                                         .partuuid = "11111111-2222-3333-4444-555555555555"};
    static const struct bf_device boot = {.part = 2,
                                          .type = "ext4",
                                          .uuid = "b00b",
                                          .label = "boot fs",
                                          .name = "/dev/vda2",
                                          .partuuid = "11111111-2222-3333-4444-666666666666"};
    static const struct bf_device root = {
        .stacked = true, .root = true, .type = "xfs", .uuid = "5007", .name = "/dev/mapper/vg-lv"};
    *bf_devices_add(&walk_devices) = esp;
    *bf_devices_add(&walk_devices) = boot;
    *bf_devices_add(&walk_devices) = root;
    bf_devices_place(&walk_devices, 0, "/boot/efi", "");
    bf_devices_place(&walk_devices, 1, "/boot", "");
    bf_devices_place(&walk_devices, 2, "/", "");
}

static void run_on(const char *text, size_t device)
{
    walk_put(CFG, text);
    bf_walk_grub(&walk, "/" CFG, walk_devices.count ? &walk_devices.item[device] : NULL);
}

static void run(const char *text)
{
    begin_with_kernels();
    run_on(text, 0);
}

static const char *cmdline_of(const char *words)
{
    static char text[4096];
    snprintf(text, sizeof text, "set timeout=1\nmenuentry x { linux /vmlinuz-1 %s\n}\n", words);
    run(text);
    return walk.starts == 1 && walk.start[0].cmdline ? walk.start[0].cmdline : "none";
}

// ---- Entries ------------------------------------------------------------------------------------

static void test_one_line(void)
{
    run("set timeout=5\nmenuentry 'x' { linux /boot/vmlinuz-1 root=/dev/sda2 ro; "
        "initrd /boot/ucode.img /boot/initrd-1; }\n");
    CHECK_EQ(walk.starts, 1);
    CHECK_STR(walk.start[0].title, "x");
    CHECK_STR(walk.start[0].kernel, "/boot/vmlinuz-1");
    CHECK_STR(walk.start[0].cmdline, "root=/dev/sda2 ro");
    CHECK_EQ(walk.start[0].initrds, 2);
    CHECK_STR(walk.start[0].initrd[0], "/boot/ucode.img");
    CHECK_STR(walk.start[0].initrd[1], "/boot/initrd-1");
    CHECK(walk.start[0].chosen && walk.start[0].kind == BF_START_LINUX && walk.start[0].line == 2);
    CHECK(!walk.start[0].blocked[0] && !walk.start[0].unknown[0] && walk.troubles == 0 &&
          walk.loader);
}

static void test_missing_files(void)
{
    run("set timeout=5\nmenuentry a {\nlinux /boot/vmlinuz-2 q\ninitrd /boot/initrd-1\n}\n"
        "menuentry b {\nlinux /vmlinuz-1\ninitrd /initrd-2\n}\n"
        "menuentry c { initrd /initrd-1; }\nmenuentry d { true; }\n");
    CHECK_EQ(walk.starts, 4);
    CHECK_STR(walk.start[0].blocked,
              "/boot/grub/grub.cfg, line 3: the kernel /boot/vmlinuz-2 is not there");
    CHECK_STR(walk.start[0].kernel, "/boot/vmlinuz-2");
    CHECK_STR(walk.start[1].blocked,
              "/boot/grub/grub.cfg, line 8: the initramfs /initrd-2 is not there");
    CHECK(strstr(walk.start[2].blocked, "comes before the kernel"));
    CHECK(strstr(walk.start[3].blocked, "loads nothing") && walk.start[3].kind == BF_START_OTHER);
}

static void test_entries_run_apart(void)
{
    run("set timeout=5\nset x=1\nmenuentry a { set x=2; linux /vmlinuz-1 $x; }\n"
        "menuentry b { linux /vmlinuz-1 $x; }\nset x=3\n");
    CHECK_EQ(walk.starts, 2);
    CHECK_STR(walk.start[0].cmdline, "2");
    CHECK_STR(walk.start[1].cmdline, "3");
    CHECK(walk.start[0].chosen && !walk.start[1].chosen);
}

static void test_no_entries(void)
{
    run("set timeout=5\n");
    CHECK_EQ(walk.starts, 0);
    CHECK(said(BF_TROUBLE_STOPS, "nothing to start"));
    run("linux /vmlinuz-1 a b\ninitrd /initrd-1\nboot\n");
    CHECK_EQ(walk.starts, 1);
    CHECK_STR(walk.start[0].cmdline, "a b");
    CHECK(walk.start[0].chosen && walk.troubles == 0);
    run("configfile /boot/other.cfg\n");
    CHECK(said(BF_TROUBLE_STOPS, "/boot/other.cfg is not there"));
    run("echo hello\nexit\nmenuentry a { true; }\n");
    CHECK(said(BF_TROUBLE_DOUBT, "leaves here, by exit"));
}

static void test_others(void)
{
    run("set timeout=5\nmenuentry a { chainloader +1; }\nmenuentry b { chainloader /EFI/x.efi; }\n"
        "menuentry c { linux16 /boot/memtest86+.bin; }\nmenuentry d { reboot; }\n");
    CHECK_EQ(walk.starts, 4);
    CHECK(walk.start[0].kind == BF_START_OTHER && !walk.start[0].blocked[0]);
    CHECK(strstr(walk.start[1].blocked, "the loader /EFI/x.efi is not there"));
    CHECK(walk.start[2].kind == BF_START_OTHER && walk.start[3].kind == BF_START_OTHER);
    CHECK(!walk.start[3].blocked[0]);
}

static void test_xen(void)
{
    walk_put("boot/xen.gz", "xen");
    run("set timeout=5\nmenuentry a {\nmultiboot2 /boot/xen.gz placeholder dom0_mem=1G\n"
        "module2 /boot/vmlinuz-1 placeholder root=UUID=1 ro\nmodule2 --nounzip "
        "/boot/initrd-1\n}\n");
    CHECK_EQ(walk.starts, 1);
    CHECK(walk.start[0].kind == BF_START_LINUX && !walk.start[0].blocked[0]);
    CHECK_STR(walk.start[0].kernel, "/boot/vmlinuz-1");
    CHECK_STR(walk.start[0].cmdline, "root=UUID=1 ro");
    CHECK_EQ(walk.start[0].initrds, 1);
}

// ---- Words --------------------------------------------------------------------------------------

static void test_words(void)
{
    CHECK_STR(cmdline_of("a 'b'c\"d\" e\\ f"), "a bcd \"e f\"");
    CHECK_STR(cmdline_of("a'$x'\"\\$x\" \"\" $x"), "a$x$x ");
    CHECK_STR(cmdline_of("\"a'b\""), "a\\'b");
    CHECK_STR(cmdline_of("a \\\n  b#c # d"), "a b#c");
    CHECK_STR(cmdline_of("a\\\nb"), "ab");
    CHECK_STR(cmdline_of("if do fi in"), "if do fi in");
    CHECK_STR(cmdline_of("$1 ${1}"), "x x");
    CHECK_STR(cmdline_of("\"$@\" $#"), "x 1");
    CHECK_STR(cmdline_of("'a\nb'"), "a\nb");
    CHECK_STR(cmdline_of("a\r\n"), "a");
}

static void test_variables(void)
{
    run("set timeout=5\nset v=\" a  b \"\nf=q=r\nmenuentry x {\n"
        "linux /vmlinuz-1 1$v\"2\" \"$v\" $f ${nothing} end\n}\n");
    CHECK_STR(walk.start[0].cmdline, "1a b2 \" a  b \" q=r end");
    run("set timeout=5\nset v=1\nunset v\nmenuentry x { linux /vmlinuz-1 [$v] $?; }\n");
    CHECK_STR(walk.start[0].cmdline, "[] 0");
}

// ---- The language -------------------------------------------------------------------------------

static void test_conditions(void)
{
    run("set timeout=5\nif false; then x=1; elif [ a = a -a ! b = c ]\nthen\nx=2\nelse x=3; fi\n"
        "if [ -z \"$y\" -o a = b ]; then y=1; fi\nif [ ( 1 -lt 010 ) -a -n a ]; then z=1; fi\n"
        "if test v-2 -plt v-11; then p=1; fi\nif ! false; then q=1; fi\n"
        "menuentry x { linux /vmlinuz-1 $x $y $z $p $q; }\n");
    CHECK_STR(walk.start[0].cmdline, "2 1 1 1 1");
}

static void test_files_in_conditions(void)
{
    run("set timeout=5\nif [ -f /boot/vmlinuz-1 ]; then a=1; fi\nif [ -f /boot/no ]; then b=1; fi\n"
        "if [ -d /boot ]; then c=1; fi\nif [ -d /boot/vmlinuz-1 ]; then d=1; fi\n"
        "if [ -e /boot -a -e /vmlinuz-1 ]; then e=1; fi\nif [ -s $prefix/grub.cfg ]; then f=1; fi\n"
        "menuentry x { linux /vmlinuz-1 a$a b$b c$c d$d e$e f$f; }\n");
    CHECK_STR(walk.start[0].cmdline, "a1 b c1 d e1 f1");
}

static void test_loops(void)
{
    run("set timeout=5\nfor i in 1 2 '3 4'; do if [ $i = 2 ]; then continue; fi; x=$x:$i; done\n"
        "while [ \"$n\" != aaa ]; do n=a$n; done\nuntil [ \"$m\" = bb ]; do m=b$m\ndone\n"
        "for i in a b; do for j in 1 2; do break 2; done; done\n"
        "menuentry x { linux /vmlinuz-1 $x $n $m $i$j; }\n");
    CHECK_STR(walk.start[0].cmdline, ":1:3 aaa bb a1");
}

static void test_functions(void)
{
    run("set timeout=5\nfunction f { a=$1; b=$#; shift; c=\"$*\"; return 1; d=never; }\n"
        "f 'p q' r s\nif f; then e=yes; else e=no; fi\nf 'p q' r s\n"
        "menuentry x { linux /vmlinuz-1 $a $b \"$c\" $d $e; }\n");
    // An assignment is a word like others, and is split.
    CHECK_STR(walk.start[0].cmdline, "p 3 \"r s\" no");
}

static void test_unknown_commands(void)
{
    run("set timeout=5\nnosuch\nif nosuch2; then a=true; fi\nmenuentry x {\nnosuch3\n"
        "linux /vmlinuz-1 $a; }\n");
    CHECK_STR(walk.start[0].cmdline, "true"); // as GRUB has it
    CHECK(said(BF_TROUBLE_DOUBT, "line 3: nosuch2 is no command"));
    CHECK_EQ(walk.troubles, 1);
    CHECK(strstr(walk.start[0].unknown, "line 5: nosuch3"));
}

// GRUB says what is wrong, and goes on with the next line.
static void test_mistakes(void)
{
    run("set timeout=5\nset a=1; }\nset b=1\nif true; then\nset c=1\n}\nset d=1\n"
        "menuentry x { linux /vmlinuz-1 a$a b$b c$c d$d; }\n");
    CHECK_EQ(walk.starts, 1);
    CHECK_STR(walk.start[0].cmdline, "a b1 c d1");
    CHECK(said(BF_TROUBLE_LOOK, "line 2: GRUB cannot read this"));
    CHECK(said(BF_TROUBLE_LOOK, "line 6: GRUB cannot read this"));
    run("set timeout=5\nmenuentry x { linux /vmlinuz-1\n");
    CHECK(walk.starts == 0 && said(BF_TROUBLE_STOPS, "nothing to start"));
    run("menuentry x\n{\nlinux /vmlinuz-1\n}\n");
    CHECK(walk.starts == 0 && said(BF_TROUBLE_STOPS, "nothing to start"));
    run("menuentry x { }\n");
    CHECK(walk.starts == 0 && said(BF_TROUBLE_STOPS, "nothing to start"));
    run("set a=\"$\"\nset b=$\nset c=\"x\n");
    CHECK(said(BF_TROUBLE_LOOK, "line 1:") && said(BF_TROUBLE_LOOK, "line 2:") &&
          said(BF_TROUBLE_LOOK, "line 3:"));
}

// ---- The menu -----------------------------------------------------------------------------------

static const char *chosen_with(const char *head)
{
    static char text[2048];
    snprintf(text, sizeof text,
             "set timeout=5\n%s\nmenuentry a --id ia { linux /vmlinuz-1; }\n"
             "submenu 'm > n' --id=im {\nmenuentry b { linux /vmlinuz-1; }\n"
             "menuentry c --id ic { linux /vmlinuz-1; }\n}\nmenuentry d { linux /vmlinuz-1; }\n",
             head);
    run(text);
    for (size_t i = 0; i < walk.starts; i++)
        if (walk.start[i].chosen)
            return walk.start[i].title;
    return "none";
}

static void test_default(void)
{
    CHECK_STR(chosen_with(""), "a");
    CHECK_EQ(walk.starts, 4);
    CHECK_STR(chosen_with("set default=2"), "d");
    CHECK_STR(chosen_with("set default=d"), "d");
    CHECK_STR(chosen_with("set default=ia"), "a");
    CHECK_STR(chosen_with("set default=1"), "m > n > b");
    CHECK_STR(chosen_with("set default='1>1'"), "m > n > c");
    CHECK_STR(chosen_with("set default='im>ic'"), "m > n > c");
    CHECK_STR(chosen_with("set default='m >> n>c'"), "m > n > c");
    CHECK_STR(chosen_with("set default=7"), "a");
    CHECK_STR(chosen_with("set default=gone"), "a");
    CHECK(said(BF_TROUBLE_LOOK, "\"gone\", which is not there"));
}

static void test_fallback(void)
{
    run("set timeout=5\nset fallback='1 2'\nmenuentry a { linux /no; }\nmenuentry b { linux /no; "
        "}\n"
        "menuentry c { linux /vmlinuz-1; }\n");
    CHECK(!walk.start[0].chosen && !walk.start[1].chosen && walk.start[2].chosen);
    CHECK(said(BF_TROUBLE_LOOK, "falls back to \"c\""));
}

static void test_timeout_and_password(void)
{
    run("menuentry a { linux /vmlinuz-1; }\n");
    CHECK(said(BF_TROUBLE_LOOK, "waits for a key"));
    run("set timeout=-1\nmenuentry a { linux /vmlinuz-1; }\n");
    CHECK(said(BF_TROUBLE_LOOK, "waits for a key"));
    run("set timeout=1\nset superusers=root\nmenuentry a { linux /vmlinuz-1; }\n");
    CHECK(said(BF_TROUBLE_LOOK, "asks for a user"));
    run("set timeout=1\nset superusers=root\nmenuentry a --unrestricted { linux /vmlinuz-1; }\n");
    CHECK_EQ(walk.troubles, 0);
}

static const char env[] = "# GRUB Environment Block\nsaved_entry=b\nnext_entry=\n"
                          "kernelopts=root=UUID=1 ro a\\\\b\n####";

static void test_environment(void)
{
    walk_put("boot/grub/grubenv", env);
    run("set timeout=5\nif [ -s $prefix/grubenv ]; then\nload_env\nfi\n"
        "if [ \"${next_entry}\" ] ; then\nset default=\"${next_entry}\"\nset next_entry=\n"
        "save_env next_entry\nelse\nset default=\"${saved_entry}\"\nfi\n"
        "menuentry a { linux /vmlinuz-1 $kernelopts; }\nmenuentry b { linux /vmlinuz-1; }\n");
    CHECK(walk.start[1].chosen);
    CHECK_STR(walk.start[0].cmdline, "root=UUID=1 ro a\\\\b");
    walk_put("boot/x.cfg", "# GRUB Environment Block\na=1\nb=2\n");
    run("set timeout=5\nload_env -f /boot/x.cfg b\nmenuentry a { linux /vmlinuz-1 $a-$b; }\n");
    CHECK_STR(walk.start[0].cmdline, "-2");
    walk_put("boot/x.cfg", "a=1\n");
    run("set timeout=5\nload_env -f /boot/x.cfg\nmenuentry a { linux /vmlinuz-1 $a-; }\n");
    CHECK_STR(walk.start[0].cmdline, "-");
    CHECK(said(BF_TROUBLE_LOOK, "is no environment block"));
}

// ---- Other files --------------------------------------------------------------------------------

static void test_sources(void)
{
    walk_put("boot/grub/custom.cfg",
             "set timeout=9\nmenuentry c { linux /vmlinuz-1 $config_file; }\n");
    run("if [ -f ${config_directory}/custom.cfg ]; then\nsource "
        "${config_directory}/custom.cfg\nfi\n"
        ". /boot/gone.cfg\n");
    CHECK_EQ(walk.starts, 1);
    CHECK_STR(walk.start[0].file, "/boot/grub/custom.cfg");
    CHECK_EQ(walk.start[0].line, 2);
    CHECK(said(BF_TROUBLE_LOOK, "/boot/gone.cfg, which is read here, is not there"));
}

static void test_configfile(void)
{
    walk_put("boot/grub/next.cfg", "set timeout=1\nmenuentry n { linux /vmlinuz-1 [$a] [$b]; }\n"
                                   "menuentry again { configfile $prefix/grub.cfg; }\n");
    run("a=1\nb=2\nexport b\nmenuentry o { linux /vmlinuz-1; }\nconfigfile $prefix/next.cfg\n"
        "set timeout=1\n");
    CHECK_EQ(walk.starts, 2);
    CHECK_STR(walk.start[0].cmdline, "[] [2]");
    CHECK(walk.start[0].chosen && walk.start[1].kind == BF_START_OTHER && walk.troubles == 0);
    run("set timeout=1\nmenuentry a { configfile /boot/gone.cfg; }\n");
    CHECK(strstr(walk.start[0].blocked, "the configuration /boot/gone.cfg is not there"));
}

static void test_entries_of_the_specification(void)
{
    walk_put(
        "boot/loader/entries/m-5.9.1-1.conf",
        "title Five nine\nlinux /vmlinuz-1\ninitrd /initrd-1\noptions $kernelopts $tuned 'a b'\n");
    walk_put("boot/loader/entries/m-5.10.0-2.conf",
             "title Five ten\nversion 5.10\nlinux /vmlinuz-1\ninitrd /ucode.img\ninitrd /no\n");
    walk_put("boot/loader/entries/m-0-rescue.conf", "title Rescue\nlinux /gone\n");
    run("set timeout=5\nset default=m-5.9.1-1\nset kernelopts='root=UUID=1 ro'\n"
        "default_kernelopts=d\ninsmod blscfg\nblscfg\n");
    CHECK_EQ(walk.starts, 3);
    CHECK_STR(walk.start[0].title, "Five ten");
    CHECK_STR(walk.start[0].cmdline, "d");
    CHECK(strstr(walk.start[0].blocked, "initramfs ($root)/no is not there") ||
          strstr(walk.start[0].blocked, "/no is not there"));
    CHECK_STR(walk.start[1].title, "Five nine");
    CHECK_STR(walk.start[1].cmdline, "root=UUID=1 ro \"a b\"");
    CHECK_STR(walk.start[1].file, "/boot/loader/entries/m-5.9.1-1.conf");
    CHECK_EQ(walk.start[1].line, 2);
    CHECK(walk.start[1].chosen && !walk.start[1].blocked[0]);
    CHECK_STR(walk.start[2].title, "Rescue");
}

// ---- Devices ------------------------------------------------------------------------------------

static void test_search(void)
{
    begin_with_kernels();
    add_three();
    run_on("set timeout=5\nsearch --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 B00B\n"
           "search --label --set=l 'boot fs'\nsearch --set=f --file /etc/only-here\n"
           "search.fs_uuid nothing x hd0,gpt1\n"
           "menuentry a { linux /vmlinuz-1 $root $l $x; initrd ($l)/initrd-1; }\n"
           "menuentry b { set root=lvm/vg-lv; linux /boot/vmlinuz-1 ($root); }\n"
           "menuentry c { linux (hd1,1)/vmlinuz-1; }\n"
           "menuentry d { linux (loop)/vmlinuz-1; }\n",
           0);
    CHECK_STR(walk.start[0].kernel, "/boot/vmlinuz-1");
    CHECK_STR(walk.start[0].cmdline, "hd0,gpt2 hd0,gpt2");
    CHECK_STR(walk.start[0].initrd[0], "/boot/initrd-1");
    CHECK(!walk.start[0].blocked[0] && !walk.start[0].unknown[0]);
    CHECK(said(BF_TROUBLE_LOOK, "nothing here has the UUID nothing"));
    CHECK(strstr(walk.start[1].unknown, "nothing is seen")); // the other /boot hides it
    CHECK(strstr(walk.start[2].blocked, "is not there"));
    CHECK(strstr(walk.start[3].unknown, "nothing is seen") && !walk.start[3].blocked[0]);
}

static void test_stub(void)
{
    walk_put("boot/efi/EFI/debian/grub.cfg",
             "search.fs_uuid b00b root hd0,gpt2\n"
             "set prefix=($root)'/grub'\nconfigfile $prefix/grub.cfg\n");
    begin_with_kernels();
    add_three();
    walk_put(CFG,
             "set timeout=5\nmenuentry a { linux /vmlinuz-1 $prefix $grub_platform $cmdpath; }\n");
    bf_walk_grub(&walk, "/boot/efi/EFI/debian/grub.cfg", &walk_devices.item[0]);
    CHECK_EQ(walk.starts, 1);
    CHECK_STR(walk.start[0].cmdline, "(hd0,gpt2)/grub efi");
    CHECK_STR(walk.start[0].kernel, "/boot/vmlinuz-1");
    CHECK_STR(walk.start[0].file, "/" CFG);
    CHECK_EQ(walk.troubles, 0);
}

static void test_order_of_disks(void)
{
    begin_with_kernels();
    add_three();
    struct bf_device *second = bf_devices_add(&walk_devices);
    second->disk = 1;
    second->part = 1;
    snprintf(second->type, sizeof second->type, "ext4");
    snprintf(second->uuid, sizeof second->uuid, "2");
    run_on("set timeout=5\nset root=hd0,gpt2\nmenuentry a { linux /vmlinuz-1; }\n"
           "menuentry b { search --fs-uuid --set=root b00b; linux /vmlinuz-1; }\n",
           0);
    CHECK(strstr(walk.start[0].unknown, "by its place among several"));
    CHECK(!walk.start[1].unknown[0] && !walk.start[1].blocked[0]);
}

static void test_btrfs(void)
{
    begin_with_kernels();
    struct bf_device *dev = bf_devices_add(&walk_devices);
    *dev = (struct bf_device){.part = 1, .type = "btrfs", .uuid = "1", .root = true};
    bf_devices_place(&walk_devices, 0, "/", "/@");
    run_on("set timeout=5\nmenuentry a { linux /@/boot/vmlinuz-1; }\n"
           "menuentry b { linux /@snap/boot/vmlinuz-1; }\nmenuentry c {\n"
           "set btrfs_relative_path=yes\nlinux /boot/vmlinuz-1; }\n",
           0);
    CHECK_STR(walk.start[0].kernel, "/boot/vmlinuz-1");
    CHECK(strstr(walk.start[1].unknown, "nothing is seen"));
    CHECK_STR(walk.start[2].kernel, "/boot/vmlinuz-1");
    CHECK(!walk.start[2].blocked[0]);
}

// ---- Limits -------------------------------------------------------------------------------------

static void test_endless(void)
{
    run("while true; do true; done\n");
    CHECK(said(BF_TROUBLE_DOUBT, "runs more than") || said(BF_TROUBLE_DOUBT, "does not end"));
    run("function f { f; }\nf\n");
    CHECK(said(BF_TROUBLE_DOUBT, "calls itself"));
    run("source /boot/grub/grub.cfg\n");
    CHECK(said(BF_TROUBLE_DOUBT, "reads files from files") ||
          said(BF_TROUBLE_DOUBT, "calls itself"));
    run("a=xxxxxxxx\nwhile true; do a=$a$a; done\n");
    CHECK(said(BF_TROUBLE_DOUBT, "a word of more than"));
    run("menuentry a { configfile $prefix/grub.cfg; }\nmenuentry b { configfile $prefix/grub.cfg; "
        "}\n");
    CHECK_EQ(walk.starts, 2);
}

static void test_nesting(void)
{
    struct bf_text t = {0};
    for (int i = 0; i < 100; i++)
        bf_text_str(&t, "if true; then\n");
    for (int i = 0; i < 100; i++)
        bf_text_str(&t, "true; fi\n");
    run(bf_text_get(&t));
    bf_text_free(&t);
    CHECK(said(BF_TROUBLE_DOUBT, "blocks in one another"));
    for (int i = 0; i < 3000; i++)
        bf_text_str(&t, "elif false; then true\n");
    struct bf_text u = {0};
    bf_textf(&u, "set timeout=1\nif false; then true\n%sfi\nmenuentry a { linux /vmlinuz-1; }\n",
             bf_text_get(&t));
    run(bf_text_get(&u));
    bf_text_free(&t);
    bf_text_free(&u);
    CHECK(walk.starts == 1 && walk.troubles == 0);
}

TEST_MAIN(TEST(test_one_line), TEST(test_missing_files), TEST(test_entries_run_apart),
          TEST(test_no_entries), TEST(test_others), TEST(test_xen), TEST(test_words),
          TEST(test_variables), TEST(test_conditions), TEST(test_files_in_conditions),
          TEST(test_loops), TEST(test_functions), TEST(test_unknown_commands), TEST(test_mistakes),
          TEST(test_default), TEST(test_fallback), TEST(test_timeout_and_password),
          TEST(test_environment), TEST(test_sources), TEST(test_configfile),
          TEST(test_entries_of_the_specification), TEST(test_search), TEST(test_stub),
          TEST(test_order_of_disks), TEST(test_btrfs), TEST(test_endless), TEST(test_nesting))
