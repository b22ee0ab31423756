// SPDX-License-Identifier: Apache-2.0
// bootferry finalize: adapts a copy of a recovery point to its new home, in the finalizer's own
// small VM. The copy is an overlay, so the point stays what the source was; it becomes NAME@POINT/K
// when everything went well and leaves nothing behind when not. A dry run works on throw-away
// overlays.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/core/report.h"
#include "finalize/host/run.h"
#include "replica/cli/cli.h"
#include "replica/cli/out.h"
#include "replica/state/file.h"
#include "replica/state/owner.h"
#include "replica/state/waits.h"

enum { PATH_SIZE = 4352, PLAN_MAX = 1 << 20, DEADLINE_MAX = 24 * 3600, OVERLAY_MAX = 1 << 24 };

static const struct bf_cli_option options[] = {
    {"--plan", "FILE", 0, "what the system is to become (docs/finalizer.md)"},
    {"--dry-run", NULL, 0, "show every edit; change nothing and leave nothing behind"},
    {"--vm", "DIR", 0, "the folder with the finalizer's kernel and initramfs"},
    {"--deadline", "SECONDS", 0, "the limit of the whole run (600)"},
    {"--overlay", "MIB", 0, "how much the run may write to each disk (2048)"},
    {NULL, NULL, 0, NULL},
};

struct work {
    struct bf_image_ref ref;
    struct bf_point point;
    struct bf_image_object object;
    struct bf_image_chain chain[BF_PROTO_DISKS_MAX];
    struct bf_run_disk disk[BF_RUN_DISKS];
    struct bf_run_file file[BF_RUN_DISKS][BF_RUN_CHAIN];
    char path[BF_RUN_DISKS][BF_RUN_CHAIN][PATH_SIZE];
    char kernel[PATH_SIZE], initramfs[PATH_SIZE], memory[PATH_SIZE];
    struct bf_job job;
    struct bf_run run;
    char *report;
    size_t report_len;
};

// ---- What the run needs ------------------------------------------------------------------------

// The VM beside the program (build/), or where `make install` puts it.
static enum bf_err find_vm(const char *given, struct work *w, struct bf_fault *fault)
{
    static const char *const places[] = {"finalize-vm", "../share/bootferry/finalize-vm"};
    char program[2048], folder[PATH_SIZE - 32];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = 0;
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < (given ? 1 : BF_COUNT(places)); i++) {
        if (given)
            bf_snprintf(folder, sizeof folder, "%s", given);
        else
            bf_snprintf(folder, sizeof folder, "%s/%s", program, places[i]);
        bf_snprintf(w->kernel, sizeof w->kernel, "%s/vmlinuz", folder);
        bf_snprintf(w->initramfs, sizeof w->initramfs, "%s/initramfs", folder);
        if (access(w->kernel, R_OK) == 0 && access(w->initramfs, R_OK) == 0)
            return BF_OK;
    }
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                        "name its folder with --vm, or install Bootferry completely",
                        "the finalizer's VM (vmlinuz, initramfs) is not in %s", folder);
}

static enum bf_err add_file(struct work *w, const char *state, size_t disk, const char *relative,
                            struct bf_fault *fault)
{
    struct bf_run_disk *d = &w->disk[disk];
    if (d->files == BF_RUN_CHAIN)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_SERVER,
                            "export the point and finalize that", "disk %zu has too many layers",
                            disk);
    char *path = w->path[disk][d->files];
    bf_snprintf(path, PATH_SIZE, "%s/%s", state, relative);
    w->file[disk][d->files++] = (struct bf_run_file){path, BF_RUN_QCOW2};
    d->chain = w->file[disk];
    return BF_OK;
}

// The files of every disk, topmost first; with an object its overlays are on top.
static enum bf_err gather(struct bf_cli *cli, struct work *w, struct bf_fault *fault)
{
    const char *state = bf_state_path(cli->state);
    enum bf_err err = BF_OK;
    if (w->point.disks > BF_RUN_DISKS)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG,
                            "make a point of fewer disks: name them with --set disk=",
                            "the finalizer takes at most %d disks", BF_RUN_DISKS);
    for (uint16_t i = 0; !err && i < w->point.disks; i++) {
        struct bf_image_ref sealed = w->ref;
        char overlay[128];
        if (w->object.ref.object) {
            bf_image_object_file(&w->object, w->point.disk[i].disk, overlay);
            err = add_file(w, state, i, overlay, fault);
        }
        if (!err)
            err = bf_image_chain(cli->state, &sealed, w->point.disk[i].disk, &w->chain[i], fault);
        for (uint32_t k = 0; !err && k < w->chain[i].layers; k++)
            err = add_file(w, state, i, w->chain[i].layer[k].path, fault);
    }
    w->run.disk = w->disk;
    w->run.disks = w->point.disks;
    return err;
}

// ---- The report --------------------------------------------------------------------------------

static void print_report(const struct bf_cli *cli, const json_t *report)
{
    if (!cli->json) {
        struct bf_text text = {0};
        bf_fin_report_text(report, &text);
        fputs(bf_text_get(&text), stdout);
        bf_text_free(&text);
        fflush(stdout); // before the fault that may follow on standard error
        return;
    }
    json_dumpf(report, stdout, JSON_INDENT(2));
    putchar('\n');
}

static enum bf_err judge(const struct work *w, enum bf_run_end end, const json_t *report,
                         struct bf_fault *fault)
{
    static const char *const todo[] = {
        [BF_RUN_REFUSED] = "correct the plan; nothing was changed and nothing is left behind",
        [BF_RUN_FAILED] = "see the report above; nothing is left behind",
        [BF_RUN_BROKEN] = "check that QEMU works on this server; nothing is left behind",
        [BF_RUN_LATE] = "allow more with --deadline SECONDS; nothing is left behind",
        [BF_RUN_NO_ROOM] =
            "do what the reason says; nothing is left behind, and the point is as it was",
    };
    const char *reason = json_string_value(json_object_get(report, "error")), *next = todo[end];
    if (end == BF_RUN_OK)
        return BF_OK;
    if (end == BF_RUN_REFUSED && reason && strncmp(reason, "plan:", 5) != 0)
        next = "change what the reason names; nothing was changed and nothing is left behind";
    return bf_fault_set(fault,
                        end == BF_RUN_REFUSED   ? BF_ERR_CONFIG
                        : end == BF_RUN_NO_ROOM ? BF_ERR_NO_SPACE
                        : end == BF_RUN_LATE    ? BF_ERR_TIMEOUT
                                                : BF_ERR_IO,
                        end == BF_RUN_REFUSED ? BF_SIDE_CONFIG : BF_SIDE_SERVER, next,
                        "%s@%u was not finalized: %.100s%s", w->ref.machine, w->ref.point,
                        reason ? reason : "there is no report",
                        reason && strlen(reason) > 100 ? "... (see the report)" : "");
}

// The report as it came and as text, beside the overlays; what it quotes is not for everybody.
static enum bf_err save_report(struct bf_cli *cli, const struct work *w, struct bf_fault *fault)
{
    char path[PATH_SIZE];
    struct bf_text text = {0};
    json_t *report = json_loadb(w->report, w->report_len, 0, NULL);
    bf_fin_report_text(report, &text);
    json_decref(report);
    bf_snprintf(path, sizeof path, "%s/%s/report.json", bf_state_path(cli->state),
                w->object.folder);
    enum bf_err err = bf_file_replace(path, w->report, w->report_len, 0600, fault);
    bf_snprintf(path, sizeof path, "%s/%s/report.txt", bf_state_path(cli->state), w->object.folder);
    if (!err)
        err = bf_file_replace(path, bf_text_get(&text), text.len, 0600, fault);
    bf_text_free(&text);
    return err;
}

// ---- Interruption ------------------------------------------------------------------------------

// Ctrl-C and the like stop the VM; the unfinished copy is removed and the job ended as after any
// other failure.
static struct bf_run_stop stop = BF_RUN_STOP_INIT;

static void on_interrupt(int number)
{
    (void)number;
    bf_run_request_stop(&stop);
    alarm(BF_WAIT_INTERRUPT_S); // what hangs then is cleaned up when the daemon starts
}

static void catch_interrupts(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction ours = {.sa_handler = on_interrupt}, before;
    for (size_t i = 0; i < BF_COUNT(numbers); i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(numbers[i], &ours, NULL);
}

// ---- The run -----------------------------------------------------------------------------------

static enum bf_err run_vm(struct bf_cli *cli, struct work *w, struct bf_fault *fault)
{
    enum bf_err err = gather(cli, w, fault);
    if (err)
        return err;
    enum bf_run_end end = bf_run_finalizer(&w->run, &w->report, &w->report_len);
    json_t *report = w->report ? json_loadb(w->report, w->report_len, 0, NULL) : NULL;
    if (report)
        print_report(cli, report);
    err = judge(w, end, report, fault);
    json_decref(report);
    if (stop.asked)
        err = bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE,
                           "nothing is left behind; start it again", "finalize was interrupted");
    return err;
}

static void note(struct bf_cli *cli, struct work *w, enum bf_job_phase phase, const char *detail)
{
    if (w->job.id == 0 && bf_db_job_add(cli->db, &w->job))
        return;
    w->job.phase = phase;
    bf_snprintf(w->job.detail, sizeof w->job.detail, "%s", detail);
    bf_db_job_update(cli->db, &w->job, time(NULL));
}

static enum bf_err apply(struct bf_cli *cli, struct work *w, struct bf_fault *fault)
{
    struct bf_fault ignored;
    char name[96];
    w->job = (struct bf_job){.kind = "finalize", .phase = BF_JOB_PENDING, .point = w->ref.point};
    bf_snprintf(w->job.machine, sizeof w->job.machine, "%s", w->ref.machine);
    note(cli, w, BF_JOB_RUNNING, "");
    enum bf_err err = bf_image_object_begin(cli->state, &w->ref, &w->object, fault);
    if (!err) {
        err = run_vm(cli, w, fault);
        if (!err)
            err = save_report(cli, w, fault);
        if (err)
            bf_image_object_end(cli->state, &w->object, 0, &ignored);
        else
            err = bf_image_object_end(cli->state, &w->object, 1, fault);
    }
    bf_image_ref_text(&w->object.ref, name);
    note(cli, w, err ? BF_JOB_FAILED : BF_JOB_SUCCEEDED, err ? fault->what : name);
    if (!err && !cli->json)
        printf("\nMade %s. Next: bootferry export %s --disk 0 --format qcow2 FILE\n", name, name);
    return err;
}

static int finalize(struct bf_cli *cli, struct work *w)
{
    struct bf_fault fault;
    enum bf_err err;
    if (bf_db_point_get(cli->db, w->ref.machine, w->ref.point, &w->point))
        return bf_cli_fail(bf_db_fault(cli->db));
    w->run.kernel = w->kernel;
    w->run.initramfs = w->initramfs;
    bf_snprintf(w->memory, sizeof w->memory, "%s/run", bf_state_path(cli->state));
    w->run.memory = w->memory;
    w->run.stop = &stop;
    catch_interrupts();
    if (bf_cli_has(cli, "--dry-run")) {
        w->run.mode = "dry-run";
        err = run_vm(cli, w, &fault);
    } else {
        w->run.mode = "apply";
        err = apply(cli, w, &fault);
    }
    return err ? bf_cli_fail(&fault) : BF_CLI_OK;
}

static int run_with(struct bf_cli *cli, struct work *w)
{
    struct bf_fault fault;
    uint8_t *plan = NULL;
    uint64_t deadline;
    const char *tmp = getenv("TMPDIR"), *file = bf_cli_value(cli, "--plan", 0);
    if (!file)
        return bf_cli_usage(cli, "--plan is missing");
    if (!bf_cli_number(cli, "--deadline", 1, DEADLINE_MAX, BF_RUN_DEADLINE, &deadline))
        return BF_CLI_USAGE;
    if (!bf_cli_number(cli, "--overlay", 1, OVERLAY_MAX, BF_RUN_OVERLAY_MIB, &w->run.overlay_mib))
        return BF_CLI_USAGE;
    w->run.deadline = (unsigned)deadline;
    w->run.tmp = tmp && tmp[0] ? tmp : w->memory; // where the points are, there is room
    if (bf_file_read(file, PLAN_MAX, &plan, &w->run.plan_len, &fault) ||
        find_vm(bf_cli_value(cli, "--vm", 0), w, &fault)) {
        free(plan);
        return bf_cli_fail(&fault);
    }
    w->run.plan = (const char *)plan;
    int status = bf_cli_open_ref(cli, cli->argument[0], 0, &w->ref);
    if (!status)
        status = finalize(cli, w);
    free(plan);
    return status;
}

static int run(struct bf_cli *cli)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        return BF_CLI_FAILED;
    int status = run_with(cli, w);
    for (size_t i = 0; i < BF_PROTO_DISKS_MAX; i++)
        bf_image_chain_free(&w->chain[i]);
    free(w->report);
    free(w);
    return status;
}

const struct bf_cli_command bf_command_finalize = {
    .name = "finalize",
    .usage = "NAME[@POINT] --plan FILE [--dry-run]",
    .summary = "Adapt a copy of a recovery point to its new home",
    .details =
        "Makes NAME@POINT/K, which export and points accept. The point itself stays as the\n"
        "source was. Every edit is printed, and kept with the result, readable by the state's\n"
        "owner only. Replication can continue in the meantime.",
    .min = 1,
    .max = 1,
    .options = options,
    .json = 1,
    .run = run,
};
