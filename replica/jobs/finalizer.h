// SPDX-License-Identifier: Apache-2.0
// A run of the finalizer's VM over a recovery point, for commands and for jobs.
#ifndef BF_REPLICA_JOBS_FINALIZER_H
#define BF_REPLICA_JOBS_FINALIZER_H

#include <jansson.h>

#include "finalize/host/run.h"
#include "replica/points/image.h"
#include "replica/state/state.h"

enum { BF_FINALIZER_PATH = 4352 };

struct bf_finalizer {
    struct bf_image_ref ref;
    struct bf_point point;
    struct bf_image_object object; // whose overlays are written to; its ref has no number: none
    struct bf_image_chain chain[BF_PROTO_DISKS_MAX];
    struct bf_run_disk disk[BF_RUN_DISKS];
    struct bf_run_file file[BF_RUN_DISKS][BF_RUN_CHAIN];
    char path[BF_RUN_DISKS][BF_RUN_CHAIN][BF_FINALIZER_PATH];
    char kernel[BF_FINALIZER_PATH], initramfs[BF_FINALIZER_PATH], memory[BF_FINALIZER_PATH];
    struct bf_run run; // run.mode and run.plan are the caller's
    // Called by bf_finalizer_apply() once the object has its number; NULL: nobody asks.
    enum bf_err (*begun)(void *user, const struct bf_image_object *object, struct bf_fault *fault);
    void *user;
    char *report; // of the last run; owned
    size_t report_len;
};

// NULL when out of memory.
struct bf_finalizer *bf_finalizer_new(void);
void bf_finalizer_free(struct bf_finalizer *f);

// Finds the VM's kernel and initramfs: in the folder given, or, NULL, beside the program.
enum bf_err bf_finalizer_find_vm(struct bf_finalizer *f, const char *given, struct bf_fault *fault);
// Opens a point, ref resolved, and checks f->run.plan, if there is one, against the NICs that its
// source had.
enum bf_err bf_finalizer_open_point(struct bf_state *state, struct bf_finalizer *f,
                                    const struct bf_image_ref *ref, struct bf_fault *fault);
// Runs f->run.mode. *report, when there is one, is the caller's, also after a failure.
// BF_ERR_CANCELLED when f->run.stop was asked for.
enum bf_err bf_finalizer_work(struct bf_state *state, struct bf_finalizer *f, json_t **report,
                              struct bf_fault *fault);
// Makes the next finalized object of the point, f->object, with the report beside its disks; after
// a failure nothing is left of it.
enum bf_err bf_finalizer_apply(struct bf_state *state, struct bf_finalizer *f, json_t **report,
                               struct bf_fault *fault);
// What the last run over a point found of Secure Boot: "starts", "text", "authorities" of the
// report, and when it was "checked". Owned by the caller; NULL: there was none.
json_t *bf_finalizer_secure_boot(const struct bf_state *state, const char *machine, uint32_t point);

#endif
