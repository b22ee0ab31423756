// SPDX-License-Identifier: Apache-2.0
// SCSI commands and answers: what units of all kinds say about themselves, statuses and sense data.
#include "drivers/scsi.h"

#include "base/bytes.h"
#include "tests/unit/test.h"

// A unit that answers what a test put here; nothing means that it refuses.
struct answers {
    uint8_t data[7][BF_SCSI_ANSWER_BYTES]; // inquiry, pages 00 80 83 b0, capacities
    uint32_t len[7];
    enum bf_err instead[7]; // an error
    uint32_t asked[7];
};
enum { STANDARD, LIST, SERIAL, DEVICES, LIMITS, CAPACITY_10, CAPACITY_16 };

static int which(const uint8_t *cdb)
{
    if (cdb[0] == 0x12 && !(cdb[1] & 1))
        return STANDARD;
    if (cdb[0] == 0x12)
        return cdb[2] == 0x00 ? LIST : cdb[2] == 0x80 ? SERIAL : cdb[2] == 0x83 ? DEVICES : LIMITS;
    return cdb[0] == 0x25 ? CAPACITY_10 : CAPACITY_16;
}

static enum bf_err ask(void *impl, const uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes,
                       const uint8_t **answer, uint32_t *got)
{
    struct answers *a = impl;
    int i = which(cdb);
    a->asked[i]++;
    if (a->instead[i])
        return a->instead[i];
    if (!a->len[i])
        return BF_ERR_IO;
    *answer = a->data[i];
    *got = a->len[i] < bytes ? a->len[i] : bytes;
    return BF_OK;
}

static struct answers answers;
static struct bf_block_geometry g;
static struct bf_disk_identity id;

static enum bf_err look(void)
{
    struct bf_scsi_carrier carrier = {.ask = ask, .impl = &answers};
    memset(&g, 0, sizeof g);
    memset(&id, 0, sizeof id);
    memset(answers.asked, 0, sizeof answers.asked);
    return bf_scsi_look(&carrier, &g, &id);
}

static void set(int i, const void *bytes, uint32_t len)
{
    memset(answers.data[i], 0, sizeof answers.data[i]);
    memcpy(answers.data[i], bytes, len);
    answers.len[i] = len;
}

// 2 TiB less a block, blocks of 512, one page.
static void a_disk(void)
{
    static uint8_t standard[36] = {0, 0, 6, 2, 31};
    memset(&answers, 0, sizeof answers);
    memcpy(standard + 8, "MAKER   A disk          ", 24);
    set(STANDARD, standard, sizeof standard);
    set(LIST, "\0\0\0\2\0\x80", 6);
    set(SERIAL, "\0\x80\0\4abcd", 8);
    set(CAPACITY_10, "\xff\xff\xff\xfe\0\0\2\0", 8);
}

static void test_asks_only_what_is_listed(void)
{
    a_disk();
    CHECK_EQ(look(), BF_OK);
    CHECK_EQ(g.blocks, UINT32_MAX);
    CHECK_EQ(g.block_size, 512);
    CHECK_EQ(g.max_blocks, 0);
    CHECK_STR(id.serial, "abcd");
    CHECK_EQ(answers.asked[DEVICES] + answers.asked[LIMITS] + answers.asked[CAPACITY_16], 0);
    set(LIST, "\0\0\xff\xff\0\xb0\x83", 7); // says that it is longer than it is
    set(LIMITS, "\0\xb0\0\x3c\0\0\0\0\0\0\4\0", 12);
    CHECK_EQ(look(), BF_OK);
    CHECK_EQ(answers.asked[SERIAL], 0);
    CHECK_EQ(answers.asked[DEVICES], 1); // which it then refuses
    CHECK_EQ(g.max_blocks, 1024);
    set(LIMITS, "\0\xb0\0\x3c\0\0\0\0\0\0\4", 11); // cut short
    CHECK_EQ(look(), BF_OK);
    CHECK_EQ(g.max_blocks, 0);
    set(LIMITS, "\0\x83\0\x3c\0\0\0\0\0\0\4\0", 12); // another page
    CHECK_EQ(look(), BF_OK);
    CHECK_EQ(g.max_blocks, 0);
    answers.len[LIST] = 0;
    CHECK_EQ(look(), BF_OK);
    CHECK_STR(id.serial, "");
    CHECK_STR(id.model, "MAKER A disk");
}

static void test_capacities(void)
{
    uint8_t wide[32] = {0};
    a_disk();
    set(CAPACITY_10, "\xff\xff\xff\xff\0\0\2\0", 8);
    CHECK_EQ(look(), BF_ERR_IO); // the long form is refused
    memcpy(wide, "\0\0\0\1\0\0\0\0\0\0\x10\0", 12);
    set(CAPACITY_16, wide, sizeof wide);
    CHECK_EQ(look(), BF_OK);
    CHECK_EQ(g.blocks, (1ull << 32) + 1);
    CHECK_EQ(g.block_size, 4096);
    answers.len[CAPACITY_16] = 12;
    CHECK_EQ(look(), BF_ERR_PROTOCOL);
    set(CAPACITY_10, "\xff\xff\xff\xff\0\0\2", 7);
    CHECK_EQ(look(), BF_ERR_PROTOCOL);
    a_disk();
    answers.data[STANDARD][5] = 1; // protection information is possible: the long form tells
    set(CAPACITY_16, wide, sizeof wide);
    for (uint8_t type = 0; type < 16; type++) {
        answers.data[CAPACITY_16][12] = type;
        CHECK_EQ(look(), type == 3 ? BF_ERR_UNSUPPORTED : BF_OK);
    }
    memset(answers.data[CAPACITY_16], 0xff, 8);
    answers.data[CAPACITY_16][12] = 0;
    CHECK_EQ(look(), BF_OK);
    CHECK(bf_block_geometry_check(&g) != BF_OK);
}

static void test_what_is_no_disk(void)
{
    static const uint8_t types[] = {0x01, 0x05, 0x1f, 0x20, 0x60, 0x7f, 0x14, 0x0d};
    for (size_t i = 0; i < sizeof types; i++) {
        a_disk();
        answers.data[STANDARD][0] = types[i];
        CHECK_EQ(look(), BF_ERR_UNSUPPORTED);
    }
    a_disk();
    answers.len[STANDARD] = 35;
    CHECK_EQ(look(), BF_ERR_UNSUPPORTED);
}

// Silence, or a unit that is gone, ends the asking wherever it comes.
static void test_silence_ends_it(void)
{
    for (int i = STANDARD; i <= CAPACITY_10; i++) {
        a_disk();
        set(LIST, "\0\0\0\4\0\x80\x83\xb0", 8);
        answers.instead[i] = BF_ERR_TIMEOUT;
        CHECK_EQ(look(), BF_ERR_TIMEOUT);
        for (int later = i + 1; later <= CAPACITY_16; later++)
            CHECK_EQ(answers.asked[later], 0);
    }
}

static void test_reads(void)
{
    static const uint8_t short_read[16] = {0x28, 0, 1, 2, 3, 4, 0, 1, 0};
    static const uint8_t long_read[16] = {0x88, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 8};
    static const uint8_t wide_read[16] = {0x88, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 1, 0, 0};
    uint8_t cdb[BF_SCSI_CDB_BYTES];
    bf_scsi_read(cdb, 0x01020304, 256);
    CHECK_MEM(cdb, short_read, 16);
    bf_scsi_read(cdb, 0x0102030405, 8);
    CHECK_MEM(cdb, long_read, 16);
    bf_scsi_read(cdb, 0x01020304, 65536);
    CHECK_MEM(cdb, wide_read, 16);
}

static void test_sense(void)
{
    static const struct {
        uint8_t code, key, asc;
        enum bf_err fixed;
    } cases[] = {
        {0x70, 0x0, 0x00, BF_OK},       {0x70, 0x1, 0x17, BF_OK},
        {0x70, 0x2, 0x04, BF_ERR_BUSY}, {0x70, 0x3, 0x11, BF_ERR_IO},
        {0x70, 0x4, 0x44, BF_ERR_IO},   {0x70, 0x5, 0x21, BF_ERR_IO},
        {0x70, 0x6, 0x29, BF_AGAIN},    {0x70, 0x7, 0x27, BF_ERR_IO},
        {0x70, 0x8, 0x00, BF_ERR_IO},   {0x70, 0xb, 0x00, BF_AGAIN},
        {0x70, 0xf, 0x00, BF_OK},       {0x70, 0x2, 0x3a, BF_ERR_MEDIA},
        {0x71, 0x3, 0x0c, BF_AGAIN},    {0x70, 0x5, 0x25, BF_ERR_MEDIA},
        {0xf0, 0x6, 0x29, BF_AGAIN},    {0x7f, 0x6, 0x29, BF_ERR_IO},
        {0x00, 0x6, 0x29, BF_ERR_IO},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        uint8_t code = cases[i].code;
        uint8_t fixed[18] = {code, 0, cases[i].key, 0, 0, 0, 0, 10, 0, 0, 0, 0, cases[i].asc};
        uint8_t descriptor[8] = {(uint8_t)(code + 2), cases[i].key, cases[i].asc};
        CHECK_EQ(bf_scsi_classify(2, fixed, sizeof fixed), cases[i].fixed);
        if ((code & 0x7e) == 0x70)
            CHECK_EQ(bf_scsi_classify(2, descriptor, sizeof descriptor), cases[i].fixed);
    }
    uint8_t no_asc[12] = {0x70, 0, 2, 0, 0, 0, 0, 10};
    CHECK_EQ(bf_scsi_classify(2, no_asc, sizeof no_asc), BF_ERR_BUSY);
    for (size_t len = 0; len < 4; len++)
        CHECK_EQ(bf_scsi_classify(2, no_asc, len), BF_ERR_IO);
}

static void test_statuses(void)
{
    for (uint32_t status = 0; status < 256; status++) {
        enum bf_err expected = status == 0                     ? BF_OK
                               : status == 8 || status == 0x28 ? BF_ERR_BUSY
                               : status == 0x40                ? BF_AGAIN
                                                               : BF_ERR_IO;
        CHECK_EQ(bf_scsi_classify((uint8_t)status, NULL, 0), expected);
    }
}

TEST_MAIN(TEST(test_asks_only_what_is_listed), TEST(test_capacities), TEST(test_what_is_no_disk),
          TEST(test_silence_ends_it), TEST(test_reads), TEST(test_sense), TEST(test_statuses))
