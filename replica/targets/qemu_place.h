// SPDX-License-Identifier: Apache-2.0
// The new machine under QEMU as its files tell of it: the script `start` in the job's folder, which
// is also the one record of where its disks are, written whole or not at all.
#ifndef BF_REPLICA_TARGETS_QEMU_PLACE_H
#define BF_REPLICA_TARGETS_QEMU_PLACE_H

#include "replica/targets/qemu_args.h"

// One machine for the time of one call.
struct bf_qemu_machine {
    const struct bf_tgt *tgt;
    int folder; // of the job
    int home;   // of the machine; -1: none
    bool made;
    struct bf_qemu_place place;
};

// Opens the folders and reads the record. To be closed also after a failure.
enum bf_err bf_qemu_open(const struct bf_tgt *tgt, struct bf_qemu_machine *q,
                         struct bf_fault *fault);
void bf_qemu_shut(struct bf_qemu_machine *q);

// Whether all of it is at home, so that nothing of the replica is needed.
bool bf_qemu_is_home(const struct bf_qemu_machine *q);

// Writes the script for q->place. Where all of it is at home, that of the home comes first, and the
// job's leads there.
enum bf_err bf_qemu_record(struct bf_qemu_machine *q, struct bf_fault *fault);
// The script's text for the job's folder; the caller's. NULL without memory.
char *bf_qemu_script(const struct bf_tgt *tgt, const struct bf_qemu_place *place, bool at_home,
                     struct bf_fault *fault);

// The path of a name in the folder, or of the folder, absolute, for QEMU, whose own is another.
enum bf_err bf_qemu_path(const struct bf_qemu_machine *q, int folder, const char *name,
                         char out[PATH_MAX], struct bf_fault *fault);

// Makes of the script in the job's folder what is on record of a machine that is at home: its disks
// by their numbers, and whether it has UEFI's variables. BF_ERR_CORRUPT when it tells of no disk.
enum bf_err bf_qemu_recorded(const struct bf_tgt *tgt, struct bf_tgt_machine *m,
                             struct bf_fault *fault);
// The same of the script's text; for tests.
bool bf_qemu_place_machine(const char *text, struct bf_tgt_machine *m);

// Reads the lines of a script that tell of the place; for tests.
bool bf_qemu_place_parse(const char *text, const struct bf_tgt_machine *m,
                         struct bf_qemu_place *place);

// qemu_host.c: what this host has. code and variables: OVMF's files for the machine.
enum bf_err bf_qemu_firmware(const struct bf_tgt_machine *m, const char **code,
                             const char **variables, struct bf_fault *fault);
enum bf_err bf_qemu_check_host(const struct bf_tgt *tgt, struct bf_fault *fault);
// Whether it runs with KVM; why, in a few words.
enum bf_err bf_qemu_accelerator(const struct bf_tgt *tgt, bool *kvm, char *why, size_t size,
                                struct bf_fault *fault);

#endif
