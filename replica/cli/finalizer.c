// SPDX-License-Identifier: Apache-2.0
// The finalizer's VM as commands start it: the plan comes from a file, from options, or from both,
// and Ctrl-C stops it.
#include "replica/cli/finalizer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/core/report.h"
#include "finalize/plan/compose.h"
#include "replica/state/file.h"
#include "replica/state/waits.h"

enum { PLAN_MAX = 1 << 20, DEADLINE_MAX = 24 * 3600, OVERLAY_MAX = 1 << 24 };

// ---- The plan ----------------------------------------------------------------------------------

int bf_finalizer_compose(const struct bf_cli *cli, const char *kind, char **plan, size_t *len)
{
    struct bf_fault fault;
    struct bf_compose given = {.target = kind};
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

int bf_finalizer_plan(const struct bf_cli *cli, char **plan, size_t *len)
{
    return bf_finalizer_compose(cli, bf_cli_value(cli, "--target", 0), plan, len);
}

// ---- The run -----------------------------------------------------------------------------------

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

int bf_finalizer_limits(const struct bf_cli *cli, unsigned *deadline, uint64_t *overlay_mib)
{
    uint64_t seconds;
    if (!bf_cli_number(cli, "--deadline", 1, DEADLINE_MAX, BF_RUN_DEADLINE, &seconds) ||
        !bf_cli_number(cli, "--overlay", 1, OVERLAY_MAX, BF_RUN_OVERLAY_MIB, overlay_mib))
        return 0;
    *deadline = (unsigned)seconds;
    return 1;
}

int bf_finalizer_begin(const struct bf_cli *cli, struct bf_finalizer *f)
{
    struct bf_fault fault;
    if (!bf_finalizer_limits(cli, &f->run.deadline, &f->run.overlay_mib))
        return BF_CLI_USAGE;
    f->run.stop = &stop;
    return bf_finalizer_find_vm(f, bf_cli_value(cli, "--vm", 0), &fault) ? bf_cli_fail(&fault)
                                                                         : BF_CLI_OK;
}

int bf_finalizer_open(struct bf_cli *cli, struct bf_finalizer *f, const char *ref)
{
    struct bf_fault fault;
    struct bf_image_ref resolved;
    int status = bf_cli_open_ref(cli, ref, 0, &resolved);
    if (status)
        return status;
    return bf_finalizer_open_point(cli->state, f, &resolved, &fault) ? bf_cli_fail(&fault)
                                                                     : BF_CLI_OK;
}

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

int bf_finalizer_start(struct bf_cli *cli, struct bf_finalizer *f)
{
    int status = bf_finalizer_begin(cli, f);
    if (!status)
        status = bf_finalizer_open(cli, f, cli->argument[0]);
    if (!status)
        bf_finalizer_catch();
    return status;
}
