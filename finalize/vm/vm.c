// SPDX-License-Identifier: Apache-2.0
// Process 1 of the small VM. A supervisor keeps the deadline of each step and powers the machine
// off; its child does the work: load modules, open the port, receive the request, assemble the
// disks, mount, run the core, unmount, send the report. The report leaves only after everything is
// unmounted, and the machine is powered off after the host has acknowledged it.
#include "finalize/vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config.h"
#include "finalize/core/waits.h"
#include "finalize/finalize.h"
#include "finalize/target/plan_parse.h"
#include "finalize/vm/assemble.h"
#include "finalize/vm/check.h"
#include "finalize/vm/disks.h"
#include "finalize/vm/frame.h"
#include "finalize/vm/mount.h"
#include "finalize/vm/roots.h"
#include "finalize/vm/step.h"
#include "finalize/vm/tool.h"

// A full check has the time that the host gives the whole run.
#define CHECK_S (24 * 3600)

// The request as it came, checked.
struct request {
    enum bf_mode mode;
    struct bf_plan plan;
    bool has_plan;
};

static int port_fd = -1;

static bool port_is_ours(const char *name)
{
    char path[128], text[64] = "";
    snprintf(path, sizeof path, "/sys/class/virtio-ports/%.40s/name", name);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool ours =
        fgets(text, sizeof text, f) && strncmp(text, BF_FRAME_PORT, strlen(BF_FRAME_PORT)) == 0;
    fclose(f);
    return ours;
}

// The host's side of the port, or -1. The device appears a moment after its driver was loaded.
static int open_port(void)
{
    struct bf_fin_root sys;
    for (long long end = bf_now_ms() + BF_VM_PORT_MS; bf_now_ms() < end; poll(NULL, 0, 20)) {
        struct bf_names names;
        if (bf_fin_root_attach(&sys, "/", NULL) ||
            bf_fin_root_list(&sys, "/sys/class/virtio-ports", "", &names))
            return -1;
        bf_fin_root_close(&sys);
        char path[128] = "";
        for (size_t i = 0; i < names.count; i++)
            if (port_is_ours(names.name[i]))
                snprintf(path, sizeof path, "/dev/%.40s", names.name[i]);
        bf_names_free(&names);
        int fd = path[0] ? open(path, O_RDWR | O_CLOEXEC) : -1;
        if (fd >= 0)
            return fd;
    }
    return -1;
}

// The content of the plan's key files, as the host has read them: in the order of "unlock".
static void take_keys(const json_t *keys, struct bf_plan *plan)
{
    for (size_t i = 0; i < plan->unlocks; i++) {
        const json_t *key = json_array_get(keys, i);
        struct bf_plan_key *k = &plan->unlock[i];
        if (!k->key_file[0] || !json_is_string(key))
            continue;
        k->key_len = sizeof k->key;
        if (bf_base64_decode(json_string_value(key), json_string_length(key), k->key, &k->key_len))
            k->key_len = 0;
    }
}

// Begins the report. After a failure it says what is wrong with the request.
static enum bf_err parse_request(const char *text, size_t len, struct request *r,
                                 struct bf_fin_report *report)
{
    struct bf_fault fault;
    enum bf_err err = BF_OK;
    json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    const char *mode = json_string_value(json_object_get(o, "mode"));
    const json_t *plan = json_object_get(o, "plan");
    bool known = mode && bf_mode_parse(mode, &r->mode);
    bf_fin_report_init(report, known ? mode : "inspect");
    r->has_plan = json_is_string(plan);
    if (!known)
        err = bf_fail(report, "the request names no mode");
    else if (r->has_plan &&
             bf_plan_parse(json_string_value(plan), json_string_length(plan), &r->plan, &fault))
        err = bf_refuse(report, "%s", fault.what);
    else
        take_keys(json_object_get(o, "keys"), &r->plan);
    json_decref(o);
    return err;
}

// What was written to is checked once more; a file system may be seen at several places.
static void check_again(const struct bf_devices *devices, const struct bf_plan *plan,
                        struct bf_fin_report *report)
{
    struct bf_checks checks = bf_checks_of(plan);
    checks.changed = true;
    for (size_t i = 0; i < devices->places; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen = seen || devices->place[k].device == devices->place[i].device;
        if (!seen && bf_vm_check(&checks, &devices->item[devices->place[i].device], report))
            return;
    }
}

static void work_on_disks(const struct request *r, struct bf_fin_report *report)
{
    struct bf_devices devices = {0};
    struct bf_mounts mounts = {.count = 0};
    struct bf_fin_root root = {.fd = -1};
    struct bf_fault fault;
    const struct bf_plan *plan = r->has_plan ? &r->plan : NULL;
    bool discard = plan && plan->discard_hibernation;
    struct bf_checks checks = bf_checks_of(plan);
    bf_step("probe", 60);
    bf_vm_probe(&devices, report);
    // Deriving a key may take a minute, by the standards of the machine that chose its parameters.
    bf_step("assemble", plan && plan->unlocks ? 600 : 120);
    enum bf_err err = bf_vm_assemble(&devices, plan, report);
    if (discard && !err)
        bf_vm_discard_hibernation(&devices, report);
    bf_step("mount", checks.mode == BF_CHECK_FULL ? CHECK_S : 120);
    if (!err && !bf_vm_mount(&devices, plan, &checks, &mounts, report)) {
        if (bf_fin_root_attach(&root, BF_VM_ROOT, &fault)) {
            bf_fail(report, "the mounted root cannot be opened: %s", fault.what);
        } else {
            bf_step("finalize", 240);
            // An inspection and an undo have a plan for its keys alone.
            bool keys_only = r->mode == BF_MODE_INSPECT || r->mode == BF_MODE_UNDO;
            bf_finalize(&root, r->mode, keys_only ? NULL : plan, &devices, report);
        }
    }
    bf_fin_root_close(&root);
    bf_step("unmount", checks.mode == BF_CHECK_FULL ? CHECK_S : 120);
    bf_vm_unmount(&mounts, report);
    if (r->mode != BF_MODE_INSPECT && r->mode != BF_MODE_DRY_RUN && bf_fin_report_is_ok(report))
        check_again(&devices, plan, report);
    bf_vm_disassemble(&devices);
    bf_devices_free(&devices);
}

// The exit status.
static int worker(void)
{
    static struct request request;
    struct bf_fin_report report;
    size_t len;
    bf_step("start", 60);
    bf_vm_load_modules("base");
    port_fd = open_port();
    if (port_fd < 0)
        return 1;
    if (bf_frame_send(port_fd, "hello", 5, bf_now_ms() + BF_VM_HELLO_MS))
        return 1;
    char *text =
        bf_frame_receive(port_fd, BF_FRAME_REQUEST_MAX, &len, bf_now_ms() + BF_VM_REQUEST_MS);
    if (!text)
        return 1;
    if (!parse_request(text, len, &request, &report))
        work_on_disks(&request, &report);
    free(text);
    bf_step("report", 60);
    json_object_set_new(report.json, "steps", bf_steps_json());
    char *json = json_dumps(report.json, JSON_INDENT(1));
    if (!json || bf_frame_send(port_fd, json, strlen(json), bf_now_ms() + BF_VM_REPORT_MS))
        return 1;
    // The acknowledgement: the host has the whole report.
    free(bf_frame_receive(port_fd, 16, &len, bf_now_ms() + BF_VM_ACK_MS));
    return 0;
}

// What the supervisor says when the worker cannot. `file` is what the worker was at, or "".
static void send_failure(const char *what, const char *step, const char *file)
{
    struct bf_fin_report report;
    bf_fin_report_init(&report, "unknown");
    bf_fail(&report, "the finalizer's VM: step %s %s%s%s", step, what,
            file[0] ? "; it was at " : "", file);
    char *json = json_dumps(report.json, 0);
    int fd = open_port();
    if (json && fd >= 0) {
        size_t len;
        bf_frame_send(fd, json, strlen(json), bf_now_ms() + BF_VM_FAILED_MS);
        free(bf_frame_receive(fd, 16, &len, bf_now_ms() + BF_VM_FAILED_MS));
    }
}

static void supervise(int steps)
{
    char step[BF_STEP_NAME] = "start", file[BF_STEP_FILE] = "";
    struct bf_step_message m;
    long long deadline = bf_now_ms() + BF_VM_STEP_MS;
    for (;;) {
        long long left = deadline - bf_now_ms();
        struct pollfd p = {.fd = steps, .events = POLLIN};
        if (left <= 0) {
            send_failure("did not end in time", step, file);
            return;
        }
        if (poll(&p, 1, (int)left) <= 0)
            continue;
        ssize_t n = read(steps, &m, sizeof m);
        if (n != sizeof m)
            break; // the worker ended
        snprintf(file, sizeof file, "%.*s", BF_STEP_FILE - 1, m.file);
        if (m.seconds == 0) { // the heartbeat, for the host's log of the console
            printf("finalizer: %s: %s\n", step, file);
            continue;
        }
        snprintf(step, sizeof step, "%.*s", BF_STEP_NAME - 1, m.name);
        deadline = bf_now_ms() + m.seconds * 1000LL;
    }
    int status = 0;
    wait(&status);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        send_failure(WIFSIGNALED(status) ? "crashed" : "failed", step, file);
}

static void mount_system(void)
{
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mkdir("/run", 0755);
    mount("proc", "/proc", "proc", MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL);
    mount("sysfs", "/sys", "sysfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
    mount("tmpfs", "/run", "tmpfs", MS_NODEV | MS_NOSUID, "mode=0755");
    mkdir("/run/lock", 0755);
    mkdir("/run/lvm", 0755);
    mkdir(BF_VM_ROOT, 0755);
    mkdir(BF_VM_PROBE, 0755);
}

static void open_console(void)
{
    int fd = open("/dev/console", O_RDWR);
    for (int i = 0; fd >= 0 && i < 3; i++)
        dup2(fd, i);
}

int bf_vm_main(void)
{
    int pipe_fd[2];
    mount_system();
    open_console();
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    setenv("PATH", "/sbin:/usr/sbin:/bin:/usr/bin", 1);
    setenv("LVM_SUPPRESS_FD_WARNINGS", "1", 1); // of the console
    if (pipe2(pipe_fd, O_CLOEXEC) == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            close(pipe_fd[0]);
            bf_steps_to(pipe_fd[1]);
            bf_finalize_watch(bf_step_file);
            _exit(worker());
        }
        close(pipe_fd[1]);
        supervise(pipe_fd[0]);
    }
    // The worker has unmounted, or its work is void and must not reach the disk any further.
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
