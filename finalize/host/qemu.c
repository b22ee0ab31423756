// SPDX-License-Identifier: Apache-2.0
// Builds QEMU's command line and starts it. Disks are handed over as descriptor sets (-add-fd) and
// block nodes that name every format and every backing file; the kernel and the initramfs as copies
// in memory. Started with any root id, QEMU becomes "nobody" first. The child after fork() makes
// system calls only, so a server with threads may call this.
#include "finalize/host/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/vm/frame.h"
#include "finalize/core/root.h"
#include "finalize/host/wait.h"
#include "finalize/core/waits.h"

#define ARGS_MAX  512
#define FDS_MAX   (2 * BF_RUN_DISKS * (BF_RUN_CHAIN + 1) + 8)
#define IMAGE_MAX ((size_t)256 << 20)
#define NOBODY    65534
#define CHILD_ENV "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

// Everything that one start collects; freed as a whole.
struct setup {
    char *arg[ARGS_MAX + 1];
    size_t args;
    int fd[FDS_MAX]; // kept open for QEMU
    size_t fds;
    unsigned sets;
    struct bf_room *room;
    char *error;
    size_t size;
    enum bf_err err; // the first failure, which stays; what comes after it does nothing
};

static enum bf_err fail(struct setup *s, const char *what, const char *why)
{
    if (s->err)
        return s->err;
    snprintf(s->error, s->size, "%s: %s", what, why);
    return s->err = BF_ERR_IO;
}

static void add_arg(struct setup *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add_arg(struct setup *s, const char *fmt, ...)
{
    va_list ap;
    if (s->args == ARGS_MAX)
        fail(s, "the finalizer's VM", "too many files");
    if (s->err)
        return;
    va_start(ap, fmt);
    int n = vasprintf(&s->arg[s->args], fmt, ap);
    va_end(ap);
    if (n < 0)
        fail(s, "the finalizer's VM", "out of memory");
    else
        s->args++;
}

static int fail_fd(struct setup *s, const char *what, const char *why)
{
    fail(s, what, why);
    return -1;
}

// Takes a descriptor over. -1 after fail().
static int keep_fd(struct setup *s, int fd)
{
    if (s->fds == FDS_MAX) {
        close(fd);
        return fail_fd(s, "the finalizer's VM", "too many files");
    }
    s->fd[s->fds++] = fd;
    return fd;
}

// The VM's kernel or initramfs as an anonymous copy, so that its folder may be private. -1 after
// fail().
static int in_memory(struct setup *s, const char *path)
{
    size_t len;
    struct bf_fault fault;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return fail_fd(s, path, strerror(errno));
    char *data = bf_read_fd(from, IMAGE_MAX, &len, &fault);
    close(from);
    if (!data)
        return fail_fd(s, path, fault.what);
    int fd = memfd_create("bootferry", MFD_CLOEXEC);
    bool ok = fd >= 0 && write(fd, data, len) == (ssize_t)len && fchmod(fd, 0444) == 0;
    free(data);
    if (!ok && fd >= 0)
        close(fd);
    return ok ? keep_fd(s, fd) : fail_fd(s, path, "cannot be copied to memory");
}

// One descriptor as a set of its own; the set's number.
static unsigned add_set(struct setup *s, int fd)
{
    keep_fd(s, fd);
    add_arg(s, "-add-fd");
    add_arg(s, "fd=%d,set=%u", fd, ++s->sets);
    return s->sets;
}

static void add_node(struct setup *s, json_t *node)
{
    char *text = node ? json_dumps(node, JSON_COMPACT) : NULL;
    if (!text)
        fail(s, "the finalizer's VM", "out of memory");
    add_arg(s, "-blockdev");
    add_arg(s, "%s", text ? text : "");
    free(text);
    json_decref(node);
}

// Adds the two nodes of a file: its bytes, and the format over them. `backing` is the node below,
// or "".
static void add_file(struct setup *s, int fd, enum bf_run_format format, bool writable,
                     const char *backing, const char *name)
{
    struct stat st;
    char path[48], bytes[80];
    bool device = fstat(fd, &st) == 0 && S_ISBLK(st.st_mode);
    snprintf(path, sizeof path, "/dev/fdset/%u", add_set(s, fd));
    snprintf(bytes, sizeof bytes, "%s-file", name);
    add_node(s, json_pack("{s:s,s:s,s:s,s:b,s:b,s:s}", "driver", device ? "host_device" : "file",
                          "node-name", bytes, "filename", path, "read-only", !writable,
                          "auto-read-only", 0, "discard", "unmap"));
    json_t *node = json_pack("{s:s,s:s,s:s,s:b}", "driver", format == BF_RUN_RAW ? "raw" : "qcow2",
                             "node-name", name, "file", bytes, "read-only", !writable);
    if (format == BF_RUN_QCOW2)
        json_object_set_new(node, "backing", backing[0] ? json_string(backing) : json_null());
    add_node(s, node);
}

// The size that the top of a chain shows to the guest.
static long long virtual_size(int fd, enum bf_run_format format)
{
    unsigned char head[32];
    if (format == BF_RUN_RAW)
        return lseek(fd, 0, SEEK_END);
    if (pread(fd, head, sizeof head, 0) != sizeof head || memcmp(head, "QFI\xfb", 4) != 0)
        return -1;
    uint64_t size = bf_be64(head + 24);
    return size > INT64_MAX ? -1 : (long long)size;
}

// qemu-img makes an overlay in a file of no name, which it gets as a descriptor. Whether it did.
static bool run_qemu_img(int fd, const char *bytes, const struct bf_run_stop *stop)
{
    char path[32];
    char *const argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", path, (char *)bytes, NULL};
    pid_t parent = getpid(), pid;
    struct bf_run_watch watch;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    pid = fork();
    if (pid == 0) {
        if (fcntl(fd, F_SETFD, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
            getppid() != parent)
            _exit(126);
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0)
        return false;
    bf_run_watch_begin(&watch, pid, stop);
    return bf_run_watch_reap(&watch, bf_now_ms() + BF_RUN_QUIT_MS);
}

// A throw-away overlay for a run that may not change the disk. -1 after fail().
static int throw_away(struct setup *s, const struct bf_run *run, long long size)
{
    const char *folder;
    struct bf_fault fault;
    char bytes[32];
    int fd = bf_room_file(run, &folder, &fault);
    if (fd < 0)
        return fail_fd(s, folder, fault.what);
    snprintf(bytes, sizeof bytes, "%lld", size);
    if (run_qemu_img(fd, bytes, run->stop))
        return fd;
    close(fd);
    return fail_fd(s, folder, "no throw-away overlay could be made there");
}

// The file of a disk that is written to: a raw one has its size, an overlay grows.
static void note_room(struct setup *s, const struct bf_run *run, int fd, enum bf_run_format format,
                      long long size)
{
    struct bf_fault fault;
    uint64_t growth = format == BF_RUN_RAW ? 0 : bf_room_growth(run, (uint64_t)size);
    if (bf_room_add(s->room, fd, growth, &fault))
        fail(s, "the finalizer's VM", fault.what);
}

static enum bf_err check_chain(struct setup *s, const struct bf_run_disk *disk)
{
    if (disk->files == 0 || disk->files > BF_RUN_CHAIN)
        return fail(s, "the finalizer's VM", "a disk's chain is empty or too long");
    for (size_t i = 0; i + 1 < disk->files; i++)
        if (disk->chain[i].format == BF_RUN_RAW)
            return fail(s, disk->chain[i].path, "a raw file cannot have a backing file");
    return BF_OK;
}

// Opens a file of a chain; its size as the guest sees it. -1 after fail().
static int open_file(struct setup *s, const struct bf_run_file *file, bool write, long long *size)
{
    int fd = open(file->path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        return fail_fd(s, file->path, strerror(errno));
    *size = virtual_size(fd, file->format);
    if (*size >= 0)
        return fd;
    close(fd);
    return fail_fd(s, file->path, "is not in the format that was named");
}

// The chain from its bottom to its top, and for a dry run the throw-away overlay above it.
static enum bf_err add_disk(struct setup *s, const struct bf_run *run, size_t number, bool writable)
{
    const struct bf_run_disk *disk = &run->disk[number];
    char name[64], below[64] = "";
    long long size = -1;
    if (check_chain(s, disk))
        return s->err;
    for (size_t i = disk->files; i-- > 0 && !s->err;) {
        const struct bf_run_file *file = &disk->chain[i];
        bool write = i == 0 && writable;
        int fd = open_file(s, file, write, &size);
        if (fd < 0)
            return s->err;
        snprintf(name, sizeof name, "d%zu-%zu", number, i);
        if (write)
            note_room(s, run, fd, file->format, size);
        add_file(s, fd, file->format, write, below, name);
        memcpy(below, name, sizeof below);
    }
    if (!writable && !s->err) {
        int fd = throw_away(s, run, size);
        if (fd < 0)
            return s->err;
        snprintf(name, sizeof name, "d%zu-t", number);
        note_room(s, run, fd, BF_RUN_QCOW2, size);
        add_file(s, fd, BF_RUN_QCOW2, true, below, name);
    }
    add_arg(s, "-device");
    add_arg(s, "virtio-blk-pci,drive=%s,serial=disk%zu,werror=report,rerror=report", name, number);
    return s->err;
}

// What every machine has.
static const char *const machine[] = {
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    "-vga",
    "none",
    "-smp",
    "1",
    "-sandbox",
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    "-chardev",
    "stdio,id=log,signal=off",
    "-serial",
    "chardev:log",
    "-device",
    "virtio-serial-pci,max_ports=2",
    "-device",
    ("virtserialport,chardev=control,name=" BF_FRAME_PORT),
};

static enum bf_err add_machine(struct setup *s, const struct bf_run *run, enum bf_qemu_use use,
                               int control)
{
    bool kvm = use != BF_QEMU_TCG;
    int kernel = in_memory(s, run->kernel);
    int initramfs = kernel < 0 ? -1 : in_memory(s, run->initramfs);
    if (initramfs < 0)
        return s->err;
    add_arg(s, "%s", run->qemu ? run->qemu : "qemu-system-x86_64");
    add_arg(s, "-machine");
    add_arg(s, "q35,accel=%s,usb=off,smm=off", kvm ? "kvm" : "tcg");
    add_arg(s, "-cpu");
    add_arg(s, "%s", kvm ? "host" : "max");
    add_arg(s, "-chardev");
    add_arg(s, "socket,id=control,fd=%d", control);
    add_arg(s, "-m");
    add_arg(s, "%u", run->memory_mib ? run->memory_mib : BF_RUN_MEMORY_MIB);
    for (size_t i = 0; i < BF_COUNT(machine); i++)
        add_arg(s, "%s", machine[i]);
    // "quiet" keeps the slow serial port free; panic=-1 with -no-reboot ends QEMU. no_timer_check:
    // a busy host delivers an emulated timer's interrupts so late that the kernel, which waits for
    // a few of them, takes the timer for broken and panics.
    add_arg(s, "-append");
    add_arg(s, "console=ttyS0 %s panic=-1 oops=panic random.trust_cpu=on no_timer_check",
            use == BF_QEMU_PROBE ? "earlyprintk=ttyS0" : "quiet");
    add_arg(s, "-kernel");
    add_arg(s, "/proc/self/fd/%d", kernel);
    add_arg(s, "-initrd");
    add_arg(s, "/proc/self/fd/%d", initramfs);
    return s->err;
}

// True when no root id is left. A command that works as the owner of the state keeps root as its
// real id, and that, after exec, is all capabilities for the asking. The group of /dev/kvm stays,
// where KVM is used.
static bool give_up_root(gid_t kvm_group)
{
    if (getuid() != 0 && geteuid() != 0)
        return true;
    return seteuid(0) == 0 && setgroups(kvm_group ? 1 : 0, &kvm_group) == 0 &&
           setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}

// Runs in the child between fork and exec.
static void become_qemu(const struct setup *s, int log, pid_t parent, gid_t kvm_group)
{
    static char *const env[] = {CHILD_ENV, "LANG=C", NULL};
    for (size_t i = 0; i < s->fds; i++)
        fcntl(s->fd[i], F_SETFD, 0);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    struct rlimit no_core = {0, 0}, most = {s->room->file_max, s->room->file_max};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGXFSZ, SIG_IGN); // the write fails instead
    if (s->room->bounded && setrlimit(RLIMIT_FSIZE, &most) < 0)
        _exit(126);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // A change of ids takes the death signal away, so it is asked for afterwards.
    if (!give_up_root(kvm_group) || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(126);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (chdir("/") < 0)
        _exit(126);
    execvpe(s->arg[0], s->arg, env);
    static const char message[] = "QEMU cannot be started\n";
    if (write(2, message, sizeof message - 1) < 0)
        _exit(125);
    _exit(127);
}

static enum bf_err start(struct setup *s, bool kvm, struct bf_qemu *qemu)
{
    struct stat st = {.st_gid = 0};
    if (kvm && stat("/dev/kvm", &st) < 0)
        return fail(s, "/dev/kvm", strerror(errno));
    qemu->log = memfd_create("bootferry-log", MFD_CLOEXEC);
    if (qemu->log < 0)
        return fail(s, "the finalizer's VM", strerror(errno));
    s->arg[s->args] = NULL;
    pid_t parent = getpid();
    qemu->pid = fork();
    if (qemu->pid == 0)
        become_qemu(s, qemu->log, parent, kvm ? st.st_gid : 0);
    return qemu->pid < 0 ? fail(s, "the finalizer's VM", strerror(errno)) : BF_OK;
}

static void release(struct setup *s)
{
    for (size_t i = 0; i < s->args; i++)
        free(s->arg[i]);
    for (size_t i = 0; i < s->fds; i++)
        close(s->fd[i]);
    free(s);
}

enum bf_err bf_qemu_start(const struct bf_run *run, enum bf_qemu_use use, struct bf_qemu *qemu,
                          char *error, size_t size)
{
    int pair[2];
    bool writable = strcmp(run->mode, "apply") == 0 || strcmp(run->mode, "undo") == 0;
    *qemu = (struct bf_qemu){.pid = -1, .control = -1, .log = -1};
    struct setup *s = calloc(1, sizeof *s);
    if (!s || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        snprintf(error, size, "the finalizer's VM: %s", strerror(errno));
        free(s);
        return BF_ERR_IO;
    }
    s->error = error;
    s->size = size;
    s->room = &qemu->room;
    keep_fd(s, pair[1]);
    qemu->control = pair[0];
    enum bf_err err = add_machine(s, run, use, pair[1]);
    for (size_t i = 0; !err && i < run->disks; i++)
        err = add_disk(s, run, i, writable);
    if (!err && !bf_room_there(&qemu->room, run, error, size))
        err = BF_ERR_NO_SPACE;
    if (!err)
        err = start(s, use != BF_QEMU_TCG, qemu);
    release(s);
    if (err)
        bf_qemu_close(qemu);
    return err;
}

void bf_qemu_close(struct bf_qemu *qemu)
{
    if (qemu->control >= 0)
        close(qemu->control);
    if (qemu->log >= 0)
        close(qemu->log);
    bf_room_close(&qemu->room);
    *qemu = (struct bf_qemu){.pid = -1, .control = -1, .log = -1};
}

void bf_qemu_log_tail(const struct bf_qemu *qemu, char *error, size_t size)
{
    char tail[512];
    off_t end = lseek(qemu->log, 0, SEEK_END),
          from = end > (off_t)sizeof tail ? end - (off_t)sizeof tail : 0;
    ssize_t n = pread(qemu->log, tail, sizeof tail, from);
    size_t at = strlen(error);
    if (n <= 0 || at + 16 >= size)
        return;
    at += (size_t)snprintf(error + at, size - at, " (its log ends: ");
    for (ssize_t i = 0; i < n && at + 2 < size; i++)
        if (tail[i] == '\n' || (tail[i] >= ' ' && tail[i] < 0x7f))
            error[at++] = tail[i] == '\n' ? '|' : tail[i];
    error[at++] = ')';
    error[at] = 0;
}
