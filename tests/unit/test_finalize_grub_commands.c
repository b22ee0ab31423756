// SPDX-License-Identifier: Apache-2.0
// The rehearsal's reader of GRUB: its commands. What scripts without files give is what grub-emu
// 2.06 gives.
#include "tests/unit/grub_rig.h"

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
    add_devices();
}

// ---- test, regexp, variables --------------------------------------------------------------------

static const struct rig_script conditions[] = {
    {"[ a ]\nw $?", "<0>\n"},
    {"[ \"\" ]\nw $?", "<1>\n"},
    {"[ '' ]\nw $?", "<1>\n"},
    {"[ a = a ]\nw $?", "<0>\n"},
    {"[ a = b ]\nw $?", "<1>\n"},
    {"[ a == a ]\nw $?", "<0>\n"},
    {"[ a == b ]\nw $?", "<1>\n"},
    {"[ a != b ]\nw $?", "<0>\n"},
    {"[ a != a ]\nw $?", "<1>\n"},
    {"[ a \"<\" b ]\nw $?", "<0>\n"},
    {"[ b '<' a ]\nw $?", "<1>\n"},
    {"[ a '<=' a ]\nw $?", "<0>\n"},
    {"[ a '>' b ]\nw $?", "<1>\n"},
    {"[ b '>=' a ]\nw $?", "<0>\n"},
    {"[ ab '<' b ]\nw $?", "<0>\n"},
    {"[ \"\" = \"\" ]\nw $?", "<0>\n"},
    {"[ \"\" != a ]\nw $?", "<0>\n"},
    {"[ -n a ]\nw $?", "<0>\n"},
    {"[ -n \"\" ]\nw $?", "<1>\n"},
    {"[ -z a ]\nw $?", "<1>\n"},
    {"[ -z \"\" ]\nw $?", "<0>\n"},
    {"[ -n ]\nw $?", "<0>\n"},
    {"[ -z ]\nw $?", "<0>\n"},
    {"[ ! a ]\nw $?", "<1>\n"},
    {"[ ! \"\" ]\nw $?", "<0>\n"},
    {"[ ! ! a ]\nw $?", "<0>\n"},
    {"[ ! a = a ]\nw $?", "<1>\n"},
    {"[ ! a = b ]\nw $?", "<0>\n"},
    {"[ a -a b ]\nw $?", "<0>\n"},
    {"[ a -a \"\" ]\nw $?", "<1>\n"},
    {"[ \"\" -a a ]\nw $?", "<1>\n"},
    {"[ a -o \"\" ]\nw $?", "<0>\n"},
    {"[ \"\" -o \"\" ]\nw $?", "<1>\n"},
    {"[ \"\" -o a ]\nw $?", "<0>\n"},
    {"[ \"\" -a \"\" -o a ]\nw $?", "<0>\n"},
    {"[ a -o \"\" -a \"\" ]\nw $?", "<0>\n"},
    {"[ \"\" -o a -a \"\" ]\nw $?", "<1>\n"},
    {"[ a -a \"\" -o b -a c ]\nw $?", "<0>\n"},
    {"[ 1 -eq 1 ]\nw $?", "<0>\n"},
    {"[ 1 -eq 2 ]\nw $?", "<1>\n"},
    {"[ 1 -eq 01 ]\nw $?", "<0>\n"},
    {"[ 0x10 -eq 16 ]\nw $?", "<0>\n"},
    {"[ 010 -eq 8 ]\nw $?", "<0>\n"},
    {"[ 1 -ne 2 ]\nw $?", "<0>\n"},
    {"[ 1 -lt 2 ]\nw $?", "<0>\n"},
    {"[ 2 -lt 1 ]\nw $?", "<1>\n"},
    {"[ -1 -lt 1 ]\nw $?", "<0>\n"},
    {"[ -2 -lt -1 ]\nw $?", "<0>\n"},
    {"[ -1 -eq -1 ]\nw $?", "<0>\n"},
    {"[ 1 -le 1 ]\nw $?", "<0>\n"},
    {"[ 2 -gt 1 ]\nw $?", "<0>\n"},
    {"[ 2 -ge 3 ]\nw $?", "<1>\n"},
    {"[ 10 -gt 9 ]\nw $?", "<0>\n"},
    {"[ 10 '>' 9 ]\nw $?", "<1>\n"},
    {"[ a -eq 0 ]\nw $?", "<0>\n"},
    {"[ \"\" -eq 0 ]\nw $?", "<0>\n"},
    {"[ 1a -eq 1 ]\nw $?", "<0>\n"},
    {"[ 99999999999999999999 -gt 1 ]\nw $?", "<1>\n"},
    {"[ 4294967296 -gt 1 ]\nw $?", "<1>\n"},
    {"[ 4294967297 -eq 1 ]\nw $?", "<0>\n"},
    {"[ 2147483648 -lt 0 ]\nw $?", "<0>\n"},
    {"[ -2147483648 -lt 0 ]\nw $?", "<0>\n"},
    {"[ 0xffffffff -eq -1 ]\nw $?", "<0>\n"},
    {"[ 20240101 -lt 20250101 ]\nw $?", "<0>\n"},
    {"[ a -lt b ]\nw $?", "<1>\n"},
    {"[ v1 -pgt v0 ]\nw $?", "<0>\n"},
    {"[ v2 -plt v10 ]\nw $?", "<0>\n"},
    {"[ v10 -plt v9 ]\nw $?", "<1>\n"},
    {"[ v10 -pgt v9 ]\nw $?", "<0>\n"},
    {"[ a -plt a ]\nw $?", "<1>\n"},
    {"[ a1 -plt b2 ]\nw $?", "<1>\n"},
    {"[ 5.10 -pgt 5.9 ]\nw $?", "<0>\n"},
    {"[ 5.9-1 -plt 5.9-2 ]\nw $?", "<0>\n"},
    {"[ ( a ) ]\nw $?", "<0>\n"},
    {"[ ( \"\" ) ]\nw $?", "<1>\n"},
    {"[ ( a = a ) ]\nw $?", "<0>\n"},
    {"[ ( a = b ) -o c ]\nw $?", "<0>\n"},
    {"[ ! ( a = a ) ]\nw $?", "<1>\n"},
    {"[ ! ( a = b ) ]\nw $?", "<0>\n"},
    {"[ ( a -o \"\" ) -a \"\" ]\nw $?", "<1>\n"},
    {"[ ( ( a ) ) ]\nw $?", "<0>\n"},
    {"[ ( ! a ) ]\nw $?", "<1>\n"},
    {"[ a = a -a b = b ]\nw $?", "<0>\n"},
    {"[ a = a -a b = c ]\nw $?", "<1>\n"},
    {"[ a = b -o b = b ]\nw $?", "<0>\n"},
    {"[ a = b -a c = c -o d = d ]\nw $?", "<0>\n"},
    {"[ ! a = b -a ! c = d ]\nw $?", "<0>\n"},
    {"[ = = = ]\nw $?", "<0>\n"},
    {"[ -n = -n ]\nw $?", "<0>\n"},
    {"[ -a ]\nw $?", "<0>\n"},
    {"[ -o ]\nw $?", "<0>\n"},
    {"[ ! ]\nw $?", "<0>\n"},
    {"[ = ]\nw $?", "<0>\n"},
    {"[ ( = ( ]\nw $?", "<0>\n"},
    {"[ -e ]\nw $?", "<0>\n"},
    {"[ -f ]\nw $?", "<0>\n"},
    {"[ -d ]\nw $?", "<0>\n"},
    {"[ -s ]\nw $?", "<0>\n"},
    {"[ -x a ]\nw $?", "<0>\n"},
    {"[ -q ]\nw $?", "<0>\n"},
    {"[ a b ]\nw $?", "<0>\n"},
    {"[ \"\" b ]\nw $?", "<1>\n"},
    {"[ a \"\" ]\nw $?", "<1>\n"},
    {"[ a b c ]\nw $?", "<0>\n"},
    {"[ -f /no/such/file ]\nw $?", "<1>\n"},
    {"[ -d /no/such/file ]\nw $?", "<1>\n"},
    {"[ -e /no/such/file ]\nw $?", "<1>\n"},
    {"[ -s /no/such/file ]\nw $?", "<1>\n"},
    {"[ ! -f /no/such/file ]\nw $?", "<0>\n"},
    {"[ ! -e /no -a a ]\nw $?", "<0>\n"},
    {"[ -e /no -o a ]\nw $?", "<0>\n"},
    {"[ -f \"\"  ]\nw $?", "<1>\n"},
    {"[ a = a\nw $?", "<0>\n"},
    {"test a = a\nw $?", "<0>\n"},
    {"test a = b\nw $?", "<1>\n"},
    {"test\nw $?", "<0>\n"},
    {"[ ]\nw $?", "<0>\n"},
    {"[\nw $?", "<0>\n"},
    {"test a = a ]\nw $?", "<0>\n"},
    {"x='a = a'\n[ $x ]\nw $?", "<0>\n"},
    {"x='a = b'\n[ $x ]\nw $?", "<1>\n"},
    {"x=\n[ $x = a ]\nw $?", "<0>\n"},
    {"x=\n[ \"$x\" = a ]\nw $?", "<1>\n"},
    {"x=\n[ x$x = x ]\nw $?", "<0>\n"},
    {"[a = a ]\nw $?", "<0>\n"},
    {"[ a=b ]\nw $?", "<0>\n"},
    {"x='a b'\n[ \"$x\" = 'a b' ]\nw $?", "<0>\n"},
    {"x='a b'\n[ $x = 'a b' ]\nw $?", "<1>\n"},
    {"if test -z \"$x\" -a -z \"$y\"; then w a; fi", "<a>\n"},
    {"if [ a -a b -a c ]; then w a; fi", "<a>\n"},
    {"if [ x$feature = xy ]; then w a; else w b; fi", "<b>\n"},
    {"[ a ] [ b ]\nw $?", "<0>\n"},
    {"! [ a = a ]\nw $?", "<1>\n"},
};

static void test_the_command_test(void)
{
    prepare = NULL;
    check_scripts(conditions, BF_COUNT(conditions));
}

static const struct rig_script regexps[] = {
    {"regexp a a; w $?", "<0>\n"},
    {"regexp a b; w $?", "<1>\n"},
    {"regexp '^a$' ab; w $?", "<1>\n"},
    {"regexp '^a.*c$' abbc; w $?", "<0>\n"},
    {"regexp --set=x '(b+)' abbc; w $? $x", "<0><bb>\n"},
    {"regexp --set x '(b+)' abbc; w $? $x", "<0><bb>\n"},
    {"regexp -s x '(b+)' abbc; w $? $x", "<0><bb>\n"},
    {"regexp --set=1:x '(a)(b)' ab; w $x", "<a>\n"},
    {"regexp --set=2:x '(a)(b)' ab; w $x", "<b>\n"},
    {"regexp --set=0:x '(a)(b)' cabd; w $x", "<ab>\n"},
    {"regexp --set=3:x '(a)(b)' ab; w $? \"$x\"", "<0><>\n"},
    {"regexp --set=1:x --set=2:y '^([0-9]+)-([a-z]+)' 12-ab; w $x $y", "<12><ab>\n"},
    {"x=1; regexp --set=x '(a)' b; w $? $x", "<1><1>\n"},
    {"regexp '(a|b)+c' abac; w $?", "<0>\n"},
    {"regexp '[[:digit:]]+' a1; w $?", "<0>\n"},
    {"regexp '[' a; w $?", "<1>\n"},
    {"regexp '(' a; w $?", "<1>\n"},
    {"regexp a; w $?", "<18>\n"},
    {"regexp; w $?", "<18>\n"},
    {"regexp a b c; w $?", "<18>\n"},
    {"regexp '' a; w $?", "<0>\n"},
    {"regexp a ''; w $?", "<1>\n"},
    {"regexp -s 2:x '(a)(b)' ab; w $x", "<b>\n"},
    {"regexp --set=x a a; w $? \"$x\"", "<0><>\n"},
    {"regexp --set=x '(a)?b' b; w $? \"$x\"", "<0><>\n"},
    {"regexp '\\.' a.b; w $?", "<0>\n"},
    {"regexp 'A' a; w $?", "<1>\n"},
    {"regexp --set=1:x '^\\((.*)\\)' '(hd0)/a'; w $x", "<hd0>\n"},
    {"regexp --set=1:x '^[(](.*)[)]' '(hd0)/a'; w $x", "<hd0>\n"},
    {"regexp --no a a; w $?", "<18>\n"},
    {"regexp 'a\\\\.b' axb; w $?", "<1>\n"},
    {"regexp '[.]' a.b; w $?", "<0>\n"},
    {"regexp 'a\\\\' a; w $?", "<1>\n"},
    {"regexp '\\\\[x' '[x'; w $?", "<1>\n"},
};

static void test_regexp(void)
{
    prepare = NULL;
    check_scripts(regexps, BF_COUNT(regexps));
}

static const struct rig_script variables[] = {
    {"set x=1\nset x=2\nw $x", "<2>\n"},
    {"unset\nw $?", "<18>\n"},
    {"unset x\nw $?", "<0>\n"},
    {"x=1\ny=2\nunset x y\nw \"$x\" $y", "<><2>\n"},
    {"export\nw $?", "<18>\n"},
    {"export x y\nw $?", "<0>\n"},
    {"set nothing\nw $?", "<18>\n"},
    {"x=1\nexport x\nx=2\nw $x", "<2>\n"},
    {"export x\nunset x\nw \"$x\"", "<>\n"},
    {"set 'a b=1'\nw $?", "<0>\n"},
    {"set x='a=b c'\nw \"$x\"", "<a=b c>\n"},
    {"set x=\"\"\n[ -z $x ]\nw $?", "<0>\n"},
    {"set x=a$y\"b\"\nw $x", "<ab>\n"},
    {"set \"x=$nothing\"\nw $?", "<0>\n"},
    {"true a b\nw $?", "<0>\n"},
    {"false a b\nw $?", "<1>\n"},
    {"true --x\nw $?", "<0>\n"},
    {"sleep 0\nw $?", "<0>\n"},
    {"insmod\nw $?", "<18>\n"},
    {"source\nw $?", "<18>\n"},
    {"source /no\nw $?", "<0>\n"},
    {". /no\nw $?", "<0>\n"},
    {"configfile /no\nw $?", "<0>\n"},
    {"if load_env -f /no; then w t; else w f; fi", "<f>\n"},
    {"if search; then w t; else w f; fi", "<f>\n"},
    {"if search --file; then w t; else w f; fi", "<f>\n"},
    {"if search a; then w t; else w f; fi", "<f>\n"},
    {"if search --no-floppy --file --set /no/such; then w t; else w f; fi", "<f>\n"},
    {"if search --zzz a; then w t; else w f; fi", "<f>\n"},
    {"extract_entries_source /no\nw $?", "<0>\n"},
    {"function f { echo a; }\nf > b\nw c", "<c>\n"},
    {"if probe; then w t; else w f; fi", "<f>\n"},
    {"if probe --set=x (no); then w t; else w f; fi", "<f>\n"},
    {"regexp\nw $?", "<18>\n"},
    {"if setparams; then w t; else w f; fi", "<f>\n"},
    {"if menuentry; then w t; else w f; fi", "<f>\n"},
    {"if menuentry a; then w t; else w f; fi", "<f>\n"},
    {"if menuentry a { true; }; then w t; else w f; fi", "<t>\n"},
    {"if menuentry --id a { true; }; then w t; else w f; fi", "<f>\n"},
    {"if menuentry a --nosuch { true; }; then w t; else w f; fi", "<t>\n"},
    {"if menuentry a --class x --class y --id z { true; }; then w t; else w f; fi", "<t>\n"},
    {"if menuentry a --hotkey=x { true; }; then w t; else w f; fi", "<t>\n"},
    {"if submenu a { true; }; then w t; else w f; fi", "<t>\n"},
    {"if submenu a; then w t; else w f; fi", "<f>\n"},
    {"if menuentry a --source 'w b'; then w t; else w f; fi", "<t>\n"},
    {"if menuentry a --source 'w b' { true; }; then w t; else w f; fi", "<f>\n"},
    {"if menuentry '' { true; }; then w t; else w f; fi", "<t>\n"},
    {"if menuentry a -- --id { true; }; then w t; else w f; fi", "<t>\n"},
    {"if menuentry a --unrestricted { true; }; then w t; else w f; fi", "<t>\n"},
    {"if menuentry a --users '' { true; }; then w t; else w f; fi", "<t>\n"},
    {"if menuentry a --users { true; }; then w t; else w f; fi", "<f>\n"},
    {"if menuentry a --id { true; }; then w t; else w f; fi", "<f>\n"},
    {"if menuentry a --i x { true; }; then w t; else w f; fi", "<t>\n"},
    {"if menuentry a --class { true; }; then w t; else w f; fi", "<f>\n"},
};

static void test_words_and_statuses(void)
{
    prepare = NULL;
    check_scripts(variables, BF_COUNT(variables));
}

// ---- Devices, files and patterns ----------------------------------------------------------------

static const struct rig_script devices_and_files[] = {
    {"search --fs-uuid --set=root B00B-1E; w $? $root", "<0><hd0,gpt3>\n"},
    {"search -u --set=x b00b-1e; w $? $x $root", "<0><hd0,gpt3><hd0,gpt3>\n"},
    {"search --fs-uuid --set=x abcd-1234; w $x", "<hd0,gpt1>\n"},
    {"search --fs-uuid --set=x 5007; w $x", "<lvm/vg-lv>\n"},
    {"search --fs-uuid --set=x 5a5a; w \"$x\"", "<>\n"},
    {"search --label --set=x 'boot fs'; w $x", "<hd0,gpt3>\n"},
    {"search -l 'boot fs' -s x; w $x", "<hd0,gpt3>\n"},
    {"search --label --set=x 'Boot FS'; w \"$x\"", "<>\n"},
    {"search --label --set=x swap; w \"$x\"", "<>\n"},
    {"search --file --set=x /etc/only-here; w $x", "<lvm/vg-lv>\n"},
    {"search --file --set=x /vmlinuz-1; w $x", "<hd0,gpt3>\n"},
    {"search --file --set=x /EFI/x/x.efi; w $x", "<hd0,gpt1>\n"},
    {"search --file --set=x /no; w \"$x\"", "<>\n"},
    {"search --fs-uuid --set x b00b-1e; w $x $root", "<hd0,gpt3><hd0,gpt3>\n"},
    {"search --fs-uuid -s x b00b-1e; w $x $root", "<hd0,gpt3><hd0,gpt3>\n"},
    {"search --fs-uuid --set 5007; w $? $root", "<0><lvm/vg-lv>\n"},
    {"search --set --fs-uuid 5007; w $root", "<lvm/vg-lv>\n"},
    {"search --set x --fs-uuid 5007; w $x $root", "<lvm/vg-lv><hd0,gpt3>\n"},
    {"search --no-floppy --fs-uuid --set=x --hint-bios=hd0,gpt3 --hint-efi=hd0,gpt3 "
     "--hint-baremetal=ahci0,gpt3 b00b-1e; w $x",
     "<hd0,gpt3>\n"},
    {"search --no-floppy --fs-uuid --set=x --hint hd9,gpt1 b00b-1e; w $x", "<hd0,gpt3>\n"},
    {"search --no-floppy --fs-uuid --set=x --hint='hd9,gpt1' b00b-1e; w $x", "<hd0,gpt3>\n"},
    {"search --fs-uuid --set=x '' ; w \"$x\"", "<>\n"},
    {"search --set=x b00b-1e; w \"$x\"", "<>\n"},
    {"search --fs-uuid b00b-1e; w $root", "<hd0,gpt3>\n"},
    {"search.fs_uuid b00b-1e x hd0,gpt1; w $x", "<hd0,gpt3>\n"},
    {"search.fs_uuid 5007; w $root", "<hd0,gpt3>\n"},
    {"search.fs_uuid no x; w \"$x\"", "<>\n"},
    {"search.fs_label 'boot fs' x; w $x", "<hd0,gpt3>\n"},
    {"search.file /etc/only-here x; w $x", "<lvm/vg-lv>\n"},
    {"search.file /no; w $root", "<hd0,gpt3>\n"},
    {"search.fs_uuid; w $root", "<hd0,gpt3>\n"},
    {"x=old; search --fs-uuid --set=x no; w $x", "<old>\n"},
    {"if search --fs-uuid --set=x no; then w t; else w f; fi", "<f>\n"},
    {"if search --fs-uuid --set=x 5007; then w t; else w f; fi", "<t>\n"},
    {"probe --set=x --fs-uuid (hd0,gpt3); w $x", "<b00b-1e>\n"},
    {"probe --set x -u hd0,gpt3; w $x", "<b00b-1e>\n"},
    {"probe -s x --label ($root); w \"$x\"", "<boot fs>\n"},
    {"probe --set=x --fs (hd0,gpt1); w $x", "<fat>\n"},
    {"probe --set=x --fs $root; w $x", "<ext2>\n"},
    {"probe --set=x --fs (lvm/vg-lv); w $x", "<xfs>\n"},
    {"probe --set=x --partmap (hd0,gpt3); w $x", "<gpt>\n"},
    {"probe --set=x --fs (hd7); w $? \"$x\"", "<18><>\n"},
    {"probe; w $?", "<18>\n"},
    {"[ -f /vmlinuz-1 ]; w $?", "<0>\n"},
    {"[ -f (hd0,gpt3)/vmlinuz-1 ]; w $?", "<0>\n"},
    {"[ -f ($root)/vmlinuz-1 ]; w $?", "<0>\n"},
    {"[ -f (hd0,3)/vmlinuz-1 ]; w $?", "<0>\n"},
    {"[ -f (hd0,gpt1)/EFI/x/x.efi ]; w $?", "<0>\n"},
    {"[ -f (lvm/vg-lv)/etc/only-here ]; w $?", "<0>\n"},
    {"[ -f (hd0,gpt9)/vmlinuz-1 ]; w $?", "<1>\n"},
    {"[ -f (hd1,gpt1)/vmlinuz-1 ]; w $?", "<1>\n"},
    {"[ -f (hd0)/vmlinuz-1 ]; w $?", "<1>\n"},
    {"[ -f (lvm/no)/etc/only-here ]; w $?", "<1>\n"},
    {"[ -f (cd0)/vmlinuz-1 ]; w $?", "<1>\n"},
    {"[ -f /etc/only-here ]; w $?", "<1>\n"},
    {"[ -d /dtb ]; w $?", "<0>\n"},
    {"[ -d /dtb/ ]; w $?", "<0>\n"},
    {"[ -f /dtb ]; w $?", "<1>\n"},
    {"[ -e /dtb -a -e /vmlinuz-1 ]; w $?", "<0>\n"},
    {"[ -d /vmlinuz-1 ]; w $?", "<1>\n"},
    {"[ -f //vmlinuz-1 -a -f /./vmlinuz-1 -a -f /dtb/../vmlinuz-1 -a -f /../vmlinuz-1 ]; w $?",
     "<0>\n"},
    {"[ -s /vmlinuz-1 ]; w $?", "<0>\n"},
    {"[ -s /no ]; w $?", "<1>\n"},
    {"[ -f vmlinuz-1 ]; w $?", "<1>\n"},
    {"[ -f (hd0,gpt3)vmlinuz-1 ]; w $?", "<1>\n"},
    {"[ -f (hd0,gpt3 ]; w $?", "<1>\n"},
    {"[ -f () ]; w $?", "<1>\n"},
    {"root=lvm/vg-lv; [ -f /etc/only-here ]; w $?", "<0>\n"},
    {"root=; [ -f /vmlinuz-1 ]; w $?", "<1>\n"},
    {"unset root; [ -f /vmlinuz-1 ]; w $?", "<1>\n"},
    {"root='(hd0,gpt3)'; [ -f /vmlinuz-1 ]; w $?", "<0>\n"},
    {"insmod regexp; w /vmlinuz*; w /*-1", "</vmlinuz-1>\n</initrd-1></vmlinuz-1>\n"},
    {"insmod regexp; w (hd0,gpt3)/vm?inuz-1; w '/vm*' \"/vm*\" /vm\\*",
     "<(hd0,gpt3)/vmlinuz-1>\n</vm*></vm*></vm*>\n"},
    {"insmod regexp; for k in /vmlinuz-* /no-*; do w $k; done", "</vmlinuz-1>\n</no-*>\n"},
    {"insmod regexp; x='/vm*'; w $x; w \"$x\"", "</vmlinuz-1>\n</vm*>\n"},
    {"w /vmlinuz*", "</vmlinuz*>\n"},
};

static void test_devices_and_files(void)
{
    prepare = prepare_files;
    check_scripts(devices_and_files, BF_COUNT(devices_and_files));
}

// ---- Loading ------------------------------------------------------------------------------------

#define CFG "/boot/grub/grub.cfg"

// The entry's commands, and what it offers.
static const struct rig_menu loads[] = {
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1 a b\ninitrd /ucode.img /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/ucode.img\n"
     "    initrd /boot/initrd-1\n"
     "    cmdline a b\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1 a\nlinux /vmlinuz-1 b\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline b\n"},
    {"set timeout=1\nmenuentry a {\nlinux16 /vmlinuz-1 a\ninitrd16 /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "    cmdline a\n"},
    {"set timeout=1\nmenuentry a {\nlinuxefi /vmlinuz-1 a\ninitrdefi /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "    cmdline a\n"},
    {"set timeout=1\nmenuentry a {\nlinux ($root)/vmlinuz-1\ninitrd (hd0,gpt3)/initrd-1 "
     "(hd0,3)/ucode.img\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "    initrd /boot/ucode.img\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ninitrd /initrd-1\ninitrd /ucode.img\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/ucode.img\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ninitrd newc:etc/x:/ucode.img /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ninitrd newc:etc/x:/no\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    blocked: " CFG ", line 4: the initramfs /no is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ninitrd newc:/initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    blocked: " CFG ", line 4: the initramfs newc:/initrd-1 is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ninitrd /initrd-1 /no /ucode.img\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "    blocked: " CFG ", line 4: the initramfs /no is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ninitrd\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    blocked: " CFG ", line 4: initrd names no file\n"},
    {"set timeout=1\nmenuentry a {\ninitrd /initrd-1\nlinux /vmlinuz-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    blocked: " CFG ", line 3: initrd comes before the kernel\n"},
    {"set timeout=1\nmenuentry a {\nlinux\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: linux names no kernel\n"},
    {"set timeout=1\nmenuentry a {\nlinux /no a\nlinux /vmlinuz-1 b\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline b\n"},
    {"set timeout=1\nmenuentry a {\nlinux /no a\ninitrd /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/no\n"
     "    cmdline a\n"
     "    blocked: " CFG ", line 3: the kernel /no is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1 a; if false; then linux /vmlinuz-1 b; fi\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"},
    {"set timeout=1\nmenuentry a {\nlinux /dtb\n}\n",
     "* linux: a\n"
     "    kernel /boot/dtb\n"
     "    blocked: " CFG ", line 3: the kernel /dtb is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux vmlinuz-1\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: the kernel vmlinuz-1 is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux (hd0,gpt9)/vmlinuz-1\n}\n",
     "* linux: a\n"
     "    kernel /vmlinuz-1\n"
     "    blocked: " CFG ", line 3: the kernel (hd0,gpt9)/vmlinuz-1 is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux (hd5)/vmlinuz-1\n}\n",
     "* linux: a\n"
     "    kernel /vmlinuz-1\n"
     "    blocked: " CFG ", line 3: the kernel (hd5)/vmlinuz-1 is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux (http,1.2.3.4)/vmlinuz-1\n}\n",
     "* linux: a\n"
     "    kernel /vmlinuz-1\n"
     "    unknown: " CFG
     ", line 3: the kernel (http,1.2.3.4)/vmlinuz-1 lies where nothing is seen\n"},
    {"set timeout=1\nmenuentry a {\nlinux (lvm/vg-lv)/etc/only-here\n}\n",
     "* linux: a\n"
     "    kernel /etc/only-here\n"},
    {"set timeout=1\nmenuentry a {\nset root=lvm/vg-lv\nlinux /etc/only-here root=$root\n}\n",
     "* linux: a\n"
     "    kernel /etc/only-here\n"
     "    cmdline root=lvm/vg-lv\n"},
    {"set timeout=1\nmenuentry a {\nset root='(hd0,gpt3)'\nlinux /vmlinuz-1 $root\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline hd0,gpt3\n"},
    {"set timeout=1\nmenuentry a {\nset root=\nlinux /vmlinuz-1\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 4: the kernel /vmlinuz-1 is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux /../../vmlinuz-1\n}\n", "* linux: a\n"
                                                                  "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1 'a b' \"c\\\"d\" e\\\\f \\x41 'it'\\''s' --- "
     "\"\" =' '\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline \"a b\" c\\\"d e\\\\f x41 it\\'s ---  \"= \"\n"},
    {"set timeout=1\nmenuentry a {\nmultiboot2 /xen.gz dom0_mem=1G\nmodule2 /vmlinuz-1 placeholder "
     "root=/dev/x ro\nmodule2 --nounzip /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "    cmdline root=/dev/x ro\n"},
    {"set timeout=1\nmenuentry a {\nmultiboot /xen.gz\nmodule /vmlinuz-1 placeholder q\nmodule "
     "/initrd-1\nmodule /policy\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "    initrd /boot/policy\n"
     "    cmdline q\n"},
    {"set timeout=1\nmenuentry a {\nxen_hypervisor /xen.gz a\nxen_module /vmlinuz-1 q\nxen_module "
     "--nounzip /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    initrd /boot/initrd-1\n"
     "    cmdline q\n"},
    {"set timeout=1\nmenuentry a {\nmultiboot2 /xen.gz\nmodule2 /no\nmodule2 /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/no\n"
     "    initrd /boot/initrd-1\n"
     "    blocked: " CFG ", line 4: the kernel /no is not there\n"},
    {"set timeout=1\nmenuentry a {\nmultiboot2 /no\nmodule2 /vmlinuz-1\n}\n",
     "* other: a\n"
     "    kernel /boot/no\n"
     "    blocked: " CFG ", line 3: the kernel /no is not there\n"},
    {"set timeout=1\nmenuentry a {\nmodule2 /vmlinuz-1\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: module2 comes before what it belongs to\n"},
    {"set timeout=1\nmenuentry a {\nmultiboot2 /xen.gz\nmodule2\n}\n",
     "* other: a\n"
     "    kernel /boot/xen.gz\n"
     "    blocked: " CFG ", line 4: module2 names no file\n"},
    {"set timeout=1\nmenuentry a {\nmultiboot2\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: multiboot2 names no kernel\n"},
    {"set timeout=1\nmenuentry a {\nmultiboot2 /xen.gz\n}\n", "* other: a\n"
                                                              "    kernel /boot/xen.gz\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\nmodule2 /initrd-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    blocked: " CFG ", line 4: module2 comes before what it belongs to\n"},
    {"set timeout=1\nmenuentry a {\nchainloader +1\n}\n", "* other: a\n"},
    {"set timeout=1\nmenuentry a {\nset root=(hd0)\nchainloader +1\n}\n", "* other: a\n"},
    {"set timeout=1\nmenuentry a {\nchainloader (hd0)+1\n}\n", "* other: a\n"},
    {"set timeout=1\nmenuentry a {\nchainloader (hd0,gpt1)/EFI/x/x.efi\n}\n",
     "* other: a\n"
     "    kernel /boot/efi/EFI/x/x.efi\n"},
    {"set timeout=1\nmenuentry a {\nchainloader /EFI/x/x.efi\n}\n",
     "* other: a\n"
     "    kernel /boot/EFI/x/x.efi\n"
     "    blocked: " CFG ", line 3: the loader /EFI/x/x.efi is not there\n"},
    {"set timeout=1\nmenuentry a {\nchainloader --force +1\n}\n", "* other: a\n"},
    {"set timeout=1\nmenuentry a {\nchainloader\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: chainloader names no file\n"},
    {"set timeout=1\nmenuentry a {\nchainloader (hd0)0+1\n}\n", "* other: a\n"},
    {"set timeout=1\nmenuentry a {\nlinux16 /memtest86+.bin\n}\n",
     "* other: a\n"
     "    kernel /boot/memtest86+.bin\n"},
    {"set timeout=1\nmenuentry a {\nknetbsd /netbsd\n}\n", "* other: a\n"},
    {"set timeout=1\nmenuentry a {\nntldr /bootmgr\n}\n", "* other: a\n"},
    {"set timeout=1\nmenuentry a {\nreboot\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: reboot ends the start\n"},
    {"set timeout=1\nmenuentry a {\nhalt\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: halt ends the start\n"},
    {"set timeout=1\nmenuentry a {\nfwsetup\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: fwsetup ends the start\n"},
    {"set timeout=1\nmenuentry a {\nexit\n}\n", "* other: a\n"},
    {"set timeout=1\nmenuentry a {\nboot\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: boot comes before anything was loaded\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1 a\nboot\nlinux /no\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    cmdline a\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1 a\nreboot\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 4: reboot ends the start\n"},
    {"set timeout=1\nmenuentry a {\nreboot\nlinux /vmlinuz-1\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 3: reboot ends the start\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ndevicetree /dtb/a.dtb\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ndevicetree /dtb/no.dtb\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    blocked: " CFG ", line 4: the device tree /dtb/no.dtb is not there\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\ndevicetree\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=1\nmenuentry a {\ntrue\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 2: this entry loads nothing\n"},
    {"set timeout=1\nmenuentry a {\nnosuch\n}\n",
     "* other: a\n"
     "    unknown: " CFG ", line 3: nosuch is no command that is known here\n"},
    {"set timeout=1\nmenuentry a {\necho a\n}\n",
     "* other: a\n"
     "    blocked: " CFG ", line 2: this entry loads nothing\n"},
    {"set timeout=1\nmenuentry a {\nlinux /vmlinuz-1\nnosuch a b\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    unknown: " CFG ", line 4: nosuch is no command that is known here\n"},
    {"set timeout=1\nmenuentry a {\nsmbios --type 1\nlinux /vmlinuz-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "    unknown: " CFG ", line 3: what smbios finds is not known here\n"},
    {"set timeout=1\nmenuentry a {\nif smbios; then linux /vmlinuz-1; else linux /no; fi\n}\n",
     "* linux: a\n"
     "    kernel /boot/no\n"
     "    blocked: " CFG ", line 3: the kernel /no is not there\n"
     "    unknown: " CFG ", line 3: what smbios finds is not known here\n"},
    {"set timeout=1\nmenuentry a {\nread x\nlinux /vmlinuz-1 $x\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "look: " CFG ", line 3: GRUB waits here for something that is typed\n"},
    {"set timeout=1\nmenuentry a {\nmenuentry b { true; }\nlinux /vmlinuz-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"},
    {"set timeout=1\nmenuentry a {\nsearch --fs-uuid --set=root nothing\nlinux /vmlinuz-1\n}\n",
     "* linux: a\n"
     "    kernel /boot/vmlinuz-1\n"
     "look: " CFG ", line 3: nothing here has the UUID nothing: GRUB goes on with what it had\n"},
    {"set timeout=1\nmenuentry a {\nfunction load_video { true; }\nload_video\ninsmod gzio\nif [ "
     "x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi\ninsmod part_gpt\ninsmod "
     "ext2\nif [ x$feature_platform_search_hint = xy ]; then\nsearch --no-floppy --fs-uuid "
     "--set=root --hint-bios=hd0,gpt3 b00b-1e\nelse\nsearch --no-floppy --fs-uuid --set=root "
     "b00b-1e\nfi\necho 'Loading'\nlinux /vmlinuz-1 root=/dev/mapper/vg-lv ro quiet\ninitrd "
     "/initrd-1\n}\n",
     "look: " CFG ", line 3: GRUB cannot read this, says \"syntax error\", and goes on after it\n"
     "look: " CFG ", line 17: GRUB cannot read this, says \"syntax error\", and goes on after it\n"
     "stops: " CFG ": GRUB finds nothing to start in it, and stops at its prompt\n"},
};

static void test_loading(void)
{
    prepare = prepare_files;
    check_menus(loads, BF_COUNT(loads));
}

// ---- The environment block ----------------------------------------------------------------------

#define HEAD "# GRUB Environment Block\n"

static void test_environment_blocks(void)
{
    static const struct {
        const char *block, *words;
    } rows[] = {
        {HEAD "a=1\nb=2\n####", "<1><2><><>\n"},
        {HEAD "a=1\nb=2", "<1><><><>\n"},
        {HEAD "a=1\nfoo\nb=2\nc=3\n#####", "<1><><3><>\n"},
        {HEAD "a=x\\\\y\\nz\nb=x\\\ny\nc=d#e\n#c=5\n=v\nd= q \n####", "<x\\ynz><x\ny><d#e>< q >\n"},
        {HEAD "a", "<><><><>\n"},
        {HEAD, "<><><><>\n"},
        {"", "<><><><>\n"},
        {"a=1\n", "<><><><>\n"},
        {"# GRUB Environment Blocx\na=1\n", "<><><><>\n"},
        {HEAD "a=1\na=2\nb=\n \nc d=e\n###", "<2><><><>\n"},
        {"# GRUB Environment Block\r\na=1\r\nb=2\r\n###", "<><><><>\n"},
        {HEAD "# WARNING: Do not edit\n#a=0\na=1\nb=2\n###\nc=3\n####", "<1><2><3><>\n"},
        {HEAD "a=$b\nb=\"x\"\nc='y z'\nd=;w\n#", "<$b><\"x\"><'y z'><;w>\n"},
        {HEAD "\n\na=1\n", "<><><><>\n"},
        {HEAD "a=\\\n", "<><><><>\n"},
        {HEAD "a=1\\", "<><><><>\n"},
    };
    prepare = NULL;
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        walk_put("boot/env", rows[i].block);
        CHECK_STR(words_of("load_env -f /boot/env\nw \"$a\" \"$b\" \"$c\" \"$d\"\n"),
                  rows[i].words);
    }
}

static void test_options_of_load_env(void)
{
    static const struct rig_script rows[] = {
        {"load_env -f /boot/env b; w \"$a$b\"", "<2>\n"},
        {"load_env --file /boot/env b a; w \"$a$b\"", "<12>\n"},
        {"load_env --file=/boot/env; w \"$a$b\"", "<12>\n"},
        {"load_env b --file=/boot/env; w \"$a$b\"", "<2>\n"},
        {"load_env a -f /boot/env; w $?$a$b", "<01>\n"},
        {"load_env -s a -f /boot/env; w $?$a$b", "<01>\n"},
        {"load_env -sf /boot/env; w $?$a", "<01>\n"},
        {"load_env --skip-sig -f /boot/env nothing; w $?$a", "<0>\n"},
        {"load_env -f; w $?", "<18>\n"},
        {"prefix=/boot/grub; load_env; w $a", "<grubenv>\n"},
        {"prefix=/boot/grub; load_env a; w $a", "<grubenv>\n"},
        {"prefix=/boot/no; if load_env; then w t; else w f; fi", "<f>\n"},
        {"a=old; load_env -f /boot/env b; w $a$b", "<old2>\n"},
        {"save_env -f /boot/env a b; w $?", "<0>\n"},
        // It writes into the blocks of a file that is there.
        {"if save_env a b; then w yes; else w no; fi", "<no>\n"},
        {"load_env -f /boot/env; a=3; save_env a; load_env -f /boot/env; w $a", "<1>\n"},
    };
    walk_put("boot/env", HEAD "a=1\nb=2\n####");
    walk_put("boot/grub/grubenv", HEAD "a=grubenv\n####");
    prepare = NULL;
    check_scripts(rows, BF_COUNT(rows));
}

// ---- Scripts from files -------------------------------------------------------------------------

static void test_source(void)
{
    static const struct rig_script rows[] = {
        {"source /boot/in; w $?", "<in>\n<0>\n"},
        {"x=1; if source /boot/in; then w t; else w f; fi", "<in><1>\n<t>\n"},
        {"if source /boot/no; then w t; else w f; fi", "<t>\n"},
        {". /boot/in\nw $y", "<in>\n<set>\n"},
        {"source /boot/in a b; w $?", "<18>\n"},
        {"function f { source /boot/args; }\nf a b", "<2><a><b>\n<b>\n"},
        {"for x in 1 2; do source /boot/stop; w $x; done; w end", "<end>\n"},
        {"source /boot/fun; g a", "<g><a>\n"},
        {"extract_entries_source /boot/in; w $y", "<in>\n<set>\n"},
        {"config_file=x; source /boot/where; w $config_file",
         "<(hd0)/boot/where><(hd0)/boot>\n<x>\n"},
        {"source (hd0)/boot/where", "<(hd0)/boot/where><(hd0)/boot>\n"},
        {"source /boot/bad; w after", "<before>\n<after>\n"},
        {"source /boot/open; w after", "<after>\n"},
        {"source /boot; w $?", "<0>\n"},
        {"source ''; w $?", "<0>\n"},
    };
    walk_put("boot/in", "w in $x\ny=set\nfalse\n");
    walk_put("boot/args", "w $# $1 $2\nshift\nw $1\n");
    walk_put("boot/stop", "break\n");
    walk_put("boot/fun", "function g { w g $1; }\n");
    walk_put("boot/where", "w $config_file $config_directory\n");
    walk_put("boot/bad", "w before\nw bad; }\n");
    walk_put("boot/open", "if true; then\nw never\n");
    prepare = NULL;
    check_scripts(rows, BF_COUNT(rows));
}

// ---- Modules ------------------------------------------------------------------------------------

// Where the folder of the platform's modules is there, one that a start needs has to be in it.
static void test_modules(void)
{
    static const struct {
        const char *script, *words, *says;
    } rows[] = {
        {"insmod part_gpt; w $?", "<0>\n", NULL},
        {"insmod xfs; w $?", "<18>\n", "GRUB's module xfs is not in /boot/grub/x86_64-efi"},
        {"insmod gfxterm; w $?", "<0>\n", NULL},
        {"insmod all_video; w $?", "<0>\n", NULL},
        {"if insmod btrfs; then w t; else w f; fi", "<f>\n", "module btrfs is not in"},
        {"grub_platform=pc; grub_cpu=i386; insmod xfs; w $?", "<0>\n", NULL},
        {"unset prefix; insmod xfs; w $?", "<0>\n", NULL},
        {"insmod; w $?", "<18>\n", NULL},
    };
    walk_put("boot/grub/x86_64-efi/normal.mod", "m");
    walk_put("boot/grub/x86_64-efi/part_gpt.mod", "m");
    prepare = NULL;
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        char script[256];
        snprintf(script, sizeof script,
                 "prefix=/boot/grub; grub_cpu=x86_64; grub_platform=efi\n%s\n", rows[i].script);
        CHECK_STR(words_of(script), rows[i].words);
        CHECK(rows[i].says ? said(BF_TROUBLE_LOOK, rows[i].says) : walk.troubles == 0);
    }
}

TEST_MAIN(TEST(test_the_command_test), TEST(test_regexp), TEST(test_words_and_statuses),
          TEST(test_devices_and_files), TEST(test_loading), TEST(test_environment_blocks),
          TEST(test_options_of_load_env), TEST(test_source), TEST(test_modules))
