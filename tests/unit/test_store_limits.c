// SPDX-License-Identifier: Apache-2.0
// The store at its limits: a full disk, a disk of 16 TiB, memory.
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replica/points/image.h"
#include "replica/points/layers.h"
#include "replica/points/recover.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_open.h"
#include "tests/unit/store_session.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536 };

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source;

static struct bf_session_store *open_session(void)
{
    return session_open(state, &source, &fault);
}

static void open_state(void)
{
    if (bf_state_serve(files.state, &state, &fault) != BF_OK)
        FAIL("%s", fault.what);
}

static void begin(uint64_t seed)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    open_state();
    source_make(&source, seed, 2, (uint64_t)24 << 20, CHUNK);
    session_machine(state, &source);
}

static void finish(void)
{
    source_free(&source);
    bf_state_close(state);
    store_files_remove(&files);
}

// In a process whose files may not grow beyond 6 MiB, which the storage daemon inherits.
static void copy_with_little_room(void)
{
    struct rlimit limit = {6 << 20, 6 << 20};
    struct bf_session_store *s;
    struct bf_store store;
    enum bf_err err;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(2);
    open_state();
    s = open_session();
    store = bf_session_store_ops(s);
    if (session_send(s, &source, 0, 0, 60) || session_checkpoint(s, 0, 60))
        _exit(3);
    err = session_copy(s, &source, 30, NULL);
    if (!err)
        err = session_checkpoint(s, 0, source.disk[0].chunks);
    if (err != BF_ERR_NO_SPACE || store.ops->fault(store.impl)->code != BF_ERR_NO_SPACE)
        _exit(4);
    if (store.ops->durable(store.impl, 0) < 60)
        _exit(5);
    bf_session_store_close(s);
    bf_state_close(state);
    _exit(0);
}

static void test_full_disk_loses_nothing_acknowledged(void)
{
    struct bf_session_store *s;
    uint64_t sent = 0;
    uint32_t point;
    int status;
    pid_t pid;

    begin(51);
    bf_state_close(state);
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        copy_with_little_room();
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    open_state();
    s = open_session(); // there is room now
    CHECK(bf_session_store_resume(s, 0) >= 60);
    CHECK_EQ(session_wrong(s, &source, 0, bf_session_store_resume(s, 0)), 0);
    CHECK_EQ(session_untruths(state, s, &source, 0), 0);
    CHECK_EQ(session_untruths(state, s, &source, 1), 0);
    CHECK_EQ(session_copy(s, &source, 30, &sent), BF_OK);
    CHECK(sent < source.disk[0].chunks + source.disk[1].chunks - 60);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(point_wrong(state, point, &source, 0), 0);
    CHECK_EQ(point_wrong(state, point, &source, 1), 0);
    finish();
}

// The same on a file system of its own that is really full.
static void test_full_file_system(void)
{
    struct bf_session_store *s;
    struct bf_store store;
    struct store_files room;
    char options[] = "size=12m,mode=0700";
    uint32_t point;
    enum bf_err err;

    store_files_make(&room);
    CHECK_EQ(mkdir(room.state, 0700), 0);
    if (!store_files_mount(room.state, options)) {
        store_files_remove(&room);
        SKIP("no file system can be mounted here");
    }
    printf("# seed 52\n");
    files = room;
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    open_state();
    source_make(&source, 52, 1, (uint64_t)24 << 20, CHUNK);
    session_machine(state, &source);
    s = open_session();
    store = bf_session_store_ops(s);
    CHECK_EQ(session_send(s, &source, 0, 0, 40), BF_OK);
    CHECK_EQ(session_checkpoint(s, 0, 40), BF_OK);
    err = session_copy(s, &source, 30, NULL);
    if (!err)
        err = session_checkpoint(s, 0, source.disk[0].chunks);
    CHECK_EQ(err, BF_ERR_NO_SPACE);
    CHECK(strstr(store.ops->fault(store.impl)->what, "full"));
    bf_session_store_close(s);
    CHECK(store_files_remount(files.state, "size=64m"));
    s = open_session();
    CHECK(bf_session_store_resume(s, 0) >= 40);
    CHECK_EQ(session_untruths(state, s, &source, 0), 0);
    CHECK_EQ(session_copy(s, &source, 30, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(point_wrong(state, point, &source, 0), 0);
    source_free(&source);
    bf_state_close(state);
    store_files_unmount(files.state);
    store_files_remove(&files);
}

// ---- 16 TiB -------------------------------------------------------------------------------------

static uint64_t allocated(const char *relative)
{
    struct stat st;

    CHECK_EQ(fstatat(bf_state_dir(state), relative, &st, 0), 0);
    return (uint64_t)st.st_blocks * 512;
}

static void send_chunk(struct bf_store store, struct bf_root *root, uint64_t chunk, uint8_t *data,
                       uint32_t len)
{
    struct bf_digest digest;

    memset(data, (int)(chunk % 251) + 1, len);
    bf_digest_of(&digest, data, len);
    CHECK_EQ(session_data(store, 0, chunk, 1, &digest, data, len), BF_OK);
    bf_root_add(root, BF_CHUNK_DATA, 1, &digest);
}

// A few chunks of data in 16 TiB, half of the rest unused, half zero; two points.
static void copy_huge(const struct bf_geometry *g, uint32_t expected_point)
{
    static uint8_t data[BF_CHUNK_MAX];
    uint64_t chunks = bf_geometry_chunks(g), next = 0;
    struct bf_session_config config = {.machine = "web", .disks = 1, .disk = {{0, *g}}};
    struct bf_session_store *s;
    struct bf_store store;
    struct bf_store_progress progress;
    struct bf_digest root_digest;
    struct bf_store_seal what = {.disk_roots = &root_digest, .disks = 1};
    struct bf_root root;
    uint32_t point;
    int64_t time;
    enum bf_err err;

    config.boot[0] = (uint8_t)expected_point;
    if (bf_session_store_open(state, &config, &s, &fault) != BF_OK)
        FAIL("%s", fault.what);
    store = bf_session_store_ops(s);
    bf_root_init(&root, g);
    for (uint64_t i = 1; i <= 8; i++) {
        uint64_t at = chunks / 9 * i + i * 3;
        enum bf_chunk_state state_of_rest = i % 2 ? BF_CHUNK_UNUSED : BF_CHUNK_ZERO;
        CHECK_EQ(store.ops->clear(store.impl, 0, next, at - next, state_of_rest), BF_OK);
        bf_root_add(&root, state_of_rest, at - next, NULL);
        send_chunk(store, &root, at, data, g->chunk_size);
        next = at + 1;
        CHECK_EQ(store.ops->checkpoint(store.impl, 0, next), BF_OK);
    }
    CHECK_EQ(store.ops->clear(store.impl, 0, next, chunks - next, BF_CHUNK_ZERO), BF_OK);
    bf_root_add(&root, BF_CHUNK_ZERO, chunks - next, NULL);
    CHECK_EQ(bf_root_final(&root, &root_digest), BF_OK);
    CHECK_EQ(store.ops->disk_done(store.impl, 0, &root_digest), BF_OK);
    bf_point_root(&root_digest, 1, &what.point_root);
    CHECK_EQ(store.ops->seal(store.impl, &what), BF_OK);
    while ((err = store.ops->seal_poll(store.impl, &progress, &point, &time)) == BF_AGAIN)
        usleep(2000);
    if (err)
        FAIL("%s", store.ops->fault(store.impl)->what);
    CHECK_EQ(point, expected_point);
    bf_session_store_close(s);
}

static void test_16_tib(void)
{
    struct bf_geometry g = {(uint64_t)16 << 40, 512, 0};
    struct bf_replica_disk disk = {.machine = "web"};
    struct bf_image_ref ref = {.machine = "web", .point = 2};
    struct bf_image_verdict verdict;
    struct rusage before, after;

    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    open_state();
    g.chunk_size = bf_geometry_default_chunk(g.disk_bytes);
    disk.geometry = g;
    CHECK_EQ(bf_db_machine_add(bf_state_db(state), "web", 1), BF_OK);
    CHECK_EQ(bf_db_disk_add(bf_state_db(state), &disk), BF_OK);
    getrusage(RUSAGE_SELF, &before);
    copy_huge(&g, 1);
    copy_huge(&g, 2);
    CHECK_EQ(bf_image_verify(state, &ref, 0, NULL, NULL, &verdict, &fault), BF_OK);
    CHECK_EQ(verdict.chunks, bf_geometry_chunks(&g));
    CHECK_EQ(verdict.bytes, 8 * (uint64_t)g.chunk_size);
    getrusage(RUSAGE_SELF, &after);
    printf("# chunks of %u bytes, %ld KiB more memory at the most\n", g.chunk_size,
           after.ru_maxrss - before.ru_maxrss);
    CHECK(after.ru_maxrss - before.ru_maxrss < 96 * 1024);
    CHECK(allocated("machines/web/disk-0/working") < 4 << 20);
    CHECK(allocated("machines/web/disk-0/layer-000001.qcow2") < 32 << 20);
    CHECK(allocated("machines/web/disk-0/layer-000002.manifest") < 1 << 20);
    bf_state_close(state);
    store_files_remove(&files);
}

static void test_too_large_is_said(void)
{
    struct bf_session_config config = {.machine = "web", .disks = 1};
    struct bf_replica_disk disk = {.machine = "web", .geometry = {(uint64_t)1 << 60, 512, 1 << 20}};
    struct bf_session_store *s;

    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    open_state();
    CHECK_EQ(bf_db_machine_add(bf_state_db(state), "web", 1), BF_OK);
    CHECK_EQ(bf_db_disk_add(bf_state_db(state), &disk), BF_OK);
    config.disk[0].geometry = disk.geometry;
    CHECK_EQ(bf_session_store_open(state, &config, &s, &fault), BF_ERR_LIMIT);
    bf_state_close(state);
    store_files_remove(&files);
}

TEST_MAIN(TEST(test_full_disk_loses_nothing_acknowledged), TEST(test_full_file_system),
          TEST(test_16_tib), TEST(test_too_large_is_said))
