// SPDX-License-Identifier: Apache-2.0
// What is looked at in a qcow2 file before anything opens it: the header that we make passes, and
// each header that could lead QEMU to another file, or that is none, does not.
#include "replica/qemu/qcow2.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/test.h"

enum { HEADER = 104, BACKING = 8, CRYPT = 32, FEATURES = 72 };

static char folder[64];
static int dir;
static struct bf_fault fault;

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/bootferry-qcow2-XXXXXX");
    CHECK(mkdtemp(folder));
    dir = open(folder, O_RDONLY | O_DIRECTORY);
    CHECK(dir >= 0);
}

static void end(void)
{
    unlinkat(dir, "link", 0);
    unlinkat(dir, "layer", 0);
    close(dir);
    CHECK_EQ(rmdir(folder), 0);
}

// As qemu-img makes a layer over another one (docs/interop/qcow2 of QEMU).
static void sound(uint8_t header[HEADER])
{
    memset(header, 0, HEADER);
    memcpy(header, "QFI\xfb", 4);
    header[7] = 3;           // version
    header[BACKING + 6] = 2; // where the name of the file below stands
    header[19] = 20;         // and its length
    header[23] = 16;         // clusters of 64 KiB
    header[28] = 1;          // 16 MiB
    header[99] = 4;          // the order of reference counts
    header[103] = HEADER;
}

static void write_layer(const void *bytes, size_t len)
{
    int fd = openat(dir, "layer", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK_EQ(write(fd, bytes, len), len);
    close(fd);
}

// The verdict on the sound header with this byte exclusively or-ed.
static enum bf_err changed(size_t at, uint8_t bits)
{
    uint8_t header[HEADER];

    sound(header);
    header[at] ^= bits;
    write_layer(header, sizeof header);
    memset(&fault, 0, sizeof fault);
    return bf_qcow2_check(dir, "layer", &fault);
}

static void test_our_layers_pass(void)
{
    begin();
    CHECK_EQ(changed(0, 0), BF_OK);
    CHECK_EQ(changed(FEATURES + 7, 1 << 0),
             BF_OK); // reference counts are repaired when it is opened
    CHECK_EQ(changed(FEATURES + 7, 1 << 4), BF_OK); // subclusters
    CHECK_EQ(changed(FEATURES + 7, 1 << 0 | 1 << 4), BF_OK);
    CHECK_EQ(changed(80 + 7, 1), BF_OK); // lazy reference counts: a compatible feature
    end();
}

static void test_every_other_feature_is_refused(void)
{
    begin();
    for (int bit = 0; bit < 64; bit++) {
        enum bf_err expected = bit == 0 || bit == 4 ? BF_OK : BF_ERR_CORRUPT;

        CHECK_EQ(changed(FEATURES + 7 - (size_t)bit / 8, (uint8_t)(1 << bit % 8)), expected);
    }
    end();
}

static void test_encryption_is_refused(void)
{
    begin();
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(changed(CRYPT + i, 1), BF_ERR_CORRUPT);
    end();
}

static void test_other_versions_and_formats_are_refused(void)
{
    begin();
    CHECK_EQ(changed(7, 3 ^ 2), BF_ERR_CORRUPT);
    CHECK_EQ(changed(7, 3 ^ 4), BF_ERR_CORRUPT);
    CHECK_EQ(changed(4, 1), BF_ERR_CORRUPT);
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(changed(i, 0x20), BF_ERR_CORRUPT);
    end();
}

// A header that is cut says nothing about the features that it would have had.
static void test_short_files_are_refused(void)
{
    uint8_t header[HEADER];

    begin();
    sound(header);
    for (size_t len = 0; len < FEATURES + 8; len++) {
        write_layer(header, len);
        CHECK_EQ(bf_qcow2_check(dir, "layer", &fault), BF_ERR_CORRUPT);
    }
    write_layer(header, FEATURES + 8);
    CHECK_EQ(bf_qcow2_check(dir, "layer", &fault), BF_OK);
    end();
}

static void test_a_link_is_not_followed(void)
{
    begin();
    CHECK_EQ(changed(0, 0), BF_OK);
    CHECK_EQ(symlinkat("layer", dir, "link"), 0);
    CHECK(bf_qcow2_check(dir, "link", &fault) != BF_OK);
    CHECK(strstr(fault.what, "link cannot be read"));
    end();
}

static void test_faults_name_the_file(void)
{
    begin();
    CHECK_EQ(changed(FEATURES + 7, 1 << 2), BF_ERR_CORRUPT); // data in an external file
    CHECK_EQ(fault.code, BF_ERR_CORRUPT);
    CHECK_EQ(fault.side, BF_SIDE_SERVER);
    CHECK_STR(fault.what, "layer has a header that Bootferry did not write");
    CHECK_EQ(bf_qcow2_check(dir, "gone", &fault), BF_ERR_NOT_FOUND);
    CHECK(strstr(fault.what, "gone cannot be read"));
    CHECK(fault.todo[0]);
    end();
}

TEST_MAIN(TEST(test_our_layers_pass), TEST(test_every_other_feature_is_refused),
          TEST(test_encryption_is_refused), TEST(test_other_versions_and_formats_are_refused),
          TEST(test_short_files_are_refused), TEST(test_a_link_is_not_followed),
          TEST(test_faults_name_the_file))
