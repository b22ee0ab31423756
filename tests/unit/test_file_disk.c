// SPDX-License-Identifier: Apache-2.0
// Files as source disks, with the threads that read them.
#include <fcntl.h>
#include <sys/stat.h>

#include "base/platform.h"
#include "linux/file_disk.h"
#include "linux/file_readers.h"
#include "tests/unit/test.h"

enum { BYTES = 128 * 1024, BLOCK = 4096, BLOCKS = BYTES / BLOCK };
#define PATIENCE_US (TEST_PATIENCE_S * 1000000ull)

static uint8_t data[BYTES];
static struct bf_file_disk file;
static struct bf_fault fault;

static void make_file(char path[64])
{
    strcpy(path, "/tmp/bootferry-test-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i / 4096 * 31 + i * 7);
    CHECK_EQ(write(fd, data, sizeof data), sizeof data);
    close(fd);
}

static void test_files_as_disks(void)
{
    static uint8_t out[9000];
    char path[64];
    make_file(path);
    CHECK_EQ(bf_file_disk_open(&file, path, BLOCK, 0, &fault), BF_OK);
    CHECK_EQ(bf_source_bytes(&file.source), BYTES);
    CHECK_STR(file.source.identity.path, path);
    CHECK_EQ(fcntl(file.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    CHECK_EQ(bf_source_read(&file.source, 5000, out, sizeof out, PATIENCE_US), BF_OK);
    CHECK_MEM(out, data + 5000, sizeof out);
    CHECK_EQ(truncate(path, 4096), 0); // shorter than it was: an error, not zeros
    CHECK_EQ(bf_source_read(&file.source, 5000, out, sizeof out, PATIENCE_US), BF_ERR_IO);
    bf_source_close(&file.source);
    CHECK_EQ(truncate(path, 1000), 0);
    CHECK_EQ(bf_file_disk_open(&file, path, 0, 0, &fault), BF_ERR_CONFIG);
    unlink(path);
    CHECK_EQ(bf_file_disk_open(&file, path, 0, 0, &fault), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_file_disk_open(&file, "/dev/null", 0, 0, &fault), BF_ERR_CONFIG);
}

// Holes of many lengths, none of which need begin or end with a block; the last one is the end.
static void make_holes(const char *path, uint64_t bytes)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    CHECK(fd >= 0);
    for (uint64_t at = 4096, step = 1; at < bytes - 300000; at += 4096 * step++)
        CHECK_EQ(pwrite(fd, data, step % 3 ? 4096 : 9000, (off_t)at), step % 3 ? 4096 : 9000);
    CHECK_EQ(ftruncate(fd, (off_t)bytes), 0);
    close(fd);
}

// What is called zeros is; returns how many blocks are.
static uint64_t zeros_are_zeros(uint32_t block)
{
    static uint8_t out[16384];
    static const uint8_t zero[16384];
    uint64_t all = file.source.geometry.blocks, at = 0, blocks, sum = 0;
    for (; at < all; at += blocks) {
        int zeros = bf_source_zeros(&file.source, at, &blocks);
        CHECK(blocks > 0 && blocks <= all - at);
        sum += zeros ? blocks : 0;
        for (uint64_t i = at; zeros && i < at + blocks; i++) {
            CHECK_EQ(bf_source_read(&file.source, i * block, out, block, PATIENCE_US), BF_OK);
            CHECK_MEM(out, zero, block);
        }
    }
    CHECK_EQ(at, all);
    return sum;
}

static void test_holes_are_zeros(void)
{
    enum { LARGE = 6 << 20 };
    uint64_t blocks;
    char path[64];
    make_file(path);
    CHECK_EQ(bf_file_disk_open(&file, path, BLOCK, 0, &fault), BF_OK);
    CHECK_EQ(bf_source_zeros(&file.source, 0, &blocks), 0); // no holes
    CHECK_EQ(blocks, BLOCKS);
    bf_source_close(&file.source);
    make_holes(path, LARGE);
    for (uint32_t block = 512; block <= 16384; block *= 2) {
        CHECK_EQ(bf_file_disk_open(&file, path, block, 0, &fault), BF_OK);
        uint64_t sum = zeros_are_zeros(block);
        printf("# %llu KiB of holes in blocks of %u\n", (unsigned long long)sum * block / 1024,
               block);
        CHECK(sum > 0 || !file.holes);
        file.holes = 0; // as on a file system that knows of none
        CHECK_EQ(zeros_are_zeros(block), 0);
        bf_source_close(&file.source);
    }
    CHECK_EQ(bf_file_disk_open(&file, path, BLOCK, 0, &fault), BF_OK);
    CHECK_EQ(truncate(path, LARGE / 2), 0); // what is gone is not zeros
    CHECK_EQ(bf_source_zeros(&file.source, LARGE / 4 * 3 / BLOCK, &blocks), 0);
    bf_source_close(&file.source);
    unlink(path);
}

static void request(struct bf_block_request *r, uint64_t block, void *out)
{
    *r = (struct bf_block_request){.block = block, .count = 1, .data = out};
}

// Every block, as many at once as the disk takes, in whatever order they come.
static void test_several_reads_at_once(void)
{
    static uint8_t out[BYTES];
    static struct bf_block_request r[BLOCKS];
    uint64_t deadline = bf_platform_now_us() + PATIENCE_US;
    uint32_t given = 0, done = 0;
    char path[64];
    make_file(path);
    CHECK_EQ(bf_file_disk_open(&file, path, BLOCK, 0, &fault), BF_OK);
    unlink(path);
    CHECK_EQ(file.source.geometry.depth, BF_FILE_READERS);
    CHECK(!file.source.geometry.blocking);
    while (done < BLOCKS && bf_platform_now_us() < deadline) {
        if (given < BLOCKS) {
            request(&r[given], BLOCKS - 1 - given, out + (size_t)(BLOCKS - 1 - given) * BLOCK);
            enum bf_err err = bf_source_submit(&file.source, &r[given]);
            CHECK(err == BF_OK || err == BF_AGAIN);
            given += err == BF_OK;
        }
        bf_source_poll(&file.source);
        done = 0;
        for (uint32_t i = 0; i < given; i++)
            done += r[i].done;
        CHECK(given - done <= BF_FILE_READERS);
    }
    CHECK_EQ(done, BLOCKS);
    for (uint32_t i = 0; i < BLOCKS; i++)
        CHECK_EQ(r[i].status, BF_OK);
    CHECK_MEM(out, data, BYTES);
    bf_source_close(&file.source);
}

// Nothing is done behind the loop's back, and closing ends what is under way.
static void test_closing_with_reads_under_way(void)
{
    static uint8_t out[BF_FILE_READERS][BLOCK];
    static struct bf_block_request r[BF_FILE_READERS], more;
    char path[64];
    make_file(path);
    CHECK_EQ(bf_file_disk_open(&file, path, BLOCK, 0, &fault), BF_OK);
    unlink(path);
    for (uint32_t i = 0; i < BF_FILE_READERS; i++) {
        request(&r[i], i, out[i]);
        CHECK_EQ(bf_source_submit(&file.source, &r[i]), BF_OK);
    }
    request(&more, 0, out[0]);
    CHECK_EQ(bf_source_submit(&file.source, &more), BF_AGAIN);
    bf_platform_idle(20000);
    for (uint32_t i = 0; i < BF_FILE_READERS; i++)
        CHECK(!r[i].done);
    bf_source_close(&file.source);
    for (uint32_t i = 0; i < BF_FILE_READERS; i++) {
        CHECK(r[i].done);
        memset(out[i], 0, BLOCK); // nobody writes there any more
    }
}

TEST_MAIN(TEST(test_files_as_disks), TEST(test_holes_are_zeros), TEST(test_several_reads_at_once),
          TEST(test_closing_with_reads_under_way))
