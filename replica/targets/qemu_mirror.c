// SPDX-License-Identifier: Apache-2.0
// Copying while the machine runs (QEMU's docs/interop/live-block-operations, blockdev-mirror). Each
// disk has a block job that copies it, and then what has been written since, over and over. When
// all have caught up once, the machine is paused; all jobs are completed, so that QEMU uses the
// copies; that is recorded; and it goes on. (Writes do not go to both at once,
// copy-mode=write-blocking: QEMU 7.2 was seen to corrupt its memory when the copy then found no
// room.) So the record never names a disk that lacks a write: while the machine is paused, old and
// new are the same, and whatever is killed before the record is there, the old ones are whole;
// after it, the new ones are.
//
// Nothing is kept between calls but QEMU's own jobs and the record. Connections are short, so that
// others reach QEMU in between.
#include "replica/targets/qemu_mirror.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/state/reason.h"
#include "replica/state/step.h"
#include "replica/state/waits.h"
#include "replica/targets/qemu_images.h"
#include "replica/targets/qemu_process.h"

enum { UNITS_MAX = BF_TGT_DISKS + 1 };

// A disk, or the firmware's variables, as one of the things that are copied.
enum unit_state { NO_JOB, COPYING, EQUAL, DONE, FAILED };
struct unit {
    char node[32], home[32], job[40];
    bool *moved;
    int disk; // -1: the variables
    enum unit_state state;
    uint64_t done, total;
    char why[100]; // it failed
};
struct mirror {
    struct bf_qemu_machine *q;
    struct unit unit[UNITS_MAX];
    uint32_t units;
};

static void add_unit(struct mirror *m, const char *node, const char *home, bool *moved, int disk)
{
    struct unit *u = &m->unit[m->units];

    if (*moved)
        return;
    BF_ASSERT(m->units < UNITS_MAX);
    m->units++;
    bf_snprintf(u->node, sizeof u->node, "%s", node);
    bf_snprintf(u->home, sizeof u->home, "%s", home);
    bf_snprintf(u->job, sizeof u->job, "to-%s", home);
    u->moved = moved;
    u->disk = disk;
}

static void gather(struct bf_qemu_machine *q, struct mirror *m)
{
    const struct bf_tgt_machine *machine = q->tgt->machine;
    char node[32], home[32];

    memset(m, 0, sizeof *m);
    m->q = q;
    for (uint32_t i = 0; i < machine->disks; i++) {
        bf_qemu_node(node, &machine->disk[i], 0);
        bf_qemu_home_node(home, &machine->disk[i]);
        add_unit(m, node, home, &q->place.disk[i], (int)i);
    }
    if (machine->uefi)
        add_unit(m, "variables", "home-variables", &q->place.vars, -1);
}

// ---- What the jobs do --------------------------------------------------------------------------

static enum unit_state state_of(const char *status, bool failed)
{
    if (strcmp(status, "ready") == 0 || strcmp(status, "standby") == 0)
        return EQUAL;
    if (strcmp(status, "concluded") == 0)
        return failed ? FAILED : DONE;
    return COPYING;
}

static void take_job(struct unit *u, const json_t *job)
{
    const char *status = json_string_value(json_object_get(job, "status"));
    const char *error = json_string_value(json_object_get(job, "error"));
    json_int_t done = json_integer_value(json_object_get(job, "current-progress"));
    json_int_t total = json_integer_value(json_object_get(job, "total-progress"));

    u->state = state_of(status ? status : "", error != NULL);
    u->done = done > 0 ? (uint64_t)done : 0;
    u->total = total > 0 ? (uint64_t)total : 0;
    bf_snprintf(u->why, sizeof u->why, "%s", error ? error : "");
}

static enum bf_err look(struct mirror *m, struct bf_qmp *qmp, struct bf_fault *fault)
{
    json_t *jobs, *job;
    size_t n;
    enum bf_err err = bf_qmp_execute(qmp, "query-jobs", NULL, &jobs, fault);

    if (err)
        return err;
    for (uint32_t i = 0; i < m->units; i++) {
        m->unit[i].state = NO_JOB;
        json_array_foreach(jobs, n, job)
        {
            const char *id = json_string_value(json_object_get(job, "id"));
            if (id && strcmp(id, m->unit[i].job) == 0)
                take_job(&m->unit[i], job);
        }
    }
    json_decref(jobs);
    return BF_OK;
}

static bool all_are(const struct mirror *m, enum unit_state a, enum unit_state b)
{
    for (uint32_t i = 0; i < m->units; i++)
        if (m->unit[i].state != a && m->unit[i].state != b)
            return false;
    return true;
}

static bool any_works(const struct mirror *m)
{
    for (uint32_t i = 0; i < m->units; i++)
        if (m->unit[i].state == COPYING || m->unit[i].state == EQUAL)
            return true;
    return false;
}

static enum bf_err job_failed(const struct mirror *m, struct bf_fault *fault)
{
    for (uint32_t i = 0; i < m->units; i++)
        if (m->unit[i].state == FAILED) {
            char text[120]; // the reason of a job is the text of errno and nothing else
            enum bf_err code;
            bf_snprintf(text, sizeof text, "job: %s", m->unit[i].why);
            code = bf_reason_text(text, BF_ERR_IO);
            return bf_fault_set(
                fault, code, BF_SIDE_SERVER,
                bf_reason_todo(code, "do what the reason says, and start it again; the machine "
                                     "runs on"),
                "%s of %s was not copied: %s", m->unit[i].node, m->q->tgt->machine->name,
                m->unit[i].why);
        }
    return BF_OK;
}

// ---- Beginning ---------------------------------------------------------------------------------

static bool has_node(const json_t *nodes, const char *name)
{
    const json_t *node;
    size_t n;

    json_array_foreach(nodes, n, node)
    {
        const char *is = json_string_value(json_object_get(node, "node-name"));
        if (is && strcmp(is, name) == 0)
            return true;
    }
    return false;
}

static enum bf_err query_nodes(struct bf_qmp *qmp, json_t **nodes, struct bf_fault *fault)
{
    return bf_qmp_execute(qmp, "query-named-block-nodes", json_pack("{s:b}", "flat", 1), nodes,
                          fault);
}

static enum bf_err delete_node(struct bf_qmp *qmp, const json_t *nodes, const char *name,
                               struct bf_fault *fault)
{
    if (!has_node(nodes, name))
        return BF_OK;
    return bf_qmp_execute(qmp, "blockdev-del", json_pack("{s:s}", "node-name", name), NULL, fault);
}

static enum bf_err dismiss(struct bf_qmp *qmp, const struct unit *u, struct bf_fault *fault)
{
    return bf_qmp_execute(qmp, "job-dismiss", json_pack("{s:s}", "id", u->job), NULL, fault);
}

static enum bf_err make_target(const struct mirror *m, const struct unit *u, char path[PATH_MAX],
                               struct bf_fault *fault)
{
    enum bf_err err;

    if (u->disk < 0) {
        err = bf_qemu_make_variables(m->q, fault);
        return err ? err : bf_qemu_path(m->q, m->q->home, BF_QEMU_VARS, path, fault);
    }
    err = bf_qemu_make_empty(m->q, (uint32_t)u->disk, fault);
    return err ? err : bf_qemu_home_path(m->q, (uint32_t)u->disk, path, fault);
}

static enum bf_err add_target(struct bf_qmp *qmp, const struct unit *u, const char *path,
                              struct bf_fault *fault)
{
    json_t *node =
        json_pack("{s:s,s:s,s:b,s:b,s:s,s:{s:s,s:s}}", "driver", u->disk < 0 ? "raw" : "qcow2",
                  "node-name", u->home, "read-only", 0, "auto-read-only", 0, "discard", "unmap",
                  "file", "driver", "file", "filename", path);

    if (node && u->disk >= 0)
        json_object_set_new(node, "backing", json_null());
    return bf_qmp_execute(qmp, "blockdev-add", node, NULL, fault);
}

// What an earlier attempt left goes first.
static enum bf_err begin(const struct mirror *m, struct bf_qmp *qmp, struct unit *u,
                         struct bf_fault *fault)
{
    char path[PATH_MAX];
    json_t *nodes = NULL;
    enum bf_err err = u->state == FAILED ? dismiss(qmp, u, fault) : BF_OK;

    if (!err)
        err = query_nodes(qmp, &nodes, fault);
    if (!err)
        err = delete_node(qmp, nodes, u->home, fault);
    json_decref(nodes);
    if (!err)
        err = make_target(m, u, path, fault);
    if (!err)
        err = add_target(qmp, u, path, fault);
    if (err)
        return err;
    return bf_qmp_execute(qmp, "blockdev-mirror",
                          json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:b}", "job-id", u->job, "device",
                                    u->node, "target", u->home, "sync", "full", "copy-mode",
                                    "background", "auto-finalize", 1, "auto-dismiss", 0),
                          NULL, fault);
}

static enum bf_err begin_all(struct mirror *m, struct bf_fault *fault)
{
    struct bf_qmp *qmp;
    enum bf_err err = bf_qemu_connect(m->q, &qmp, fault);

    if (!err)
        err = look(m, qmp, fault);
    for (uint32_t i = 0; !err && i < m->units; i++)
        if (m->unit[i].state == NO_JOB || m->unit[i].state == FAILED)
            err = begin(m, qmp, &m->unit[i], fault);
    bf_qmp_close(qmp);
    return err;
}

// ---- Copying -----------------------------------------------------------------------------------

static void report(const struct mirror *m)
{
    const struct bf_tgt *tgt = m->q->tgt;
    uint64_t done = 0, total = 0;

    for (uint32_t i = 0; i < m->units; i++) {
        done += m->unit[i].done;
        total += m->unit[i].total;
    }
    if (tgt->progress)
        tgt->progress(tgt->user, done < total ? done : total, total);
}

static enum bf_err wait_until_equal(struct mirror *m, struct bf_fault *fault)
{
    const struct bf_tgt *tgt = m->q->tgt;
    struct bf_qmp *qmp;

    for (;;) {
        enum bf_err err = bf_qemu_connect(m->q, &qmp, fault);
        if (!err)
            err = look(m, qmp, fault);
        bf_qmp_close(qmp);
        if (!err)
            err = job_failed(m, fault);
        if (err)
            return err;
        report(m);
        if (all_are(m, EQUAL, DONE))
            return BF_OK;
        if (all_are(m, NO_JOB, NO_JOB))
            return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_SERVER, "start it again",
                                "somebody else has ended the copying of %s", tgt->machine->name);
        if (tgt->goes_on && !tgt->goes_on(tgt->user))
            return bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE, "start it again",
                                "the copying of %s was cancelled", tgt->machine->name);
        poll(NULL, 0, BF_WAIT_MIRROR_LOOK_MS);
    }
}

// ---- The change --------------------------------------------------------------------------------

static enum bf_err complete_all(struct mirror *m, struct bf_qmp *qmp, struct bf_fault *fault)
{
    uint64_t end = bf_platform_now_us() + (uint64_t)BF_WAIT_PIVOT_MS * 1000;
    enum bf_err err = look(m, qmp, fault);

    for (uint32_t i = 0; !err && i < m->units; i++)
        if (m->unit[i].state == EQUAL)
            err = bf_qmp_execute(qmp, "job-complete", json_pack("{s:s}", "id", m->unit[i].job),
                                 NULL, fault);
    while (!err && !all_are(m, DONE, FAILED)) {
        if (bf_platform_now_us() >= end)
            return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SERVER,
                                "look at the disks of the server, and start it again",
                                "QEMU of %s did not change to its new disks in time",
                                m->q->tgt->machine->name);
        poll(NULL, 0, BF_WAIT_QMP_LOOK_MS);
        err = look(m, qmp, fault);
    }
    return err ? err : job_failed(m, fault);
}

// Ends what still works on it, without a change. After it each job has ended, or err is set.
static enum bf_err cancel_jobs(struct mirror *m, struct bf_qmp *qmp, struct bf_fault *fault)
{
    uint64_t end = bf_platform_now_us() + (uint64_t)BF_WAIT_PIVOT_MS * 1000;
    enum bf_err err = look(m, qmp, fault);

    for (uint32_t i = 0; !err && i < m->units; i++)
        if (m->unit[i].state == COPYING || m->unit[i].state == EQUAL)
            bf_qmp_execute(qmp, "block-job-cancel",
                           json_pack("{s:s,s:b}", "device", m->unit[i].job, "force", 1), NULL,
                           fault);
    while (!err && any_works(m)) {
        if (bf_platform_now_us() >= end)
            return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SERVER,
                                "look at the disks of the server, and start it again",
                                "QEMU of %s does not end its copying", m->q->tgt->machine->name);
        poll(NULL, 0, BF_WAIT_QMP_LOOK_MS);
        err = look(m, qmp, fault);
    }
    return err;
}

// Whatever came of it, the record says where the disks are now.
static enum bf_err record(struct mirror *m, struct bf_fault *fault)
{
    bool any = false;

    for (uint32_t i = 0; i < m->units; i++)
        if (m->unit[i].state == DONE)
            *m->unit[i].moved = any = true;
    return any ? bf_qemu_record(m->q, fault) : BF_OK;
}

// It goes on only when nothing changes any more and the record names what it writes to.
static enum bf_err go_on(struct mirror *m, struct bf_qmp *qmp, bool completed,
                         struct bf_fault *fault)
{
    struct bf_fault ignored;
    enum bf_err err = completed ? BF_OK : cancel_jobs(m, qmp, fault);

    if (!err)
        err = record(m, fault);
    bf_step_done("home recorded");
    if (!err)
        err = bf_qmp_execute(qmp, "cont", NULL, NULL, fault);
    bf_step_done("machine continued");
    for (uint32_t i = 0; !err && i < m->units; i++)
        if (m->unit[i].state == DONE)
            dismiss(qmp, &m->unit[i], &ignored);
    return err;
}

static enum bf_err change(struct mirror *m, struct bf_qmp *qmp, struct bf_fault *fault)
{
    uint64_t begun = bf_platform_now_us();
    struct bf_fault second;
    char said[120];
    enum bf_err err = bf_qmp_execute(qmp, "stop", NULL, NULL, fault), after;

    bf_step_done("machine paused");
    if (!err)
        err = complete_all(m, qmp, fault);
    bf_step_done("mirror completed");
    after = go_on(m, qmp, !err, err ? &second : fault);
    if (err || after)
        return err ? err : after;
    bf_snprintf(said, sizeof said, "the machine was paused for %u ms while its disks changed",
                (unsigned)((bf_platform_now_us() - begun) / 1000));
    if (m->q->tgt->tell)
        m->q->tgt->tell(m->q->tgt->user, said);
    return BF_OK;
}

// ---- Giving up ---------------------------------------------------------------------------------

// The machine runs on over the replica; the copies are of no use any more.
static void give_up(struct mirror *m)
{
    struct bf_fault ignored;
    struct bf_qmp *qmp;
    json_t *nodes = NULL;

    if (bf_qemu_connect(m->q, &qmp, &ignored))
        return;
    cancel_jobs(m, qmp, &ignored);
    for (uint32_t i = 0; i < m->units; i++)
        if (m->unit[i].state == FAILED)
            dismiss(qmp, &m->unit[i], &ignored);
    if (query_nodes(qmp, &nodes, &ignored) == BF_OK)
        for (uint32_t i = 0; i < m->units; i++)
            delete_node(qmp, nodes, m->unit[i].home, &ignored);
    json_decref(nodes);
    bf_qmp_close(qmp);
}

// ---- All of it ---------------------------------------------------------------------------------

enum bf_err bf_qemu_mirror(struct bf_qemu_machine *q, struct bf_fault *fault)
{
    struct mirror m;
    struct bf_qmp *qmp;
    enum bf_err err;

    BF_ASSERT(q->home >= 0);
    gather(q, &m);
    err = begin_all(&m, fault);
    bf_step_done("mirror begun");
    if (!err)
        err = wait_until_equal(&m, fault);
    bf_step_done("mirror equal");
    if (err == BF_ERR_CANCELLED || err == BF_ERR_NO_SPACE)
        give_up(&m);
    if (err)
        return err;
    err = bf_qemu_connect(q, &qmp, fault);
    if (!err)
        err = change(&m, qmp, fault);
    bf_qmp_close(qmp);
    return err;
}

enum bf_err bf_qemu_drop_nodes(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    const struct bf_tgt_machine *machine = q->tgt->machine;
    struct bf_qmp *qmp;
    json_t *nodes = NULL;
    char name[32];
    enum bf_err err = bf_qemu_connect(q, &qmp, fault);

    BF_ASSERT(bf_qemu_is_home(q));
    if (!err)
        err = query_nodes(qmp, &nodes, fault);
    for (uint32_t i = 0; !err && i < machine->disks; i++)
        for (uint32_t k = 0; !err && k <= machine->disk[i].chain.layers; k++) {
            bf_qemu_node(name, &machine->disk[i], k);
            err = delete_node(qmp, nodes, name, fault);
        }
    if (!err)
        err = delete_node(qmp, nodes, "variables", fault);
    json_decref(nodes);
    bf_qmp_close(qmp);
    return err;
}
