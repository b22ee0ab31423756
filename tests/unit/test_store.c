// SPDX-License-Identifier: Apache-2.0
// The session store: copying, continuing, sealing, repairing; several points of two disks.
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform.h"
#include "replica/points/layers.h"
#include "replica/points/recover.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_open.h"
#include "tests/unit/store_session.h"
#include "tests/unit/store_step.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536 };
#define DISK_BYTES ((uint64_t)20 << 20)

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source;

static void begin(uint64_t seed, uint64_t bytes)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
    source_make(&source, seed, 2, bytes, CHUNK);
    session_machine(state, &source);
}

static void finish(void)
{
    source_free(&source);
    bf_state_close(state);
    store_files_remove(&files);
}

static struct bf_session_store *open_session(void)
{
    return session_open(state, &source, &fault);
}

static uint32_t copy_and_seal(uint64_t *sent)
{
    struct bf_session_store *s = open_session();
    uint32_t point = 0;

    CHECK_EQ(session_copy(s, &source, 50, sent), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    return point;
}

static void test_points_keep_what_was_sealed(void)
{
    struct source then[3];
    uint64_t sent = 0, chunks;

    begin(1, DISK_BYTES);
    chunks = source.disk[0].chunks + source.disk[1].chunks;
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_EQ(copy_and_seal(&sent), i + 1);
        source_copy(&then[i], &source);
        CHECK(i == 0 ? sent > chunks / 2 : sent > 0 && sent < chunks / 5);
        sent = 0;
        source_change(&source, 50);
        source_boot(&source);
    }
    for (uint32_t i = 0; i < 3; i++)
        for (uint16_t disk = 0; disk < 2; disk++)
            CHECK_EQ(point_wrong(state, i + 1, &then[i], disk), 0);
    for (uint32_t i = 0; i < 3; i++)
        source_free(&then[i]);
    finish();
}

static void test_point_describes_itself(void)
{
    static struct bf_point point;
    struct bf_digest root;

    begin(2, DISK_BYTES);
    copy_and_seal(NULL);
    CHECK_EQ(bf_db_point_get(bf_state_db(state), "web", 0, &point), BF_OK);
    CHECK_EQ(point.state, BF_POINT_SEALED);
    CHECK_EQ(point.disks, 2);
    CHECK_EQ(point.source_clock, 77);
    CHECK(point.time > 1600000000);
    source_root(&source, 1, &root);
    CHECK(bf_digest_equal(&point.disk[1].root, &root));
    CHECK_EQ(point.disk[1].bytes, source.disk[1].geometry.disk_bytes);
    CHECK(point.disk[1].data_bytes > DISK_BYTES / 2 && point.disk[1].data_bytes < DISK_BYTES);
    CHECK_STR(point.disk[1].identity.serial, "disk1");
    finish();
}

static void test_same_boot_continues_and_another_does_not(void)
{
    struct bf_session_store *s;
    uint64_t sent = 0;

    begin(3, DISK_BYTES);
    s = open_session();
    CHECK(!bf_session_store_has_base(s, 0));
    CHECK_EQ(session_send(s, &source, 0, 0, 200), BF_OK);
    CHECK_EQ(session_checkpoint(s, 0, 120), BF_OK);
    bf_session_store_close(s);

    s = open_session();
    CHECK(bf_session_store_resume(s, 0) >= 120);
    CHECK(bf_session_store_resume(s, 0) <= 200);
    CHECK_EQ(bf_session_store_resume(s, 1), 0);
    CHECK(bf_session_store_has_base(s, 0));
    CHECK(!bf_session_store_has_base(s, 1));
    CHECK_EQ(session_wrong(s, &source, 0, 120), 0);
    bf_session_store_close(s);

    source_boot(&source);
    s = open_session();
    CHECK_EQ(bf_session_store_resume(s, 0), 0);
    CHECK_EQ(session_wrong(s, &source, 0, 120), 0); // nothing is sent again that is there
    CHECK_EQ(session_copy(s, &source, 64, &sent), BF_OK);
    CHECK(sent < source.disk[0].chunks + source.disk[1].chunks - 100);
    bf_session_store_close(s);
    finish();
}

static void test_base_sees_what_is_queued(void)
{
    struct bf_session_store *s;

    begin(4, DISK_BYTES);
    s = open_session();
    CHECK_EQ(session_send(s, &source, 0, 0, source.disk[0].chunks), BF_OK);
    CHECK_EQ(session_wrong(s, &source, 0, source.disk[0].chunks), 0);
    source_change(&source, 300);
    CHECK_EQ(session_send(s, &source, 0, 0, source.disk[0].chunks), BF_OK);
    CHECK_EQ(session_wrong(s, &source, 0, source.disk[0].chunks), 0);
    CHECK_EQ(session_checkpoint(s, 0, source.disk[0].chunks), BF_OK);
    CHECK_EQ(session_untruths(state, s, &source, 0), 0);
    bf_session_store_close(s);
    finish();
}

static void test_one_session_per_machine(void)
{
    struct bf_session_config config;
    struct bf_session_store *s, *other;

    begin(5, DISK_BYTES);
    s = open_session();
    session_config(&source, &config);
    CHECK_EQ(bf_session_store_open(state, &config, &other, &fault), BF_ERR_BUSY);
    bf_session_store_close(s);
    s = open_session();
    bf_session_store_close(s);
    finish();
}

static void test_sealed_session_answers_again(void)
{
    struct bf_session_store *s;
    struct bf_store store;
    uint32_t point = 0;
    uint8_t data[CHUNK] = {1};
    struct bf_digest digest = {{2}};

    begin(6, DISK_BYTES);
    CHECK_EQ(copy_and_seal(NULL), 1);
    s = open_session(); // the same session and boot: the answer got lost on the way
    store = bf_session_store_ops(s);
    CHECK(bf_session_store_done(s, 1));
    CHECK_EQ(bf_session_store_resume(s, 1), source.disk[1].chunks);
    CHECK_EQ(session_wrong(s, &source, 1, source.disk[1].chunks), 0);
    CHECK_EQ(session_data(store, 0, 0, 1, &digest, data, CHUNK), BF_ERR_DENIED);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    CHECK_EQ(point, 1);
    source_change(&source, 500);
    CHECK_EQ(session_seal(s, &source, &point), BF_ERR_DENIED);
    bf_session_store_close(s);
    finish();
}

static void test_mistakes_are_refused(void)
{
    struct bf_session_store *s;
    struct bf_store store;
    uint8_t data[CHUNK] = {1};
    struct bf_digest digest = {{2}};
    uint64_t chunks;

    begin(7, DISK_BYTES);
    s = open_session();
    store = bf_session_store_ops(s);
    chunks = source.disk[0].chunks;
    CHECK_EQ(session_data(store, 9, 0, 1, &digest, data, CHUNK), BF_ERR_RANGE);
    CHECK_EQ(session_data(store, 0, chunks, 1, &digest, data, CHUNK), BF_ERR_RANGE);
    CHECK_EQ(session_data(store, 0, 0, 1, &digest, data, CHUNK - 1), BF_ERR_RANGE);
    CHECK_EQ(store.ops->clear(store.impl, 0, 1, UINT64_MAX, BF_CHUNK_ZERO), BF_ERR_RANGE);
    CHECK_EQ(store.ops->clear(store.impl, 0, 0, 1, BF_CHUNK_UNKNOWN), BF_ERR_RANGE);
    CHECK_EQ(store.ops->checkpoint(store.impl, 0, chunks + 1), BF_ERR_RANGE);
    CHECK_EQ(session_copy(s, &source, 100, NULL), BF_OK); // and it goes on
    bf_session_store_close(s);
    finish();
}

static enum bf_err restart(struct bf_session_store *s, uint64_t first)
{
    struct bf_store store = bf_session_store_ops(s);
    enum bf_err err;

    while ((err = store.ops->restart(store.impl, 0, first)) == BF_AGAIN)
        bf_platform_idle(1000);
    return err;
}

// What was durable goes back, on the disk too, and the disk is not done any more; never in a point.
static void test_a_disk_that_is_begun_again(void)
{
    struct bf_session_store *s;
    uint64_t chunks;
    uint32_t point;

    begin(9, DISK_BYTES);
    s = open_session();
    chunks = source.disk[0].chunks;
    CHECK_EQ(session_copy(s, &source, 100, NULL), BF_OK);
    CHECK_EQ(session_checkpoint(s, 0, chunks), BF_OK);
    CHECK_EQ(restart(s, chunks), BF_ERR_RANGE);
    CHECK_EQ(restart(s, chunks - 1), BF_OK);
    CHECK_EQ(bf_session_store_resume(s, 0), chunks - 1);
    CHECK_EQ(bf_session_store_done(s, 0), 0);
    CHECK_EQ(restart(s, 5), BF_OK);
    CHECK_EQ(restart(s, 9), BF_OK); // nothing was durable there
    bf_session_store_close(s);
    s = open_session();
    CHECK_EQ(bf_session_store_resume(s, 0), 5);
    CHECK_EQ(bf_session_store_done(s, 0), 0);
    CHECK_EQ(session_copy(s, &source, 100, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    CHECK_EQ(restart(s, 5), BF_ERR_DENIED);
    bf_session_store_close(s);
    finish();
}

static void test_wrong_root_is_no_point(void)
{
    struct bf_session_store *s;
    static struct bf_point point;
    uint32_t number;

    begin(8, DISK_BYTES);
    s = open_session();
    CHECK_EQ(session_copy(s, &source, 100, NULL), BF_OK);
    source_change(&source, 10); // the source claims something that it did not send
    CHECK_EQ(session_seal(s, &source, &number), BF_ERR_MISMATCH);
    bf_session_store_close(s);
    CHECK_EQ(bf_db_point_get(bf_state_db(state), "web", 0, &point), BF_ERR_NOT_FOUND);
    finish();
}

// Overwrites the place of one chunk in the layer's file behind everybody's back. False when it is
// not there yet.
static int damage(uint16_t disk, uint32_t layer, uint64_t chunk)
{
    static uint8_t contents[CHUNK], block[CHUNK];
    char path[BF_LAYER_PATH_MAX];
    int fd;
    off_t at = 0;

    bf_layer_file(path, "web", disk, layer);
    fd = openat(bf_state_dir(state), path, O_RDWR);
    source_read(&source, disk, chunk, contents);
    while (pread(fd, block, CHUNK, at) == CHUNK && memcmp(block, contents, CHUNK) != 0)
        at += CHUNK;
    if (memcmp(block, contents, CHUNK) == 0) {
        block[100] ^= 1;
        CHECK_EQ(pwrite(fd, block, CHUNK, at), CHUNK);
        at = -1;
    }
    close(fd);
    return at == -1;
}

static uint64_t data_chunk(uint16_t disk, uint64_t from)
{
    while (source.disk[disk].version[from] == 0 || source.disk[disk].version[from] == SOURCE_UNUSED)
        from++;
    return from;
}

// One chunk of each disk is damaged as soon as it was flushed, before it counts as durable.
static uint64_t bad[2];
static int damaged[2];

static void damage_when_flushed(const char *name)
{
    for (uint16_t i = 0; strcmp(name, "flushed") == 0 && i < 2; i++)
        if (!damaged[i])
            damaged[i] = damage(i, 1, bad[i]);
}

static void test_damage_is_found_and_repaired(void)
{
    struct bf_session_store *s;
    struct bf_store store;
    uint64_t first, count;
    uint16_t disk;
    uint32_t point;

    begin(9, DISK_BYTES);
    bad[0] = data_chunk(0, 40);
    bad[1] = data_chunk(1, 200);
    damaged[0] = damaged[1] = 0;
    s = open_session();
    store = bf_session_store_ops(s);
    store_step_watch(damage_when_flushed);
    CHECK_EQ(session_copy(s, &source, 100, NULL), BF_OK);
    CHECK_EQ(session_checkpoint(s, 0, source.disk[0].chunks), BF_OK);
    CHECK_EQ(session_checkpoint(s, 1, source.disk[1].chunks), BF_OK);
    store_step_watch(NULL);
    CHECK(damaged[0] && damaged[1]);
    CHECK_EQ(session_seal(s, &source, &point), BF_ERR_CORRUPT);
    bf_session_store_close(s); // what is damaged is known after a restart too
    s = open_session();
    store = bf_session_store_ops(s);
    CHECK_EQ(session_seal(s, &source, &point), BF_ERR_CORRUPT);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(store.ops->need(store.impl, &disk, &first, &count), BF_OK);
        CHECK_EQ(disk, i);
        CHECK_EQ(first, bad[i]);
        CHECK_EQ(count, 1);
    }
    CHECK_EQ(store.ops->need(store.impl, &disk, &first, &count), BF_ERR_NOT_FOUND);
    CHECK_EQ(session_wrong(s, &source, 0, source.disk[0].chunks), 1);
    CHECK_EQ(session_send(s, &source, 0, bad[0], bad[0] + 1), BF_OK);
    CHECK_EQ(session_send(s, &source, 1, bad[1], bad[1] + 1), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(point_wrong(state, point, &source, 0), 0);
    CHECK_EQ(point_wrong(state, point, &source, 1), 0);
    finish();
}

static uint64_t patience_end(void)
{
    return bf_platform_now_us() + TEST_PATIENCE_S * 1000000ull;
}

static void wait_until_verified(struct bf_session_store *s, uint16_t disk, uint64_t chunks)
{
    uint64_t end = patience_end();

    while (bf_session_store_verified(s, disk) < chunks && bf_platform_now_us() < end)
        bf_platform_idle(1000);
    CHECK_EQ(bf_session_store_verified(s, disk), chunks);
}

// Two chunks of disk 0, once everything is flushed and nothing is under way.
static void damage_at_the_seal(const char *name)
{
    for (uint16_t i = 0; strcmp(name, "quiet") == 0 && i < 2; i++)
        damaged[i] = damage(0, 1, bad[i]);
}

// What was verified while the copy ran is not read again by the seal; what was written again since
// is: damage to the one is not seen by this session any more, damage to the other is.
static void test_what_is_written_again_is_verified_again(void)
{
    struct bf_session_store *s;
    struct bf_store store;
    uint64_t first, count, chunk;
    uint16_t disk;
    uint32_t point;

    begin(12, DISK_BYTES);
    s = open_session();
    store = bf_session_store_ops(s);
    CHECK_EQ(session_copy(s, &source, 50, NULL), BF_OK);
    wait_until_verified(s, 0, source.disk[0].chunks);
    wait_until_verified(s, 1, source.disk[1].chunks);
    chunk = data_chunk(0, 100);
    CHECK_EQ(session_send(s, &source, 0, chunk, chunk + 3), BF_OK);
    CHECK_EQ(bf_session_store_verified(s, 0), source.disk[0].chunks - 3);
    bad[0] = chunk;
    bad[1] = data_chunk(0, 10);
    store_step_watch(damage_at_the_seal);
    CHECK_EQ(session_seal(s, &source, &point), BF_ERR_CORRUPT);
    store_step_watch(NULL);
    CHECK(damaged[0] && damaged[1]);
    CHECK_EQ(store.ops->need(store.impl, &disk, &first, &count), BF_OK);
    CHECK_EQ(disk, 0);
    CHECK_EQ(first, chunk);
    CHECK_EQ(count, 1);
    CHECK_EQ(store.ops->need(store.impl, &disk, &first, &count), BF_ERR_NOT_FOUND);
    CHECK_EQ(session_send(s, &source, 0, chunk, chunk + 1), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(point_wrong(state, point, &source, 0), 1); // the one that was damaged later
    finish();
}

// What was verified before counts from the beginning, with the bytes that it has.
static void test_progress_ends_with_the_disk(void)
{
    struct bf_store_progress progress = {0};
    struct bf_session_store *s;
    struct bf_store store;
    uint32_t point;
    int64_t time;

    begin(13, DISK_BYTES); // the last chunk of disk 1 is short
    s = open_session();
    store = bf_session_store_ops(s);
    CHECK_EQ(session_copy(s, &source, 50, NULL), BF_OK);
    wait_until_verified(s, 0, source.disk[0].chunks);
    wait_until_verified(s, 1, source.disk[1].chunks);
    CHECK_EQ(session_send(s, &source, 1, 100, 103), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    CHECK_EQ(store.ops->seal_poll(store.impl, &progress, &point, &time), BF_OK);
    CHECK_EQ(progress.disk, 1);
    CHECK_EQ(progress.total, source.disk[1].geometry.disk_bytes);
    CHECK_EQ(progress.done, progress.total);
    bf_session_store_close(s);
    finish();
}

// An operation comes while its chunk is being read back: the range must not count as verified.
static struct bf_session_store *_Atomic spoiled;

static void write_while_checking(const char *name)
{
    if (!spoiled || strcmp(name, "checking") != 0)
        return;
    CHECK_EQ(session_send(spoiled, &source, 0, 0, 1), BF_OK);
    spoiled = NULL; // once
}

static void test_a_write_spoils_the_check_under_way(void)
{
    struct bf_session_store *s;
    uint32_t point;

    begin(13, DISK_BYTES);
    s = open_session();
    spoiled = s;
    store_step_watch(write_while_checking);
    CHECK_EQ(session_send(s, &source, 0, 0, source.disk[0].chunks), BF_OK);
    CHECK_EQ(session_checkpoint(s, 0, source.disk[0].chunks), BF_OK);
    for (uint64_t end = patience_end(); spoiled && bf_platform_now_us() < end;)
        bf_platform_idle(1000);
    CHECK(!spoiled);
    CHECK_EQ(session_copy(s, &source, 50, NULL), BF_OK);
    wait_until_verified(s, 1, source.disk[1].chunks);
    CHECK_EQ(bf_session_store_verified(s, 0), 0); // what lies behind it waits for the seal
    store_step_watch(NULL);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(point_wrong(state, point, &source, 0), 0);
    finish();
}

// A session that ended with doubt opens slowly: nobody has to wait for that, and it can be ended.
static atomic_int marked, settling, may_go_on;

static void hold_while_settling(const char *name)
{
    if (strcmp(name, "doubt") == 0)
        marked = 1;
    if (strcmp(name, "settling") != 0)
        return;
    settling = 1;
    while (!may_go_on)
        bf_platform_idle(1000);
}

static void wait_for(atomic_int *flag)
{
    for (uint64_t end = patience_end(); !*flag && bf_platform_now_us() < end;)
        bf_platform_idle(1000);
    CHECK(*flag);
}

static void test_opening_does_not_wait(void)
{
    struct bf_session_config config;
    struct bf_session_store *s;

    begin(14, DISK_BYTES);
    marked = settling = may_go_on = 0;
    store_step_watch(hold_while_settling);
    s = open_session();
    CHECK_EQ(session_send(s, &source, 0, 0, 100), BF_OK);
    wait_for(&marked);
    bf_session_store_close(s);
    session_config(&source, &config);
    CHECK_EQ(bf_session_store_begin(state, &config, &s, &fault), BF_OK);
    wait_for(&settling);
    CHECK_EQ(bf_session_store_opened(s, &fault), BF_AGAIN);
    may_go_on = 1;
    bf_session_store_close(s);
    store_step_watch(NULL);
    s = open_session();
    CHECK_EQ(session_untruths(state, s, &source, 0), 0);
    CHECK_EQ(bf_session_store_opened(s, &fault), BF_OK);
    bf_session_store_close(s);
    finish();
}

static void test_lost_manifest_is_not_believed(void)
{
    struct bf_session_store *s;
    char folder[BF_LAYER_PATH_MAX], path[BF_LAYER_PATH_MAX + 16];
    uint32_t point;

    begin(10, DISK_BYTES);
    copy_and_seal(NULL);
    bf_layer_folder(folder, "web", 0);
    snprintf(path, sizeof path, "%s/%s", folder, BF_WORKING_NAME);
    CHECK_EQ(unlinkat(bf_state_dir(state), path, 0), 0);
    bf_layer_folder(folder, "web", 1);
    snprintf(path, sizeof path, "%s/%s", folder, BF_WORKING_NAME);
    int fd = openat(bf_state_dir(state), path, O_WRONLY);
    CHECK_EQ(pwrite(fd, "damage", 6, 20), 6);
    CHECK_EQ(pwrite(fd, "damage", 6, 4096 + 20), 6);
    close(fd);
    source_boot(&source);
    s = open_session();
    CHECK_EQ(session_untruths(state, s, &source, 0), 0);
    CHECK_EQ(session_untruths(state, s, &source, 1), 0);
    CHECK_EQ(session_wrong(s, &source, 0, 10), 10);
    CHECK_EQ(session_copy(s, &source, 100, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(point, 2);
    finish();
}

static void test_exchanged_disk_is_refused(void)
{
    struct bf_session_config config;
    struct bf_session_store *s;

    begin(11, DISK_BYTES);
    session_config(&source, &config);
    config.disk[1].geometry.disk_bytes += 512;
    CHECK_EQ(bf_session_store_open(state, &config, &s, &fault), BF_ERR_MISMATCH);
    finish();
}

static void test_state_moves_with_its_points(void)
{
    char moved[256];

    begin(12, DISK_BYTES);
    copy_and_seal(NULL);
    bf_state_close(state);
    snprintf(moved, sizeof moved, "%s/a/rather/long/folder/name", files.folder);
    for (char *p = moved + strlen(files.folder) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        CHECK_EQ(mkdir(moved, 0700), 0);
        *p = '/';
    }
    CHECK_EQ(rename(files.state, moved), 0);
    CHECK_EQ(bf_state_serve(moved, &state, &fault), BF_OK);
    CHECK_EQ(point_wrong(state, 1, &source, 0), 0);
    source_change(&source, 30);
    source_boot(&source);
    CHECK_EQ(copy_and_seal(NULL), 2);
    CHECK_EQ(point_wrong(state, 2, &source, 1), 0);
    finish();
}

TEST_MAIN(TEST(test_points_keep_what_was_sealed), TEST(test_point_describes_itself),
          TEST(test_a_disk_that_is_begun_again),
          TEST(test_same_boot_continues_and_another_does_not), TEST(test_base_sees_what_is_queued),
          TEST(test_one_session_per_machine), TEST(test_sealed_session_answers_again),
          TEST(test_mistakes_are_refused), TEST(test_wrong_root_is_no_point),
          TEST(test_damage_is_found_and_repaired),
          TEST(test_what_is_written_again_is_verified_again),
          TEST(test_progress_ends_with_the_disk), TEST(test_a_write_spoils_the_check_under_way),
          TEST(test_opening_does_not_wait), TEST(test_lost_manifest_is_not_believed),
          TEST(test_exchanged_disk_is_refused), TEST(test_state_moves_with_its_points))
