// SPDX-License-Identifier: Apache-2.0
// The client of the guest agent against a qemu-ga that runs here, and against others that only say
// what the test wants.
#include "replica/qemu/qga.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

#define NAME     "{\"execute\":\"guest-get-host-name\"}"
#define SENTINEL "\xff"

static char folder[64], path[96];
static int dir = -1;
static pid_t server;
static struct bf_fault fault;
static char *answer;

static void make_folder(void)
{
    strcpy(folder, "/tmp/bootferry-qga-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(dir >= 0);
}

static void drop(void)
{
    char command[128];

    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    server = 0;
    close(dir);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    CHECK(system(command) == 0);
    free(answer);
    answer = NULL;
}

static enum bf_err ask(const char *command)
{
    free(answer);
    return bf_qga_ask(dir, "s", command, &answer, &fault);
}

// ---- The agent ---------------------------------------------------------------------------------

static void start_agent(void)
{
    make_folder();
    server = fork();
    if (server == 0) {
        char pid[96];

        snprintf(pid, sizeof pid, "%s/pid", folder);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(127);
        execlp("qemu-ga", "qemu-ga", "-m", "unix-listen", "-p", path, "-f", pid, "-t", folder, "-b",
               "guest-get-time", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 600 && access(path, F_OK) != 0; i++)
        usleep(100000);
}

static void test_an_agent(void)
{
    char name[65], wanted[128];

    start_agent();
    CHECK(gethostname(name, sizeof name) == 0);
    CHECK_EQ(ask(NAME), BF_OK);
    snprintf(wanted, sizeof wanted, "{\"return\": {\"host-name\": \"%s\"}}", name);
    CHECK_STR(answer, wanted);
    CHECK_EQ(ask("{\"execute\":\"guest-network-get-interfaces\"}"), BF_OK); // another connection
    CHECK(strstr(answer, "\"hardware-address\": \"00:00:00:00:00:00\""));
    CHECK_EQ(ask("{\"execute\":\"guest-get-time\"}"), BF_OK); // which is not allowed
    CHECK(strncmp(answer, "{\"error\":", 9) == 0);
    drop();
}

// ---- Others ------------------------------------------------------------------------------------

// Reads one line of the client's; what it has for "id".
static long read_id(int fd)
{
    char line[4096];
    size_t n = 0;
    const char *id;

    while (n < sizeof line - 1 && read(fd, line + n, 1) == 1 && line[n++] != '\n')
        continue;
    line[n] = 0;
    id = strstr(line, "\"id\":");
    return id ? strtol(id + 5, NULL, 10) : 0;
}

// Serves one client: `before` the answer that synchronizes, then `text`.
static void serve(const char *before, const char *text, size_t repeat)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    make_folder();
    strcpy(a.sun_path, path);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 1) == 0);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int client = accept(fd, NULL, NULL);
        long id = read_id(client);

        signal(SIGPIPE, SIG_DFL);
        dprintf(client, "%s", before);
        dprintf(client, SENTINEL "{\"return\": %ld}\n", id);
        if (text)
            read_id(client);
        for (size_t i = 0; text && i < repeat; i++)
            if (write(client, text, strlen(text)) < 0)
                break;
        for (;;)
            pause();
    }
    close(fd);
}

static void test_what_comes_before_is_skipped(void)
{
    serve("{\"return\": {\"host-name\": \"old\"}}\n" SENTINEL "{\"return\": 5}\n{\"error\": {}}\nx",
          "{\"return\": {\"host-name\": \"new\"}}\n", 1);
    CHECK_EQ(ask(NAME), BF_OK);
    CHECK_STR(answer, "{\"return\": {\"host-name\": \"new\"}}");
    drop();
}

static void test_an_answer_without_an_end(void)
{
    serve("", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1 << 16);
    CHECK_EQ(ask(NAME), BF_ERR_LIMIT);
    CHECK(!answer && strstr(fault.what, "no guest agent answers"));
    drop();
}

static void test_silence(void)
{
    serve("", "", 1);
    CHECK_EQ(ask(NAME), BF_ERR_TIMEOUT);
    CHECK(!answer && fault.todo[0]);
    drop();
}

static void test_nobody(void)
{
    make_folder();
    CHECK_EQ(ask(NAME), BF_ERR_NOT_FOUND);
    CHECK(!answer);
    drop();
}

TEST_MAIN(TEST(test_an_agent), TEST(test_what_comes_before_is_skipped),
          TEST(test_an_answer_without_an_end), TEST(test_silence), TEST(test_nobody))
