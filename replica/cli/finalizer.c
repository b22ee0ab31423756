// SPDX-License-Identifier: Apache-2.0
// Runs the finalizer's VM over a recovery point; see finalizer.h. The VM lies beside the program,
// the disks are chains of the state, and the plan comes from a file, from options, or from both.
#include "replica/cli/finalizer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/core/report.h"
#include "finalize/plan/compose.h"
#include "replica/cli/source.h"
#include "replica/state/file.h"
#include "replica/state/text.h"
#include "replica/state/waits.h"

enum { PLAN_MAX = 1 << 20, DEADLINE_MAX = 24 * 3600, OVERLAY_MAX = 1 << 24 };

struct bf_finalizer *bf_finalizer_new(void)
{
    return calloc(1, sizeof(struct bf_finalizer));
}

void bf_finalizer_free(struct bf_finalizer *f)
{
    for (size_t i = 0; f && i < BF_PROTO_DISKS_MAX; i++)
        bf_image_chain_free(&f->chain[i]);
    if (f)
        free(f->report);
    free(f);
}

// ---- The plan ----------------------------------------------------------------------------------

int bf_finalizer_plan(const struct bf_cli *cli, char **plan, size_t *len)
{
    struct bf_fault fault;
    struct bf_compose given = {.target = bf_cli_value(cli, "--target", 0)};
    const char *file = bf_cli_value(cli, "--plan", 0), *mac;
    uint8_t *bytes = NULL;
    for (int n = 0; (mac = bf_cli_nth(cli, "--mac", n)) && given.macs < BF_COMPOSE_MACS; n++)
        given.mac[given.macs++] = mac;
    if (mac)
        return bf_cli_usage(cli, "there are more than %d options --mac", BF_COMPOSE_MACS);
    if (!file && !given.macs)
        return bf_cli_usage(cli, "--plan is missing, or --mac");
    if (file && bf_file_read(file, PLAN_MAX, &bytes, &given.file_len, &fault))
        return bf_cli_fail(&fault);
    given.file = (const char *)bytes;
    enum bf_err err = bf_compose(&given, plan, len, &fault);
    free(bytes);
    return err ? bf_cli_fail(&fault) : BF_CLI_OK;
}

int bf_finalizer_keys(const struct bf_cli *cli, char **plan, size_t *len)
{
    struct bf_fault fault;
    struct bf_compose given = {.target = bf_cli_value(cli, "--target", 0)};
    const char *file = bf_cli_value(cli, "--plan", 0);
    uint8_t *bytes = NULL;
    if (!file) // nothing is to be opened or chosen
        return given.target && bf_compose_target(given.target, &fault) ? bf_cli_fail(&fault)
                                                                       : BF_CLI_OK;
    if (bf_file_read(file, PLAN_MAX, &bytes, &given.file_len, &fault))
        return bf_cli_fail(&fault);
    given.file = (const char *)bytes;
    enum bf_err err = bf_compose_inspection(&given, plan, len, &fault);
    explicit_bzero(bytes, given.file_len);
    free(bytes);
    return err ? bf_cli_fail(&fault) : BF_CLI_OK;
}

// ---- What the run needs ------------------------------------------------------------------------

// The VM beside the program (build/), or where `make install` puts it.
static enum bf_err find_vm(const char *given, struct bf_finalizer *f, struct bf_fault *fault)
{
    static const char *const places[] = {"finalize-vm", "../share/bootferry/finalize-vm"};
    char program[2048], folder[BF_CLI_PATH - 32];
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
        bf_snprintf(f->kernel, sizeof f->kernel, "%s/vmlinuz", folder);
        bf_snprintf(f->initramfs, sizeof f->initramfs, "%s/initramfs", folder);
        if (access(f->kernel, R_OK) == 0 && access(f->initramfs, R_OK) == 0)
            return BF_OK;
    }
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                        "name its folder with --vm, or install Bootferry completely",
                        "the finalizer's VM (vmlinuz, initramfs) is not in %s", folder);
}

static enum bf_err add_file(struct bf_finalizer *f, const char *state, size_t disk,
                            const char *relative, struct bf_fault *fault)
{
    struct bf_run_disk *d = &f->disk[disk];
    if (d->files == BF_RUN_CHAIN)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_SERVER,
                            "export the point and finalize that", "disk %zu has too many layers",
                            disk);
    char *path = f->path[disk][d->files];
    bf_snprintf(path, BF_CLI_PATH, "%s/%s", state, relative);
    f->file[disk][d->files++] = (struct bf_run_file){path, BF_RUN_QCOW2};
    d->chain = f->file[disk];
    return BF_OK;
}

// The files of every disk, topmost first; with an object its overlays are on top.
static enum bf_err gather(struct bf_cli *cli, struct bf_finalizer *f, struct bf_fault *fault)
{
    const char *state = bf_state_path(cli->state);
    enum bf_err err = BF_OK;
    if (f->point.disks > BF_RUN_DISKS)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG,
                            "make a point of fewer disks: name them with --set disk=",
                            "the finalizer takes at most %d disks", BF_RUN_DISKS);
    for (uint16_t i = 0; !err && i < f->point.disks; i++) {
        struct bf_image_ref sealed = f->ref;
        char overlay[128];
        if (f->object.ref.object) {
            bf_image_object_file(&f->object, f->point.disk[i].disk, overlay);
            err = add_file(f, state, i, overlay, fault);
        }
        if (!err)
            err = bf_image_chain(cli->state, &sealed, f->point.disk[i].disk, &f->chain[i], fault);
        for (uint32_t k = 0; !err && k < f->chain[i].layers; k++)
            err = add_file(f, state, i, f->chain[i].layer[k].path, fault);
    }
    f->run.disk = f->disk;
    f->run.disks = f->point.disks;
    return err;
}

int bf_finalizer_begin(const struct bf_cli *cli, struct bf_finalizer *f)
{
    struct bf_fault fault;
    uint64_t deadline;
    if (!bf_cli_number(cli, "--deadline", 1, DEADLINE_MAX, BF_RUN_DEADLINE, &deadline) ||
        !bf_cli_number(cli, "--overlay", 1, OVERLAY_MAX, BF_RUN_OVERLAY_MIB, &f->run.overlay_mib))
        return BF_CLI_USAGE;
    f->run.deadline = (unsigned)deadline;
    if (find_vm(bf_cli_value(cli, "--vm", 0), f, &fault))
        return bf_cli_fail(&fault);
    f->run.kernel = f->kernel;
    f->run.initramfs = f->initramfs;
    return BF_CLI_OK;
}

static enum bf_err check_nics(struct bf_cli *cli, const struct bf_finalizer *f,
                              struct bf_fault *fault)
{
    char ref[96];
    json_t *inventory = bf_cli_inventory(cli->db, &f->point);
    json_t *plan = json_loadb(f->run.plan, f->run.plan_len, 0, NULL);
    bf_image_ref_text(&f->ref, ref);
    enum bf_err err = bf_cli_check_nics(inventory, plan, ref, fault);
    json_decref(inventory);
    json_decref(plan);
    return err;
}

int bf_finalizer_open(struct bf_cli *cli, struct bf_finalizer *f, const char *ref)
{
    struct bf_fault fault;
    const char *tmp = getenv("TMPDIR");
    int status = bf_cli_open_ref(cli, ref, 0, &f->ref);
    if (status)
        return status;
    if (bf_db_point_get(cli->db, f->ref.machine, f->ref.point, &f->point))
        return bf_cli_fail(bf_db_fault(cli->db));
    bf_snprintf(f->memory, sizeof f->memory, "%s/run", bf_state_path(cli->state));
    f->run.memory = f->memory;
    f->run.tmp = tmp && tmp[0] ? tmp : f->memory; // where the points are, there is room
    if (f->run.plan && check_nics(cli, f, &fault))
        return bf_cli_fail(&fault);
    return BF_CLI_OK;
}

// ---- The report --------------------------------------------------------------------------------

void bf_finalizer_print(const struct bf_cli *cli, const json_t *report)
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

static enum bf_err judge(const struct bf_finalizer *f, enum bf_run_end end, const json_t *report,
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
                        "%s@%u was not %s: %.100s%s", f->ref.machine, f->ref.point,
                        strcmp(f->run.mode, "inspect") == 0 ? "inspected" : "finalized",
                        reason ? reason : "there is no report",
                        reason && strlen(reason) > 100 ? "... (see the report)" : "");
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

void bf_finalizer_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction ours = {.sa_handler = on_interrupt}, before;
    for (size_t i = 0; i < BF_COUNT(numbers); i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(numbers[i], &ours, NULL);
}

int bf_finalizer_start(struct bf_cli *cli, struct bf_finalizer *f)
{
    int status = bf_finalizer_begin(cli, f);
    if (!status)
        status = bf_finalizer_open(cli, f, cli->argument[0]);
    if (!status)
        bf_finalizer_catch();
    return status;
}

// ---- Secure Boot -------------------------------------------------------------------------------

static void secure_boot_path(const struct bf_cli *cli, const char *machine, uint32_t point,
                             char *out, size_t size)
{
    bf_snprintf(out, size, "%s/machines/%s/secure-boot-%u.json", bf_state_path(cli->state), machine,
                point);
}

// What the run found of Secure Boot is kept for `bootferry points`; a run goes on without it.
static void keep_secure_boot(const struct bf_cli *cli, const struct bf_finalizer *f,
                             const json_t *report)
{
    char path[BF_CLI_PATH];
    struct bf_fault ignored;
    const json_t *found = json_object_get(json_object_get(report, "system"), "secure_boot");
    json_t *kept = json_deep_copy(found);
    if (!kept)
        return;
    json_object_del(kept, "files");
    json_object_set_new(kept, "checked", bf_json_time(time(NULL)));
    char *text = json_dumps(kept, JSON_INDENT(1));
    secure_boot_path(cli, f->ref.machine, f->ref.point, path, sizeof path);
    if (text)
        bf_file_replace(path, text, strlen(text), 0600, &ignored);
    free(text);
    json_decref(kept);
}

json_t *bf_finalizer_secure_boot(const struct bf_cli *cli, const char *machine, uint32_t point)
{
    char path[BF_CLI_PATH];
    struct bf_fault ignored;
    uint8_t *text = NULL;
    size_t len = 0;
    secure_boot_path(cli, machine, point, path, sizeof path);
    if (bf_file_read(path, 65536, &text, &len, &ignored))
        return NULL;
    json_t *kept = json_loadb((const char *)text, len, 0, NULL);
    free(text);
    return kept;
}

// ---- The run -----------------------------------------------------------------------------------

enum bf_err bf_finalizer_run(struct bf_cli *cli, struct bf_finalizer *f, json_t **report,
                             struct bf_fault *fault)
{
    *report = NULL;
    f->run.stop = &stop;
    enum bf_err err = gather(cli, f, fault);
    if (err)
        return err;
    enum bf_run_end end = bf_run_finalizer(&f->run, &f->report, &f->report_len);
    *report = f->report ? json_loadb(f->report, f->report_len, 0, NULL) : NULL;
    keep_secure_boot(cli, f, *report);
    err = judge(f, end, *report, fault);
    if (stop.asked)
        err = bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE,
                           "nothing is left behind; start it again", "%s was interrupted",
                           cli->command->name);
    return err;
}
