// SPDX-License-Identifier: Apache-2.0
// The archives that are appended, and recognising what an initramfs is made of.
#include "finalize/archive/archive.h"
#include "finalize/initramfs/cpio.h"

#include "base/bytes.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <unistd.h>

static char dir[] = "/tmp/bootferry-initramfs.XXXXXX";
static struct bf_fin_root root;

static void put(const void *data, size_t len)
{
    int fd = openat(root.fd, "image", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    close(fd);
}

static void check_image(const struct bf_text *image, const char *format, bool early, uint64_t own)
{
    struct bf_archive_info info;
    struct bf_edits edits;
    if (root.fd <= 0)
        CHECK(mkdtemp(dir) && !bf_fin_root_attach(&root, dir, NULL));
    put(image->data, image->len);
    bf_edits_init(&edits, &root);
    CHECK_EQ(bf_archive_look(&edits, "/image", &info, NULL), BF_OK);
    unlinkat(root.fd, "image", 0);
    CHECK_STR(info.format, format);
    CHECK_EQ(info.early, early);
    CHECK_EQ(info.own, own);
}

static void add_archive(struct bf_text *out, const char *name, const char *content)
{
    struct bf_cpio cpio;
    bf_cpio_begin(&cpio, out);
    bf_cpio_dir(&cpio, "usr", 0755);
    bf_cpio_file(&cpio, name, 0644, content, strlen(content));
    bf_cpio_end(&cpio);
}

static void test_archive_bytes(void)
{
    struct bf_text out = {0};
    struct bf_cpio cpio;
    bf_cpio_begin(&cpio, &out);
    bf_cpio_file(&cpio, "ab", 0644, "xyz", 3);
    CHECK_EQ(out.len, 116 + 4); // 110 + "ab\0" padded, then data padded
    CHECK_MEM(out.data,
              "070701"
              "00000001"
              "000081A4"
              "00000000"
              "00000000"
              "00000001"
              "00000000"
              "00000003"
              "00000000"
              "00000000"
              "00000000"
              "00000000"
              "00000003"
              "00000000"
              "ab\0",
              113);
    CHECK_MEM(out.data + 116, "xyz\0", 4);
    bf_text_free(&out);
}

static void test_formats(void)
{
    static const struct {
        const char *bytes, *name;
        size_t len;
    } format[] = {{"\x1f\x8b\x08\x00\x01\x01\x01", "gzip", 7},
                  {"\x28\xb5\x2f\xfd\x01\x01", "zstd", 6},
                  {"\xfd"
                   "7zXZ\0\1",
                   "xz", 7},
                  {"\x02\x21\x4c\x18\x01\x01", "lz4", 6},
                  {"BZh91AY", "bzip2", 7},
                  {"garbage!", "unknown", 8}};
    for (size_t i = 0; i < BF_COUNT(format); i++) {
        struct bf_text image = {0};
        bf_text_add(&image, format[i].bytes, format[i].len);
        check_image(&image, format[i].name, false, image.len);
        bf_text_free(&image);
    }
}

static void test_early_part(void)
{
    struct bf_text image = {0};
    add_archive(&image, "kernel/x86/microcode", "microcode");
    for (int i = 0; i < 100; i++)
        bf_text_add(&image, "\0\0\0\0", 4);
    bf_text_add(&image, "\x28\xb5\x2f\xfd\1\2\3", 7);
    check_image(&image, "zstd", true, image.len);
    bf_text_free(&image);
}

static void test_own_segment(void)
{
    struct bf_text image = {0};
    char mark[64];
    bf_text_add(&image, "\x1f\x8b\x08\x00\x01\x01\x01", 7);
    bf_text_add(&image, "\0", 1);
    snprintf(mark, sizeof mark, BF_ARCHIVE_MARK_FMT, 7ULL);
    add_archive(&image, "mark", mark);
    check_image(&image, "gzip", false, 7);
    bf_text_free(&image);
}

// A mark that names more than there is is no mark.
static void test_forged_mark(void)
{
    struct bf_text image = {0};
    char mark[64];
    bf_text_add(&image, "\x1f\x8b\x08\x00", 4);
    snprintf(mark, sizeof mark, BF_ARCHIVE_MARK_FMT, 1000000ULL);
    add_archive(&image, "mark", mark);
    check_image(&image, "gzip", false, image.len);
    bf_text_free(&image);
}

static void test_cut_archive(void)
{
    struct bf_text image = {0};
    add_archive(&image, "a", "content");
    image.len -= 130;
    check_image(&image, "unknown", false, image.len);
    bf_text_free(&image);
    rmdir(dir);
}

TEST_MAIN(TEST(test_archive_bytes), TEST(test_formats), TEST(test_early_part),
          TEST(test_own_segment), TEST(test_forged_mark), TEST(test_cut_archive))
