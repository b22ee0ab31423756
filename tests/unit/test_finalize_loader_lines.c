// SPDX-License-Identifier: Apache-2.0
// Each loader's own file, line in and line out: where its command lines stand, what its quotes and
// keywords are, and that every other byte stays. A second run over each result changes nothing.
#include "finalize/boot/grub_env.h"
#include "finalize/boot/loader.h"

#include "tests/finalize_table.h"
#include "tests/unit/test.h"

// What a console makes of a line.
#define CON " console=tty0 console=ttyS0,115200"

// ---- Raspberry Pi's firmware -------------------------------------------------------------------

static void test_raspberry(void)
{
    static const struct table_row alone[] = {
        {"root=/dev/mmcblk0p2 rootwait\n", "root=PARTUUID=part-a2 rootwait\n", NULL},
        {"root=/dev/mmcblk0p2 rootwait", "root=PARTUUID=part-a2 rootwait", NULL},
        {"root=/dev/sda2\r\n", "root=PARTUUID=part-a2\r\n", NULL},
        {"  root=/dev/sda2\t ro \n", "  root=PARTUUID=part-a2\t ro \n", NULL},
        {"root=PARTUUID=part-a2 rootfstype=ext4\n", "=", ""},
        // Only the first line counts.
        {"ro\nroot=/dev/mmcblk0p2\n", "=", NULL},
        {"\nroot=/dev/mmcblk0p2\n", "=", NULL},
        {"", "=", ""},
        {"\n", "=", ""},
    };
    static const struct table_row loaded[] = {
        {"root=/dev/mmcblk0p2\n", "root=UUID=1111\n", ""},
        {"root=LABEL=writable\n", "=", ""},
    };
    table_begin();
    table_put("/boot/config.txt", "# initramfs x\nkernel=vmlinuz\narm_64bit=1\n");
    TABLE_CHECK(bf_raspberry.rewrite, "/boot/cmdline.txt", alone);
    table_put("/boot/config.txt", "[pi4]\ninitramfs initrd.img followkernel\n");
    TABLE_CHECK(bf_raspberry.rewrite, "/boot/cmdline.txt", loaded);
    table_put("/boot/config.txt", "auto_initramfs=1\n");
    TABLE_CHECK(bf_raspberry.rewrite, "/boot/cmdline.txt", loaded);
    // Without config.txt it is no Raspberry Pi's.
    table_remove("/boot/config.txt");
    static const struct table_row foreign[] = {{"root=/dev/sda2\n", "=", ""}};
    TABLE_CHECK(bf_raspberry.rewrite, "/boot/cmdline.txt", foreign);
    table_remove("/boot/cmdline.txt");
}

static void test_raspberry_console(void)
{
    static const struct table_row on[] = {
        {"root=PARTUUID=part-a2 ro\n", "root=PARTUUID=part-a2 ro" CON "\n", NULL},
        {"console=serial0,115200 console=tty1 root=PARTUUID=part-a2",
         "console=serial0,115200 console=tty1 root=PARTUUID=part-a2 console=ttyS0,115200", NULL},
    };
    static const struct table_row off[] = {
        {"console=ttyS0,115200 console=tty1 root=PARTUUID=part-a2\n",
         " console=tty1 root=PARTUUID=part-a2\n", NULL},
        {"console=serial1 console=tty1\nconsole=ttyS0\n", " console=tty1\nconsole=ttyS0\n", NULL},
    };
    table_begin();
    table_put("/boot/config.txt", "initramfs x\n");
    table_plan.serial_console = BF_ON;
    TABLE_CHECK(bf_raspberry.rewrite, "/boot/cmdline.txt", on);
    table_plan.serial_console = BF_OFF;
    TABLE_CHECK(bf_raspberry.rewrite, "/boot/cmdline.txt", off);
    table_remove("/boot/config.txt");
    table_remove("/boot/cmdline.txt");
}

// ---- zipl --------------------------------------------------------------------------------------

// zipl.conf(5): "parameters = "root=..."" in sections.
static void test_zipl(void)
{
    static const struct table_row rows[] = {
        {"[linux]\nparameters=\"root=/dev/dasda2 ro\"\n",
         "[linux]\nparameters=\"root=UUID=1111 ro\"\n", "zipl has to be run"},
        {"parameters = 'root=/dev/dasda2'\n", "parameters = 'root=UUID=1111'\n", NULL},
        {"\tparameters=root=/dev/sda2 ro\n", "\tparameters=root=UUID=1111 ro\n", NULL},
        {"parameters=root=/dev/sda2\r\n", "parameters=root=UUID=1111\r\n", NULL},
        {"  parameters  =  \"ro root=/dev/sda2\"  ", "  parameters  =  \"ro root=UUID=1111\"  ",
         NULL},
        {"parameters=\"resume=/dev/sda3 root=LABEL=x\"\n",
         "parameters=\"resume=UUID=2222 root=LABEL=x\"\n", NULL},
        {"#parameters=\"root=/dev/sda2\"\n", "=", NULL},
        {"parameter=\"root=/dev/sda2\"\n", "=", NULL},
        {"parametersx=\"root=/dev/sda2\"\n", "=", NULL},
        {"parameters \"root=/dev/sda2\"\n", "=", NULL},
        {"parmfile=/boot/root=/dev/sda2\n", "=", NULL},
        {"parameters=\n", "=", NULL},
        {"parameters", "=", NULL},
        {"parameters=\"\"\n", "=", NULL},
        {"parameters=\"", "=", NULL},
        {"image=/boot/image\nramdisk=/boot/initrd\ntarget=/boot/zipl\n", "=", NULL},
    };
    table_begin();
    TABLE_CHECK(bf_zipl.rewrite, "/etc/zipl.conf", rows);
    table_remove("/etc/zipl.conf");
}

// ---- rEFInd ------------------------------------------------------------------------------------

static void test_refind_pairs(void)
{
    static const struct table_row rows[] = {
        {"\"Boot\" \"root=/dev/sda2 ro\"\n", "\"Boot\" \"root=UUID=1111 ro\"\n", ""},
        {"\"Boot\"\t\"root=/dev/sda2\"", "\"Boot\"\t\"root=UUID=1111\"", ""},
        {"\"Boot\"  \"root=/dev/sda2\"  \r\n", "\"Boot\"  \"root=UUID=1111\"  \r\n", ""},
        {"  \"Boot\" \"root=/dev/sda2\"\n", "  \"Boot\" \"root=UUID=1111\"\n", ""},
        {"\"a \"\"b\"\" c\" \"root=/dev/sda2\"\n", "\"a \"\"b\"\" c\" \"root=UUID=1111\"\n", ""},
        {"\"x\" \"ro root=/dev/sda2 a=\"\"b c\"\"\"\n",
         "\"x\" \"ro root=UUID=1111 a=\"\"b c\"\"\"\n", NULL},
        {"\"x\" root=/dev/sda2\n", "\"x\" root=UUID=1111\n", ""},
        // The second line is chosen by a person.
        {"\"a\" \"root=UUID=1111\"\n\"b\" \"root=/dev/sdb1\"\n",
         "\"a\" \"root=UUID=1111\"\n\"b\" \"root=UUID=4444\"\n", ""},
        {"# \"x\" \"root=/dev/sda2\"\n", "=", ""},
        {"\"root=/dev/sda2\"\n", "=", ""},
        {"\"x\"\"root=/dev/sda2\"\n", "=", ""},
        {"\"x\" \"root=/dev/sda2\n", "=", ""},
        {"x \"root=/dev/sda2\"\n", "=", ""},
        {"\"x\" \"\"\n", "=", ""},
        {"\"x\"\n", "=", ""},
        {"\"\n", "=", ""},
        {"\"x\" \"myroot=/dev/sda2 root=LABEL=x\"\n", "=", NULL},
    };
    static const struct table_row on[] = {
        {"\"a\" \"root=UUID=1111\"\n", "\"a\" \"root=UUID=1111" CON "\"\n", ""},
        {"\"a\" root=UUID=1111\n", "\"a\" \"root=UUID=1111" CON "\"\n", ""},
        {"\"a\" \"single\"\n", "=", ""}, // without a root it is no kernel of ours
    };
    table_begin();
    TABLE_CHECK(bf_refind.rewrite, "/boot/refind_linux.conf", rows);
    table_plan.serial_console = BF_ON;
    TABLE_CHECK(bf_refind.rewrite, "/boot/refind_linux.conf", on);
    table_remove("/boot/refind_linux.conf");
}

static void test_refind_stanzas(void)
{
    static const struct table_row rows[] = {
        {"menuentry Linux {\n  loader /vmlinuz\n  initrd /i\n  options \"root=/dev/sda2 ro\"\n}\n",
         "menuentry Linux {\n  loader /vmlinuz\n  initrd /i\n  options \"root=UUID=1111 ro\"\n}\n",
         ""},
        {"MenuEntry x {\nOPTIONS root=/dev/sda2\ninitrd /i\n}",
         "MenuEntry x {\nOPTIONS root=UUID=1111\ninitrd /i\n}", ""},
        {"menuentry x {\noptions \"root=/dev/sda2\"\n}\n",
         "menuentry x {\noptions \"root=PARTUUID=part-a2\"\n}\n", NULL},
        {"menuentry x {\ninitrd /i\noptions \"root=/dev/sda2\"\nsubmenuentry y {\n"
         "add_options \"resume=/dev/sda3\"\n}\n}\n",
         "menuentry x {\ninitrd /i\noptions \"root=UUID=1111\"\nsubmenuentry y {\n"
         "add_options \"resume=UUID=2222\"\n}\n}\n",
         ""},
        {"options \"root=/dev/sda2\"\n", "=", ""}, // outside of any entry
        {"timeout 20\n#menuentry x {\n#options \"root=/dev/sda2\"\n", "=", ""},
        {"menuentry x {\noptions \"root=/dev/sda2\n}\n", "=", ""}, // a quote that nothing closes
        {"include other.conf\ninclude ../x\n", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_refind.rewrite, "/boot/efi/EFI/refind/refind.conf", rows);
    table_remove("/boot/efi/EFI/refind/refind.conf");
}

// ---- extlinux and syslinux ----------------------------------------------------------------------

static void test_syslinux(void)
{
    static const struct table_row rows[] = {
        {"LABEL l\n LINUX /vmlinuz\n INITRD /i\n APPEND root=/dev/sda2 ro\n",
         "LABEL l\n LINUX /vmlinuz\n INITRD /i\n APPEND root=UUID=1111 ro\n", ""},
        {"label l\n\tappend\troot=/dev/sda2\tro initrd=/i",
         "label l\n\tappend\troot=UUID=1111\tro initrd=/i", ""},
        {"label l\r\n append initrd=i root=/dev/sda2\r\n",
         "label l\r\n append initrd=i root=UUID=1111\r\n", ""},
        {"label l\nappend root=/dev/sda2 ro  \n", "label l\nappend root=PARTUUID=part-a2 ro  \n",
         NULL},
        {"append root=/dev/sda2\nlabel l\nlinux a\ninitrd b\n",
         "append root=UUID=1111\nlabel l\nlinux a\ninitrd b\n", ""},
        {"label a\ninitrd i\nappend root=UUID=1111\nlabel b\ninitrd i\nappend root=/dev/sdb1\n",
         "label a\ninitrd i\nappend root=UUID=1111\nlabel b\ninitrd i\nappend root=UUID=4444\n",
         ""},
        {"default b\nlabel a\ninitrd i\nappend root=UUID=1111\nlabel b\ninitrd i\nappend "
         "root=/dev/sdb1\n",
         "default b\nlabel a\ninitrd i\nappend root=UUID=1111\nlabel b\ninitrd i\nappend "
         "root=UUID=1111\n",
         ""},
        {"label l\nappend -\n", "=", ""},
        {"label l\nappend\n", "=", ""},
        {"#append root=/dev/sda2\n", "=", ""},
        {"label l\nappendx root=/dev/sda2\n", "=", ""},
        {"label memtest\nkernel memtest\n", "=", ""},
        {"MENU TITLE root=/dev/sda2\nTEXT HELP\nroot=/dev/sda2\nENDTEXT\n", "=", ""},
        {"label l\ninitrd i\nappend cryptdevice=/dev/sda2:x root=/dev/mapper/x\n", "!",
         "line 3: the system is started with cryptdevice=/dev/sda2"},
    };
    table_begin();
    TABLE_CHECK(bf_syslinux.rewrite, "/boot/extlinux/extlinux.conf", rows);
}

static void test_syslinux_console(void)
{
    static const struct table_row on[] = {
        {"label l\ninitrd i\nappend root=UUID=1111\n",
         "SERIAL 0 115200\nlabel l\ninitrd i\nappend root=UUID=1111" CON "\n", ""},
        {"serial 0 9600\nlabel l\nappend root=UUID=1111 console=ttyS0\n", "=", NULL},
        {"label l\ninitrd i\nappend root=UUID=1111\r\nlabel memtest\r\nkernel m\r\nappend x\r\n",
         "SERIAL 0 115200\nlabel l\ninitrd i\nappend root=UUID=1111" CON
         "\r\nlabel memtest\r\nkernel m\r\nappend x\r\n",
         ""},
        {"timeout 5\n", "=", ""},
    };
    static const struct table_row off[] = {
        {"SERIAL 0 115200\nlabel l\ninitrd i\nappend root=UUID=1111 console=tty0 "
         "console=ttyS0,115200\n",
         "label l\ninitrd i\nappend root=UUID=1111 console=tty0\n", ""},
        {"serialx 0\nlabel l\nappend root=UUID=1111\n", "=", NULL},
        {"label l\ninitrd i\nappend console=ttyS0\nserial 0", "label l\ninitrd i\nappend \n", ""},
    };
    table_begin();
    table_plan.serial_console = BF_ON;
    TABLE_CHECK(bf_syslinux.rewrite, "/boot/extlinux/extlinux.conf", on);
    table_plan.serial_console = BF_OFF;
    TABLE_CHECK(bf_syslinux.rewrite, "/boot/extlinux/extlinux.conf", off);
    table_remove("/boot/extlinux/extlinux.conf");
}

// ---- GRUB legacy -------------------------------------------------------------------------------

static void test_legacy(void)
{
    static const struct table_row rows[] = {
        {"title x\nkernel /vmlinuz root=/dev/hda2 ro\ninitrd /i\n",
         "title x\nkernel /vmlinuz root=UUID=1111 ro\ninitrd /i\n", ""},
        {"title x\n\tkernel\t(hd0,0)/vmlinuz ro root=/dev/sda2",
         "title x\n\tkernel\t(hd0,0)/vmlinuz ro root=PARTUUID=part-a2", ""},
        {"title x\nkernel --type=linux --no-mem-option /v root=/dev/sda2 ro\ninitrd /i\n",
         "title x\nkernel --type=linux --no-mem-option /v root=UUID=1111 ro\ninitrd /i\n", ""},
        {"title x\nkernel=/v root=/dev/sda2\ninitrd=/i\n",
         "title x\nkernel=/v root=UUID=1111\ninitrd=/i\n", ""},
        {"title x\r\nkernel /v root=/dev/sda2\r\ninitrd /i\r\n",
         "title x\r\nkernel /v root=UUID=1111\r\ninitrd /i\r\n", ""},
        {"title xen\nkernel /xen.gz\nmodule /v root=/dev/sda2 ro\nmodule /i\n",
         "title xen\nkernel /xen.gz\nmodule /v root=UUID=1111 ro\nmodule /i\n", ""},
        // The second entry is another system's, until it is the default.
        {"title x\nkernel /v root=UUID=1111\ninitrd /i\ntitle y\nkernel /v root=/dev/sdb1\ninitrd "
         "/i\n",
         "title x\nkernel /v root=UUID=1111\ninitrd /i\ntitle y\nkernel /v root=UUID=4444\ninitrd "
         "/i\n",
         ""},
        {"default=1\ntitle x\nkernel /v root=UUID=1111\ninitrd /i\ntitle y\nkernel /v "
         "root=/dev/sdb1\ninitrd /i\n",
         "default=1\ntitle x\nkernel /v root=UUID=1111\ninitrd /i\ntitle y\nkernel /v "
         "root=UUID=1111\ninitrd /i\n",
         ""},
        // Debian's update-grub makes entries of these comments.
        {"# kopt=root=/dev/hda2 ro\n", "# kopt=root=UUID=1111 ro\n", ""},
        {"# kopt_2_6=root=/dev/hda2 ro\n", "# kopt_2_6=root=UUID=1111 ro\n", ""},
        {"# defoptions=quiet resume=/dev/hda3\n", "# defoptions=quiet resume=UUID=2222\n", ""},
        {"## kopt=root=/dev/hda2 ro\n", "=", ""},
        {"# koptx=root=/dev/hda2 ro\n", "=", ""},
        {"# kopt root=/dev/hda2 ro\n", "=", ""},
        {"#kernel /v root=/dev/sda2\n", "=", ""},
        {"title x\nkernelx /v root=/dev/sda2\n", "=", ""},
        {"title x\nkernel /memtest\n", "=", ""},
        {"title x\nkernel\n", "=", ""},
        {"title x\nkernel --type=linux\n", "=", ""},
        {"title x\nroot (hd1,0)\nkernel /v root=LABEL=a\n", "=", "(hd1,0) depends on the order"},
        {"title x\nroot (hd0,0)\nchainloader +1\n", "=", ""},
        {"title root=/dev/sda2\n", "=", ""},
        {"", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_grub_legacy.rewrite, "/boot/grub/menu.lst", rows);
}

static void test_legacy_console(void)
{
    static const char terminal[] =
        "serial --unit=0 --speed=115200\nterminal --timeout=5 serial console\n";
    static const struct table_row on[] = {
        {"# comment\n\ntimeout 5\ntitle x\nkernel /v root=UUID=1111\ninitrd /i\n",
         "# comment\n\nserial --unit=0 --speed=115200\nterminal --timeout=5 serial console\n"
         "timeout 5\ntitle x\nkernel /v root=UUID=1111" CON "\ninitrd /i\n",
         ""},
        {"serial --unit=1\ntitle x\nkernel /v root=UUID=1111 console=ttyS0\n", "=", NULL},
        {"# kopt=root=UUID=1111\n", "# kopt=root=UUID=1111" CON "\n", ""},
    };
    static const struct table_row off[] = {
        {"serial --unit=0\nterminal serial console\nterminal console\nkernel /v root=UUID=1111 "
         "console=ttyS0\n",
         "terminal console\nkernel /v root=UUID=1111\n", NULL},
        {"serialx\n  terminal --timeout=3 serial\n# serial\n", "serialx\n# serial\n", ""},
    };
    char both[256];
    table_begin();
    table_plan.serial_console = BF_ON;
    TABLE_CHECK(bf_grub_legacy.rewrite, "/boot/grub/menu.lst", on);
    table_plan.serial_console = BF_OFF;
    TABLE_CHECK(bf_grub_legacy.rewrite, "/boot/grub/menu.lst", off);
    snprintf(both, sizeof both, "%stimeout 5\n", terminal);
    const struct table_row back[] = {{both, "timeout 5\n", ""}};
    TABLE_CHECK(bf_grub_legacy.rewrite, "/boot/grub/menu.lst", back);
    table_remove("/boot/grub/menu.lst");
}

// ---- Boot Loader Specification, Limine
// -----------------------------------------------------------

static void test_bls(void)
{
    static const struct table_row rows[] = {
        {"title x\nlinux /v\ninitrd /i\noptions root=/dev/sda2 ro\n",
         "title x\nlinux /v\ninitrd /i\noptions root=UUID=1111 ro\n", ""},
        {"linux /v\noptions\troot=/dev/sda2\t", "linux /v\noptions\troot=PARTUUID=part-a2\t", ""},
        {"initrd /i\noptions root=/dev/sda2\r\n", "initrd /i\noptions root=UUID=1111\r\n", ""},
        {"initrd /i\noptions root=/dev/sda2\noptions resume=/dev/sda3\n",
         "initrd /i\noptions root=UUID=1111\noptions resume=UUID=2222\n", ""},
        {"initrd /i\n  options   root=/dev/sda2\n", "initrd /i\n  options   root=UUID=1111\n", ""},
        {"initrd /i\noptions $kernelopts $tuned_params\n", "=", ""},
        {"#options root=/dev/sda2\n", "=", ""},
        {"option root=/dev/sda2\n", "=", ""},
        {"options=root=/dev/sda2\n", "=", ""},
        {"options\n", "=", ""},
        {"title options root=/dev/sda2\n", "=", ""},
        {"initrd /i\noptions cryptroot=/dev/sda1\n", "!", "line 2: the system is started with"},
    };
    static const struct table_row on[] = {
        {"initrd /i\noptions root=UUID=1111\noptions quiet\n",
         "initrd /i\noptions root=UUID=1111\noptions quiet" CON "\n", ""},
        {"initrd /i\noptions console=ttyS0 root=UUID=1111\noptions quiet\n", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_systemd_boot.rewrite, "/boot/loader/entries/a.conf", rows);
    table_plan.serial_console = BF_ON;
    TABLE_CHECK(bf_systemd_boot.rewrite, "/boot/loader/entries/a.conf", on);
    table_remove("/boot/loader/entries/a.conf");
}

static void test_limine(void)
{
    static const struct table_row rows[] = {
        {"/Linux\n protocol: linux\n cmdline: root=/dev/sda2 ro\n module_path: boot():/i\n",
         "/Linux\n protocol: linux\n cmdline: root=UUID=1111 ro\n module_path: boot():/i\n", ""},
        {":Linux\nCMDLINE=root=/dev/sda2\nMODULE_PATH=boot:///i\n",
         ":Linux\nCMDLINE=root=UUID=1111\nMODULE_PATH=boot:///i\n", ""},
        {"/x\nkernel_cmdline: root=/dev/sda2", "/x\nkernel_cmdline: root=PARTUUID=part-a2", ""},
        {"/x\ncmdline: root=/dev/sda2\r\nmodule_path: i\r\n",
         "/x\ncmdline: root=UUID=1111\r\nmodule_path: i\r\n", ""},
        {"/a\ncmdline: root=UUID=1111\nmodule_path: i\n/b\ncmdline: root=/dev/sdb1\nmodule_path: "
         "i\n",
         "/a\ncmdline: root=UUID=1111\nmodule_path: i\n/b\ncmdline: root=UUID=4444\nmodule_path: "
         "i\n",
         ""},
        {"# cmdline: root=/dev/sda2\n", "=", ""},
        {"/x\nmycmdline: root=/dev/sda2\n", "=", ""},
        {"/x\ncmdline root=/dev/sda2\n", "=", ""},
        {"/x\ncmdline:\n", "=", ""},
        {"/x\ncomment: cmdline: root=/dev/sda2\n", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_limine.rewrite, "/boot/limine.conf", rows);
    table_remove("/boot/limine.conf");
}

// ---- GRUB's environment block
// --------------------------------------------------------------------

#define HEAD "# GRUB Environment Block\n"

static void test_environment_lines(void)
{
    static const struct {
        const char *text, *name, *value; // of the first variable; NULL: none
    } cases[] = {
        {HEAD "a=b\n", "a", "b"},
        {HEAD "a=b", "a", "b"},
        {HEAD "a=\n", "a", ""},
        {HEAD "=b\n", "", "b"},
        {HEAD "# WARNING: Do not edit\na=b\n####", "a", "b"},
        {HEAD "a=b=c\n", "a", "b=c"},
        {HEAD "a=b\\\\c\n", "a", "b\\c"},
        {HEAD "a=b\\\nc\nd=e\n", "a", "b\nc"},
        {HEAD "a=#b\n##", "a", "#b"},
        {HEAD "kernelopts=root=/dev/sda2 ro\n###", "kernelopts", "root=/dev/sda2 ro"},
        {HEAD "x\n\ny=z\n", "y", "z"},
        {HEAD "a=b##", "a", "b##"}, // no line end before them: they are the value's
        {HEAD "##########", NULL, NULL},
        {HEAD "", NULL, NULL},
        {HEAD "abc\n", NULL, NULL},
        {HEAD "a=b\\", "a", "b\\"},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        struct bf_grub_env env;
        struct bf_text value = {0};
        bool more;
        if (!bf_grub_env_init(&env, cases[i].text, strlen(cases[i].text)))
            FAIL("case %zu is no block", i);
        while ((more = bf_grub_env_next(&env)) && !env.name)
            ;
        if (more != (cases[i].name != NULL))
            FAIL("case %zu: %s", i, more ? "a variable" : "none");
        if (!more)
            continue;
        bf_grub_env_value(&env, &value);
        if (!bf_word_is(env.name, env.name_len, cases[i].name) ||
            strcmp(bf_text_get(&value), cases[i].value) != 0)
            FAIL("case %zu: %.*s is \"%s\"", i, (int)env.name_len, env.name, bf_text_get(&value));
        // What was read is written back as it stands there.
        struct bf_text back = {0};
        bf_grub_env_escape(&back, bf_text_get(&value), value.len);
        bool whole = i + 1 < BF_COUNT(cases);
        if (whole && !bf_word_is(env.value, env.value_len, bf_text_get(&back)))
            FAIL("case %zu is written as \"%s\"", i, bf_text_get(&back));
        bf_text_free(&back);
        bf_text_free(&value);
    }
}

static void test_environment_size(void)
{
    struct bf_grub_env env;
    char block[1024];
    static const struct {
        size_t len;
        const char *head;
    } wrong[] = {{0, ""},
                 {5, "# GRU"},
                 {24, "# GRUB Environment Block"},
                 {25, "# GRUB environment Block\n"}};
    for (size_t i = 0; i < BF_COUNT(wrong); i++)
        CHECK(!bf_grub_env_init(&env, wrong[i].head, wrong[i].len));
    memset(block, '#', sizeof block);
    memcpy(block, HEAD "a=b\n", strlen(HEAD "a=b\n"));
    CHECK(bf_grub_env_init(&env, block, sizeof block));
    // Shorter, and longer, by what the filling has; then there is no room.
    for (size_t len = 20; len <= 1030; len += 101) {
        struct bf_text out = {0};
        while (out.len < len)
            bf_text_str(&out, "x");
        bool fits = bf_grub_env_fill(&env, &out);
        if (fits != (len <= sizeof block) || (fits && out.len != sizeof block))
            FAIL("%zu bytes become %zu", len, out.len);
        bf_text_free(&out);
    }
}

TEST_MAIN(TEST(test_raspberry), TEST(test_raspberry_console), TEST(test_zipl),
          TEST(test_refind_pairs), TEST(test_refind_stanzas), TEST(test_syslinux),
          TEST(test_syslinux_console), TEST(test_legacy), TEST(test_legacy_console), TEST(test_bls),
          TEST(test_limine), TEST(test_environment_lines), TEST(test_environment_size))
