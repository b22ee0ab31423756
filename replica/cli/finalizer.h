// SPDX-License-Identifier: Apache-2.0
// A run of the finalizer's VM over a recovery point, as several commands start it.
#ifndef BF_REPLICA_CLI_FINALIZER_H
#define BF_REPLICA_CLI_FINALIZER_H

#include <jansson.h>

#include "finalize/host/run.h"
#include "replica/cli/cli.h"

enum { BF_CLI_PATH = 4352 };

// The options that choose the VM and bound its run, and those that make a plan.
#define BF_FINALIZER_RUN_OPTIONS                                                                   \
    {"--vm", "DIR", 0, "the folder with the finalizer's kernel and initramfs"},                    \
        {"--deadline", "SECONDS", 0, "the limit of the whole run (600)"},                          \
    {                                                                                              \
        "--overlay", "MIB", 0, "how much the run may write to each disk (2048)"                    \
    }
#define BF_FINALIZER_PLAN_OPTIONS                                                                  \
    {"--plan", "FILE", 0, "what the system is to become (docs/finalizer.md)"},                     \
        {"--mac", "MAC:ip:...", 1, "an address for a NIC: MAC:ip:ADDR[,GW[,LEN[,DNS...]]]"},       \
    {                                                                                              \
        "--target", "KIND", 0, "the new machine's kind, where no plan says it"                     \
    }

struct bf_finalizer {
    struct bf_image_ref ref;
    struct bf_point point;
    struct bf_image_object object; // whose overlays are written to; its ref has no number: none
    struct bf_image_chain chain[BF_PROTO_DISKS_MAX];
    struct bf_run_disk disk[BF_RUN_DISKS];
    struct bf_run_file file[BF_RUN_DISKS][BF_RUN_CHAIN];
    char path[BF_RUN_DISKS][BF_RUN_CHAIN][BF_CLI_PATH];
    char kernel[BF_CLI_PATH], initramfs[BF_CLI_PATH], memory[BF_CLI_PATH];
    struct bf_run run; // run.mode and run.plan are the caller's
    char *report;      // of the last run; owned
    size_t report_len;
};

// NULL when out of memory.
struct bf_finalizer *bf_finalizer_new(void);
void bf_finalizer_free(struct bf_finalizer *f);

// The plan that the options make, checked; *plan is the caller's. The exit status, with the reason
// printed: BF_CLI_USAGE when no option makes one.
int bf_finalizer_plan(const struct bf_cli *cli, char **plan, size_t *len);
// The keys of --plan that an inspection needs, checked; *plan stays as it is without that option,
// else it is the caller's. The exit status, with the reason printed.
int bf_finalizer_keys(const struct bf_cli *cli, char **plan, size_t *len);
// Finds the VM and takes its limits from the options. The exit status.
int bf_finalizer_begin(const struct bf_cli *cli, struct bf_finalizer *f);
// Opens the point NAME[@POINT], and checks f->run.plan, if there is one, against the NICs that its
// source had. The exit status.
int bf_finalizer_open(struct bf_cli *cli, struct bf_finalizer *f, const char *ref);
// What the last run over a point found of Secure Boot: "starts", "text", "authorities" of the
// report, and when it was "checked". Owned by the caller; NULL: there was none.
json_t *bf_finalizer_secure_boot(const struct bf_cli *cli, const char *machine, uint32_t point);
// From here on SIGINT and the like stop the VM, and bf_finalizer_run() returns BF_ERR_CANCELLED.
void bf_finalizer_catch(void);
// All three, for the point that the command names. The exit status.
int bf_finalizer_start(struct bf_cli *cli, struct bf_finalizer *f);
// Runs it. *report, when there is one, is the caller's, also after a failure.
enum bf_err bf_finalizer_run(struct bf_cli *cli, struct bf_finalizer *f, json_t **report,
                             struct bf_fault *fault);
// Prints a report as the command's options have it.
void bf_finalizer_print(const struct bf_cli *cli, const json_t *report);

#endif
