// SPDX-License-Identifier: Apache-2.0
// bootferry failover: lets a machine live in its new home. Says first what is lost by it, puts the
// job on record and starts its runner; the job goes on without this command.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/cli/duration.h"
#include "replica/cli/finalizer.h"
#include "replica/cli/job_view.h"
#include "replica/cli/out.h"
#include "replica/jobs/begin.h"
#include "replica/jobs/estimate.h"
#include "replica/jobs/source_run.h"
#include "replica/points/inventory.h"
#include "replica/points/source.h"
#include "replica/targets/machine.h"

#define DEFAULT_TARGET "qemu:"
#define DEFAULT_KIND   "kvm"

static const struct bf_cli_option options[] = {
    {"--planned", NULL, 0, "from the source's last run, or the next one: nothing is lost"},
    {"--unplanned", NULL, 0, "from what the replica has, without the source"},
    {"--test", NULL, 0, "in an isolated network; replica and source are not touched"},
    {"--plan", "FILE", 0, "what the system is to become (docs/finalizer.md)"},
    {"--mac", "MAC:ip:...", 1, "an address for a NIC: MAC:ip:ADDR[,GW[,LEN[,DNS...]]]"},
    {"--target", "URI", 0, "where the machine is to live (" DEFAULT_TARGET ")"},
    {"--for", "DURATION", 0, "with --test: when the test ends by itself"},
    {"--point", "P", 0, "a recovery point other than the latest"},
    {"--fresh", "DURATION", 0, "with --planned: how old the source's last run may be (1h)"},
    {"--wait-for-run", "DURATION", 0, "with --planned: how long to wait for its run (1d)"},
    {"--evidence-within", "DURATION", 0,
     "how long the machine may take to show that it runs (10m)"},
    {"--again", NULL, 0, "although the machine lives elsewhere already, where it is lost"},
    {"--dry-run", NULL, 0, "say what would be done, and how long it would take; do nothing"},
    {"--wait", NULL, 0, "return when the machine runs, or the job has failed"},
    {"--watch", NULL, 0, "the same, and print what happens"},
    BF_FINALIZER_RUN_OPTIONS,
    {NULL, NULL, 0, NULL},
};

// What the command was given, and what was found about it.
struct call {
    struct bf_failover_order order;
    struct bf_image_ref ref; // point 0: there is none yet
    struct bf_point *point;  // NULL: there is none yet
    const struct bf_tgt_ops *ops;
    char *plan;
    size_t plan_len;
};

// ---- Options -----------------------------------------------------------------------------------

static int mode_of(struct bf_cli *cli, enum bf_failover_mode *out)
{
    static const struct {
        const char *option;
        enum bf_failover_mode mode;
    } modes[] = {{"--planned", BF_FAILOVER_PLANNED},
                 {"--unplanned", BF_FAILOVER_UNPLANNED},
                 {"--test", BF_FAILOVER_TEST}};
    int given = 0;
    for (size_t i = 0; i < BF_COUNT(modes); i++)
        if (bf_cli_has(cli, modes[i].option)) {
            *out = modes[i].mode;
            given++;
        }
    if (given != 1)
        return bf_cli_usage(cli, "say one of --planned, --unplanned and --test");
    if (*out != BF_FAILOVER_TEST && bf_cli_has(cli, "--for"))
        return bf_cli_usage(cli, "--for goes with --test");
    if (*out == BF_FAILOVER_PLANNED && bf_cli_has(cli, "--point"))
        return bf_cli_usage(cli, "--point goes with --unplanned and --test: a planned failover "
                                 "takes the source's last run");
    if (*out != BF_FAILOVER_PLANNED &&
        (bf_cli_has(cli, "--fresh") || bf_cli_has(cli, "--wait-for-run")))
        return bf_cli_usage(cli, "--fresh and --wait-for-run go with --planned");
    return BF_CLI_OK;
}

static int times_of(struct bf_cli *cli, struct bf_failover_order *o)
{
    if (!bf_cli_duration(cli, "--for", 0, &o->lasts) ||
        !bf_cli_duration(cli, "--fresh", BF_FRESH_S, &o->fresh) ||
        !bf_cli_duration(cli, "--wait-for-run", BF_RUN_WAIT_S, &o->wait) ||
        !bf_cli_duration(cli, "--evidence-within", BF_PATIENCE_S, &o->patience) ||
        !bf_finalizer_limits(cli, &o->run.deadline, &o->run.overlay_mib))
        return BF_CLI_USAGE;
    o->again = bf_cli_has(cli, "--again");
    const char *vm = bf_cli_value(cli, "--vm", 0);
    bf_snprintf(o->run.vm, sizeof o->run.vm, "%s", vm ? vm : "");
    return BF_CLI_OK;
}

// Without a plan addresses stay as they are, and the drivers of KVM hosts are put in.
static int plan_of(struct bf_cli *cli, struct call *c)
{
    static const char nothing[] = "{\"version\": 1, \"target\": {\"kind\": \"" DEFAULT_KIND "\"}}";
    if (!bf_cli_has(cli, "--plan") && !bf_cli_has(cli, "--mac")) {
        c->plan = strdup(nothing);
        c->plan_len = sizeof nothing - 1;
        return c->plan ? BF_CLI_OK : BF_CLI_FAILED;
    }
    return bf_finalizer_compose(cli, bf_cli_has(cli, "--plan") ? NULL : DEFAULT_KIND, &c->plan,
                                &c->plan_len);
}

// ---- The machine and its point -----------------------------------------------------------------

static int open_point(struct bf_cli *cli, struct call *c)
{
    char text[BF_NAME_MAX + 16];
    uint64_t number;
    if (!bf_cli_number(cli, "--point", 1, UINT32_MAX, 0, &number))
        return BF_CLI_USAGE;
    if (number)
        bf_snprintf(text, sizeof text, "%s@%llu", cli->argument[0], (unsigned long long)number);
    else
        bf_snprintf(text, sizeof text, "%s", cli->argument[0]);
    int status = bf_cli_open_ref(cli, text, 0, &c->ref);
    if (status)
        return status;
    c->point = malloc(sizeof *c->point);
    if (!c->point || bf_db_point_get(cli->db, c->ref.machine, c->ref.point, c->point))
        return bf_cli_fail(bf_db_fault(cli->db));
    return BF_CLI_OK;
}

// A planned failover may begin before there is any point.
static int open_planned(struct bf_cli *cli, struct call *c)
{
    struct bf_machine machine;
    int status = bf_cli_open_machine(cli, cli->argument[0], &machine);
    if (status)
        return status;
    bf_snprintf(c->ref.machine, sizeof c->ref.machine, "%s", machine.name);
    c->point = malloc(sizeof *c->point);
    enum bf_err err =
        c->point ? bf_db_point_get(cli->db, machine.name, 0, c->point) : BF_ERR_NO_MEMORY;
    if (err == BF_ERR_NOT_FOUND) {
        free(c->point);
        c->point = NULL;
        return BF_CLI_OK;
    }
    c->ref.point = err ? 0 : c->point->number;
    return err ? bf_cli_fail(bf_db_fault(cli->db)) : BF_CLI_OK;
}

// ---- What it costs -----------------------------------------------------------------------------

// On standard error where the answer is JSON.
static FILE *paper(const struct bf_cli *cli)
{
    return cli->json ? stderr : stdout;
}

static void tell_loss(struct bf_cli *cli, const struct call *c)
{
    char when[BF_TIME_TEXT], age[BF_DURATION_TEXT];
    struct bf_unreadable_row *rows = NULL;
    struct bf_unseen *unseen = NULL;
    size_t count = 0;
    FILE *out = paper(cli);
    json_t *inventory = bf_point_inventory(cli->db, c->point);
    fprintf(out, "%s@%u was made %s ago (%s) %s.\n", c->ref.machine, c->ref.point,
            bf_duration_text(time(NULL) - c->point->time, age), bf_time_text(c->point->time, when),
            bf_source_is_running_system(inventory)
                ? "from the running system, while files were open"
                : "from the machine's disks while it was off");
    if (c->order.mode == BF_FAILOVER_UNPLANNED)
        fprintf(out, "What was written on %s since then is lost in its new home.\n",
                c->ref.machine);
    if (bf_db_unreadable_list(cli->db, c->point->session, &rows, &count) == BF_OK && count)
        fprintf(out, "%zu place%s could not be read and hold%s zeros: bootferry points %s@%u\n",
                count, count == 1 ? "" : "s", count == 1 ? "s" : "", c->ref.machine, c->ref.point);
    free(rows);
    if (bf_db_unseen_list(cli->db, c->point->session, &unseen, &count) == BF_OK && count)
        fprintf(out,
                "%zu controller%s or disk%s of the machine not in it: bootferry points %s@%u\n",
                count, count == 1 ? "" : "s", count == 1 ? " is" : "s are", c->ref.machine,
                c->ref.point);
    free(unseen);
    json_decref(inventory);
}

static void tell_estimate(struct bf_cli *cli, const struct call *c)
{
    struct bf_estimate e;
    char text[BF_DURATION_TEXT];
    bf_estimate_make(cli->db, c->ref.machine, c->order.target, &e);
    if (e.adapt_s >= 0 && e.start_s >= 0)
        fprintf(paper(cli), "Expected: %s until the machine runs.\n",
                bf_duration_text(e.adapt_s + e.start_s, text));
    else if (bf_cli_has(cli, "--dry-run"))
        fprintf(paper(cli),
                "How long it would take is not known: nothing was failed over to %s yet.\n",
                c->order.target);
}

// Of a planned failover: whether it would begin at once.
static int tell_run(struct bf_cli *cli, const struct call *c)
{
    struct bf_source_run run;
    if (bf_source_run_find(cli->db, c->ref.machine, time(NULL) - (int64_t)c->order.fresh, &run))
        return bf_cli_fail(bf_db_fault(cli->db));
    if (run.point)
        fprintf(paper(cli), "It would be taken, so nothing would be lost.\n");
    else
        fprintf(paper(cli), "A run of %s's medium would be waited for, because %s.\n",
                c->ref.machine, run.why);
    return BF_CLI_OK;
}

// ---- A dry run ---------------------------------------------------------------------------------

static int show_machine(struct bf_cli *cli, const struct call *c)
{
    struct bf_tgt_machine *machine = calloc(1, sizeof *machine);
    struct bf_fault fault;
    int64_t test = c->order.mode == BF_FAILOVER_TEST ? INT64_MAX : 0;
    struct bf_tgt tgt = {.state = cli->state, .folder = "jobs/next", .uri = c->order.target};
    if (!machine)
        return BF_CLI_FAILED;
    enum bf_err err =
        bf_tgt_machine_make(cli->state, &c->ref, c->plan, c->plan_len, test, machine, &fault);
    tgt.machine = machine;
    if (!err)
        err = c->ops->check(&tgt, &fault);
    char *text = err ? NULL : c->ops->describe(&tgt);
    if (text)
        fprintf(paper(cli), "\nThe machine:\n%s\n", text);
    free(text);
    bf_tgt_machine_free(machine);
    free(machine);
    return err ? bf_cli_fail(&fault) : BF_CLI_OK;
}

static int dry_run(struct bf_cli *cli, struct call *c)
{
    struct bf_fault fault;
    json_t *report = NULL;
    char ref[96];
    int status = c->order.mode == BF_FAILOVER_PLANNED ? tell_run(cli, c) : BF_CLI_OK;
    if (status || !c->point || (status = show_machine(cli, c)))
        return status;
    struct bf_finalizer *f = bf_finalizer_new();
    if (!f)
        return BF_CLI_FAILED;
    bf_image_ref_text(&c->ref, ref);
    f->run.mode = "dry-run";
    f->run.plan = c->plan;
    f->run.plan_len = c->plan_len;
    if (!(status = bf_finalizer_begin(cli, f)) && !(status = bf_finalizer_open(cli, f, ref))) {
        bf_finalizer_catch();
        enum bf_err err = bf_finalizer_work(cli->state, f, &report, &fault);
        if (report)
            bf_finalizer_print(cli, report);
        status = err ? bf_cli_fail(&fault) : BF_CLI_OK;
    }
    json_decref(report);
    bf_finalizer_free(f);
    return status;
}

// ---- The job -----------------------------------------------------------------------------------

static int check_target(struct bf_cli *cli, struct call *c)
{
    struct bf_fault fault;
    const char *uri = bf_cli_value(cli, "--target", 0);
    c->order.target = uri ? uri : DEFAULT_TARGET;
    if (strlen(c->order.target) >= sizeof((struct bf_failover *)0)->target)
        return bf_cli_usage(cli, "the target is too long");
    c->ops = bf_tgt_find(c->order.target, &fault);
    if (!c->ops)
        return bf_cli_fail(&fault);
    if (c->order.mode == BF_FAILOVER_TEST && !(c->ops->can & BF_TGT_ISOLATES)) {
        bf_fault_set(&fault, BF_ERR_UNSUPPORTED, BF_SIDE_CONFIG,
                     "test it at a target that runs machines, such as qemu:",
                     "%s has no network that could be isolated", c->order.target);
        return bf_cli_fail(&fault);
    }
    return BF_CLI_OK;
}

static int begin(struct bf_cli *cli, struct call *c)
{
    struct bf_fault fault;
    int64_t job;
    c->order.machine = c->ref.machine;
    c->order.point = c->order.mode == BF_FAILOVER_PLANNED ? 0 : c->ref.point;
    c->order.plan = c->plan;
    c->order.plan_len = c->plan_len;
    if (bf_failover_begin(cli->state, &c->order, &job, &fault) ||
        bf_runner_spawn(cli->state, job, c->plan, c->plan_len, &fault))
        return bf_cli_fail(&fault);
    if (!bf_cli_has(cli, "--wait") && !bf_cli_has(cli, "--watch")) {
        if (!cli->json)
            printf("Job %lld has begun. Next: bootferry jobs %s --watch\n", (long long)job,
                   c->ref.machine);
        return cli->json ? bf_cli_job_result(cli, job) : BF_CLI_OK;
    }
    int status = bf_cli_job_follow(cli, job, cli->json || !bf_cli_has(cli, "--watch"));
    return status ? status : bf_cli_job_result(cli, job);
}

static int with(struct bf_cli *cli, struct call *c)
{
    int status = mode_of(cli, &c->order.mode);
    if (status || (status = times_of(cli, &c->order)) || (status = check_target(cli, c)) ||
        (status = plan_of(cli, c)))
        return status;
    status = c->order.mode == BF_FAILOVER_PLANNED ? open_planned(cli, c) : open_point(cli, c);
    if (status)
        return status;
    if (c->point)
        tell_loss(cli, c);
    tell_estimate(cli, c);
    fflush(paper(cli));
    return bf_cli_has(cli, "--dry-run") ? dry_run(cli, c) : begin(cli, c);
}

static int run(struct bf_cli *cli)
{
    struct call *c = calloc(1, sizeof *c);
    int status = c ? with(cli, c) : BF_CLI_FAILED;
    if (c && c->plan)
        explicit_bzero(c->plan, c->plan_len);
    if (c) {
        free(c->plan);
        free(c->point);
    }
    free(c);
    return status;
}

static void list_targets(void)
{
    printf("\nTargets:\n");
    for (const struct bf_tgt_ops *const *t = bf_tgt_all(); *t; t++)
        printf("  %s\n", (*t)->usage);
}

const struct bf_cli_command bf_command_failover = {
    .name = "failover",
    .usage = "NAME --planned|--unplanned|--test [--plan FILE] [--target URI]",
    .summary = "Let a machine live in its new home",
    .details =
        "Finalizes the point, makes the machine at the target, starts it, and waits for evidence\n"
        "from inside that it runs. Then it is TargetReady: bootferry commit makes it lasting,\n"
        "bootferry rollback takes it away again; a test is ended by bootferry cleanup. From its\n"
        "start until a rollback the source's medium keeps the source off.",
    .min = 1,
    .max = 1,
    .options = options,
    .json = 1,
    .run = run,
    .more_help = list_targets,
};
