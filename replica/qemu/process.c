// SPDX-License-Identifier: Apache-2.0
// Child processes. Between fork and exec only async-signal-safe calls are made, since the daemon
// has threads. The child is killed with the thread that started it, so a daemon that dies leaves
// nobody behind who holds its files.
#include "replica/qemu/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/state/wait.h"
#include "replica/state/waits.h"

enum { LEFT_MAX = 64, REAP_LOOK_MS = 10 };
enum { EXIT_NOT_FOUND = 127, EXIT_SETUP = 126 };

// A command that works as the owner of the state has a way back to root; its children have none.
// True when no id but the effective one is left.
static int settle_ids(void)
{
    uid_t user = geteuid();
    gid_t group = getegid();

    if (getuid() == user || getuid() != 0)
        return 1;
    return seteuid(0) == 0 && setgroups(0, NULL) == 0 && setresgid(group, group, group) == 0 &&
           setresuid(user, user, user) == 0;
}

static int dies_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

// In the child: never returns. The exec's failure is reported through a close-on-exec pipe.
__attribute__((noreturn)) static void child(const struct bf_process_config *c, pid_t parent,
                                            char *const *environment, int report)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    struct rlimit files;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    umask(077);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { // a chain has a file per layer
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        _exit(EXIT_SETUP);
    if (c->output >= 0 &&
        (dup2(c->output, STDOUT_FILENO) < 0 || dup2(c->output, STDERR_FILENO) < 0))
        _exit(EXIT_SETUP);
    if (c->dir >= 0 && fchdir(c->dir) != 0)
        _exit(EXIT_SETUP);
    if (c->keep >= 0 && fcntl(c->keep, F_SETFD, 0) != 0)
        _exit(EXIT_SETUP);
    for (const int *fd = c->keep_more; fd && *fd >= 0; fd++)
        if (fcntl(*fd, F_SETFD, 0) != 0)
            _exit(EXIT_SETUP);
    // A change of ids takes the death signal away, so it is asked for afterwards.
    if (!settle_ids() || (c->own_session ? setsid() < 0 : !dies_with(parent)))
        _exit(EXIT_SETUP);
    execvpe(c->argv[0], (char *const *)c->argv, environment);
    if (write(report, &errno, sizeof errno) != sizeof errno)
        _exit(EXIT_SETUP);
    _exit(EXIT_NOT_FOUND);
}

// Our environment with one setting in front, where it is found first. The caller releases it.
static char **environment_with(const char *setting)
{
    size_t count = 0;
    char **all;

    while (environ[count])
        count++;
    all = calloc(count + 2, sizeof *all);
    if (!all)
        return NULL;
    if (setting)
        all[0] = (char *)setting;
    memcpy(all + (setting != NULL), environ, count * sizeof *all);
    return all;
}

// ---- Starting ----------------------------------------------------------------------------------

// What exec says: nothing, when it succeeds. It may hang, as a file system does.
static enum bf_err hear_report(int report, pid_t pid, const char *name)
{
    struct pollfd p = {.fd = report, .events = POLLIN};
    struct bf_wait wait;
    enum bf_err err = BF_OK;
    int reason = 0;

    bf_wait_begin(&wait, pid, name);
    while (!err && !p.revents)
        err = bf_wait_for(&wait, &p, 1);
    if (!err && read(report, &reason, sizeof reason) <= 0)
        return BF_OK;
    bf_process_reap(pid, 0);
    if (err)
        return err;
    return reason == ENOENT ? BF_ERR_NOT_FOUND : BF_ERR_IO;
}

static void bury_left(void);

enum bf_err bf_process_start(const struct bf_process_config *config, pid_t *pid)
{
    char **environment = environment_with(config->setting);
    pid_t parent = getpid();
    int report[2];
    enum bf_err err;

    bury_left();
    if (!environment)
        return BF_ERR_NO_MEMORY;
    if (pipe2(report, O_CLOEXEC) != 0) {
        free(environment);
        return BF_ERR_LIMIT;
    }
    *pid = fork();
    if (*pid == 0)
        child(config, parent, environment, report[1]);
    free(environment);
    close(report[1]);
    err = *pid < 0 ? BF_ERR_NO_MEMORY : hear_report(report[0], *pid, config->argv[0]);
    close(report[0]);
    if (err)
        *pid = -1;
    BF_ASSERT(err || *pid > 0);
    return err;
}

// ---- Ending ------------------------------------------------------------------------------------

// Children that were killed and did not go.
static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t left[LEFT_MAX];
static size_t left_count;

static void bury_left(void)
{
    pthread_mutex_lock(&left_lock);
    BF_ASSERT(left_count <= LEFT_MAX);
    for (size_t i = left_count; i-- > 0;)
        if (waitpid(left[i], NULL, WNOHANG) != 0)
            left[i] = left[--left_count];
    pthread_mutex_unlock(&left_lock);
}

static void leave_behind(pid_t pid)
{
    bf_log(BF_LOG_ERROR,
           "process %d was killed but has not ended: the kernel is waiting for a disk; see "
           "the system log",
           (int)pid);
    pthread_mutex_lock(&left_lock);
    if (left_count < LEFT_MAX)
        left[left_count++] = pid;
    pthread_mutex_unlock(&left_lock);
}

// True when it is gone; *err tells how it ended.
static int is_gone(pid_t pid, enum bf_err *err)
{
    int status = 0;
    pid_t got;

    BF_ASSERT(pid > 0); // what is not a process would be any child
    got = waitpid(pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return 0;
    *err = got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? BF_OK : BF_ERR_IO;
    return 1;
}

static int goes_within(pid_t pid, uint32_t ms, enum bf_err *err)
{
    uint64_t end = bf_platform_now_us() + (uint64_t)ms * 1000;

    while (!is_gone(pid, err)) {
        if (bf_platform_now_us() >= end)
            return 0;
        poll(NULL, 0, REAP_LOOK_MS);
    }
    return 1;
}

enum bf_err bf_process_reap(pid_t pid, uint32_t ms)
{
    enum bf_err err, ignored;

    BF_ASSERT(pid > 0); // what is not a process would be a group, or everybody
    if (goes_within(pid, ms, &err))
        return err;
    kill(pid, SIGKILL);
    if (!goes_within(pid, BF_WAIT_KILLED_MS, &ignored))
        leave_behind(pid);
    return BF_ERR_TIMEOUT;
}

enum bf_err bf_process_await(pid_t pid, const char *name)
{
    struct bf_child_watch watch;
    enum bf_child_verdict verdict = BF_CHILD_WORKS;
    enum bf_err err;

    bf_child_watch_begin(&watch, pid, bf_platform_now_us());
    watch.computes = 1;
    while (verdict == BF_CHILD_WORKS && !bf_wait_is_cancelled()) {
        if (goes_within(pid, BF_CHILD_LOOK_MS, &err))
            return err;
        verdict = bf_child_look(&watch, bf_platform_now_us());
    }
    if (verdict != BF_CHILD_WORKS)
        bf_log(BF_LOG_ERROR, "%s (process %d) hangs; killing it", name, (int)pid);
    err = verdict == BF_CHILD_WORKS ? BF_ERR_CANCELLED : BF_ERR_TIMEOUT;
    bf_process_reap(pid, 0);
    return err;
}

// ---- Running one to its end --------------------------------------------------------------------

// The last line with a word in it is kept: a progress display (qemu-img's "(4.84/100%)") may go on
// behind the error that ends the program.
struct last_line {
    char text[256]; // the line that is being read
    size_t len;
    int word;
};

static void end_line(struct last_line *line, const struct bf_process_run *run)
{
    BF_ASSERT(line->len < sizeof line->text && run->size > 0);
    line->text[line->len] = 0;
    if (line->word)
        bf_snprintf(run->said, run->size, "%s", line->text);
    line->len = 0;
    line->word = 0;
}

// '\r' ends a line too, as progress displays do.
static void keep_lines(struct last_line *line, const struct bf_process_run *run, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n' || *text == '\r') {
            end_line(line, run);
        } else if (line->len + 1 < sizeof line->text) {
            line->text[line->len++] = *text;
            line->word |= (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
        }
    }
}

static enum bf_err read_output(const struct bf_process_run *run, pid_t pid, int out)
{
    struct pollfd p = {.fd = out, .events = POLLIN};
    struct bf_wait wait;
    struct last_line line = {.len = 0};
    char text[1024];
    ssize_t n = 1;
    enum bf_err err = BF_OK;

    bf_wait_begin(&wait, pid, run->argv[0]);
    wait.child.also = run->also;
    wait.also_name = run->also_name;
    wait.child.computes = 1; // a line of output may stand for hundreds of gigabytes
    while (n != 0 && (err = bf_wait_for(&wait, &p, 1)) == BF_OK) {
        if (!p.revents)
            continue;
        BF_ASSERT(n != 0); // the end comes once
        n = read(out, text, sizeof text - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        bf_child_progress(&wait.child);
        text[n] = 0;
        keep_lines(&line, run, text);
        if (run->watch)
            run->watch(run->user, text);
    }
    end_line(&line, run);
    return err;
}

enum bf_err bf_process_run_to_end(const struct bf_process_run *run)
{
    struct bf_process_config config = {.argv = run->argv, .dir = run->dir, .keep = run->keep};
    int out[2];
    pid_t pid;
    enum bf_err err;

    run->said[0] = 0;
    if (pipe2(out, O_CLOEXEC) != 0)
        return BF_ERR_LIMIT;
    config.output = out[1];
    err = bf_process_start(&config, &pid);
    close(out[1]);
    if (!err) {
        err = read_output(run, pid, out[0]);
        if (err)
            bf_process_reap(pid, 0);
        else
            err = bf_process_await(pid, run->argv[0]);
    }
    close(out[0]);
    if (err == BF_ERR_TIMEOUT)
        bf_snprintf(run->said, run->size, "%s hung and was killed", run->argv[0]);
    if (err == BF_ERR_CANCELLED)
        bf_snprintf(run->said, run->size, "it was interrupted");
    if (err && !run->said[0])
        bf_snprintf(run->said, run->size, "%s gave no reason", run->argv[0]);
    return err;
}

enum bf_err bf_process_run(const char *const *argv, int dir,
                           void (*watch)(void *user, const char *text), void *user, char *said,
                           size_t size)
{
    const struct bf_process_run run = {.argv = argv,
                                       .dir = dir,
                                       .keep = -1,
                                       .watch = watch,
                                       .user = user,
                                       .said = said,
                                       .size = size};

    return bf_process_run_to_end(&run);
}
