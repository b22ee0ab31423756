// SPDX-License-Identifier: Apache-2.0
// The QEMU of a new machine as a process: it is nobody's child, known by the lock on its pid file,
// and asked over QMP.
#ifndef BF_REPLICA_TARGETS_QEMU_PROCESS_H
#define BF_REPLICA_TARGETS_QEMU_PROCESS_H

#include "replica/qemu/qmp.h"
#include "replica/targets/qemu_place.h"

// The process, 0 when there is none. *folder: where it was started, of the job or of the home.
pid_t bf_qemu_pid(const struct bf_qemu_machine *q, int *folder);

// Connects to it. BF_ERR_NOT_FOUND when it does not run.
enum bf_err bf_qemu_connect(const struct bf_qemu_machine *q, struct bf_qmp **qmp,
                            struct bf_fault *fault);

// Runs the script and waits until QEMU answers; its last words are in the fault when it does not.
enum bf_err bf_qemu_launch(const struct bf_qemu_machine *q, struct bf_fault *fault);

// Ends it, whatever it does; it is gone when this returns.
enum bf_err bf_qemu_kill(const struct bf_qemu_machine *q, struct bf_fault *fault);

// Whether one was killed or broke down: it left its pid file.
bool bf_qemu_left_ungone(const struct bf_qemu_machine *q);

#endif
