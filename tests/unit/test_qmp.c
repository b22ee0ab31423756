// SPDX-License-Identifier: Apache-2.0
// The QMP client against servers that say what the test wants, and against a QEMU.
#include "replica/qemu/qmp.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"

static char folder[256];
static int dir = -1;
static pid_t server;
static struct bf_fault fault;

// A folder whose path is longer than that of a socket may be.
static void make_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(folder, sizeof folder, "%s/bootferry-qmp-XXXXXX", tmp ? tmp : "/tmp");
    CHECK(mkdtemp(folder));
    snprintf(folder + strlen(folder), sizeof folder - strlen(folder), "/%0120d", 7);
    CHECK(mkdir(folder, 0700) == 0);
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(dir >= 0);
}

static void drop(void)
{
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    server = 0;
    unlinkat(dir, "s", 0);
    unlinkat(dir, "qemu.log", 0);
    close(dir);
    rmdir(folder);
    *strrchr(folder, '/') = 0;
    rmdir(folder);
}

static int listen_at(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/s", dir);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1) != 0)
        FAIL("no socket");
    return fd;
}

// Reads a command, all of it, before it answers.
static void answer(int fd, const char *text, size_t len)
{
    char line[4096];
    ssize_t n = 0, got = 0;

    while (got < (ssize_t)sizeof line - 1 &&
           (n = read(fd, line + got, sizeof line - 1 - got)) > 0) {
        got += n;
        if (line[got - 1] == '\n')
            break;
    }
    if (write(fd, text, len) < 0)
        _exit(1);
}

// Serves one client: the greeting, then one answer to each command, then as `end` says: it closes,
// or stays silent.
enum end { CLOSES, STAYS };
static void serve(const char *greeting, const char *const *answers, enum end end)
{
    int fd;

    make_folder();
    fd = listen_at();
    server = fork();
    if (server == 0) {
        int client = accept(fd, NULL, NULL);
        if (write(client, greeting, strlen(greeting)) < 0)
            _exit(1);
        for (; answers && *answers; answers++)
            answer(client, *answers, strlen(*answers));
        if (end == STAYS)
            poll(NULL, 0, TEST_PATIENCE_S * 1000);
        _exit(0);
    }
    close(fd);
}

#define OK(id) "{\"return\": {}, \"id\": " #id "}\n"

static void test_events_and_foreign_answers_are_passed_over(void)
{
    static const char *const answers[] = {
        OK(1),
        "{\"event\": \"STOP\", \"timestamp\": {}}\n{\"return\": 1, \"id\": 77}\n"
        "{\"return\": {\"status\": \"running\"}, \"id\": 2}\n",
        NULL};
    struct bf_qmp *q;
    json_t *result;

    serve(GREETING, answers, CLOSES);
    CHECK_EQ(bf_qmp_open(dir, "s", "web-1", 300000, &q, &fault), BF_OK);
    CHECK_EQ(bf_qmp_execute(q, "query-status", NULL, &result, &fault), BF_OK);
    CHECK_STR(json_string_value(json_object_get(result, "status")), "running");
    json_decref(result);
    CHECK_EQ(bf_qmp_execute(q, "query-status", NULL, &result, &fault), BF_ERR_CLOSED);
    CHECK(!result);
    bf_qmp_close(q);
    drop();
}

static void test_refusals(void)
{
    static const char *const answers[] = {
        OK(1),
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"x: No space left on device\"},"
        "\"id\": 2}\n",
        "{\"error\": {\"desc\": \"bad\\u0007 words\"}, \"id\": 3}\n",
        "{\"error\": 5, \"id\": 4}\n",
        OK(5),
        NULL};
    struct bf_qmp *q;

    serve(GREETING, answers, CLOSES);
    CHECK_EQ(bf_qmp_open(dir, "s", "web-1", 300000, &q, &fault), BF_OK);
    CHECK_EQ(bf_qmp_execute(q, "a", NULL, NULL, &fault), BF_ERR_NO_SPACE);
    CHECK_EQ(bf_qmp_execute(q, "b", json_pack("{s:i}", "x", 1), NULL, &fault), BF_ERR_IO);
    CHECK_STR(fault.what, "QEMU of web-1 refused b: bad? words");
    CHECK_EQ(bf_qmp_execute(q, "c", NULL, NULL, &fault), BF_ERR_IO);
    CHECK_EQ(bf_qmp_execute(q, "d", NULL, NULL, &fault), BF_OK);
    bf_qmp_close(q);
    drop();
}

static void test_hostile_servers(void)
{
    static const struct {
        const char *greeting, *answer;
        enum bf_err err;
    } rows[] = {
        {"", NULL, BF_ERR_CLOSED},
        {"\n", NULL, BF_ERR_PROTOCOL},
        {"[]\n", NULL, BF_ERR_PROTOCOL},
        {"{}\n", NULL, BF_ERR_PROTOCOL},
        {"{\"QMP\": 1}", NULL, BF_ERR_CLOSED}, // its line never ends
        {"\xff\xfe\n", NULL, BF_ERR_PROTOCOL},
        {GREETING, "[[[[[[[[\n", BF_ERR_PROTOCOL},
        {GREETING, "{\"id\": 1}\n", BF_ERR_PROTOCOL},
        {GREETING, "{\"id\": \"1\", \"return\": {}}\n", BF_ERR_CLOSED}, // not ours
    };
    struct bf_qmp *q;

    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        const char *const answers[] = {rows[i].answer, NULL};
        serve(rows[i].greeting, answers, CLOSES);
        if (bf_qmp_open(dir, "s", "web-1", 300000, &q, &fault) != rows[i].err)
            FAIL("row %zu: %s", i, fault.what);
        CHECK(!q);
        drop();
    }
}

static void test_a_line_without_end_is_bounded(void)
{
    static const char *const answers[] = {OK(1), NULL};
    struct bf_qmp *q;
    int fd;

    make_folder();
    fd = listen_at();
    server = fork();
    if (server == 0) {
        static char junk[1 << 16];
        int client = accept(fd, NULL, NULL);
        memset(junk, ' ', sizeof junk);
        if (write(client, GREETING, strlen(GREETING)) < 0)
            _exit(1);
        answer(client, answers[0], strlen(answers[0]));
        while (write(client, junk, sizeof junk) > 0)
            ;
        _exit(0);
    }
    close(fd);
    CHECK_EQ(bf_qmp_open(dir, "s", "web-1", 300000, &q, &fault), BF_OK);
    CHECK_EQ(bf_qmp_execute(q, "query-status", NULL, NULL, &fault), BF_ERR_LIMIT);
    bf_qmp_close(q);
    drop();
}

static void test_silence_ends(void)
{
    struct bf_qmp *q;

    serve("", NULL, STAYS);
    CHECK_EQ(bf_qmp_open(dir, "s", "web-1", 200, &q, &fault), BF_ERR_TIMEOUT);
    drop();
    make_folder();
    CHECK_EQ(bf_qmp_open(dir, "s", "web-1", 200, &q, &fault), BF_ERR_NOT_FOUND);
    close(listen_at());
    CHECK_EQ(bf_qmp_open(dir, "s", "web-1", 200, &q, &fault), BF_ERR_NOT_FOUND);
    drop();
}

// Nobody is answered while another client is there: that is the deadline's.
static void test_a_busy_server_ends_with_the_deadline(void)
{
    struct bf_qmp *q[4];
    int fd;

    make_folder();
    fd = listen_at(); // never accepts
    for (int i = 0; i < 4; i++)
        CHECK_EQ(bf_qmp_open(dir, "s", "web-1", 100, &q[i], &fault), BF_ERR_TIMEOUT);
    close(fd);
    drop();
}

static void start_qemu(void)
{
    int log;

    make_folder();
    log = openat(dir, "qemu.log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    server = fork();
    if (server == 0) {
        if (fchdir(dir) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
            _exit(126);
        execlp("qemu-system-x86_64", "qemu-system-x86_64", "-machine", "none", "-nodefaults",
               "-display", "none", "-S", "-qmp", "unix:s,server=on,wait=off", (char *)NULL);
        _exit(127);
    }
    close(log);
}

static void test_a_real_qemu(void)
{
    struct bf_qmp *q = NULL;
    json_t *result;
    int status = -1;

    start_qemu();
    for (int i = 0; i < TEST_PATIENCE_S * 10 && !q; i++) {
        if (waitpid(server, &status, WNOHANG) > 0)
            break;
        if (bf_qmp_open(dir, "s", "web-1", 300000, &q, &fault))
            poll(NULL, 0, 100);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        server = 0;
        drop();
        SKIP("no qemu-system-x86_64");
    }
    CHECK(q);
    CHECK_EQ(bf_qmp_execute(q, "query-status", NULL, &result, &fault), BF_OK);
    CHECK_STR(json_string_value(json_object_get(result, "status")), "prelaunch");
    json_decref(result);
    CHECK_EQ(bf_qmp_execute(q, "no-such-command", NULL, NULL, &fault), BF_ERR_IO);
    CHECK(strstr(fault.what, "no-such-command"));
    CHECK_EQ(bf_qmp_execute(q, "query-block", NULL, &result, &fault), BF_OK);
    CHECK(json_is_array(result));
    json_decref(result);
    bf_qmp_close(q);
    CHECK_EQ(bf_qmp_open(dir, "s", "web-1", 300000, &q, &fault), BF_OK); // the next client
    CHECK_EQ(bf_qmp_execute(q, "quit", NULL, NULL, &fault), BF_OK);
    bf_qmp_close(q);
    CHECK(waitpid(server, &status, 0) == server);
    CHECK_EQ(status, 0);
    server = 0;
    drop();
}

TEST_MAIN(TEST(test_events_and_foreign_answers_are_passed_over), TEST(test_refusals),
          TEST(test_hostile_servers), TEST(test_a_line_without_end_is_bounded),
          TEST(test_silence_ends), TEST(test_a_busy_server_ends_with_the_deadline),
          TEST(test_a_real_qemu))
