// SPDX-License-Identifier: Apache-2.0
// Children that work, wait and are stopped, as linux/child_state.h judges them. Time is an
// argument, so nothing is waited for but the state of a process itself.
#include "linux/child_state.h"

#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

enum { SECOND_US = 1000000, SECONDS_MOST = 600 };

static volatile unsigned computed;

static pid_t start(volatile int busy)
{
    pid_t pid = fork();

    if (pid == 0) {
        while (busy)
            computed++;
        pause();
        _exit(0);
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void wait_for_state(pid_t pid, int at_work)
{
    for (int i = 0; i < TEST_PATIENCE_S * 1000 && bf_child_is_at_work(pid) != at_work; i++)
        usleep(1000);
    CHECK_EQ(bf_child_is_at_work(pid), at_work);
}

// Seconds, one look each, until the verdict is another than "works"; 0: it stays so.
static int seconds_until(struct bf_child_watch *w, enum bf_child_verdict *verdict)
{
    uint64_t now = w->looked_us;

    for (int i = 1; i <= SECONDS_MOST; i++)
        if ((*verdict = bf_child_look(w, now += SECOND_US)) != BF_CHILD_WORKS)
            return i;
    return 0;
}

static void test_one_that_sleeps_hangs(void)
{
    struct bf_child_watch w;
    enum bf_child_verdict verdict;
    pid_t pid = start(0);

    wait_for_state(pid, 0);
    bf_child_watch_begin(&w, pid, 5 * SECOND_US);
    int seconds = seconds_until(&w, &verdict);
    end(pid);
    CHECK_EQ(verdict, BF_CHILD_HANGS);
    // The first look may see processor time from before.
    CHECK(seconds == BF_CHILD_SILENT_MS / 1000 || seconds == BF_CHILD_SILENT_MS / 1000 + 1);
}

static void test_one_that_is_stopped_hangs(void)
{
    struct bf_child_watch w;
    enum bf_child_verdict verdict;
    pid_t pid = start(1);

    wait_for_state(pid, 1);
    kill(pid, SIGSTOP);
    wait_for_state(pid, 0);
    bf_child_watch_begin(&w, pid, 0);
    seconds_until(&w, &verdict);
    end(pid);
    CHECK_EQ(verdict, BF_CHILD_HANGS);
}

static void test_one_that_computes_has_more_time(void)
{
    struct bf_child_watch w;
    enum bf_child_verdict verdict;
    pid_t pid = start(1);

    wait_for_state(pid, 1);
    bf_child_watch_begin(&w, pid, 0);
    int seconds = seconds_until(&w, &verdict);
    end(pid);
    CHECK_EQ(verdict, BF_CHILD_IS_STUCK);
    CHECK_EQ(seconds, BF_CHILD_STUCK_MS / 1000);
}

static uint64_t processor_time(pid_t pid)
{
    struct bf_child_watch w = {.pid = pid};

    bf_child_look(&w, SECOND_US);
    return w.ticks;
}

static void test_one_that_computes_in_silence_makes_progress(void)
{
    struct bf_child_watch w;
    pid_t pid = start(1);

    wait_for_state(pid, 1);
    bf_child_watch_begin(&w, pid, 0);
    w.computes = 1;
    bf_child_look(&w, SECOND_US);
    for (int i = 0; i < TEST_PATIENCE_S * 1000 && processor_time(pid) == w.ticks; i++)
        usleep(1000);
    w.quiet_ms = BF_CHILD_STUCK_MS;
    enum bf_child_verdict verdict = bf_child_look(&w, 2 * SECOND_US);
    end(pid);
    CHECK_EQ(verdict, BF_CHILD_WORKS);
}

static void test_one_that_waits_for_another_that_works(void)
{
    struct bf_child_watch w;
    enum bf_child_verdict verdict;
    pid_t pid = start(0), other = start(1);

    wait_for_state(pid, 0);
    wait_for_state(other, 1);
    bf_child_watch_begin(&w, pid, 0);
    w.also = other;
    seconds_until(&w, &verdict);
    end(pid);
    end(other);
    CHECK_EQ(verdict, BF_CHILD_IS_STUCK);
}

static void test_progress_counts(void)
{
    struct bf_child_watch w;
    uint64_t now = 0;
    pid_t pid = start(0);
    int hangs = 0;

    bf_child_watch_begin(&w, pid, now);
    for (int i = 0; i < SECONDS_MOST; i++) {
        hangs += bf_child_look(&w, now += SECOND_US) != BF_CHILD_WORKS;
        if (i % 5 == 0)
            bf_child_progress(&w);
    }
    end(pid);
    CHECK_EQ(hangs, 0);
}

// Whoever was stopped himself, or slept for an hour, has not waited for an hour.
static void test_time_in_which_nobody_looked(void)
{
    struct bf_child_watch w;
    pid_t pid = start(0);

    bf_child_watch_begin(&w, pid, 0);
    enum bf_child_verdict verdict = bf_child_look(&w, (uint64_t)3600 * SECOND_US);
    end(pid);
    CHECK_EQ(verdict, BF_CHILD_WORKS);
    CHECK(w.quiet_ms <= BF_CHILD_GAP_MOST_MS);
}

TEST_MAIN(TEST(test_one_that_sleeps_hangs), TEST(test_one_that_is_stopped_hangs),
          TEST(test_one_that_computes_has_more_time),
          TEST(test_one_that_computes_in_silence_makes_progress),
          TEST(test_one_that_waits_for_another_that_works), TEST(test_progress_counts),
          TEST(test_time_in_which_nobody_looked))
