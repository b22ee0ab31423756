// SPDX-License-Identifier: Apache-2.0
// bootferry machine add|list|show|revoke|renew: who may send recovery points.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replica/cli/cli.h"
#include "base/fmt.h"
#include "replica/cli/accept.h"
#include "replica/cli/fence.h"
#include "replica/cli/out.h"
#include "replica/state/ask.h"

static int run_add(struct bf_cli *cli)
{
    struct bf_fault fault;
    const char *name = cli->argument[0];
    if (!bf_machine_name_ok(name))
        return bf_cli_usage(cli,
                            "\"%s\" cannot be a machine's name: use lower-case letters, digits, "
                            "'-' and '.', at most 63",
                            name);
    int status = bf_cli_open(cli);
    if (status)
        return status;
    enum bf_err err = bf_db_machine_add(cli->db, name, time(NULL));
    if (err == BF_ERR_EXISTS) {
        bf_fault_set(&fault, err, BF_SIDE_CONFIG, "choose another name, or use this machine",
                     "there is a machine \"%s\" already", name);
        return bf_cli_fail(&fault);
    }
    if (err)
        return bf_cli_fail(bf_db_fault(cli->db));
    printf("Added %s. Next: bootferry media %s --iso %s.iso\n", name, name, name);
    return BF_CLI_OK;
}

// ---- list --------------------------------------------------------------------------------------

struct summary {
    size_t disks, points;
    uint64_t bytes;
    uint32_t latest;
    int64_t latest_time;
};

static enum bf_err summarize(struct bf_db *db, const char *name, struct summary *out)
{
    struct bf_replica_disk *disk = NULL;
    struct bf_point *point = NULL;
    memset(out, 0, sizeof *out);
    enum bf_err err = bf_db_disk_list(db, name, &disk, &out->disks);
    for (size_t i = 0; !err && i < out->disks; i++)
        out->bytes += disk[i].geometry.disk_bytes;
    if (!err)
        err = bf_db_point_list(db, name, BF_POINT_SEALED, &point, &out->points);
    if (!err && out->points) {
        out->latest = point[out->points - 1].number;
        out->latest_time = point[out->points - 1].time;
    }
    free(disk);
    free(point);
    return err;
}

static const char *state_word(struct bf_db *db, const struct bf_machine *m)
{
    if (m->revoked)
        return "revoked";
    return bf_fence_is_up(db, m->name) ? "fenced" : "active";
}

static json_t *machine_json(struct bf_db *db, const struct bf_machine *m, const struct summary *s)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:i, s:I, s:i, s:o, s:o}", "name", m->name, "state",
                     m->revoked ? "revoked" : "active", "fence", bf_fence_json(db, m->name),
                     "created", bf_json_time(m->created), "revoked", bf_json_time(m->revoked),
                     "disks", (int)s->disks, "bytes", (json_int_t)s->bytes, "points",
                     (int)s->points, "latest_point",
                     s->latest ? json_integer(s->latest) : json_null(), "latest_time",
                     bf_json_time(s->latest_time));
}

static void machine_row(struct bf_table *t, const char *state, const struct bf_machine *m,
                        const struct summary *s)
{
    char disks[16], bytes[BF_BYTES_TEXT], latest[16] = "-", when[BF_TIME_TEXT];
    snprintf(disks, sizeof disks, "%zu", s->disks);
    if (s->latest)
        snprintf(latest, sizeof latest, "@%u", s->latest);
    bf_table_row(t, m->name, state, disks, s->disks ? bf_bytes_text(s->bytes, bytes) : "-", latest,
                 bf_time_text(s->latest_time, when));
}

static int run_list(struct bf_cli *cli)
{
    struct bf_machine *list = NULL;
    struct bf_table table;
    struct summary s;
    size_t count = 0;
    int status = bf_cli_open(cli);
    if (status)
        return status;
    json_t *array = json_array();
    enum bf_err err = bf_db_machine_list(cli->db, &list, &count);
    bf_table_begin(&table, "MACHINE", "STATE", ">DISKS", ">SIZE", ">POINT", "SEALED", NULL);
    for (size_t i = 0; !err && i < count; i++) {
        err = summarize(cli->db, list[i].name, &s);
        machine_row(&table, state_word(cli->db, &list[i]), &list[i], &s);
        json_array_append_new(array, machine_json(cli->db, &list[i], &s));
    }
    free(list);
    if (!err && cli->json)
        status = bf_json_print(json_pack("{s:O}", "machines", array));
    json_decref(array);
    if (err)
        return bf_cli_fail(bf_db_fault(cli->db));
    if (cli->json) {
        bf_table_free(&table);
        return status;
    }
    bf_table_print(&table);
    if (count == 0)
        printf("There is no machine yet: bootferry machine add NAME\n");
    return BF_CLI_OK;
}

// ---- show --------------------------------------------------------------------------------------

static json_t *certificates_json(const struct bf_certificate *c, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            array, json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "serial", c[i].serial, "sha256",
                             bf_json_hex(c[i].fingerprint, 32), "origin", c[i].origin, "created",
                             bf_json_time(c[i].created), "not_after", bf_json_time(c[i].not_after),
                             "revoked", bf_json_time(c[i].revoked)));
    return array;
}

static json_t *enrolments_json(const struct bf_enrolment *e, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:i, s:i, s:o}", "created",
                                               bf_json_time(e[i].created), "not_before",
                                               bf_json_time(e[i].not_before), "not_after",
                                               bf_json_time(e[i].not_after), "uses", (int)e[i].uses,
                                               "uses_max", (int)e[i].uses_max, "revoked",
                                               bf_json_time(e[i].revoked)));
    return array;
}

static json_t *disks_json(const struct bf_replica_disk *d, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct bf_disk_identity *id = &d[i].identity;
        char guid[37] = "";
        if (id->has_gpt)
            bf_guid_text(guid, id->gpt_guid);
        json_array_append_new(
            array, json_pack("{s:i, s:I, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "disk",
                             (int)d[i].number, "bytes", (json_int_t)d[i].geometry.disk_bytes,
                             "block_size", (int)d[i].geometry.block_size, "chunk_size",
                             (int)d[i].geometry.chunk_size, "model", bf_json_text(id->model),
                             "serial", bf_json_text(id->serial), "wwn", bf_json_text(id->wwn),
                             "gpt", bf_json_text(guid), "path", bf_json_text(id->path)));
    }
    return array;
}

struct details {
    struct bf_certificate *certificate;
    struct bf_enrolment *enrolment;
    struct bf_replica_disk *disk;
    size_t certificates, enrolments, disks;
};

static enum bf_err load_details(struct bf_db *db, const char *name, struct details *d)
{
    enum bf_err err;
    memset(d, 0, sizeof *d);
    if ((err = bf_db_certificate_list(db, name, &d->certificate, &d->certificates)) ||
        (err = bf_db_enrolment_list(db, name, &d->enrolment, &d->enrolments)))
        return err;
    return bf_db_disk_list(db, name, &d->disk, &d->disks);
}

static void print_disks(const struct details *d)
{
    struct bf_table table;
    if (d->disks == 0) {
        printf("No disk is known yet: the machine has not been booted from a medium.\n");
        return;
    }
    bf_table_begin(&table, ">DISK", ">SIZE", ">BLOCK", "IDENTITY", NULL);
    for (size_t i = 0; i < d->disks; i++) {
        char number[16], bytes[BF_BYTES_TEXT], block[16], text[BF_TABLE_CELL];
        snprintf(number, sizeof number, "%u", d->disk[i].number);
        snprintf(block, sizeof block, "%u", d->disk[i].geometry.block_size);
        bf_identity_text(text, sizeof text, &d->disk[i].identity);
        bf_table_row(&table, number, bf_bytes_text(d->disk[i].geometry.disk_bytes, bytes), block,
                     text);
    }
    bf_table_print(&table);
}

static void print_identities(const struct details *d)
{
    struct bf_table table;
    char created[BF_TIME_TEXT], until[BF_TIME_TEXT], state[64];
    if (d->certificates + d->enrolments == 0) {
        printf("It has no medium yet. See: bootferry help media\n");
        return;
    }
    bf_table_begin(&table, "IDENTITY", "MADE", "VALID UNTIL", "STATE", NULL);
    for (size_t i = 0; i < d->certificates; i++) {
        const struct bf_certificate *c = &d->certificate[i];
        bf_table_row(&table, c->origin, bf_time_text(c->created, created),
                     bf_time_text(c->not_after, until), c->revoked ? "revoked" : "good");
    }
    for (size_t i = 0; i < d->enrolments; i++) {
        const struct bf_enrolment *e = &d->enrolment[i];
        snprintf(state, sizeof state, "%s, %u of %u used",
                 e->revoked                  ? "revoked"
                 : e->not_after < time(NULL) ? "expired"
                 : e->uses >= e->uses_max    ? "used up"
                                             : "good",
                 e->uses, e->uses_max);
        bf_table_row(&table, "enrolment key", bf_time_text(e->created, created),
                     bf_time_text(e->not_after, until), state);
    }
    bf_table_print(&table);
}

static int run_show(struct bf_cli *cli)
{
    struct bf_machine machine;
    struct details d;
    struct summary s;
    char when[BF_TIME_TEXT];
    int status = bf_cli_open_machine(cli, cli->argument[0], &machine);
    if (status)
        return status;
    if (load_details(cli->db, machine.name, &d) || summarize(cli->db, machine.name, &s))
        return bf_cli_fail(bf_db_fault(cli->db));
    json_t *refused = bf_refused_disks(cli->db, machine.name);
    if (cli->json) {
        json_t *json = machine_json(cli->db, &machine, &s);
        json_object_set_new(json, "refused_disks", bf_refused_disks_json(refused));
        json_object_set_new(json, "disk_list", disks_json(d.disk, d.disks));
        json_object_set_new(json, "certificates", certificates_json(d.certificate, d.certificates));
        json_object_set_new(json, "enrolments", enrolments_json(d.enrolment, d.enrolments));
        status = bf_json_print(json);
    } else {
        printf("%s, %s, added %s, %zu recovery point%s\n\n", machine.name,
               state_word(cli->db, &machine), bf_time_text(machine.created, when), s.points,
               bf_plural(s.points));
        bf_fence_print(cli->db, machine.name, "");
        if (bf_fence_is_up(cli->db, machine.name))
            printf("\n");
        print_disks(&d);
        printf("\n");
        if (refused) {
            bf_refused_disks_print(refused, machine.name);
            printf("\n");
        }
        print_identities(&d);
        json_decref(refused);
    }
    free(d.certificate);
    free(d.enrolment);
    free(d.disk);
    return status;
}

// ---- revoke, renew -----------------------------------------------------------------------------

static int run_revoke(struct bf_cli *cli)
{
    struct bf_machine machine;
    int status = bf_cli_open_machine(cli, cli->argument[0], &machine);
    if (status)
        return status;
    if (bf_db_machine_revoke(cli->db, machine.name, time(NULL)))
        return bf_cli_fail(bf_db_fault(cli->db));
    int process;
    char name[BF_CONTROL_NAME];
    if (bf_control_nudge(cli->state, &process) == BF_ERR_TIMEOUT)
        printf("Revoked %s: its media and enrolment keys are useless. Live sessions are not closed "
               "yet:\n"
               "%s does not answer; they end as soon as it does, or when it is stopped.\n",
               machine.name, bf_control_name(process, name));
    else
        printf("Revoked %s: its media and enrolment keys are useless, and its live sessions are "
               "closed.\n",
               machine.name);
    printf("Its recovery points stay. To let it in again: bootferry machine renew %s\n",
           machine.name);
    return BF_CLI_OK;
}

static int run_renew(struct bf_cli *cli)
{
    struct bf_machine machine;
    int status = bf_cli_open_machine(cli, cli->argument[0], &machine);
    if (status)
        return status;
    if (!machine.revoked) {
        printf("%s was not revoked; nothing was changed.\n", machine.name);
        return BF_CLI_OK;
    }
    if (bf_db_machine_renew(cli->db, machine.name))
        return bf_cli_fail(bf_db_fault(cli->db));
    printf("%s may have media again; the old ones stay revoked.\n"
           "Next: bootferry media %s --iso %s.iso\n",
           machine.name, machine.name, machine.name);
    return BF_CLI_OK;
}

const struct bf_cli_command bf_command_machine_add = {
    .name = "machine add",
    .usage = "NAME",
    .summary = "Add a machine",
    .details =
        "The name consists of lower-case letters, digits, '-' and '.', at most 63 characters. It\n"
        "need not be the machine's own host name.",
    .min = 1,
    .max = 1,
    .run = run_add,
};
const struct bf_cli_command bf_command_machine_list = {
    .name = "machine list",
    .usage = "",
    .summary = "List the machines, their disks and their latest points",
    .json = 1,
    .run = run_list,
};
const struct bf_cli_command bf_command_machine_show = {
    .name = "machine show",
    .usage = "NAME",
    .summary = "Show a machine's disks, certificates and enrolment keys",
    .min = 1,
    .max = 1,
    .json = 1,
    .run = run_show,
};
const struct bf_cli_command bf_command_machine_revoke = {
    .name = "machine revoke",
    .usage = "NAME",
    .summary = "End a machine's right to send: its media, keys and live sessions",
    .details = "Recovery points stay, and can be finalized and exported as before.",
    .min = 1,
    .max = 1,
    .run = run_revoke,
};
const struct bf_cli_command bf_command_machine_renew = {
    .name = "machine renew",
    .usage = "NAME",
    .summary = "Allow a revoked machine new media; the old ones stay revoked",
    .min = 1,
    .max = 1,
    .run = run_renew,
};
