// SPDX-License-Identifier: Apache-2.0
// The files of a new machine under QEMU: overlays in the job's folder, and what stands for them at
// home.
#ifndef BF_REPLICA_TARGETS_QEMU_IMAGES_H
#define BF_REPLICA_TARGETS_QEMU_IMAGES_H

#include "replica/targets/qemu_place.h"

// Makes overlays and firmware variables, durable, whatever a killed attempt left.
enum bf_err bf_qemu_make_images(struct bf_qemu_machine *q, struct bf_fault *fault);
// By how many bytes the overlays have grown since; none for disks that are at home.
uint64_t bf_qemu_growth(const struct bf_qemu_machine *q);
// Removes overlays, variables and sockets of the job's folder, and the script; what tells of the
// machine (console, evidence, QEMU's log) stays.
void bf_qemu_remove_files(const struct bf_qemu_machine *q);

// Chooses the home, makes its folder and records it. to: a folder, in which one of the machine's
// name is made; NULL: machines/NAME/home-JOB. One that was chosen before stays.
enum bf_err bf_qemu_choose_home(struct bf_qemu_machine *q, const char *to, struct bf_fault *fault);
// Gives an unfinished home up again, with everything in it.
enum bf_err bf_qemu_leave_home(struct bf_qemu_machine *q, struct bf_fault *fault);
// The home's files, absolute. disk: its number in the machine.
enum bf_err bf_qemu_home_path(const struct bf_qemu_machine *q, uint32_t disk, char out[PATH_MAX],
                              struct bf_fault *fault);
// Makes an empty image at home, in place of what is there; or an empty file for the variables.
enum bf_err bf_qemu_make_empty(const struct bf_qemu_machine *q, uint32_t disk,
                               struct bf_fault *fault);
enum bf_err bf_qemu_make_variables(const struct bf_qemu_machine *q, struct bf_fault *fault);
// Copies what is not at home yet there, while the machine is off.
enum bf_err bf_qemu_convert(const struct bf_qemu_machine *q, struct bf_fault *fault);

// Bytes that all files of the machine's disks take now: the most that a copy can take.
uint64_t bf_tgt_allocated(const struct bf_tgt *tgt);
// BF_ERR_NO_SPACE when the file system of the folder has less than that.
enum bf_err bf_tgt_check_room(int folder, const char *name, uint64_t bytes, struct bf_fault *fault);

#endif
