// SPDX-License-Identifier: Apache-2.0
// The storage daemon and its control connection (QMP, one JSON object per line, over a socket pair
// that it inherits, so its death is seen as the end of the stream). Nodes are added one by one from
// the bottom of a chain upwards, each naming its driver and its backing node: nothing is probed,
// and what the file headers say about their backing files is not looked at.
#include "replica/qemu/qsd.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/qemu/process.h"
#include "replica/qemu/qcow2.h"
#include "replica/state/reason.h"
#include "replica/state/wait.h"
#include "replica/state/waits.h"

enum { LINE_MAX_BYTES = 1 << 20 };

struct bf_qsd {
    pid_t pid;
    int control;
    int words;             // a pipe from its standard output and error
    int command;           // enum bf_qsd_user
    _Atomic int hung;      // it was killed because it hung
    char title[96];        // for the log
    struct bf_wait wait;   // for its answers
    uint64_t answer_by_us; // when it has to answer in any case; 0: as long as it works
    char socket[BF_SOCKET_PATH_MAX];
    char socket_relative[96];
    int state_dir;
    int direct;         // files are opened without the kernel's cache
    uint32_t next_node; // number in the next node name
    struct {
        uint8_t used;
        char top[32]; // node name of the format node on top
    } disk[BF_PROTO_DISKS_MAX];
    uint16_t number[BF_PROTO_DISKS_MAX]; // of the disk in each slot
    size_t filled;
    char *buffer; // LINE_MAX_BYTES
};

static const char *log_folder;

void bf_qsd_log_writes(const char *folder)
{
    log_folder = folder;
}

// ---- The control connection --------------------------------------------------------------------

static enum bf_err gone(struct bf_fault *fault, enum bf_err code, const char *what)
{
    return bf_fault_set(fault, code, BF_SIDE_SERVER,
                        "look at the server's log and memory; the source will try again",
                        "the storage daemon %s", what);
}

void bf_qsd_wait(struct bf_qsd *q, struct bf_wait *wait)
{
    BF_ASSERT(q->pid > 0); // it is killed by this number when it hangs
    bf_wait_begin(wait, q->pid, q->title);
    wait->hung = &q->hung;
}

int bf_qsd_has_hung(const struct bf_qsd *q)
{
    return q->hung;
}

enum bf_err bf_qsd_fault(const struct bf_qsd *q, enum bf_err err, const char *doing,
                         struct bf_fault *fault)
{
    BF_ASSERT((err && err != BF_AGAIN) || q->hung);
    if (err == BF_ERR_CANCELLED)
        return bf_fault_set(fault, err, BF_SIDE_NONE, "start it again", "%s: it was interrupted",
                            doing);
    if (q->hung)
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER,
                            q->command ? "start it again; if it happens again, look at the "
                                         "server's disks and its system log"
                                       : "look at the server's disks and its system log if it "
                                         "happens again; the next attempt starts a new daemon",
                            "the storage daemon hung and was killed (%s)", doing);
    return bf_fault_set(
        fault, err, BF_SIDE_SERVER,
        q->command ? "start it again; if it happens again, look at the server's "
                     "log and memory"
                   : "look at the server's log and memory; the next attempt starts a new daemon",
        "the storage daemon has ended unexpectedly (%s)", doing);
}

// Waits until the control connection can be read, or written to. BF_AGAIN after a while.
static enum bf_err wait_control(struct bf_qsd *q, short events)
{
    struct pollfd p = {.fd = q->control, .events = events};
    enum bf_err err;

    BF_ASSERT(q->control >= 0);
    if (q->answer_by_us) { // not cancelled, not judged: its time is short anyway
        uint64_t now = bf_platform_now_us();
        if (now >= q->answer_by_us)
            return BF_ERR_TIMEOUT;
        return poll(&p, 1, (int)((q->answer_by_us - now) / 1000 + 1)) > 0 ? BF_OK : BF_AGAIN;
    }
    err = bf_wait_for(&q->wait, &p, 1);
    if (!err && p.revents)
        bf_child_progress(&q->wait.child);
    return err ? err : p.revents ? BF_OK : BF_AGAIN;
}

static enum bf_err send_line(struct bf_qsd *q, json_t *command, struct bf_fault *fault)
{
    char *text = json_dumps(command, JSON_COMPACT);
    size_t len = text ? strlen(text) : 0, sent = 0;
    enum bf_err err = BF_OK;

    if (!text)
        return gone(fault, BF_ERR_NO_MEMORY, "cannot be sent anything: no memory");
    while (sent < len && (!err || err == BF_AGAIN)) {
        ssize_t n = send(q->control, text + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            err = wait_control(q, POLLOUT);
        else
            err = BF_ERR_BUSY;
    }
    free(text);
    return sent == len ? BF_OK : bf_qsd_fault(q, err, "sending it a command", fault);
}

static enum bf_err receive_more(struct bf_qsd *q, struct bf_fault *fault)
{
    enum bf_err err = wait_control(q, POLLIN);
    ssize_t n;

    BF_ASSERT(q->filled <= LINE_MAX_BYTES);
    if (err == BF_AGAIN)
        return BF_OK; // the caller comes again
    if (err)
        return bf_qsd_fault(q, err, "waiting for its answer", fault);
    if (q->filled == LINE_MAX_BYTES)
        return gone(fault, BF_ERR_PROTOCOL, "sent an answer that is too long");
    n = recv(q->control, q->buffer + q->filled, LINE_MAX_BYTES - q->filled, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return BF_OK;
    if (n <= 0)
        return bf_qsd_fault(q, BF_ERR_BUSY, "waiting for its answer", fault);
    q->filled += (size_t)n;
    return BF_OK;
}

// The next object; the caller releases it.
static enum bf_err receive(struct bf_qsd *q, json_t **out, struct bf_fault *fault)
{
    char *end;
    size_t used;
    enum bf_err err;

    while (!(end = memchr(q->buffer, '\n', q->filled))) {
        err = receive_more(q, fault);
        if (err)
            return err;
    }
    *out = json_loadb(q->buffer, (size_t)(end - q->buffer), 0, NULL);
    used = (size_t)(end - q->buffer) + 1;
    BF_ASSERT(used <= q->filled);
    memmove(q->buffer, end + 1, q->filled - used);
    q->filled -= used;
    return *out ? BF_OK : gone(fault, BF_ERR_PROTOCOL, "sent something that is not JSON");
}

static enum bf_err answer_error(json_t *error, const char *command, struct bf_fault *fault)
{
    const char *text = json_string_value(json_object_get(error, "desc"));
    enum bf_err code;

    text = text ? text : "no reason given";
    code = bf_reason_text(text, BF_ERR_IO);
    return bf_fault_set(fault, code, BF_SIDE_SERVER,
                        bf_reason_todo(code, "look at the server's log; the source will try again"),
                        "the storage daemon refused %s: %s", command, text);
}

// Sends one command (arguments are taken over, may be NULL) and waits for its answer.
static enum bf_err command(struct bf_qsd *q, const char *name, json_t *arguments,
                           struct bf_fault *fault)
{
    json_t *whole = arguments ? json_pack("{s:s,s:o}", "execute", name, "arguments", arguments)
                              : json_pack("{s:s}", "execute", name);
    enum bf_err err = whole ? send_line(q, whole, fault)
                            : gone(fault, BF_ERR_NO_MEMORY, "cannot be sent anything: no memory");
    int answered = 0;

    json_decref(whole);
    bf_child_progress(&q->wait.child);
    while (!err && !answered) {
        json_t *answer = NULL, *error;
        err = receive(q, &answer, fault);
        if (err)
            break;
        error = json_object_get(answer, "error");
        answered = error || json_object_get(answer, "return");
        if (error)
            err = answer_error(error, name, fault);
        json_decref(answer);
    }
    return err;
}

static enum bf_err greet(struct bf_qsd *q, struct bf_fault *fault)
{
    json_t *greeting = NULL;
    enum bf_err err;

    bf_qsd_wait(q, &q->wait);
    err = receive(q, &greeting, fault);

    json_decref(greeting);
    return err ? err : command(q, "qmp_capabilities", NULL, fault);
}

// ---- What it prints ----------------------------------------------------------------------------

// It never waits for us to read: what has no room in the pipe is lost.
static enum bf_err open_words(struct bf_qsd *q, int *theirs, struct bf_fault *fault)
{
    int pair[2];

    BF_ASSERT(q->words < 0);
    if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0)
        return gone(fault, BF_ERR_LIMIT, "cannot be started: too many open files");
    q->words = pair[0];
    *theirs = pair[1];
    return BF_OK;
}

// It reports every client that leaves before it is told to, as all do that are ended early.
static void log_line(const struct bf_qsd *q, const char *line)
{
    int usual = strstr(line, "Disconnect client") || strstr(line, "option negotiation failed");

    if (*line)
        bf_log(usual ? BF_LOG_DEBUG : BF_LOG_WARNING, "%s printed: %s", q->title, line);
}

static void log_words(const struct bf_qsd *q)
{
    char line[400];
    size_t len = 0;
    char c;

    while (q->words >= 0 && read(q->words, &c, 1) == 1) {
        if (c != '\n' && len + 1 < sizeof line) {
            line[len++] = c;
            continue;
        }
        line[len] = 0;
        log_line(q, line);
        len = 0;
        if (c != '\n')
            line[len++] = c;
    }
    line[len] = 0;
    log_line(q, line);
}

// ---- Starting and stopping ---------------------------------------------------------------------

// Requests have buffers of up to a megabyte. Without this each is mapped and unmapped, and the
// kernel clears its pages every time.
static const char keep_memory[] =
    "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=8388608:glibc.malloc.trim_threshold=67108864";

static enum bf_err launch(struct bf_qsd *q, struct bf_fault *fault)
{
    char chardev[48];
    const char *argv[] = {"qemu-storage-daemon", "--chardev", chardev,
                          "--monitor",           "chardev=c", NULL};
    struct bf_process_config config = {
        .argv = argv, .dir = q->state_dir, .output = -1, .setting = keep_memory};
    int pair[2];
    enum bf_err err = open_words(q, &config.output, fault);

    BF_ASSERT(q->pid < 0 && q->control < 0);
    if (err)
        return err;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        close(config.output);
        return gone(fault, BF_ERR_LIMIT, "cannot be started: too many open files");
    }
    bf_snprintf(chardev, sizeof chardev, "socket,id=c,fd=%d", pair[1]);
    config.keep = pair[1];
    err = bf_process_start(&config, &q->pid);
    close(pair[1]);
    close(config.output);
    q->control = pair[0];
    if (err)
        q->pid = -1;
    if (err == BF_ERR_NOT_FOUND)
        return bf_fault_set(fault, err, BF_SIDE_SERVER, "install the package qemu-utils",
                            "qemu-storage-daemon is not installed");
    if (err == BF_ERR_CANCELLED)
        return bf_qsd_fault(q, err, "starting a storage daemon", fault);
    if (err == BF_ERR_TIMEOUT)
        return gone(fault, err, "hung while starting");
    return err ? gone(fault, err, "cannot be started") : BF_OK;
}

static enum bf_err serve(struct bf_qsd *q, struct bf_fault *fault)
{
    unlinkat(q->state_dir, q->socket_relative, 0); // left by one that was killed
    return command(
        q, "nbd-server-start",
        json_pack("{s:{s:s,s:{s:s}}}", "addr", "type", "unix", "data", "path", q->socket_relative),
        fault);
}

enum bf_err bf_qsd_start(const struct bf_state *state, const char *name, enum bf_qsd_user user,
                         struct bf_qsd **out, struct bf_fault *fault)
{
    struct bf_qsd *q = calloc(1, sizeof *q);
    char file[80];
    enum bf_err err;

    BF_ASSERT(strlen(name) <= 64);
    *out = q;
    if (!q)
        return gone(fault, BF_ERR_NO_MEMORY, "cannot be started: no memory");
    q->pid = -1;
    q->control = -1;
    q->words = -1;
    q->command = user == BF_QSD_COMMAND;
    q->state_dir = bf_state_dir(state);
    q->direct = 1;
    q->buffer = malloc(LINE_MAX_BYTES);
    bf_snprintf(file, sizeof file, "%s.nbd", name);
    bf_snprintf(q->title, sizeof q->title, "the storage daemon of %s", name);
    bf_snprintf(q->socket_relative, sizeof q->socket_relative, "run/%s", file);
    err = q->buffer ? bf_state_socket(state, file, q->socket) : BF_ERR_NO_MEMORY;
    if (err)
        gone(fault, err, "cannot be started: its name is too long or there is no memory");
    if (!err)
        err = launch(q, fault);
    if (!err)
        err = greet(q, fault);
    if (!err)
        err = serve(q, fault);
    return err;
}

// Waits for the end of the control stream, which is the end of the process.
static void wait_for_end(struct bf_qsd *q)
{
    struct bf_fault ignored;

    BF_ASSERT(q->answer_by_us); // nothing else ends this wait
    do
        q->filled = 0;
    while (receive_more(q, &ignored) == BF_OK);
}

static void end_process(struct bf_qsd *q)
{
    uint64_t now = bf_platform_now_us();
    struct bf_fault ignored;

    q->answer_by_us = now + (uint64_t)BF_WAIT_QSD_QUIT_MS * 1000;
    if (!q->hung && q->control >= 0 && command(q, "quit", NULL, &ignored) == BF_OK)
        wait_for_end(q);
    now = bf_platform_now_us();
    bf_process_reap(
        q->pid, now < q->answer_by_us && !q->hung ? (uint32_t)((q->answer_by_us - now) / 1000) : 0);
}

void bf_qsd_stop(struct bf_qsd *q)
{
    if (!q)
        return;
    if (q->pid > 0)
        end_process(q);
    log_words(q);
    if (q->words >= 0)
        close(q->words);
    if (q->control >= 0)
        close(q->control);
    unlinkat(q->state_dir, q->socket_relative, 0);
    free(q->buffer);
    free(q);
}

enum bf_err bf_qsd_check(struct bf_qsd *q, const char *doing, struct bf_fault *fault)
{
    enum bf_err err;

    BF_ASSERT(q->pid > 0 && !q->answer_by_us);
    q->answer_by_us = bf_platform_now_us() + (uint64_t)BF_WAIT_QSD_CHECK_MS * 1000;
    err = command(q, "query-version", NULL, fault);
    q->answer_by_us = 0;
    if (!err)
        return BF_OK;
    if (err == BF_ERR_TIMEOUT) {
        q->hung = 1;
        kill(q->pid, SIGKILL);
    }
    return bf_qsd_fault(q, err, doing, fault);
}

const char *bf_qsd_socket(const struct bf_qsd *qsd)
{
    return qsd->socket;
}

int bf_qsd_pid(const struct bf_qsd *qsd)
{
    return qsd->pid;
}

int bf_qsd_is_direct(const struct bf_qsd *qsd)
{
    return qsd->direct;
}

// ---- Nodes -------------------------------------------------------------------------------------

static enum bf_err open_file(struct bf_qsd *q, const char *node, const char *path, int writable,
                             struct bf_fault *fault)
{
    return command(q, "blockdev-add",
                   json_pack("{s:s,s:s,s:s,s:b,s:b,s:s,s:{s:b}}", "driver", "file", "node-name",
                             node, "filename", path, "read-only", !writable, "auto-read-only", 0,
                             "discard", "unmap", "cache", "direct", q->direct),
                   fault);
}

// Past the kernel's cache (O_DIRECT): what is written once and read once is not worth a place in
// it, the copies cost more than the disk, and what is read back comes from the disk. A file system
// that cannot do that gets the cache.
static enum bf_err add_file(struct bf_qsd *q, const char *node, const char *path, int writable,
                            struct bf_fault *fault)
{
    enum bf_err err = open_file(q, node, path, writable, fault);

    if (err != BF_ERR_IO || !q->direct)
        return err;
    q->direct = 0;
    err = open_file(q, node, path, writable, fault);
    q->direct = err != BF_OK; // then it was not that
    if (!err)
        bf_log(BF_LOG_INFO, "the state's file system cannot bypass the cache (O_DIRECT)");
    return err;
}

// For tests of power loss: the writes to a file are logged on their way.
static enum bf_err add_log(struct bf_qsd *q, uint16_t disk, char node[32], struct bf_fault *fault)
{
    char path[160], log[32], filter[32];
    enum bf_err err;

    bf_snprintf(path, sizeof path, "%s/disk-%u.log", log_folder, disk);
    bf_snprintf(log, sizeof log, "log%u", q->next_node);
    bf_snprintf(filter, sizeof filter, "filter%u", q->next_node++);
    err = add_file(q, log, path, 1, fault);
    if (!err)
        err = command(q, "blockdev-add",
                      json_pack("{s:s,s:s,s:s,s:s,s:i}", "driver", "blklogwrites", "node-name",
                                filter, "file", node, "log", log, "log-sector-size", 512),
                      fault);
    memcpy(node, filter, sizeof filter);
    return err;
}

// A layer that another process has open is not a failure of the disk: a later attempt may succeed.
static enum bf_err blame_holder(struct bf_qsd *q, const char *path, int writable, enum bf_err err,
                                struct bf_fault *fault)
{
    if (err != BF_ERR_IO || !bf_reason_held(q->state_dir, path, writable))
        return err;
    return fault->code = BF_ERR_BUSY;
}

// Adds one layer over the node `below` (empty: none is attached) and puts its name into node.
static enum bf_err add_layer(struct bf_qsd *q, uint16_t disk, const char *path, const char *below,
                             int writable, char node[32], struct bf_fault *fault)
{
    char file[32];
    json_t *options;
    enum bf_err err;

    bf_snprintf(file, sizeof file, "file%u", q->next_node);
    bf_snprintf(node, 32, "disk%u-%u", disk, q->next_node++);
    err = bf_qcow2_check(q->state_dir, path, fault);
    if (!err)
        err = add_file(q, file, path, writable, fault);
    if (!err && writable && log_folder)
        err = add_log(q, disk, file, fault);
    if (err)
        return blame_holder(q, path, writable, err, fault);
    options = json_pack("{s:s,s:s,s:s,s:b,s:b,s:s}", "driver", "qcow2", "node-name", node, "file",
                        file, "read-only", !writable, "auto-read-only", 0, "discard", "unmap");
    if (options && below[0])
        json_object_set_new(options, "backing", json_string(below));
    else if (options)
        json_object_set_new(options, "backing", json_null());
    err = command(q, "blockdev-add", options, fault);
    return blame_holder(q, path, writable, err, fault);
}

static int slot_of(const struct bf_qsd *q, uint16_t disk)
{
    for (int i = 0; i < BF_PROTO_DISKS_MAX; i++)
        if (q->disk[i].used && q->number[i] == disk)
            return i;
    return -1;
}

static int free_slot(const struct bf_qsd *q)
{
    for (int i = 0; i < BF_PROTO_DISKS_MAX; i++)
        if (!q->disk[i].used)
            return i;
    return -1;
}

enum bf_err bf_qsd_add(struct bf_qsd *q, uint16_t disk, const struct bf_image_chain *chain,
                       int writable, struct bf_fault *fault)
{
    char node[32] = "", below[32], export[32], name[32];
    int slot = free_slot(q);
    enum bf_err err = slot >= 0 ? BF_OK : gone(fault, BF_ERR_LIMIT, "has too many disks");

    BF_ASSERT(slot_of(q, disk) < 0 && chain->layers > 0);
    for (uint32_t i = chain->layers; !err && i-- > 0;) {
        memcpy(below, node, sizeof below);
        err = add_layer(q, disk, chain->layer[i].path, below, writable && i == 0, node, fault);
    }
    if (err)
        return err;
    bf_snprintf(export, sizeof export, "export%u", disk);
    bf_snprintf(name, sizeof name, "disk-%u", disk);
    err = command(q, "block-export-add",
                  json_pack("{s:s,s:s,s:s,s:s,s:b}", "type", "nbd", "id", export, "node-name", node,
                            "name", name, "writable", writable),
                  fault);
    if (err)
        return err;
    q->disk[slot].used = 1;
    q->number[slot] = disk;
    memcpy(q->disk[slot].top, node, sizeof node);
    return BF_OK;
}

enum bf_err bf_qsd_snapshot(struct bf_qsd *q, const uint16_t *disk,
                            const struct bf_image_layer *layer, uint32_t disks,
                            struct bf_fault *fault)
{
    char node[BF_PROTO_DISKS_MAX][32];
    json_t *actions = json_array();
    enum bf_err err = disks <= BF_PROTO_DISKS_MAX ? BF_OK : BF_ERR_RANGE;

    BF_ASSERT(disks > 0);
    for (uint32_t i = 0; !err && i < disks; i++) {
        int slot = slot_of(q, disk[i]);
        if (slot < 0)
            err = gone(fault, BF_ERR_RANGE, "does not have the disk");
        else
            err = add_layer(q, disk[i], layer[i].path, "", 1, node[i], fault);
        if (!err)
            json_array_append_new(actions,
                                  json_pack("{s:s,s:{s:s,s:s}}", "type", "blockdev-snapshot",
                                            "data", "node", q->disk[slot].top, "overlay", node[i]));
    }
    if (err) {
        json_decref(actions);
        return err;
    }
    err = command(q, "transaction", json_pack("{s:o}", "actions", actions), fault);
    for (uint32_t i = 0; !err && i < disks; i++)
        memcpy(q->disk[slot_of(q, disk[i])].top, node[i], sizeof node[i]);
    return err;
}
