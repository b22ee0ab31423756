// SPDX-License-Identifier: Apache-2.0
// A file system that becomes full at every step of sealing, at recovery, under the database, under
// overlays and under an export: each time the fault is a full disk of the server with the remedy,
// and with room again everything is as it was acknowledged. On a small tmpfs, so it needs root.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replica/points/image.h"
#include "replica/points/recover.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_open.h"
#include "tests/unit/store_session.h"
#include "tests/unit/store_step.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536 };
#define DISK_BYTES ((uint64_t)6 << 20)

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source;

// ---- Taking all the room ------------------------------------------------------------------------

static const char *fill_name;
static _Atomic int fill_nth;

static void filler_path(char out[200])
{
    snprintf(out, 200, "%s/filler", files.state);
}

// All of it, or all but `left` bytes.
static void fill_but(off_t left)
{
    static const char block[4096] = {1};
    char path[200];
    int fd;

    filler_path(path);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    if (left)
        CHECK_EQ(ftruncate(fd, lseek(fd, 0, SEEK_END) - left), 0);
    close(fd);
}

static void fill(void)
{
    fill_but(0);
}

static void make_room(void)
{
    char path[200];

    filler_path(path);
    unlink(path);
}

static void watch(const char *name)
{
    if (fill_name && strcmp(fill_name, name) == 0 && atomic_fetch_sub(&fill_nth, 1) == 1)
        fill();
}

static void fill_at(const char *name, int nth)
{
    fill_name = name;
    fill_nth = nth;
    store_step_watch(name ? watch : NULL);
}

// ---- The state ----------------------------------------------------------------------------------

static enum bf_err open_state(void)
{
    return bf_state_serve(files.state, &state, &fault);
}

static struct bf_session_store *open_session(void)
{
    return session_open(state, &source, &fault);
}

static void begin(uint64_t seed)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    store_files_make(&files);
    CHECK_EQ(mkdir(files.state, 0700), 0);
    if (!store_files_mount(files.state, "size=64m,mode=0700")) {
        store_files_remove(&files);
        SKIP("no file system can be mounted here");
    }
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    CHECK_EQ(open_state(), BF_OK);
    source_make(&source, seed, 2, DISK_BYTES, CHUNK);
    session_machine(state, &source);
}

static void finish(void)
{
    fill_at(NULL, 0);
    source_free(&source);
    bf_state_close(state);
    store_files_unmount(files.state);
    store_files_remove(&files);
}

static void check_full(const struct bf_fault *f)
{
    if (f->code != BF_ERR_NO_SPACE)
        FAIL("%s: %s", bf_err_name(f->code), f->what);
    CHECK_EQ(f->side, BF_SIDE_SERVER);
    if (!strstr(f->todo, "make room"))
        FAIL("what is to be done: %s", f->todo);
}

static void seal_whole(uint32_t want)
{
    struct bf_session_store *s = open_session();
    uint32_t point;

    CHECK_EQ(session_copy(s, &source, 30, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    CHECK_EQ(point, want);
    bf_session_store_close(s);
    CHECK_EQ(point_wrong(state, point, &source, 0), 0);
    CHECK_EQ(point_wrong(state, point, &source, 1), 0);
}

// ---- Sealing ------------------------------------------------------------------------------------

// Full from the step on. What needs no room may succeed in spite of it, where `must` is not set.
static void seal_in_a_full_disk(const char *step, int nth, int must)
{
    struct bf_session_store *s;
    struct bf_fault told;
    uint32_t point = 0;
    enum bf_err err;

    begin(61);
    s = open_session();
    CHECK_EQ(session_copy(s, &source, 30, NULL), BF_OK);
    fill_at(step, nth);
    err = session_seal(s, &source, &point);
    CHECK(fill_nth <= 0);
    told = *bf_session_store_ops(s).ops->fault(s);
    if (must)
        CHECK(err);
    if (err)
        check_full(&told);
    printf("# full at %s: %s\n", step, err ? told.what : "sealed in spite of it");
    fill_at(NULL, 0);
    make_room();
    bf_session_store_close(s);
    bf_state_close(state);
    CHECK_EQ(open_state(), BF_OK);
    seal_whole(1);
    finish();
}

static void test_the_manifest_has_no_room(void)
{
    seal_in_a_full_disk("quiet", 1, 1);
}

static void test_the_second_manifest_has_no_room(void)
{
    seal_in_a_full_disk("manifest", 1, 1);
}

static void test_the_layer_has_no_room(void)
{
    seal_in_a_full_disk("manifest", 2, 1);
}

static void test_the_point_has_no_room(void)
{
    seal_in_a_full_disk("layer", 2, 1);
}

static void test_the_switch_has_no_room(void)
{
    seal_in_a_full_disk("sealing", 1, 0);
}

static void test_the_last_row_has_no_room(void)
{
    seal_in_a_full_disk("snapshot", 1, 1);
}

// ---- Recovery -----------------------------------------------------------------------------------

static void test_recovery_has_no_room(void)
{
    int status;
    pid_t pid;

    begin(62);
    bf_state_close(state);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        uint32_t point;
        if (open_state())
            _exit(2);
        struct bf_session_store *s = open_session();
        session_copy(s, &source, 30, NULL);
        store_step_kill_at("snapshot", 1);
        session_seal(s, &source, &point);
        _exit(3);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    fill();
    while (open_state() == BF_ERR_BUSY) // a child of the killed process still has the lock
        usleep(10000);
    check_full(&fault);
    printf("# %s\n", fault.what);
    make_room();
    CHECK_EQ(open_state(), BF_OK);
    CHECK_EQ(point_wrong(state, 1, &source, 0), 0);
    CHECK_EQ(point_wrong(state, 1, &source, 1), 0);
    finish();
}

// ---- The database -------------------------------------------------------------------------------

static void test_the_database_cannot_be_opened(void)
{
    char path[200];

    begin(63);
    bf_state_close(state);
    state = NULL;
    snprintf(path, sizeof path, "%s/db.sqlite-shm", files.state);
    CHECK_EQ(access(path, F_OK), -1); // so that it has to be made
    fill();
    CHECK(open_state() != BF_OK);
    check_full(&fault);
    printf("# %s\n", fault.what);
    make_room();
    CHECK_EQ(open_state(), BF_OK);
    finish();
}

// An operator's command and a session: both in words, and each with what concerns it.
static void test_the_database_has_no_room(void)
{
    struct bf_event_row event = {.time = 1, .machine = "web", .text = "words"};
    struct bf_db *db;

    begin(67);
    CHECK_EQ(bf_state_open_db(state, &db, &fault), BF_OK);
    bf_db_for_session(db);
    fill();
    CHECK_EQ(bf_db_machine_add(bf_state_db(state), "another", 1), BF_ERR_NO_SPACE);
    check_full(bf_db_fault(bf_state_db(state)));
    CHECK_STR(bf_db_fault(bf_state_db(state))->what, "the file system of the state is full");
    CHECK(!strstr(bf_db_fault(bf_state_db(state))->todo, "acknowledged"));
    CHECK_EQ(bf_db_event_add(db, &event), BF_ERR_NO_SPACE);
    check_full(bf_db_fault(db));
    CHECK_STR(bf_db_fault(db)->what, "the file system of the state is full");
    CHECK(strstr(bf_db_fault(db)->todo, "nothing that was acknowledged is lost"));
    make_room();
    CHECK_EQ(bf_db_event_add(db, &event), BF_OK);
    bf_db_close(db);
    finish();
}

static void test_a_state_cannot_be_made(void)
{
    char path[200];

    begin(64);
    snprintf(path, sizeof path, "%s/another", files.state);
    fill();
    CHECK(bf_state_create(path, &fault) != BF_OK);
    check_full(&fault);
    printf("# %s\n", fault.what);
    make_room();
    finish();
}

// ---- Overlays and exports -----------------------------------------------------------------------

static void test_an_overlay_has_no_room(void)
{
    struct bf_image_ref ref = {.machine = "web", .point = 1};
    struct bf_image_object *object = calloc(1, sizeof *object);
    struct bf_object *rows;
    size_t count;

    begin(65);
    seal_whole(1);
    fill_but(128 << 10); // enough for the database, not for an overlay
    CHECK(bf_image_object_begin(state, &ref, object, &fault) != BF_OK);
    check_full(&fault);
    CHECK(strstr(fault.what, "disk-0.qcow2"));
    printf("# %s\n", fault.what);
    CHECK_EQ(bf_db_object_list(bf_state_db(state), "web", 1, &rows, &count), BF_OK);
    CHECK_EQ(count, 0);
    free(rows);
    make_room();
    CHECK_EQ(bf_image_object_begin(state, &ref, object, &fault), BF_OK);
    CHECK_EQ(bf_image_object_end(state, object, 1, &fault), BF_OK);
    free(object);
    finish();
}

static void test_an_export_has_no_room(void)
{
    static const enum bf_image_format formats[] = {BF_IMAGE_RAW, BF_IMAGE_QCOW2};
    struct bf_image_ref ref = {.machine = "web", .point = 1};
    struct stat st;
    char path[200];

    begin(66);
    seal_whole(1);
    snprintf(path, sizeof path, "%s/run/exported", files.state);
    for (int i = 0; i < 2; i++) {
        fill();
        CHECK(bf_image_export(state, &ref, 0, formats[i], path, NULL, NULL, &fault) != BF_OK);
        check_full(&fault);
        printf("# %s\n", fault.what);
        CHECK(lstat(path, &st) < 0 && errno == ENOENT);
        make_room();
    }
    CHECK_EQ(bf_image_export(state, &ref, 0, BF_IMAGE_RAW, path, NULL, NULL, &fault), BF_OK);
    finish();
}

TEST_MAIN(TEST(test_the_manifest_has_no_room), TEST(test_the_second_manifest_has_no_room),
          TEST(test_the_layer_has_no_room), TEST(test_the_point_has_no_room),
          TEST(test_the_switch_has_no_room), TEST(test_the_last_row_has_no_room),
          TEST(test_recovery_has_no_room), TEST(test_the_database_cannot_be_opened),
          TEST(test_the_database_has_no_room), TEST(test_a_state_cannot_be_made),
          TEST(test_an_overlay_has_no_room), TEST(test_an_export_has_no_room))
