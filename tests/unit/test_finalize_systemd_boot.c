// SPDX-License-Identifier: Apache-2.0
// systemd-boot: files of loader/entries, loader.conf, unified images, and what of them starts.
#include "finalize/rehearse/bls.h"
#include "finalize/rehearse/loaders.h"

#include "tests/finalize_tree.h"
#include "tests/finalize_walk.h"
#include "tests/unit/test.h"

#define E "systemd-boot /efi/loader/entries/"

static void set_up(void)
{
    walk_clear();
    walk_files("efi/k efi/k2 efi/i efi/ucode efi/tool.efi");
}

static void run(void)
{
    walk_begin();
    bf_walk_systemd_boot(&walk, "/efi");
}

// ---- One entry ---------------------------------------------------------------------------------

static const struct {
    const char *what, *entry, *want;
} entries[] = {
    {"as kernel-install writes it",
     "title      Debian GNU/Linux 12 (bookworm)\nversion    6.1.0\nmachine-id 0123\nsort-key   "
     "debian\n"
     "options    root=UUID=1 ro systemd.machine_id=0123\nlinux      /k\ninitrd     /i\n",
     "* " E "a.conf:6 \"Debian GNU/Linux 12 (bookworm)\"\n  kernel /efi/k\n  initrd /efi/i\n"
     "  cmdline initrd=\\i root=UUID=1 ro systemd.machine_id=0123\n"},
    {"several lines of options and files",
     "linux /k\ninitrd /ucode\ninitrd /i\noptions root=UUID=1\noptions quiet\n",
     "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n  initrd /efi/ucode\n  initrd /efi/i\n"
     "  cmdline initrd=\\ucode initrd=\\i root=UUID=1 quiet\n"},
    {"the last kernel counts", "linux /k\nlinux /k2\n",
     "* " E "a.conf:2 \"a.conf\"\n  kernel /efi/k2\n"},
    {"the last title counts", "title A\ntitle B\nlinux /k\n",
     "* " E "a.conf:3 \"B\"\n  kernel /efi/k\n"},
    {"CR LF, tabs, quotes", "title\t\"A b\"\r\nlinux\t/k\r\noptions\t\"root=UUID=1 ro\"\r\n",
     "* " E "a.conf:2 \"A b\"\n  kernel /efi/k\n  cmdline root=UUID=1 ro\n"},
    {"one quote stays", "title \"A\nlinux /k\noptions a=\"b c\"\n",
     "* " E "a.conf:2 \"\"A\"\n  kernel /efi/k\n  cmdline a=\"b c\"\n"},
    {"comments, blank lines, no end of the last",
     "# linux /gone\n\n   # x\n  linux   /k  \n\t options   ro # not a comment",
     "* " E "a.conf:4 \"a.conf\"\n  kernel /efi/k\n  cmdline ro # not a comment\n"},
    {"keys in their own case", "LINUX /gone\nlinux /k\nTitle X\n",
     "* " E "a.conf:2 \"a.conf\"\n  kernel /efi/k\n"},
    {"backslashes, another case, no first slash", "linux \\K\ninitrd I\n",
     "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n  initrd /efi/i\n  cmdline initrd=I\n"},
    {"a file twice", "linux /k\ninitrd /i\ninitrd /i\n",
     "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n  initrd /efi/i\n  initrd /efi/i\n"
     "  cmdline initrd=\\i initrd=\\i\n"},
    {"a program", "title Tool\nefi /tool.efi\n",
     "* " E "a.conf:2 \"Tool\" (other)\n  kernel /efi/tool.efi\n"},
    {"a program takes no initramfs", "efi /tool.efi\ninitrd /i\noptions x\n",
     "* " E "a.conf:1 \"a.conf\" (other)\n  kernel /efi/tool.efi\n  cmdline x\n"},
    {"a kernel that is started as a program", "efi /k\noptions root=UUID=1 initrd=\\i\n",
     "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n  cmdline root=UUID=1 initrd=\\i\n"},
    {"for this architecture", "architecture x64\nlinux /k\n",
     "* " E "a.conf:2 \"a.conf\"\n  kernel /efi/k\n"},
    {"keys that nobody knows", "grub_users x\nlinux /k\nfoo\n",
     "* " E "a.conf:2 \"a.conf\"\n  kernel /efi/k\n"},
    {"a key without a value", "linux /k\ntitle\noptions\ninitrd\n",
     "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n"},
    {"an initramfs that is not there", "linux /k\ninitrd /gone\n",
     "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n  initrd /efi/gone\n  cmdline initrd=\\gone\n"
     "  blocked /efi/gone is not there\n"},
};

static const char nothing[] =
    "DOUBT /efi: systemd-boot finds nothing to start: neither loader/entries nor EFI/Linux has an "
    "entry\n";

static void test_entries(void)
{
    bool right = true;
    set_up();
    walk_fin.system.architecture = bf_architectures[0];
    CHECK_STR(bf_architectures[0]->name, "x86_64");
    for (size_t i = 0; i < BF_COUNT(entries); i++) {
        walk_put("efi/loader/entries/a.conf", entries[i].entry);
        run();
        right = walk_is(entries[i].what, entries[i].want) && right;
    }
    CHECK(right);
}

static void test_entries_that_are_left_out(void)
{
    static const char *const none[] = {
        "", "title A\n", "# linux /k\n", "architecture aa64\nlinux /k\n", "linux\n", "linuxx /k\n"};
    bool right = true;
    set_up();
    walk_fin.system.architecture = bf_architectures[0];
    for (size_t i = 0; i < BF_COUNT(none); i++) {
        walk_put("efi/loader/entries/a.conf", none[i]);
        run();
        right = walk_is(none[i], nothing) && right;
    }
    walk_drop("efi/loader/entries/a.conf");
    static const char *const names[] = {"auto-a.conf", "a.conf.bak", "a.con", ".conf", "a.efi"};
    for (size_t i = 0; i < BF_COUNT(names); i++) {
        char path[64];
        snprintf(path, sizeof path, "efi/loader/entries/%s", names[i]);
        walk_put(path, "linux /k\n");
    }
    run();
    right = walk_is("names of files", nothing) && right;
    CHECK(right);
}

// ---- Which of them starts ----------------------------------------------------------------------

struct pair {
    const char *name, *text;
};

static const struct {
    const char *what, *conf;
    struct pair entry[4];
    const char *first, *chosen;
} choices[] = {
    {"the highest name",
     "",
     {{"a-1.conf", ""}, {"a-10.conf", ""}, {"a-9.conf", ""}},
     "a-10.conf",
     "a-10.conf"},
    {"sort keys come first", "", {{"z.conf", ""}, {"a.conf", "sort-key x\n"}}, "a.conf", "a.conf"},
    {"of a key the highest version",
     "",
     {{"a.conf", "sort-key x\nversion 1.10\n"}, {"b.conf", "sort-key x\nversion 1.9\n"}},
     "a.conf",
     "a.conf"},
    {"the lower key",
     "",
     {{"a.conf", "sort-key y\nversion 9\n"}, {"b.conf", "sort-key x\nversion 1\n"}},
     "b.conf",
     "b.conf"},
    {"a release candidate is older",
     "",
     {{"a.conf", "sort-key x\nversion 6.1~rc1\n"}, {"b.conf", "sort-key x\nversion 6.1\n"}},
     "b.conf",
     "b.conf"},
    {"used up tries come last", "", {{"b+0-3.conf", ""}, {"a.conf", ""}}, "a.conf", "a.conf"},
    {"tries that are left do not matter",
     "",
     {{"b+1-2.conf", ""}, {"a+3.conf", ""}},
     "b+1-2.conf",
     "b+1-2.conf"},
    {"a default by its name",
     "default a.conf\n",
     {{"a.conf", ""}, {"b.conf", ""}},
     "b.conf",
     "a.conf"},
    {"by a pattern the first that fits",
     "default a*\n",
     {{"a1.conf", ""}, {"a2.conf", ""}, {"b.conf", ""}},
     "b.conf",
     "a2.conf"},
    {"in any case", "default A.CONF\n", {{"a.conf", ""}, {"b.conf", ""}}, "b.conf", "a.conf"},
    {"the last line counts",
     "default b.conf\ndefault a.conf\n",
     {{"a.conf", ""}, {"b.conf", ""}},
     "b.conf",
     "a.conf"},
    {"a comment does not",
     "#default a.conf\n",
     {{"a.conf", ""}, {"b.conf", ""}},
     "b.conf",
     "b.conf"},
    {"without its counter",
     "default a.conf\n",
     {{"a+2-1.conf", ""}, {"b.conf", ""}},
     "b.conf",
     "a+2-1.conf"},
    {"with its counter",
     "default a+2-1.conf\n",
     {{"a+2-1.conf", ""}, {"b.conf", ""}},
     "b.conf",
     "a+2-1.conf"},
    {"a plus that counts nothing",
     "default a+x.conf\n",
     {{"a+x.conf", ""}, {"b.conf", ""}},
     "b.conf",
     "a+x.conf"},
    {"what was saved stays behind",
     "default @saved\n",
     {{"a.conf", ""}, {"b.conf", ""}},
     "b.conf",
     "b.conf"},
};

static void put_entry(const struct pair *entry)
{
    char path[96], text[128];
    snprintf(path, sizeof path, "efi/loader/entries/%s", entry->name);
    snprintf(text, sizeof text, "%slinux /k\n", entry->text);
    walk_put(path, text);
}

static void test_choices(void)
{
    bool right = true;
    for (size_t i = 0; i < BF_COUNT(choices); i++) {
        const char *chosen = "none";
        set_up();
        walk_put("efi/loader/loader.conf", choices[i].conf);
        for (size_t k = 0; k < 4 && choices[i].entry[k].name; k++)
            put_entry(&choices[i].entry[k]);
        run();
        CHECK(walk.starts);
        for (size_t k = 0; k < walk.starts; k++)
            if (walk.start[k].chosen)
                chosen = strrchr(walk.start[k].file, '/') + 1;
        const char *first = strrchr(walk.start[0].file, '/') + 1;
        if (strcmp(chosen, choices[i].chosen) == 0 && strcmp(first, choices[i].first) == 0)
            continue;
        printf("# %s: %s comes first, %s starts\n", choices[i].what, first, chosen);
        right = false;
    }
    CHECK(right);
}

// The others are offered, but neither fits.
static void test_defaults_that_are_not_there(void)
{
    set_up();
    put_entry(&(struct pair){"a.conf", ""});
    walk_put("efi/loader/entries/b.conf", "linux /gone\n");
    walk_put("efi/loader/loader.conf", "timeout 3\ndefault b.conf\n");
    run();
    CHECK(
        walk_is("its kernel is not there",
                "- " E "b.conf:1 \"b.conf\"\n  kernel /efi/gone\n  blocked /efi/gone is not there\n"
                "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n"
                "LOOK /efi/loader/loader.conf, line 2: the default, /efi/loader/entries/b.conf, is "
                "left out by systemd-boot, since /efi/gone is not there: it starts "
                "/efi/loader/entries/a.conf\n"));
    walk_put("efi/loader/loader.conf", "default c*\n");
    run();
    CHECK(walk_is("no such entry",
                  "- " E
                  "b.conf:1 \"b.conf\"\n  kernel /efi/gone\n  blocked /efi/gone is not there\n"
                  "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n"
                  "LOOK /efi/loader/loader.conf, line 1: no entry is called \"c*\": systemd-boot "
                  "starts the first one, /efi/loader/entries/a.conf\n"));
    walk_drop("efi/loader/entries/a.conf");
    walk_put("efi/loader/loader.conf", "");
    run();
    CHECK(walk_is("nothing else is there",
                  "* " E
                  "b.conf:1 \"b.conf\"\n  kernel /efi/gone\n  blocked /efi/gone is not there\n"));
    walk_put("efi/loader/entries/b+0-1.conf", "linux /k\n");
    walk_drop("efi/loader/entries/b.conf");
    run();
    CHECK(
        walk_is("tries that are used up",
                "* " E "b+0-1.conf:1 \"b+0-1.conf\"\n  kernel /efi/k\n"
                "LOOK /efi/loader/entries/b+0-1.conf: its counted tries are used up: systemd-boot "
                "takes it for one that does not start\n"));
}

static void test_windows(void)
{
    set_up();
    put_entry(&(struct pair){"a.conf", ""});
    walk_files("efi/EFI/Microsoft/Boot/bootmgfw.efi");
    run();
    CHECK(walk_is("beside Linux",
                  "- systemd-boot /efi/EFI/Microsoft/Boot/bootmgfw.efi:0 \"Windows Boot Manager\" "
                  "(other)\n* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n"));
    walk_put("efi/loader/loader.conf", "auto-entries no\ndefault auto-windows\n");
    run();
    CHECK(walk_is("switched off",
                  "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/k\n"
                  "LOOK /efi/loader/loader.conf, line 2: no entry is called \"auto-windows\": "
                  "systemd-boot starts the first one, /efi/loader/entries/a.conf\n"));
}

// ---- Unified images ----------------------------------------------------------------------------

struct part {
    const char *name, *text;
};

enum { PE_AT = 64, FIRST = 1024 };

// A file of sections, each of them 512 bytes long at most.
static void put_image(const char *path, const struct part *part, size_t count)
{
    static unsigned char f[FIRST + 8 * 512];
    memset(f, 0, sizeof f);
    memcpy(f, "MZ", 2);
    bf_put_le32(f + 60, PE_AT);
    memcpy(f + PE_AT, "PE\0\0", 4);
    bf_put_le16(f + PE_AT + 4, 0x8664);
    bf_put_le16(f + PE_AT + 6, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        unsigned char *h = f + PE_AT + 24 + 40 * i;
        uint32_t at = (uint32_t)(FIRST + 512 * i), len = (uint32_t)strlen(part[i].text);
        memcpy(h, part[i].name, strlen(part[i].name));
        bf_put_le32(h + 8, len);
        bf_put_le32(h + 16, 512);
        bf_put_le32(h + 20, at);
        memcpy(f + at, part[i].text, len);
    }
    tree_put(path, f, FIRST + 512 * count);
}

#define I "systemd-boot /efi/EFI/Linux/"

static const struct {
    const char *what;
    struct part part[5];
    const char *want;
} parts[] = {
    {"all of them",
     {{".osrel", "ID=debian\nPRETTY_NAME=\"Debian 12\"\nVERSION_ID=\"12\"\n"},
      {".linux", "k"},
      {".initrd", "12345"},
      {".cmdline", "root=UUID=1 ro"}},
     "* " I "a.efi:0 \"Debian 12\"\n  kernel /efi/EFI/Linux/a.efi\n  unified 2048+5\n"
     "  cmdline root=UUID=1 ro\n"},
    {"no initramfs and no command line",
     {{".osrel", "ID=x\nPRETTY_NAME='X y'\n"}, {".linux", "k"}},
     "* " I "a.efi:0 \"X y\"\n  kernel /efi/EFI/Linux/a.efi\n  unified 0+0\n"},
    {"a command line of blanks and line ends",
     {{".osrel", "ID=x\nPRETTY_NAME=X\n"}, {".linux", "k"}, {".cmdline", "root=UUID=1\nro\t\n \n"}},
     "* " I
     "a.efi:0 \"X\"\n  kernel /efi/EFI/Linux/a.efi\n  unified 0+0\n  cmdline root=UUID=1 ro\n"},
    {"a command line of nothing",
     {{".osrel", "ID=x\nPRETTY_NAME=X\n"}, {".linux", "k"}, {".cmdline", "\n"}},
     "* " I "a.efi:0 \"X\"\n  kernel /efi/EFI/Linux/a.efi\n  unified 0+0\n"},
    {"no os-release: left out", {{".linux", "k"}, {".cmdline", "ro"}}, nothing},
    {"no kernel: left out", {{".osrel", "ID=x\n"}, {".cmdline", "ro"}}, nothing},
};

static void test_images(void)
{
    bool right = true;
    set_up();
    for (size_t i = 0; i < BF_COUNT(parts); i++) {
        size_t n = 0;
        while (n < 5 && parts[i].part[n].name)
            n++;
        put_image("efi/EFI/Linux/a.efi", parts[i].part, n);
        run();
        right = walk_is(parts[i].what, parts[i].want) && right;
    }
    walk_put("efi/EFI/Linux/a.efi", "no program");
    run();
    right = walk_is("no program", nothing) && right;
    CHECK(right);
}

// An entry for an image passes its own options in place of those inside; without, these stay.
static void test_entries_for_images(void)
{
    static const struct part part[] = {{".osrel", "ID=x\nPRETTY_NAME=X\n"},
                                       {".linux", "k"},
                                       {".cmdline", "root=UUID=1"},
                                       {".initrd", "12"}};
    set_up();
    put_image("efi/u.efi", part, 4);
    walk_put("efi/loader/entries/a.conf", "efi /u.efi\n");
    run();
    CHECK(walk_is("what is inside", "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/u.efi\n"
                                    "  unified 2560+2\n  cmdline root=UUID=1\n"));
    walk_put("efi/loader/entries/a.conf", "efi /u.efi\noptions root=UUID=2\n");
    run();
    CHECK(walk_is("what is passed", "* " E "a.conf:1 \"a.conf\"\n  kernel /efi/u.efi\n"
                                    "  unified 2560+2\n  cmdline root=UUID=2\n"));
    walk_begin();
    bf_walk_unified(&walk, "/efi/u.efi", true);
    CHECK(walk_is("started by the firmware", "* unified kernel image /efi/u.efi:0 \"X\"\n"
                                             "  kernel /efi/u.efi\n  unified 2560+2\n"
                                             "  cmdline root=UUID=1\n"));
    walk_begin();
    bf_walk_unified(&walk, "/efi/gone.efi", true);
    CHECK(walk_is("one that is not there", ""));
}

static void test_more_entries_than_there_is_room(void)
{
    set_up();
    for (int i = 0; i < BF_STARTS_MAX + 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "e%d.conf", i);
        put_entry(&(struct pair){name, ""});
    }
    run();
    CHECK_EQ(walk.starts, BF_STARTS_MAX);
    CHECK_EQ(walk.troubles, 1);
    CHECK_STR(walk.trouble[0].text, "/efi/loader/entries: has more entries than 256");
    walk_end();
}

TEST_MAIN(TEST(test_entries), TEST(test_entries_that_are_left_out), TEST(test_choices),
          TEST(test_defaults_that_are_not_there), TEST(test_windows), TEST(test_images),
          TEST(test_entries_for_images), TEST(test_more_entries_than_there_is_room))
