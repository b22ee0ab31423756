// SPDX-License-Identifier: Apache-2.0
// bootferry commit, rollback, cancel, cleanup and confirm: what an operator asks of a failover. The
// wish is put on record and a runner takes it up; the command waits for the result.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/cli/job_view.h"
#include "replica/cli/out.h"
#include "replica/jobs/begin.h"
#include "replica/jobs/folder.h"

static const struct bf_cli_option commit_options[] = {
    {"--to", "DIR|POOL", 0, "where its disks are to lie (the target's default)"},
    {"--no-wait", NULL, 0, "return at once"},
    {NULL, NULL, 0, NULL},
};
static const struct bf_cli_option discard_options[] = {
    {"--discard", NULL, 0, "what the new machine has written may be lost"},
    {"--no-wait", NULL, 0, "return at once"},
    {NULL, NULL, 0, NULL},
};
static const struct bf_cli_option plain_options[] = {
    {"--no-wait", NULL, 0, "return at once"},
    {NULL, NULL, 0, NULL},
};

// ---- Which job ---------------------------------------------------------------------------------

static int is_number(const char *text)
{
    return text[0] && strspn(text, "0123456789") == strlen(text);
}

static int none_of(const char *name, const char *what)
{
    struct bf_fault fault;
    bf_fault_set(&fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG, "bootferry jobs lists what there is",
                 "%s has no %s that is not over", name, what);
    return bf_cli_fail(&fault);
}

// Whether a wish that names a machine means a failover of this mode.
static int is_meant(enum bf_failover_wish wish, enum bf_failover_mode mode)
{
    if (wish == BF_WISH_CLEANUP)
        return mode == BF_FAILOVER_TEST;
    return wish == BF_WISH_CANCEL || wish == BF_WISH_CONFIRM || mode != BF_FAILOVER_TEST;
}

// A cutover counts before tests; of several tests a cleanup means all of them.
static size_t choose(enum bf_failover_wish wish, struct bf_failover *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (is_meant(wish, list[i].mode))
            list[kept++] = list[i];
    for (size_t i = 0; wish != BF_WISH_CLEANUP && i < kept; i++)
        if (list[i].mode != BF_FAILOVER_TEST) {
            list[0] = list[i];
            return 1;
        }
    return kept;
}

static int find_named(struct bf_cli *cli, enum bf_failover_wish wish, struct bf_failover **out,
                      size_t *count)
{
    struct bf_machine machine;
    const char *name = cli->argument[0];
    int status = bf_cli_open_machine(cli, name, &machine);
    if (status)
        return status;
    if (bf_db_failover_list(cli->db, name, 0, out, count))
        return bf_cli_fail(bf_db_fault(cli->db));
    *count = choose(wish, *out, *count);
    if (*count == 0)
        return none_of(name, wish == BF_WISH_CLEANUP ? "test" : "failover");
    if (*count > 1 && wish != BF_WISH_CLEANUP)
        return bf_cli_usage(cli, "%s has %zu tests: name one by its job's number (bootferry jobs)",
                            name, *count);
    return BF_CLI_OK;
}

static int find(struct bf_cli *cli, enum bf_failover_wish wish, struct bf_failover **out,
                size_t *count)
{
    struct bf_fault fault;
    *out = NULL;
    *count = 1;
    if (!is_number(cli->argument[0]))
        return find_named(cli, wish, out, count);
    int status = bf_cli_open(cli);
    if (status)
        return status;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return BF_CLI_FAILED;
    enum bf_err err = bf_db_failover_get(cli->db, strtoll(cli->argument[0], NULL, 10), *out);
    if (err != BF_ERR_NOT_FOUND)
        return err ? bf_cli_fail(bf_db_fault(cli->db)) : BF_CLI_OK;
    bf_fault_set(&fault, err, BF_SIDE_CONFIG, "bootferry jobs lists them",
                 "job %s is no failover, or does not exist", cli->argument[0]);
    return bf_cli_fail(&fault);
}

// ---- Asking ------------------------------------------------------------------------------------

// A rollback says how much is lost by it, and wants the operator's word for that.
static int may_discard(struct bf_cli *cli, const struct bf_job *job, struct bf_failover *f)
{
    struct bf_fault fault;
    char bytes[BF_BYTES_TEXT];
    uint64_t written = 0;
    if (!bf_fo_discards(bf_fo_step_of(job), f->wish) || f->mode == BF_FAILOVER_TEST)
        return BF_CLI_OK;
    if (bf_runner_written(cli->state, job->id, &written, &fault))
        return bf_cli_fail(&fault);
    if (written == 0)
        return BF_CLI_OK;
    fprintf(cli->json ? stderr : stdout, "%s has written %s in its new home.\n", job->machine,
            bf_bytes_text(written, bytes));
    f->discard = bf_cli_has(cli, "--discard");
    if (f->discard)
        return BF_CLI_OK;
    bf_fault_set(&fault, BF_ERR_DENIED, BF_SIDE_CONFIG,
                 "if that may be lost: the same command with --discard",
                 "a %s would lose what the new machine has written", bf_fo_wish_name(f->wish));
    return bf_cli_fail(&fault);
}

static int put_wish(struct bf_cli *cli, const struct bf_job *job, struct bf_failover *f)
{
    struct bf_fault fault;
    struct bf_fo_answer answer;
    const char *to = bf_cli_value(cli, "--to", 0);
    if (bf_fo_ask(f->mode, bf_fo_step_of(job), f->wish, &answer, &fault))
        return bf_cli_fail(&fault);
    int status = may_discard(cli, job, f);
    if (status)
        return status;
    if (to && strlen(to) >= sizeof f->to)
        return bf_cli_usage(cli, "--to is too long");
    bf_snprintf(f->to, sizeof f->to, "%s", to ? to : "");
    if (bf_db_failover_wish(cli->db, f))
        return bf_cli_fail(bf_db_fault(cli->db));
    if (!bf_job_is_locked(cli->state, job->id) &&
        bf_runner_spawn(cli->state, job->id, NULL, 0, &fault))
        return bf_cli_fail(&fault);
    return BF_CLI_OK;
}

// How it ended: as was asked for, or not.
static int result(struct bf_cli *cli, const struct bf_failover *f)
{
    static const char *const wanted[BF_WISHES] = {
        [BF_WISH_COMMIT] = "committed",
        [BF_WISH_ROLLBACK] = "rolled-back",
        [BF_WISH_CLEANUP] = "cleaned-up",
    };
    struct bf_job job;
    int status = bf_cli_job_result(cli, f->job);
    if (bf_db_job_get(cli->db, f->job, &job))
        return bf_cli_fail(bf_db_fault(cli->db));
    if (f->wish == BF_WISH_CONFIRM)
        return status;
    if (f->wish == BF_WISH_CANCEL)
        return strcmp(job.step, "stuck") == 0 ? BF_CLI_FAILED : BF_CLI_OK;
    return strcmp(job.step, wanted[f->wish]) == 0 ? BF_CLI_OK : BF_CLI_FAILED;
}

static int ask(struct bf_cli *cli, enum bf_failover_wish wish, struct bf_failover *f)
{
    struct bf_job job;
    if (bf_db_job_get(cli->db, f->job, &job))
        return bf_cli_fail(bf_db_fault(cli->db));
    f->wish = wish;
    f->discard = 0;
    int status = put_wish(cli, &job, f);
    if (status || bf_cli_has(cli, "--no-wait"))
        return status;
    status = bf_cli_job_follow(cli, f->job, 1);
    return status ? status : result(cli, f);
}

static int run_wish(struct bf_cli *cli, enum bf_failover_wish wish)
{
    struct bf_failover *list;
    size_t count;
    int status = find(cli, wish, &list, &count);
    for (size_t i = 0; !status && i < count; i++)
        status = ask(cli, wish, &list[i]);
    free(list);
    return status;
}

#define WISH(word, wish)                                                                           \
    static int run_##word(struct bf_cli *cli)                                                      \
    {                                                                                              \
        return run_wish(cli, wish);                                                                \
    }
WISH(commit, BF_WISH_COMMIT)
WISH(rollback, BF_WISH_ROLLBACK)
WISH(cancel, BF_WISH_CANCEL)
WISH(cleanup, BF_WISH_CLEANUP)
WISH(confirm, BF_WISH_CONFIRM)

const struct bf_cli_command bf_command_commit = {
    .name = "commit",
    .usage = "NAME|JOB [--to DIR|POOL]",
    .summary = "Make a failover lasting",
    .details = "Copies the machine's disks off the replica's chain while it runs. Until that is\n"
               "done it can be stopped with bootferry cancel, and begun again.",
    .min = 1,
    .max = 1,
    .options = commit_options,
    .json = 1,
    .run = run_commit,
};
const struct bf_cli_command bf_command_rollback = {
    .name = "rollback",
    .usage = "NAME|JOB [--discard]",
    .summary = "Take the new machine away; the source may run again",
    .details =
        "Before a commit only. Says how much the new machine has written, which is lost, and\n"
        "wants --discard unless that is nothing.",
    .min = 1,
    .max = 1,
    .options = discard_options,
    .json = 1,
    .run = run_rollback,
};
const struct bf_cli_command bf_command_cancel = {
    .name = "cancel",
    .usage = "NAME|JOB [--discard]",
    .summary = "Stop a failover, in any phase",
    .details = "Nothing is left of the new machine. A commit that is stopped leaves it running on\n"
               "its overlays, as before.",
    .min = 1,
    .max = 1,
    .options = discard_options,
    .json = 1,
    .run = run_cancel,
};
const struct bf_cli_command bf_command_cleanup = {
    .name = "cleanup",
    .usage = "NAME|JOB",
    .summary = "End a test, or all tests of a machine",
    .min = 1,
    .max = 1,
    .options = plain_options,
    .json = 1,
    .run = run_cleanup,
};
const struct bf_cli_command bf_command_confirm = {
    .name = "confirm",
    .usage = "NAME|JOB",
    .summary = "Say that the new machine runs, where nothing else can show it",
    .min = 1,
    .max = 1,
    .options = plain_options,
    .json = 1,
    .run = run_confirm,
};
