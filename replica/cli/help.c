// SPDX-License-Identifier: Apache-2.0
// `bootferry help`: an overview that a stranger can start from, and one page per command.
#include "replica/cli/help.h"

#include <stdio.h>
#include <string.h>

#include "replica/cli/commands.h"

static void print_option(const struct bf_cli_option *o)
{
    char head[64];
    snprintf(head, sizeof head, "%s%s%s", o->name, o->values ? " " : "",
             o->values ? o->values : "");
    printf("  %-22s %s%s\n", head, o->help, o->repeat ? " (repeatable)" : "");
}

int bf_cli_help_command(const struct bf_cli_command *c)
{
    printf("bootferry %s %s\n\n%s.\n", c->name, c->usage, c->summary);
    if (c->details)
        printf("\n%s\n", c->details);
    printf("\nOptions:\n");
    for (const struct bf_cli_option *o = c->options; o && o->name; o++)
        print_option(o);
    if (c->json)
        printf("  %-22s %s\n", "--json", "JSON instead of text (docs/cli.md has the fields)");
    for (const struct bf_cli_option *o = bf_cli_common(); o->name; o++)
        print_option(o);
    if (c->more_help)
        c->more_help();
    return BF_CLI_OK;
}

static int help_overview(void)
{
    size_t count;
    const struct bf_cli_command *const *all = bf_cli_commands(&count);
    printf("bootferry moves Linux machines by booting them into a program that sends their disks\n"
           "to this replica server. A migration from beginning to end:\n\n"
           "  bootferry init --address replica.example.net     once; then start bootferryd\n"
           "  bootferry machine add web-1\n"
           "  bootferry media web-1 --iso web-1.iso            then boot web-1 from it\n"
           "  bootferry status web-1 --watch                   until the point is committed\n"
           "  bootferry plan web-1 >plan.json                  its addresses as they are, to be "
           "edited\n"
           "  bootferry failover web-1 --test --plan plan.json --watch       try it; bootferry "
           "cleanup web-1\n"
           "  bootferry failover web-1 --planned --plan plan.json --watch    let it live there\n"
           "  bootferry commit web-1                           for good; or bootferry rollback\n\n"
           "Commands:\n");
    for (size_t i = 0; i < count; i++)
        printf("  %-15s %s\n", all[i]->name, all[i]->summary);
    printf("  %-15s %s\n", "help [COMMAND]", "this text, or how to use a command");
    printf("\nNAME alone is the machine's latest recovery point, NAME@3 its third one, and "
           "NAME@3/1 the\n"
           "first result of finalizing that one. Exit status: 0 done, 1 failed, 2 wrong usage.\n\n"
           "Options of every command:\n");
    for (const struct bf_cli_option *o = bf_cli_common(); o->name; o++)
        print_option(o);
    return BF_CLI_OK;
}

int bf_cli_help_group(const char *word, FILE *out)
{
    size_t count, len = strlen(word);
    int found = 0;
    const struct bf_cli_command *const *all = bf_cli_commands(&count);
    for (size_t i = 0; i < count; i++)
        if (strncmp(all[i]->name, word, len) == 0 && all[i]->name[len] == ' ')
            found += fprintf(out, "bootferry %s %s\n    %s\n", all[i]->name, all[i]->usage,
                             all[i]->summary) > 0;
    return found;
}

int bf_cli_help(int argc, char **argv)
{
    char name[64];
    size_t count;
    const struct bf_cli_command *const *all = bf_cli_commands(&count);
    if (argc == 0)
        return help_overview();
    snprintf(name, sizeof name, "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    for (size_t i = 0; i < count && argc <= 2; i++)
        if (strcmp(all[i]->name, name) == 0)
            return bf_cli_help_command(all[i]);
    if (argc == 1 && bf_cli_help_group(name, stdout))
        return BF_CLI_OK;
    if (argc == 1 && strcmp(name, "help") == 0)
        return help_overview();
    fprintf(stderr, "bootferry: there is no command \"%s\"\nSee: bootferry help\n", name);
    return BF_CLI_USAGE;
}
