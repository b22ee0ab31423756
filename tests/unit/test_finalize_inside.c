// SPDX-License-Identifier: Apache-2.0
// What an initramfs has inside that decides where drivers go: where its modules are, what loads
// them, and its makers' settings.
#include "finalize/initramfs/inside.h"

#include "finalize/initramfs/cpio.h"
#include "tests/finalize_tree.h"
#include "tests/unit/test.h"

#define V "6.1.0-1"

// An archive of names: "x/" is a folder, "x>y" a link to y, "x=y" a file with that content.
static void put_image(const char *names)
{
    struct bf_text out = {0};
    struct bf_cpio c;
    const char *at = names, *end = names + strlen(names), *word;
    size_t len;
    bf_cpio_begin(&c, &out);
    while (bf_word_next(&at, end, &word, &len)) {
        char *name = bf_word_dup(word, len);
        CHECK(name && len);
        char *content = strpbrk(name, "=>"), kind = content ? *content : name[len - 1];
        if (content)
            *content++ = 0;
        else if (kind == '/')
            name[len - 1] = 0;
        if (kind == '/')
            bf_cpio_dir(&c, name, 0755);
        else if (kind == '>')
            bf_cpio_link(&c, name, content);
        else
            bf_cpio_file(&c, name, 0644, content ? content : "", content ? strlen(content) : 0);
        free(name);
    }
    bf_cpio_end(&c);
    if (tree_root.fd < 0)
        tree_make();
    tree_put("image", out.data, out.len);
    bf_text_free(&out);
}

static struct bf_inside in;

// To be closed by the caller.
static void open_image(const char *names)
{
    struct bf_edits e;
    struct stat st;
    put_image(names);
    CHECK(!bf_fin_root_stat(&tree_root, "/image", &st, NULL));
    bf_edits_init(&e, &tree_root);
    CHECK_EQ(bf_inside_open(&e, "/image", 0, (uint64_t)st.st_size, V, &in, NULL), BF_OK);
    bf_edits_free(&e);
}

static void test_where_modules_go(void)
{
    static const char *const row[][2] = {
        {"lib>usr/lib usr/ usr/lib/ usr/lib/modules/" V "/a.ko", "usr/lib/modules"},
        {"lib/ lib/modules/" V "/a.ko", "lib/modules"},
        {"lib/ lib/modules/" V "/", "lib/modules"},
        {"lib/ usr/lib/modules/" V "/a.ko", "usr/lib/modules"},
        {"lib/ lib/modules/" V "/a.ko usr/lib/modules/" V "/b.ko", "lib/modules"},
        {"lib/ lib/modules/5.0/a.ko usr/lib/modules/" V "/b.ko", "usr/lib/modules"},
        {"lib/ lib/modules/5.0/a.ko", "lib/modules"},
        {"lib/ usr/lib/modules/5.0/a.ko", "usr/lib/modules"},
        {"lib/", "lib/modules"},
        {"init", "usr/lib/modules"},
        {"lib>usr/lib lib/", "lib/modules"}, // the later one counts
        {"lib/ lib>usr/lib", "usr/lib/modules"},
        {"./lib/modules/" V "/a.ko", "lib/modules"},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        open_image(row[i][0]);
        const char *base = bf_inside_base(&in);
        bf_inside_close(&in);
        if (strcmp(base, row[i][1]) != 0)
            FAIL("%s: %s", row[i][0], base);
    }
}

// Modules of the version are known by name, whatever their file is called; others are counted.
static void test_modules_of_the_version(void)
{
    open_image("usr/lib/modules/" V "/kernel/virtio-blk.ko.xz usr/lib/modules/" V "/b/a.ko "
               "usr/lib/modules/" V "-rt/c.ko usr/lib/modules/" V "/modules.dep "
               "usr/lib/modules/" V "/d.ko/ lib/modules/5.0/e.ko opt/f.ko opt/g.kox");
    const struct bf_module *blk = bf_inside_module(&in, "virtio_blk");
    CHECK(blk && bf_word_is(blk->path, blk->len, "kernel/virtio-blk.ko.xz"));
    CHECK(bf_inside_module(&in, "a") && !bf_inside_module(&in, "c") && !bf_inside_module(&in, "d"));
    CHECK_EQ(in.modules, 2);
    CHECK_EQ(in.foreign, 3); // c, e and f
    CHECK(in.text_index && !in.dep_index);
    CHECK(in.usr_version && !in.lib_version && in.lib_modules);
    bf_inside_close(&in);
}

static void test_what_loads_modules(void)
{
    static const struct {
        const char *names;
        bool by_alias, kmod, nash, booster;
    } row[] = {
        {"init", false, false, false, false},
        {"usr/lib/systemd/systemd-udevd", true, false, false, false},
        {"sbin/mdev", true, false, false, false},
        {"sbin/nlplug-findfs", true, false, false, false},
        {"bin/kmod", false, true, false, false},
        {"sbin/modprobe>kmod", false, true, false, false},
        {"sbin/modprobe>../bin/kmod", false, true, false, false},
        {"bin/kmod sbin/modprobe>/bin/busybox", false, false, false, false},
        {"bin/nash", false, false, true, false},
        {"sbin/nash", false, false, false, false},
        {"etc/booster.init.yaml=x", false, false, false, true},
        {"sbin/udevd/", false, false, false, false}, // a folder of that name loads nothing
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        open_image(row[i].names);
        bool same = in.by_alias == row[i].by_alias && in.kmod == row[i].kmod &&
                    in.nash == row[i].nash && in.booster == row[i].booster;
        bf_inside_close(&in);
        if (!same)
            FAIL("%s", row[i].names);
    }
}

static void test_settings(void)
{
    open_image("conf/modules=one etc/modprobe.d/a.conf=two etc/other=no config=three "
               "conf/modules=later init=#!/bin/nash");
    CHECK_EQ(in.settings, 3);
    CHECK_STR(bf_inside_setting(&in, "conf/modules")->data, "later");
    CHECK_EQ(bf_inside_setting(&in, "conf/modules")->len, 5);
    CHECK_STR(bf_inside_setting(&in, "etc/modprobe.d/a.conf")->data, "two");
    CHECK_STR(bf_inside_setting(&in, "config")->data, "three");
    CHECK(!bf_inside_setting(&in, "etc/other"));
    CHECK_STR(in.init, "#!/bin/nash");
    bf_inside_close(&in);
}

// More files than are kept: the first ones are, and nothing breaks.
static void test_more_settings_than_are_kept(void)
{
    struct bf_text names = {0};
    for (int i = 0; i < BF_INSIDE_SETTINGS + 9; i++)
        bf_textf(&names, "conf/%d=%d ", i, i);
    bf_text_str(&names, "conf/0=again");
    open_image(bf_text_get(&names));
    bf_text_free(&names);
    CHECK_EQ(in.settings, BF_INSIDE_SETTINGS);
    CHECK_STR(bf_inside_setting(&in, "conf/0")->data, "again");
    bf_inside_close(&in);
}

TEST_MAIN(TEST(test_where_modules_go), TEST(test_modules_of_the_version),
          TEST(test_what_loads_modules), TEST(test_settings),
          TEST(test_more_settings_than_are_kept))
