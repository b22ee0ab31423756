// SPDX-License-Identifier: Apache-2.0
// bootferry machine accept: the operator overrules the refusal of a machine's disks. What is
// accepted is exactly the set that was refused last, no other; the daemon forgets it with the point
// that is made of it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replica/cli/cli.h"
#include "replica/cli/accept.h"
#include "replica/cli/out.h"
#include "replica/state/disks_key.h"

static json_t *load(struct bf_db *db, const char *key)
{
    char *text = calloc(1, BF_DISKS_TEXT_MAX);
    json_t *json = NULL;
    if (text && bf_db_meta_get(db, key, text, BF_DISKS_TEXT_MAX) == BF_OK)
        json = json_loads(text, 0, NULL);
    free(text);
    return json;
}

json_t *bf_refused_disks(struct bf_db *db, const char *machine)
{
    char key[BF_DISKS_KEY_MAX];
    bf_disks_refused_key(key, machine);
    json_t *json = load(db, key), *accepted;
    bf_disks_accepted_key(key, machine);
    accepted = json ? load(db, key) : NULL;
    if (json) {
        const json_t *digest = json_object_get(json, "digest");
        int same = digest && json_equal(digest, json_object_get(accepted, "digest"));
        json_object_set_new(json, "accepted", json_boolean(same));
    }
    json_decref(accepted);
    return json;
}

// What the daemon compares: see replica/state/disks_key.h.
static enum bf_err accept(struct bf_db *db, const char *machine, const json_t *refused)
{
    char key[BF_DISKS_KEY_MAX];
    json_t *json = json_pack("{s:O, s:O}", "digest", json_object_get(refused, "digest"),
                             "identities", json_object_get(refused, "identities"));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    bf_disks_accepted_key(key, machine);
    enum bf_err err = text ? bf_db_meta_set(db, key, text) : BF_ERR_NO_MEMORY;
    free(text);
    json_decref(json);
    return err;
}

json_t *bf_refused_disks_json(json_t *refused)
{
    if (!refused)
        return json_null();
    json_object_del(refused, "identities"); // the lines say the same to people
    json_t *time = bf_json_time(json_integer_value(json_object_get(refused, "time")));
    json_object_set_new(refused, "time", time);
    return refused;
}

void bf_refused_disks_print(const json_t *refused, const char *machine)
{
    const json_t *disk;
    size_t i;
    char when[BF_TIME_TEXT];
    const char *reason = json_string_value(json_object_get(refused, "reason"));
    printf("Its disks were refused on %s: %s.\nIt came with:\n",
           bf_time_text(json_integer_value(json_object_get(refused, "time")), when),
           reason ? reason : "no reason was recorded");
    json_array_foreach(json_object_get(refused, "disks"), i, disk)
    {
        printf("  %s\n", json_is_string(disk) ? json_string_value(disk) : "a disk");
    }
    if (json_is_true(json_object_get(refused, "accepted")))
        printf("These are accepted for the next point.\n");
    else
        printf("If that is intended: bootferry machine accept %s\n", machine);
}

static int run_accept(struct bf_cli *cli)
{
    struct bf_machine machine;
    struct bf_fault fault;
    int status = bf_cli_open_machine(cli, cli->argument[0], &machine);
    if (status)
        return status;
    json_t *refused = bf_refused_disks(cli->db, machine.name);
    if (!json_is_array(json_object_get(refused, "identities"))) {
        json_decref(refused);
        bf_fault_set(&fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG,
                     "start the machine; when its disks are refused, run this command again",
                     "no disks of %s have been refused since its latest point", machine.name);
        return bf_cli_fail(&fault);
    }
    enum bf_err err = accept(cli->db, machine.name, refused);
    json_object_set_new(refused, "accepted", json_true());
    if (!err && cli->json)
        status = bf_json_print(json_pack("{s:s, s:O}", "machine", machine.name, "disks",
                                         bf_refused_disks_json(refused)));
    else if (!err) {
        bf_refused_disks_print(refused, machine.name);
        printf("Earlier points do not change. Next: start %s again.\n", machine.name);
    }
    json_decref(refused);
    return err ? bf_cli_fail(bf_db_fault(cli->db)) : status;
}

const struct bf_cli_command bf_command_machine_accept = {
    .name = "machine accept",
    .usage = "NAME",
    .summary = "Accept the set of disks that was refused last",
    .details =
        "After its first point a machine's disks are binding: a disk that is missing, replaced,\n"
        "smaller or additional is refused. This accepts exactly the set that was refused last,\n"
        "whichever driver shows it, for the next point: a disk that is not recognised is copied\n"
        "as a new disk, and one that is missing is left out. Earlier points do not change.",
    .min = 1,
    .max = 1,
    .json = 1,
    .run = run_accept,
};
