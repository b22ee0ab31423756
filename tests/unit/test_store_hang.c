// SPDX-License-Identifier: Apache-2.0
// The store under a storage daemon that hangs: it is stopped (SIGSTOP) at a named step of opening,
// copying and sealing, each in a process of its own, all at the same time, since each takes as long
// as a hang is waited for. The store has to notice, to say so and to kill it; the next store of the
// session goes on with another one, nothing that was told durable is lost, and the point is whole.
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "replica/qemu/qsd.h"
#include "replica/points/recover.h"
#include "replica/store/parts.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_session.h"
#include "tests/unit/store_step.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536, DOUBTFUL = 40, EVERY = 16 };
#define DISK_BYTES ((uint64_t)12 << 20)

struct hang {
    const char *step;
    int nth;
    int opens; // it happens while the store is being opened
};

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source;

// ---- Stopping it --------------------------------------------------------------------------------

static const struct hang *planned;
static _Atomic int seen;
static struct bf_session_store *_Atomic victim;
static _Atomic int stopped; // its process
static _Atomic int doubted;

static void stop_at(const char *name)
{
    if (strcmp(name, planned->step) != 0 || ++seen != planned->nth)
        return;
    while (!victim) // it is being opened by another thread
        usleep(1000);
    stopped = bf_qsd_pid(victim->qsd);
    kill(stopped, SIGSTOP);
}

static struct bf_session_store *open_session(void)
{
    struct bf_session_config config;
    struct bf_session_store *s;
    enum bf_err err;

    session_config(&source, &config);
    CHECK_EQ(bf_session_store_begin(state, &config, &s, &fault), BF_OK);
    victim = s;
    while ((err = bf_session_store_opened(s, &fault)) == BF_AGAIN)
        usleep(1000);
    victim = s;
    if (!err)
        return s;
    CHECK_EQ(err, fault.code);
    CHECK(bf_session_store_has_hung(s));
    bf_session_store_close(s);
    return NULL;
}

// Until the store fails.
static enum bf_err copy_and_seal(struct bf_session_store *s)
{
    uint32_t point;
    enum bf_err err = session_copy(s, &source, EVERY, NULL);

    for (uint16_t i = 0; !err && i < source.disks; i++)
        err = session_checkpoint(s, i, source.disk[i].chunks);
    return err ? err : session_seal(s, &source, &point);
}

// ---- One hang -----------------------------------------------------------------------------------

static void see_doubt(const char *name)
{
    if (strcmp(name, "doubt") == 0)
        doubted = 1;
}

// Closed before, the store drops what it was given and has no doubt.
static void make_doubt(void)
{
    struct bf_session_store *s = open_session();

    CHECK(s);
    store_step_watch(see_doubt);
    CHECK_EQ(session_send(s, &source, 0, 0, DOUBTFUL), BF_OK);
    while (!doubted)
        usleep(1000);
    bf_session_store_close(s);
    victim = NULL;
}

static void hangs_and_is_noticed(const struct hang *hang, uint64_t durable[SOURCE_DISKS])
{
    struct bf_session_store *s;
    struct bf_store store;

    if (hang->opens)
        make_doubt();
    planned = hang;
    store_step_watch(stop_at);
    s = open_session();
    CHECK_EQ(s == NULL, hang->opens);
    if (s) {
        store = bf_session_store_ops(s);
        CHECK_EQ(copy_and_seal(s), BF_ERR_IO);
        fault = *store.ops->fault(store.impl);
        CHECK(bf_session_store_has_hung(s));
        for (uint16_t i = 0; i < source.disks; i++)
            durable[i] = store.ops->durable(store.impl, i);
        bf_session_store_close(s);
    }
    store_step_watch(NULL);
    CHECK_EQ(fault.side, BF_SIDE_SERVER);
    CHECK(strstr(fault.what, "the storage daemon hung and was killed"));
    CHECK(stopped > 0 && kill(stopped, 0) < 0 && errno == ESRCH);
}

static void goes_on(const uint64_t durable[SOURCE_DISKS])
{
    struct bf_session_store *s;
    uint32_t point = 0;

    s = open_session();
    CHECK(s);
    for (uint16_t i = 0; i < source.disks; i++) {
        CHECK(bf_session_store_resume(s, i) >= durable[i]);
        CHECK_EQ(session_wrong(s, &source, i, durable[i]), 0);
    }
    if (s->sealing != BF_SEAL_DONE)
        CHECK_EQ(session_copy(s, &source, EVERY, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    CHECK_EQ(point, 1);
    bf_session_store_close(s);
    for (uint16_t i = 0; i < source.disks; i++)
        CHECK_EQ(point_wrong(state, point, &source, i), 0);
}

static void one_hang(const struct hang *hang, uint64_t seed)
{
    uint64_t durable[SOURCE_DISKS] = {0};

    store_files_make(&files);
    source_make(&source, seed, SOURCE_DISKS, DISK_BYTES, CHUNK);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
    session_machine(state, &source);
    hangs_and_is_noticed(hang, durable);
    goes_on(durable);
    bf_state_close(state);
    source_free(&source);
    store_files_remove(&files);
}

// ---- All of them --------------------------------------------------------------------------------

static const struct hang hangs[] = {
    {"settling", 1, 1}, // what is in doubt is being read back
    {"doubt", 1, 0},    // the first write
    {"doubt", 2, 0},    // one on the other disk, or of a later window
    {"flushed", 2, 0},  // between checkpoints
    {"checking", 2, 0}, // verification while the copy runs
    {"quiet", 1, 0},    // verification at the end
    {"layer", 2, 0},    // the point's row comes next
    {"sealing", 1, 0},  // the layers are switched next
};
enum { HANGS = BF_COUNT(hangs) };

static pid_t start(int i)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    if (setjmp(test_end) == 0) {
        one_hang(&hangs[i], 900 + (uint64_t)i);
        _exit(0);
    }
    printf("# at step %s, %d\n", hangs[i].step, hangs[i].nth);
    fflush(stdout);
    _exit(1);
}

static void test_a_storage_daemon_that_hangs_is_replaced(void)
{
    pid_t pid[HANGS];
    int bad = 0, status;

    fflush(stdout);
    for (int i = 0; i < HANGS; i++)
        pid[i] = start(i);
    for (int i = 0; i < HANGS; i++)
        bad +=
            waitpid(pid[i], &status, 0) != pid[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    CHECK_EQ(bad, 0);
}

TEST_MAIN(TEST(test_a_storage_daemon_that_hangs_is_replaced))
