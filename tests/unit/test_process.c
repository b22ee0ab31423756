// SPDX-License-Identifier: Apache-2.0
// Child processes: whom they run as, and what they say last.
#include "replica/qemu/process.h"

#include <signal.h>
#include <sys/wait.h>

#include "replica/state/wait.h"
#include "tests/unit/test.h"

static void check_says(const char *const *argv, const char *want)
{
    char said[160];
    enum bf_err err = bf_process_run(argv, -1, NULL, NULL, said, sizeof said);
    CHECK_EQ(err, BF_OK);
    CHECK_STR(said, want);
}

static void test_the_last_line_is_kept(void)
{
    static const char *const argv[] = {"sh", "-c", "printf 'one\\ntwo\\rthree\\n'", NULL};
    static const char *const unended[] = {"sh", "-c", "printf 'one\\ntwo'", NULL};
    static const char *const progress[] = {
        "sh", "-c", "printf '    (1.00/100%%)\\rno room\\n    (2.00/100%%)\\r'", NULL};
    check_says(argv, "three");
    check_says(unended, "two");
    check_says(progress, "no room");
}

// sudo bootferry works as the owner of the state, with root as its real id.
static void test_no_way_back_to_root(void)
{
    static const char *const ids[] = {"grep", "^Uid", "/proc/self/status", NULL};
    static const char *const caps[] = {"grep", "^CapPrm", "/proc/self/status", NULL};
    if (getuid() != 0)
        SKIP("needs root");
    if (setegid(4711) < 0 || seteuid(4711) < 0)
        FAIL("cannot become 4711");
    check_says(ids, "Uid:\t4711\t4711\t4711\t4711");
    check_says(caps, "CapPrm:\t0000000000000000");
    CHECK(seteuid(0) == 0 && setegid(0) == 0);
}

static bool three_times(void *user)
{
    return ++*(int *)user < 3;
}

// Whoever waits is asked whether to go on, however long the child says nothing.
static void test_a_wait_ends_when_nobody_wants_it(void)
{
    static const char *const argv[] = {"sleep", "100000", NULL};
    char said[160];
    int asked = 0;

    bf_wait_cancel_when_not(three_times, &asked);
    enum bf_err err = bf_process_run(argv, -1, NULL, NULL, said, sizeof said);
    bf_wait_cancel_when_not(NULL, NULL);
    CHECK_EQ(err, BF_ERR_CANCELLED);
    CHECK(asked >= 3);
    CHECK_STR(said, "it was interrupted");
}

// Starts a child that tells its session and lives on, from a process that ends.
static pid_t start_and_end(bool own_session, int out)
{
    static const char *const argv[] = {"sh", "-c", "echo $$ $(ps -o sid= -p $$); exec sleep 100000",
                                       NULL};
    pid_t starter = fork(), child;

    if (starter == 0) {
        const struct bf_process_config config = {
            .argv = argv, .dir = -1, .keep = -1, .output = out, .own_session = own_session};
        _exit(bf_process_start(&config, &child) == BF_OK ? 0 : 1);
    }
    return starter;
}

static bool ends(pid_t pid)
{
    for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
        usleep(20000);
    return kill(pid, 0) != 0;
}

static void test_a_session_of_its_own(void)
{
    char line[64] = "";
    int out[2], pid = 0, session = 0, status;

    CHECK(pipe(out) == 0);
    pid_t starter = start_and_end(true, out[1]);
    CHECK(read(out[0], line, sizeof line - 1) > 0);
    CHECK(sscanf(line, "%d %d", &pid, &session) == 2);
    CHECK_EQ(session, pid);
    CHECK(waitpid(starter, &status, 0) == starter && status == 0);
    CHECK(!ends(pid)); // it outlives who started it
    kill(pid, SIGKILL);
    close(out[0]);
    close(out[1]);
}

TEST_MAIN(TEST(test_the_last_line_is_kept), TEST(test_no_way_back_to_root),
          TEST(test_a_wait_ends_when_nobody_wants_it), TEST(test_a_session_of_its_own))
