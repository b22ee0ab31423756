// SPDX-License-Identifier: Apache-2.0
// image/: digests against published vectors, geometry rules, the root's canonical form, and the
// manifest file's bytes, read back whole, cut short and changed.
#include "base/bytes.h"
#include "base/cursor.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "tests/unit/test.h"

static void from_hex(uint8_t *out, const char *hex)
{
    for (; *hex; hex += 2) {
        unsigned v;
        CHECK(sscanf(hex, "%2x", &v) == 1);
        *out++ = (uint8_t)v;
    }
}

static void test_digest_vectors(void)
{
    struct bf_digest d;
    struct bf_hasher h;
    uint8_t want[32];
    CHECK_EQ(bf_digest_check(), BF_OK);
    bf_digest_of(&d, "", 0);
    from_hex(want, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    CHECK_MEM(d.bytes, want, 32);
    bf_digest_of(&d, "abc", 3);
    from_hex(want, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    CHECK_MEM(d.bytes, want, 32);
    bf_hasher_init(&h, "BLAKE3 2019-12-27 16:29:52 test vectors context");
    bf_hasher_final(&h, &d);
    from_hex(want, "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d");
    CHECK_MEM(d.bytes, want, 32);
}

static void test_zero_test_sees_every_byte(void)
{
    static uint8_t bytes[1024];
    for (size_t len = 0; len < 300; len++)
        CHECK(bf_is_zero(bytes + 1, len));
    for (size_t i = 0; i < 700; i++) {
        bytes[i + 1] = 0x80;
        CHECK(!bf_is_zero(bytes + 1, 700));
        CHECK(bf_is_zero(bytes + 1, i));
        bytes[i + 1] = 0;
    }
}

static void test_geometry_rules(void)
{
    static const struct {
        struct bf_geometry g;
        int ok;
    } cases[] = {
        {{1 << 20, 512, 65536}, 1},   {{1 << 20, 4096, 32768}, 1},
        {{512, 512, 32768}, 1},       {{INT64_MAX - 511, 512, 1048576}, 1},
        {{0, 512, 65536}, 0},         {{1000, 512, 65536}, 0},
        {{1 << 20, 0, 65536}, 0},     {{1 << 20, 256, 65536}, 0},
        {{1 << 20, 513, 65536}, 0},   {{1 << 20, 131072, 65536}, 0},
        {{1 << 20, 512, 16384}, 0},   {{1 << 20, 512, 2097152}, 0},
        {{1 << 20, 512, 65537}, 0},   {{UINT64_C(1) << 63, 512, 65536}, 0},
        {{1 << 20, 65536, 32768}, 0},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++)
        CHECK_EQ(bf_geometry_check(&cases[i].g) == BF_OK, cases[i].ok);
}

static void test_geometry_chunks(void)
{
    struct bf_geometry g = {3 * 65536 + 512, 512, 65536};
    CHECK_EQ(bf_geometry_chunks(&g), 4);
    CHECK_EQ(bf_geometry_chunk_bytes(&g, 2), 65536);
    CHECK_EQ(bf_geometry_chunk_bytes(&g, 3), 512);
    g.disk_bytes = 3 * 65536;
    CHECK_EQ(bf_geometry_chunks(&g), 3);
    g.disk_bytes = INT64_MAX - 511;
    CHECK_EQ(bf_geometry_chunks(&g), UINT64_C(1) << 47);
    for (int shift = 9; shift < 63; shift++) {
        g = (struct bf_geometry){UINT64_C(1) << shift, 512, 0};
        g.chunk_size = bf_geometry_default_chunk(g.disk_bytes);
        CHECK_EQ(bf_geometry_check(&g), BF_OK);
    }
}

// Nine chunks: data, data, zero x3, unused, unreadable, data, and a short one of zeros.
static const struct bf_geometry shape = {8 * 65536 + 1024, 512, 65536};
static struct bf_digest digest_a, digest_b, digest_c;

static void make_digests(void)
{
    bf_digest_of(&digest_a, "a", 1);
    bf_digest_of(&digest_b, "b", 1);
    bf_digest_of(&digest_c, "c", 1);
}

static void root_by_definition(struct bf_digest *out)
{
    uint8_t bytes[256];
    struct bf_writer w;
    struct bf_hasher h;
    bf_writer_init(&w, bytes, sizeof bytes);
    bf_put_u64(&w, shape.disk_bytes);
    bf_put_u32(&w, 512);
    bf_put_u32(&w, 65536);
    bf_put_u8(&w, BF_CHUNK_DATA);
    bf_put_bytes(&w, digest_a.bytes, 32);
    bf_put_u8(&w, BF_CHUNK_DATA);
    bf_put_bytes(&w, digest_b.bytes, 32);
    bf_put_u8(&w, BF_CHUNK_ZERO);
    bf_put_u64(&w, 3);
    bf_put_u8(&w, BF_CHUNK_UNUSED);
    bf_put_u64(&w, 1);
    bf_put_u8(&w, BF_CHUNK_UNREADABLE);
    bf_put_u64(&w, 1);
    bf_put_u8(&w, BF_CHUNK_DATA);
    bf_put_bytes(&w, digest_c.bytes, 32);
    bf_put_u8(&w, BF_CHUNK_ZERO);
    bf_put_u64(&w, 1);
    bf_hasher_init(&h, "bootferry 2026 manifest root v1");
    bf_hasher_add(&h, bytes, bf_writer_len(&w));
    bf_hasher_final(&h, out);
}

static void test_root_is_canonical(void)
{
    struct bf_root root;
    struct bf_digest want, got, pair[2];
    make_digests();
    root_by_definition(&want);
    pair[0] = digest_a;
    pair[1] = digest_b;
    bf_root_init(&root, &shape);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_DATA, 2, pair), BF_OK);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_ZERO, 1, NULL), BF_OK);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_ZERO, 2, NULL), BF_OK);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_UNUSED, 1, NULL), BF_OK);
    struct bf_root checkpoint = root;
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_UNREADABLE, 1, NULL), BF_OK);
    CHECK_EQ(bf_root_final(&root, &got), BF_ERR_RANGE);
    root = checkpoint;
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_UNREADABLE, 1, NULL), BF_OK);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_DATA, 1, &digest_c), BF_OK);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_ZERO, 1, NULL), BF_OK);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_ZERO, 1, NULL), BF_ERR_RANGE);
    CHECK_EQ(bf_root_final(&root, &got), BF_OK);
    CHECK_MEM(got.bytes, want.bytes, 32);
    CHECK_EQ(bf_root_final(&root, &got), BF_OK);
    CHECK_MEM(got.bytes, want.bytes, 32);
}

static void test_root_covers_geometry(void)
{
    static const struct bf_geometry shapes[] = {
        {65536 * 4, 512, 65536},
        {65536 * 4, 4096, 65536},
        {65536 * 4 - 512, 512, 65536},
        {65536 * 4, 512, 32768},
    };
    struct bf_digest roots[4];
    for (int i = 0; i < 4; i++) {
        struct bf_root root;
        bf_root_init(&root, &shapes[i]);
        CHECK_EQ(bf_root_add(&root, BF_CHUNK_ZERO, bf_geometry_chunks(&shapes[i]), NULL), BF_OK);
        CHECK_EQ(bf_root_final(&root, &roots[i]), BF_OK);
        for (int j = 0; j < i; j++)
            CHECK(!bf_digest_equal(&roots[i], &roots[j]));
    }
}

static void test_root_refuses_unknown(void)
{
    struct bf_root root;
    bf_root_init(&root, &shape);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_UNKNOWN, 1, NULL), BF_ERR_RANGE);
    CHECK_EQ(bf_root_add(&root, BF_CHUNK_ZERO, UINT64_MAX, NULL), BF_ERR_RANGE);
}

static void test_point_root_orders_disks(void)
{
    struct bf_digest ab[2], ba[2], one, two, three;
    make_digests();
    ab[0] = ba[1] = digest_a;
    ab[1] = ba[0] = digest_b;
    bf_point_root(ab, 2, &one);
    bf_point_root(ba, 2, &two);
    bf_point_root(ab, 1, &three);
    CHECK(!bf_digest_equal(&one, &two) && !bf_digest_equal(&one, &three));
}

struct memory {
    uint8_t bytes[4096];
    size_t len, at, step;
};

static enum bf_err memory_write(void *user, const void *bytes, size_t len)
{
    struct memory *m = user;
    if (len > sizeof m->bytes - m->len)
        return BF_ERR_NO_SPACE;
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
    return BF_OK;
}

static enum bf_err memory_read(void *user, void *bytes, size_t len, size_t *got)
{
    struct memory *m = user;
    size_t n = m->len - m->at < len ? m->len - m->at : len;
    if (m->step && n > m->step)
        n = m->step;
    memcpy(bytes, m->bytes + m->at, n);
    m->at += n;
    *got = n;
    return BF_OK;
}

static void write_shape(struct memory *m, struct bf_digest *root)
{
    struct bf_manifest_writer w;
    struct bf_digest pair[2];
    make_digests();
    pair[0] = digest_a;
    pair[1] = digest_b;
    memset(m, 0, sizeof *m);
    bf_manifest_begin(&w, &shape, (struct bf_manifest_sink){memory_write, m});
    bf_manifest_add(&w, BF_CHUNK_DATA, 2, pair);
    bf_manifest_add(&w, BF_CHUNK_ZERO, 2, NULL);
    bf_manifest_add(&w, BF_CHUNK_ZERO, 1, NULL);
    bf_manifest_add(&w, BF_CHUNK_UNUSED, 1, NULL);
    bf_manifest_add(&w, BF_CHUNK_UNREADABLE, 1, NULL);
    bf_manifest_add(&w, BF_CHUNK_DATA, 1, &digest_c);
    bf_manifest_add(&w, BF_CHUNK_ZERO, 1, NULL);
    CHECK_EQ(bf_manifest_end(&w, root), BF_OK);
}

static void test_file_golden_bytes(void)
{
    struct memory m;
    struct bf_digest root;
    uint8_t want[1024], *at = want;
    write_shape(&m, &root);
    from_hex(at, "42464d414e494654"
                 "01000000"
                 "28000000"
                 "0004080000000000"
                 "00020000"
                 "00000100"
                 "0000000000000000");
    at += 40;
    from_hex(at, "0100000000000000"
                 "0200000000000000");
    memcpy(at + 16, digest_a.bytes, 32);
    memcpy(at + 48, digest_b.bytes, 32);
    at += 80;
    from_hex(at, "0000000000000000"
                 "0300000000000000"
                 "0200000000000000"
                 "0100000000000000"
                 "0300000000000000"
                 "0100000000000000"
                 "0100000000000000"
                 "0100000000000000");
    memcpy(at + 64, digest_c.bytes, 32);
    at += 96;
    from_hex(at, "0000000000000000"
                 "0100000000000000"
                 "ff00000000000000"
                 "0900000000000000");
    root_by_definition(&root);
    memcpy(at + 32, root.bytes, 32);
    at += 64;
    CHECK_EQ(m.len, at - want);
    CHECK_MEM(m.bytes, want, m.len);
}

// Reads everything; the error at the end, BF_ERR_CLOSED for a sound file.
static enum bf_err read_all(struct memory *m, uint64_t *chunks)
{
    static struct bf_manifest_run run;
    struct bf_manifest_reader r;
    enum bf_err err = bf_manifest_open(&r, (struct bf_manifest_source){memory_read, m});
    *chunks = 0;
    while (!err) {
        err = bf_manifest_next(&r, &run);
        if (!err) {
            CHECK_EQ(run.first, *chunks);
            *chunks += run.count;
        }
    }
    CHECK_EQ(bf_manifest_next(&r, &run), err);
    return err;
}

static void test_file_round_trip_in_small_reads(void)
{
    struct memory m;
    struct bf_digest root;
    uint64_t chunks;
    for (size_t step = 0; step < 20; step++) {
        write_shape(&m, &root);
        m.step = step;
        CHECK_EQ(read_all(&m, &chunks), BF_ERR_CLOSED);
        CHECK_EQ(chunks, 9);
    }
}

static void test_file_every_truncation(void)
{
    struct memory m;
    struct bf_digest root;
    uint64_t chunks;
    write_shape(&m, &root);
    for (size_t len = m.len; len-- > 0;) {
        m.len = len;
        m.at = 0;
        CHECK_EQ(read_all(&m, &chunks), BF_ERR_CORRUPT);
    }
}

static void test_file_every_changed_byte(void)
{
    struct memory m;
    struct bf_digest root;
    uint64_t chunks;
    write_shape(&m, &root);
    for (size_t i = 0; i < m.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            m.bytes[i] ^= (uint8_t)(1 << bit);
            m.at = 0;
            enum bf_err err = read_all(&m, &chunks);
            CHECK(err == BF_ERR_CORRUPT || (err == BF_ERR_VERSION && i >= 8 && i < 12));
            m.bytes[i] ^= (uint8_t)(1 << bit);
        }
    m.bytes[m.len++] = 0;
    m.at = 0;
    CHECK_EQ(read_all(&m, &chunks), BF_ERR_CORRUPT);
}

static void test_file_writer_stops_at_errors(void)
{
    static struct memory m;
    struct bf_manifest_writer w;
    struct bf_digest root;
    m.len = sizeof m.bytes - 50;
    CHECK_EQ(bf_manifest_begin(&w, &shape, (struct bf_manifest_sink){memory_write, &m}), BF_OK);
    bf_manifest_add(&w, BF_CHUNK_DATA, 1, &digest_a);
    CHECK_EQ(bf_manifest_add(&w, BF_CHUNK_ZERO, 8, NULL), BF_ERR_NO_SPACE);
    CHECK_EQ(bf_manifest_end(&w, &root), BF_ERR_NO_SPACE);
    m.len = 0;
    bf_manifest_begin(&w, &shape, (struct bf_manifest_sink){memory_write, &m});
    bf_manifest_add(&w, BF_CHUNK_ZERO, 8, NULL);
    CHECK_EQ(bf_manifest_end(&w, &root), BF_ERR_RANGE);
}

TEST_MAIN(TEST(test_digest_vectors), TEST(test_zero_test_sees_every_byte),
          TEST(test_geometry_rules), TEST(test_geometry_chunks), TEST(test_root_is_canonical),
          TEST(test_root_covers_geometry), TEST(test_root_refuses_unknown),
          TEST(test_point_root_orders_disks), TEST(test_file_golden_bytes),
          TEST(test_file_round_trip_in_small_reads), TEST(test_file_every_truncation),
          TEST(test_file_every_changed_byte), TEST(test_file_writer_stops_at_errors))
