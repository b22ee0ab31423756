// SPDX-License-Identifier: Apache-2.0
// Starts, finds and ends the QEMU of a new machine, see qemu_process.h. QEMU locks its pid file
// (util/oslib-posix.c, qemu_write_pidfile) and removes it when it ends in order.
#include "replica/targets/qemu_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/qemu/process.h"
#include "replica/qemu/qcow2.h"
#include "replica/state/reason.h"
#include "replica/state/waits.h"

enum { LOG_TAIL = 2048 };

// ---- Finding it --------------------------------------------------------------------------------

static pid_t lock_holder(int folder)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = folder < 0 ? -1 : openat(folder, BF_QEMU_PID, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    pid_t pid = 0;

    if (fd < 0)
        return 0;
    if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        pid = lock.l_pid;
    close(fd);
    return pid;
}

pid_t bf_qemu_pid(const struct bf_qemu_machine *q, int *folder)
{
    pid_t pid = lock_holder(q->folder);

    *folder = pid ? q->folder : q->home;
    return pid ? pid : lock_holder(q->home);
}

bool bf_qemu_left_ungone(const struct bf_qemu_machine *q)
{
    return faccessat(q->folder, BF_QEMU_PID, F_OK, 0) == 0 ||
           (q->home >= 0 && faccessat(q->home, BF_QEMU_PID, F_OK, 0) == 0);
}

enum bf_err bf_qemu_connect(const struct bf_qemu_machine *q, struct bf_qmp **qmp,
                            struct bf_fault *fault)
{
    int folder;

    *qmp = NULL;
    if (!bf_qemu_pid(q, &folder))
        return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                            "look at its " BF_QEMU_LOG " in the job's folder",
                            "QEMU of %s does not run", q->tgt->machine->name);
    return bf_qmp_open(folder, BF_QEMU_QMP, q->tgt->machine->name, BF_WAIT_QMP_GREETING_MS, qmp,
                       fault);
}

// ---- Starting it -------------------------------------------------------------------------------

// A finalized overlay was written by a QEMU with a hostile disk; the machine's own was, too.
static enum bf_err check_files(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = q->tgt->machine;
    enum bf_err err = BF_OK;
    char name[32];

    for (uint32_t i = 0; !err && i < m->disks; i++) {
        const struct bf_image_chain *chain = &m->disk[i].chain;
        if (q->place.disk[i]) {
            bf_qemu_home_name(name, &m->disk[i], false);
            err = bf_qcow2_check(q->home, name, fault);
            continue;
        }
        bf_qemu_overlay_name(name, &m->disk[i]);
        err = bf_qcow2_check(q->folder, name, fault);
        for (uint32_t k = 0; !err && k < chain->layers; k++)
            err = bf_qcow2_check(bf_state_dir(q->tgt->state), chain->layer[k].path, fault);
    }
    return err;
}

// The last line that it wrote, without the time before it.
static void last_words(int folder, char *out, size_t size)
{
    char tail[LOG_TAIL + 1];
    int fd = openat(folder, BF_QEMU_LOG, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st = {.st_size = 0};
    ssize_t n = 0;
    char *line;

    if (fd >= 0 && fstat(fd, &st) == 0)
        n = pread(fd, tail, LOG_TAIL, st.st_size > LOG_TAIL ? st.st_size - LOG_TAIL : 0);
    if (fd >= 0)
        close(fd);
    for (n = n > 0 ? n : 0; n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r');)
        n--;
    tail[n] = 0;
    line = strrchr(tail, '\n') ? strrchr(tail, '\n') + 1 : tail;
    if (strstr(line, "qemu-system-x86_64: "))
        line = strstr(line, "qemu-system-x86_64: ") + 20;
    bf_snprintf(out, size, "%s", n ? line : "it gave no reason");
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static enum bf_err not_started(int folder, const char *name, bool ended, struct bf_fault *fault)
{
    char words[130];
    enum bf_err err;

    last_words(folder, words, sizeof words);
    err = ended ? bf_reason_text(words, BF_ERR_IO) : BF_ERR_TIMEOUT;
    return bf_fault_set(fault, err, BF_SIDE_SERVER,
                        bf_reason_todo(err, "do what the reason says; start and " BF_QEMU_LOG
                                            " in the job's folder show all of it"),
                        "QEMU of %s %s: %s", name,
                        ended ? "did not start" : "gave no answer and was killed", words);
}

static bool has_ended(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) != 0;
}

// The child may be systemd-run, whose end is not that of QEMU: that one holds the lock.
static void kill_silent(int folder, pid_t child)
{
    pid_t pid = lock_holder(folder);

    if (pid > 0)
        kill(pid, SIGKILL);
    bf_process_reap(child, 0);
}

// It answers when everything is there that the command line names.
static enum bf_err await_greeting(int folder, const char *name, pid_t pid, struct bf_fault *fault)
{
    uint64_t end = bf_platform_now_us() + (uint64_t)BF_WAIT_QEMU_START_MS * 1000;
    struct bf_fault ignored;
    struct bf_qmp *qmp;

    while (bf_platform_now_us() < end) {
        if (bf_qmp_open(folder, BF_QEMU_QMP, name, BF_WAIT_QEMU_START_MS, &qmp, &ignored) ==
            BF_OK) {
            bf_qmp_close(qmp);
            return BF_OK;
        }
        if (has_ended(pid))
            return not_started(folder, name, true, fault);
        poll(NULL, 0, BF_WAIT_QMP_LOOK_MS);
    }
    kill_silent(folder, pid);
    return not_started(folder, name, false, fault);
}

// Where systemd is the first process and lets us, it is a unit of its own, which systemctl shows
// and stops; what is started below a service otherwise ends with it. The unit runs the script.
static bool wants_unit(void)
{
    return geteuid() == 0 && access("/run/systemd/system", F_OK) == 0;
}

static enum bf_err start_process(const struct bf_qemu_machine *q, int folder, int log, pid_t *pid,
                                 struct bf_fault *fault)
{
    char unit[BF_NAME_MAX + 40], script[PATH_MAX];
    const char *const plain[] = {"sh", BF_QEMU_SCRIPT, NULL};
    // --pipe: its words come here; systemd-run stays until the unit ends, so its end is QEMU's.
    const char *const in_unit[] = {"systemd-run", "--quiet", "--collect", "--pipe", "--wait",
                                   unit,          "--",      script,      NULL};
    struct bf_process_config config = {
        .argv = plain, .dir = folder, .keep = -1, .output = log, .own_session = true};
    enum bf_err err = bf_qemu_path(q, folder, BF_QEMU_SCRIPT, script, fault);

    if (err)
        return err;
    bf_snprintf(unit, sizeof unit, "--unit=bootferry-machine-%s", q->tgt->machine->name);
    if (wants_unit())
        config.argv = in_unit;
    err = bf_process_start(&config, pid);
    return err ? bf_fault_set(fault, err, BF_SIDE_SERVER, "look at the server's memory and PATH",
                              "the machine %s cannot be started", q->tgt->machine->name)
               : BF_OK;
}

enum bf_err bf_qemu_launch(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    int folder = bf_qemu_is_home(q) ? q->home : q->folder, log;
    enum bf_err err = check_files(q, fault);
    pid_t pid;

    if (err)
        return err;
    log = openat(folder, BF_QEMU_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log < 0)
        return bf_fault_set(fault, bf_reason_errno(errno), BF_SIDE_SERVER,
                            "look at the permissions and the disk of the state",
                            "the log of QEMU of %s cannot be written: %s", q->tgt->machine->name,
                            strerror(errno));
    unlinkat(q->folder, BF_QEMU_PID, 0); // of one that was killed
    if (q->home >= 0)
        unlinkat(q->home, BF_QEMU_PID, 0);
    err = start_process(q, folder, log, &pid, fault);
    close(log);
    return err ? err : await_greeting(folder, q->tgt->machine->name, pid, fault);
}

// ---- Ending it ---------------------------------------------------------------------------------

static bool goes_within(const struct bf_qemu_machine *q, pid_t pid)
{
    uint64_t end = bf_platform_now_us() + (uint64_t)BF_WAIT_QEMU_GONE_MS * 1000;
    int folder;

    while (bf_qemu_pid(q, &folder) == pid) {
        if (bf_platform_now_us() >= end)
            return false;
        poll(NULL, 0, BF_WAIT_QMP_LOOK_MS);
        waitpid(pid, NULL, WNOHANG); // where it is ours
    }
    return true;
}

// SIGTERM lets it write out what its disks hold; a guest learns nothing of it.
enum bf_err bf_qemu_kill(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    int folder;
    pid_t pid = bf_qemu_pid(q, &folder);

    if (!pid)
        return BF_OK;
    BF_ASSERT(pid > 0); // the others of kill(2) are groups, and everybody
    kill(pid, SIGTERM);
    if (!goes_within(q, pid)) {
        kill(pid, SIGKILL);
        if (!goes_within(q, pid))
            return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SERVER,
                                "look at the system log: the kernel waits for a disk",
                                "QEMU of %s (process %d) was killed and does not end",
                                q->tgt->machine->name, (int)pid);
        unlinkat(folder, BF_QEMU_PID, 0);
    }
    return BF_OK;
}
