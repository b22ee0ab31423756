// SPDX-License-Identifier: Apache-2.0
// What all commands of the operator share: the options that were given, failures, the state.
#include "replica/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replica/state/owner.h"

// ---- What was given ----------------------------------------------------------------------------

const char *bf_cli_nth(const struct bf_cli *cli, const char *option, int n)
{
    for (int i = 0; i < cli->given_count; i++)
        if (strcmp(cli->given[i].option->name, option) == 0 && n-- == 0)
            return cli->given[i].value[0] ? cli->given[i].value[0] : "";
    return NULL;
}

const char *bf_cli_value(const struct bf_cli *cli, const char *option, int index)
{
    for (int i = 0; i < cli->given_count; i++)
        if (strcmp(cli->given[i].option->name, option) == 0)
            return cli->given[i].value[index];
    return NULL;
}

int bf_cli_has(const struct bf_cli *cli, const char *option)
{
    return bf_cli_nth(cli, option, 0) != NULL;
}

int bf_cli_number(const struct bf_cli *cli, const char *option, uint64_t min, uint64_t max,
                  uint64_t fallback, uint64_t *out)
{
    const char *text = bf_cli_value(cli, option, 0);
    char *end;
    *out = fallback;
    if (!text)
        return 1;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && value >= min && value <= max) {
        *out = value;
        return 1;
    }
    bf_cli_usage(cli, "%s %s: give a number from %llu to %llu", option, text,
                 (unsigned long long)min, (unsigned long long)max);
    return 0;
}

int bf_cli_usage(const struct bf_cli *cli, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "bootferry: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    if (cli->command)
        fprintf(stderr, "\nusage: bootferry %s %s\nSee: bootferry help %s\n", cli->command->name,
                cli->command->usage, cli->command->name);
    else
        fprintf(stderr, "\nSee: bootferry help\n");
    return BF_CLI_USAGE;
}

int bf_cli_fail(const struct bf_fault *fault)
{
    fprintf(stderr, "bootferry: %s.\n", fault->what);
    fprintf(stderr, "  side: %s (%s)\n", bf_side_name(fault->side), bf_err_name(fault->code));
    if (fault->todo[0])
        fprintf(stderr, "  next: %s\n", fault->todo);
    return BF_CLI_FAILED;
}

// ---- The state ---------------------------------------------------------------------------------

int bf_cli_open(struct bf_cli *cli)
{
    struct bf_fault fault;
    const char *path = bf_state_default_path(cli->state_option);
    bf_owner_enter(path);
    if (cli->state)
        return BF_CLI_OK;
    if (bf_state_open(path, BF_STATE_COMMAND, &cli->state, &fault))
        return bf_cli_fail(&fault);
    cli->db = bf_state_db(cli->state);
    return BF_CLI_OK;
}

int bf_cli_open_machine(struct bf_cli *cli, const char *name, struct bf_machine *out)
{
    struct bf_fault fault;
    if (!bf_machine_name_ok(name))
        return bf_cli_usage(cli, "\"%s\" cannot be a machine's name", name);
    int status = bf_cli_open(cli);
    if (status)
        return status;
    enum bf_err err = bf_db_machine_get(cli->db, name, out);
    if (err == BF_ERR_NOT_FOUND) {
        bf_fault_set(&fault, err, BF_SIDE_CONFIG,
                     "bootferry machine list shows them, machine add makes one",
                     "there is no machine \"%s\"", name);
        return bf_cli_fail(&fault);
    }
    return err ? bf_cli_fail(bf_db_fault(cli->db)) : BF_CLI_OK;
}

int bf_cli_open_ref(struct bf_cli *cli, const char *text, int object, struct bf_image_ref *out)
{
    struct bf_fault fault;
    struct bf_machine machine;
    if (bf_image_ref_parse(text, out))
        return bf_cli_usage(cli, "\"%s\" is not of the form NAME[@POINT%s]", text,
                            object ? "[/K]" : "");
    if (out->object && !object)
        return bf_cli_usage(cli, "\"%s\" names what was finalized; name a point", text);
    int status = bf_cli_open_machine(cli, out->machine, &machine);
    if (status)
        return status;
    return bf_image_resolve(cli->state, out, &fault) ? bf_cli_fail(&fault) : BF_CLI_OK;
}
