// SPDX-License-Identifier: Apache-2.0
// The target `qemu:`: a machine on this host, run by a command line that is written out
// (qemu_place.h). Every call opens the job's folder anew and looks what is there.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/qemu/qga.h"
#include "replica/state/reason.h"
#include "replica/state/step.h"
#include "replica/state/wait.h"
#include "replica/targets/qemu_images.h"
#include "replica/targets/qemu_mirror.h"
#include "replica/targets/qemu_process.h"
#include "replica/targets/user_net.h"

enum { LOG_MOST = 64 << 20, PNG_MARK = 8 };

static void tell(const struct bf_tgt *tgt, const char *sentence)
{
    if (tgt->tell)
        tgt->tell(tgt->user, sentence);
}

static enum bf_err not_made(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER, "start the failover anew",
                        "the machine %s is not there", tgt->machine->name);
}

// Opens what was made.
static enum bf_err open_made(const struct bf_tgt *tgt, struct bf_qemu_machine *q,
                             struct bf_fault *fault)
{
    enum bf_err err = bf_qemu_open(tgt, q, fault);

    return !err && !q->made ? not_made(tgt, fault) : err;
}

// ---- check, make -------------------------------------------------------------------------------

static enum bf_err check(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    if (strcmp(tgt->uri, "qemu:") != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "name the target qemu:",
                            "nothing follows the colon of the target qemu:");
    return bf_qemu_check_host(tgt, fault);
}

static void tell_notes(const struct bf_tgt *tgt)
{
    const struct bf_tgt_machine *m = tgt->machine;
    char note[BF_TGT_NOTE];

    for (uint32_t i = 0; i < m->notes; i++)
        tell(tgt, m->note[i]);
    for (uint32_t i = 0; m->isolated && i < m->nics; i++)
        if (bf_user_net_note(&m->nic[i], note, sizeof note))
            tell(tgt, note);
}

static enum bf_err make(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct bf_qemu_machine q;
    enum bf_err err = bf_qemu_open(tgt, &q, fault);

    // The script is written when everything else is there.
    if (!err && !q.made) {
        err = bf_qemu_make_images(&q, fault);
        bf_step_done("machine images");
        if (!err)
            err = bf_qemu_record(&q, fault);
        bf_step_done("machine made");
        if (!err)
            tell_notes(tgt);
    }
    bf_qemu_shut(&q);
    return err;
}

// ---- start, power ------------------------------------------------------------------------------

static enum bf_err query_status(const struct bf_qemu_machine *q, char *out, size_t size,
                                struct bf_fault *fault)
{
    struct bf_qmp *qmp;
    json_t *result = NULL;
    const char *status;
    enum bf_err err = bf_qemu_connect(q, &qmp, fault);

    if (!err)
        err = bf_qmp_execute(qmp, "query-status", NULL, &result, fault);
    status = json_string_value(json_object_get(result, "status"));
    bf_snprintf(out, size, "%s", status ? status : "");
    json_decref(result);
    bf_qmp_close(qmp);
    return err;
}

// One that a full disk has paused goes on where it was.
static enum bf_err resume(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    char status[32];
    struct bf_qmp *qmp;
    enum bf_err err = query_status(q, status, sizeof status, fault);

    if (err || (strcmp(status, "paused") != 0 && strcmp(status, "io-error") != 0))
        return err;
    err = bf_qemu_connect(q, &qmp, fault);
    if (!err)
        err = bf_qmp_execute(qmp, "cont", NULL, NULL, fault);
    bf_qmp_close(qmp);
    return err;
}

static enum bf_err start(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct bf_qemu_machine q;
    int folder;
    enum bf_err err = open_made(tgt, &q, fault);

    if (!err)
        err = bf_qemu_pid(&q, &folder) ? resume(&q, fault) : bf_qemu_launch(&q, fault);
    bf_qemu_shut(&q);
    return err;
}

// What a guest writes to its ports is bounded: QEMU appends, so what it wrote so far can be cut.
static void bound_logs(const struct bf_qemu_machine *q)
{
    static const char *const names[] = {BF_TGT_CONSOLE, BF_TGT_EVIDENCE, BF_QEMU_LOG};
    struct stat st;

    for (size_t i = 0; i < BF_COUNT(names); i++) {
        int fd = openat(q->folder, names[i], O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            continue;
        if (fstat(fd, &st) == 0 && st.st_size > LOG_MOST && ftruncate(fd, 0) == 0)
            tell(q->tgt, "the machine filled a log of 64 MiB; its beginning was cut off");
        close(fd);
    }
}

static enum bf_tgt_power power_of(const struct bf_qemu_machine *q, const char *status)
{
    if (strcmp(status, "shutdown") == 0)
        return BF_TGT_OFF;
    if (strcmp(status, "guest-panicked") == 0 || strcmp(status, "internal-error") == 0)
        return BF_TGT_CRASHED;
    if (strcmp(status, "io-error") == 0)
        tell(q->tgt, "the machine is paused: what it writes finds no room in the file system of "
                     "its disks");
    return BF_TGT_ON;
}

static enum bf_err power(const struct bf_tgt *tgt, enum bf_tgt_power *out, struct bf_fault *fault)
{
    struct bf_qemu_machine q;
    char status[32];
    int folder;
    enum bf_err err = bf_qemu_open(tgt, &q, fault);

    *out = BF_TGT_ABSENT;
    if (!err && q.made) {
        bound_logs(&q);
        *out = bf_qemu_left_ungone(&q) ? BF_TGT_CRASHED : BF_TGT_OFF;
        if (bf_qemu_pid(&q, &folder)) {
            err = query_status(&q, status, sizeof status, fault);
            *out = err ? BF_TGT_ON : power_of(&q, status);
        }
        if (err && !bf_qemu_pid(&q, &folder)) { // it ended meanwhile
            *out = bf_qemu_left_ungone(&q) ? BF_TGT_CRASHED : BF_TGT_OFF;
            err = BF_OK;
        }
    }
    bf_qemu_shut(&q);
    return err;
}

// ---- picture, written --------------------------------------------------------------------------

static enum bf_err absolute(const char *path, char out[PATH_MAX], struct bf_fault *fault)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char folder[PATH_MAX], whole[PATH_MAX];

    bf_snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
                slash ? path : ".");
    if (realpath(folder, whole) && bf_snprintf(out, PATH_MAX, "%s/%s", whole, name) < PATH_MAX)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "name another file",
                        "there is no folder for %.150s", path);
}

// It gets its name when it is whole.
static enum bf_err keep_picture(const char *part, const char *path, struct bf_fault *fault)
{
    static const unsigned char mark[PNG_MARK] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    unsigned char head[PNG_MARK];
    int fd = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool whole = fd >= 0 && read(fd, head, sizeof head) == sizeof head &&
                 memcmp(head, mark, sizeof mark) == 0;

    if (fd >= 0)
        close(fd);
    if (whole && rename(part, path) == 0)
        return BF_OK;
    unlink(part);
    return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "look at the disk of the job's folder",
                        "QEMU gave no picture of the screen");
}

static enum bf_err picture(const struct bf_tgt *tgt, const char *path, struct bf_fault *fault)
{
    char whole[PATH_MAX], part[PATH_MAX + 8];
    struct bf_qemu_machine q;
    struct bf_qmp *qmp = NULL;
    enum bf_err err = open_made(tgt, &q, fault);

    if (!err)
        err = absolute(path, whole, fault);
    if (!err)
        err = bf_qemu_connect(&q, &qmp, fault);
    if (!err) {
        bf_snprintf(part, sizeof part, "%s.part", whole);
        err = bf_qmp_execute(
            qmp, "screendump",
            json_pack("{s:s,s:s,s:s}", "filename", part, "device", "screen", "format", "png"), NULL,
            fault);
    }
    if (!err)
        err = keep_picture(part, whole, fault);
    bf_qmp_close(qmp);
    bf_qemu_shut(&q);
    return err;
}

static uint64_t written_now(const json_t *devices)
{
    const json_t *device;
    uint64_t sum = 0;
    size_t i;

    json_array_foreach(devices, i, device)
    {
        const char *node = json_string_value(json_object_get(device, "node-name"));
        json_int_t n =
            json_integer_value(json_object_get(json_object_get(device, "stats"), "wr_bytes"));
        // The firmware's variables are not a disk of the machine.
        if (n > 0 && !(node && strstr(node, "variables")))
            sum += (uint64_t)n;
    }
    return sum;
}

// The overlays' growth counts since make, in clusters; QEMU counts bytes, since its start.
static enum bf_err written(const struct bf_tgt *tgt, uint64_t *bytes, struct bf_fault *fault)
{
    struct bf_qemu_machine q;
    struct bf_qmp *qmp = NULL;
    json_t *devices = NULL;
    int folder;
    enum bf_err err = open_made(tgt, &q, fault);

    *bytes = err ? 0 : bf_qemu_growth(&q);
    if (!err && bf_qemu_pid(&q, &folder)) {
        err = bf_qemu_connect(&q, &qmp, fault);
        if (!err)
            err = bf_qmp_execute(qmp, "query-blockstats", NULL, &devices, fault);
        if (!err && written_now(devices) > *bytes)
            *bytes = written_now(devices);
    }
    json_decref(devices);
    bf_qmp_close(qmp);
    bf_qemu_shut(&q);
    return err;
}

// The socket is where QEMU was started.
static enum bf_err agent(const struct bf_tgt *tgt, const char *command, char **answer,
                         struct bf_fault *fault)
{
    struct bf_qemu_machine q;
    int folder;
    enum bf_err err = open_made(tgt, &q, fault);

    *answer = NULL;
    if (!err && !bf_qemu_pid(&q, &folder))
        err = bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SOURCE, "look at its console",
                           "%s is off", tgt->machine->name);
    if (!err)
        err = bf_qga_ask(folder, BF_QEMU_AGENT, command, answer, fault);
    bf_qemu_shut(&q);
    return err;
}

// ---- stop, commit, remove ----------------------------------------------------------------------

static enum bf_err stop(const struct bf_tgt *tgt, enum bf_tgt_stop how, struct bf_fault *fault)
{
    struct bf_qemu_machine q;
    struct bf_qmp *qmp = NULL;
    int folder;
    enum bf_err err = bf_qemu_open(tgt, &q, fault);

    if (!err && how == BF_TGT_PULL) {
        err = bf_qemu_kill(&q, fault);
    } else if (!err && bf_qemu_pid(&q, &folder)) {
        err = bf_qemu_connect(&q, &qmp, fault);
        if (!err)
            err = bf_qmp_execute(qmp, "system_powerdown", NULL, NULL, fault);
    }
    bf_qmp_close(qmp);
    bf_qemu_shut(&q);
    return err;
}

static bool any_moved(const struct bf_qemu_machine *q)
{
    bool any = q->place.vars;

    for (uint32_t i = 0; i < q->tgt->machine->disks; i++)
        any |= q->place.disk[i];
    return any;
}

static enum bf_err convert(struct bf_qemu_machine *q, struct bf_fault *fault)
{
    enum bf_err err;

    bf_wait_cancel_when_not(q->tgt->goes_on, q->tgt->user);
    err = bf_qemu_convert(q, fault);
    bf_wait_cancel_when_not(NULL, NULL);
    bf_step_done("home converted");
    for (uint32_t i = 0; !err && i < q->tgt->machine->disks; i++)
        q->place.disk[i] = true;
    if (!err)
        q->place.vars = q->tgt->machine->uefi;
    return err ? err : bf_qemu_record(q, fault);
}

// What only the replica needed goes.
static enum bf_err tidy(struct bf_qemu_machine *q, struct bf_fault *fault)
{
    char name[32];
    int folder;
    enum bf_err err = bf_qemu_pid(q, &folder) ? bf_qemu_drop_nodes(q, fault) : BF_OK;

    bf_step_done("layers dropped");
    for (uint32_t i = 0; !err && i < q->tgt->machine->disks; i++) {
        bf_qemu_overlay_name(name, &q->tgt->machine->disk[i]);
        unlinkat(q->folder, name, 0);
    }
    if (!err)
        unlinkat(q->folder, BF_QEMU_VARS, 0);
    return err;
}

static enum bf_err move_home(struct bf_qemu_machine *q, const char *to, struct bf_fault *fault)
{
    int folder;
    enum bf_err err = bf_qemu_choose_home(q, to, fault);

    if (!err)
        err = bf_tgt_check_room(q->home, q->place.home, bf_tgt_allocated(q->tgt), fault);
    bf_step_done("home has room");
    if (!err)
        err = bf_qemu_pid(q, &folder) ? bf_qemu_mirror(q, fault) : convert(q, fault);
    // Cancelled or without room: it is as if it had not been asked for.
    if ((err == BF_ERR_CANCELLED || err == BF_ERR_NO_SPACE) && !any_moved(q)) {
        struct bf_fault ignored;
        bf_qemu_leave_home(q, &ignored);
    }
    return err;
}

static void tell_home(const struct bf_qemu_machine *q)
{
    char path[PATH_MAX], said[PATH_MAX + 64];
    struct bf_fault ignored;

    if (!q->tgt->tell || bf_qemu_path(q, q->home, "start", path, &ignored))
        return;
    bf_snprintf(said, sizeof said, "its disks are at home, and it is started by %s", path);
    q->tgt->tell(q->tgt->user, said);
}

static enum bf_err commit(const struct bf_tgt *tgt, const char *to, struct bf_fault *fault)
{
    struct bf_qemu_machine q;
    int folder;
    enum bf_err err = open_made(tgt, &q, fault);

    if (!err && !bf_qemu_is_home(&q))
        err = move_home(&q, to, fault);
    else if (!err && bf_qemu_pid(&q, &folder)) {
        err = resume(&q, fault); // one that was killed may have left it paused
        bf_step_done("machine continued");
    }
    if (!err)
        err = tidy(&q, fault);
    if (!err)
        tell_home(&q);
    bf_qemu_shut(&q);
    return err;
}

// The record names the disks that are at home.
static enum bf_err read_home(const struct bf_tgt *tgt, struct bf_tgt_machine *m,
                             struct bf_fault *fault)
{
    enum bf_err err = bf_qemu_recorded(tgt, m, fault);

    bf_snprintf(m->name, sizeof m->name, "%s", tgt->machine->name);
    return err;
}

static enum bf_err at_home(const struct bf_tgt *tgt, bool on, enum bf_tgt_power *out,
                           struct bf_fault *fault)
{
    struct bf_tgt_machine *m = calloc(1, sizeof *m);
    struct bf_tgt its = *tgt;
    enum bf_err err;

    if (!m)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for a machine");
    its.machine = m;
    err = read_home(tgt, m, fault);
    if (!err && on)
        err = start(&its, fault);
    if (!err)
        err = power(&its, out, fault);
    free(m);
    return err;
}

static enum bf_err remove_machine(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct bf_qemu_machine q;
    enum bf_err err = bf_qemu_open(tgt, &q, fault);

    if (!err)
        err = bf_qemu_kill(&q, fault);
    if (!err && !bf_qemu_is_home(&q))
        err = bf_qemu_leave_home(&q, fault);
    if (!err)
        bf_qemu_remove_files(&q);
    bf_qemu_shut(&q);
    return err;
}

static char *describe(const struct bf_tgt *tgt)
{
    struct bf_qemu_place place = {.home = ""};
    struct bf_fault ignored;

    return bf_qemu_script(tgt, &place, false, &ignored);
}

const struct bf_tgt_ops bf_tgt_qemu = {
    .scheme = "qemu",
    .usage = "qemu:          a machine on this host, run by QEMU",
    .can = BF_TGT_RUNS | BF_TGT_ISOLATES | BF_TGT_COMMITS,
    .check = check,
    .make = make,
    .start = start,
    .power = power,
    .picture = picture,
    .written = written,
    .agent = agent,
    .stop = stop,
    .commit = commit,
    .at_home = at_home,
    .remove = remove_machine,
    .describe = describe,
};
