// SPDX-License-Identifier: Apache-2.0
// bootferry: the command line of an operator. The parser, and the way to a command.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "replica/cli/commands.h"
#include "replica/cli/help.h"
#include "replica/cli/interrupt.h"

static const struct bf_cli_option json_option = {"--json", NULL, 0, "JSON instead of a table"};

// The command whose words begin argv; *used gets their number.
static const struct bf_cli_command *find_command(int argc, char **argv, int *used)
{
    size_t count;
    const struct bf_cli_command *const *all = bf_cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        const char *name = all[i]->name;
        size_t first = strcspn(name, " ");
        if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], name, first) != 0)
            continue;
        if (!name[first]) {
            *used = 1;
            return all[i];
        }
        if (argc > 1 && strcmp(argv[1], name + first + 1) == 0) {
            *used = 2;
            return all[i];
        }
    }
    return NULL;
}

static const struct bf_cli_option *find_option(const struct bf_cli *cli, const char *name,
                                               size_t len)
{
    const struct bf_cli_option *lists[] = {cli->command->options, bf_cli_common()};
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
            return bf_cli_usage(cli, "%s needs its %s", given.option->name, given.option->values);
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
            status = bf_cli_usage(cli, "unexpected argument \"%s\"", argv[i]);
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
