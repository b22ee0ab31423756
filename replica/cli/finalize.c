// SPDX-License-Identifier: Apache-2.0
// bootferry finalize: adapts a copy of a recovery point to its new home, in the finalizer's own
// small VM. The copy is an overlay, so the point stays what the source was; it becomes NAME@POINT/K
// when everything went well and leaves nothing behind when not. A dry run works on throw-away
// overlays.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fmt.h"
#include "replica/cli/finalizer.h"

static const struct bf_cli_option options[] = {
    BF_FINALIZER_PLAN_OPTIONS,
    {"--dry-run", NULL, 0, "show every edit; change nothing and leave nothing behind"},
    BF_FINALIZER_RUN_OPTIONS,
    {NULL, NULL, 0, NULL},
};

typedef enum bf_err worker(struct bf_state *state, struct bf_finalizer *f, json_t **report,
                           struct bf_fault *fault);

static enum bf_err run_vm(struct bf_cli *cli, struct bf_finalizer *f, worker *work,
                          struct bf_fault *fault)
{
    json_t *report;
    enum bf_err err = work(cli->state, f, &report, fault);
    if (report)
        bf_finalizer_print(cli, report);
    json_decref(report);
    return err;
}

static void note(struct bf_cli *cli, struct bf_job *job, enum bf_job_phase phase,
                 const char *detail)
{
    if (job->id == 0 && bf_db_job_add(cli->db, job))
        return;
    job->phase = phase;
    bf_snprintf(job->detail, sizeof job->detail, "%s", detail);
    bf_db_job_update(cli->db, job, time(NULL));
}

static enum bf_err apply(struct bf_cli *cli, struct bf_finalizer *f, struct bf_fault *fault)
{
    char name[96];
    struct bf_job job = {.kind = "finalize", .phase = BF_JOB_PENDING, .point = f->ref.point};
    bf_snprintf(job.machine, sizeof job.machine, "%s", f->ref.machine);
    note(cli, &job, BF_JOB_RUNNING, "");
    enum bf_err err = run_vm(cli, f, bf_finalizer_apply, fault);
    bf_image_ref_text(&f->object.ref, name);
    note(cli, &job, err ? BF_JOB_FAILED : BF_JOB_SUCCEEDED, err ? fault->what : name);
    if (!err && !cli->json)
        printf("\nMade %s. Next: bootferry export %s --disk 0 --format qcow2 FILE\n", name, name);
    return err;
}

static int finalize(struct bf_cli *cli, struct bf_finalizer *f, const char *plan, size_t len)
{
    struct bf_fault fault;
    bool dry = bf_cli_has(cli, "--dry-run");
    f->run.plan = plan;
    f->run.plan_len = len;
    f->run.mode = "dry-run";
    int status = bf_finalizer_start(cli, f);
    if (status)
        return status;
    enum bf_err err = dry ? run_vm(cli, f, bf_finalizer_work, &fault) : apply(cli, f, &fault);
    return err ? bf_cli_fail(&fault) : BF_CLI_OK;
}

static int run(struct bf_cli *cli)
{
    char *plan = NULL;
    size_t len = 0;
    struct bf_finalizer *f = bf_finalizer_new();
    int status = f ? bf_finalizer_plan(cli, &plan, &len) : BF_CLI_FAILED;
    if (!status)
        status = finalize(cli, f, plan, len);
    free(plan);
    bf_finalizer_free(f);
    return status;
}

const struct bf_cli_command bf_command_finalize = {
    .name = "finalize",
    .usage = "NAME[@POINT] (--plan FILE | --mac MAC:ip:... --target KIND) [--dry-run]",
    .summary = "Adapt a copy of a recovery point to its new home",
    .details =
        "Makes NAME@POINT/K, which export and points accept. The point itself stays as the\n"
        "source was. Every edit is printed, and kept with the result, readable by the state's\n"
        "owner only. Replication can continue in the meantime.\n\n"
        "--mac MAC:ip:ADDR[,GW[,LEN[,DNS...]]] gives the NIC with that MAC address an address, as\n"
        "for virt-v2v; once for IPv4 and once for IPv6. It may stand beside --plan.",
    .min = 1,
    .max = 1,
    .options = options,
    .json = 1,
    .run = run,
};
