// SPDX-License-Identifier: Apache-2.0
// bootferry verify: reads a point back from the store and compares every digest.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/cli/cli.h"
#include "replica/cli/out.h"
#include "replica/cli/interrupt.h"
#include "replica/cli/progress.h"

struct outcome {
    uint16_t disk;
    enum bf_err err;
    struct bf_image_verdict verdict;
    struct bf_fault fault;
};

static json_t *outcome_json(const struct outcome *o)
{
    const struct bf_image_verdict *v = &o->verdict;
    return json_pack("{s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "disk", (int)o->disk,
                     "ok", o->err == BF_OK, "chunks", (json_int_t)v->chunks, "bytes",
                     (json_int_t)v->bytes, "damaged", (json_int_t)v->damaged, "unused",
                     (json_int_t)v->unused, "unreadable", (json_int_t)v->unreadable, "zero",
                     (json_int_t)v->zero, "root", bf_json_hex(v->root.bytes, 32), "error",
                     o->err ? bf_json_text(o->fault.what) : json_null());
}

static void print_outcome(const struct outcome *o)
{
    char bytes[BF_BYTES_TEXT], root[65];
    const struct bf_image_verdict *v = &o->verdict;
    bf_hex(root, v->root.bytes, 32);
    if (o->err == BF_OK)
        printf(
            "disk %u: good, %s compared in %llu chunk%s (%llu zero, %llu unused, %llu unreadable)"
            "\n        root %s\n",
            o->disk, bf_bytes_text(v->bytes, bytes), (unsigned long long)v->chunks,
            bf_plural(v->chunks), (unsigned long long)v->zero, (unsigned long long)v->unused,
            (unsigned long long)v->unreadable, root);
    else if (v->damaged)
        printf("disk %u: DAMAGED, %llu chunk%s differed, from chunk %llu on\n", o->disk,
               (unsigned long long)v->damaged, bf_plural(v->damaged),
               (unsigned long long)v->first_damaged);
    else
        printf("disk %u: NOT VERIFIED\n", o->disk);
}

static enum bf_err verify_disk(struct bf_cli *cli, const struct bf_image_ref *ref,
                               struct outcome *o)
{
    struct bf_cli_progress progress;
    bf_cli_progress_begin(&progress, "verifying disk", o->disk);
    o->err = bf_image_verify(cli->state, ref, o->disk, bf_cli_progress_show, &progress, &o->verdict,
                             &o->fault);
    bf_cli_progress_end(&progress);
    return o->err;
}

static uint64_t unreadable_bytes(struct bf_cli *cli, const struct bf_point *point)
{
    struct bf_unreadable_row *row = NULL;
    size_t rows = 0;
    uint64_t bytes = 0;
    bf_db_unreadable_list(cli->db, point->session, &row, &rows);
    for (size_t i = 0; i < rows; i++)
        bytes += row[i].bytes;
    free(row);
    return bytes;
}

static void print_verdict(const char *name, uint64_t unused, uint64_t unreadable)
{
    char bytes[BF_BYTES_TEXT];
    printf("%s is the same as the source", name);
    if (unused)
        printf(", except for what its file systems call unused, which reads as zero");
    if (unreadable)
        printf("%s for %s that could not be read and also reads as zero",
               unused ? ", and" : ", except", bf_bytes_text(unreadable, bytes));
    printf(".\n");
}

static int verify_point(struct bf_cli *cli, const struct bf_image_ref *ref,
                        const struct bf_point *point)
{
    char name[96];
    struct bf_fault first = {0};
    uint64_t unused = 0;
    json_t *disks = json_array();
    bf_image_ref_text(ref, name);
    for (uint16_t i = 0; i < point->disks; i++) {
        struct outcome o = {.disk = point->disk[i].disk};
        if (verify_disk(cli, ref, &o) && !first.code)
            first = o.fault;
        if (o.err == BF_ERR_CANCELLED)
            break;
        unused += o.verdict.unused;
        json_array_append_new(disks, outcome_json(&o));
        if (!cli->json)
            print_outcome(&o);
    }
    if (cli->json)
        bf_json_print(json_pack("{s:s, s:b, s:I, s:O}", "ref", name, "ok", !first.code,
                                "unreadable_bytes", (json_int_t)unreadable_bytes(cli, point),
                                "disks", disks));
    json_decref(disks);
    if (first.code)
        return bf_cli_fail(&first);
    if (!cli->json)
        print_verdict(name, unused, unreadable_bytes(cli, point));
    return BF_CLI_OK;
}

static int run(struct bf_cli *cli)
{
    struct bf_image_ref ref;
    int status = bf_cli_open_ref(cli, cli->argument[0], 0, &ref);
    if (status)
        return status;
    bf_cli_interrupt_catch();
    struct bf_point *point = malloc(sizeof *point);
    if (!point || bf_db_point_get(cli->db, ref.machine, ref.point, point))
        status = bf_cli_fail(bf_db_fault(cli->db));
    else
        status = verify_point(cli, &ref, point);
    free(point);
    return status;
}

const struct bf_cli_command bf_command_verify = {
    .name = "verify",
    .usage = "NAME[@POINT]",
    .summary = "Read a recovery point back and compare every digest",
    .min = 1,
    .max = 1,
    .json = 1,
    .run = run,
};
