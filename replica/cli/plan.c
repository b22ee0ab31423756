// SPDX-License-Identifier: Apache-2.0
// bootferry plan: writes a plan of what is in a recovery point, to be edited; says what a plan
// would do; and makes plans for many machines from a table. None of it changes a point.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/plan/compose.h"
#include "finalize/plan/present.h"
#include "finalize/plan/sheet.h"
#include "replica/cli/finalizer.h"
#include "replica/cli/plan_sheet.h"
#include "replica/points/inventory.h"

static const struct bf_cli_option options[] = {
    {"--check", NULL, 0, "say what a plan would do: old and new addresses, then every edit"},
    BF_FINALIZER_PLAN_OPTIONS,
    {"--csv", "FILE", 0, "a table with a line for each NIC of many machines"},
    {"--output", "DIR", 0, "with --csv: where NAME.json is written for each machine"},
    {"--force", NULL, 0, "with --output: replaces plans that are there"},
    {"--csv-template", NULL, 0, "print a table to begin with, which explains its columns"},
    BF_FINALIZER_RUN_OPTIONS,
    {NULL, NULL, 0, NULL},
};

static int print_template(void)
{
    struct bf_text text = {0};
    bf_sheet_template(&text);
    fputs(bf_text_get(&text), stdout);
    bf_text_free(&text);
    return BF_CLI_OK;
}

// ---- A plan of what is there -------------------------------------------------------------------

// What cannot stand in JSON, since that has no comments.
static void guide(const struct bf_cli *cli, const char *ref, const char *notes)
{
    fflush(stdout);
    fprintf(stderr, "bootferry: this is %s as it is. Edit it, then see what it would do:\n", ref);
    fprintf(stderr, "  bootferry plan %s --check --plan FILE\n", ref);
    if (!bf_cli_has(cli, "--target"))
        fprintf(stderr,
                "  target: \"generic\" has the drivers of all kinds; --target KIND names one\n");
    fprintf(stderr, "  dns, search: left out, so the present ones stay\n");
    while (*notes) {
        int len = (int)strcspn(notes, "\n");
        fprintf(stderr, "  %.*s\n", len, notes);
        notes += len + (notes[len] == '\n');
    }
}

static int print_plan(struct bf_cli *cli, const struct bf_finalizer *f, const json_t *report)
{
    char ref[96];
    struct bf_text notes = {0};
    const char *target = bf_cli_value(cli, "--target", 0);
    json_t *inventory = bf_point_inventory(cli->db, &f->point);
    json_t *plan = bf_present_plan(report, json_object_get(inventory, "nics"),
                                   target ? target : "generic", &notes);
    int failed = !plan || json_dumpf(plan, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF;
    bf_image_ref_text(&f->ref, ref);
    if (!failed)
        guide(cli, ref, bf_text_get(&notes));
    bf_text_free(&notes);
    json_decref(inventory);
    json_decref(plan);
    return failed ? BF_CLI_FAILED : BF_CLI_OK;
}

static bool is_linux(const json_t *report)
{
    const json_t *os = json_object_get(json_object_get(report, "system"), "os");
    const char *type = json_string_value(json_object_get(os, "type"));
    return type && strcmp(type, "linux") == 0;
}

static int make(struct bf_cli *cli, struct bf_finalizer *f)
{
    struct bf_fault fault;
    json_t *report = NULL;
    const char *target = bf_cli_value(cli, "--target", 0);
    f->run.mode = "inspect";
    if (target && bf_compose_target(target, &fault))
        return bf_cli_fail(&fault);
    int status = bf_finalizer_start(cli, f);
    if (status)
        return status;
    enum bf_err err = bf_finalizer_work(cli->state, f, &report, &fault);
    if (!err && !is_linux(report))
        err = bf_fault_set(&fault, BF_ERR_UNSUPPORTED, BF_SIDE_CONFIG,
                           "only Linux systems are finalized; export it as it is",
                           "no Linux system was found in %s", cli->argument[0]);
    status = err ? bf_cli_fail(&fault) : print_plan(cli, f, report);
    json_decref(report);
    return status;
}

// ---- What a plan would do ----------------------------------------------------------------------

static int check_with(struct bf_cli *cli, struct bf_finalizer *f)
{
    struct bf_fault fault;
    json_t *report = NULL;
    f->run.mode = "dry-run";
    int status = bf_finalizer_start(cli, f);
    if (status)
        return status;
    enum bf_err err = bf_finalizer_work(cli->state, f, &report, &fault);
    if (report)
        bf_finalizer_print(cli, report);
    json_decref(report);
    return err ? bf_cli_fail(&fault) : BF_CLI_OK;
}

static int check(struct bf_cli *cli, struct bf_finalizer *f)
{
    char *plan = NULL;
    int status = bf_finalizer_plan(cli, &plan, &f->run.plan_len);
    f->run.plan = plan;
    if (!status)
        status = check_with(cli, f);
    free(plan);
    return status;
}

static int run(struct bf_cli *cli)
{
    bool has_plan = bf_cli_has(cli, "--plan") || bf_cli_has(cli, "--mac");
    if (bf_cli_has(cli, "--csv-template"))
        return print_template();
    if (bf_cli_has(cli, "--csv"))
        return bf_cli_plan_sheet(cli);
    if (bf_cli_has(cli, "--output") || bf_cli_has(cli, "--force"))
        return bf_cli_usage(cli, "--output and --force go with --csv");
    if (!cli->count)
        return bf_cli_usage(cli, "name a machine, or a table with --csv");
    if (has_plan && !bf_cli_has(cli, "--check"))
        return bf_cli_usage(cli, "--plan and --mac go with --check; finalize carries a plan out");
    struct bf_finalizer *f = bf_finalizer_new();
    int status = !f ? BF_CLI_FAILED : bf_cli_has(cli, "--check") ? check(cli, f) : make(cli, f);
    bf_finalizer_free(f);
    return status;
}

const struct bf_cli_command bf_command_plan = {
    .name = "plan",
    .usage = "NAME[@POINT] [--check (--plan FILE | --mac MAC:ip:...)] | --csv FILE",
    .summary = "Write a plan of what is there, or say what a plan would do",
    .details =
        "plan NAME prints the present addresses and names as a plan for finalize, to be edited;\n"
        "unchanged, it is valid and leaves all addresses as they are. plan NAME --check says\n"
        "what a plan would do, and plan --csv FILE makes the plans of many machines from one\n"
        "table. Nothing is changed by any of them.",
    .min = 0,
    .max = 1,
    .options = options,
    .json = 1,
    .run = run,
};
