// SPDX-License-Identifier: Apache-2.0
// A serial console that ended badly: what the machine waits for, and its last lines.
#include "replica/jobs/console.h"

#include "replica/jobs/plain.h"
#include "tests/unit/test.h"

static char tail[4096];

static struct bf_console_end end_of(const char *log, uint32_t lines)
{
    return bf_console_tail(log, strlen(log), lines, tail, sizeof tail);
}

static void check_state(const char *log, enum bf_console state, const char *line)
{
    struct bf_console_end end = end_of(log, 5);
    if (end.state != state)
        FAIL("%s: \"%s\"", log, bf_console_text(end.state));
    CHECK_STR(end.line, line);
}

static void test_passphrases(void)
{
    static const struct {
        const char *log, *line;
    } asks[] = {
        {"Begin: Running /scripts/local-top ...\r\nPlease unlock disk sda5_crypt: ",
         "Please unlock disk sda5_crypt: "},
        {"[    4.2] x\r\n\xf0\x9f\x94\x90 Please enter passphrase for disk luks-1 (root): (press "
         "TAB for no echo) ",
         "? Please enter passphrase for disk luks-1 (root): (press TAB for no echo) "},
        {"Please enter passphrase for disk VBOX_HARDDISK (root)!",
         "Please enter passphrase for disk VBOX_HARDDISK (root)!"},
        {"A password is required to access the cryptroot volume:\r\nEnter passphrase for "
         "/dev/sda2: ",
         "A password is required to access the cryptroot volume:"},
        {"Enter passphrase for hd0,gpt2 (1b2c): ", "Enter passphrase for hd0,gpt2 (1b2c): "},
        {"Password (/dev/mapper/vg-root):", "Password (/dev/mapper/vg-root):"},
        {"Please unlock disk a: \r\ncryptsetup: ERROR: a: cryptsetup failed, bad password or "
         "options?\r\n"
         "Please unlock disk a: ",
         "Please unlock disk a: "},
        // Whatever else goes on meanwhile.
        {"Please unlock disk a: [    5.1] random: crng init done\r\n[  OK  ] Reached target "
         "Paths.\r\n",
         "Please unlock disk a: [    5.1] random: crng init done"},
    };
    for (size_t i = 0; i < BF_COUNT(asks); i++)
        check_state(asks[i].log, BF_CONSOLE_PASSPHRASE, asks[i].line);
}

static void test_a_passphrase_that_was_given(void)
{
    check_state("Please unlock disk a: \r\ncryptsetup: a: set up successfully\r\n",
                BF_CONSOLE_UNKNOWN, "");
    check_state(
        "Please enter passphrase for disk a:\n[  OK  ] Finished Cryptography Setup for a.\n",
        BF_CONSOLE_UNKNOWN, "");
    check_state("Enter passphrase for hd0,gpt2 (1b2c): \r\nSlot \"0\" opened\r\n",
                BF_CONSOLE_UNKNOWN, "");
    check_state("Please unlock disk a: \r\nDebian GNU/Linux 12 web ttyS0\r\n\r\nweb login: ",
                BF_CONSOLE_LOGIN, "web login: ");
}

static void test_other_ends(void)
{
    static const struct {
        const char *log;
        enum bf_console state;
        const char *line;
    } ends[] = {
        {"Gave up waiting for root file system device.  Common problems:\r\n - Boot args\r\n"
         "ALERT!  UUID=1-2 does not exist.  Dropping to a shell!\r\n\r\n(initramfs) ",
         BF_CONSOLE_NO_ROOT, "Gave up waiting for root file system device.  Common problems:"},
        {"ALERT! /dev/hda1 does not exist.  Dropping to a shell!\n", BF_CONSOLE_NO_ROOT,
         "ALERT! /dev/hda1 does not exist.  Dropping to a shell!"},
        {"ERROR: Failed to mount '' on real root\nYou are now being dropped into an emergency "
         "shell.\n",
         BF_CONSOLE_NO_ROOT, "ERROR: Failed to mount '' on real root"},
        {"!! Could not find the root block device in .\n", BF_CONSOLE_NO_ROOT,
         "!! Could not find the root block device in ."},
        {"[    1.2] VFS: Unable to mount root fs on unknown-block(0,0)\n"
         "[    1.3] Kernel panic - not syncing: VFS: Unable to mount root fs on "
         "unknown-block(0,0)\n",
         BF_CONSOLE_NO_ROOT, "[    1.2] VFS: Unable to mount root fs on unknown-block(0,0)"},
        {"[   1.2] Kernel panic - not syncing: Attempted to kill init!\n", BF_CONSOLE_PANIC,
         "[   1.2] Kernel panic - not syncing: Attempted to kill init!"},
        {"You are in emergency mode. After logging in, type \"journalctl -xb\" to view\n"
         "Give root password for maintenance\n(or press Control-D to continue): ",
         BF_CONSOLE_EMERGENCY,
         "You are in emergency mode. After logging in, type \"journalctl -xb\" to view"},
        {"Entering emergency mode. Exit the shell to continue.\n\ndracut:/# ", BF_CONSOLE_EMERGENCY,
         "Entering emergency mode. Exit the shell to continue."},
        {"initramfs emergency recovery shell launched. Type 'exit' to continue boot\n/ # ",
         BF_CONSOLE_EMERGENCY,
         "initramfs emergency recovery shell launched. Type 'exit' to continue boot"},
        {"error: no such device: 1b2c.\r\nEntering rescue mode...\r\ngrub rescue> ",
         BF_CONSOLE_LOADER, "error: no such device: 1b2c."},
        {"Booting from Hard Disk...\r\nBoot failed: not a bootable disk\r\n\r\nNo bootable "
         "device.\r\n",
         BF_CONSOLE_FIRMWARE, "Boot failed: not a bootable disk"},
        {"BdsDxe: No bootable option or device was found.\n", BF_CONSOLE_FIRMWARE,
         "BdsDxe: No bootable option or device was found."},
        {"[  OK  ] Started something.\n", BF_CONSOLE_UNKNOWN, ""},
        {"", BF_CONSOLE_UNKNOWN, ""},
    };
    for (size_t i = 0; i < BF_COUNT(ends); i++)
        check_state(ends[i].log, ends[i].state, ends[i].line);
}

static void test_the_last_start_counts(void)
{
    check_state("[   1.2] Kernel panic - not syncing: x\n[    0.000000] Linux version 6.1.0\n"
                "Please unlock disk a: ",
                BF_CONSOLE_PASSPHRASE, "Please unlock disk a: ");
    check_state("grub rescue> \nSeaBIOS (version 1.16.2)\n", BF_CONSOLE_UNKNOWN, "");
}

static void test_last_lines(void)
{
    end_of("one\r\n\r\n  \r\ntwo\r\n\033[2J\033[1;1Hthree\033[5;1Hfour\r\n"
           "BOOTFERRY-EVIDENCE 0123 end -\r\nfive \b\b!\r\n",
           3);
    CHECK_STR(tail, "three\nfour\nfiv!\n");
    end_of("one\ntwo", 5);
    CHECK_STR(tail, "one\ntwo\n");
    end_of("one\n", 0);
    CHECK_STR(tail, "");
}

static void test_little_room(void)
{
    char small[9];
    bf_console_tail("one\ntwo\nthree", 13, 5, small, sizeof small);
    CHECK_STR(small, "three\n");
    bf_console_tail("one\ntwo\nsix\n", 12, 5, small, sizeof small);
    CHECK_STR(small, "two\nsix\n");
    bf_console_tail("far too long\n", 13, 5, small, sizeof small);
    CHECK_STR(small, "");
    CHECK_EQ(bf_console_tail("grub rescue>", 12, 5, NULL, 0).state, BF_CONSOLE_LOADER);
}

static void check_lines(const char *bytes, size_t len, const char *wanted)
{
    struct bf_plain p;
    char seen[4096] = "";
    bf_plain_begin(&p, bytes, len);
    while (bf_plain_next(&p)) {
        strcat(seen, p.line);
        strcat(seen, p.whole ? "|" : "/");
    }
    CHECK_STR(seen, wanted);
}

#define CHECK_LINES(bytes, wanted) check_lines(bytes, sizeof bytes - 1, wanted)

static void test_plain_lines(void)
{
    CHECK_LINES("a\r\nb\rc\nd", "a|b|c|d/");
    CHECK_LINES("a\tb\0c\x7f\x80\n", "a bc|");
    CHECK_LINES("\033[1;31mred\033[0m\033(B\033=\033]2;title\033\\!\n", "red!|");
    CHECK_LINES("\033]2;no end\nnext\n", "next|");
    CHECK_LINES("a\033[2;3Hb\033[Kc\n", "a/bc|");
    CHECK_LINES("a\033", "a/");
    CHECK_LINES("a\033[", "a/");
    CHECK_LINES("a\033[1", "a/");
    CHECK_LINES("a\033[1\nb\n", "a|b|");
    CHECK_LINES("\b\bx\n", "x|");
    CHECK_LINES("gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\x90\n", "gr?? ?|");
}

static void test_long_lines_are_cut(void)
{
    static char text[BF_PLAIN_MAX * 2];
    struct bf_plain p;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\n';
    bf_plain_begin(&p, text, sizeof text);
    CHECK(bf_plain_next(&p));
    CHECK_EQ(p.len, BF_PLAIN_MAX - 1);
    CHECK(!p.whole);
    CHECK(!bf_plain_next(&p));
}

TEST_MAIN(TEST(test_passphrases), TEST(test_a_passphrase_that_was_given), TEST(test_other_ends),
          TEST(test_the_last_start_counts), TEST(test_last_lines), TEST(test_little_room),
          TEST(test_plain_lines), TEST(test_long_lines_are_cut))
