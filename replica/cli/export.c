// SPDX-License-Identifier: Apache-2.0
// bootferry export: one disk of a point, or of what was finalized from it, as a file.
#include <stdio.h>
#include <string.h>

#include "replica/cli/cli.h"
#include "replica/cli/interrupt.h"
#include "replica/cli/progress.h"
#include "replica/state/owner.h"

static const struct bf_cli_option options[] = {
    {"--disk", "N", 0, "the disk's number, as points NAME@POINT lists it"},
    {"--format", "raw|qcow2", 0, "the format to write; name it again wherever the file is used"},
    {NULL, NULL, 0, NULL},
};

static int run(struct bf_cli *cli)
{
    struct bf_image_ref ref;
    struct bf_cli_progress progress;
    struct bf_fault fault;
    char name[96];
    uint64_t disk;
    const char *word = bf_cli_value(cli, "--format", 0);
    if (!bf_cli_has(cli, "--disk") || !word)
        return bf_cli_usage(cli, "--disk and --format are needed");
    if (!bf_cli_number(cli, "--disk", 0, BF_PROTO_DISKS_MAX - 1, 0, &disk))
        return BF_CLI_USAGE;
    if (strcmp(word, "raw") != 0 && strcmp(word, "qcow2") != 0)
        return bf_cli_usage(cli, "--format %s: must be raw or qcow2", word);
    int status = bf_cli_open_ref(cli, cli->argument[0], 1, &ref);
    if (status)
        return status;
    bf_cli_interrupt_catch();
    bf_cli_progress_begin(&progress, "exporting disk", (unsigned)disk);
    bf_owner_leave(); // the file is the operator's
    enum bf_err err = bf_image_export(cli->state, &ref, (uint16_t)disk,
                                      word[0] == 'r' ? BF_IMAGE_RAW : BF_IMAGE_QCOW2,
                                      cli->argument[1], bf_cli_progress_show, &progress, &fault);
    bf_owner_enter(bf_state_path(cli->state));
    bf_cli_progress_end(&progress);
    if (err)
        return bf_cli_fail(&fault);
    bf_image_ref_text(&ref, name);
    printf("Wrote disk %u of %s to %s, format %s (mode 0600).\n", (unsigned)disk, name,
           cli->argument[1], word);
    return BF_CLI_OK;
}

const struct bf_cli_command bf_command_export = {
    .name = "export",
    .usage = "NAME[@POINT[/K]] --disk N --format raw|qcow2 FILE",
    .summary = "Write one disk of a point, or of what was finalized from it, to a file",
    .details =
        "FILE must not exist; it appears complete or not at all. An export does not compare\n"
        "what it writes with the digests of the point: damage in the store goes into the\n"
        "file, with exit status 0. Run bootferry verify NAME[@POINT] first.\n"
        "Start a machine from it only after the source has been switched off for good: never\n"
        "run both copies.",
    .min = 2,
    .max = 2,
    .options = options,
    .run = run,
};
