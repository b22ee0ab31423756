// SPDX-License-Identifier: Apache-2.0
// bootferry: the command line of an operator. This file has the table of commands, the parser and
// what all commands share; each command is in a file of its own.
#include "replica/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replica/cli_help.h"
#include "replica/cli_interrupt.h"
#include "replica/owner.h"

static const struct bf_cli_command *const commands[] = {
    &bf_command_init,         &bf_command_machine_add,    &bf_command_machine_list,
    &bf_command_machine_show, &bf_command_machine_accept,
    &bf_command_machine_revoke, &bf_command_machine_renew,
    &bf_command_media,        &bf_command_status,         &bf_command_points,
    &bf_command_verify,       &bf_command_finalize,       &bf_command_export,
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

const struct bf_cli_command *const *bf_cli_commands(size_t *count)
{
    *count = COMMANDS;
    return commands;
}

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

// ---- The parser --------------------------------------------------------------------------------

static const struct bf_cli_option common[] = {
    {"--state", "DIR", 0, "the state's folder (else BOOTFERRY_STATE, /var/lib/bootferry)"},
    {"--help", NULL, 0, "this text"},
    {NULL, NULL, 0, NULL},
};
static const struct bf_cli_option json_option = {"--json", NULL, 0, "JSON instead of a table"};

const struct bf_cli_option *bf_cli_common(void)
{
    return common;
}

// The command whose words begin argv; *used gets their number.
static const struct bf_cli_command *find_command(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const char *name = commands[i]->name;
        size_t first = strcspn(name, " ");
        if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], name, first) != 0)
            continue;
        if (!name[first]) {
            *used = 1;
            return commands[i];
        }
        if (argc > 1 && strcmp(argv[1], name + first + 1) == 0) {
            *used = 2;
            return commands[i];
        }
    }
    return NULL;
}

static const struct bf_cli_option *find_option(const struct bf_cli *cli, const char *name,
                                               size_t len)
{
    const struct bf_cli_option *lists[] = {cli->command->options, common};
    for (size_t l = 0; l < 2; l++)
        for (const struct bf_cli_option *o = lists[l]; o && o->name; o++)
            if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
                return o;
    if (cli->command->json && len == strlen(json_option.name) &&
        strncmp(name, json_option.name, len) == 0)
        return &json_option;
    return NULL;
}

static int values_of(const struct bf_cli_option *option)
{
    if (!option->values)
        return 0;
    return strchr(option->values, ' ') ? 2 : 1;
}

static int remember(struct bf_cli *cli, const struct bf_cli_given *given)
{
    const char *name = given->option->name;
    if (given->option == &json_option)
        cli->json = 1;
    else if (strcmp(name, "--state") == 0)
        cli->state_option = given->value[0];
    else if (bf_cli_has(cli, name) && !given->option->repeat)
        return bf_cli_usage(cli, "%s is given twice", name);
    else if (cli->given_count == BF_CLI_GIVEN)
        return bf_cli_usage(cli, "there are too many options");
    else
        cli->given[cli->given_count++] = *given;
    return BF_CLI_OK;
}

// One option with its values at argv[*at], also as --name=VALUE.
static int take_option(struct bf_cli *cli, int argc, char **argv, int *at)
{
    const char *text = argv[*at];
    size_t len = strcspn(text, "=");
    struct bf_cli_given given = {.option = find_option(cli, text, len)};
    if (!given.option)
        return bf_cli_usage(cli, "there is no option %.*s", (int)len, text);
    int wanted = values_of(given.option), have = 0;
    if (text[len] == '=') {
        if (wanted != 1)
            return bf_cli_usage(cli, "%s takes no value of that form", given.option->name);
        given.value[have++] = text + len + 1;
    }
    for (; have < wanted; have++) {
        if (*at + 1 >= argc)
            return bf_cli_usage(cli, "%s lacks its %s", given.option->name, given.option->values);
        given.value[have] = argv[++*at];
    }
    return remember(cli, &given);
}

static int parse(struct bf_cli *cli, int argc, char **argv)
{
    int only_arguments = 0;
    for (int i = 0; i < argc; i++) {
        int status = BF_CLI_OK;
        if (!only_arguments && strcmp(argv[i], "--") == 0)
            only_arguments = 1;
        else if (!only_arguments && argv[i][0] == '-' && argv[i][1])
            status = take_option(cli, argc, argv, &i);
        else if (cli->count < cli->command->max)
            cli->argument[cli->count++] = argv[i];
        else
            status = bf_cli_usage(cli, "\"%s\" is one argument too many", argv[i]);
        if (status)
            return status;
    }
    if (cli->count < cli->command->min && !bf_cli_has(cli, "--help"))
        return bf_cli_usage(cli, "an argument is missing");
    return BF_CLI_OK;
}

static int run(struct bf_cli *cli, int argc, char **argv)
{
    int used;
    // --state may stand before the command, as with a wrapper or an alias.
    if (argc > 1 && strcmp(argv[0], "--state") == 0) {
        cli->state_option = argv[1];
        argc -= 2;
        argv += 2;
    }
    if (argc == 0)
        return bf_cli_usage(cli, "name a command");
    if (strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0 ||
        strcmp(argv[0], "-h") == 0)
        return bf_cli_help(argc - 1, argv + 1);
    if (strcmp(argv[0], "--version") == 0) {
        printf("bootferry " BF_VERSION "\n");
        return BF_CLI_OK;
    }
    cli->command = find_command(argc, argv, &used);
    if (!cli->command && argc == 1 && bf_cli_help_group(argv[0], stderr))
        return BF_CLI_USAGE;
    if (!cli->command)
        return bf_cli_usage(cli, "there is no command \"%s%s%s\"", argv[0], argc > 1 ? " " : "",
                            argc > 1 && argv[1][0] != '-' ? argv[1] : "");
    int status = parse(cli, argc - used, argv + used);
    if (status)
        return status;
    if (bf_cli_has(cli, "--help"))
        return bf_cli_help_command(cli->command);
    return cli->command->run(cli);
}

int main(int argc, char **argv)
{
    struct bf_cli cli = {0};
    int status = run(&cli, argc - 1, argv + 1);
    bf_state_close(cli.state);
    bf_cli_interrupt_finish();
    // A listing that could not be written is a failure too.
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "bootferry: cannot write the output: %s\n", strerror(errno));
        return BF_CLI_FAILED;
    }
    return status;
}
