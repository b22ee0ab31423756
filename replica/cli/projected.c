// SPDX-License-Identifier: Apache-2.0
// bootferry projected: how long a cutover of the machine would take now, from what its runs and
// failovers took.
#include <stdio.h>
#include <string.h>

#include "replica/cli/duration.h"
#include "replica/cli/out.h"
#include "replica/jobs/estimate.h"

static const struct bf_cli_option options[] = {
    {"--target", "URI", 0, "where the machine is to live (qemu:)"},
    {NULL, NULL, 0, NULL},
};

static json_t *seconds(int64_t s)
{
    return s < 0 ? json_null() : json_integer(s);
}

static void print_line(const char *what, int64_t s, const char *without)
{
    char text[BF_DURATION_TEXT];
    printf("%-40s %s\n", what, s < 0 ? without : bf_duration_text(s, text));
}

static void print_text(const char *machine, const struct bf_estimate *e)
{
    char text[BF_DURATION_TEXT];
    int64_t known = e->run_s >= 0 && e->adapt_s >= 0 && e->start_s >= 0;
    print_line("the source's run, read and sent", e->run_s, "not known: it has had no run");
    print_line("the finalizer", e->adapt_s,
               "not known: nothing was failed over to that target yet");
    print_line("from its start until there is evidence", e->start_s, "not known");
    if (known)
        printf("%-40s %s\n", "planned, from the medium's start",
               bf_duration_text(e->run_s + e->adapt_s + e->start_s, text));
    if (e->adapt_s >= 0)
        printf("%-40s %s\n", "unplanned or test", bf_duration_text(e->adapt_s + e->start_s, text));
    if (e->samples && !e->own)
        printf("From failovers of other machines to the same target, since %s had none.\n",
               machine);
    else if (e->samples)
        printf("From %d of its failovers.\n", e->samples);
}

static int run(struct bf_cli *cli)
{
    struct bf_machine machine;
    struct bf_estimate e;
    const char *target = bf_cli_value(cli, "--target", 0);
    int status = bf_cli_open_machine(cli, cli->argument[0], &machine);
    if (status)
        return status;
    if (bf_estimate_make(cli->db, machine.name, target ? target : "qemu:", &e))
        return bf_cli_fail(bf_db_fault(cli->db));
    if (cli->json)
        return bf_json_print(json_pack("{s:s, s:o, s:o, s:o, s:i, s:b}", "machine", machine.name,
                                       "run", seconds(e.run_s), "adapt", seconds(e.adapt_s),
                                       "start", seconds(e.start_s), "samples", e.samples, "own",
                                       (int)e.own));
    print_text(machine.name, &e);
    return BF_CLI_OK;
}

const struct bf_cli_command bf_command_projected = {
    .name = "projected",
    .usage = "NAME [--target URI]",
    .summary = "Say how long a cutover would take now",
    .min = 1,
    .max = 1,
    .options = options,
    .json = 1,
    .run = run,
};
