// SPDX-License-Identifier: Apache-2.0
// bootferry points: the recovery points of a machine, their disks, and what was finalized from
// them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/cli/cli.h"
#include "replica/cli/finalizer.h"
#include "replica/cli/found.h"
#include "replica/cli/out.h"
#include "replica/points/inventory.h"
#include "replica/points/found_text.h"
#include "replica/points/grew.h"

enum { UNREADABLE_LINES = 20 };

struct listing {
    struct bf_point *point;
    struct bf_object *object;
    size_t points, objects;
};

// What the reference names: all points, or one of them.
static enum bf_err load(struct bf_db *db, const struct bf_image_ref *ref, int one,
                        struct listing *out)
{
    memset(out, 0, sizeof *out);
    enum bf_err err =
        bf_db_point_list(db, ref->machine, BF_POINT_SEALED, &out->point, &out->points);
    if (!err)
        err = bf_db_object_list(db, ref->machine, 0, &out->object, &out->objects);
    for (size_t i = 0; !err && one && i < out->points; i++)
        if (out->point[i].number == ref->point) {
            out->point[0] = out->point[i];
            out->points = 1;
        }
    return err;
}

static int belongs(const struct bf_object *o, const struct bf_point *p,
                   const struct bf_image_ref *ref)
{
    return o->state == BF_OBJECT_READY && o->point == p->number &&
           (ref->object == 0 || o->number == ref->object);
}

// Where the finalizer's report of an object lies.
static void report_path(const struct bf_cli *cli, const struct bf_object *o, char *out, size_t size)
{
    bf_snprintf(out, size, "%s/machines/%s/finalized-%u-%u/report.json", bf_state_path(cli->state),
                o->machine, o->point, o->number);
}

// ---- JSON --------------------------------------------------------------------------------------

static json_t *disk_json(const struct bf_cli *cli, const struct bf_point *p,
                         const struct bf_point_disk *d)
{
    char guid[37] = "";
    if (d->identity.has_gpt)
        bf_guid_text(guid, d->identity.gpt_guid);
    return json_pack(
        "{s:i, s:I, s:I, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "disk", (int)d->disk,
        "bytes", (json_int_t)d->bytes, "data_bytes", (json_int_t)d->data_bytes, "unused_bytes",
        bf_json_known(d->unused_bytes), "new_bytes", bf_json_known(d->new_bytes), "block_size",
        (int)d->identity.block_size, "root", bf_json_hex(d->root.bytes, 32), "model",
        bf_json_text(d->identity.model), "serial", bf_json_text(d->identity.serial), "wwn",
        bf_json_text(d->identity.wwn), "gpt", bf_json_text(guid), "path",
        bf_json_text(d->identity.path), "places", bf_places_json(cli->db, p->session, d->disk));
}

static json_t *object_json(const struct bf_cli *cli, const struct bf_object *o)
{
    char ref[96], report[4200];
    struct bf_image_ref name = {.point = o->point, .object = o->number};
    bf_snprintf(name.machine, sizeof name.machine, "%s", o->machine);
    bf_image_ref_text(&name, ref);
    report_path(cli, o, report, sizeof report);
    return json_pack("{s:i, s:s, s:o, s:s}", "number", (int)o->number, "ref", ref, "created",
                     bf_json_time(o->created), "report", report);
}

// The source's disks that were left out of the point.
static json_t *excluded_json(const json_t *inventory)
{
    size_t i;
    json_t *disk, *excluded = json_array();
    json_array_foreach(json_object_get(inventory, "disks"), i, disk)
    {
        if (!json_is_true(json_object_get(disk, "planned")))
            json_array_append(excluded, disk);
    }
    return excluded;
}

// What the source could not read: zero in the point.
static json_t *unreadable_json(const struct bf_cli *cli, const struct bf_point *p)
{
    struct bf_unreadable_row *row = NULL;
    size_t rows = 0;
    json_t *list = json_array();
    bf_db_unreadable_list(cli->db, p->session, &row, &rows);
    for (size_t i = 0; i < rows; i++)
        json_array_append_new(list, json_pack("{s:i, s:I, s:I}", "disk", (int)row[i].disk, "offset",
                                              (json_int_t)row[i].offset, "bytes",
                                              (json_int_t)row[i].bytes));
    free(row);
    return list;
}

// Why its run brought more than the one before, null when it did not.
static json_t *grew_json(const struct bf_cli *cli, const struct bf_point *p)
{
    char why[512];
    return bf_point_grew(cli->db, p, why, sizeof why) ? bf_json_text(why) : json_null();
}

static json_t *point_json(const struct bf_cli *cli, const struct listing *l,
                          const struct bf_point *p, const struct bf_image_ref *ref)
{
    char name[96];
    struct bf_image_ref own = {.point = p->number};
    json_t *disks = json_array(), *objects = json_array();
    bf_snprintf(own.machine, sizeof own.machine, "%s", p->machine);
    bf_image_ref_text(&own, name);
    for (uint16_t i = 0; i < p->disks; i++)
        json_array_append_new(disks, disk_json(cli, p, &p->disk[i]));
    for (size_t i = 0; i < l->objects; i++)
        if (belongs(&l->object[i], p, ref))
            json_array_append_new(objects, object_json(cli, &l->object[i]));
    json_t *inventory = bf_point_inventory(cli->db, p);
    json_t *excluded = excluded_json(inventory);
    json_t *secure_boot = bf_finalizer_secure_boot(cli->state, p->machine, p->number);
    return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o?}", "point",
                     (int)p->number, "ref", name, "time", bf_json_time(p->time), "source_clock",
                     bf_json_time(p->source_clock), "root", bf_json_hex(p->root.bytes, 32), "disks",
                     disks, "finalized", objects, "excluded", excluded, "unreadable",
                     unreadable_json(cli, p), "unseen", bf_unseen_json(cli->db, p->session), "grew",
                     grew_json(cli, p), "secure_boot", secure_boot ? secure_boot : json_null(),
                     "source", inventory);
}

static int print_json(const struct bf_cli *cli, const struct listing *l,
                      const struct bf_image_ref *ref)
{
    json_t *points = json_array();
    for (size_t i = 0; i < l->points; i++)
        json_array_append_new(points, point_json(cli, l, &l->point[i], ref));
    return bf_json_print(json_pack("{s:s, s:o}", "machine", ref->machine, "points", points));
}

// ---- Text --------------------------------------------------------------------------------------

static void print_table(const struct listing *l, const struct bf_image_ref *ref)
{
    struct bf_table t;
    bf_table_begin(&t, "POINT", "SEALED", "SOURCE'S CLOCK", ">DISKS", ">SIZE", ">DATA",
                   ">FINALIZED", NULL);
    for (size_t i = 0; i < l->points; i++) {
        const struct bf_point *p = &l->point[i];
        char name[96], sealed[BF_TIME_TEXT], clock[BF_TIME_TEXT], disks[16], size[BF_BYTES_TEXT],
            data[BF_BYTES_TEXT], made[16];
        uint64_t bytes = 0, data_bytes = 0;
        size_t objects = 0;
        for (uint16_t k = 0; k < p->disks; k++) {
            bytes += p->disk[k].bytes;
            data_bytes += p->disk[k].data_bytes;
        }
        for (size_t k = 0; k < l->objects; k++)
            objects += (size_t)belongs(&l->object[k], p, ref);
        bf_snprintf(name, sizeof name, "%s@%u", p->machine, p->number);
        bf_snprintf(disks, sizeof disks, "%u", p->disks);
        bf_snprintf(made, sizeof made, "%zu", objects);
        bf_table_row(&t, name, bf_time_text(p->time, sealed), bf_time_text(p->source_clock, clock),
                     disks, bf_bytes_text(bytes, size), bf_bytes_text(data_bytes, data), made);
    }
    bf_table_print(&t);
}

static void print_disks(const struct bf_point *p)
{
    struct bf_table t;
    bf_table_begin(&t, ">DISK", ">SIZE", ">DATA", ">LEFT OUT", ">NEW", "IDENTITY", "ROOT DIGEST",
                   NULL);
    for (uint16_t i = 0; i < p->disks; i++) {
        char number[16], size[BF_BYTES_TEXT], data[BF_BYTES_TEXT], unused[BF_BYTES_TEXT],
            fresh[BF_BYTES_TEXT], text[BF_TABLE_CELL], root[65];
        bf_snprintf(number, sizeof number, "%u", p->disk[i].disk);
        bf_identity_text(text, sizeof text, &p->disk[i].identity);
        bf_hex(root, p->disk[i].root.bytes, 32);
        bf_table_row(&t, number, bf_bytes_text(p->disk[i].bytes, size),
                     bf_bytes_text(p->disk[i].data_bytes, data),
                     bf_known_text(p->disk[i].unused_bytes, unused),
                     bf_known_text(p->disk[i].new_bytes, fresh), text, root);
    }
    bf_table_print(&t);
}

static void print_grew(const struct bf_cli *cli, const struct bf_point *p)
{
    char why[512];
    if (bf_point_grew(cli->db, p, why, sizeof why))
        printf("\nwhy the point grew: %s\n", why);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

// The NICs are what a plan's nics[].match names.
static void print_source(const json_t *inventory)
{
    size_t i;
    const json_t *nic;
    if (!inventory)
        return;
    const char *vendor = text_of(inventory, "vendor"), *product = text_of(inventory, "product");
    printf("\n");
    if (vendor[0] || product[0])
        printf("source: %s%s%s\n", vendor, vendor[0] && product[0] ? " " : "", product);
    json_array_foreach(json_object_get(inventory, "nics"), i, nic)
        printf("NIC: %s\n", text_of(nic, "mac"));
}

// What the source's firmware starts: a new machine has no such entry, so that its disk has to be
// found by the fallback path.
static void print_boot_entries(const json_t *inventory)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(inventory, "boot_entries"), i, entry)
    {
        const char *path = text_of(entry, "path");
        printf("boot entry: %s %s%s%s%s%s\n", text_of(entry, "number"), text_of(entry, "name"),
               path[0] ? ", " : "", path,
               json_is_true(json_object_get(entry, "active")) ? "" : " (inactive)",
               json_is_true(json_object_get(entry, "current")) ? " (started Bootferry)" : "");
    }
}

// As the last inspection, check or finalization of the point found it.
static void print_secure_boot(const struct bf_cli *cli, const struct bf_point *p)
{
    json_t *found = bf_finalizer_secure_boot(cli->state, p->machine, p->number);
    if (found)
        printf("Secure Boot: %s (checked %s)\n", text_of(found, "text"), text_of(found, "checked"));
    json_decref(found);
}

static void print_excluded(const json_t *inventory)
{
    size_t i;
    const json_t *disk;
    char bytes[BF_BYTES_TEXT];
    json_t *excluded = excluded_json(inventory);
    json_array_foreach(excluded, i, disk)
    {
        const char *model = text_of(disk, "model"), *serial = text_of(disk, "serial");
        printf("left out: %s%s%s, %s (%s)\n", *model || *serial ? model : text_of(disk, "path"),
               *model && *serial ? " " : "", serial,
               bf_bytes_text((uint64_t)json_integer_value(json_object_get(disk, "bytes")), bytes),
               text_of(disk, "why"));
    }
    json_decref(excluded);
}

// In short below a list of points, range by range below a single one.
static void print_unreadable(const struct bf_cli *cli, const struct bf_point *p, int one)
{
    struct bf_unreadable_row *row = NULL;
    size_t rows = 0;
    uint64_t bytes = 0;
    char text[BF_BYTES_TEXT];
    bf_db_unreadable_list(cli->db, p->session, &row, &rows);
    for (size_t i = 0; i < rows; i++)
        bytes += row[i].bytes;
    if (rows)
        printf("%s@%u: %s of the source could not be read, and reads as zero\n", p->machine,
               p->number, bf_bytes_text(bytes, text));
    for (size_t i = 0; one && i < rows && i < UNREADABLE_LINES; i++)
        printf("  disk %u: %llu bytes from byte %llu on\n", row[i].disk,
               (unsigned long long)row[i].bytes, (unsigned long long)row[i].offset);
    if (one && rows > UNREADABLE_LINES)
        printf("  and %zu more range%s: --json lists them all\n", rows - UNREADABLE_LINES,
               bf_plural(rows - UNREADABLE_LINES));
    free(row);
}

static void print_objects(const struct bf_cli *cli, const struct listing *l,
                          const struct bf_image_ref *ref)
{
    struct bf_table t;
    size_t rows = 0;
    bf_table_begin(&t, "FINALIZED", "MADE", "REPORT", NULL);
    for (size_t i = 0; i < l->points; i++)
        for (size_t k = 0; k < l->objects; k++) {
            const struct bf_object *o = &l->object[k];
            char name[96], made[BF_TIME_TEXT], report[4200];
            if (!belongs(o, &l->point[i], ref))
                continue;
            bf_snprintf(name, sizeof name, "%s@%u/%u", o->machine, o->point, o->number);
            report_path(cli, o, report, sizeof report);
            bf_table_row(&t, name, bf_time_text(o->created, made), report);
            rows++;
        }
    if (rows)
        printf("\n");
    else
        t.rows = 0; // no heading without rows
    bf_table_print(&t);
}

static int print_text(const struct bf_cli *cli, const struct listing *l,
                      const struct bf_image_ref *ref, int one)
{
    if (l->points == 0) {
        printf("%s has no recovery point yet: boot it from its medium, and watch with\n"
               "bootferry status %s --watch\n",
               ref->machine, ref->machine);
        return BF_CLI_OK;
    }
    print_table(l, ref);
    if (one) {
        json_t *inventory = bf_point_inventory(cli->db, &l->point[0]);
        printf("\n");
        print_disks(&l->point[0]);
        bf_cli_print_places(cli->db, l->point[0].session, 1, "\n");
        print_grew(cli, &l->point[0]);
        print_source(inventory);
        print_boot_entries(inventory);
        print_secure_boot(cli, &l->point[0]);
        print_excluded(inventory);
        bf_cli_print_unseen(cli->db, l->point[0].session, "");
        json_decref(inventory);
    }
    for (size_t i = 0; i < l->points; i++)
        print_unreadable(cli, &l->point[i], one);
    print_objects(cli, l, ref);
    return BF_CLI_OK;
}

static int run(struct bf_cli *cli)
{
    struct bf_machine machine;
    struct bf_image_ref ref;
    struct listing l = {0};
    const char *text = cli->argument[0];
    int one = strchr(text, '@') != NULL, status;
    if (bf_image_ref_parse(text, &ref))
        return bf_cli_usage(cli, "\"%s\" is not of the form NAME[@POINT[/K]]", text);
    status = one ? bf_cli_open_ref(cli, text, 1, &ref) : bf_cli_open_machine(cli, text, &machine);
    if (status)
        return status;
    if (load(cli->db, &ref, one, &l))
        status = bf_cli_fail(bf_db_fault(cli->db));
    else
        status = cli->json ? print_json(cli, &l, &ref) : print_text(cli, &l, &ref, one);
    free(l.point);
    free(l.object);
    return status;
}

const struct bf_cli_command bf_command_points = {
    .name = "points",
    .usage = "NAME[@POINT[/K]]",
    .summary = "List recovery points, their disks, and what was finalized from them",
    .details =
        "NAME@POINT shows the disks of one point with their digests, what is on them and where,\n"
        "what was left out, what was copied whole and why, the source's NICs, and which of its\n"
        "storage was not seen.",
    .min = 1,
    .max = 1,
    .json = 1,
    .run = run,
};
