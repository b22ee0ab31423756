// SPDX-License-Identifier: Apache-2.0
// From a file into a file through the whole pipeline, as the hosted sender would copy without a
// server: equal bytes, holes where there is nothing, damage found before the end, and no file of
// somebody else's written to.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform.h"
#include "linux/file_disk.h"
#include "linux/file_store.h"
#include "migrate/copy/copy.h"
#include "migrate/workers.h"
#include "tests/unit/test.h"

enum { MIB = 1 << 20, BYTES = 24 * MIB };

static char folder[] = "/tmp/bootferry-file-store-XXXXXX";
static char source_path[64], copy_path[64];
static struct bf_inventory inventory;
static struct bf_progress progress;
static struct bf_file_disk disk;
static struct bf_source_disk *source = &disk.source;

static void make_source(void)
{
    static uint8_t bytes[MIB];
    int fd = open(source_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, BYTES) == 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int i = 0; i < 24; i += 3)
        CHECK_EQ(pwrite(fd, bytes, sizeof bytes - (size_t)i * 512, (off_t)i * MIB),
                 sizeof bytes - (size_t)i * 512);
    close(fd);
}

static void begin(void)
{
    struct bf_fault fault;
    strcpy(folder, "/tmp/bootferry-file-store-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(source_path, sizeof source_path, "%s/source", folder);
    snprintf(copy_path, sizeof copy_path, "%s/disk-0.raw", folder);
    make_source();
    CHECK_EQ(bf_file_disk_open(&disk, source_path, 0, 0, &fault), BF_OK);
    memset(&inventory, 0, sizeof inventory);
    memset(&progress, 0, sizeof progress);
    inventory.disks = 1;
    inventory.disk[0].identity = disk.source.identity;
    inventory.disk[0].planned = 1;
}

static void end(void)
{
    bf_source_close(source);
    unlink(copy_path);
    unlink(source_path);
    rmdir(folder);
}

// in_between is called once, when everything was written and is about to be read back.
static enum bf_err copy_with(uint32_t processors, void (*in_between)(void), struct bf_fault *fault)
{
    struct bf_copy_config config = {
        .inventory = &inventory, .disks = &source, .progress = &progress};
    struct bf_store_opened opened;
    struct bf_file_store *store = bf_file_store_open(folder, &inventory, &opened, fault);
    struct bf_workers workers;
    enum bf_err err = BF_AGAIN;
    if (!store)
        return fault->code;
    bf_workers_init(&workers);
    bf_workers_start(&workers, processors);
    config.workers = &workers;
    struct bf_copy *c = bf_copy_new(&config);
    CHECK(c && bf_copy_read_with(c, 8 * MIB) == BF_OK);
    bf_copy_begin(c, &opened, bf_platform_now_us());
    while (err == BF_AGAIN) {
        err = bf_copy_step(c, bf_platform_now_us());
        if (in_between && progress.phase == BF_PHASE_VERIFYING) {
            in_between();
            in_between = NULL;
        }
    }
    *fault = *bf_copy_fault(c);
    opened.store.ops->abort(opened.store.impl, fault);
    bf_copy_stop(c);
    CHECK(bf_copy_free(c));
    bf_workers_stop(&workers);
    bf_file_store_close(store);
    return err;
}

static int files_are_equal(void)
{
    static uint8_t a[MIB], b[MIB];
    int x = open(source_path, O_RDONLY), y = open(copy_path, O_RDONLY), equal = x >= 0 && y >= 0;
    for (off_t at = 0; equal && at < BYTES; at += MIB)
        equal =
            pread(x, a, MIB, at) == MIB && pread(y, b, MIB, at) == MIB && memcmp(a, b, MIB) == 0;
    close(x);
    close(y);
    return equal;
}

static void test_a_disk_becomes_a_file(void)
{
    for (uint32_t processors = 0; processors < 3; processors += 2) {
        struct bf_fault fault = {0};
        struct stat st;
        begin();
        CHECK_EQ(copy_with(processors, NULL, &fault), BF_OK);
        CHECK(files_are_equal());
        CHECK(stat(copy_path, &st) == 0 && st.st_size == BYTES && st.st_blocks * 512 < BYTES / 2);
        CHECK_EQ(progress.disk[0].verified, BYTES);
        end();
    }
}

static void spoil(void)
{
    int fd = open(copy_path, O_WRONLY);
    CHECK(pwrite(fd, "spoilt", 6, 3 * MIB + 100) == 6); // data
    CHECK(pwrite(fd, "spoilt", 6, 5 * MIB) == 6);       // a hole
    close(fd);
}

static void test_damage_is_mended_before_the_end(void)
{
    struct bf_fault fault = {0};
    begin();
    CHECK_EQ(copy_with(0, spoil, &fault), BF_OK);
    CHECK(files_are_equal());
    end();
}

static void test_a_file_that_exists_is_left_alone(void)
{
    struct bf_fault fault = {0};
    begin();
    int fd = open(copy_path, O_WRONLY | O_CREAT, 0600);
    CHECK(write(fd, "mine", 4) == 4);
    close(fd);
    CHECK_EQ(copy_with(0, NULL, &fault), BF_ERR_DENIED);
    CHECK(strstr(fault.what, "disk-0.raw") && fault.todo[0]);
    struct stat st;
    CHECK(stat(copy_path, &st) == 0 && st.st_size == 4);
    end();
}

TEST_MAIN(TEST(test_a_disk_becomes_a_file), TEST(test_damage_is_mended_before_the_end),
          TEST(test_a_file_that_exists_is_left_alone))
