// SPDX-License-Identifier: Apache-2.0
// The store under kills. The failure model: SIGKILL of the server's process at every named step of
// opening, copying and sealing, and at random moments; SIGKILL of the storage daemon at random
// moments. After each: what was told durable is there, what base() says is true, points are whole
// or absent, and the same source gets to its point.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/platform.h"
#include "replica/qemu/qsd.h"
#include "replica/points/recover.h"
#include "replica/state/step.h"
#include "replica/store/parts.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_open.h"
#include "tests/unit/store_session.h"
#include "tests/unit/store_step.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536, KILLS = 12 };
#define DISK_BYTES ((uint64_t)12 << 20)

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source;

// What the killed process told its peer, in memory that outlives it.
struct told {
    uint64_t durable[SOURCE_DISKS];
    uint32_t point;
    uint32_t started;
};
static struct told *told;

static void open_state(void)
{
    struct timespec pause = {0, 10000000};

    // A lock of a process that was killed goes with it; its end may take a moment.
    for (int i = 0; i < TEST_PATIENCE_S * 100; i++) {
        enum bf_err err = bf_state_serve(files.state, &state, &fault);
        if (err != BF_ERR_BUSY) {
            if (err)
                FAIL("%s", fault.what);
            return;
        }
        nanosleep(&pause, NULL);
    }
    FAIL("the state stays locked");
}

static void begin(uint64_t seed)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    source_make(&source, seed, 2, DISK_BYTES, CHUNK);
    open_state();
    session_machine(state, &source);
    bf_state_close(state);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(told != MAP_FAILED);
}

static void finish(void)
{
    munmap(told, sizeof *told);
    source_free(&source);
    store_files_remove(&files);
}

static struct bf_session_store *open_session(void)
{
    return session_open(state, &source, &fault);
}

// ---- The process that is going to be killed -----------------------------------------------------

static void tell(struct bf_session_store *s)
{
    struct bf_store store = bf_session_store_ops(s);

    for (uint16_t disk = 0; disk < source.disks; disk++)
        told->durable[disk] = store.ops->durable(store.impl, disk);
}

static struct bf_session_store *open_in_child(void)
{
    struct bf_session_config config;
    struct bf_session_store *s;

    enum bf_err err = bf_state_serve(files.state, &state, &fault);

    // A child of the process that was killed may have the lock until it is killed too.
    for (int i = 0; err == BF_ERR_BUSY && i < TEST_PATIENCE_S * 100; i++) {
        bf_platform_idle(10000);
        err = bf_state_serve(files.state, &state, &fault);
    }
    if (err)
        _exit(2);
    session_config(&source, &config);
    if (bf_session_store_open(state, &config, &s, &fault) != BF_OK)
        _exit(3);
    told->started = 1;
    return s;
}

static void whole_session(void)
{
    struct bf_session_store *s = open_in_child();

    for (uint16_t disk = 0; disk < source.disks; disk++) {
        uint64_t chunks = source.disk[disk].chunks;
        for (uint64_t c = bf_session_store_resume(s, disk); c < chunks; c += 20) {
            uint64_t end = c + 20 < chunks ? c + 20 : chunks;
            if (session_send(s, &source, disk, c, end) || session_checkpoint(s, disk, end))
                _exit(4);
            tell(s);
        }
    }
    if (session_seal(s, &source, &told->point))
        _exit(5);
    bf_session_store_close(s);
    _exit(0);
}

// Chunks [first, end) of disk 0, of each of which the first block cannot be read; as the server
// does it, with what cannot be read on the disk before the checkpoint that covers it.
static void send_unreadable(struct bf_session_store *s, uint64_t first, uint64_t end)
{
    uint32_t rows = 0;

    if (session_send(s, &source, 0, first, end))
        _exit(6);
    for (uint64_t c = first; c < end; c++) {
        struct bf_unreadable_row row = {0, c * CHUNK, 512};
        if (bf_db_unreadable_add(bf_state_db(state), source.session, &row, &rows))
            _exit(7);
    }
    if (session_checkpoint(s, 0, end))
        _exit(8);
}

enum { BACK_FROM = 30, BACK_TO = 7, BACK_AGAIN = 12 };

// The source begins the disk again, before the durable position, and does not get far.
static void session_that_goes_back(void)
{
    struct bf_session_store *s = open_in_child();
    struct bf_store store = bf_session_store_ops(s);
    enum bf_err err;

    send_unreadable(s, 0, BACK_FROM);
    told->durable[0] = store.ops->durable(store.impl, 0);
    while ((err = store.ops->restart(store.impl, 0, BACK_TO)) == BF_AGAIN)
        bf_platform_idle(1000);
    if (err || store.ops->durable(store.impl, 0) != BACK_TO)
        _exit(9);
    bf_step_done("back");
    if (bf_db_unreadable_forget(bf_state_db(state), source.session, 0, BACK_TO * CHUNK))
        _exit(10);
    bf_step_done("forgotten");
    send_unreadable(s, BACK_TO, BACK_AGAIN);
    bf_step_done("again");
    _exit(0);
}

static void (*session_to_kill)(void) = whole_session;

// Runs it in a process of its own; true when it was killed, false when it came to its end.
static int run_until_killed(const char *step, int nth, uint64_t kill_after_us)
{
    struct timespec wait = {.tv_nsec = (long)kill_after_us * 1000};
    pid_t pid;
    int status;

    memset(told, 0, sizeof *told);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        if (step)
            store_step_kill_at(step, nth);
        session_to_kill();
    }
    if (!step) {
        nanosleep(&wait, NULL);
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        FAIL("the session failed at step %d", WEXITSTATUS(status));
    return WIFSIGNALED(status);
}

// ---- What must hold afterwards ------------------------------------------------------------------

static uint32_t points(void)
{
    struct bf_point *list;
    size_t sealed, sealing;

    CHECK_EQ(bf_db_point_list(bf_state_db(state), "web", BF_POINT_SEALING, &list, &sealing), BF_OK);
    free(list);
    CHECK_EQ(sealing, 0);
    CHECK_EQ(bf_db_point_list(bf_state_db(state), "web", BF_POINT_SEALED, &list, &sealed), BF_OK);
    for (size_t i = 0; i < sealed; i++)
        CHECK_EQ(list[i].disks, 2);
    free(list);
    return (uint32_t)sealed;
}

// Checks everything, completes the session, and returns the number of points then.
static uint32_t check_and_complete(void)
{
    struct bf_session_store *s;
    struct bf_image_verdict verdict;
    uint32_t before, point;

    open_state();
    before = points();
    CHECK(before >= told->point);
    s = open_session();
    for (uint16_t disk = 0; disk < 2; disk++) {
        uint64_t resume = bf_session_store_resume(s, disk);
        CHECK(resume >= told->durable[disk]);
        CHECK_EQ(session_wrong(s, &source, disk, resume), 0);
        if (s->qsd)
            CHECK_EQ(session_untruths(state, s, &source, disk), 0);
    }
    if (s->qsd)
        CHECK_EQ(session_copy(s, &source, 64, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(points(), point); // the point that was there before, or the next one; never a third
    for (uint16_t disk = 0; disk < 2; disk++) {
        struct bf_image_ref ref = {.machine = "web", .point = point};
        CHECK_EQ(point_wrong(state, point, &source, disk), 0);
        CHECK_EQ(bf_image_verify(state, &ref, disk, NULL, NULL, &verdict, &fault), BF_OK);
    }
    bf_state_close(state);
    return point;
}

// ---- The tests ----------------------------------------------------------------------------------

// Every named step of a session, in its order; nth picks a later occurrence.
static const struct {
    const char *name;
    int nth;
} steps[] = {
    {"working", 1}, {"first-layer", 1}, {"first-layer", 2}, {"doubt", 1},  {"flushed", 1},
    {"flushed", 3}, {"records", 1},     {"records", 4},     {"cursor", 1}, {"cursor", 5},
    {"durable", 2}, {"manifest", 1},    {"manifest", 2},    {"layer", 1},  {"layer", 2},
    {"sealing", 1}, {"snapshot", 1},    {"sealed", 1},
};
enum { STEPS = BF_COUNT(steps) };

static void test_killed_at_every_step(void)
{
    static const char *const point_exists[] = {"sealing", "snapshot", "sealed"};

    for (int i = 0; i < STEPS; i++) {
        int must_exist = 0;
        // The second round goes over a chain that has a point already.
        begin(100 + (uint64_t)i);
        for (uint32_t round = 1; round <= 2; round++) {
            int first_only = strcmp(steps[i].name, "first-layer") == 0 && round == 2;
            printf("# %s %d, round %u\n", steps[i].name, steps[i].nth, round);
            if (!run_until_killed(steps[i].name, steps[i].nth, 0) && !first_only)
                FAIL("step %s was not reached %d times", steps[i].name, steps[i].nth);
            for (size_t k = 0; k < 3; k++)
                must_exist |= strcmp(point_exists[k], steps[i].name) == 0;
            open_state();
            CHECK_EQ(points(), round - (must_exist || first_only ? 0 : 1));
            bf_state_close(state);
            CHECK_EQ(check_and_complete(), round);
            source_change(&source, 200);
            source_boot(&source);
        }
        finish();
    }
}

// How many of the chunks in front of the durable position are known to have an unreadable block.
static uint64_t known_before(uint64_t chunk)
{
    struct bf_unreadable_row *list = NULL;
    size_t rows = 0;
    uint64_t known = 0;

    CHECK_EQ(bf_db_unreadable_list(bf_state_db(state), source.session, &list, &rows), BF_OK);
    for (size_t i = 0; i < rows; i++)
        known += list[i].disk == 0 && list[i].offset < chunk * CHUNK;
    free(list);
    return known;
}

// Position and what cannot be read go back together: whatever is durable, all is known about it.
static void test_killed_while_going_back(void)
{
    static const struct {
        const char *step;
        int nth;
        uint64_t resume;
    } kills[] = {{"restart", 1, 0},         {"restarted", 1, BACK_TO}, {"back", 1, BACK_TO},
                 {"forgotten", 1, BACK_TO}, {"records", 2, BACK_TO},   {"again", 1, BACK_AGAIN}};

    for (size_t i = 0; i < BF_COUNT(kills); i++) {
        begin(600 + i);
        session_to_kill = session_that_goes_back;
        CHECK(run_until_killed(kills[i].step, kills[i].nth, 0));
        session_to_kill = whole_session;
        CHECK_EQ(told->durable[0], BACK_FROM);
        open_state();
        struct bf_session_store *s = open_session();
        uint64_t resume = bf_session_store_resume(s, 0);
        // Killed before the sync, either position may be there.
        CHECK(kills[i].resume ? resume == kills[i].resume
                              : resume == BACK_FROM || resume == BACK_TO);
        CHECK_EQ(known_before(resume), resume);
        CHECK_EQ(session_wrong(s, &source, 0, resume), 0);
        bf_session_store_close(s);
        bf_state_close(state);
        memset(told, 0, sizeof *told);
        CHECK_EQ(check_and_complete(), 1);
        finish();
    }
}

static void test_recovery_is_killed_too(void)
{
    static const char *const during[] = {"recovered-point", "settled"};
    static const char *const before[] = {"sealing", "flushed"};

    for (int i = 0; i < 2; i++) {
        begin(200 + (uint64_t)i);
        CHECK(run_until_killed(before[i], 2 - (i == 0), 0));
        struct told was = *told;
        CHECK(run_until_killed(during[i], 1, 0));
        *told = was;
        CHECK_EQ(check_and_complete(), 1);
        finish();
    }
}

static void test_killed_at_random_moments(void)
{
    uint64_t random = 300;
    uint32_t point = 0;

    begin(300);
    for (int i = 0; i < KILLS; i++) {
        run_until_killed(NULL, 0, 20000 + source_random(&random) % 400000);
        if (i % 3 == 2) {
            CHECK_EQ(check_and_complete(), ++point);
            source_change(&source, 300);
            source_boot(&source);
        }
    }
    finish();
}

// The storage daemon dies under a living server: the store says so, and the next one goes on.
static void test_storage_daemon_killed(void)
{
    struct bf_session_store *s;
    struct bf_store store;
    uint64_t random = 400;

    begin(400);
    for (int i = 0; i < KILLS; i++) {
        uint64_t from = source_random(&random) % (source.disk[0].chunks - 40), to = from + 40;
        enum bf_err err = BF_OK;
        open_state();
        s = open_session();
        store = bf_session_store_ops(s);
        CHECK_EQ(session_send(s, &source, 0, from, to), BF_OK);
        if (i % 2)
            CHECK_EQ(session_checkpoint(s, 0, to), BF_OK);
        told->durable[0] = store.ops->durable(store.impl, 0);
        kill(bf_qsd_pid(s->qsd), SIGKILL);
        source_change(&source, 100);
        for (int k = 0; !err && k < 1000; k++)
            err = session_send(s, &source, 0, 0, 20) ?: session_checkpoint(s, 0, 20);
        CHECK_EQ(err, BF_ERR_BUSY);
        CHECK(strstr(store.ops->fault(store.impl)->what, "storage daemon"));
        bf_session_store_close(s);
        s = open_session();
        CHECK(bf_session_store_resume(s, 0) >= told->durable[0]);
        CHECK_EQ(session_untruths(state, s, &source, 0), 0);
        bf_session_store_close(s);
        bf_state_close(state);
        source_boot(&source);
    }
    memset(told, 0, sizeof *told);
    CHECK_EQ(check_and_complete(), 1);
    finish();
}

static struct bf_session_store *victim;

static void kill_daemon_when_sealing(const char *name)
{
    if (strcmp(name, "sealing") == 0)
        kill(bf_qsd_pid(victim->qsd), SIGKILL);
}

// It dies between the point's row and the switch of layers: the point is completed all the same.
static void test_storage_daemon_killed_while_sealing(void)
{
    uint32_t point = 0;

    begin(500);
    open_state();
    victim = open_session();
    CHECK_EQ(session_copy(victim, &source, 64, NULL), BF_OK);
    store_step_watch(kill_daemon_when_sealing);
    CHECK_EQ(session_seal(victim, &source, &point), BF_ERR_BUSY);
    store_step_watch(NULL);
    bf_session_store_close(victim);
    victim = open_session();
    CHECK_EQ(session_seal(victim, &source, &point), BF_OK);
    CHECK_EQ(point, 1);
    bf_session_store_close(victim);
    bf_state_close(state);
    source_change(&source, 100);
    source_boot(&source);
    CHECK_EQ(check_and_complete(), 2);
    finish();
}

TEST_MAIN(TEST(test_killed_at_every_step), TEST(test_killed_while_going_back),
          TEST(test_recovery_is_killed_too), TEST(test_killed_at_random_moments),
          TEST(test_storage_daemon_killed), TEST(test_storage_daemon_killed_while_sealing))
