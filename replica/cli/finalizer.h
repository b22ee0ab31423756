// SPDX-License-Identifier: Apache-2.0
// A run of the finalizer's VM over a recovery point, as several commands start it.
#ifndef BF_REPLICA_CLI_FINALIZER_H
#define BF_REPLICA_CLI_FINALIZER_H

#include "replica/cli/cli.h"
#include "replica/jobs/finalizer.h"

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

// The plan that the options make, checked; *plan is the caller's. The exit status, with the reason
// printed: BF_CLI_USAGE when no option makes one.
int bf_finalizer_compose(const struct bf_cli *cli, const char *kind, char **plan, size_t *len);
// The same with the option --target for the kind.
int bf_finalizer_plan(const struct bf_cli *cli, char **plan, size_t *len);
// The keys of --plan that an inspection needs, checked; *plan stays as it is without that option,
// else it is the caller's. The exit status, with the reason printed.
int bf_finalizer_keys(const struct bf_cli *cli, char **plan, size_t *len);
// The limits of a run that the options give: seconds, and MiB for each disk. 0, and a usage message
// printed, when one is none.
int bf_finalizer_limits(const struct bf_cli *cli, unsigned *deadline, uint64_t *overlay_mib);
// Finds the VM and takes its limits from the options. The exit status.
int bf_finalizer_begin(const struct bf_cli *cli, struct bf_finalizer *f);
// Opens the point NAME[@POINT], and checks f->run.plan, if there is one, against the NICs that its
// source had. The exit status.
int bf_finalizer_open(struct bf_cli *cli, struct bf_finalizer *f, const char *ref);
// From here on SIGINT and the like stop the VM, and bf_finalizer_work() returns BF_ERR_CANCELLED.
void bf_finalizer_catch(void);
// All three, for the point that the command names. The exit status.
int bf_finalizer_start(struct bf_cli *cli, struct bf_finalizer *f);
// Prints a report as the command's options have it.
void bf_finalizer_print(const struct bf_cli *cli, const json_t *report);

#endif
