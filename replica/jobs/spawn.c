// SPDX-License-Identifier: Apache-2.0
// Starts runners. A runner is nobody's child: it is started by a child that ends at once, in a
// session of its own, so that neither Ctrl-C at a command nor the end of the daemon reaches it.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/log.h"
#include "replica/jobs/begin.h"
#include "replica/jobs/boot.h"
#include "replica/jobs/folder.h"
#include "replica/jobs/reported.h"
#include "replica/state/file.h"
#include "replica/state/owner.h"

enum { PROGRAM_PATH = 4096, EXIT_FAILED = 127 };

// This program, or bootferry beside the daemon.
static void find_program(char out[PROGRAM_PATH])
{
    ssize_t len = readlink("/proc/self/exe", out, PROGRAM_PATH - 16);
    out[len > 0 ? len : 0] = 0;
    char *slash = strrchr(out, '/');
    char *name = slash ? slash + 1 : out;
    memcpy(name, "bootferry", sizeof "bootferry");
}

// The plan in a file without a name, which is the runner's standard input.
static int plan_file(const char *plan, size_t len)
{
    if (!plan)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("plan", MFD_CLOEXEC);
    if (fd >= 0 && (bf_file_write_all(fd, plan, len) || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

// In the child; never returns. Only calls that are safe after fork in a program with threads.
__attribute__((noreturn)) static void become(char *const *argv, int in, int log)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (setsid() < 0 || fork() != 0)
        _exit(0);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(EXIT_FAILED);
    for (int number = SIGHUP; number < SIGRTMIN; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
    execv(argv[0], argv);
    _exit(EXIT_FAILED);
}

static enum bf_err start(char *const *argv, int in, int log, struct bf_fault *fault)
{
    pid_t pid = in >= 0 && log >= 0 ? fork() : -1;
    if (pid == 0)
        become(argv, in, log);
    if (pid < 0)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER,
                            "the daemon tries it again, and so does the next bootferry job run",
                            "no runner could be started: %s", strerror(errno));
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return BF_OK;
}

enum bf_err bf_runner_spawn(const struct bf_state *state, int64_t job, const char *plan, size_t len,
                            struct bf_fault *fault)
{
    char program[PROGRAM_PATH], number[24], path[BF_JOB_PATH];
    char folder[PROGRAM_PATH];
    char *argv[] = {program, "--state", folder, "job", "run", number, NULL};
    find_program(program);
    if (!realpath(bf_state_path(state), folder))
        bf_snprintf(folder, sizeof folder, "%s", bf_state_path(state));
    bf_snprintf(number, sizeof number, "%lld", (long long)job);
    bf_job_path(state, job, "log", path);
    int in = plan_file(plan, len);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum bf_err err = start(argv, in, log, fault);
    if (in >= 0)
        close(in);
    if (log >= 0)
        close(log);
    return err;
}

static void spawn(struct bf_state *state, const struct bf_job *job)
{
    struct bf_fault fault;
    bf_log(BF_LOG_INFO, "job %lld of %s goes on", (long long)job->id, job->machine);
    if (bf_runner_spawn(state, job->id, NULL, 0, &fault))
        bf_log(BF_LOG_ERROR, "%s", fault.what);
}

// Whether a runner has something to do for the job.
typedef bool has_work(const struct bf_state *state, const struct bf_job *job,
                      const struct bf_failover *f);

// over: of those jobs, too, that are over.
static void spawn_each(struct bf_state *state, struct bf_db *db, int over, has_work *wanted)
{
    struct bf_failover *list = NULL;
    struct bf_job job;
    size_t count = 0;
    if (bf_db_failover_list(db, NULL, over, &list, &count))
        return;
    for (size_t i = 0; i < count; i++)
        if (bf_db_job_get(db, list[i].job, &job) == BF_OK && wanted(state, &job, &list[i]) &&
            !bf_job_is_locked(state, job.id))
            spawn(state, &job);
    free(list);
}

static bool goes_on(const struct bf_state *state, const struct bf_job *job,
                    const struct bf_failover *f)
{
    return bf_runner_is_wanted(job, f, time(NULL)) || bf_reported_waits(state, job->id);
}

void bf_runner_spawn_wanted(struct bf_state *state, struct bf_db *db)
{
    spawn_each(state, db, 0, goes_on);
}

static bool after_boot(const struct bf_state *state, const struct bf_job *job,
                       const struct bf_failover *f)
{
    (void)f;
    return bf_job_boot_matters(state, job);
}

void bf_runner_spawn_after_boot(struct bf_state *state, struct bf_db *db)
{
    spawn_each(state, db, 1, after_boot);
}
