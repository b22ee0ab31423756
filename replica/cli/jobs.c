// SPDX-License-Identifier: Apache-2.0
// bootferry jobs, job show, job run: all jobs with their phases, times and events.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/cli/duration.h"
#include "replica/cli/job_view.h"
#include "replica/cli/out.h"
#include "replica/jobs/begin.h"
#include "replica/jobs/folder.h"
#include "replica/state/file.h"
#include "replica/state/owner.h"

enum { JOBS = 50, WATCH_SECONDS = 1 };

// ---- jobs --------------------------------------------------------------------------------------

static const struct bf_cli_option jobs_options[] = {
    {"--all", NULL, 0, "all of them, and not only the last 50"},
    {"--watch", NULL, 0, "of a machine: print what happens until its job has nothing more to do"},
    {NULL, NULL, 0, NULL},
};

// What is done of the step, where that is measured.
static void done_text(const struct bf_job *j, char out[16])
{
    if (j->bytes_total && j->phase < BF_JOB_TARGET_READY)
        bf_snprintf(out, 16, "%u %%", (unsigned)(j->bytes_done / (j->bytes_total / 1000 + 1) / 10));
    else
        bf_snprintf(out, 16, "-");
}

static void add_row(struct bf_cli *cli, struct bf_table *t, const struct bf_job *j)
{
    char number[24], point[24] = "-", kind[48], done[16], when[BF_TIME_TEXT];
    struct bf_failover f = {0};
    bf_snprintf(number, sizeof number, "%lld", (long long)j->id);
    bf_snprintf(kind, sizeof kind, "%s", j->kind);
    if (bf_db_failover_get(cli->db, j->id, &f) == BF_OK)
        bf_snprintf(kind, sizeof kind, "%s %s", bf_failover_mode_name(f.mode), j->kind);
    if (j->point)
        bf_snprintf(point, sizeof point, "@%u", j->point);
    done_text(j, done);
    bf_table_row(t, number, j->machine, kind, bf_job_phase_name(j->phase),
                 j->step[0] ? j->step : "-", f.evidence[0] ? f.evidence : "-", done, point,
                 bf_time_text(j->since[j->phase], when));
}

static int print_jobs(struct bf_cli *cli, const struct bf_job *list, size_t count)
{
    struct bf_table t;
    json_t *array = json_array();
    if (cli->json) {
        for (size_t i = 0; i < count; i++)
            json_array_append_new(array, bf_cli_job_whole_json(cli, &list[i]));
        return bf_json_print(json_pack("{s:o}", "jobs", array));
    }
    json_decref(array);
    bf_table_begin(&t, ">JOB", "MACHINE", "KIND", "PHASE", "STEP", "EVIDENCE", ">DONE", ">POINT",
                   "SINCE", NULL);
    for (size_t i = 0; i < count; i++)
        add_row(cli, &t, &list[i]);
    bf_table_print(&t);
    return BF_CLI_OK;
}

// The newest failover of the machine that is not over, else the newest.
static int64_t job_to_watch(struct bf_cli *cli, const char *machine)
{
    struct bf_failover *list = NULL;
    size_t count = 0;
    int64_t job = 0;
    if (bf_db_failover_list(cli->db, machine, 1, &list, &count))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!job || !list[i].over || i + 1 == count)
            job = list[i].job;
    free(list);
    return job;
}

static int watch_jobs(struct bf_cli *cli, const char *machine)
{
    int64_t job = job_to_watch(cli, machine);
    if (!job)
        return bf_cli_usage(cli, "%s has no failover; see bootferry status %s --watch", machine,
                            machine);
    int status = bf_cli_job_follow(cli, job, cli->json);
    return status ? status : bf_cli_job_result(cli, job);
}

static int run_jobs(struct bf_cli *cli)
{
    struct bf_machine machine;
    struct bf_job *list = NULL;
    size_t count = 0;
    const char *name = cli->argument[0];
    int status = name ? bf_cli_open_machine(cli, name, &machine) : bf_cli_open(cli);
    if (status)
        return status;
    if (bf_cli_has(cli, "--watch"))
        return name ? watch_jobs(cli, name) : bf_cli_usage(cli, "--watch needs a machine");
    if (bf_db_job_list(cli->db, name, bf_cli_has(cli, "--all") ? 0 : JOBS, &list, &count))
        return bf_cli_fail(bf_db_fault(cli->db));
    status = print_jobs(cli, list, count);
    free(list);
    return status;
}

const struct bf_cli_command bf_command_jobs = {
    .name = "jobs",
    .usage = "[NAME] [--watch]",
    .summary = "List jobs: phase, step, since when",
    .details = "The phases are Pending, Running, TargetReady, Succeeded and Failed. --watch NAME\n"
               "follows its failover, and ends with status 1 if that has failed.",
    .max = 1,
    .options = jobs_options,
    .json = 1,
    .run = run_jobs,
};

// ---- job show ----------------------------------------------------------------------------------

static void print_files(struct bf_cli *cli, int64_t job)
{
    static const char *const files[][2] = {{"report.json", "the finalizer's report"},
                                           {"console.log", "its console"},
                                           {"evidence.json", "its evidence"},
                                           {"guest.log", "what it reported"},
                                           {"screen.png", "a picture of its screen"},
                                           {"start", "how it is started"},
                                           {"log", "the log of the work"}};
    char path[BF_JOB_PATH];
    struct stat st;
    const char *before = "\n";
    for (size_t i = 0; i < BF_COUNT(files); i++) {
        bf_job_path(cli->state, job, files[i][0], path);
        if (stat(path, &st) != 0 || st.st_size <= 0)
            continue;
        printf("%s%-24s %s\n", before, files[i][1], path);
        before = "";
    }
}

static void print_evidence(const struct bf_failover *f)
{
    static const char *const texts[][2] = {
        {"machine", "the machine, over its port or console"},
        {"guest", "the machine's own report"},
        {"operator", "the operator's word"},
    };
    for (size_t i = 0; i < BF_COUNT(texts); i++)
        if (strcmp(f->evidence, texts[i][0]) == 0)
            printf("evidence: %s, %s\n", texts[i][0], texts[i][1]);
    if (strcmp(f->evidence, "none") == 0)
        printf("evidence: none\n");
}

static void print_phases(const struct bf_job *job)
{
    char when[BF_TIME_TEXT];
    for (int p = BF_JOB_PENDING; p <= BF_JOB_FAILED; p++)
        if (job->since[p])
            printf("%-12s %s\n", bf_job_phase_name((enum bf_job_phase)p),
                   bf_time_text(job->since[p], when));
}

static void print_job(struct bf_cli *cli, const struct bf_job *job)
{
    struct bf_failover f = {0};
    struct bf_event_row *list = NULL;
    char when[BF_TIME_TEXT];
    size_t count = 0;
    printf("job %lld: %s of %s", (long long)job->id, job->kind, job->machine);
    if (bf_db_failover_get(cli->db, job->id, &f) == BF_OK)
        printf(" (%s), %s@%u/%u at %s", bf_failover_mode_name(f.mode), job->machine, job->point,
               f.object, f.target);
    printf("\n%s, %s%s%s\n", bf_job_phase_name(job->phase), job->step[0] ? job->step : "-",
           job->detail[0] ? ": " : "", job->detail);
    print_evidence(&f);
    bf_cli_job_next(job, &f, stdout);
    printf("\n");
    print_phases(job);
    print_files(cli, job->id);
    if (bf_db_event_of_job(cli->db, job->id, 0, &list, &count))
        return;
    for (size_t i = 0; i < count; i++)
        printf("%s%s  %s\n", i ? "" : "\n", bf_time_text(list[i].time, when), list[i].text);
    free(list);
}

static int number_of(struct bf_cli *cli, int64_t *out)
{
    char *end;
    *out = strtoll(cli->argument[0], &end, 10);
    if (*out > 0 && !*end)
        return BF_CLI_OK;
    return bf_cli_usage(cli, "\"%s\" is not the number of a job", cli->argument[0]);
}

static int run_show(struct bf_cli *cli)
{
    struct bf_job job;
    struct bf_fault fault;
    int64_t id;
    int status = number_of(cli, &id);
    if (status || (status = bf_cli_open(cli)))
        return status;
    enum bf_err err = bf_db_job_get(cli->db, id, &job);
    if (err == BF_ERR_NOT_FOUND) {
        bf_fault_set(&fault, err, BF_SIDE_CONFIG, "bootferry jobs lists them",
                     "there is no job %lld", (long long)id);
        return bf_cli_fail(&fault);
    }
    if (err)
        return bf_cli_fail(bf_db_fault(cli->db));
    if (cli->json)
        return bf_json_print(bf_cli_job_whole_json(cli, &job));
    print_job(cli, &job);
    return BF_CLI_OK;
}

const struct bf_cli_command bf_command_job_show = {
    .name = "job show",
    .usage = "JOB",
    .summary = "Show a job: its phases, files and events",
    .min = 1,
    .max = 1,
    .json = 1,
    .run = run_show,
};

// ---- job run -----------------------------------------------------------------------------------

// The whole plan, when the command that began the job handed it over as a file.
static void plan_from_command(char **plan, size_t *len)
{
    struct stat st;
    *plan = NULL;
    *len = 0;
    if (fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
        st.st_size > BF_JOB_PLAN_MAX)
        return;
    char *text = malloc((size_t)st.st_size);
    if (text && pread(STDIN_FILENO, text, (size_t)st.st_size, 0) == st.st_size) {
        *plan = text;
        *len = (size_t)st.st_size;
        return;
    }
    free(text);
}

static int run_run(struct bf_cli *cli)
{
    struct bf_fault fault;
    char *plan;
    size_t len;
    int64_t id;
    int status = number_of(cli, &id);
    if (status)
        return status;
    bf_owner_leave();
    if (bf_owner_become(bf_state_default_path(cli->state_option), &fault))
        return bf_cli_fail(&fault);
    if ((status = bf_cli_open(cli)))
        return status;
    plan_from_command(&plan, &len);
    enum bf_err err = bf_runner_run(cli->state, id, plan, len, &fault);
    if (plan)
        explicit_bzero(plan, len);
    free(plan);
    return err && err != BF_ERR_BUSY ? bf_cli_fail(&fault) : BF_CLI_OK;
}

const struct bf_cli_command bf_command_job_run = {
    .name = "job run",
    .usage = "JOB",
    .summary = "Go on with a job whose runner was killed",
    .details = "The daemon does this by itself, and so does every command that waits for a job.",
    .min = 1,
    .max = 1,
    .run = run_run,
};
