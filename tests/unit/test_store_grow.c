// SPDX-License-Identifier: Apache-2.0
// A disk that has grown between two points: the old chunks are the base, the old point stays what
// it was, and a kill at any step on the way leaves nothing that lies.
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "replica/points/layers.h"
#include "replica/points/recover.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_open.h"
#include "tests/unit/store_session.h"
#include "tests/unit/store_step.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536, MORE = 150 };
// Not whole chunks: the last one is another one once the disk has grown.
#define DISK_BYTES (((uint64_t)20 << 20) + 4096)

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source, before;

static struct bf_session_store *open_session(void)
{
    return session_open(state, &source, &fault);
}

static uint32_t copy_and_seal(struct bf_session_store *s, uint64_t *sent)
{
    uint32_t point = 0;

    CHECK_EQ(session_copy(s, &source, 50, sent), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    return point;
}

static void grow(uint16_t disk, uint64_t bytes)
{
    struct source_disk *d = &source.disk[disk];
    uint64_t chunks = d->chunks;

    d->geometry.disk_bytes += bytes;
    d->chunks = bf_geometry_chunks(&d->geometry);
    d->version = reallocarray(d->version, d->chunks, sizeof *d->version);
    for (uint64_t c = chunks; c < d->chunks; c++)
        d->version[c] = c % 3 ? 7 : 0;
}

// A point of two disks; then disk 0 has grown, and another boot begins.
static void begin(uint64_t seed)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
    source_make(&source, seed, 2, DISK_BYTES, CHUNK);
    session_machine(state, &source);
    CHECK_EQ(copy_and_seal(open_session(), NULL), 1);
    source_copy(&before, &source);
    grow(0, (uint64_t)MORE * CHUNK);
    source_boot(&source);
}

static void finish(void)
{
    source_free(&source);
    source_free(&before);
    bf_state_close(state);
    store_files_remove(&files);
}

static void check_points(uint32_t latest)
{
    for (uint16_t disk = 0; disk < 2; disk++) {
        CHECK_EQ(point_wrong(state, 1, &before, disk), 0);
        CHECK_EQ(point_wrong(state, latest, &source, disk), 0);
    }
}

static void test_old_chunks_are_the_base(void)
{
    struct bf_replica_disk row;
    struct bf_session_store *s;
    uint64_t sent = 0;

    begin(1);
    s = open_session();
    CHECK(bf_session_store_has_base(s, 0));
    CHECK_EQ(session_untruths(state, s, &source, 0), 0);
    CHECK_EQ(session_wrong(s, &source, 0, before.disk[0].chunks - 1), 0);
    CHECK_EQ(copy_and_seal(s, &sent), 2);
    CHECK(sent > 0 && sent <= MORE + 2);
    check_points(2);
    CHECK_EQ(bf_db_disk_get(bf_state_db(state), "web", 0, &row), BF_OK);
    CHECK_EQ(row.geometry.disk_bytes, source.disk[0].geometry.disk_bytes);
    CHECK_EQ(row.identity.bytes, source.disk[0].geometry.disk_bytes);
    source_change(&source, 30); // and life goes on
    source_boot(&source);
    CHECK_EQ(copy_and_seal(open_session(), NULL), 3);
    check_points(3);
    finish();
}

// What a session had stored that came to no point is given up with the live layer.
static void test_after_an_unfinished_session(void)
{
    struct bf_session_store *s;
    struct source grown;

    begin(2);
    source_copy(&grown, &source);
    source_free(&source);
    source_copy(&source, &before);
    source_change(&source, 400);
    source_boot(&source);
    s = open_session();
    CHECK_EQ(session_send(s, &source, 0, 0, 200), BF_OK);
    CHECK_EQ(session_checkpoint(s, 0, 200), BF_OK);
    bf_session_store_close(s);
    source_free(&source);
    source_copy(&source, &grown);
    source_free(&grown);
    s = open_session();
    CHECK_EQ(session_untruths(state, s, &source, 0), 0);
    CHECK_EQ(copy_and_seal(s, NULL), 2);
    check_points(2);
    finish();
}

static void killed_at(const char *step)
{
    int status = 0;
    pid_t pid;

    bf_state_close(state);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct bf_session_config config;
        struct bf_session_store *s;
        if (bf_state_serve(files.state, &state, &fault) != BF_OK)
            _exit(2);
        store_step_kill_at(step, 1);
        session_config(&source, &config);
        bf_session_store_open(state, &config, &s, &fault);
        _exit(3);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
}

static void test_killed_on_the_way(void)
{
    static const char *const steps[] = {"grow-manifest", "grow-forget", "grow-layer", "grow-row"};

    for (size_t i = 0; i < BF_COUNT(steps); i++) {
        struct bf_session_store *s;
        begin(10 + i);
        killed_at(steps[i]);
        s = open_session();
        CHECK_EQ(session_untruths(state, s, &source, 0), 0);
        CHECK_EQ(session_untruths(state, s, &source, 1), 0);
        CHECK_EQ(copy_and_seal(s, NULL), 2);
        check_points(2);
        finish();
    }
}

// The sealed manifest says what the base is; without it nothing is believed.
static void test_without_the_sealed_manifest(void)
{
    char path[BF_LAYER_PATH_MAX];
    struct bf_session_store *s;

    begin(20);
    bf_layer_manifest(path, "web", 0, 1);
    CHECK_EQ(unlinkat(bf_state_dir(state), path, 0), 0);
    s = open_session();
    CHECK_EQ(session_wrong(s, &source, 0, 10), 10);
    CHECK_EQ(copy_and_seal(s, NULL), 2);
    CHECK_EQ(point_wrong(state, 2, &source, 0), 0);
    finish();
}

static void test_smaller_is_another_disk(void)
{
    struct bf_session_config config;
    struct bf_session_store *s;

    begin(21);
    session_config(&before, &config);
    config.disk[0].geometry.disk_bytes -= CHUNK;
    CHECK_EQ(bf_session_store_open(state, &config, &s, &fault), BF_ERR_MISMATCH);
    finish();
}

TEST_MAIN(TEST(test_old_chunks_are_the_base), TEST(test_after_an_unfinished_session),
          TEST(test_killed_on_the_way), TEST(test_without_the_sealed_manifest),
          TEST(test_smaller_is_another_disk))
