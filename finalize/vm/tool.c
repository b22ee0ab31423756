// SPDX-License-Identifier: Apache-2.0
// Runs the VM's tools; see tool.h. Input is written and output read in turn, as the tool takes and
// gives them, so that neither side waits for the other.
#include "finalize/vm/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "finalize/core/root.h"
#include "finalize/core/text.h"
#include "finalize/vm/frame.h"

#define GROUPS     "/modules/groups"
#define GROUPS_MAX 16

static char *read_file(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : bf_read_fd(fd, BF_ROOT_TEXT_MAX, len, NULL);
    if (fd >= 0)
        close(fd);
    return text;
}

void bf_vm_sys(const char *block, const char *file, char *out, size_t size)
{
    char path[256];
    size_t len = 0;
    snprintf(path, sizeof path, "/sys/class/block/%.64s/%s", block, file);
    char *text = read_file(path, &len);
    snprintf(out, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
    free(text);
}

bool bf_vm_sys_set(const char *block, const char *file, const char *word)
{
    char path[256];
    snprintf(path, sizeof path, "/sys/class/block/%.64s/%s", block, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, word, strlen(word)) == (ssize_t)strlen(word);
    if (fd >= 0)
        close(fd);
    return ok;
}

// ---- Modules -----------------------------------------------------------------------------------

static void load_module(const char *name, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "/modules/%.*s", (int)len, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
        fprintf(stderr, "module %s: %s\n", path, strerror(errno));
    close(fd);
}

// Whether the group is new; each is read from the initramfs once only.
static bool is_new(const char *group)
{
    static char seen[GROUPS_MAX][16];
    static size_t count;
    for (size_t i = 0; i < count; i++)
        if (strcmp(seen[i], group) == 0)
            return false;
    if (count < GROUPS_MAX)
        snprintf(seen[count++], sizeof seen[0], "%s", group);
    return true;
}

void bf_vm_load_modules(const char *group)
{
    size_t len, pos = 0, n;
    struct bf_line line;
    if (!is_new(group))
        return;
    char *text = read_file(GROUPS, &len);
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *w;
        if (!bf_word_next(&at, end, &w, &n) || !bf_word_is(w, n, group))
            continue;
        while (bf_word_next(&at, end, &w, &n))
            load_module(w, n);
    }
    free(text);
}

// ---- Tools -------------------------------------------------------------------------------------

struct pipes {
    int in[2], out[2];
};

static bool make_pipes(struct pipes *p)
{
    *p = (struct pipes){{-1, -1}, {-1, -1}};
    return pipe2(p->in, O_CLOEXEC) == 0 && pipe2(p->out, O_CLOEXEC) == 0;
}

static void drop(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void drop_all(struct pipes *p)
{
    drop(&p->in[0]);
    drop(&p->in[1]);
    drop(&p->out[0]);
    drop(&p->out[1]);
}

// Runs in the child. The kernel takes the tool first when memory runs out.
static void become_tool(const struct bf_tool *tool, const struct pipes *p)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1000", 4) < 0)
        _exit(126);
    signal(SIGPIPE, SIG_DFL);
    dup2(p->in[0], 0);
    if (tool->out_max) {
        dup2(p->out[1], 1);
        dup2(p->out[1], 2);
    }
    execv(tool->argv[0], (char *const *)tool->argv);
    _exit(127);
}

static void feed(struct bf_tool *tool, int *fd, size_t *sent)
{
    ssize_t n = write(*fd, (const char *)tool->input + *sent, tool->input_len - *sent);
    if (n > 0)
        *sent += (size_t)n;
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || *sent == tool->input_len)
        drop(fd);
}

static void take(struct bf_tool *tool, int *fd)
{
    char lost[1024];
    size_t room = tool->out_max - tool->out_len;
    ssize_t n = room ? read(*fd, tool->out + tool->out_len, room) : read(*fd, lost, sizeof lost);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        drop(fd);
    else if (n > 0 && room)
        tool->out_len += (size_t)n;
}

// Until the tool has closed its output, or is late.
static void talk(struct bf_tool *tool, struct pipes *p, long long deadline)
{
    size_t sent = 0;
    if (!tool->input_len)
        drop(&p->in[1]);
    while (p->in[1] >= 0 || p->out[0] >= 0) {
        struct pollfd fds[2] = {{.fd = p->in[1], .events = POLLOUT},
                                {.fd = p->out[0], .events = POLLIN}};
        long long left = deadline - bf_now_ms();
        if (deadline && left <= 0)
            return;
        if (poll(fds, 2, deadline ? (int)left : -1) < 0 && errno != EINTR)
            return;
        if (p->in[1] >= 0 && fds[0].revents)
            feed(tool, &p->in[1], &sent);
        if (p->out[0] >= 0 && fds[1].revents)
            take(tool, &p->out[0]);
    }
}

static int reap(struct bf_tool *tool, pid_t pid, long long deadline)
{
    int status;
    pid_t got;
    while ((got = waitpid(pid, &status, deadline ? WNOHANG : 0)) == 0) {
        if (bf_now_ms() >= deadline) {
            tool->late = true;
            kill(pid, SIGKILL);
            deadline = 0;
        } else {
            poll(NULL, 0, 2);
        }
    }
    return got == pid && !tool->late && WIFEXITED(status) ? WEXITSTATUS(status) : BF_TOOL_KILLED;
}

int bf_vm_tool(struct bf_tool *tool)
{
    struct pipes p;
    long long deadline = tool->seconds ? bf_now_ms() + tool->seconds * 1000LL : 0;
    tool->late = false;
    tool->out_len = 0;
    tool->out = tool->out_max ? malloc(tool->out_max + 1) : NULL;
    pid_t pid = -1;
    if (make_pipes(&p) && (tool->out || !tool->out_max) && (pid = fork()) == 0)
        become_tool(tool, &p);
    drop(&p.in[0]);
    drop(&p.out[1]);
    if (!tool->out_max)
        drop(&p.out[0]);
    if (p.in[1] >= 0)
        fcntl(p.in[1], F_SETFL, O_NONBLOCK);
    if (pid > 0)
        talk(tool, &p, deadline);
    drop_all(&p);
    if (tool->out)
        tool->out[tool->out_len] = 0;
    return pid > 0 ? reap(tool, pid, deadline) : BF_TOOL_KILLED;
}

int bf_vm_run(const char *const *argv)
{
    struct bf_tool tool = {.argv = argv};
    return bf_vm_tool(&tool);
}
