// SPDX-License-Identifier: Apache-2.0
// Starts the small VM over a set of disks and talks to it; see run.h. QEMU's arguments and
// descriptors come from qemu.c. The VM answers the request with one report; everything that it
// says is treated as data from a machine that a hostile file system may have taken over.
#include "finalize/host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "finalize/core/mode.h"
#include "finalize/core/report.h"
#include "finalize/core/waits.h"
#include "finalize/host/accel.h"
#include "finalize/host/keys.h"
#include "finalize/host/larger.h"
#include "finalize/host/qemu.h"
#include "finalize/host/wait.h"
#include "finalize/target/plan_parse.h"
#include "finalize/vm/frame.h"

// Makes a report on this side. The caller's result follows from the report's.
static void own_report(const char *mode, bool refused, const char *text, char **out, size_t *len)
{
    struct bf_fin_report report;
    bf_fin_report_init(&report, mode);
    if (refused)
        bf_refuse(&report, "%s", text);
    else
        bf_fail(&report, "%s", text);
    *out = json_dumps(report.json, JSON_INDENT(1));
    *len = *out ? strlen(*out) : 0;
    bf_fin_report_free(&report);
}

// Adds to the report on which accelerator the VM ran. The result is the caller's.
static enum bf_run_end classify(char **text, size_t *len, const struct bf_accel *accel)
{
    json_t *report = json_loadb(*text, *len, JSON_REJECT_DUPLICATES, NULL);
    const char *result = json_string_value(json_object_get(report, "result"));
    enum bf_run_end end = BF_RUN_BROKEN;
    if (result && json_integer_value(json_object_get(report, "version")) == 1)
        end = strcmp(result, "ok") == 0        ? BF_RUN_OK
              : strcmp(result, "refused") == 0 ? BF_RUN_REFUSED
                                               : BF_RUN_FAILED;
    json_object_set_new(
        report, "accelerator",
        json_pack("{s:s,s:s}", "name", accel->kvm ? "kvm" : "tcg", "why", accel->why));
    char *more = json_is_object(report) ? json_dumps(report, JSON_INDENT(1)) : NULL;
    json_decref(report);
    if (more) {
        free(*text);
        *text = more;
        *len = strlen(more);
    }
    return end;
}

// Why no frame came or went.
static const char *reason(const struct bf_run_watch *watch, const struct bf_fault *fault,
                          const char *ended)
{
    if (watch->hung)
        return "QEMU hung and was killed";
    return fault->code == BF_ERR_CLOSED ? ended : fault->what;
}

static unsigned seconds_of(const struct bf_run *run)
{
    return run->deadline ? run->deadline : BF_RUN_DEADLINE;
}

static const char late[] = "it did not finish within";

// What kept a step from its end: the time that the operator gave, or the VM.
static void explain(const struct bf_run *run, const struct bf_run_watch *watch, long long deadline,
                    const struct bf_fault *fault, const char *step, const char *ended, char *error,
                    size_t size)
{
    if (fault->code == BF_ERR_TIMEOUT && !watch->hung && bf_now_ms() >= deadline)
        snprintf(error, size, "%s %u s (--deadline)", late, seconds_of(run));
    else
        snprintf(error, size, "the finalizer's VM %s: %s", step, reason(watch, fault, ended));
}

// Sends the request after the VM's hello, and receives the report. Which step failed goes to
// `error`.
static char *converse(const struct bf_run *run, int fd, size_t *len, long long deadline,
                      long long hello_deadline, struct bf_run_watch *watch, char *error,
                      size_t size)
{
    struct bf_frame_wait greeting = {hello_deadline, bf_run_watch_goes_on, watch};
    struct bf_frame_wait wait = {deadline, bf_run_watch_goes_on, watch};
    char *request = NULL, *report = NULL;
    struct bf_fault fault = {.code = BF_ERR_NO_MEMORY, .what = "out of memory"};
    char *hello = bf_frame_receive_while(fd, 64, len, &greeting, &fault);
    if (!hello) {
        explain(run, watch, deadline, &fault, "did not start", "QEMU ended", error, size);
        return NULL;
    }
    free(hello);
    json_t *o = json_pack("{s:s}", "mode", run->mode);
    if (run->plan)
        json_object_set_new(o, "plan", json_stringn(run->plan, run->plan_len));
    if (run->keys)
        json_object_set(o, "keys", (json_t *)run->keys);
    request = json_dumps(o, JSON_COMPACT);
    json_t *plan = json_object_get(o, "plan");
    if (plan) // passphrases
        explicit_bzero((char *)json_string_value(plan), json_string_length(plan));
    json_decref(o);
    if (request && !bf_frame_send_while(fd, request, strlen(request), &wait, &fault))
        report = bf_frame_receive_while(fd, BF_FRAME_REPORT_MAX, len, &wait, &fault);
    if (!report)
        explain(run, watch, deadline, &fault, "gave no report", "it ended early", error, size);
    else
        bf_frame_send(fd, "ack", 3, bf_now_ms() + BF_RUN_ACK_MS);
    if (request)
        explicit_bzero(request, strlen(request));
    free(request);
    return report;
}

// ---- Stopping ----------------------------------------------------------------------------------

void bf_run_request_stop(struct bf_run_stop *stop)
{
    stop->asked = 1;
    if (stop->control >= 0)
        shutdown(stop->control, SHUT_RDWR); // whoever waits for the VM sees it gone
}

static bool is_stopped(const struct bf_run *run)
{
    return run->stop && run->stop->asked;
}

static void watch(const struct bf_run *run, int control)
{
    if (!run->stop)
        return;
    run->stop->control = control;
    if (run->stop->asked && control >= 0)
        shutdown(control, SHUT_RDWR);
}

// One attempt with one accelerator. The report, or NULL with the reason in `error`; *started tells
// whether the VM ever spoke.
static char *attempt(const struct bf_run *run, const struct bf_accel *accel, long long deadline,
                     size_t *len, bool *started, bool *no_room, char *error, size_t size)
{
    struct bf_qemu qemu;
    *started = false;
    enum bf_qemu_use use = accel->kvm ? BF_QEMU_KVM : BF_QEMU_TCG;
    enum bf_err err = bf_qemu_start(run, use, &qemu, error, size);
    if (err) {
        *started = true; // nothing that another accelerator would mend
        *no_room = err == BF_ERR_NO_SPACE;
        return NULL;
    }
    struct bf_run_watch look;
    bf_run_watch_begin(&look, qemu.pid, run->stop);
    watch(run, qemu.control);
    long long hello = bf_now_ms() + BF_RUN_HELLO_MS;
    char *report = converse(run, qemu.control, len, deadline,
                            hello < deadline || !accel->kvm ? hello : deadline, &look, error, size);
    watch(run, -1);
    *started = is_stopped(run) || strncmp(error, "the finalizer's VM did not start", 32) != 0;
    if (!report)
        kill(qemu.pid, SIGKILL);
    bool ended = bf_run_watch_reap(&look, bf_now_ms() + BF_RUN_QUIT_MS);
    if (report && !ended) {
        snprintf(error, size, "the finalizer's VM did not shut down cleanly; do not use its disks");
        free(report);
        report = NULL;
    }
    *no_room = !is_stopped(run) && bf_room_missed(&qemu.room, error, size);
    if (*no_room) { // whatever the VM made of it
        free(report);
        report = NULL;
    } else if (is_stopped(run))
        snprintf(error, size, "it was stopped");
    else if (!report)
        bf_qemu_log_tail(&qemu, error, size);
    bf_qemu_close(&qemu);
    return report;
}

static enum bf_err no(struct bf_fault *fault, const char *why)
{
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "", "%s", why);
}

// Checks the plan, and takes from it what the VM needs: keys and memory.
static enum bf_err prepare_plan(struct bf_run *run, json_t **keys, struct bf_fault *fault)
{
    struct bf_plan *plan = malloc(sizeof *plan);
    if (!plan)
        return no(fault, "out of memory");
    enum bf_err err = bf_plan_parse(run->plan, run->plan_len, plan, fault);
    if (!err)
        *keys = bf_run_keys(plan, &err, fault);
    if (!run->memory_mib && plan->unlocks)
        run->memory_mib = BF_RUN_KEY_MEMORY_MIB;
    run->keys = *keys;
    explicit_bzero(plan, sizeof *plan);
    free(plan);
    return err;
}

static enum bf_err prepare(struct bf_run *run, json_t **keys, struct bf_fault *fault)
{
    enum bf_mode mode;
    *keys = NULL;
    if (!bf_mode_parse(run->mode, &mode))
        return no(fault, "no such mode");
    if (run->disks == 0 || run->disks > BF_RUN_DISKS)
        return no(fault, "too many disks, or none");
    if (run->plan)
        return prepare_plan(run, keys, fault);
    return mode == BF_MODE_INSPECT || mode == BF_MODE_UNDO ? BF_OK : no(fault, "no plan was given");
}

static enum bf_run_end run_prepared(const struct bf_run *run, long long deadline, char **report,
                                    size_t *report_len)
{
    char error[1024] = "";
    struct bf_fault fault;
    struct bf_accel accel;
    bool started, no_room = false;
    if (bf_accel_choose(run, &accel, &fault)) {
        own_report(run->mode, true, fault.what, report, report_len);
        return BF_RUN_REFUSED;
    }
    *report = attempt(run, &accel, deadline, report_len, &started, &no_room, error, sizeof error);
    if (!*report && accel.kvm && !started && bf_now_ms() < deadline) {
        bf_accel_failed(run, &accel, error);
        error[0] = 0;
        *report =
            attempt(run, &accel, deadline, report_len, &started, &no_room, error, sizeof error);
    }
    enum bf_run_end end = *report ? classify(report, report_len, &accel) : BF_RUN_BROKEN;
    if (end != BF_RUN_BROKEN)
        return end;
    if (*report)
        snprintf(error, sizeof error, "the finalizer's VM sent something that is not a report");
    free(*report);
    own_report(run->mode, false, error, report, report_len);
    if (*report)
        classify(report, report_len, &accel);
    if (no_room)
        return BF_RUN_NO_ROOM;
    return strncmp(error, late, sizeof late - 1) == 0 ? BF_RUN_LATE : BF_RUN_BROKEN;
}

// Runs it, and once more for each encrypted device for which the VM was too small. Such a VM has
// changed nothing: devices are opened before anything is mounted.
static enum bf_run_end run_large_enough(struct bf_run *run, bool may_grow, char **report,
                                        size_t *report_len)
{
    long long deadline = bf_now_ms() + seconds_of(run) * 1000LL;
    for (unsigned again = 0;; again++) {
        enum bf_run_end end = run_prepared(run, deadline, report, report_len);
        unsigned larger =
            end == BF_RUN_REFUSED && may_grow && again < BF_PLAN_KEYS
                ? bf_run_larger(*report, *report_len, run->memory_mib, bf_run_available_mib())
                : 0;
        if (!larger || bf_now_ms() >= deadline)
            return end;
        free(*report);
        run->memory_mib = larger;
    }
}

enum bf_run_end bf_run_finalizer(const struct bf_run *asked, char **report, size_t *report_len)
{
    struct bf_run run = *asked;
    struct bf_fault fault;
    json_t *keys;
    *report = NULL;
    *report_len = 0;
    if (prepare(&run, &keys, &fault)) {
        own_report(run.mode, true, fault.what, report, report_len);
        return BF_RUN_REFUSED;
    }
    enum bf_run_end end = run_large_enough(&run, !asked->memory_mib, report, report_len);
    bf_run_keys_wipe(keys);
    return end;
}
