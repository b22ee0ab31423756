// SPDX-License-Identifier: Apache-2.0
// The protocol's frames: golden bytes, every message there and back, every truncation and one byte
// too many refused, and each judgement broken once.
#include "base/bytes.h"
#include "net/proto/proto.h"
#include "tests/proto_any.h"
#include "tests/proto_samples.h"
#include "tests/unit/test.h"

static uint8_t bytes[BF_FRAME_HEADER + BF_FRAME_PAYLOAD_MAX];
static uint8_t again[sizeof bytes];
static struct bf_inventory inventory;
static uint8_t digests[BF_BASE_ENTRIES_MAX * 32];

static struct bf_hello a_hello(void)
{
    return proto_sample_hello();
}

static struct bf_welcome a_welcome(void)
{
    return proto_sample_welcome();
}

static struct bf_planned_disk a_plan(void)
{
    return proto_sample_plan();
}

static void make_inventory(void)
{
    proto_sample_inventory(&inventory);
}

static size_t sample(unsigned which)
{
    return proto_sample(which, bytes, sizeof bytes);
}

static struct bf_frame parse(size_t len)
{
    struct bf_frame f;
    size_t need;
    CHECK_EQ(bf_frame_parse(bytes, len, &f, &need), BF_OK);
    CHECK_EQ(need, len);
    return f;
}

static void test_every_message_there_and_back(void)
{
    unsigned which;
    size_t len, len_again;
    for (which = 0; (len = sample(which)) > 0; which++) {
        struct bf_frame f = parse(len);
        CHECK_EQ(proto_any(&f, again, sizeof again, &len_again), BF_OK);
        CHECK_EQ(len_again, len);
        CHECK_MEM(again, bytes, len);
    }
    CHECK_EQ(which, 31);
}

static void test_every_truncation_is_refused(void)
{
    size_t len, unused;
    for (unsigned which = 0; (len = sample(which)) > 0; which++) {
        struct bf_frame f = parse(len);
        uint32_t whole = f.length;
        for (f.length = 0; f.length < whole; f.length++)
            CHECK_EQ(proto_any(&f, again, sizeof again, &unused), BF_ERR_PROTOCOL);
        f.length = whole + 1;
        bytes[len] = 0;
        CHECK_EQ(proto_any(&f, again, sizeof again, &unused), BF_ERR_PROTOCOL);
    }
}

static void test_every_small_buffer_is_refused(void)
{
    size_t len, unused;
    for (unsigned which = 0; (len = sample(which)) > 0; which++) {
        struct bf_frame f = parse(len);
        if (f.type == BF_MSG_DATA)
            continue; // its body is not the encoder's
        for (size_t size = 0; size < len; size++) {
            CHECK_EQ(proto_any(&f, again, size, &unused), BF_OK);
            CHECK_EQ(unused, 0);
        }
    }
}

static void check_golden(size_t len, const char *hex)
{
    CHECK_EQ(len * 2, strlen(hex));
    for (size_t i = 0; i < len; i++) {
        unsigned v;
        CHECK(sscanf(hex + 2 * i, "%2x", &v) == 1);
        if (bytes[i] != v)
            FAIL("byte %zu is %02x, expected %02x", i, bytes[i], v);
    }
}

static void test_golden_hello(void)
{
    check_golden(sample(0), "010000004b000000"
                            "4f54464552590d0a"
                            "01000100"
                            "0300000000000000"
                            "01020300000000000000000000000000"
                            "00000000000000000000000000000000"
                            "fbffffffffffffff"
                            "0d00626f6f74666572727920302e31");
}

static void test_golden_plan_range_data(void)
{
    struct bf_data data = {1, BF_CODEC_ZSTD, 1, 10, 4096, digests, digests, 100};
    check_golden(sample(5), "2200000020000000"
                            "0100000002000100000040000000000002000000000100"
                            "0700000000000000"
                            "00");
    check_golden(sample(10), "0600000013000000"
                             "0100100c000000000000000000000000010000");
    memset(digests, 0x5a, 32);
    size_t head = bf_put_data_head(bytes, sizeof bytes, &data);
    check_golden(head, "0500000094000000"
                       "010002010a0000000000000000100000"
                       "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
}

static void test_frame_header(void)
{
    struct bf_frame f;
    size_t need, len = sample(20);
    for (size_t i = 0; i < BF_FRAME_HEADER; i++) {
        CHECK_EQ(bf_frame_parse(bytes, i, &f, &need), BF_AGAIN);
        CHECK_EQ(need, BF_FRAME_HEADER);
    }
    for (size_t i = BF_FRAME_HEADER; i < len; i++) {
        CHECK_EQ(bf_frame_parse(bytes, i, &f, &need), BF_AGAIN);
        CHECK_EQ(need, len);
    }
    bytes[2] = 2; // an unknown flag
    CHECK_EQ(bf_frame_parse(bytes, len, &f, &need), BF_ERR_PROTOCOL);
    bytes[2] = 0;
    memcpy(bytes + 4, "\x01\x00\x14\x00", 4); // one byte more than allowed
    CHECK_EQ(bf_frame_parse(bytes, len, &f, &need), BF_ERR_PROTOCOL);
    memcpy(bytes + 4, "\x00\x00\x14\x00", 4);
    CHECK_EQ(bf_frame_parse(bytes, len, &f, &need), BF_AGAIN);
    memcpy(bytes + 4, "\xff\xff\xff\xff", 4);
    CHECK_EQ(bf_frame_parse(bytes, len, &f, &need), BF_ERR_PROTOCOL);
}

#define REFUSED(length)                                                                            \
    do {                                                                                           \
        size_t unused_;                                                                            \
        struct bf_frame f_ = parse(length);                                                        \
        CHECK_EQ(proto_any(&f_, again, sizeof again, &unused_), BF_ERR_PROTOCOL);                  \
    } while (0)

static void test_hello_is_judged(void)
{
    struct bf_hello m = a_hello();
    struct bf_frame f;
    m.version_min = 2;
    REFUSED(bf_put_hello(bytes, sizeof bytes, &m));
    m.version_min = 0;
    REFUSED(bf_put_hello(bytes, sizeof bytes, &m));
    m = a_hello();
    memset(m.boot, 0, sizeof m.boot);
    REFUSED(bf_put_hello(bytes, sizeof bytes, &m));
    m = a_hello();
    size_t len = bf_put_hello(bytes, sizeof bytes, &m);
    bytes[BF_FRAME_HEADER] ^= 1;
    REFUSED(len);
    // A later version may say more: its range must still be readable.
    m.version_max = 9;
    len = bf_put_hello(bytes, sizeof bytes, &m);
    f = parse(len);
    f.length += 20;
    CHECK_EQ(bf_get_hello(&f, &m), BF_OK);
    CHECK_EQ(m.version_max, 9);
}

static void test_inventory_is_judged(void)
{
    make_inventory();
    inventory.disk[0].identity.bytes = 1000;
    REFUSED(bf_put_inventory(bytes, sizeof bytes, &inventory));
    make_inventory();
    inventory.disk[0].identity.bytes = 0;
    REFUSED(bf_put_inventory(bytes, sizeof bytes, &inventory));
    make_inventory();
    snprintf(inventory.disk[0].why, 96, "planned, and yet a reason");
    REFUSED(bf_put_inventory(bytes, sizeof bytes, &inventory));
    make_inventory();
    inventory.firmware = 3;
    REFUSED(bf_put_inventory(bytes, sizeof bytes, &inventory));
    make_inventory();
    inventory.nic[0].link = 2;
    REFUSED(bf_put_inventory(bytes, sizeof bytes, &inventory));
    make_inventory();
    inventory.disks = BF_PROTO_DISKS_MAX + 1;
    CHECK_EQ(bf_put_inventory(bytes, sizeof bytes, &inventory), 0);
}

static void test_session_messages_are_judged(void)
{
    struct bf_welcome w = a_welcome();
    struct bf_planned_disk p = a_plan();
    struct bf_fault fault = {BF_OK, BF_SIDE_SERVER, "x", "y"};
    struct bf_enrol enrol = {"Web", {0}, digests, 10};
    struct bf_busy busy = {BF_BUSY_MAX_MS + 1};
    w.version = 2;
    REFUSED(bf_put_welcome(bytes, sizeof bytes, &w));
    w = a_welcome();
    memset(w.session, 0, 16);
    REFUSED(bf_put_welcome(bytes, sizeof bytes, &w));
    w = a_welcome();
    w.resumed = 2;
    REFUSED(bf_put_welcome(bytes, sizeof bytes, &w));
    w = a_welcome();
    snprintf(w.name, sizeof w.name, "../etc");
    REFUSED(bf_put_welcome(bytes, sizeof bytes, &w));
    p.geometry.chunk_size = 1000;
    REFUSED(bf_put_plan(bytes, sizeof bytes, &p));
    p = a_plan();
    p.resume_chunk = 16385;
    REFUSED(bf_put_plan(bytes, sizeof bytes, &p));
    p = a_plan();
    p.done = 1;
    REFUSED(bf_put_plan(bytes, sizeof bytes, &p));
    p = a_plan();
    p.disks = 0;
    REFUSED(bf_put_plan(bytes, sizeof bytes, &p));
    REFUSED(bf_put_fault(bytes, sizeof bytes, &fault));
    REFUSED(bf_put_enrol(bytes, sizeof bytes, &enrol));
    REFUSED(bf_put_busy(bytes, sizeof bytes, &busy));
}

static void test_copy_messages_are_judged(void)
{
    struct bf_data data = {1, BF_CODEC_LZ4, 1, 10, 100, digests, digests, 100};
    struct bf_range range = {1, BF_CHUNK_DATA, 0, 1};
    struct bf_base_want want = {1, 0, 65537};
    struct bf_base_run base = {1, 5, 0, 1, NULL};
    REFUSED(bf_put_data_head(bytes, sizeof bytes, &data) + 100); // not smaller than raw
    data.codec = 3;
    data.body_len = 50;
    REFUSED(bf_put_data_head(bytes, sizeof bytes, &data) + 50);
    data.codec = BF_CODEC_LZ4;
    data.count = 0;
    REFUSED(bf_put_data_head(bytes, sizeof bytes, &data) + 50);
    data.count = BF_DATA_CHUNKS_MAX + 1;
    REFUSED(bf_put_data_head(bytes, sizeof bytes, &data) + 50);
    data.count = 1;
    data.raw_len = BF_DATA_MAX + 1;
    REFUSED(bf_put_data_head(bytes, sizeof bytes, &data) + 50);
    data.raw_len = 100;
    data.disk = BF_PROTO_DISKS_MAX;
    REFUSED(bf_put_data_head(bytes, sizeof bytes, &data) + 50);
    data.body_len = BF_FRAME_PAYLOAD_MAX;
    CHECK_EQ(bf_put_data_head(bytes, sizeof bytes, &data), 0);
    REFUSED(bf_put_range(bytes, sizeof bytes, &range));
    range.state = BF_CHUNK_ZERO;
    range.count = 0;
    REFUSED(bf_put_range(bytes, sizeof bytes, &range));
    range.first = UINT64_MAX;
    range.count = 2;
    REFUSED(bf_put_range(bytes, sizeof bytes, &range));
    REFUSED(bf_put_base_want(bytes, sizeof bytes, &want));
    REFUSED(bf_put_base(bytes, sizeof bytes, &base));
    base.state = BF_CHUNK_DATA;
    base.count = BF_BASE_ENTRIES_MAX + 1;
    base.digests = digests;
    CHECK_EQ(bf_put_base(bytes, sizeof bytes, &base), 0);
}

static void test_golden_unseen_and_place(void)
{
    check_golden(sample(26), "0d000100"
                             "40000000"
                             "0000"
                             "00105b00"
                             "010400"
                             "0c00303030303a30303a30352e30"
                             "0f005241494420636f6e74726f6c6c6572"
                             "16006e6f7468696e672068657265206472697665732069"
                             "74");
    check_golden(sample(27), "0e000100"
                             "53000000"
                             "01000200"
                             "0f00766f6c756d65207667302f726f6f74"
                             "040065787434"
                             "1400697420776173206e6f7420756e6d6f756e746564"
                             "0200"
                             "00000040000000000000400000000000"
                             "00001000000000000000200000000000");
}

static void test_unseen_is_judged(void)
{
    struct bf_unseen m = proto_sample_unseen();
    m.kind = 2;
    REFUSED(bf_put_unseen(bytes, sizeof bytes, &m));
    m = proto_sample_unseen();
    m.asked = 2;
    REFUSED(bf_put_unseen(bytes, sizeof bytes, &m));
    m = proto_sample_unseen();
    m.what[0] = 0;
    REFUSED(bf_put_unseen(bytes, sizeof bytes, &m));
    m = proto_sample_unseen();
    m.why[3] = '\n';
    REFUSED(bf_put_unseen(bytes, sizeof bytes, &m));
}

static void test_golden_boot_entry(void)
{
    check_golden(sample(28), "0f000100"
                             "2f000000"
                             "0300"
                             "0001"
                             "060064656269616e"
                             "2100484428312c475054292f5c4546495c64656269616e5c"
                             "7368696d7836342e656669");
}

static void test_boot_entry_is_judged(void)
{
    struct bf_boot_entry m = proto_sample_boot_entry();
    m.current = 2;
    REFUSED(bf_put_boot_entry(bytes, sizeof bytes, &m));
    m = proto_sample_boot_entry();
    m.active = 2;
    REFUSED(bf_put_boot_entry(bytes, sizeof bytes, &m));
    m = proto_sample_boot_entry();
    m.path[3] = '\n';
    REFUSED(bf_put_boot_entry(bytes, sizeof bytes, &m));
}

static void test_assessments_are_judged(void)
{
    struct bf_assessment m = {.disks = 1}, ok;
    struct bf_assessed a = {.link = INT64_MAX};
    m.disk[0] = (struct bf_assessed_disk){2, 1000, 1000, 5, 7, 7, "S1"};
    ok = m;
    CHECK(bf_put_assessment(bytes, sizeof bytes, &m) > 0);
    m.disk[0].used = 1001;
    REFUSED(bf_put_assessment(bytes, sizeof bytes, &m));
    m = ok;
    m.disk[0].packed = 8;
    REFUSED(bf_put_assessment(bytes, sizeof bytes, &m));
    m = ok;
    m.disk[0].rate = UINT64_MAX;
    REFUSED(bf_put_assessment(bytes, sizeof bytes, &m));
    m = ok;
    m.disk[0].number = BF_PROTO_DISKS_MAX;
    REFUSED(bf_put_assessment(bytes, sizeof bytes, &m));
    m = ok;
    m.unseen_list[0] = 7;
    REFUSED(bf_put_assessment(bytes, sizeof bytes, &m));
    m = ok;
    m.compute = UINT64_MAX;
    REFUSED(bf_put_assessment(bytes, sizeof bytes, &m));
    a.link++;
    REFUSED(bf_put_assessed(bytes, sizeof bytes, &a));
    m = ok;
    m.disks = 0;
    CHECK_EQ(bf_put_assessment(bytes, sizeof bytes, &m), 0);
    m.disks = BF_PROTO_DISKS_MAX + 1;
    CHECK_EQ(bf_put_assessment(bytes, sizeof bytes, &m), 0);
    CHECK_EQ(bf_put_fill_head(bytes, sizeof bytes, 300), BF_FRAME_HEADER);
    check_golden(BF_FRAME_HEADER, "10000000"
                                  "2c010000");
    CHECK_EQ(bf_put_fill_head(bytes, sizeof bytes, 0), 0);
    CHECK_EQ(bf_put_fill_head(bytes, sizeof bytes, BF_DATA_MAX + 1), 0);
    CHECK_EQ(bf_put_fill_head(bytes, BF_FRAME_HEADER - 1, 300), 0);
}

static void test_place_is_judged(void)
{
    struct bf_place m = proto_sample_place();
    m.disk = BF_PROTO_DISKS_MAX;
    REFUSED(bf_put_place(bytes, sizeof bytes, &m));
    m = proto_sample_place();
    m.ordinal = BF_PLACES_MAX;
    REFUSED(bf_put_place(bytes, sizeof bytes, &m));
    m = proto_sample_place();
    m.name[0] = 0;
    REFUSED(bf_put_place(bytes, sizeof bytes, &m));
    m = proto_sample_place();
    m.what[0] = 0;
    REFUSED(bf_put_place(bytes, sizeof bytes, &m));
    m = proto_sample_place();
    m.span[1].bytes = 0;
    REFUSED(bf_put_place(bytes, sizeof bytes, &m));
    m = proto_sample_place();
    m.span[0].first = INT64_MAX;
    REFUSED(bf_put_place(bytes, sizeof bytes, &m));
    m = proto_sample_place();
    m.count = BF_PLACE_SPANS_MAX + 1;
    CHECK_EQ(bf_put_place(bytes, sizeof bytes, &m), 0);
    // A count beyond the limit in the frame itself, with as many bytes as it wants.
    m.count = BF_PLACE_SPANS_MAX;
    for (uint32_t i = 0; i < BF_PLACE_SPANS_MAX; i++)
        m.span[i] = (struct bf_place_span){i, 1};
    size_t len = bf_put_place(bytes, sizeof bytes, &m), at = len - 16 * BF_PLACE_SPANS_MAX - 2;
    struct bf_frame f = parse(len);
    CHECK_EQ(bf_get_place(&f, &m), BF_OK);
    CHECK_EQ(m.span[BF_PLACE_SPANS_MAX - 1].first, BF_PLACE_SPANS_MAX - 1);
    bytes[at]++;
    f.length += 16;
    CHECK_EQ(bf_get_place(&f, &m), BF_ERR_PROTOCOL);
}

static void test_fault_of_a_later_version_keeps_its_words(void)
{
    struct bf_fault fault = {(enum bf_err)999, BF_SIDE_SERVER, "something new", "update"}, got;
    struct bf_frame f = parse(bf_put_fault(bytes, sizeof bytes, &fault));
    CHECK_EQ(bf_get_fault(&f, &got), BF_OK);
    CHECK_EQ(got.code, BF_ERR_UNSUPPORTED);
    CHECK_STR(got.what, "something new");
}

static void test_machine_names(void)
{
    static const char *const good[] = {"a",
                                       "web-1",
                                       "0",
                                       "db.example.org",
                                       "x--y",
                                       ("a2345678901234567890123456789012"
                                        "3456789012345678901234567890123")};
    static const char *const bad[] = {"",
                                      "-a",
                                      ".a",
                                      "A",
                                      "a..b",
                                      "a/b",
                                      "a b",
                                      "a_b",
                                      "\xc3\xa4",
                                      ("a2345678901234567890123456789012"
                                       "34567890123456789012345678901234")};
    for (size_t i = 0; i < BF_COUNT(good); i++)
        CHECK(bf_machine_name_ok(good[i]));
    for (size_t i = 0; i < BF_COUNT(bad); i++)
        CHECK(!bf_machine_name_ok(bad[i]));
}

TEST_MAIN(TEST(test_every_message_there_and_back), TEST(test_every_truncation_is_refused),
          TEST(test_every_small_buffer_is_refused), TEST(test_golden_hello),
          TEST(test_golden_plan_range_data), TEST(test_frame_header), TEST(test_hello_is_judged),
          TEST(test_inventory_is_judged), TEST(test_session_messages_are_judged),
          TEST(test_copy_messages_are_judged), TEST(test_golden_unseen_and_place),
          TEST(test_unseen_is_judged), TEST(test_golden_boot_entry),
          TEST(test_boot_entry_is_judged), TEST(test_assessments_are_judged),
          TEST(test_place_is_judged), TEST(test_fault_of_a_later_version_keeps_its_words),
          TEST(test_machine_names))
