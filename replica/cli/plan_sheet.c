// SPDX-License-Identifier: Apache-2.0
// Plans for many machines from a table; see plan_sheet.h. All lines are checked first, then, if it
// is wanted, each plan against its point, and only then is anything written.
#include "replica/cli/plan_sheet.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fmt.h"
#include "finalize/core/report.h"
#include "finalize/plan/sheet.h"
#include "replica/cli/finalizer.h"
#include "replica/cli/out.h"
#include "replica/state/file.h"
#include "replica/state/owner.h"

static bool is_name(const char *name)
{
    struct bf_image_ref ref;
    return bf_image_ref_parse(name, &ref) == BF_OK && !ref.object;
}

// ---- Reading -----------------------------------------------------------------------------------

static void print_lines(const char *file, const char *level, const char *lines)
{
    while (*lines) {
        int len = (int)strcspn(lines, "\n");
        fprintf(stderr, "bootferry: %s%s: %.*s\n", level, file, len, lines);
        lines += len + (lines[len] == '\n');
    }
}

static void path_of(const char *folder, const char *name, char out[BF_FINALIZER_PATH])
{
    bf_snprintf(out, BF_FINALIZER_PATH, "%s/%.*s.json", folder, (int)strcspn(name, "@"), name);
}

// Two points of one machine would be one file.
static int check_names(const struct bf_plan_table *sheet, const char *file)
{
    for (size_t i = 0; i < sheet->machines; i++)
        for (size_t k = 0; k < i; k++) {
            const char *a = sheet->machine[i].name, *b = sheet->machine[k].name;
            size_t len = strcspn(a, "@");
            if (len != strcspn(b, "@") || strncmp(a, b, len) != 0)
                continue;
            fprintf(stderr,
                    "bootferry: %s: line %u, column \"name\": %s is the machine that line %u calls "
                    "%s\n",
                    file, sheet->machine[i].line, a, sheet->machine[k].line, b);
            return BF_CLI_FAILED;
        }
    return BF_CLI_OK;
}

static int read_sheet(const struct bf_cli *cli, struct bf_plan_table *sheet)
{
    struct bf_fault fault;
    const char *file = bf_cli_value(cli, "--csv", 0);
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (bf_file_read(file, BF_SHEET_MAX, &bytes, &len, &fault))
        return bf_cli_fail(&fault);
    enum bf_err err =
        bf_sheet_parse((const char *)bytes, len, bf_cli_value(cli, "--target", 0), is_name, sheet);
    free(bytes);
    print_lines(file, "", bf_text_get(&sheet->errors));
    print_lines(file, "warning: ", bf_text_get(&sheet->warnings));
    if (err)
        fprintf(stderr, "bootferry: nothing was written. The columns: bootferry plan "
                        "--csv-template\n");
    return err ? BF_CLI_FAILED : check_names(sheet, file);
}

// ---- Checking ----------------------------------------------------------------------------------

static void show(const struct bf_cli *cli, json_t *all, const char *ref, json_t *report)
{
    struct bf_text text = {0};
    if (cli->json) {
        json_array_append_new(all, json_pack("{s:s,s:O}", "ref", ref, "report", report));
        return;
    }
    bf_fin_report_summary(report, &text);
    printf("%s: %s\n", ref, bf_text_get(&text));
    bf_text_free(&text);
    fflush(stdout); // before the fault that may follow on standard error
}

static int check_one(struct bf_cli *cli, const struct bf_sheet_machine *m, json_t *all, bool *stop)
{
    struct bf_fault fault;
    json_t *report = NULL;
    struct bf_finalizer *f = bf_finalizer_new();
    int status = f ? bf_finalizer_begin(cli, f) : BF_CLI_FAILED;
    if (!status) {
        f->run.plan = m->plan;
        f->run.plan_len = strlen(m->plan);
        f->run.mode = "dry-run";
        status = bf_finalizer_open(cli, f, m->name);
    }
    if (!status) {
        enum bf_err err = bf_finalizer_work(cli->state, f, &report, &fault);
        if (report)
            show(cli, all, m->name, report);
        *stop = err == BF_ERR_CANCELLED;
        status = err ? bf_cli_fail(&fault) : BF_CLI_OK;
    }
    json_decref(report);
    bf_finalizer_free(f);
    return status;
}

static int check_all(struct bf_cli *cli, const struct bf_plan_table *sheet)
{
    json_t *all = json_array();
    size_t good = 0;
    bool stop = false;
    bf_finalizer_catch();
    for (size_t i = 0; i < sheet->machines && !stop; i++)
        good += check_one(cli, &sheet->machine[i], all, &stop) == BF_CLI_OK;
    if (cli->json)
        bf_json_print(json_pack("{s:O}", "machines", all));
    else
        printf("%zu of %zu plans would be carried out\n", good, sheet->machines);
    json_decref(all);
    return good == sheet->machines ? BF_CLI_OK : BF_CLI_FAILED;
}

// ---- Writing -----------------------------------------------------------------------------------

static int check_output(const struct bf_cli *cli, const struct bf_plan_table *sheet,
                        const char *folder)
{
    char path[BF_FINALIZER_PATH];
    struct stat st;
    int status = BF_CLI_OK;
    if (strlen(folder) + 256 > BF_FINALIZER_PATH)
        return bf_cli_usage(cli, "--output: the path is too long");
    for (size_t i = 0; i < sheet->machines && !bf_cli_has(cli, "--force"); i++) {
        path_of(folder, sheet->machine[i].name, path);
        if (lstat(path, &st) != 0)
            continue;
        fprintf(stderr, "bootferry: %s is there already\n", path);
        status = BF_CLI_FAILED;
    }
    if (status)
        fprintf(stderr, "bootferry: nothing was written; --force replaces plans\n");
    return status;
}

static int write_all(const struct bf_cli *cli, const struct bf_plan_table *sheet,
                     const char *folder)
{
    struct bf_fault fault;
    char path[BF_FINALIZER_PATH];
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        bf_fault_set(&fault, BF_ERR_IO, BF_SIDE_CONFIG, "check the path and the permissions",
                     "cannot make the folder %s: %s", folder, strerror(errno));
        return bf_cli_fail(&fault);
    }
    for (size_t i = 0; i < sheet->machines; i++) {
        const char *plan = sheet->machine[i].plan;
        path_of(folder, sheet->machine[i].name, path);
        if (bf_file_replace(path, plan, strlen(plan), 0644, &fault))
            return bf_cli_fail(&fault);
        if (!cli->json)
            printf("wrote %s\n", path);
    }
    return BF_CLI_OK;
}

static int work(struct bf_cli *cli, struct bf_plan_table *sheet)
{
    const char *folder = bf_cli_value(cli, "--output", 0);
    int status = read_sheet(cli, sheet);
    if (!status && folder)
        status = check_output(cli, sheet, folder);
    if (!status && bf_cli_has(cli, "--check"))
        status = check_all(cli, sheet);
    if (!status && folder) {
        bf_owner_leave(); // the files are the operator's
        status = write_all(cli, sheet, folder);
    }
    return status;
}

int bf_cli_plan_sheet(struct bf_cli *cli)
{
    struct bf_plan_table sheet = {.rows = NULL};
    if (cli->count)
        return bf_cli_usage(cli, "the machines are named in the file of --csv");
    if (bf_cli_has(cli, "--plan") || bf_cli_has(cli, "--mac"))
        return bf_cli_usage(cli, "--csv takes neither --plan nor --mac");
    if (!bf_cli_has(cli, "--output") && !bf_cli_has(cli, "--check"))
        return bf_cli_usage(cli, "--csv needs --output DIR, or --check, or both");
    int status = work(cli, &sheet);
    bf_sheet_free(&sheet);
    return status;
}
