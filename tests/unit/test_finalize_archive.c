// SPDX-License-Identifier: Apache-2.0
// Reading initramfs files as the kernel unpacks them: what it finds in cpio archives of all forms,
// in every compression, and where it would stop.
#include "finalize/archive/archive.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "tests/finalize_tree.h"
#include "tests/unit/test.h"

// ---- Archives -----------------------------------------------------------------------------------

#define MAGIC_PLAIN "070701"
#define MAGIC_SUMS  "070702"

struct entry {
    const char *name;
    unsigned mode;
    const char *data;
    unsigned ino, links;
};

static void pad(struct bf_text *out, size_t start)
{
    while ((out->len - start) % 4)
        bf_text_add(out, "", 1);
}

static void add_head(struct bf_text *out, const char *magic, const struct entry *e, size_t name,
                     size_t size, unsigned sum)
{
    bf_textf(out, "%s%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", magic, e->ino,
             e->mode, 0u, 0u, e->links, 0u, size, 8u, 1u, 0u, 0u, name, sum);
}

static void add_entry(struct bf_text *out, const char *magic, const struct entry *e)
{
    size_t start = out->len, size = strlen(e->data);
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += (unsigned char)e->data[i];
    add_head(out, magic, e, strlen(e->name) + 1, size, strcmp(magic, MAGIC_SUMS) == 0 ? sum : 0);
    bf_text_add(out, e->name, strlen(e->name) + 1);
    pad(out, start);
    bf_text_add(out, e->data, size);
    pad(out, start);
}

static void add_file(struct bf_text *out, const char *name, const char *data)
{
    add_entry(out, MAGIC_PLAIN, &(struct entry){name, S_IFREG | 0644, data, 1, 1});
}

static void add_trailer(struct bf_text *out)
{
    add_entry(out, MAGIC_PLAIN, &(struct entry){"TRAILER!!!", 0, "", 0, 1});
}

static void add_archive(struct bf_text *out, const char *name, const char *data)
{
    add_file(out, name, data);
    add_trailer(out);
}

// ---- Compressions -------------------------------------------------------------------------------

static void squeeze_gzip(const struct bf_text *in, struct bf_text *out)
{
    static unsigned char room[1 << 20];
    z_stream z = {0};
    CHECK_EQ(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)in->data;
    z.avail_in = (uInt)in->len;
    z.next_out = room;
    z.avail_out = sizeof room;
    CHECK_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
    bf_text_add(out, room, z.total_out);
    deflateEnd(&z);
}

static void squeeze_zstd(const struct bf_text *in, struct bf_text *out)
{
    static unsigned char room[1 << 20];
    size_t n = ZSTD_compress(room, sizeof room, in->data, in->len, 3);
    CHECK(!ZSTD_isError(n));
    bf_text_add(out, room, n);
}

static void squeeze_lzma_family(const struct bf_text *in, struct bf_text *out, bool alone)
{
    static unsigned char room[1 << 20];
    lzma_stream z = LZMA_STREAM_INIT;
    lzma_options_lzma o;
    CHECK(!lzma_lzma_preset(&o, 0));
    CHECK_EQ(alone ? lzma_alone_encoder(&z, &o) : lzma_easy_encoder(&z, 0, LZMA_CHECK_CRC32),
             LZMA_OK);
    z.next_in = (const uint8_t *)in->data;
    z.avail_in = in->len;
    z.next_out = room;
    z.avail_out = sizeof room;
    CHECK_EQ(lzma_code(&z, LZMA_FINISH), LZMA_STREAM_END);
    bf_text_add(out, room, (size_t)z.total_out);
    lzma_end(&z);
}

static void squeeze_xz(const struct bf_text *in, struct bf_text *out)
{
    squeeze_lzma_family(in, out, false);
}

static void squeeze_lzma(const struct bf_text *in, struct bf_text *out)
{
    squeeze_lzma_family(in, out, true);
}

static void squeeze_bzip2(const struct bf_text *in, struct bf_text *out)
{
    static char room[1 << 20];
    unsigned n = sizeof room;
    CHECK_EQ(BZ2_bzBuffToBuffCompress(room, &n, in->data, (unsigned)in->len, 1, 0, 0), BZ_OK);
    bf_text_add(out, room, n);
}

static void add_le32(struct bf_text *out, uint32_t n)
{
    unsigned char b[4];
    bf_put_le32(b, n);
    bf_text_add(out, b, 4);
}

static void add_be32(struct bf_text *out, uint32_t n)
{
    const unsigned char b[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                (unsigned char)(n >> 8), (unsigned char)n};
    bf_text_add(out, b, 4);
}

static void squeeze_lz4(const struct bf_text *in, struct bf_text *out)
{
    static char room[1 << 20];
    int n = LZ4_compress_default(in->data, room, (int)in->len, sizeof room);
    CHECK(n > 0);
    add_le32(out, 0x184c2102);
    add_le32(out, (uint32_t)n);
    bf_text_add(out, room, (size_t)n);
}

// As lzop writes it, with a name, and a checksum of what is unpacked.
static void squeeze_lzo(const struct bf_text *in, struct bf_text *out)
{
    static unsigned char work[LZO1X_1_MEM_COMPRESS], room[1 << 20];
    lzo_uint n = sizeof room;
    CHECK_EQ(lzo1x_1_compress((const unsigned char *)in->data, in->len, room, &n, work), LZO_E_OK);
    CHECK(n < in->len && in->len <= 256 << 10);
    bf_text_add(out, "\x89LZO\0\r\n\x1a\n", 9);
    bf_text_add(out, "\x10\x40\x20\xa0\x09\x40\1\5", 8);  // versions, method, level
    add_be32(out, 1);                                     // flags: an Adler-32 of the data
    bf_text_add(out, "\0\0\x81\xa4\0\0\0\0\0\0\0\0", 12); // mode and times
    bf_text_add(out, "\4name", 5);
    add_be32(out, 0x12345678); // of the header, which nobody checks
    add_be32(out, (uint32_t)in->len);
    add_be32(out, (uint32_t)n);
    add_be32(out, 0xdeadbeef); // of the data, either
    bf_text_add(out, room, n);
    add_be32(out, 0);
}

static const struct {
    const char *name;
    void (*squeeze)(const struct bf_text *in, struct bf_text *out);
    bool ends; // the format itself says where it ends
} format[] = {
    {"gzip", squeeze_gzip, true}, {"zstd", squeeze_zstd, true},   {"xz", squeeze_xz, true},
    {"lzma", squeeze_lzma, true}, {"bzip2", squeeze_bzip2, true}, {"lz4", squeeze_lz4, false},
    {"lzo", squeeze_lzo, true},
};

// ---- Reading ------------------------------------------------------------------------------------

static struct bf_budget budget;
static struct bf_archive_info info;
static struct bf_text seen; // "name=content;" of each entry, "name[size];" without content
static size_t stop_after;

static bool note(void *arg, const struct bf_archive_entry *e)
{
    (void)arg;
    if (e->data && e->size < 64)
        bf_textf(&seen, "%s=%s;", e->name, (const char *)e->data);
    else
        bf_textf(&seen, "%s[%llu%s];", e->name, (unsigned long long)e->size,
                 e->data ? " shown" : "");
    return --stop_after > 0;
}

static void open_tree(const struct bf_text *image)
{
    if (tree_root.fd < 0)
        tree_make();
    budget = (struct bf_budget){0};
    bf_budget_begin(&budget, "initramfs");
    tree_root.budget = &budget;
    if (image)
        tree_put("image", bf_text_get(image), image->len);
    bf_text_empty(&seen);
    bf_text_str(&seen, "");
}

static enum bf_err read_image(const struct bf_text *image)
{
    struct bf_edits e;
    struct bf_fault fault;
    open_tree(image);
    stop_after = SIZE_MAX;
    bf_edits_init(&e, &tree_root);
    enum bf_err err = bf_archive_read(&e, "/image", note, NULL, &info, &fault);
    bf_edits_free(&e);
    return err;
}

static const char *shown(void)
{
    return seen.len ? bf_text_get(&seen) : "";
}

// Frees the image.
static void check_read(struct bf_text *image, const char *entries, const char *trouble)
{
    enum bf_err err = read_image(image);
    bf_text_free(image);
    CHECK_EQ(err, BF_OK);
    CHECK_STR(shown(), entries);
    CHECK_STR(info.trouble, trouble);
}

static void test_names_lose_what_leads_to_the_top(void)
{
    static const char *const name[][2] = {
        {"a", "a"},
        {"/a", "a"},
        {"./a", "a"},
        {".//a/b", "a/b"},
        {"/./a", "a"},
        {".", "."},
        {"./", "."},
        {"/", "."},
        {"..", ".."},
        {".a", ".a"},
        {"../a", "../a"},
        {"a/./b", "a/./b"},
        {"TRAILER", "TRAILER"},
        {"./TRAILER!!!", "TRAILER!!!"},
        {"a b;c", "a b;c"},
    };
    for (size_t i = 0; i < BF_COUNT(name); i++) {
        struct bf_text image = {0};
        char want[64];
        add_archive(&image, name[i][0], "x");
        snprintf(want, sizeof want, "%s=x;", name[i][1]);
        check_read(&image, want, "");
    }
}

// The names' lengths go through all that can be left to pad.
static void test_every_padding(void)
{
    for (size_t name = 1; name <= 9; name++)
        for (size_t size = 0; size <= 9; size++) {
            struct bf_text image = {0};
            char n[16], d[16], want[64];
            snprintf(n, sizeof n, "%.*s", (int)name, "nnnnnnnnn");
            snprintf(d, sizeof d, "%.*s", (int)size, "ddddddddd");
            add_file(&image, n, d);
            add_archive(&image, "last", "1");
            snprintf(want, sizeof want, "%s=%s;last=1;", n, d);
            check_read(&image, want, "");
            CHECK_EQ(info.unpacked, size + 1);
            CHECK_EQ(info.parts, 1);
        }
}

static void test_kinds_of_entries(void)
{
    static const struct entry e[] = {
        {"dir", S_IFDIR | 0755, "", 1, 2},      {"link", S_IFLNK | 0777, "to/there", 2, 1},
        {"null", S_IFCHR | 0666, "", 3, 1},     {"disk", S_IFBLK | 0600, "", 4, 1},
        {"pipe", S_IFIFO | 0600, "", 5, 1},     {"file", S_IFREG | 0600, "text", 6, 1},
        {"fat-dir", S_IFDIR | 0755, "x", 7, 2}, // the kernel skips one with content
        {"end", S_IFREG | 0600, "", 8, 1},
    };
    struct bf_text image = {0};
    for (size_t i = 0; i < BF_COUNT(e); i++)
        add_entry(&image, MAGIC_PLAIN, &e[i]);
    add_trailer(&image);
    check_read(&image, "dir=;link=to/there;null=;disk=;pipe=;file=text;end=;", "");
}

static void test_hard_links_share_content(void)
{
    static const struct entry e[] = {
        {"one", S_IFREG | 0644, "", 7, 3},   {"other", S_IFREG | 0644, "", 8, 2},
        {"two", S_IFREG | 0644, "", 7, 3},   {"three", S_IFREG | 0644, "content", 7, 3},
        {"alone", S_IFREG | 0644, "", 7, 1}, {"more", S_IFREG | 0644, "content8", 8, 2},
    };
    struct bf_text image = {0};
    for (size_t i = 0; i < BF_COUNT(e); i++)
        add_entry(&image, MAGIC_PLAIN, &e[i]);
    add_trailer(&image);
    enum bf_err err = read_image(&image);
    bf_text_free(&image);
    CHECK_EQ(err, BF_OK);
    CHECK(memmem(seen.data, seen.len, "one[0];", 7) && memmem(seen.data, seen.len, "two[0];", 7));
    CHECK(memmem(seen.data, seen.len, "one=content;", 12));
    CHECK(memmem(seen.data, seen.len, "two=content;", 12));
    CHECK(memmem(seen.data, seen.len, "three=content;", 14));
    CHECK(memmem(seen.data, seen.len, "other=content8;", 15));
    CHECK(memmem(seen.data, seen.len, "alone=;", 7));
    CHECK(!memmem(seen.data, seen.len, "other=content;", 14));
}

// A trailer ends the groups: the same inode number in the next archive is another file.
static void test_hard_links_end_with_their_archive(void)
{
    struct bf_text image = {0};
    add_entry(&image, MAGIC_PLAIN, &(struct entry){"a", S_IFREG | 0644, "", 7, 2});
    add_trailer(&image);
    add_entry(&image, MAGIC_PLAIN, &(struct entry){"b", S_IFREG | 0644, "second", 7, 2});
    add_trailer(&image);
    check_read(&image, "a[0];b=second;", "");
    CHECK_EQ(info.parts, 2);
}

static void test_checksums(void)
{
    struct bf_text image = {0};
    add_entry(&image, MAGIC_SUMS, &(struct entry){"a", S_IFREG | 0644, "\xff\xfe content", 1, 1});
    add_entry(&image, MAGIC_SUMS, &(struct entry){"l", S_IFLNK | 0777, "a", 2, 1});
    size_t digit = image.len + 110 - 1;
    add_entry(&image, MAGIC_SUMS, &(struct entry){"bad", S_IFREG | 0644, "content", 3, 1});
    add_archive(&image, "behind", "x");
    struct bf_text wrong = {0};
    bf_text_add(&wrong, image.data, image.len);
    wrong.data[digit] = wrong.data[digit] == '0' ? '1' : '0';
    check_read(&image, "a=\xff\xfe content;l=a;bad=content;behind=x;", "");
    check_read(&wrong, "a=\xff\xfe content;l=a;", "has a file whose checksum is wrong");
}

// ---- Several archives ---------------------------------------------------------------------------

static void test_zeros_between_archives(void)
{
    static const size_t zeros[] = {0, 4, 8, 508, 4096, 600000};
    static const char none[600000];
    for (size_t i = 0; i < BF_COUNT(zeros); i++) {
        struct bf_text image = {0};
        add_archive(&image, "a", "1");
        bf_text_add(&image, none, zeros[i]);
        add_archive(&image, "b", "2");
        bf_text_add(&image, none, zeros[i]);
        check_read(&image, "a=1;b=2;", "");
        CHECK_EQ(info.parts, 2);
        CHECK_STR(info.format, "cpio");
    }
}

// Uncompressed archives begin at multiples of 4 only; compressed ones anywhere.
static void test_archives_off_their_boundary(void)
{
    struct bf_text image = {0}, plain = {0};
    add_archive(&image, "a", "1");
    bf_text_add(&image, "\0", 1);
    add_archive(&image, "b", "2");
    check_read(&image, "a=1;", "has padding that does not end at a multiple of 4 bytes");
    add_archive(&plain, "b", "2");
    add_archive(&image, "a", "1");
    bf_text_add(&image, "\0\0\0\0\0", 5);
    squeeze_gzip(&plain, &image);
    bf_text_free(&plain);
    check_read(&image, "a=1;", "has padding that does not end at a multiple of 4 bytes");
}

static void test_what_follows_an_archive(void)
{
    static const struct {
        const char *bytes, *trouble;
        size_t len;
    } tail[] = {
        {"garbage!", "has bytes behind an archive that begin no other one", 8},
        {"0", "ends in the middle of an entry", 1},
        {"07070", "ends in the middle of an entry", 5},
        {"\0\0\0", "", 3},
        {"\x1f", "has bytes behind an archive that begin no other one", 1},
        {"\x1f\x8b", "has a part in the format gzip that is damaged or cut off", 2},
        {"\x28\xb5\x2f\xfd", "has a part in the format zstd that is damaged or cut off", 4},
        {"\x02\x21", "has a part in the format lz4 that is damaged or cut off", 2},
        {"\x89L", "has a part in the format lzo that is damaged or cut off", 2},
        {"BZh", "has a part in the format bzip2 that is damaged or cut off", 3},
        {"\xfd"
         "7zXZ",
         "has a part in the format xz that is damaged or cut off", 5},
        {"\x5d\0\0", "has a part in the format lzma that is damaged or cut off", 3},
    };
    for (size_t i = 0; i < BF_COUNT(tail); i++) {
        struct bf_text image = {0};
        add_archive(&image, "a", "1");
        bf_text_add(&image, tail[i].bytes, tail[i].len);
        check_read(&image, "a=1;", tail[i].trouble);
    }
}

static void test_old_and_damaged_entries(void)
{
    static const struct {
        const char *bytes, *trouble;
    } bad[] = {
        {"070707", "is in an old cpio format, which no kernel reads"},
        {"070703", "has an entry that is damaged"},
        {"07070x", "has an entry that is damaged"},
        {"070701zz", "has an entry that is damaged"},
        {"070701-1", "has an entry that is damaged"},
    };
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        struct bf_text image = {0};
        add_file(&image, "good", "1");
        size_t at = image.len;
        add_archive(&image, "bad", "2");
        memcpy(image.data + at, bad[i].bytes, strlen(bad[i].bytes));
        check_read(&image, "good=1;", bad[i].trouble);
    }
}

// ---- Sizes --------------------------------------------------------------------------------------

// Entry by entry: the kernel skips a name that is too long or missing, and a target that is too
// long, with all their content, and goes on.
static void test_sizes_at_the_limits(void)
{
    static const struct {
        size_t name, size;
        unsigned mode;
        bool is_shown;
    } row[] = {
        {0, 0, S_IFREG, false},    {0, 5, S_IFREG, false},     {4096, 1, S_IFREG, true},
        {4097, 1, S_IFREG, false}, {9000, 77, S_IFREG, false}, {2, 4096, S_IFLNK, true},
        {2, 4097, S_IFLNK, false}, {2, 9, S_IFBLK, false},     {2, 0, S_IFBLK, true},
        {2, 70000, S_IFREG, true}, {2, 65536, S_IFREG, true},  {2, 65535, S_IFREG, true},
        {1, 3, S_IFREG, true},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        struct bf_text image = {0};
        struct entry e = {"", row[i].mode | 0644, "", 1, 1};
        add_head(&image, MAGIC_PLAIN, &e, row[i].name, row[i].size, 0);
        for (size_t n = 1; n < row[i].name; n++)
            bf_text_str(&image, "n");
        bf_text_add(&image, "", row[i].name ? 1 : 0);
        pad(&image, 0);
        for (size_t n = 0; n < row[i].size; n++)
            bf_text_str(&image, "d");
        pad(&image, 0);
        add_archive(&image, "end", "1");
        CHECK_EQ(read_image(&image), BF_OK);
        bf_text_free(&image);
        CHECK_STR(info.trouble, "");
        CHECK(seen.len >= 6 && memcmp(seen.data + seen.len - 6, "end=1;", 6) == 0);
        CHECK_EQ(seen.len > 6, row[i].is_shown);
    }
}

// What is larger than BF_ARCHIVE_DATA_MAX is told without its content.
static void test_large_content_is_not_shown(void)
{
    for (size_t over = 0; over < 2; over++) {
        size_t size = BF_ARCHIVE_DATA_MAX + over;
        struct bf_text image = {0};
        char *data = calloc(1, size), want[64];
        struct entry e = {"f", S_IFREG | 0644, "", 1, 1};
        CHECK(data);
        add_head(&image, MAGIC_PLAIN, &e, 2, size, 0);
        bf_text_add(&image, "f", 2);
        pad(&image, 0);
        bf_text_add(&image, data, size);
        free(data);
        pad(&image, 0);
        add_archive(&image, "g", "1");
        snprintf(want, sizeof want, "f[%zu%s];g=1;", size, over ? "" : " shown");
        check_read(&image, want, "");
        CHECK_EQ(info.unpacked, size + 1);
    }
}

static void test_sizes_that_are_not_there(void)
{
    static const uint32_t size[] = {5, 0x3fffffff, 0x40000000, 0x40000001, 0xffffffff};
    for (size_t i = 0; i < BF_COUNT(size); i++) {
        struct bf_text image = {0};
        struct entry e = {"f", S_IFREG | 0644, "", 1, 1};
        add_head(&image, MAGIC_PLAIN, &e, 2, size[i], 0);
        bf_text_add(&image,
                    "f\0"
                    "1234",
                    6);
        enum bf_err err = read_image(&image);
        bf_text_free(&image);
        bool over = size[i] > BF_ARCHIVE_UNPACKED_MAX;
        CHECK_EQ(err, over ? BF_ERR_LIMIT : BF_OK);
        CHECK_STR(info.trouble, over ? "" : "ends in the middle of an entry");
        CHECK_STR(shown(), "");
    }
}

// ---- Cut off ------------------------------------------------------------------------------------

// Whatever is cut off, entries that are whole are shown, and no other.
static void test_cut_at_every_byte(void)
{
    struct bf_text image = {0}, cut = {0};
    add_file(&image, "a", "12345");
    size_t a = image.len - 3; // without padding, which may be missing
    add_file(&image, "bc", "6");
    size_t b = image.len - 3;
    add_trailer(&image);
    for (size_t len = 0; len < image.len; len++) {
        bf_text_empty(&cut);
        bf_text_add(&cut, image.data, len);
        enum bf_err err = read_image(&cut);
        CHECK_EQ(err, len < 110 ? BF_ERR_RANGE : BF_OK);
        CHECK_STR(shown(), len < a ? "" : len < b ? "a=12345;" : "a=12345;bc=6;");
        bool between = (len >= a && len <= a + 3) || (len >= b && len <= b + 3) ||
                       len >= image.len - 3; // the last name is there, its padding is not
        if (len >= 110)
            CHECK_STR(info.trouble, between ? "" : "ends in the middle of an entry");
    }
    bf_text_free(&image);
    bf_text_free(&cut);
}

static void test_compressed_parts_cut_at_every_byte(void)
{
    for (size_t f = 0; f < BF_COUNT(format); f++) {
        struct bf_text plain = {0}, image = {0}, cut = {0};
        char want[96];
        add_archive(&plain, "a", "12345");
        format[f].squeeze(&plain, &image);
        snprintf(want, sizeof want, "has a part in the format %s that is damaged or cut off",
                 format[f].name);
        for (size_t len = 2; len < image.len; len++) {
            bf_text_empty(&cut);
            bf_text_add(&cut, image.data, len);
            CHECK_EQ(read_image(&cut), BF_OK);
            if (format[f].ends)
                CHECK_STR(info.trouble, want);
            else if (len > 8) // of LZ4 the length alone may be missing
                CHECK_STR(info.trouble, want);
            CHECK(!seen.len || strcmp(shown(), "a=12345;") == 0);
        }
        bf_text_free(&plain);
        bf_text_free(&image);
        bf_text_free(&cut);
    }
}

// ---- Compressed ---------------------------------------------------------------------------------

static void test_every_compression(void)
{
    for (size_t f = 0; f < BF_COUNT(format); f++) {
        struct bf_text plain = {0}, image = {0}, more = {0};
        add_archive(&image, "kernel/x86/microcode/x.bin", "ucode");
        add_file(&plain, "init", "#!/bin/sh");
        add_archive(&plain, "usr/lib/x", "1");
        add_archive(&plain, "second", "2"); // of the same part
        size_t at = image.len;
        format[f].squeeze(&plain, &image);
        if (format[f].ends) { // a further part, in another compression, behind it
            add_archive(&more, "more", "3");
            format[(f + 1) % BF_COUNT(format)].squeeze(&more, &image);
        }
        CHECK_EQ(read_image(&image), BF_OK);
        CHECK_STR(info.trouble, "");
        CHECK_STR(shown(), format[f].ends
                               ? "kernel/x86/microcode/x.bin=ucode;init=#!/bin/sh;usr/lib/x=1;"
                                 "second=2;more=3;"
                               : "kernel/x86/microcode/x.bin=ucode;init=#!/bin/sh;usr/lib/x=1;"
                                 "second=2;");
        CHECK_EQ(info.early, true);
        CHECK_EQ(info.parts, format[f].ends ? 3 : 2);
        CHECK_STR(bf_archive_format(image.data + at, 2), format[f].name);
        bf_text_free(&plain);
        bf_text_free(&image);
        bf_text_free(&more);
    }
}

// The kernel wants a compressed part to hold whole archives and nothing else.
static void test_what_a_compressed_part_holds(void)
{
    for (size_t f = 0; f < BF_COUNT(format); f++) {
        struct bf_text junk = {0}, half = {0}, image = {0};
        add_archive(&junk, "a", "1");
        bf_text_str(&junk, "junk");
        format[f].squeeze(&junk, &image);
        check_read(&image, "a=1;", "has something else than archives in a compressed part");
        add_file(&half, "a", "1");
        add_archive(&half, "b", "2");
        half.len -= 100;
        format[f].squeeze(&half, &image);
        check_read(&image, "a=1;b=2;", "ends a compressed part in the middle of an entry");
        bf_text_free(&junk);
        bf_text_free(&half);
    }
}

static void test_a_visitor_may_end_the_reading(void)
{
    struct bf_text image = {0};
    struct bf_edits e;
    add_file(&image, "a", "1");
    add_file(&image, "b", "2");
    add_archive(&image, "c", "3");
    open_tree(&image);
    bf_text_free(&image);
    bf_edits_init(&e, &tree_root);
    stop_after = 2;
    CHECK_EQ(bf_archive_read(&e, "/image", note, NULL, &info, NULL), BF_OK);
    CHECK_STR(shown(), "a=1;b=2;");
    CHECK_EQ(bf_archive_read(&e, "/none", note, NULL, &info, NULL), BF_ERR_NOT_FOUND);
    CHECK_STR(info.format, "unknown");
    bf_edits_free(&e);
}

// A part of a file counts from its own beginning, and what stands around it is not seen.
static void test_a_part_of_a_file(void)
{
    struct bf_text image = {0};
    struct bf_edits e;
    bf_text_str(&image, "PE"); // off every boundary of the file
    add_archive(&image, "a", "1");
    size_t end = image.len;
    bf_text_str(&image, "junk behind");
    open_tree(&image);
    bf_text_free(&image);
    bf_edits_init(&e, &tree_root);
    stop_after = SIZE_MAX;
    CHECK_EQ(bf_archive_read_part(&e, "/image", 2, end - 2, note, NULL, &info, NULL), BF_OK);
    CHECK_STR(shown(), "a=1;");
    CHECK_STR(info.trouble, "");
    CHECK_EQ(info.size, end - 2);
    bf_text_empty(&seen);
    CHECK_EQ(bf_archive_read_part(&e, "/image", 0, end, note, NULL, &info, NULL), BF_ERR_RANGE);
    CHECK_EQ(bf_archive_read_part(&e, "/image", 2, 0, note, NULL, &info, NULL), BF_ERR_RANGE);
    bf_edits_free(&e);
}

// ---- Unpacking alone ----------------------------------------------------------------------------

static void test_unpacking_has_a_cap(void)
{
    for (size_t f = 0; f < BF_COUNT(format); f++) {
        struct bf_text plain = {0}, packed = {0}, out = {0};
        for (int i = 0; i < 2000; i++)
            bf_textf(&plain, "line %d of a module\n", i % 7);
        format[f].squeeze(&plain, &packed);
        CHECK_EQ(bf_archive_unpack(packed.data, packed.len, plain.len, &out), BF_OK);
        CHECK_EQ(out.len, plain.len);
        CHECK_MEM(out.data, plain.data, plain.len);
        bf_text_free(&out);
        CHECK_EQ(bf_archive_unpack(packed.data, packed.len, plain.len - 1, &out), BF_ERR_LIMIT);
        CHECK_EQ(bf_archive_unpack(packed.data, packed.len, 0, &out), BF_ERR_LIMIT);
        CHECK_EQ(bf_archive_unpack(packed.data, packed.len / 2, SIZE_MAX, &out), BF_ERR_CORRUPT);
        CHECK_EQ(bf_archive_unpack(packed.data + 1, packed.len - 1, SIZE_MAX, &out), BF_ERR_RANGE);
        CHECK_EQ(bf_archive_unpack(packed.data, 1, SIZE_MAX, &out), BF_ERR_RANGE);
        CHECK_EQ(bf_archive_unpack("", 0, SIZE_MAX, &out), BF_ERR_RANGE);
        bf_text_free(&plain);
        bf_text_free(&packed);
        bf_text_free(&out);
    }
}

// A dictionary of more than 128 MiB is refused before memory is taken.
static void test_unpacking_bounds_memory(void)
{
    static const unsigned char lzma[] = {0x5d, 0,    0,    0,    0x40, 0xff, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0};
    static const unsigned char zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 0x90, 0x01, 0, 0};
    struct bf_text out = {0};
    CHECK_EQ(bf_archive_unpack(lzma, sizeof lzma, 100, &out), BF_ERR_LIMIT);
    CHECK_EQ(bf_archive_unpack(zstd, sizeof zstd, 100, &out), BF_ERR_LIMIT);
    bf_text_free(&out);
}

static bool collect(void *arg, const void *data, size_t len)
{
    bf_text_add(arg, data, len);
    return true;
}

static void test_unpacking_a_part_of_a_file(void)
{
    struct bf_text plain = {0}, image = {0}, out = {0};
    struct bf_edits e;
    bf_text_str(&plain, "a kernel's text, a kernel's text, a kernel's text");
    bf_text_str(&image, "head");
    squeeze_gzip(&plain, &image);
    size_t end = image.len;
    bf_text_str(&image, "tail");
    open_tree(&image);
    bf_edits_init(&e, &tree_root);
    CHECK_EQ(bf_archive_unpack_part(&e, "/image", 4, end - 4, collect, &out), BF_OK);
    CHECK_STR(bf_text_get(&out), bf_text_get(&plain));
    CHECK_EQ(bf_archive_unpack_part(&e, "/image", 4, end - 5, collect, &out), BF_ERR_CORRUPT);
    CHECK_EQ(bf_archive_unpack_part(&e, "/image", 0, end, collect, &out), BF_ERR_RANGE);
    CHECK_EQ(bf_archive_unpack_part(&e, "/image", 4, end + 1, collect, &out), BF_ERR_RANGE);
    CHECK_EQ(bf_archive_unpack_part(&e, "/image", end + 5, 0, collect, &out), BF_ERR_RANGE);
    CHECK_EQ(bf_archive_unpack_part(&e, "/image", 5, UINT64_MAX, collect, &out), BF_ERR_RANGE);
    CHECK_EQ(bf_archive_unpack_part(&e, "/none", 0, 1, collect, &out), BF_ERR_NOT_FOUND);
    bf_edits_free(&e);
    bf_text_free(&plain);
    bf_text_free(&image);
    bf_text_free(&out);
}

// ---- Looking ------------------------------------------------------------------------------------

static void check_look(struct bf_text *image, const char *what, bool early, size_t parts)
{
    struct bf_edits e;
    open_tree(image);
    bf_text_free(image);
    bf_edits_init(&e, &tree_root);
    enum bf_err err = bf_archive_look(&e, "/image", &info, NULL);
    bf_edits_free(&e);
    CHECK_EQ(err, BF_OK);
    CHECK_STR(info.format, what);
    CHECK_EQ(info.early, early);
    CHECK_EQ(info.parts, parts);
}

static void test_looking_unpacks_nothing(void)
{
    struct bf_text image = {0}, plain = {0};
    add_archive(&image, "a", "12345");
    add_archive(&image, "b", "12");
    check_look(&image, "cpio", true, 2);
    CHECK_EQ(info.unpacked, 7);
    for (size_t f = 0; f < BF_COUNT(format); f++) {
        add_archive(&plain, "init", "x");
        add_archive(&image, "kernel/x86/microcode", "u");
        format[f].squeeze(&plain, &image);
        bf_text_str(&image, "junk that is not looked at");
        check_look(&image, format[f].name, true, 2);
        CHECK_EQ(info.unpacked, 1);
    }
    bf_text_free(&plain);
    add_archive(&image, "a", "1");
    bf_text_str(&image, "junk");
    check_look(&image, "unknown", false, 1);
    add_file(&image, "a", "1"); // no trailer: the kernel takes it
    check_look(&image, "cpio", false, 1);
    bf_text_str(&image, "070701");
    check_look(&image, "unknown", false, 0);
}

TEST_MAIN(TEST(test_names_lose_what_leads_to_the_top), TEST(test_every_padding),
          TEST(test_kinds_of_entries), TEST(test_hard_links_share_content),
          TEST(test_hard_links_end_with_their_archive), TEST(test_checksums),
          TEST(test_zeros_between_archives), TEST(test_archives_off_their_boundary),
          TEST(test_what_follows_an_archive), TEST(test_old_and_damaged_entries),
          TEST(test_sizes_at_the_limits), TEST(test_large_content_is_not_shown),
          TEST(test_sizes_that_are_not_there), TEST(test_cut_at_every_byte),
          TEST(test_compressed_parts_cut_at_every_byte), TEST(test_every_compression),
          TEST(test_what_a_compressed_part_holds), TEST(test_a_visitor_may_end_the_reading),
          TEST(test_a_part_of_a_file), TEST(test_unpacking_has_a_cap),
          TEST(test_unpacking_bounds_memory), TEST(test_unpacking_a_part_of_a_file),
          TEST(test_looking_unpacks_nothing))
