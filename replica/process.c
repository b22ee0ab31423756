// SPDX-License-Identifier: Apache-2.0
// Child processes. Between fork and exec only async-signal-safe calls are made, since the daemon
// has threads. The child is killed with the thread that started it, so a daemon that dies leaves
// nobody behind who holds its files.
#include "replica/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
    // A change of ids takes the death signal away, so it is asked for afterwards.
    if (!settle_ids() || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
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

enum bf_err bf_process_start(const struct bf_process_config *config, pid_t *pid)
{
    char **environment = environment_with(config->setting);
    pid_t parent = getpid();
    int report[2], reason = 0;
    ssize_t n;

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
    if (*pid < 0) {
        close(report[0]);
        return BF_ERR_NO_MEMORY;
    }
    do
        n = read(report[0], &reason, sizeof reason);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n <= 0)
        return BF_OK;
    bf_process_wait(*pid);
    *pid = -1;
    return reason == ENOENT ? BF_ERR_NOT_FOUND : BF_ERR_IO;
}

enum bf_err bf_process_wait(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return BF_ERR_IO;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? BF_OK : BF_ERR_IO;
}

// Keeps the last line that is not empty; '\r' ends one too, as progress displays do.
static void keep_line(char *said, size_t size, size_t *len, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n' || *text == '\r') {
            *len = 0;
        } else {
            if (*len == 0)
                said[0] = 0;
            if (*len + 1 < size) {
                said[(*len)++] = *text;
                said[*len] = 0;
            }
        }
    }
}

enum bf_err bf_process_run_to_end(const struct bf_process_run *run)
{
    struct bf_process_config config = {.argv = run->argv, .dir = run->dir, .keep = run->keep};
    int out[2];
    char text[1024];
    size_t len = 0;
    ssize_t n;
    pid_t pid;
    enum bf_err err;

    run->said[0] = 0;
    if (pipe2(out, O_CLOEXEC) != 0)
        return BF_ERR_LIMIT;
    config.output = out[1];
    err = bf_process_start(&config, &pid);
    close(out[1]);
    while (!err && (n = read(out[0], text, sizeof text - 1)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        text[n] = 0;
        keep_line(run->said, run->size, &len, text);
        if (run->watch)
            run->watch(run->user, text);
    }
    close(out[0]);
    return err ? err : bf_process_wait(pid);
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
