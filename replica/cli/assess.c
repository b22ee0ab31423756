// SPDX-License-Identifier: Apache-2.0
// bootferry assess: what a medium with action=assess found out about a machine.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/cli/cli.h"
#include "replica/cli/duration.h"
#include "replica/cli/out.h"

enum { ASSESSMENT_MAX = 65536 };

static uint64_t number_of(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const char *duration(const json_t *object, const char *key, char out[BF_DURATION_TEXT])
{
    const json_t *seconds = json_object_get(object, key);
    if (!json_is_integer(seconds))
        return strcpy(out, "-");
    return bf_duration_text(json_integer_value(seconds), out);
}

static const char *rate(const json_t *object, const char *key, char out[BF_BYTES_TEXT + 2])
{
    char bytes[BF_BYTES_TEXT];
    uint64_t value = number_of(object, key);
    if (value)
        snprintf(out, BF_BYTES_TEXT + 2, "%s/s", bf_bytes_text(value, bytes));
    else
        snprintf(out, BF_BYTES_TEXT + 2, "-");
    return out;
}

static void print_disks(const json_t *json)
{
    size_t i;
    const json_t *disk;
    struct bf_table table;
    bf_table_begin(&table, ">DISK", ">SIZE", ">USED", ">READS", ">COMPRESSED", "IDENTITY", NULL);
    json_array_foreach(json_object_get(json, "disks"), i, disk)
    {
        char number[24], size[BF_BYTES_TEXT], used[BF_BYTES_TEXT], reads[BF_BYTES_TEXT + 2],
            packed[24] = "-";
        uint64_t sampled = number_of(disk, "sampled");
        snprintf(number, sizeof number, "%llu", (unsigned long long)number_of(disk, "number"));
        if (sampled)
            snprintf(packed, sizeof packed, "to %u %%",
                     (unsigned)(number_of(disk, "compressed") * 100 / sampled));
        bf_table_row(&table, number, bf_bytes_text(number_of(disk, "bytes"), size),
                     bf_bytes_text(number_of(disk, "used"), used), rate(disk, "read_rate", reads),
                     packed, text_of(disk, "name"));
    }
    bf_table_print(&table);
}

static void print_text(const char *name, const json_t *json)
{
    char a[BF_BYTES_TEXT], b[BF_BYTES_TEXT], fast[BF_BYTES_TEXT + 2], time[BF_DURATION_TEXT];
    uint64_t unseen = number_of(json, "unseen");
    printf("%s was assessed at %s.\n\n", name, text_of(json, "time"));
    print_disks(json);
    printf("\nIn use: %s of %s. The link to this server: %s.\n",
           bf_bytes_text(number_of(json, "used"), a), bf_bytes_text(number_of(json, "bytes"), b),
           rate(json, "link_rate", fast));
    printf("A first copy takes about %s; the machine is off for that time.\n",
           duration(json, "first_seconds", time));
    printf("A later copy takes at least %s, plus the time for what has changed by then. A\n"
           "planned failover takes that, and the start of the new machine.\n",
           duration(json, "later_seconds", time));
    if (unseen)
        printf("Not seen, and so not in these figures: %s.\n", text_of(json, "unseen_list"));
}

static int none(const char *name)
{
    struct bf_fault fault;
    bf_fault_set(&fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG, "", "%s has not been assessed yet",
                 name);
    bf_fault_todo(&fault,
                  "make a medium with bootferry media %s --iso FILE --set action=assess, and start "
                  "the machine from it",
                  name);
    return bf_cli_fail(&fault);
}

static int run(struct bf_cli *cli)
{
    struct bf_machine machine;
    char key[BF_NAME_MAX + 16];
    int status = bf_cli_open_machine(cli, cli->argument[0], &machine);
    char *text = status ? NULL : malloc(ASSESSMENT_MAX);
    if (!text)
        return status ? status : BF_CLI_FAILED;
    snprintf(key, sizeof key, "assessment/%s", machine.name);
    enum bf_err err = bf_db_meta_get(cli->db, key, text, ASSESSMENT_MAX);
    json_t *json = err ? NULL : json_loads(text, 0, NULL);
    free(text);
    if (err == BF_ERR_NOT_FOUND)
        return none(machine.name);
    if (!json)
        return bf_cli_fail(bf_db_fault(cli->db));
    json_object_set_new(json, "machine", json_string(machine.name));
    if (cli->json)
        return bf_json_print(json);
    print_text(machine.name, json);
    json_decref(json);
    return BF_CLI_OK;
}

const struct bf_cli_command bf_command_assess = {
    .name = "assess",
    .usage = "NAME",
    .summary = "Show what copying a machine would take, as it found out itself",
    .details =
        "A medium made with --set action=assess sees what is used on the machine's disks, times\n"
        "them and the link to this server for half a minute, and sends nothing of them. This\n"
        "command shows the newest result.",
    .min = 1,
    .max = 1,
    .json = 1,
    .run = run,
};
