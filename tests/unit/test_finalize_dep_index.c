// SPDX-License-Identifier: Apache-2.0
// The binary index of modules that an initramfs gets, compared with depmod's and read by modprobe;
// names of modules, and pairs of kernels and initramfs files by their names.
#include "finalize/initramfs/dep_index.h"

#include <stdarg.h>
#include <sys/stat.h>

#include "finalize/initramfs/images.h"
#include "tests/finalize_tree.h"
#include "tests/unit/test.h"

// ---- Names --------------------------------------------------------------------------------------

static void test_names_of_modules(void)
{
    static const struct {
        const char *path, *name; // NULL: none
    } row[] = {
        {"kernel/drivers/block/virtio_blk.ko", "virtio_blk"},
        {"kernel/drivers/block/virtio-blk.ko.xz", "virtio_blk"},
        {"virtio-blk.ko.zst", "virtio_blk"},
        {"a.ko.gz", "a"},
        {"updates/dkms/a-b-c_d.ko", "a_b_c_d"},
        {"kernel/a.ko.d/b.ko", "b"},
        {"a.kox", NULL},
        {"a.o", NULL},
        {"a", NULL},
        {"", NULL},
        {"modules.dep", NULL},
        {".ko", NULL},
        {"dir/.ko", NULL},
        {"a.ko/", NULL},
        {"a.ko.xz/b", NULL},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        char name[BF_MODULE_NAME] = "";
        bool is = bf_module_name(row[i].path, strlen(row[i].path), name);
        CHECK_STR(is ? name : "none", row[i].name ? row[i].name : "none");
    }
}

static void test_a_module_s_name_has_a_limit(void)
{
    char path[BF_MODULE_NAME + 8], name[BF_MODULE_NAME];
    for (size_t n = BF_MODULE_NAME - 3; n < BF_MODULE_NAME + 3; n++) {
        memset(path, 'm', n);
        memcpy(path + n, ".ko", 4);
        CHECK_EQ(bf_module_name(path, n + 3, name), n < BF_MODULE_NAME);
    }
}

// ---- modules.dep --------------------------------------------------------------------------------

static void check_renamed(const char *dep, const char *inside, const char *want)
{
    struct bf_modules m = {0}, in = {0};
    struct bf_text out = {0};
    CHECK(!bf_modules_parse(dep, strlen(dep), &m) &&
          !bf_modules_parse(inside, strlen(inside), &in));
    bf_dep_rename(&m, in.item, in.count, &out);
    free(m.item);
    free(in.item);
    CHECK_STR(out.len ? bf_text_get(&out) : "", want);
    bf_text_free(&out);
}

static void test_modules_get_the_names_of_the_image(void)
{
    // What the image has decides; what it has not loses the suffix of a compression.
    check_renamed("kernel/a.ko.xz: kernel/b.ko.xz kernel/c-d.ko.xz\nkernel/b.ko.xz:\n",
                  "kernel/b.ko:\nextra/c_d.ko.zst:\n",
                  "kernel/a.ko: kernel/b.ko extra/c_d.ko.zst\nkernel/b.ko:\n");
    check_renamed("kernel/a.ko.gz:\n", "", "kernel/a.ko:\n");
    check_renamed("a.ko: \n", "", "a.ko:\n");
    check_renamed("", "a.ko:\n", "");
    check_renamed("no colon\nkernel/a.ko:\n", "", "kernel/a.ko:\n");
    // A folder may be called anything.
    check_renamed("extra/my.kontrol/a.ko.xz: extra/b.ko.d/b.ko.zst\n", "",
                  "extra/my.kontrol/a.ko: extra/b.ko.d/b.ko\n");
}

static void test_an_index_that_cannot_be(void)
{
    struct bf_text out = {0};
    CHECK(!bf_dep_index("", 0, &out));
    bf_text_free(&out);
    CHECK(!bf_dep_index("no module here\n", 15, &out));
    bf_text_free(&out);
    CHECK(!bf_dep_index("a\x01.ko:\n", 7, &out));
    bf_text_free(&out);
    CHECK(!bf_dep_index("caf\xc3\xa9.ko:\n", 10, &out)); // the index has ASCII alone
    bf_text_free(&out);
    bf_text_str(&out, "x"); // offsets count from the beginning
    CHECK(!bf_dep_index("a.ko:\n", 6, &out));
    bf_text_free(&out);
}

static void test_the_bytes_of_an_index(void)
{
    struct bf_text out = {0};
    CHECK(bf_dep_index("k/ab.ko: k/ac.ko\nk/ac.ko:\n", 27, &out));
    CHECK_MEM(out.data, "\xb0\x07\xf4\x57\0\2\0\1", 8);
    // Two leaves of values alone, then the root: a prefix "a" and the children b and c.
    static const char leaf_b[] = "\0\0\0\1\0\0\0\0k/ab.ko: k/ac.ko";
    static const char leaf_c[] = "\0\0\0\1\0\0\0\0k/ac.ko:";
    static const char root[] = "a\0bc\x40\0\0\x0c\x40\0\0\x25";
    size_t at = 12;
    CHECK_MEM(out.data + at, leaf_b, sizeof leaf_b);
    at += sizeof leaf_b;
    CHECK_EQ(at, 0x25);
    CHECK_MEM(out.data + at, leaf_c, sizeof leaf_c);
    at += sizeof leaf_c;
    CHECK_EQ((unsigned char)out.data[8], 0xa0); // a prefix and children, no values
    CHECK_EQ((unsigned char)out.data[11], at);
    CHECK_MEM(out.data + at, root, sizeof root - 1);
    CHECK_EQ(out.len, at + sizeof root - 1);
    bf_text_free(&out);
}

// ---- kmod ---------------------------------------------------------------------------------------

#define DIR "lib/modules/6.1.0-test"

// Their names are of no module that a machine may have loaded.
static const char dep[] =
    "kernel/fs/ext4/qext4.ko: kernel/lib/qcrc16.ko kernel/fs/jbd2/qjbd2.ko kernel/fs/qmbcache.ko\n"
    "kernel/lib/qcrc16.ko:\n"
    "kernel/fs/jbd2/qjbd2.ko:\n"
    "kernel/fs/qmbcache.ko:\n"
    "kernel/drivers/virtio/qvirtio.ko:\n"
    "kernel/drivers/virtio/qvirtio_ring.ko: kernel/drivers/virtio/qvirtio.ko\n"
    "kernel/drivers/virtio/qvirtio_pci.ko: kernel/drivers/virtio/qvirtio_ring.ko "
    "kernel/drivers/virtio/qvirtio.ko\n"
    "kernel/drivers/block/qvirtio_blk.ko: kernel/drivers/virtio/qvirtio_ring.ko "
    "kernel/drivers/virtio/qvirtio.ko\n"
    "kernel/drivers/net/qvirtio-net.ko:\n"
    "kernel/drivers/net/qe1000.ko:\n"
    "kernel/drivers/net/qe1000e.ko:\n"
    "kernel/drivers/net/q8139cp.ko:\n"
    "kernel/drivers/net/q8139too.ko: kernel/drivers/net/qmii.ko\n"
    "kernel/drivers/net/qmii.ko:\n"
    "kernel/qx.ko:\n"
    "kernel/qxy.ko:\n"
    "kernel/qxyz.ko:\n"
    "kernel/qX.ko:\n";

static bool run_in_tree(const char *format, ...)
{
    char command[600], dir[200], link[64];
    va_list args;
    snprintf(link, sizeof link, "/proc/self/fd/%d", tree_root.fd);
    ssize_t n = readlink(link, dir, sizeof dir - 1);
    CHECK(n > 0);
    dir[n] = 0;
    int at = snprintf(command, sizeof command, "cd '%s' && PATH=$PATH:/usr/sbin:/sbin && ", dir);
    va_start(args, format);
    vsnprintf(command + at, sizeof command - (size_t)at, format, args);
    va_end(args);
    return system(command) == 0;
}

static void need_tree(const char *tool)
{
    if (tree_root.fd < 0)
        tree_make();
    if (!run_in_tree("command -v %s >/dev/null", tool))
        SKIP("%s is not installed", tool);
}

static char *read_tree(const char *path, size_t *len)
{
    char *text = bf_fin_root_read(&tree_root, path, 1 << 20, len, NULL);
    CHECK(text);
    return text;
}

// modprobe names only what is there.
static void put_files(void)
{
    size_t pos = 0;
    struct bf_line line;
    while (bf_line_next(dep, strlen(dep), &pos, &line)) {
        char path[200];
        const char *colon = memchr(line.at, ':', line.len);
        snprintf(path, sizeof path, DIR "/%.*s", (int)(colon - line.at), line.at);
        tree_put(path, "", 0);
    }
}

static const char *const loads[][2] = {
    {"qext4", "qmbcache qjbd2 qcrc16 qext4"},
    {"qvirtio_blk", "qvirtio qvirtio_ring qvirtio_blk"},
    {"qvirtio-blk", "qvirtio qvirtio_ring qvirtio_blk"},
    {"qvirtio_pci", "qvirtio qvirtio_ring qvirtio_pci"},
    {"qvirtio_net", "qvirtio-net"},
    {"qvirtio", "qvirtio"},
    {"qe1000", "qe1000"},
    {"qe1000e", "qe1000e"},
    {"q8139too", "qmii q8139too"},
    {"q8139cp", "q8139cp"},
    {"qx", "qx"},
    {"qxy", "qxy"},
    {"qxyz", "qxyz"},
    {"qX", "qX"},
    {"qvirti", ""},
    {"qvirtio_blkx", ""},
    {"qe100", ""},
    {"q8139", ""},
    {"qnone", ""},
};

// What modprobe finds through the index, and in which order it would load.
static void test_modprobe_reads_the_index(void)
{
    struct bf_text index = {0};
    need_tree("modprobe");
    tree_put(DIR "/modules.dep", dep, strlen(dep));
    CHECK(bf_dep_index(dep, strlen(dep), &index));
    tree_put(DIR "/modules.dep.bin", index.data, index.len);
    bf_text_free(&index);
    tree_put(DIR "/modules.softdep", "", 0);
    put_files();
    // The text is not what it reads.
    tree_put(DIR "/modules.dep", "", 0);
    CHECK(run_in_tree("mkdir -p none && : >shown"));
    for (size_t i = 0; i < BF_COUNT(loads); i++)
        CHECK(run_in_tree("modprobe -C none -d . -S 6.1.0-test -D %s 2>/dev/null | "
                          "sed 's,.*/,,; s,\\.ko *$,,' | paste -s -d ' ' >>shown",
                          loads[i][0]));
    size_t len, pos = 0;
    char *text = read_tree("/shown", &len);
    struct bf_line line;
    for (size_t i = 0; i < BF_COUNT(loads); i++) {
        CHECK(bf_line_next(text, len, &pos, &line));
        if (!bf_word_is(line.at, line.len, loads[i][1]))
            FAIL("%s: \"%.*s\", expected \"%s\"", loads[i][0], (int)line.len, line.at, loads[i][1]);
    }
    free(text);
}

// A module as depmod wants one: an ELF file without anything in it.
static void put_module(const char *path)
{
    static const unsigned char elf[64] = {
        0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 1, [18] = 62, [20] = 1, [52] = 64, [58] = 64};
    unsigned char all[64 + 3 * 64 + 32] = {0};
    memcpy(all, elf, sizeof elf);
    all[40] = 64; // the sections: none, then their names
    all[60] = 2;
    all[62] = 1;
    unsigned char *names = all + 64 + 64;
    names[0] = 1;
    names[4] = 3; // strings
    bf_put_le64(names + 24, 64 + 3 * 64);
    bf_put_le64(names + 32, 32);
    memcpy(all + 64 + 3 * 64 + 1, ".shstrtab", 10);
    tree_put(path, all, sizeof all);
}

// Lists an index as lines of key and value in the order of the keys. The priorities, which order
// several values of a key, are left out: names of modules have one each.
static void list_index(const unsigned char *at, uint32_t node, char *key, size_t len,
                       struct bf_text *out)
{
    const unsigned char *p = at + (node & 0x0fffffff), *child = NULL;
    unsigned first = 1, last = 0;
    CHECK(len < 100);
    if (node & 0x80000000)
        for (; (key[len] = (char)*p++); len++)
            continue;
    key[len] = 0;
    if (node & 0x20000000) {
        first = p[0];
        last = p[1];
        child = p + 2;
        p = child + (size_t)(last - first + 1) * 4;
    }
    uint32_t values = node & 0x40000000 ? bf_be32(p) : 0;
    for (p += 4; values; values--, p += 4 + strlen((const char *)p + 4) + 1)
        bf_textf(out, "%s %s\n", key, (const char *)p + 4);
    for (unsigned c = first; c <= last; c++) {
        uint32_t below = bf_be32(child + (size_t)(c - first) * 4);
        key[len] = (char)c;
        if (below)
            list_index(at, below, key, len + 1, out);
    }
}

// Modules that need nothing, under names that share beginnings: depmod's index of them is the same,
// but for the order in which it writes nodes, so both are listed.
static void test_the_index_is_as_depmod_s(void)
{
    static const char *const name[] = {
        "ext4",  "virtio", "virtio_blk", "virtio-net",
        "e1000", "e1000e", "8139cp",     "8139too",
        "x",     "xy",     "xyz",        "X",
        "a",     "aa",     "ab",         "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};
    char path[200];
    need_tree("depmod");
    for (size_t i = 0; i < BF_COUNT(name); i++) {
        snprintf(path, sizeof path, "lib/modules/5.0.0-depmod/kernel/drivers/%s.ko", name[i]);
        put_module(path);
    }
    tree_put("lib/modules/5.0.0-depmod/modules.order", "", 0);
    tree_put("lib/modules/5.0.0-depmod/modules.builtin", "", 0);
    if (!run_in_tree("depmod -b . 5.0.0-depmod 2>/dev/null"))
        SKIP("depmod takes no module that this makes");
    size_t dep_len, len;
    char *made = read_tree("/lib/modules/5.0.0-depmod/modules.dep", &dep_len);
    char *theirs = read_tree("/lib/modules/5.0.0-depmod/modules.dep.bin", &len);
    struct bf_text ours = {0};
    CHECK(bf_dep_index(made, dep_len, &ours));
    CHECK_EQ(ours.len, len);
    CHECK_MEM(ours.data, theirs, 8);
    char key[200];
    struct bf_text a = {0}, b = {0};
    list_index((unsigned char *)ours.data, bf_be32(ours.data + 8), key, 0, &a);
    list_index((unsigned char *)theirs, bf_be32(theirs + 8), key, 0, &b);
    CHECK_STR(bf_text_get(&a), bf_text_get(&b));
    bf_text_free(&a);
    bf_text_free(&b);
    free(made);
    free(theirs);
    bf_text_free(&ours);
}

// ---- Pairs of kernels and initramfs files -------------------------------------------------------

static void test_names_of_kernels(void)
{
    static const struct {
        const char *name;
        bool is;
    } row[] = {
        {"vmlinuz", true},
        {"vmlinuz-6.1.0", true},
        {"vmlinux-5.14.21", true},
        {"vmlinuz-linux", true},
        {"kernel-6.6.1", true},
        {"kernel8.img", true},
        {"Image", true},
        {"Image-6.1", true},
        {"Image.gz", true},
        {"bzImage", true},
        {"linux", true},
        {"linux-6.1.efi", true},
        {"vmlinuz.old", true},
        {"vmlinuz_1", true},
        {"vmlinuzx", false},
        {"linuxaa", false},
        {"initrd.img", false},
        {"initramfs-linux", false},
        {"Imagery", false},
        {"System.map-6.1", false},
        {"config-6.1", false},
        {"kernels", false},
        {"", false},
        {"xvmlinuz", false},
        {"grubx64.efi", false},
        {"memtest86+.bin", false},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++)
        if (bf_image_is(row[i].name) != row[i].is)
            FAIL("%s", row[i].name);
}

static const struct {
    const char *image, *initramfs; // "": none belongs to it
} pair[] = {
    {"vmlinuz-6.1.0-13-amd64", "initrd.img-6.1.0-13-amd64"},
    {"vmlinuz-5.14.0.el9", "initramfs-5.14.0.el9.img"},
    {"vmlinuz-5.14.0.suse-default", "initrd-5.14.0.suse-default"},
    {"vmlinux-5.4.gz", "initrd-5.4"},
    {"vmlinuz-linux", "initramfs-linux.img"},
    {"vmlinuz-linux-lts", "initramfs-linux-lts.img"},
    {"vmlinuz-lts", "initramfs-lts"},
    {"kernel8.img", "initramfs8"},
    {"kernel_2712.img", "initramfs_2712"},
    {"Image-6.6", "initrd-6.6.zst"},
    {"kernel-genkernel-x86_64-6.1", "initramfs-genkernel-x86_64-6.1"},
    {"vmlinuz-alone", ""},
    {"bzImage", "initrd.gz"},
};

static void test_pairs_by_name(void)
{
    static const char *const others[] = {
        "boot/initramfs-5.14.0.el9kdump.img",
        "boot/initrd-5.14.0.suse-default-kdump",
        "boot/initrd.img-6.1.0-13-amd64.bak",
        "boot/System.map-6.1.0-13-amd64",
        "boot/initrd-plymouth.img",
        "boot/config-5.14.0.el9",
        "boot/initramfs-lt",
    };
    if (tree_root.fd < 0)
        tree_make();
    for (size_t i = 0; i < BF_COUNT(pair); i++) {
        char path[100];
        snprintf(path, sizeof path, "boot/%s", pair[i].image);
        tree_put(path, "k", 1);
        snprintf(path, sizeof path, "boot/%s", pair[i].initramfs);
        if (pair[i].initramfs[0])
            tree_put(path, "i", 1);
    }
    for (size_t i = 0; i < BF_COUNT(others); i++)
        tree_put(others[i], "x", 1);
    static struct bf_fin f;
    struct bf_image_list list;
    f.root = &tree_root;
    f.system.id = "";
    bf_edits_init(&f.edits, &tree_root);
    bf_images_load(&f, &list);
    bf_edits_free(&f.edits);
    CHECK_EQ(list.count, BF_COUNT(pair));
    for (size_t i = 0; i < BF_COUNT(pair); i++) {
        size_t hits = 0;
        for (size_t k = 0; k < list.count; k++) {
            if (strcmp(list.item[k].image + strlen("/boot/"), pair[i].image) != 0)
                continue;
            hits++;
            const char *have = list.item[k].initramfs;
            CHECK_STR(have[0] ? have + strlen("/boot/") : "", pair[i].initramfs);
        }
        CHECK_EQ(hits, 1);
    }
    bf_images_free(&list);
}

TEST_MAIN(TEST(test_names_of_modules), TEST(test_a_module_s_name_has_a_limit),
          TEST(test_modules_get_the_names_of_the_image), TEST(test_an_index_that_cannot_be),
          TEST(test_the_bytes_of_an_index), TEST(test_modprobe_reads_the_index),
          TEST(test_the_index_is_as_depmod_s), TEST(test_names_of_kernels),
          TEST(test_pairs_by_name))
